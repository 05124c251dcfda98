"""Partial: a function with some arguments, as a tree.

Imports `register`.
"""
from __future__ import annotations

from functrans.errors import ArgumentError
from functrans.tree.keys import GetAttrKey
from functrans.tree.register import register_node


class Partial:
    """`functools.partial` as a node of trees: the arguments are children, the function is
    structure.

    So a function that holds arrays can go into and come out of a compiled function.

    Args:
      func: the function; hashable.
      args, keywords: its first arguments, and those by name.

    Example:
      >>> from functrans import tree
      >>> add = tree.Partial(lambda x, y: x + y, 1)
      >>> add(2), tree.leaves(add), tree.map(lambda x: 10 * x, add)(2)
      (3, [1], 12)
    """

    __slots__ = ("func", "args", "keywords")

    def __init__(self, func, /, *args, **keywords):
        if not callable(func):
            raise ArgumentError(f"Partial takes a function first, got {func!r}")
        self.func, self.args, self.keywords = func, args, keywords

    def __call__(self, *args, **keywords):
        return self.func(*self.args, *args, **{**self.keywords, **keywords})

    def __repr__(self):
        shown = [repr(self.func), *map(repr, self.args)]
        shown += [f"{name}={value!r}" for name, value in self.keywords.items()]
        return f"Partial({', '.join(shown)})"


def _flatten(partial: Partial):
    return (partial.args, partial.keywords), partial.func


def _flatten_with_keys(partial: Partial):
    children = (GetAttrKey("args"), partial.args), (GetAttrKey("keywords"), partial.keywords)
    return children, partial.func


def _unflatten(func, children) -> Partial:
    """Children may be anything (see `register_node`), so nothing is checked."""
    partial = object.__new__(Partial)
    partial.func, (partial.args, partial.keywords) = func, children
    return partial


register_node(Partial, _flatten, _unflatten, _flatten_with_keys)
