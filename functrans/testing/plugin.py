"""What the plugin for pytest does when a test asks for it; see entry/functrans_pytest.py.

In: what pytest hands over. Out: targets, a report of arrays that differ. Imports functrans's public
functions, and pytest when a test is skipped.
"""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager

import numpy as np

import functrans as ft
from functrans.errors import TargetError
from functrans.jit import target_names

#: The kernels in plain Python are those of `cpu`: the fixture leaves them out unless named.
_UNLESS_NAMED = ("interpret",)


def targets_for(marked: Sequence[str], chosen: Sequence[str]) -> list[str]:
    """The targets of a test: those of its marker, else all; of them those that were chosen."""
    known = target_names()
    unknown = [name for name in (*marked, *chosen) if name not in known]
    if unknown:
        raise TargetError(f"there is no target {unknown[0]!r}; there are {', '.join(known)}")
    names = marked or [name for name in known if name not in _UNLESS_NAMED or name in chosen]
    return [name for name in names if not chosen or name in chosen]


@contextmanager
def using_target(name: str):
    """`jit` compiles for this target; skips the test where the machine does not have it."""
    with ft.config.override(target=name):
        try:
            ft.jit(lambda x: x + 1)(1.0)
        except (TargetError, ImportError) as error:
            import pytest
            pytest.skip(f"the target {name} is not there: {error}".splitlines()[0])
        yield


def comparison(op: str, left, right) -> list[str] | None:
    """How two arrays of functrans differ; None for other values."""
    if not all(isinstance(value, (ft.Array, np.ndarray)) for value in (left, right)) \
            or not any(isinstance(value, ft.Array) for value in (left, right)):
        return None
    lines = [f"{_kind(left)} {op} {_kind(right)}"]
    if left.shape != right.shape or left.dtype != right.dtype:
        return [*lines, "shapes or dtypes differ"]
    a, b = np.asarray(left), np.asarray(right)
    wrong = ~((a == b) | ((a != a) & (b != b)))
    lines.append(f"{np.count_nonzero(wrong)} of {wrong.size} entries differ")
    for index in np.argwhere(wrong)[:5].tolist():
        lines.append(f"  {index}: {a[tuple(index)]} {op} {b[tuple(index)]}")
    return lines


def _kind(array) -> str:
    return f"{type(array).__name__}({array.dtype.name}{list(array.shape)})"
