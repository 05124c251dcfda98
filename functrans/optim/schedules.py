"""Schedules: functions from the number of steps taken so far to a number, such as a learning rate.

    optimizer = ft.optim.adam(ft.optim.warmup_cosine_decay_schedule(0.0, 1e-3, 100, 1000))

A count may be a Python number, an array or a tracer; the value is in the default float dtype.

Imports `numpy`.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from functrans.errors import ArgumentError
from functrans.numpy import ufuncs
from functrans.numpy.choosing import where
from functrans.numpy.promotion import as_arraylike, promote_inexact
from functrans.optim.base import Schedule


def _steps(count):
    """A count as a float array."""
    return promote_inexact(as_arraylike(count, "a schedule"))[0]


def _positive(value, argument: str, name: str):
    if value <= 0:
        raise ArgumentError(f"{name}: {argument} must be positive, got {value!r}")
    return value


def constant_schedule(value) -> Schedule:
    """The same number at every step.

    >>> import functrans as ft
    >>> ft.optim.constant_schedule(0.1)(5)
    0.1
    """
    return lambda count: value


def polynomial_schedule(init_value, end_value, power, transition_steps: int,
                        transition_begin: int = 0) -> Schedule:
    """From one number to another along a power of the remaining time.

    init_value: until step `transition_begin`. end_value: from `transition_steps` later on. Between
    them: end_value + (init_value - end_value) * (1 - fraction of the steps done)**power.
    Raises ValueError unless transition_steps is positive.

    >>> import functrans as ft
    >>> ft.optim.polynomial_schedule(1.0, 0.0, power=2, transition_steps=10)(5)
    Array(0.25, dtype=float32)
    """
    _positive(transition_steps, "transition_steps", "polynomial_schedule")

    def schedule(count):
        done = ufuncs.clip(_steps(count) - transition_begin, 0, transition_steps)
        left = 1 - done / transition_steps
        return end_value + (init_value - end_value) * left ** power
    return schedule


def linear_schedule(init_value, end_value, transition_steps: int,
                    transition_begin: int = 0) -> Schedule:
    """From one number to another in equal steps; see `polynomial_schedule`.

    >>> import functrans as ft
    >>> ft.optim.linear_schedule(1.0, 0.0, transition_steps=10)(5)
    Array(0.5, dtype=float32)
    """
    return polynomial_schedule(init_value, end_value, 1, transition_steps, transition_begin)


def cosine_decay_schedule(init_value, decay_steps: int, alpha=0.0, exponent=1.0) -> Schedule:
    """From `init_value` to `alpha * init_value` along half a period of a cosine.

    decay_steps: when the end is reached. exponent: of the cosine part, (1 + cos) / 2.
    Raises ValueError unless decay_steps is positive.

    Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017).

    >>> import functrans as ft
    >>> ft.optim.cosine_decay_schedule(1.0, 10)(10)
    Array(0., dtype=float32)
    """
    _positive(decay_steps, "decay_steps", "cosine_decay_schedule")

    def schedule(count):
        done = ufuncs.minimum(_steps(count), decay_steps) / decay_steps
        wave = 0.5 * (1 + ufuncs.cos(math.pi * done))
        return init_value * ((1 - alpha) * wave ** exponent + alpha)
    return schedule


def exponential_decay(init_value, transition_steps: int, decay_rate, transition_begin: int = 0,
                      staircase: bool = False, end_value=None) -> Schedule:
    """init_value * decay_rate**((count - transition_begin) / transition_steps).

    init_value: until step `transition_begin`. staircase: whether the exponent is rounded down, so
    that the value changes every `transition_steps` steps. end_value: where decay (or growth, for a
    rate above 1) stops.
    Raises ValueError unless transition_steps and decay_rate are positive.

    >>> import functrans as ft
    >>> ft.optim.exponential_decay(1.0, 10, 0.25)(5)
    Array(0.5, dtype=float32)
    """
    _positive(transition_steps, "transition_steps", "exponential_decay")
    _positive(decay_rate, "decay_rate", "exponential_decay")
    limit = ufuncs.maximum if decay_rate < 1 else ufuncs.minimum

    def schedule(count):
        exponent = ufuncs.maximum(_steps(count) - transition_begin, 0) / transition_steps
        value = init_value * decay_rate ** (ufuncs.floor(exponent) if staircase else exponent)
        return value if end_value is None else limit(value, end_value)
    return schedule


def piecewise_constant_schedule(init_value,
                                boundaries_and_scales: Mapping[int, float] | None = None
                                ) -> Schedule:
    """`init_value`, times the scale of each boundary that has been reached.

    boundaries_and_scales: from numbers of steps to factors, which are not negative.
    Raises ValueError for negative factors.

    >>> import functrans as ft
    >>> ft.optim.piecewise_constant_schedule(1.0, {10: 0.5, 20: 0.5})(20)
    Array(0.25, dtype=float32)
    """
    steps = sorted((boundaries_and_scales or {}).items())
    for boundary, scale in steps:
        if scale < 0:
            raise ArgumentError("piecewise_constant_schedule: scales must not be negative, got "
                                f"{scale!r} for step {boundary}")

    def schedule(count):
        count, value = as_arraylike(count, "a schedule"), init_value
        for boundary, scale in steps:
            value = where(count >= boundary, value * scale, value)
        return value
    return schedule


def join_schedules(schedules: Sequence[Schedule], boundaries: Sequence[int]) -> Schedule:
    """One schedule after the other.

    boundaries: the steps at which the next one takes over; it counts from its own first step.
    Raises ValueError unless there is one boundary less than there are schedules, in order.

    >>> import functrans as ft
    >>> up, down = ft.optim.linear_schedule(0.0, 1.0, 4), ft.optim.linear_schedule(1.0, 0.0, 8)
    >>> ft.optim.join_schedules([up, down], [4])(8)
    Array(0.5, dtype=float32)
    """
    if len(boundaries) != len(schedules) - 1:
        raise ArgumentError(f"join_schedules: {len(schedules)} schedules need {len(schedules) - 1} "
                            f"boundaries, got {len(boundaries)}")
    if list(boundaries) != sorted(boundaries):
        raise ArgumentError(f"join_schedules: boundaries must increase, got {list(boundaries)}")

    def schedule(count):
        count = as_arraylike(count, "a schedule")
        value = schedules[0](count)
        for boundary, later in zip(boundaries, schedules[1:]):
            value = where(count < boundary, value, later(count - boundary))
        return value
    return schedule


# ---- warm-up: from a small number up to a peak, then on ----

def _warmup(init_value, peak_value, warmup_steps: int, then: Schedule) -> Schedule:
    if warmup_steps <= 0:
        return then
    up = linear_schedule(init_value, peak_value, warmup_steps)
    return join_schedules([up, then], [warmup_steps])


def warmup_constant_schedule(init_value, peak_value, warmup_steps: int) -> Schedule:
    """Linearly from `init_value` to `peak_value` in `warmup_steps`, and on at that.

    >>> import functrans as ft
    >>> ft.optim.warmup_constant_schedule(0.0, 1.0, 4)(100)
    Array(1., dtype=float32)
    """
    return _warmup(init_value, peak_value, warmup_steps, constant_schedule(peak_value))


def warmup_cosine_decay_schedule(init_value, peak_value, warmup_steps: int, decay_steps: int,
                                 end_value=0.0, exponent=1.0) -> Schedule:
    """Linearly from `init_value` to `peak_value`, then along a cosine to `end_value`.

    decay_steps: of the whole schedule, the `warmup_steps` included.
    Raises ValueError unless decay_steps is larger than warmup_steps.

    >>> import functrans as ft
    >>> ft.optim.warmup_cosine_decay_schedule(0.0, 1.0, 10, 110)(10)
    Array(1., dtype=float32)
    """
    if decay_steps <= warmup_steps:
        raise ArgumentError("warmup_cosine_decay_schedule: decay_steps includes the warm-up, so it "
                            f"must be more than warmup_steps, got {decay_steps} and {warmup_steps}")
    alpha = 0.0 if peak_value == 0 else end_value / peak_value
    down = cosine_decay_schedule(peak_value, decay_steps - warmup_steps, alpha, exponent)
    return _warmup(init_value, peak_value, warmup_steps, down)


def warmup_exponential_decay_schedule(init_value, peak_value, warmup_steps: int,
                                      transition_steps: int, decay_rate,
                                      transition_begin: int = 0, staircase: bool = False,
                                      end_value=None) -> Schedule:
    """Linearly from `init_value` to `peak_value`, then as `exponential_decay`.

    >>> import functrans as ft
    >>> ft.optim.warmup_exponential_decay_schedule(0.0, 1.0, 4, 10, 0.25)(9)
    Array(0.5, dtype=float32)
    """
    down = exponential_decay(peak_value, transition_steps, decay_rate, transition_begin,
                             staircase, end_value)
    return _warmup(init_value, peak_value, warmup_steps, down)


def sgdr_schedule(cosine_kwargs: Sequence[Mapping]) -> Schedule:
    """Several warm-ups with cosine decays, one after the other: warm restarts.

    cosine_kwargs: for each the arguments of `warmup_cosine_decay_schedule`.

    Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts" (ICLR 2017).

    >>> import functrans as ft
    >>> cycle = dict(init_value=0.0, peak_value=1.0, warmup_steps=0, decay_steps=10)
    >>> ft.optim.sgdr_schedule([cycle, cycle])(10)
    Array(1., dtype=float32)
    """
    cycles = [warmup_cosine_decay_schedule(**options) for options in cosine_kwargs]
    ends, total = [], 0
    for options in cosine_kwargs:
        total += options["decay_steps"]
        ends.append(total)
    return join_schedules(cycles, ends[:-1])
