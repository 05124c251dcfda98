"""Schedules: their formulas in NumPy, their ends, Optax, and counts of all kinds."""
from __future__ import annotations

import math

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

COUNTS = [0, 1, 3, 4, 5, 9, 10, 11, 14, 15, 40]


def polynomial(count, start, end, power, steps, begin=0):
    done = min(max(count - begin, 0), steps) / steps
    return end + (start - end) * (1 - done) ** power


def cosine(count, start, steps, alpha=0.0, exponent=1.0):
    wave = (1 + math.cos(math.pi * min(count, steps) / steps)) / 2
    return start * ((1 - alpha) * wave ** exponent + alpha)


def exponential(count, start, steps, rate, begin=0, stairs=False, end=None):
    exponent = max(count - begin, 0) / steps
    value = start * rate ** (math.floor(exponent) if stairs else exponent)
    return value if end is None else (max if rate < 1 else min)(value, end)


def after_warmup(count, warmup, peak, later, start=0.0):
    return start + (peak - start) * count / warmup if count < warmup else later(count - warmup)


# name, arguments, the value at a count
CASES = [
    ("constant_schedule", (0.3,), {}, lambda n: 0.3),
    ("linear_schedule", (1.0, 0.2, 10), {}, lambda n: polynomial(n, 1, 0.2, 1, 10)),
    ("linear_schedule", (0.0, 2.0, 8, 3), {}, lambda n: polynomial(n, 0, 2, 1, 8, 3)),
    ("polynomial_schedule", (1.0, 0.2, 3, 10, 4), {},
     lambda n: polynomial(n, 1, 0.2, 3, 10, 4)),
    ("cosine_decay_schedule", (0.5, 10), {}, lambda n: cosine(n, 0.5, 10)),
    ("cosine_decay_schedule", (0.5, 10, 0.1, 2.0), {},
     lambda n: cosine(n, 0.5, 10, 0.1, 2)),
    ("exponential_decay", (0.5, 4, 0.3), {}, lambda n: exponential(n, 0.5, 4, 0.3)),
    ("exponential_decay", (0.5, 4, 0.3, 3, True, 0.05), {},
     lambda n: exponential(n, 0.5, 4, 0.3, 3, True, 0.05)),
    ("exponential_decay", (0.5, 4, 2.0), dict(end_value=3.0),
     lambda n: exponential(n, 0.5, 4, 2.0, end=3.0)),
    ("piecewise_constant_schedule", (1.0, {10: 0.1, 4: 0.5}), {},
     lambda n: 1.0 if n < 4 else 0.5 if n < 10 else 0.05),
    ("warmup_constant_schedule", (0.1, 0.7, 4), {},
     lambda n: after_warmup(n, 4, 0.7, lambda k: 0.7, 0.1)),
    ("warmup_cosine_decay_schedule", (0.0, 0.7, 4, 14, 0.07), {},
     lambda n: after_warmup(n, 4, 0.7, lambda k: cosine(k, 0.7, 10, 0.1))),
    ("warmup_exponential_decay_schedule", (0.0, 0.7, 4, 5, 0.5), {},
     lambda n: after_warmup(n, 4, 0.7, lambda k: exponential(k, 0.7, 5, 0.5))),
    ("sgdr_schedule", ([dict(init_value=0.0, peak_value=0.7, warmup_steps=4, decay_steps=10),
                        dict(init_value=0.0, peak_value=0.3, warmup_steps=1, decay_steps=8)],),
     {}, lambda n: after_warmup(n, 4, 0.7, lambda k: cosine(k, 0.7, 6)) if n < 10
     else after_warmup(n - 10, 1, 0.3, lambda k: cosine(k, 0.3, 7))),
]
each_case = pytest.mark.parametrize("name, args, kwargs, expected", CASES,
                                    ids=[f"{k}-{case[0]}" for k, case in enumerate(CASES)])


@each_case
def test_values(name, args, kwargs, expected):
    schedule = getattr(ft.optim, name)(*args, **kwargs)
    want = [expected(count) for count in COUNTS]
    with ft.config.override(default_float="float64"):
        np.testing.assert_allclose([float(schedule(count)) for count in COUNTS], want, rtol=1e-12,
                                   atol=1e-15)
    counts = fnp.array(COUNTS, "int32")
    traced = ft.jit(ft.vmap(lambda count: fnp.asarray(schedule(count), "float32")))(counts)
    np.testing.assert_allclose(traced, want, rtol=2e-6, atol=1e-7)


@each_case
def test_is_optax(name, args, kwargs, expected):
    optax = pytest.importorskip("optax")
    schedule = getattr(optax, name)(*args, **kwargs)
    got = getattr(ft.optim, name)(*args, **kwargs)
    for count in COUNTS:
        np.testing.assert_allclose(got(count), schedule(count), rtol=1e-5, atol=1e-7)


def test_joined_schedules_count_from_their_own_first_step():
    joined = ft.optim.join_schedules([lambda n: n + 100, lambda n: n + 200, lambda n: n + 300],
                                     [3, 7])
    assert [int(joined(n)) for n in (0, 2, 3, 6, 7, 9)] == [100, 102, 200, 203, 300, 302]


def test_a_schedule_is_a_learning_rate():
    """The first step uses the value at 0."""
    rates = [1.0, 0.5, 0.25]
    optimizer = ft.optim.sgd(lambda count: fnp.array(rates)[count])
    update = ft.jit(optimizer.update)
    state = optimizer.init(1.0)
    for rate in rates:
        step, state = update(fnp.array(2.0), state)
        assert float(step) == -2 * rate


@pytest.mark.parametrize("make, message", [
    (lambda: ft.optim.linear_schedule(1.0, 0.0, 0), "transition_steps must be positive, got 0"),
    (lambda: ft.optim.cosine_decay_schedule(1.0, -1), "decay_steps must be positive, got -1"),
    (lambda: ft.optim.exponential_decay(1.0, 5, 0.0), "decay_rate must be positive"),
    (lambda: ft.optim.piecewise_constant_schedule(1.0, {3: -1.0}), "not be negative, got -1.0"),
    (lambda: ft.optim.join_schedules([abs, abs], [1, 2]), "need 1 boundaries, got 2"),
    (lambda: ft.optim.join_schedules([abs, abs, abs], [2, 1]), "must increase"),
    (lambda: ft.optim.warmup_cosine_decay_schedule(0.0, 1.0, 9, 9), "got 9 and 9"),
])
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
