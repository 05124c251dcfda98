"""Keys for the metadata of nodes: exact, cheap to compare, and safe to keep.

`1`, `1.0` and `True` are equal in Python, but a program traced for one is wrong for the others;
so the key of a value holds its type. A value that is compared by identity (a function, say)
goes into a key as its id, so that no key keeps alive what a closure holds.

Imports the standard library only.
"""
from __future__ import annotations

from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType

_ATOMS = frozenset((str, int, bool, bytes, type(None), type(Ellipsis)))


def exact_key(value) -> tuple:
    """A hashable key that two values share only if they are the same to a program.

    Args:
      value: the metadata of a node.

    Returns:
      (key, plain). The key is None if the value has no hash. `plain` says that a cache may keep
      the value for good: it is small, and nothing hangs on it.

    Example:
      >>> exact_key(1)[0] == exact_key(True)[0], exact_key((1, "a"))[0] == exact_key((1, "a"))[0]
      (False, True)
    """
    kind = type(value)
    if kind in _ATOMS:
        return (kind, value), True
    if kind is tuple:
        return _tuple_key(value)
    if kind is float or kind is complex:
        return (kind, repr(value)), True      # -0.0 is not 0.0, nan is nan
    if _by_identity(kind):
        return ("id", id(value)), _is_global(value)
    return _hashed_key(value)


def _tuple_key(values: tuple) -> tuple:
    keys, plain = [], True
    for value in values:
        key, is_plain = exact_key(value)
        if key is None:
            return None, False
        keys.append(key)
        plain = plain and is_plain
    return (tuple, *keys), plain


def _by_identity(kind: type) -> bool:
    return kind.__hash__ is object.__hash__ and kind.__eq__ is object.__eq__


def _is_global(value) -> bool:
    """Whether a value is a function or class that its module keeps alive anyway."""
    if isinstance(value, FunctionType | type):
        return "<" not in value.__qualname__      # neither <locals> nor <lambda>
    return isinstance(value, BuiltinFunctionType) and isinstance(value.__self__, ModuleType)


def _hashed_key(value) -> tuple:
    try:
        hash(value)
    except TypeError:
        return None, False
    return (type(value), value), isinstance(value, Enum) or _is_global(value)
