"""The laws notice every rule that is wrong, or gone.

Each rule of each primitive is replaced in turn, by one with other results and by none; the law that
speaks of it is tried on the row's cases, and one of them must fail. So a law that could not fail
would be found, and a rule that no case reaches.
"""
from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import test_laws
from rows import BY_NAME, ROWS

from functrans.ir.primitive import HostCall
from functrans.ir.type import ArrayType
from functrans.numpy.promotion import materialize
from functrans.testing.conformance.rules import replaced

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


def _evaluates(row, case, dtype):
    """What is compiled equals what is evaluated; where that is the same, derivatives tell."""
    types = case.types(case.arrays(dtype))
    rule = row.primitive.kernel
    if rule is not None and rule(types, case.params_for(types)) is not None:
        test_laws.test_jit_equals_evaluate(row, case, dtype, "cpu")
    else:
        test_laws.test_jvp_agrees_with_finite_differences(row, case, "float64")


def _transposes(row, case, dtype):
    """Both laws that speak of the transpose rule; skips if neither applies."""
    skipped = 0
    for law in (test_laws.test_transpose_is_the_adjoint,
                test_laws.test_linear_operands_have_an_adjoint):
        try:
            law(row, case, dtype)
        except pytest.skip.Exception:
            skipped += 1
    if skipped == 2:
        pytest.skip("has no transpose here")


# For each kind of rule the law that tells, and the dtypes on which it is tried.
LAWS = {
    "infer": (test_laws.test_infer_agrees_with_evaluate, None),
    "evaluate": (_evaluates, None),
    "kernel": (lambda *case: test_laws.test_jit_equals_evaluate(*case, "cpu"), None),
    "batch": (test_laws.test_batch_equals_a_loop, test_laws.BATCH_DTYPES),
    "jvp": (test_laws.test_jvp_agrees_with_finite_differences, test_laws.DERIVATIVE_DTYPES),
    "transpose": (_transposes, test_laws.DERIVATIVE_DTYPES),
}


def has_rule(row, name: str) -> bool:
    """Whether a row has a rule of this kind that a law speaks of."""
    rule, primitive = getattr(row.primitive, name), row.primitive
    if rule is None or primitive.linearize is not None or primitive.effect:
        return False
    if name == "batch":
        return any(case.operands for case in row.cases)     # else there is nothing to map
    if name in ("jvp", "transpose"):
        return "float64" in row.dtypes and not getattr(rule, "is_zero", False) \
            and any(len(case.fixed) < len(case.operands) for case in row.cases)
    return True


def rules(name: str) -> list:
    """The rows with a rule of this kind, and without stacks, of which `wrong_value` knows none."""
    return [row for row in ROWS if has_rule(row, name) and not row.name.endswith("stack")
            and not row.name.startswith("stack")]


# What laws by differences cannot tell, and a test of its own does.
ALONE = {("next_after", "jvp"): test_laws.test_the_next_number_moves_along,
         ("bitcast", "evaluate"): test_laws.test_bits_stay_when_they_are_read_as_another_dtype}


def fails(row, name: str) -> str:
    """The first case on which the law fails, or an empty string."""
    law, dtypes = LAWS[name]
    cases = test_laws.each([row], dtypes, otherwise=1)
    if (row.name, name) in ALONE:
        law, cases = ALONE[row.name, name], [pytest.param(id=row.name)]
    for case in cases:
        try:
            law(*case.values)
        except pytest.skip.Exception:
            continue
        except Exception as error:
            return f"{case.id}: {error}"
    return ""


@pytest.mark.parametrize("name", LAWS)
def test_every_wrong_rule_is_noticed(name):
    unnoticed = []
    for row in rules(name):
        with replaced(row.primitive, name, wrong(row.primitive, name)):
            unnoticed += [] if fails(row, name) else [row.name]
    assert not unnoticed, f"a wrong {name} rule of these goes unnoticed: {unnoticed}"


@pytest.mark.parametrize("name", [name for name in LAWS if name != "kernel"])
def test_every_missing_rule_is_noticed(name):
    """But for kernels: a primitive without one is evaluated by Python, with equal results."""
    unnoticed = []
    for row in rules(name):
        with replaced(row.primitive, name, None):
            unnoticed += [] if fails(row, name) else [row.name]
    assert not unnoticed, f"the {name} rule of these can go unnoticed: {unnoticed}"


@pytest.mark.parametrize("name", LAWS)
def test_the_right_rule_passes(name):
    """Otherwise the law would fail with any rule."""
    row = BY_NAME["mul"]
    small = dataclasses.replace(row, cases=row.cases[:1], dtypes=("float64", "float32"))
    assert not fails(small, name)


def test_there_are_rules_of_each_kind():
    counts = {name: len(rules(name)) for name in LAWS}
    assert min(counts.values()) > 20, counts
