"""Finding the line of the user's code that called into the library.

Imports `ir` only.
"""
from __future__ import annotations

import os
import sys
import warnings
from contextvars import ContextVar

from functrans.ir.program import Location

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_LOWERING = os.path.join(os.path.dirname(os.path.dirname(_PACKAGE)), "lowering") + os.sep
_TEXTS = "functrans_text"            # the folder of the texts of compiled Programs that are run
_internal_files: dict[str, bool] = {}

# The location of the equation that a transformation is working on: what it makes of it
# belongs to the same line of the user's.
_inherited: ContextVar[Location | None] = ContextVar("functrans_location", default=None)


def is_internal(filename: str) -> bool:
    """Whether a file belongs to the library (its testing tools count as users)."""
    known = _internal_files.get(filename)
    if known is None:
        path = os.path.abspath(filename)
        known = path.startswith((_PACKAGE, _LOWERING)) or filename.startswith("<frozen") \
            or os.path.basename(os.path.dirname(path)) == _TEXTS
        _internal_files[filename] = known
    return known


def user_location() -> Location | None:
    """The innermost frame that does not belong to the library."""
    inherited = _inherited.get()
    if inherited is not None:
        return inherited
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if not is_internal(code.co_filename):
            return Location(code, frame.f_lineno, frame.f_lasti)
        frame = frame.f_back
    return None


class located:
    """Within this block, new equations belong to `location` (if that is known)."""

    __slots__ = ("location", "token")

    def __init__(self, location: Location | None):
        self.location = location

    def __enter__(self):
        self.token = _inherited.set(self.location or _inherited.get())

    def __exit__(self, *exception):
        _inherited.reset(self.token)


def describe(location: Location | None) -> str:
    """`train.py:12, in loss: x @ w`, or a word for what is not known."""
    if location is None:
        return "an unknown line"
    text = location.expression or location.text
    tail = f": {text}" if text else ""
    return f"{location.file}:{location.line}, in {location.function}{tail}"


def warn_user(warning: Warning):
    """Issues a warning at the innermost line that does not belong to the library."""
    frame, level = sys._getframe(1), 2
    while frame is not None and is_internal(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    warnings.warn(warning, stacklevel=level)
