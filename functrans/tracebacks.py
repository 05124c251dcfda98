"""Folding the frames of the library out of tracebacks, so that the user's own lines remain.

`boundary` decorates what users call and what calls their functions back. Errors of other calls that
nobody catches are folded when Python shows them, by a hook. With `config.tracebacks = "full"`
tracebacks stay as they are. Imports `config`, `errors`, `locations`.
"""
from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import TracebackType

from functrans.config import config
from functrans.errors import FunctransError
from functrans.locations import is_internal


def boundary(function: Callable) -> Callable:
    """`function`, whose errors show the frames of its callers' and callees' code alone."""
    @wraps(function)
    def guarded(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as error:
            fold(error)
            raise
    return guarded


def fold(error: BaseException):
    """Takes the frames of the library out of an error's traceback.

    The last ones stay if they are where an error arose that the library does not raise by
    intention: then it may be at fault itself.
    """
    if config.tracebacks == "full":
        return
    _fold_frames(error)
    for link in ("__cause__", "__context__"):
        inner = getattr(error, link)
        if isinstance(inner, FunctransError) and isinstance(error, FunctransError):
            fold(inner)
            if inner.__traceback__ is None:           # raised and caught within the library
                setattr(error, link, None)


def _fold_frames(error: BaseException):
    frames = []
    entry = error.__traceback__
    while entry is not None:
        frames.append(entry)
        entry = entry.tb_next
    end = len(frames)
    if not isinstance(error, FunctransError):
        while end and is_internal(frames[end - 1].tb_frame.f_code.co_filename):
            end -= 1
    kept = [entry for number, entry in enumerate(frames)
            if number >= end or not is_internal(entry.tb_frame.f_code.co_filename)]
    error.__traceback__ = _chain(kept)


def _chain(entries: list) -> TracebackType | None:
    chain = None
    for entry in reversed(entries):
        chain = TracebackType(chain, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return chain


def _show(kind, error, trace):
    """What Python calls for an error that nobody catches."""
    if isinstance(error, FunctransError):
        fold(error)
        trace = error.__traceback__
    _shown_before(kind, error, trace)


_shown_before = sys.excepthook
sys.excepthook = _show
