"""What is done with whole trees: map, reduce, transpose.

The functions have the short names of the public module (`ft.tree.map`), which hide Python's
own here. Imports `flattening` and `prefix`.
"""
from __future__ import annotations

import builtins
import functools

from functrans.errors import ArgumentError, StructureError
from functrans.tree.flattening import flatten, flatten_with_path, structure
from functrans.tree.kinds import KINDS
from functrans.tree.prefix import flatten_up_to
from functrans.tree.treedef import TreeDef

_MISSING = object()


def map(f, tree, *rest, is_leaf=None):
    """`f` applied to each leaf, in a tree of the same structure.

    Args:
      f: a function of one leaf of `tree`, and of what is in its place in each of `rest`.
      tree: the tree whose structure the result has.
      rest: trees that begin like `tree`; they may go on below its leaves.
      is_leaf: what counts as a leaf of `tree`; see `flatten`.

    Returns:
      A tree like `tree` with the results.

    Errors:
      StructureError, with the place, if one of `rest` does not begin like `tree`.

    Example:
      >>> from functrans import tree
      >>> tree.map(lambda x, y: x + y, {"a": 1, "b": (2, 3)}, {"a": 10, "b": (20, 30)})
      {'a': 11, 'b': (22, 33)}
    """
    leaves, treedef = flatten(tree, is_leaf)
    if not rest:
        return treedef.unflatten([f(leaf) for leaf in leaves])
    columns = [leaves, *(flatten_up_to(treedef, other) for other in rest)]
    return treedef.unflatten([f(*row) for row in zip(*columns)])


def map_with_path(f, tree, *rest, is_leaf=None, is_leaf_takes_path=False):
    """Like `map`, with the path as the first argument of `f`; see `keystr`.

    Example:
      >>> from functrans import tree
      >>> tree.map_with_path(lambda path, x: tree.keystr(path) + f" is {x}", {"a": [1]})
      {'a': ["['a'][0] is 1"]}
    """
    pairs, treedef = flatten_with_path(tree, is_leaf, is_leaf_takes_path)
    columns = [flatten_up_to(treedef, other) for other in rest]
    return treedef.unflatten(
        [f(path, leaf, *row) for (path, leaf), *row in zip(pairs, *columns)])


def reduce(function, tree, initializer=_MISSING, is_leaf=None):
    """`function` applied to the leaves cumulatively, from the first to the last.

    Args:
      function: of the result so far and a leaf.
      tree: the tree.
      initializer: what the first leaf is combined with; without it, the first leaf begins.
      is_leaf: see `flatten`.

    Errors:
      TypeError if there is neither a leaf nor an initializer.

    Example:
      >>> from functrans import tree
      >>> tree.reduce(lambda total, x: total + x, {"a": 1, "b": (2, 3)}, 10)
      16
    """
    leaves, treedef = flatten(tree, is_leaf)
    if initializer is not _MISSING:
        return functools.reduce(function, leaves, initializer)
    if not leaves:
        raise ArgumentError(f"reduce of a tree without leaves, {treedef}, needs an initializer")
    return functools.reduce(function, leaves)


def reduce_associative(operation, tree, *, identity=_MISSING, is_leaf=None):
    """The leaves combined by an associative function, neighbours first.

    Args:
      operation: a function of two leaves, or of two results of its own.
      tree: the tree.
      identity: the result for a tree without leaves.
      is_leaf: see `flatten`.

    Returns:
      The result, to which each leaf has come through as few calls as there can be.

    Errors:
      TypeError if there is neither a leaf nor an identity.

    Example:
      >>> from functrans import tree
      >>> tree.reduce_associative(lambda x, y: f"({x} {y})", ["a", "b", "c", "d"])
      '((a b) (c d))'
    """
    results, treedef = flatten(tree, is_leaf)
    if not results and identity is _MISSING:
        raise ArgumentError(f"reduce_associative of a tree without leaves, {treedef}, needs an "
                            "identity")
    while len(results) > 1:
        pairs = [operation(x, y) for x, y in zip(results[::2], results[1::2])]
        results = pairs + results[2 * len(pairs):]
    return results[0] if results else identity


def all(tree, *, is_leaf=None) -> bool:
    """Whether all leaves are true.

    Example:
      >>> from functrans import tree
      >>> tree.all({"a": True, "b": (1, 0)}), tree.all(())
      (False, True)
    """
    return builtins.all(flatten(tree, is_leaf)[0])


def transpose(outer_treedef: TreeDef, inner_treedef: TreeDef | None, pytree_to_transpose):
    """Turns a tree of trees inside out.

    Args:
      outer_treedef: the structure of the outer part of the tree.
      inner_treedef: the structure of the subtrees in its leaves; None takes that of the first.
      pytree_to_transpose: a tree of structure `outer_treedef.compose(inner_treedef)`.

    Returns:
      A tree of structure `inner_treedef.compose(outer_treedef)`.

    Errors:
      StructureError, with the place, if the tree is not of this structure; ValueError if
      `inner_treedef` is None and `outer_treedef` has no leaf.

    Example:
      >>> from functrans import tree
      >>> tree.transpose(tree.structure({"a": 0, "b": 0}), tree.structure([0, 0]),
      ...                {"a": [1, 2], "b": [3, 4]})
      [{'a': 1, 'b': 3}, {'a': 2, 'b': 4}]
    """
    outer, inner, tree = outer_treedef, inner_treedef, pytree_to_transpose
    subtrees = flatten_up_to(outer, tree, "the outer structure and the tree")
    if inner is None:
        inner = _inner_structure(outer, subtrees)
    whole = outer.compose(inner)
    leaves = flatten_up_to(whole, tree, "the composed structure and the tree")
    _require_leaves(whole, leaves, tree)
    rows = [leaves[start:start + inner.num_leaves]
            for start in range(0, len(leaves), inner.num_leaves or 1)]
    columns = zip(*rows) if rows else [()] * inner.num_leaves
    return inner.unflatten([outer.unflatten(column) for column in columns])


def _inner_structure(outer: TreeDef, subtrees: list) -> TreeDef:
    if not subtrees:
        raise ArgumentError(f"transpose cannot find the inner structure: {outer} has no leaves; "
                            "say it as the second argument")
    return structure(subtrees[0])


def _require_leaves(whole: TreeDef, leaves: list, tree):
    if builtins.any(KINDS[type(leaf)] for leaf in leaves):
        raise StructureError(f"transpose: the tree goes on below the leaves of the structures "
                             f"given\n  given: {whole}\n  tree:  {structure(tree)}")
