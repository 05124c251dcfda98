"""What counts as a node: the built-in containers, and the table of all classes that do.

A `Kind` knows one class of nodes: how to take an object apart and how to put it together. A
`Layout` is a kind together with what a node holds besides its children (the keys of a
dict, the static fields of a dataclass). Each layout keeps a table from the structures of
the children to the finished `TreeDef`, so that flattening a known structure builds nothing.

In: classes. Out: kinds and layouts. Imports `keys` and `metadata`.
"""
from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from operator import itemgetter

from functrans.errors import ArgumentError, StructureError
from functrans.tree.keys import DictKey, FlattenedIndexKey, GetAttrKey, SequenceKey
from functrans.tree.metadata import exact_key

LOCK = threading.RLock()
CACHE_LIMIT = 1024      # a cache that holds more is emptied: it only saves time


class Layout:
    """A kind of node with its metadata.

    `key` stands for both in hashes (None: the metadata has no hash); `plain` says that the
    metadata may be kept alive by caches; `table` finds the TreeDef for given children.
    """

    __slots__ = ("kind", "aux", "key", "plain", "table")

    def __init__(self, kind: Kind, aux, key, plain: bool):
        self.kind, self.aux, self.key, self.plain = kind, aux, key, plain
        self.table = {}


class Kind:
    """One class of nodes. The base class serves those without metadata: tuple and list."""

    sized = True        # whether len(tree) is the number of children

    def __init__(self, type_: type):
        self.type = type_
        self.layouts = {}
        self.bare = Layout(self, None, (self,), True)
        self.recent = {}        # from a size to pairs (matcher, TreeDef); see `flatten`

    def split(self, tree) -> tuple:
        """The children of a node and its layout."""
        return tree, self.bare

    def layout_of(self, aux) -> Layout:
        """The layout with this metadata."""
        return self.bare

    def matches(self, aux, other) -> bool:
        """Whether nodes with these metadata correspond to one another."""
        return aux == other

    def keys(self, tree, layout: Layout, count: int) -> list:
        """The path keys of the children."""
        return [SequenceKey(index) for index in range(count)]

    def build(self, aux, children: list):
        """A node of this kind."""
        return self.type(children)

    def source(self, aux, children: list, name) -> str:
        """The Python expression that builds a node.

        `children` are expressions; `name(value)` gives the name of a constant.
        """
        return f"[{', '.join(children)}]"

    def match_source(self, aux, tree: str, children: list, name) -> list | None:
        """Statements that take a node apart into variables, or return None if it is another.

        None if there is no quick and exact way to tell.
        """
        check = f"if type({tree}) is not {name(self.type)} or len({tree}) != {len(children)}:"
        unpack = f"[{', '.join(children)}] = {tree}"
        return [f"{check} return None", unpack]

    def show(self, aux, children: list) -> str:
        """How a TreeDef writes a node of this kind."""
        return self.source(aux, children, str)

    def describe(self, aux, count: int) -> str:
        """How an error message calls a node of this kind."""
        return f"{self.type.__name__} of {count}"


class TupleKind(Kind):
    """tuple."""

    def source(self, aux, children, name):
        return f"({', '.join(children)}{',' if len(children) == 1 else ''})"


class NoneKind(Kind):
    """None: a node without children."""

    sized = False

    def split(self, tree):
        return (), self.bare

    def build(self, aux, children):
        return None

    def source(self, aux, children, name):
        return "None"

    def match_source(self, aux, tree, children, name):
        return [f"if {tree} is not None: return None"]

    def describe(self, aux, count):
        return "None"


class NamedTupleKind(Kind):
    """One class of named tuples; `_make` skips a `__new__` that takes other arguments."""

    def keys(self, tree, layout, count):
        return [GetAttrKey(field) for field in self.type._fields]

    def build(self, aux, children):
        return self.type._make(children)

    def source(self, aux, children, name):
        return f"{name(self.type._make)}(({''.join(f'{child}, ' for child in children)}))"

    def show(self, aux, children):
        fields = zip(self.type._fields, children)
        return f"{self.type.__name__}({', '.join(f'{key}={child}' for key, child in fields)})"


# ---- dicts: a layout is a set of keys in their order ----

def sorted_keys(keys: tuple) -> tuple:
    """The keys of a dict in the order of its leaves."""
    try:
        return tuple(sorted(keys))
    except TypeError:
        shown = ", ".join(f"{key!r} ({type(key).__name__})" for key in keys)
        raise StructureError(
            f"the keys of a dict in a tree must have an order, these do not: {shown}. Use "
            "keys of one type, or a collections.OrderedDict, which keeps its own order"
        ) from None


def _picker(keys: tuple):
    """A function from a dict to the tuple of its values, in the order of `keys`."""
    if len(keys) > 1:
        return itemgetter(*keys)
    if keys:
        key, = keys
        return lambda tree: (tree[key],)
    return lambda tree: ()


def _literal(key, name) -> str:
    return repr(key) if type(key) in (str, int) else name(key)


class DictKind(Kind):
    """dict: the leaves come in the order of the sorted keys."""

    def __init__(self, type_):
        super().__init__(type_)
        self.orders = {}        # from keys as they were inserted to (function, layout)

    def split(self, tree):
        order = tuple(tree)
        # Equal keys of several types (1 and True) are different layouts. Strings, the usual
        # keys, equal no key of another type.
        if order and type(order[0]) is not str:
            order = (order, tuple(map(type, order)))
        pick, layout = self.orders.get(order) or self._add_order(order, tuple(tree))
        return pick(tree), layout

    def _add_order(self, order, inserted: tuple) -> tuple:
        layout = self.layout_of(self.order(inserted))
        in_order = layout.aux == inserted
        entry = (self.type.values if in_order else _picker(layout.aux)), layout
        if layout.plain:
            remember(self.orders, order, entry)
        return entry

    def order(self, keys: tuple) -> tuple:
        """The order of the leaves of a dict with these keys, inserted in this order."""
        return sorted_keys(keys)

    def layout_of(self, aux):
        return keyed_layout(self, aux)

    def keys(self, tree, layout, count):
        return [DictKey(key) for key in layout.aux]

    def build(self, aux, children):
        return self.type(zip(aux, children))

    def source(self, aux, children, name):
        items = zip((_literal(key, name) for key in aux), children)
        return f"{{{', '.join(f'{key}: {child}' for key, child in items)}}}"

    def match_source(self, aux, tree, children, name):
        if not all(type(key) is str for key in aux):
            return None
        check = f"if type({tree}) is not {name(self.type)} or len({tree}) != {len(children)}:"
        takes = [f"{child} = {tree}[{key!r}]" for key, child in zip(aux, children)]
        return [f"{check} return None", *takes]     # a KeyError is caught

    def show(self, aux, children):
        return DictKind.source(self, aux, children, repr)

    def describe(self, aux, count):
        return f"{self.type.__name__} with keys {', '.join(map(repr, aux))}" if aux else (
            f"empty {self.type.__name__}")


class OrderedDictKind(DictKind):
    """OrderedDict: the leaves come in the order of insertion, which is part of the tree."""

    def order(self, keys):
        return keys

    def source(self, aux, children, name):
        return f"{name(self.type)}({super().source(aux, children, name)})"

    def match_source(self, aux, tree, children, name):
        return None

    def show(self, aux, children):
        return f"OrderedDict({super().show(aux, children)})"


class DefaultDictKind(Kind):
    """defaultdict: a dict and the function that makes what is missing."""

    def split(self, tree):
        keys = sorted_keys(tuple(tree))
        layout = self.layout_of((tree.default_factory, keys))
        return [tree[key] for key in keys], layout

    def layout_of(self, aux):
        return keyed_layout(self, aux)

    def keys(self, tree, layout, count):
        return [DictKey(key) for key in layout.aux[1]]

    def build(self, aux, children):
        return defaultdict(aux[0], zip(aux[1], children))

    def source(self, aux, children, name):
        items = DictKind.source(self, aux[1], children, name)
        return f"{name(defaultdict)}({name(aux[0])}, {items})"

    def match_source(self, aux, tree, children, name):
        return None

    def show(self, aux, children):
        factory = getattr(aux[0], "__name__", repr(aux[0]))
        return f"defaultdict({factory}, {DictKind.source(self, aux[1], children, repr)})"

    def describe(self, aux, count):
        return DictKind.describe(self, aux[1], count)


# ---- layouts of classes with metadata of any type ----

def remember(cache: dict, key, value):
    """Puts a value into a cache, which is emptied first if it is full."""
    if len(cache) >= CACHE_LIMIT:
        cache.clear()
    cache[key] = value


def keyed_layout(kind: Kind, aux) -> Layout:
    """The layout of `kind` with metadata `aux`, from the kind's cache where that is safe."""
    key, plain = exact_key(aux)
    found = kind.layouts.get(key) if plain else None
    if found is None:
        found = Layout(kind, aux, None if key is None else (kind, key), plain)
        if plain:
            remember(kind.layouts, key, found)
    return found


def flat_keys(count: int) -> list:
    """The path keys of children without names."""
    return [FlattenedIndexKey(index) for index in range(count)]


# ---- the table of all kinds ----

LEAF_TYPES: set[type] = set()       # types seen at leaves, for a quick look at many at once


def _is_named_tuple(type_: type) -> bool:
    return issubclass(type_, tuple) and isinstance(getattr(type_, "_fields", None), tuple)


class _Kinds(dict):
    """From a type to its kind; None is the kind of leaves. Unknown types are looked at once."""

    def __missing__(self, type_):
        with LOCK:
            if type_ not in self:
                self[type_] = NamedTupleKind(type_) if _is_named_tuple(type_) else None
                if self[type_] is None:
                    LEAF_TYPES.add(type_)
            return self[type_]


KINDS = _Kinds()


def add_kind(kind: Kind):
    """Makes a class of nodes known.

    Errors: ValueError if it is known already.
    """
    with LOCK:
        known = KINDS.get(kind.type)
        if known is not None and type(known) is not NamedTupleKind:
            raise ArgumentError(f"{kind.type.__module__}.{kind.type.__qualname__} is registered as "
                                "a node of trees already; a class can be registered once")
        LEAF_TYPES.discard(kind.type)
        KINDS[kind.type] = kind
        if known is not None:       # what was remembered took it for a plain named tuple
            for other in filter(None, KINDS.values()):
                other.recent.clear()


for _kind in (TupleKind(tuple), Kind(list), NoneKind(type(None)), DictKind(dict),
              OrderedDictKind(OrderedDict), DefaultDictKind(defaultdict)):
    add_kind(_kind)
