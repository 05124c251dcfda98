"""Comparing what two functions take or give, by structure, shape and dtype.

In: types of leaves and their structures. Out: nothing, or an error that shows both sides by path.
Imports `tree`, `errors`, `ir`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans import tree
from functrans.errors import StructureError
from functrans.ir.type import ArrayType

MAX_LINES = 9              # of the differences that an error shows


def describe_types(types: Sequence[ArrayType], structure) -> dict:
    """Types by path."""
    leaves = tree.unflatten(structure, list(types))
    return {tree.keystr(path) or "the value": kind
            for path, kind in tree.leaves_with_path(leaves)}


def require_same_types(left: Sequence[ArrayType], left_tree, right: Sequence[ArrayType],
                       right_tree, intro: str, left_name: str, right_name: str):
    """Raises, with both sides side by side, unless structures and types agree."""
    if left_tree == right_tree and all(a.matches(b) for a, b in zip(left, right)):
        return
    a, b = describe_types(left, left_tree), describe_types(right, right_tree)
    lines = [f"{intro}:"]
    if left_tree != right_tree:
        lines += [f"  {left_name}: {left_tree}", f"  {right_name}: {right_tree}"]
    for path in list(dict.fromkeys([*a, *b])):
        x, y = a.get(path), b.get(path)
        if x is None or y is None or not x.matches(y):
            lines.append(f"  at {path}: {left_name} {x or 'has nothing'}, "
                         f"{right_name} {y or 'has nothing'}")
    lines.append(_advice(a, b))
    if len(lines) > MAX_LINES:
        lines[MAX_LINES:-1] = [f"  ... and {len(lines) - MAX_LINES - 1} more"]
    raise StructureError("\n".join(lines))


def _advice(a: dict, b: dict) -> str:
    pairs = [(a[path], b[path]) for path in a if path in b and not a[path].matches(b[path])]
    if pairs and all(x.shape == y.shape for x, y in pairs):
        return "Convert with .astype(dtype), or start from an array of the dtype that comes out."
    return "Structures, shapes and dtypes must be equal."
