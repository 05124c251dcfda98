"""While loops that give up: the switch `while_trip_limit`.

A loop counts its steps in its carry, ends at the limit, and then looks whether it had come to its
end; so it does on every target, under every transformation. Imports `tree`, `api.callbacks`.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans import tree
from functrans.api.callbacks import debug_callback
from functrans.api.calls import function_name
from functrans.config import config
from functrans.errors import TripLimitError
from functrans.locations import describe, user_location
from functrans.numpy.promotion import as_arraylike
from functrans.primitives.elementwise import and_, lt

# How many numbers of the carry a message shows.
_SHOWN = 6


def limited(cond_fun: Callable, body_fun: Callable, run: Callable, init_val):
    """`run(cond_fun, body_fun, init_val)`, a while loop, for as many steps as are allowed.

    Raises TripLimitError if its condition still holds then.
    """
    limit, where = config.while_trip_limit, describe(user_location())

    def test(state):
        goes_on = as_arraylike(cond_fun(state[1]))
        if goes_on.shape or goes_on.dtype != bool:
            return goes_on                       # what the loop will complain of
        return and_(goes_on, lt(state[0], np.int64(limit)))

    def step(state):
        return state[0] + 1, body_fun(state[1])

    test.__name__, step.__name__ = function_name(cond_fun), function_name(body_fun)
    count, value = run(test, step, (np.int64(0), init_val))
    shown = {_label(path): leaf for path, leaf in tree.leaves_with_path(value) if not leaf.shape}
    shown = dict(list(shown.items())[:_SHOWN])

    def check(goes_on, values):
        if goes_on:
            raise TripLimitError(_message(limit, where, values))
    debug_callback(check, cond_fun(value), shown)
    return value


def _label(path) -> str:
    return f"carry{tree.keystr(path)}"


def _message(limit: int, where: str, values: dict) -> str:
    shown = ", ".join(f"{name} = {value}" for name, value in values.items())
    return (f"while_loop had not come to its end after {limit} steps.\n  at: {where}\n"
            + (f"  then {shown}\n" if shown else "") +
            "Its condition still holds: does the body bring the carry to the end, can it be NaN? "
            "More steps are\nallowed by config.while_trip_limit; 0 is no limit.")
