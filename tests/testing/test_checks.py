"""The checks pass what is right, find what is wrong, and say where."""
from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.errors import CustomRuleError
from functrans.ir.primitive import Elementwise
from functrans.primitives.functions import cos_p, sin_p
from functrans.testing import (
    AgreementError,
    GradientError,
    check_grads,
    check_jit,
    check_jvp,
    check_linearize,
    check_vjp,
    check_vmap,
)
from functrans.trace import bind

DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


def array(*shape, dtype="float64", seed=0, low=-1.0, high=1.0):
    rng = np.random.default_rng(seed)
    values = rng.uniform(low, high, shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.uniform(low, high, shape)
    return fnp.array(values).astype(getattr(fnp, dtype))


def softmax(x):
    e = fnp.exp(x - x.max())
    return e / e.sum()


def walk(x):
    return lax.scan(lambda c, r: (fnp.tanh(c + r), c * r), x[0], x)[1]


def wrong_at(rate: float, place=None):
    """sin with a derivative that is off by a rate, everywhere or in one entry."""
    @ft.custom_jvp
    def sine(x):
        return fnp.sin(x)

    @sine.defjvp
    def rule(primals, tangents):
        x, dx = primals[0], tangents[0]
        factor = 1 + rate if place is None else fnp.ones(x.shape, x.dtype).at[place].add(rate)
        return sine(x), fnp.cos(x) * dx * factor
    return sine


# ---- what is right passes ----

RIGHT = {
    "product": (lambda x, y: fnp.sin(x) * y, lambda a: (a(3), a(2, 3))),
    "softmax": (softmax, lambda a: (a(4),)),
    "matmul": (lambda x, y: fnp.tanh(x @ y), lambda a: (a(2, 3), a(3, 2))),
    "loop": (walk, lambda a: (a(3, 2),)),
    "choice": (lambda x: lax.cond(x.sum() > 0, fnp.exp, fnp.sin, x), lambda a: (a(3),)),
    "python": (lambda x: x ** 2 if x[0] > 0 else -x, lambda a: (a(3),)),
    "jit": (ft.jit(lambda x: fnp.log1p(x * x)), lambda a: (a(3),)),
    "scalar": (fnp.exp, lambda a: (a(),)), "empty": (fnp.cos, lambda a: (a(0, 3),)),
    "logsumexp": (lambda x: fnp.log(fnp.exp(50 * x).sum()), lambda a: (a(5),)),
}


@pytest.mark.parametrize("dtype", ("float16", "bfloat16", "float32", "float64"))
@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_pass(name, dtype):
    function, draw = RIGHT[name]
    if (name, dtype) == ("logsumexp", "float16"):
        pytest.skip("overflows")
    if name == "jit" and dtype != "float32":
        pytest.skip("takes long to compile, and says no more")
    check_grads(function, draw(lambda *shape: array(*shape, dtype=dtype)))


@pytest.mark.parametrize("dtype", ("complex64", "complex128"))
@pytest.mark.parametrize("function", [
    lambda z: fnp.exp(z) * z, lambda z: fnp.abs(z), lambda z: z.conj() * z.real,
    lambda z: fnp.fft.fft(z).imag])
def test_complex_arguments(function, dtype):
    check_grads(function, (array(3, dtype=dtype),))


def test_the_median_of_equal_elements_depends_on_both():
    x = fnp.array([-0.5, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(ft.grad(fnp.median)(x), [0, 0.5, 0, 0.5])
    check_grads(fnp.median, (x,))


def test_python_numbers_are_what_the_library_makes_of_them():
    """A number that float32 does not hold, where a derivative tells the difference."""
    def slope(x, y):
        return ft.grad(lambda x: fnp.sin(fnp.sin(x) + fnp.sin(y)))(x)
    ft.testing.check_grads(slope, (1.5792128056377, 0.767434716), order=2)


@pytest.mark.parametrize("function", [fnp.arccosh, fnp.exp, fnp.cos], ids=lambda f: f.__name__)
def test_complex_numbers_without_axes(function):
    """Rounding is tried out where a first look leaves a doubt, as near a zero or a pole."""
    for number in (1.3 + 0.7j, 2.9 - 0.1j, 0.1 + 3.1j):
        ft.testing.check_grads(function, (number,), order=2)


def test_pytrees_and_integers():
    def loss(params, batch, n):
        return {"out": fnp.tanh(batch @ params["w"] + params["b"][0]) * n, "count": n + 1}
    check_grads(loss, ({"w": array(3, 2), "b": (array(2), None)}, array(4, 3), 3))
    check_grads(lambda n: n + 1, (3,))
    check_grads(fnp.sin, 0.5)


@pytest.mark.parametrize("function", [
    fnp.abs, lambda x: fnp.maximum(x, 0), lambda x: fnp.maximum(x, -x), fnp.sign, fnp.floor,
    lambda x: fnp.clip(x, -1, 1), lambda x: fnp.sort(x), fnp.sqrt, ft.nn.relu, ft.nn.relu6,
    lambda x: x.max(), lambda x: fnp.where(x > 0, fnp.log(fnp.where(x > 0, x, 1)), 0)])
def test_what_a_kink_allows_passes(function):
    check_grads(function, (fnp.array(np.array([0.0, 1.0, 0.0, 2.0])),), order=1)


@pytest.mark.parametrize("slope", [-1.0, -0.3, 0.0, 0.7, 1.0, 1.01, -1.5])
def test_a_subgradient_passes_if_it_is_valid(slope):
    @ft.custom_jvp
    def size(x):
        return fnp.abs(x)
    size.defjvps(lambda dx, out, x: dx * fnp.where(x == 0, slope, fnp.sign(x)))
    if abs(slope) <= 1:
        check_grads(size, (fnp.array([0.0, 2.0]),), order=1)
    else:
        with pytest.raises(GradientError, match="a slope between"):
            check_grads(size, (fnp.array([0.0, 2.0]),), order=1)


def test_functions_that_keep_to_their_dtype():
    check_grads(lambda x: fnp.sin(x.astype("float32")) * 3, (array(3),))
    check_grads(lambda x: fnp.sin(3 * x) if x.dtype == "float32" else x,
                (array(3, dtype="float32"),))

    def strict(x):
        if x.dtype != "float32":
            raise TypeError("float32 only")
        return fnp.exp(x)
    check_grads(strict, (array(3, dtype="float32"),))


def test_ill_conditioned_functions():
    check_grads(lambda x: (x + 1e8) - 1e8, (array(3),))
    check_grads(lambda x: fnp.linalg.solve(x, fnp.ones(4)),
                (fnp.array(1.0 / (np.arange(4)[:, None] + np.arange(4) + 1)),))


# ---- what is wrong is found ----

@pytest.mark.parametrize("dtype", ("bfloat16", "float16", "float32", "float64", "complex64"))
@pytest.mark.parametrize("mode", ("fwd", "rev"))
def test_one_percent_is_found(mode, dtype):
    with pytest.raises(GradientError) as caught:
        check_grads(lambda x: 2 * wrong_at(0.01)(x), (array(2, 3, dtype=dtype),), modes=mode)
    assert caught.value.argument == "x"
    assert abs(abs(caught.value.got / caught.value.expected) - 1) == pytest.approx(0.01, rel=0.1) \
        or dtype == "complex64"


def test_the_report_names_all_there_is_to_name():
    def loss(params, n):
        return n * wrong_at(0.05, (1,))(params["w"][0] * 2)
    with pytest.raises(GradientError) as caught:
        check_grads(loss, ({"w": [array(4)]}, 3))
    error, text = caught.value, str(caught.value)
    assert (error.argument, error.index) == ("params['w'][0]", (1,))
    assert error.got == pytest.approx(1.05 * error.expected)
    assert error.error < 1e-6 * abs(error.expected)
    assert "result[1] / d params['w'][0][1]" in text and "5% off" in text
    assert "params['w'][0] = [1., 1.]" in text and "n = 3" in text
    assert "the rule of sine (custom_jvp)" in text and "test_checks.py" in text
    assert len(text.splitlines()) <= 12


def test_the_report_names_the_result_by_its_path():
    def model(x):
        return {"count": fnp.array(3), "out": [x * x, wrong_at(0.05, (1,))(x)]}
    for order in (1, 2):
        with pytest.raises(GradientError, match=r"in +d result\['out'\]\[1\]\[1\] / d x\[1\]"):
            check_grads(model, (array(3),), order=order, modes="fwd")
    with pytest.raises(GradientError, match=r"d result\['loss'\] / d x\[1\]"):
        check_grads(lambda x: {"loss": model(x)["out"][1].sum()}, (array(3),), modes="rev")


def test_only_the_second_derivative_is_wrong():
    @ft.custom_jvp
    def cube(x):
        return x ** 3
    cube.defjvps(lambda dx, out, x: dx * (ft.stop_gradient(x) * x * 3))
    check_grads(cube, (array(2),), order=1)
    with pytest.raises(GradientError, match="at order 2"):
        check_grads(cube, (array(2),))


def test_only_a_narrow_dtype_is_wrong():
    @ft.custom_jvp
    def odd(x):
        return fnp.exp(x)
    odd.defjvps(lambda dx, out, x: dx * out * (1 if x.dtype == "float64" else 1.02))
    check_grads(odd, (array(3),))
    with pytest.raises(GradientError, match=r"float32 alone\n(.*\n)*.*wrong: the rule of odd"):
        check_grads(odd, (array(3, dtype="float32"),))


def test_functions_without_a_shadow_are_judged_at_their_own_precision():
    def strict(function):
        def checked(x):
            if x.dtype != "float32":
                raise TypeError("float32 only")
            return function(x)
        return checked
    w = array(4, 2, dtype="float32", seed=3)
    check_grads(strict(lambda x: fnp.tanh(x @ w).sum(axis=0)), (array(5, 4, dtype="float32"),))
    check_grads(strict(fnp.abs), (points := fnp.array([0.0, 1.0, 0.0]),), order=1)
    check_grads(strict(lambda x: fnp.maximum(x, 0.5 * x)), (points,), order=1)
    for mode in ("fwd", "rev"):
        with pytest.raises(GradientError, match="reverse mode|forward mode"):
            check_grads(strict(lambda x: wrong_at(0.01)(x) @ w),
                        (array(5, 4, dtype="float32"),), order=1, modes=mode)


def test_nans_in_derivatives_are_wrong():
    @ft.custom_jvp
    def odd(x):
        return fnp.exp(x)
    odd.defjvps(lambda dx, out, x: dx * fnp.where(x > 0, out, fnp.nan))
    with pytest.raises(GradientError, match="got      nan"):
        check_grads(odd, (array(3),), order=1)


def test_deep_culprits_are_found():
    @ft.jit
    def inner(x):
        return lax.scan(lambda c, r: (wrong_at(0.01)(c) + r, c.sum()), x, fnp.ones((3, 2)))[1]
    with pytest.raises(GradientError) as caught:
        check_grads(lambda x: lax.cond(True, inner, inner, x), (array(2),))
    assert "the rule of sine" in caught.value.culprit


# ---- one mode ----

@ft.custom_vjp
def _third(x):
    return x ** 3


_third.defvjp(lambda x: (x ** 3, x), lambda x, ct: (2 * x * x * ct,))


@pytest.mark.parametrize("within", [
    lambda x: lax.fori_loop(0, 2, lambda k, total: total + _third(x[k]), 0.0),
    lambda x: ft.jit(_third)(x), lambda x: ft.vmap(_third)(x),
    lambda x: lax.cond(x[0] > 0, _third, lambda x: x, x)])
def test_rules_for_reverse_mode_alone_are_named_wherever_they_are(within):
    with pytest.raises(GradientError, match=r"the rule of _third \(custom_vjp\), at .*test_"):
        check_grads(within, (fnp.array([1.5, -0.5]),), modes="rev", order=1)


def test_what_is_constant_on_purpose_is_named_only_if_nothing_else_is_wrong():
    def shifted(x):
        x = x - ft.lax.stop_gradient(x.max())
        return fnp.log(_third(fnp.exp(x)).sum() / fnp.exp(x).sum() ** 3)
    with pytest.raises(GradientError, match=r"wrong: the rule of _third"):
        check_grads(shifted, (fnp.array([1.5, -0.5]),), modes="rev", order=1)
    with pytest.raises(GradientError, match="wrong: `stop_gradient`, which is constant on purpose"):
        check_grads(lambda x: x * ft.lax.stop_gradient(x), (fnp.array([1.5]),), order=1)


def test_given_rules():
    check_jvp(fnp.sin, functools.partial(ft.jvp, fnp.sin), (0.3,))
    check_vjp(fnp.sin, functools.partial(ft.vjp, fnp.sin), (0.3,))
    with pytest.raises(GradientError, match="^by hand\nforward mode"):
        check_jvp(fnp.sin, lambda args, dts: (fnp.sin(args[0]), fnp.sin(args[0]) * dts[0]),
                  (array(3),), err_msg="by hand")
    with pytest.raises(GradientError, match="reverse mode"):
        check_vjp(lambda x, n: x * n, lambda x, n: (x * n, lambda ct: (ct, None)), (array(3), 2.0))
    check_vjp(lambda x, n: x * n, lambda x, n: (x * n, lambda ct: (ct * n, ct)), (array(3), 2))


def test_linearize():
    check_linearize(walk, (array(3, 2),))
    with pytest.raises(GradientError, match="linearize"):
        check_linearize(wrong_at(0.01), (array(3),))


def test_errors_of_the_library_pass_through():
    clipped = ft.custom_vjp(lambda x: x)
    clipped.defvjp(lambda x: (x, None), lambda _, ct: (ct,))
    check_grads(clipped, (1.0,), modes=("rev",))
    with pytest.raises(CustomRuleError, match="forward mode"):
        check_grads(clipped, (1.0,))
    with pytest.raises(ValueError, match="modes are"):
        check_grads(fnp.sin, (1.0,), modes=("forward",))


# ---- agreement ----

def test_vmap_and_jit():
    check_jit(lambda x, n: {"a": fnp.sin(x).sum() / n, "b": n}, (array(50, dtype="float32"), 3))
    check_vmap(lambda d, y: d["a"] * y, ({"a": array(4, 3)}, array(4)), ({"a": 0}, 0), 1)
    check_vmap(fnp.dot, (array(4, 3), array(3)), in_axes=(0, None))

    twice = ft.custom_vmap(lambda x: x * 2)
    twice.def_vmap(lambda size, batched, x: (x * fnp.where(x > 0, 2.001, 2), True))
    with pytest.raises(AgreementError) as caught:
        check_vmap(lambda x: twice(x) + 1, (array(4, dtype="float32"),))
    assert caught.value.got != caught.value.expected
    assert "smallest failing input: x = [1.]" in str(caught.value)
    assert caught.value.culprit.startswith("the rule of <lambda> (custom_vmap), at ")
    with pytest.raises(AgreementError, match=r"expected float32\[\]\n  got      int64\[\]"):
        check_jit(lambda x: 1.0 if hasattr(x, "_data") else 1, (array(3),))


def test_the_primitive_that_does_not_batch_or_compile_is_named():
    broken = dataclasses.replace(
        sin_p, batch=lambda size, args, batched, params: (bind(cos_p, *args), True),
        kernel=lambda types, params: Elementwise("({0} * 2)"))

    def function(x, n):
        return fnp.exp(bind(broken, fnp.tanh(x))) * n
    with pytest.raises(AgreementError) as caught:
        check_vmap(function, (array(4), 2), in_axes=(0, None))
    assert "the batch rule of `sin`, at " in caught.value.culprit
    with pytest.raises(AgreementError) as caught:
        check_jit(function, (array(4), 2))
    assert "the compiled code of `sin`, at " in caught.value.culprit
    assert "test_checks.py" in str(caught.value)


def test_a_rule_that_compares_its_result_with_operands_is_judged_too():
    """A maximum is exact: no error of rounding excuses a wrong rule of it."""
    @ft.custom_jvp
    def larger(x, y):
        return fnp.maximum(x, y)

    @larger.defjvp
    def _(primals, tangents):
        out = larger(*primals)
        return out, fnp.where(out == primals[0], tangents[1], tangents[0])
    with pytest.raises(GradientError, match="rule of larger"):
        check_grads(larger, (fnp.array([1.0, 3.0]), fnp.array([0.5, -2.0])), order=1)
