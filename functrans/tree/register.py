"""Making classes nodes of trees.

In: classes, and functions that take their objects apart. Out: kinds in the table of `kinds`.
Imports `kinds` and `keys`.
"""
from __future__ import annotations

import dataclasses
from operator import attrgetter

from functrans.errors import ArgumentError
from functrans.tree.keys import GetAttrKey
from functrans.tree.kinds import Kind, Layout, add_kind, flat_keys, keyed_layout


class _CustomKind(Kind):
    """A class with functions that take its objects apart and put them together."""

    sized = False

    def __init__(self, type_, flatten, unflatten, flatten_with_keys):
        super().__init__(type_)
        self.flatten, self.unflatten = flatten, unflatten
        self.flatten_with_keys = flatten_with_keys

    def split(self, tree):
        children, aux = self.flatten(tree)
        return (children if type(children) in (tuple, list) else tuple(children),
                self.layout_of(aux))

    def layout_of(self, aux) -> Layout:
        return keyed_layout(self, aux)

    def keys(self, tree, layout, count):
        if self.flatten_with_keys is None:
            return flat_keys(count)
        pairs, _ = self.flatten_with_keys(tree)
        return [key for key, _ in pairs]

    def build(self, aux, children):
        return self.unflatten(aux, tuple(children))

    def source(self, aux, children, name):
        items = "".join(f"{child}, " for child in children)
        return f"{name(self.unflatten)}({name(aux)}, ({items}))"

    def match_source(self, aux, tree, children, name):
        return None

    def show(self, aux, children):
        shown = children if aux is None else [*children, f"aux={aux!r}"]
        return f"{self.type.__name__}({', '.join(shown)})"

    def describe(self, aux, count):
        tail = "" if aux is None else f" with metadata {aux!r}"
        return f"{self.type.__name__} of {count}{tail}"


class _DataclassKind(Kind):
    """A class whose objects are made of fields: some hold children, some metadata."""

    sized = False

    def __init__(self, type_, data_fields: tuple, meta_fields: tuple):
        super().__init__(type_)
        self.data, self.meta = data_fields, meta_fields
        self.get_data, self.get_meta = _getter(data_fields), _getter(meta_fields)
        self.bare = keyed_layout(self, ())

    def split(self, tree):
        layout = keyed_layout(self, self.get_meta(tree)) if self.meta else self.bare
        return self.get_data(tree), layout

    def layout_of(self, aux):
        return keyed_layout(self, aux)

    def keys(self, tree, layout, count):
        return [GetAttrKey(field) for field in self.data]

    def _named(self, children, aux_texts) -> str:
        items = [*zip(self.data, children), *zip(self.meta, aux_texts)]
        return ", ".join(f"{field}={text}" for field, text in items)

    def build(self, aux, children):
        return self.type(**dict(zip(self.data, children)), **dict(zip(self.meta, aux)))

    def source(self, aux, children, name):
        return f"{name(self.type)}({self._named(children, map(name, aux))})"

    def match_source(self, aux, tree, children, name):
        # Metadata is compared by identity: quick and exact; what fails is flattened anew.
        checks = [f"if {tree}.{field} is not {name(value)}: return None"
                  for field, value in zip(self.meta, aux)]
        takes = [f"{child} = {tree}.{field}" for field, child in zip(self.data, children)]
        return [f"if type({tree}) is not {name(self.type)}: return None", *checks, *takes]

    def show(self, aux, children):
        return f"{self.type.__name__}({self._named(children, map(repr, aux))})"

    def describe(self, aux, count):
        fields = [f"{field}={value!r}" for field, value in zip(self.meta, aux)]
        return f"{self.type.__name__}{' with ' if fields else ''}{', '.join(fields)}"


def _getter(fields: tuple):
    """A function from an object to the tuple of its attributes `fields`."""
    if len(fields) == 1:
        get = attrgetter(*fields)
        return lambda tree: (get(tree),)
    return attrgetter(*fields) if fields else lambda tree: ()


def register_node(nodetype: type, flatten_func, unflatten_func,
                  flatten_with_keys_func=None) -> type:
    """Makes a class a node of trees.

    Args:
      nodetype: the class. Its subclasses are not registered by this.
      flatten_func: from an object to (children, aux). Children: an iterable of subtrees. Aux: what
        else the object is made of, hashable.
      unflatten_func: from (aux, children), children a tuple, to an object. It must take any
        objects as children: transformations put in more than arrays.
      flatten_with_keys_func: like `flatten_func`, with a pair (key, child) for each child.

    Returns:
      The class.

    Errors:
      ValueError if the class is registered already; TypeError if it is no class.

    Example:
      >>> from functrans import tree
      >>> class Interval:
      ...     def __init__(self, low, high):
      ...         self.low, self.high = low, high
      >>> _ = tree.register_node(Interval, lambda it: ((it.low, it.high), None),
      ...                        lambda aux, children: Interval(*children))
      >>> tree.leaves([Interval(1, 2), 3])
      [1, 2, 3]
    """
    _require_class(nodetype)
    if not callable(flatten_func) or not callable(unflatten_func):
        raise ArgumentError(f"register_node({nodetype.__qualname__}, ...) takes two functions, "
                            "flatten_func and unflatten_func; got "
                            f"{flatten_func!r} and {unflatten_func!r}")
    add_kind(_CustomKind(nodetype, flatten_func, unflatten_func, flatten_with_keys_func))
    return nodetype


def _require_class(cls):
    if not isinstance(cls, type):
        raise ArgumentError(f"only classes can be registered as nodes of trees, got {cls!r}")


def register_node_class(cls: type) -> type:
    """Makes a class with methods `tree_flatten` and `tree_unflatten` a node. A decorator.

    `tree_flatten(self)` returns (children, aux), `tree_unflatten(cls, aux, children)` is a class
    method; `tree_flatten_with_keys(self)`, if there is one, returns ((key, child) pairs, aux).

    Example:
      >>> from functrans import tree
      >>> @tree.register_node_class
      ... class Box:
      ...     def __init__(self, content):
      ...         self.content = content
      ...     def tree_flatten(self):
      ...         return (self.content,), None
      ...     @classmethod
      ...     def tree_unflatten(cls, aux, children):
      ...         return cls(*children)
      >>> tree.map(lambda x: x + 1, Box(1)).content
      2
    """
    return register_node(cls, cls.tree_flatten, cls.tree_unflatten,
                         getattr(cls, "tree_flatten_with_keys", None))


def register_static(cls: type) -> type:
    """Makes the objects of a class structure instead of data: nodes without children.

    A compiled function is compiled anew for each value. Equal objects must have equal hashes.

    Example:
      >>> from functrans import tree
      >>> from enum import Enum
      >>> @tree.register_static
      ... class Mode(Enum):
      ...     TRAIN = 1
      >>> tree.leaves((Mode.TRAIN, 5))
      [5]
    """
    return register_node(cls, lambda value: ((), value), lambda value, children: value)


# ---- dataclasses ----

def register_dataclass(nodetype: type | None = None, data_fields=None, meta_fields=None,
                       drop_fields=()):
    """Makes a dataclass a node of trees. A decorator, with or without arguments.

    Args:
      nodetype: the class. One that is no dataclass must have a constructor that takes the fields
        by keyword, and needs both lists.
      data_fields: the names of the fields that hold subtrees. Default: all that the constructor
        takes, but for those in `meta_fields` or marked by `static()`, that is, by
        `dataclasses.field(metadata={'static': True})`.
      meta_fields: the names of the fields that belong to the structure; hashable values.
      drop_fields: the names of fields to leave out (they get their defaults).

    Returns:
      The class, or the decorator.

    Errors:
      ValueError if the lists do not cover the fields, or the class is registered already.

    Example:
      >>> from functrans import tree
      >>> import dataclasses
      >>> @tree.register_dataclass
      ... @dataclasses.dataclass
      ... class Linear:
      ...     weight: object
      ...     name: str = tree.static(default="linear")
      >>> tree.flatten(Linear(3))
      ([3], TreeDef(Linear(weight=*, name='linear')))
    """
    if nodetype is None:
        return lambda cls: register_dataclass(cls, data_fields, meta_fields, drop_fields)
    _require_class(nodetype)
    data, meta = _field_lists(nodetype, data_fields, meta_fields, frozenset(drop_fields))
    add_kind(_DataclassKind(nodetype, data, meta))
    return nodetype


def static(**options):
    """A field of a dataclass that belongs to the structure; see `register_dataclass`.

    Args:
      options: those of `dataclasses.field`.

    Example:
      >>> from functrans import tree
      >>> dict(tree.static(default=1).metadata)
      {'static': True}
    """
    metadata = {**options.pop("metadata", {}), "static": True}
    return dataclasses.field(metadata=metadata, **options)


def _field_lists(cls: type, data, meta, dropped: frozenset) -> tuple:
    if not dataclasses.is_dataclass(cls):
        if data is None or meta is None:
            raise ArgumentError(
                f"{cls.__qualname__} is no dataclass: register_dataclass needs both "
                "data_fields and meta_fields")
        return tuple(data), tuple(meta)
    fields = [field for field in dataclasses.fields(cls)
              if field.init and field.name not in dropped]
    if meta is None:
        marked = [field.name for field in fields if field.metadata.get("static")]
        meta = [name for name in marked if data is None or name not in data]
    if data is None:
        data = [field.name for field in fields if field.name not in meta]
    _check_fields(cls, [field.name for field in fields], [*data, *meta])
    return tuple(data), tuple(meta)


def _check_fields(cls: type, fields: list, listed: list):
    if sorted(fields) != sorted(listed):
        raise ArgumentError(
            f"data_fields and meta_fields must name each field that the constructor "
            f"of {cls.__qualname__} takes once: it takes {fields}, they name "
            f"{listed}")
