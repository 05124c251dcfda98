"""TreeDef: the structure of a tree, without its leaves.

Equal structures are one object: `==` is `is`, and a hash costs nothing, so that a compiled
function finds its program by structure quickly. (Structures with metadata that has no hash are
the exception: they are compared piece by piece.)

In: layouts and the structures of children. Out: TreeDefs. Imports `kinds` and `build`.
"""
from __future__ import annotations

from weakref import WeakValueDictionary

from functrans.errors import ArgumentError, StructureError
from functrans.tree.build import (
    MAX_DEPTH,
    MAX_NODES,
    WrongCount,
    assemble,
    compile_builder,
    compile_matcher,
)
from functrans.tree.kinds import KINDS, LEAF_TYPES, LOCK, Layout, remember

_known: WeakValueDictionary[tuple, TreeDef] = WeakValueDictionary()
_SMALL = 1000       # structures with more leaves than this are not kept alive by caches


class TreeDef:
    """The structure of a tree: its nodes and their metadata, with a place for each leaf.

    Made by `flatten` and `structure`. Can be hashed, compared and pickled (classes of nodes by
    reference: who unpickles must have registered them).

    Example:
      >>> from functrans import tree
      >>> treedef = tree.structure({"a": 1, "b": (2, 3)})
      >>> treedef, treedef.num_leaves
      (TreeDef({'a': *, 'b': (*, *)}), 3)
      >>> treedef.unflatten([10, 20, 30])
      {'a': 10, 'b': (20, 30)}
    """

    __slots__ = ("layout", "parts", "num_leaves", "num_nodes", "depth", "plain",
                 "_builder", "_matcher", "_built", "_matched", "__weakref__")

    def __init__(self, layout: Layout | None, parts: tuple):
        """Use `flatten`, `structure` or `compose`."""
        self.layout, self.parts = layout, parts
        self.num_leaves = sum(part.num_leaves for part in parts) if layout else 1
        self.num_nodes = 1 + sum(part.num_nodes for part in parts)
        self.depth = 1 + max((part.depth for part in parts), default=0)
        self.plain = layout is None or layout.plain and all(part.plain for part in parts)
        self._builder = self._matcher = None
        self._built = self._matched = 0

    def __repr__(self):
        return f"TreeDef({self.show()})"

    def __reduce__(self):
        if self.layout is None:
            return restore, (None, None, ())
        return restore, (self.layout.kind.type, self.layout.aux, self.parts)

    def show(self) -> str:
        """The structure as text, with `*` for a leaf."""
        if self.layout is None:
            return "*"
        return self.layout.kind.show(self.layout.aux, [part.show() for part in self.parts])

    def is_leaf(self) -> bool:
        """Whether this is the structure of a single leaf."""
        return self.layout is None

    def node_data(self) -> tuple | None:
        """The class of the outermost node and its metadata; None for a leaf."""
        return self.layout and (self.layout.kind.type, self.layout.aux)

    def children(self) -> list[TreeDef]:
        """The structures of the children of the outermost node."""
        return list(self.parts)

    def unflatten(self, leaves):
        """A tree of this structure.

        Args:
          leaves: an iterable of exactly `num_leaves` leaves (of any type).

        Returns:
          The tree.

        Errors:
          StructureError if the number of leaves is another.
        """
        builder = self._builder or self._choose_builder()
        if type(leaves) is not list:
            leaves = list(leaves)
        try:
            return builder(leaves)
        except WrongCount:
            raise StructureError(
                f"{self} has {self.num_leaves} leaves, got {len(leaves)}") from None

    def _choose_builder(self):
        """A tree is built piece by piece at first; the second time, code is made for it."""
        self._built += 1
        if self._built < 2 or self.depth > MAX_DEPTH or self.num_nodes > MAX_NODES:
            return lambda leaves: assemble(self, leaves)
        self._builder = compile_builder(self)
        return self._builder

    def match(self, tree) -> list | None:
        """The leaves of a tree if it has this very structure.

        Much cheaper than `flatten`, for callers who expect a certain structure.

        Args:
          tree: any tree.

        Returns:
          The list of leaves, or None: the structure is another, or cannot be told cheaply.

        Example:
          >>> from functrans import tree
          >>> treedef = tree.structure((0, [0]))
          >>> treedef.match((1, [2])), treedef.match((1, 2))
          ([1, 2], None)
        """
        matcher = self._matcher
        if matcher is None:
            matcher = self._make_matcher()
        return matcher(tree) if matcher else None

    def matcher(self):
        """The function behind `match` once this has been asked for often; until then None."""
        if self._matcher is None:
            self._matched += 1
            if self._matched >= 3:
                self._make_matcher()
        return self._matcher or None

    def _make_matcher(self):
        small = self.depth <= MAX_DEPTH and self.num_nodes <= MAX_NODES
        self._matcher = small and compile_matcher(self, LEAF_TYPES) or False
        return self._matcher

    def flatten_up_to(self, tree) -> list:
        """The subtrees of `tree` at the places where this structure has leaves.

        Args:
          tree: a tree of which this structure is a prefix.

        Returns:
          A list of `num_leaves` subtrees.

        Errors:
          StructureError, with the place, if this structure is not a prefix of the tree's.

        Example:
          >>> from functrans import tree
          >>> tree.structure({"a": 0, "b": 0}).flatten_up_to({"a": (1, 2), "b": 3})
          [(1, 2), 3]
        """
        from functrans.tree.prefix import flatten_up_to
        return flatten_up_to(self, tree)

    def compose(self, inner: TreeDef) -> TreeDef:
        """This structure with `inner` in the place of each leaf.

        Example:
          >>> from functrans import tree
          >>> tree.structure((0, 0)).compose(tree.structure([0]))
          TreeDef(([*], [*]))
        """
        if self.layout is None:
            return inner
        return node(self.layout, tuple(part.compose(inner) for part in self.parts))


class _UnhashableTreeDef(TreeDef):
    """A structure with metadata that has no hash somewhere: compared piece by piece."""

    __slots__ = ()

    def __hash__(self):
        raise ArgumentError(f"{self} cannot be hashed: the metadata of its nodes must be hashable "
                            "(strings, numbers, tuples, functions)")

    def __eq__(self, other):
        if self is other:
            return True
        if type(other) is not _UnhashableTreeDef:
            return NotImplemented
        mine, theirs = self.layout, other.layout
        return (mine.kind is theirs.kind and self.parts == other.parts
                and mine.kind.matches(mine.aux, theirs.aux))


LEAF = TreeDef(None, ())


def node(layout: Layout, parts: tuple) -> TreeDef:
    """The TreeDef with this outermost node and these structures of its children."""
    if layout.key is None or _UnhashableTreeDef in map(type, parts):
        return _UnhashableTreeDef(layout, parts)
    # The key holds ids, not the parts: what the parts hold can then be freed with the TreeDef.
    key = (layout.key, *map(id, parts))
    with LOCK:
        found = _known.get(key)
        if found is None:
            found = _known[key] = TreeDef(layout, parts)
    if found.plain and found.num_leaves <= _SMALL:
        remember(layout.table, parts, found)
        if parts.count(LEAF) == len(parts):
            remember(layout.table, len(parts), found)
    return found


def restore(type_: type | None, aux, parts: tuple) -> TreeDef:
    """The TreeDef that was pickled."""
    if type_ is None:
        return LEAF
    kind = KINDS[type_]
    if kind is None:
        raise ArgumentError(f"this TreeDef holds nodes of {type_.__module__}.{type_.__qualname__}, "
                            "which is not registered in this process: call register_node first")
    return node(kind.layout_of(aux), tuple(parts))
