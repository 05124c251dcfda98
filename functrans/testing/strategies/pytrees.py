"""Pytrees: dicts, lists, tuples, None and named tuples around leaves.

In: a strategy for leaves. Out: strategies for trees.
"""
from __future__ import annotations

from typing import NamedTuple

from functrans.testing.strategies.base import st, strategy


class Pair(NamedTuple):
    """A node with names."""
    first: object
    second: object


def pytrees(leaves, max_leaves: int = 6):
    """Nested dicts, lists, tuples, named tuples and None, with `leaves` (a strategy) in them.

    They shrink to a single leaf.

    >>> from hypothesis import find, strategies as st
    >>> from functrans.testing import strategies as fst
    >>> find(fst.pytrees(st.just(1.0)), lambda tree: isinstance(tree, dict) and tree)
    {'a': 1.0}
    """
    def around(inner):
        return st.one_of(
            st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple),
            st.dictionaries(st.sampled_from(["a", "b", "w"]), inner, max_size=3),
            st.tuples(inner, inner).map(lambda pair: Pair(*pair)), st.none())
    return st.recursive(strategy(leaves), around, max_leaves=max_leaves)
