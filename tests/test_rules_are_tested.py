"""The laws notice a rule that is wrong, or gone.

For a sample of rules, the same in every run: the rule is replaced, the law that speaks of it is
tried on the row's cases, and one of them must fail. So a law that could not fail would be found.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import contextmanager

import numpy as np
import pytest
import test_laws
from rows import BY_NAME, ROWS

from functrans.ir.primitive import HostCall
from functrans.ir.type import ArrayType
from functrans.numpy.promotion import materialize

EACH = 3                   # sampled rules of each kind


def wrong_value(value):
    """Another value of the same shape and dtype; arrays, tracers and NumPy's alike."""
    if value is None or getattr(value.dtype, "kind", "stack") in ("stack", "O"):
        return value
    value = value if isinstance(value, np.ndarray) else materialize(value)
    if value.dtype.kind == "b":
        return ~value
    one = value.dtype.type(1)
    return value + one if value.dtype.kind in "iu" else value * (one + one / (one + one)) + one


def wrong_values(out):
    return type(out)(map(wrong_value, out)) if isinstance(out, (tuple, list)) else wrong_value(out)


def wrong_type(kind):
    if not isinstance(kind, ArrayType):
        return type(kind)(map(wrong_type, kind))
    return kind.with_shape((*kind.shape, 1))


def wrong_kernel(primitive) -> Callable:
    evaluate = primitive.evaluate

    def rule(types, params):
        def function(*arrays):
            out = wrong_values(evaluate(*arrays, **params))
            return out if primitive.multiple else (out,)
        return HostCall(function)
    return rule


def wrong(primitive, name: str) -> Callable:
    """A rule with the results of the right one, but changed."""
    rule = getattr(primitive, name)
    if name == "infer":
        return lambda *types, **params: wrong_type(rule(*types, **params))
    if name == "evaluate":
        return lambda *arrays, **params: wrong_values(rule(*arrays, **params))
    if name == "kernel":
        return wrong_kernel(primitive)
    if name == "batch":
        return lambda *args: (wrong_values((made := rule(*args))[0]), made[1])
    return lambda *args: wrong_values(rule(*args))


@contextmanager
def replaced(primitive, name: str, rule):
    """Within this block a primitive has another rule."""
    original = getattr(primitive, name)
    object.__setattr__(primitive, name, rule)
    try:
        yield
    finally:
        object.__setattr__(primitive, name, original)


# For each kind of rule the law that tells, and the dtypes on which it is tried.
LAWS = {
    "infer": (test_laws.test_infer_agrees_with_evaluate, None),
    "evaluate": (lambda *case: test_laws.test_jit_equals_evaluate(*case, "cpu"), None),
    "kernel": (lambda *case: test_laws.test_jit_equals_evaluate(*case, "cpu"), None),
    "batch": (test_laws.test_batch_equals_a_loop, ("float32", "int32", "bool")),
    "jvp": (test_laws.test_jvp_agrees_with_finite_differences, test_laws.DERIVATIVE_DTYPES),
    "transpose": (test_laws.test_transpose_is_the_adjoint, test_laws.DERIVATIVE_DTYPES),
}


def has_rule(row, name: str) -> bool:
    """Whether a row has a rule of this kind that a law speaks of."""
    rule, primitive = getattr(row.primitive, name), row.primitive
    if rule is None or primitive.linearize is not None or primitive.effect:
        return False
    if name == "batch" and not any(case.operands for case in row.cases):
        return False                                    # there is nothing to map
    if name in ("jvp", "transpose"):
        return "float64" in row.dtypes and not getattr(rule, "is_zero", False)
    return True


def sample() -> list[tuple]:
    """Some rules of each kind, by a fixed seed."""
    rng = np.random.default_rng(20)
    found = []
    for name in LAWS:
        rows = [row for row in ROWS if has_rule(row, name)]
        found += [(rows[k].name, name) for k in rng.choice(len(rows), EACH, replace=False)]
    return found


SAMPLE = sample()
MORE = [("tanh", "jvp"), ("mul", "transpose"), ("reduce_sum", "batch"), ("gather", "transpose"),
        ("sort", "kernel"), ("dot_general", "jvp")]


def fails(row, name: str) -> str:
    """The first case on which the law fails, or an empty string."""
    law, dtypes = LAWS[name]
    for case in test_laws.each([row], dtypes):
        try:
            law(*case.values)
        except pytest.skip.Exception:
            continue
        except Exception as error:
            return f"{case.id}: {error}"
    return ""


@pytest.mark.parametrize("primitive, name", SAMPLE + MORE)
def test_a_wrong_rule_is_noticed(primitive, name):
    row = BY_NAME[primitive]
    with replaced(row.primitive, name, wrong(row.primitive, name)):
        assert fails(row, name), f"a wrong {name} rule of {primitive} goes unnoticed"


@pytest.mark.parametrize("primitive, name", SAMPLE)
def test_a_missing_rule_is_noticed(primitive, name):
    row = BY_NAME[primitive]
    if name == "kernel":
        pytest.skip("a primitive without a kernel is evaluated by Python, with equal results")
    with replaced(row.primitive, name, None):
        assert fails(row, name), f"the {name} rule of {primitive} can go unnoticed"


@pytest.mark.parametrize("name", LAWS)
def test_the_right_rule_passes(name):
    """Otherwise the law would fail with any rule."""
    row = BY_NAME["mul"]
    small = dataclasses.replace(row, cases=row.cases[:1], dtypes=("float64", "float32"))
    assert not fails(small, name)


def test_the_sample_is_the_same_in_every_run():
    assert sample() == SAMPLE
    assert len(set(SAMPLE + MORE)) >= 20 and {name for _, name in SAMPLE} == set(LAWS)
