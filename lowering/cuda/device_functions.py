"""What a kernel calls: device functions of its own module.

In: functions, or what numba made of them. Out: functions, names, parts of a key. Imports nothing.
"""
from __future__ import annotations

from collections.abc import Callable

GRID_BARRIER = "this_grid"        # whoever calls this waits for the whole grid


def plain(function) -> Callable:
    """The Python function that numba was given."""
    return getattr(function, "py_func", function)


def called(function: Callable) -> dict[str, Callable]:
    """The functions of its module that a function calls, by their names."""
    function = plain(function)
    found = {name: plain(function.__globals__.get(name)) for name in function.__code__.co_names}
    return {name: each for name, each in found.items() if hasattr(each, "__code__")}


def names_in(function, seen: dict) -> set:
    """The names in the code of a function, and of those of its module that it calls."""
    code = getattr(plain(function), "__code__", None)
    if code is None or code in seen:
        return set()
    seen[code] = True
    return set(code.co_names).union(*(names_in(each, seen) for each in called(function).values()))


def waits_for_grid(function) -> bool:
    """Whether a kernel has a barrier for all its blocks, which must then run at once."""
    return GRID_BARRIER in names_in(function, {})


def code_parts(function) -> tuple:
    """What decides what a kernel does: its own code, and that of the functions that it calls."""
    code = plain(function).__code__
    own = (code.co_code.hex(), repr(code.co_consts), code.co_names, code.co_varnames)
    return own, *((name, *code_parts(each)) for name, each in sorted(called(function).items()))
