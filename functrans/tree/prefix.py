"""Trees that begin alike: prefixes, broadcasting along them, and saying where trees differ.

In: trees and TreeDefs. Out: lists of subtrees and leaves, or errors that name the place.
Imports `flattening`, `kinds`, `keys`.
"""
from __future__ import annotations

from functrans.errors import StructureError
from functrans.tree.flattening import flatten, structure
from functrans.tree.keys import place
from functrans.tree.kinds import KINDS
from functrans.tree.treedef import TreeDef


class _Mismatch(Exception):
    """The structure is no prefix of the tree's."""


def flatten_up_to(treedef: TreeDef, tree, what: str = "trees") -> list:
    """The subtrees of `tree` at the leaves of `treedef`; see `TreeDef.flatten_up_to`.

    `what` is how an error message begins: "trees differ at ...".
    """
    matcher = treedef.matcher()
    found = matcher and matcher(tree)
    if found is not None:
        return found
    subtrees = []
    try:
        _walk_up_to(treedef, tree, subtrees)
    except _Mismatch:
        raise StructureError(_difference(treedef, tree, what)) from None
    return subtrees


def _walk_up_to(treedef: TreeDef, tree, subtrees: list):
    layout = treedef.layout
    if layout is None:
        subtrees.append(tree)
        return
    children = _children_like(layout, tree)
    if children is None or len(children) != len(treedef.parts):
        raise _Mismatch
    for part, child in zip(treedef.parts, children):
        _walk_up_to(part, child, subtrees)


def _children_like(layout, tree):
    """The children of `tree` if it is a node with this layout, else None."""
    kind = KINDS[type(tree)]
    if kind is not layout.kind:
        return None
    children, other = kind.split(tree)
    alike = other is layout or kind.matches(layout.aux, other.aux)
    return children if alike else None


def _difference(treedef: TreeDef, tree, what: str) -> str:
    path, part, other = _first_difference((), treedef, tree)
    return (f"{what} differ {place(path)}: {_describe_structure(part)} against "
            f"{_describe(other)}\n  first:  {_shown(treedef)}\n  second: {_shown(structure(tree))}")


def _first_difference(path: tuple, treedef: TreeDef, tree):
    layout = treedef.layout
    if layout is None:
        return None
    children = _children_like(layout, tree)
    if children is None or len(children) != len(treedef.parts):
        return path, treedef, tree
    keys = layout.kind.keys(tree, layout, len(children))
    found = (_first_difference((*path, key), part, child)
             for key, part, child in zip(keys, treedef.parts, children))
    return next((difference for difference in found if difference), None)


def _describe_structure(treedef: TreeDef) -> str:
    layout = treedef.layout
    return layout.kind.describe(layout.aux, len(treedef.parts))


def _describe(tree) -> str:
    if KINDS[type(tree)] is None:
        return f"a leaf ({type(tree).__name__})"
    return _describe_structure(structure(tree))


def _shown(treedef: TreeDef, limit: int = 2000) -> str:
    text = repr(treedef)
    return text if len(text) <= limit else text[:limit] + " ..."


def broadcast_prefix(prefix, tree, is_leaf=None, none_is_leaf: bool = False) -> list:
    """The leaves of a prefix, each repeated for the leaves of the subtree in its place.

    Args:
      prefix: a tree that begins like `tree`, and may end (in a leaf) where that goes on.
      tree: the full tree.
      is_leaf: what counts as a leaf of the prefix; see `flatten`.
      none_is_leaf: whether None in the prefix is a leaf, not an empty node.

    Returns:
      A list with one leaf of the prefix for each leaf of the tree.

    Errors:
      StructureError, with the place, if the prefix does not fit.

    Example:
      >>> from functrans import tree
      >>> tree.broadcast_prefix((0, None), ((1, 2), {"a": 3}), none_is_leaf=True)
      [0, 0, None]
    """
    stop = _or_none(is_leaf) if none_is_leaf else is_leaf
    values, treedef = flatten(prefix, stop)
    subtrees = flatten_up_to(treedef, tree, "the prefix and the tree")
    return [value for value, subtree in zip(values, subtrees)
            for _ in range(structure(subtree).num_leaves)]


def _or_none(is_leaf):
    if is_leaf is None:
        return lambda tree: tree is None
    return lambda tree: tree is None or is_leaf(tree)


def broadcast(prefix_tree, full_tree, is_leaf=None):
    """A tree like `full_tree` with the leaves of `prefix_tree`; see `broadcast_prefix`.

    Example:
      >>> from functrans import tree
      >>> tree.broadcast((0, 1), ((7, 7), {"a": 7}))
      ((0, 0), {'a': 1})
    """
    return structure(full_tree).unflatten(broadcast_prefix(prefix_tree, full_tree, is_leaf))
