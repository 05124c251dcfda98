"""Taking trees apart: flatten, with or without paths.

This is on the way of every call of a compiled function, so the common cases are short: a single
leaf costs one look into the table of kinds, and a node whose children are all leaves one pass
in C over their types.

In: trees. Out: leaves and TreeDefs. Imports `kinds` and `treedef`.
"""
from __future__ import annotations

from functrans.tree.kinds import KINDS, LEAF_TYPES, remember
from functrans.tree.treedef import LEAF, TreeDef, node

_RECENT = 4     # matchers tried for a tree, by its class and size, before it is flattened


def flatten(tree, is_leaf=None) -> tuple[list, TreeDef]:
    """The leaves of a tree, and its structure.

    Args:
      tree: any object. Tuples, lists, dicts (in the order of their sorted keys), OrderedDicts,
        defaultdicts, named tuples, None (a node without children) and registered classes are
        nodes; all else is a leaf.
      is_leaf: called with each node and leaf before it is taken apart; if true, it is a leaf.

    Returns:
      (leaves, treedef): a list, and the structure for `unflatten`.

    Errors:
      StructureError if the keys of a dict have no order.

    Example:
      >>> from functrans import tree
      >>> tree.flatten({"b": (2, 3), "a": 1, "c": None})
      ([1, 2, 3], TreeDef({'a': *, 'b': (*, *), 'c': None}))
    """
    if is_leaf is not None:
        leaves = []
        return leaves, _flatten_until(tree, leaves, is_leaf)
    kind = KINDS[type(tree)]
    if kind is None:
        return [tree], LEAF
    size = len(tree) if kind.sized else None
    for match, treedef in kind.recent.get(size, ()):
        leaves = match(tree)
        if leaves is not None:
            return leaves, treedef
    return _flatten_known(kind, size, tree)


def _flatten_known(kind, size: int | None, tree) -> tuple[list, TreeDef]:
    """Flattens step by step; a structure that comes often gets a matcher for the next time."""
    leaves = []
    treedef = _flatten_node(kind, tree, leaves)
    matcher = treedef.plain and treedef.matcher()
    if matcher:
        recent = kind.recent.get(size, ())
        if (matcher, treedef) not in recent:
            remember(kind.recent, size, ((matcher, treedef), *recent[:_RECENT - 1]))
    return leaves, treedef


def _flatten_node(kind, tree, leaves: list) -> TreeDef:
    children, layout = kind.split(tree)
    if len(children) > 4 and LEAF_TYPES.issuperset(map(type, children)):
        leaves.extend(children)
        parts = (LEAF,) * len(children)
        return layout.table.get(len(children)) or node(layout, parts)
    parts = []
    for child in children:
        if type(child) in LEAF_TYPES:
            leaves.append(child)
            parts.append(LEAF)
        elif child_kind := KINDS[type(child)]:
            parts.append(_flatten_node(child_kind, child, leaves))
        else:
            leaves.append(child)
            parts.append(LEAF)
    parts = tuple(parts)
    try:
        return layout.table.get(parts) or node(layout, parts)
    except TypeError:       # a part cannot be hashed
        return node(layout, parts)


def _flatten_until(tree, leaves: list, is_leaf) -> TreeDef:
    kind = None if is_leaf(tree) else KINDS[type(tree)]
    if kind is None:
        leaves.append(tree)
        return LEAF
    children, layout = kind.split(tree)
    return node(layout, tuple([_flatten_until(child, leaves, is_leaf) for child in children]))


def leaves(tree, is_leaf=None) -> list:
    """The leaves of a tree; see `flatten`.

    Example:
      >>> from functrans import tree
      >>> tree.leaves({"b": (2, 3), "a": 1})
      [1, 2, 3]
    """
    return flatten(tree, is_leaf)[0]


def structure(tree, is_leaf=None) -> TreeDef:
    """The structure of a tree; see `flatten`.

    Example:
      >>> from functrans import tree
      >>> tree.structure([1, (2, None)])
      TreeDef([*, (*, None)])
    """
    return flatten(tree, is_leaf)[1]


def unflatten(treedef: TreeDef, leaves):
    """A tree of the given structure; see `TreeDef.unflatten`.

    Example:
      >>> from functrans import tree
      >>> tree.unflatten(tree.structure((1, [2])), ["a", "b"])
      ('a', ['b'])
    """
    return treedef.unflatten(leaves)


def flatten_with_path(tree, is_leaf=None, is_leaf_takes_path=False) -> tuple[list, TreeDef]:
    """The leaves of a tree, each with its path, and the structure.

    Args:
      tree, is_leaf: as for `flatten`.
      is_leaf_takes_path: calls `is_leaf(path, node)` instead of `is_leaf(node)`.

    Returns:
      (pairs, treedef); a pair is (path, leaf), a path a tuple of keys (see `keystr`).

    Example:
      >>> from functrans import tree
      >>> pairs, treedef = tree.flatten_with_path({"a": [1, 2]})
      >>> [(tree.keystr(path), leaf) for path, leaf in pairs]
      [("['a'][0]", 1), ("['a'][1]", 2)]
    """
    pairs = []
    return pairs, _flatten_paths((), tree, pairs, _stopper(is_leaf, is_leaf_takes_path))


def _stopper(is_leaf, takes_path: bool):
    if is_leaf is None:
        return lambda path, tree: False
    return is_leaf if takes_path else lambda path, tree: is_leaf(tree)


def _flatten_paths(path: tuple, tree, pairs: list, stop) -> TreeDef:
    kind = None if stop(path, tree) else KINDS[type(tree)]
    if kind is None:
        pairs.append((path, tree))
        return LEAF
    children, layout = kind.split(tree)
    keys = kind.keys(tree, layout, len(children))
    return node(layout, tuple([_flatten_paths((*path, key), child, pairs, stop)
                               for key, child in zip(keys, children)]))


def leaves_with_path(tree, is_leaf=None, is_leaf_takes_path=False) -> list:
    """The pairs (path, leaf) of a tree; see `flatten_with_path`."""
    return flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]
