"""custom_jvp, custom_vjp, custom_vmap: every transformation sees the rule, and rules are checked.

Rules are wrong on purpose, by a factor, so that a derivative shows where it came from.
"""
from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.errors import CustomRuleError, StructureError
from functrans.ir.check import check

TARGETS = ("reference", "cpu")
X = np.linspace(-1.0, 1.0, 5)


@ft.custom_jvp
def three_sines(x):
    return fnp.sin(x)


@three_sines.defjvp
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    return three_sines(x), 3 * fnp.cos(x) * dx


@ft.custom_vjp
def seven_sines(x):
    return fnp.sin(x)


seven_sines.defvjp(lambda x: (fnp.sin(x), {"x": x}), lambda res, ct: (7 * fnp.cos(res["x"]) * ct,))

FUNCTIONS = {"jvp": (three_sines, 3), "vjp": (seven_sines, 7)}

# A transformation of f at a point x, and what it is for f = factor * sin where differentiated.
TRANSFORMS = {
    "value": (lambda f, x: f(x), lambda x, k: np.sin(x)),
    "vmap": (lambda f, x: ft.vmap(f)(x), lambda x, k: np.sin(x)),
    "grad": (lambda f, x: ft.grad(f)(x[0]), lambda x, k: k * np.cos(x[0])),
    "vmap_grad": (lambda f, x: ft.vmap(ft.grad(f))(x), lambda x, k: k * np.cos(x)),
    "grad_vmap": (lambda f, x: ft.grad(lambda x: ft.vmap(f)(x).sum())(x),
                  lambda x, k: k * np.cos(x)),
    "vmap_twice": (lambda f, x: ft.vmap(ft.vmap(ft.grad(f)))(x.reshape(5, 1))[:, 0],
                   lambda x, k: k * np.cos(x)),
    "grad_vmap_vmap": (lambda f, x: ft.grad(
        lambda x: ft.vmap(ft.vmap(f))(x[:, None]).sum())(x), lambda x, k: k * np.cos(x)),
    "shared": (lambda f, x: ft.grad(
        lambda s: ft.vmap(lambda y: f(s) * y)(x).sum())(np.float64(0.5)),
        lambda x, k: k * np.cos(0.5) * x.sum()),
    "second": (lambda f, x: ft.grad(ft.grad(f))(x[0]), lambda x, k: -k * np.sin(x[0])),
    "third": (lambda f, x: ft.grad(ft.grad(ft.grad(f)))(x[0]), lambda x, k: -k * np.cos(x[0])),
    "jacrev": (lambda f, x: ft.jacrev(f)(x), lambda x, k: k * np.diag(np.cos(x))),
    "forward_over_reverse": (lambda f, x: ft.jvp(ft.grad(f), (x[0],), (1.0 + 0 * x[0],))[1],
                             lambda x, k: -k * np.sin(x[0])),
    "hvp": (lambda f, x: ft.hvp(lambda x: f(x).sum(), (x,), (x,)),
            lambda x, k: -k * np.sin(x) * x),
    "inner_jit": (lambda f, x: ft.grad(lambda x: ft.jit(f)(x) * 1.0)(x[0]),
                  lambda x, k: k * np.cos(x[0])),
    "checkpoint": (lambda f, x: ft.grad(lambda x: ft.checkpoint(f)(x).sum())(x),
                   lambda x, k: k * np.cos(x)),
    "scan": (lambda f, x: ft.grad(lambda s: lax.scan(
        lambda c, y: (c + f(s * y), None), 0.0 * s, x)[0])(np.float64(2.0)),
        lambda x, k: (k * np.cos(2 * x) * x).sum()),
    "scan_carry": (lambda f, x: ft.grad(lambda s: lax.scan(
        lambda c, _: (f(c), None), s, None, length=2)[0])(np.float64(2.0)),
        lambda x, k: k * k * np.cos(np.sin(2.0)) * np.cos(2.0)),
    "while": (lambda f, x: ft.grad(lambda s: lax.while_loop(
        lambda c: c[0] < 2, lambda c: (c[0] + 1, f(c[1])), (0, s))[1])(np.float64(2.0)),
        lambda x, k: k * k * np.cos(np.sin(2.0)) * np.cos(2.0)),
    "cond": (lambda f, x: ft.vmap(ft.grad(lambda s: lax.cond(s > 0, f, lambda s: s, s)))(x),
             lambda x, k: np.where(x > 0, k * np.cos(x), 1.0)),
    "vmap_scan": (lambda f, x: ft.vmap(ft.grad(lambda s: lax.scan(
        lambda c, _: (f(c), None), s, None, length=1)[0]))(x), lambda x, k: k * np.cos(x)),
    "grad_of_vmapped_scan": (lambda f, x: ft.grad(lambda x: ft.vmap(lambda s: lax.scan(
        lambda c, _: (f(c), None), s, None, length=1)[0])(x).sum())(x),
        lambda x, k: k * np.cos(x)),
}
FORWARD = {
    "jvp": (lambda f, x: ft.jvp(f, (x,), (x,))[1], lambda x, k: k * np.cos(x) * x),
    "jacfwd": (lambda f, x: ft.jacfwd(f)(x), lambda x, k: k * np.diag(np.cos(x))),
    "linearize": (lambda f, x: ft.linearize(f, x)[1](x), lambda x, k: k * np.cos(x) * x),
    "vmap_jvp": (lambda f, x: ft.vmap(lambda x: ft.jvp(f, (x,), (x,))[1])(x),
                 lambda x, k: k * np.cos(x) * x),
    "jvp_vmap": (lambda f, x: ft.jvp(ft.vmap(f), (x,), (x,))[1], lambda x, k: k * np.cos(x) * x),
    "scan": (lambda f, x: ft.jvp(lambda x: lax.scan(
        lambda c, _: (f(c), None), x, None, length=1)[0], (x,), (x,))[1],
        lambda x, k: k * np.cos(x) * x),
}


@pytest.mark.parametrize("how", sorted(TRANSFORMS))
@pytest.mark.parametrize("kind", sorted(FUNCTIONS))
def test_transformations_use_the_rule(kind, how):
    function, factor = FUNCTIONS[kind]
    transform, expected = TRANSFORMS[how]
    args = (fnp.array(X),)
    check(ft.make_ir(lambda x: transform(function, x))(*args))
    results = [transform(function, *args)]
    results += [ft.jit(lambda x: transform(function, x), device=target)(*args)
                for target in TARGETS]
    for result in results:
        np.testing.assert_allclose(np.asarray(result), expected(X, factor), rtol=1e-12,
                                   atol=1e-14)


@pytest.mark.parametrize("how", sorted(FORWARD))
def test_forward_mode(how):
    transform, expected = FORWARD[how]
    for run in (transform, lambda f, x: ft.jit(lambda x: transform(f, x))(x)):
        np.testing.assert_allclose(np.asarray(run(three_sines, fnp.array(X))), expected(X, 3),
                                   rtol=1e-12, atol=1e-14)
        with pytest.raises(CustomRuleError, match="forward mode.*seven_sines"):
            run(seven_sines, fnp.array(X))


def test_forward_mode_error_names_the_function_and_the_fix():
    with pytest.raises(TypeError) as caught:
        ft.jvp(seven_sines, (1.0,), (1.0,))
    for words in ("seven_sines", "custom_vjp", "jacrev", "custom_jvp"):
        assert words in str(caught.value)


# ---- arguments ----

def test_keywords_and_defaults_are_resolved_to_positions():
    seen = []

    @ft.custom_jvp
    def scaled(x, y=2.0, *, z=3.0):
        return x * y * z
    scaled.defjvp(lambda primals, tangents: (scaled(*primals), tangents[0]))
    with pytest.raises(TypeError, match="z have no position"):
        ft.grad(lambda x: scaled(x))(1.0)

    @ft.custom_jvp
    def product(x, y=2.0):
        return x * y

    @product.defjvp
    def rule(primals, tangents):
        seen.append(len(primals))
        return product(*primals), 5 * tangents[0] * primals[1] + tangents[1] * primals[0]
    assert ft.grad(product)(3.0) == 10
    assert ft.grad(lambda y: product(y=y, x=3.0))(4.0) == 3
    assert seen == [2, 2]
    with pytest.raises(TypeError):
        product(1.0, w=2.0)

    @ft.custom_vjp
    def power(x, n=2):
        return x ** n
    power.defvjp(lambda x, n: (x ** n, x), lambda x, ct: (x * ct, None))
    assert ft.grad(lambda x: power(n=3, x=x))(2.0) == 2


def test_nondiff_arguments():
    @partial(ft.custom_jvp, nondiff_argnums=(0, 2))
    def apply(f, x, name):
        assert name == "name"
        return f(x)

    @apply.defjvp
    def rule(f, name, primals, tangents):
        assert name == "name"
        return apply(f, primals[0], name), 10 * tangents[0]
    assert ft.grad(lambda x: apply(fnp.sin, x, "name"))(1.0) == 10
    assert ft.jit(ft.grad(lambda x: apply(fnp.sin, x, "name")))(1.0) == 10

    @partial(ft.custom_vjp, nondiff_argnames=("mode",))
    def reduce(x, mode="sum"):
        return x.sum() if mode == "sum" else x.mean()

    reduce.defvjp(lambda x, mode: (reduce(x, mode), x.shape[0]),
                  lambda mode, n, ct: (fnp.full(5, (1.0 if mode == "sum" else 2.0) * n) * ct,))
    np.testing.assert_array_equal(np.asarray(ft.grad(lambda x: reduce(x, mode="mean"))(X)), 10)
    np.testing.assert_array_equal(np.asarray(ft.grad(reduce)(X)), 5)
    with pytest.raises(ValueError, match="nondiff_argnames names 'z'"):
        ft.custom_jvp(lambda x: x, nondiff_argnames="z")


def test_a_traced_value_may_be_a_nondiff_argument():
    @partial(ft.custom_jvp, nondiff_argnums=1)
    def times(x, y):
        return x * y
    times.defjvp(lambda y, primals, tangents: (times(primals[0], y), 2 * y * tangents[0]))

    @partial(ft.custom_vjp, nondiff_argnums=1)
    def times_too(x, y):
        return x * y
    times_too.defvjp(lambda x, y: (x * y, None), lambda y, _, ct: (2 * y * ct,))
    for function in (times, times_too):
        def plain(x, y, function=function):
            return function(x, y)
        for transform in (lambda x, y: ft.grad(lambda x: plain(x, y))(x),
                          lambda x, y: ft.grad(ft.jit(lambda x: plain(x, y)))(x),
                          ft.grad(ft.jit(plain))):
            assert ft.jit(transform)(1.0, 3.0) == 6
            np.testing.assert_array_equal(
                np.asarray(ft.vmap(transform)(np.ones(3), np.arange(3.0))), [0, 2, 4])


def test_methods():
    class Scale:
        def __init__(self, factor):
            self.factor = factor

        @partial(ft.custom_jvp, nondiff_argnums=0)
        def __call__(self, x):
            return self.factor * x

        @__call__.defjvp
        def rule(self, primals, tangents):
            return self(primals[0]), 100 * self.factor * tangents[0]
    assert ft.grad(Scale(2.0))(1.0) == 200
    assert ft.jit(lambda f, x: ft.grad(Scale(f))(x))(2.0, 1.0) == 200


def test_pytrees_and_integers():
    @ft.custom_vjp
    def f(p, k):
        return {"out": p["a"] * p["b"][0] + k, "index": k}

    def backward(res, ct):
        assert ct["index"].dtype == ft.float0
        p, k = res
        return {"a": p["b"][0] * ct["out"], "b": (None,)}, None
    f.defvjp(lambda p, k: (f(p, k), (p, k)), backward)
    p = {"a": 2.0, "b": (3.0,)}
    grads = ft.grad(lambda p: f(p, 5)["out"])(p)
    assert grads == {"a": 3, "b": (0,)}
    assert ft.jit(ft.grad(lambda p: f(p, 5)["out"]))(p) == grads

    @ft.custom_jvp
    def g(p, k):
        return {"out": p["a"] * k, "index": k}

    @g.defjvp
    def rule(primals, tangents):
        (p, k), (dp, dk) = primals, tangents
        assert dk.dtype == ft.float0 and dk.shape == ()
        return g(p, k), {"out": dp["a"] * k * 2, "index": dk}
    out, tangent = ft.jvp(lambda p: g(p, 5), (p,), (p,))
    assert (out["out"], tangent["out"]) == (10, 20)
    assert tangent["index"].dtype == ft.float0
    assert ft.grad(lambda p: g(p, 5)["out"])(p)["a"] == 10
    # None for a whole subtree
    f.defvjp(lambda p, k: (f(p, k), None), lambda _, ct: (None, None))
    assert ft.grad(lambda p: f(p, 5)["out"])(p) == {"a": 0, "b": (0,)}


def test_defjvps():
    @ft.custom_jvp
    def f(x, y, z):
        return x * fnp.sin(y) + z
    f.defjvps(lambda dx, out, x, y, z: 2 * dx * fnp.sin(y), None, lambda dz, out, *_: dz * out)
    args = (2.0, 0.5, 1.0)
    grads = ft.grad(f, (0, 1, 2))(*args)
    np.testing.assert_allclose(grads, [2 * np.sin(0.5), 0, 2 * np.sin(0.5) + 1], rtol=1e-6)


def test_symbolic_zeros_are_refused():
    with pytest.raises(NotImplementedError):
        ft.custom_jvp(lambda x: x).defjvp(lambda p, t: (p, t), symbolic_zeros=True)
    with pytest.raises(NotImplementedError):
        ft.custom_vjp(lambda x: x).defvjp(lambda p: (p, p), lambda p, t: (p,),
                                          symbolic_zeros=True)


# ---- Python control flow in functions and rules ----

def test_python_control_flow_sees_values():
    @ft.custom_jvp
    def f(x):
        return fnp.sin(x) if x > 0 else fnp.cos(x)

    @f.defjvp
    def rule(primals, tangents):
        x, = primals
        return f(x), (2 if x > 0 else 3) * tangents[0]
    assert ft.grad(f)(1.0) == 2
    assert ft.grad(f)(-1.0) == 3
    assert ft.jvp(f, (-1.0,), (1.0,))[1] == 3
    assert ft.grad(ft.grad(f))(1.0) == 0
    with pytest.raises(ft.errors.ConcretizationError):
        ft.jit(f)(1.0)

    @ft.custom_vjp
    def g(x):
        return x if x > 0 else -x

    def backward(x, ct):
        return (ct * 5,) if float(x) > 0 and float(ct) > 0 else (ct * 6,)
    g.defvjp(lambda x: (g(x), x), backward)
    assert ft.grad(g)(1.0) == 5
    assert ft.grad(lambda x: -g(x))(1.0) == -6


# ---- closures over tracers ----

def scaled_by(y, kind: str):
    """A function x -> x * y whose rule gives 5 * y."""
    if kind == "jvp":
        f = ft.custom_jvp(lambda x: x * y)
        f.defjvp(lambda primals, tangents: (f(primals[0]), 5 * y * tangents[0]))
    else:
        f = ft.custom_vjp(lambda x: x * y)
        f.defvjp(lambda x: (x * y, x), lambda x, ct: (5 * y * ct,))
    return f


CLOSURES = {
    "jit_around_grad": lambda kind: ft.jit(lambda x, y: ft.grad(scaled_by(y, kind))(x)),
    "grad_of_jit": lambda kind: lambda x, y: ft.grad(
        ft.jit(lambda x, y: scaled_by(y, kind)(x)))(x, y),
    "jit_in_jit": lambda kind: ft.jit(lambda x, y: ft.grad(
        lambda x: ft.jit(lambda x: scaled_by(y * 1, kind)(x))(x))(x)),
    "scan": lambda kind: lambda x, y: ft.grad(lambda x: lax.scan(
        lambda c, _: (scaled_by(y, kind)(c), None), x, None, length=1)[0])(x),
    "slices": lambda kind: lambda x, y: ft.grad(lambda x: lax.scan(
        lambda c, s: (scaled_by(s, kind)(c), None), x, fnp.stack([y]))[0])(x),
    "checkpoint": lambda kind: lambda x, y: ft.grad(
        ft.checkpoint(lambda x: scaled_by(y, kind)(x)))(x),
    "cond": lambda kind: lambda x, y: ft.grad(lambda x: lax.cond(
        x > -10, lambda x: scaled_by(y, kind)(x), lambda x: x, x))(x),
    "inside_the_function": lambda kind: lambda x, y: ft.grad(
        lambda x: scaled_by(y + 0 * ft.stop_gradient(x), kind)(x))(x),
}


@pytest.mark.parametrize("how", sorted(CLOSURES))
@pytest.mark.parametrize("kind", ("jvp", "vjp"))
def test_rules_may_close_over_tracers(kind, how):
    function = CLOSURES[how](kind)
    assert function(2.0, 3.0) == 15
    assert ft.jit(function)(2.0, 3.0) == 15
    x, y = np.ones(3), np.arange(3.0)
    for mapped in (ft.vmap(function), ft.jit(ft.vmap(function))):
        np.testing.assert_array_equal(np.asarray(mapped(x, y)), 5 * y)


@pytest.mark.parametrize("kind", ("jvp", "vjp"))
def test_closures_under_grad_of_vmap_of_jit(kind):
    @ft.jit
    def function(x, y):
        return scaled_by(y, kind)(x)
    x, y = np.ones(3), np.arange(3.0)
    gradient = ft.grad(lambda x: ft.vmap(function)(x, y).sum())
    np.testing.assert_array_equal(np.asarray(gradient(x)), 5 * y)
    np.testing.assert_array_equal(np.asarray(ft.jit(gradient)(x)), 5 * y)


@pytest.mark.parametrize("kind", ("jvp", "vjp"))
def test_differentiating_what_is_closed_over_is_an_error(kind):
    with pytest.raises(CustomRuleError, match=r"closes over.*f32.*as an argument"):
        ft.grad(lambda y: scaled_by(y, kind)(2.0))(3.0)
    assert ft.grad(lambda y: y * scaled_by(ft.stop_gradient(y), kind)(2.0))(3.0) == 6


def test_values_only_looked_at_do_not_count():
    """The gradient of an inner gradient: the function's value decides a branch, and is dropped."""
    def inner(y):
        f = scaled_by(y, "jvp")

        def h(x):
            return x * x if f(x) > 0 else x
        return ft.grad(h)(2.0) * y
    assert ft.grad(inner)(3.0) == 4


# ---- named axes ----

def test_rules_may_use_named_axes():
    @ft.custom_jvp
    def centred(x):
        return x - lax.pmean(x, "i")

    @centred.defjvp
    def rule(primals, tangents):
        return centred(primals[0]), tangents[0] * lax.psum(1.0 + 0 * primals[0], "i")

    @ft.custom_vjp
    def total(x):
        return lax.psum(x, "i")
    total.defvjp(lambda x: (total(x), None), lambda _, ct: (lax.axis_index("i") + ct,))
    x = np.arange(3.0)
    for f in (centred, ft.jit(centred)):
        for g in (ft.vmap(ft.grad(f), axis_name="i"),
                  ft.grad(lambda x, f=f: ft.vmap(f, axis_name="i")(x).sum())):
            np.testing.assert_allclose(np.asarray(g(x)), [3, 3, 3])
    for f in (total, ft.jit(total)):
        for g in (ft.vmap(ft.grad(f), axis_name="i"),
                  ft.grad(lambda x, f=f: ft.vmap(f, axis_name="i")(x).sum())):
            np.testing.assert_allclose(np.asarray(g(x)), [1, 2, 3])


# ---- rules that do not fit ----

def test_functions_without_rules():
    for custom, method in ((ft.custom_jvp, "defjvp"), (ft.custom_vjp, "defvjp"),
                           (ft.custom_vmap, "def_vmap")):
        with pytest.raises(AttributeError, match=method):
            custom(lambda x: x)(1.0)


WRONG_JVP = {
    "structure": (lambda p, t: ((p[0], p[0]), (t[0], t[0])), "unlike(.|\n)*the function"),
    "shape": (lambda p, t: (p[0][:2], t[0][:2]),
              r"at the value: the function f64\[5\], the rule f64\[2\]"),
    "dtype": (lambda p, t: (p[0].astype("float32"), t[0]), r"the rule f32\[5\]"),
    "tangent": (lambda p, t: (p[0], t[0][:1]), r"the output f64\[5\], the tangent f64\[1\]"),
    "tangent_structure": (lambda p, t: (p[0], [t[0]]), "tangent(.|\n)*unlike the output"),
    "tangent_dtype": (lambda p, t: (p[0], t[0].astype("float32")), r"the tangent f32\[5\]"),
    "pair": (lambda p, t: p[0], "must return a pair"),
}


@pytest.mark.parametrize("what", sorted(WRONG_JVP))
def test_jvp_rules_are_checked(what):
    rule, message = WRONG_JVP[what]
    f = ft.custom_jvp(lambda x: x)
    f.defjvp(rule)
    for run in (lambda: ft.jvp(f, (X,), (X,)), lambda: ft.grad(lambda x: ft.jit(f)(x).sum())(X)):
        with pytest.raises((StructureError, CustomRuleError), match=message):
            run()


WRONG_VJP = {
    "forward_structure": (lambda x: ([x], None), lambda r, ct: (ct,), "unlike(.|\n)*the function"),
    "forward_shape": (lambda x: (x[:2], None), lambda r, ct: (ct,), r"the rule f64\[2\]"),
    "forward_pair": (lambda x: x, lambda r, ct: (ct,), "must return a pair"),
    "residual": (lambda x: (x, {"name": "text"}), lambda r, ct: (ct,), r"\['name'\].*nondiff"),
    "count": (lambda x: (x, None), lambda r, ct: (ct, ct), "one cotangent for each of its 1"),
    "no_tuple": (lambda x: (x, None), lambda r, ct: ct, "must return a tuple"),
    "shape": (lambda x: (x, None), lambda r, ct: (ct[:2],),
              r"at x: the argument f64\[5\], the cotangent f64\[2\]"),
    "dtype": (lambda x: (x, None), lambda r, ct: (ct.astype("float32"),), r"cotangent f32\[5\]"),
    "structure": (lambda x: (x, None), lambda r, ct: ((ct, ct),), "unlike the arguments"),
}


@pytest.mark.parametrize("what", sorted(WRONG_VJP))
def test_vjp_rules_are_checked(what):
    forward, backward, message = WRONG_VJP[what]
    f = ft.custom_vjp(lambda x: x)
    f.defvjp(forward, backward)
    for run in (lambda: ft.grad(lambda x: f(x).sum())(X),
                lambda: ft.jit(ft.grad(lambda x: f(x).sum()))(X)):
        with pytest.raises((StructureError, CustomRuleError), match=message):
            run()


def test_paths_in_pytrees():
    f = ft.custom_vjp(lambda p: p["w"][0] + p["b"])
    f.defvjp(lambda p: (p["w"][0] + p["b"], None), lambda r, ct: ({"w": [ct[:1]], "b": ct},))
    with pytest.raises(StructureError, match=r"at p\['w'\]\[0\]"):
        ft.grad(lambda p: f(p).sum())({"w": [X], "b": X})
    with pytest.raises(TypeError, match=r"p\['name'\]"):
        ft.grad(lambda x: f({"w": [x], "b": x, "name": "text"}).sum())(X)


def test_python_numbers_give_way():
    @ft.custom_vjp
    def f(x):
        return x * 1.0
    f.defvjp(lambda x: (x, None), lambda r, ct: (2.0,))
    assert ft.grad(f)(np.float64(1.0)).dtype == np.float64


def test_a_linear_function_with_a_rule_can_be_transposed():
    """A rule that calls a custom function on tangents."""
    double = ft.custom_jvp(lambda x: 2 * x)
    double.defjvp(lambda p, t: (double(p[0]), double(t[0])))
    assert ft.grad(double)(1.0) == 2
    assert ft.linear_transpose(double, 1.0)(3.0) == (6,)


def test_a_rule_that_is_not_linear_in_the_tangents():
    f = ft.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (f(p[0]), t[0] * t[0]))
    with pytest.raises(NotImplementedError, match="must be linear in its tangents"):
        ft.grad(f)(1.0)
    g = ft.custom_jvp(lambda x: x)
    g.defjvp(lambda p, t: (g(p[0]), fnp.sin(t[0])))
    with pytest.raises(NotImplementedError, match="sin has no transpose rule"):
        ft.grad(g)(1.0)


# ---- custom_vmap ----

def test_custom_vmap_rules_are_used():
    seen = []

    @ft.custom_vmap
    def f(x, y):
        return {"a": fnp.sin(x) * y}

    @f.def_vmap
    def rule(size, batched, x, y):
        seen.append((size, batched, x.shape, y.shape))
        return {"a": 100 * fnp.sin(x) * y}, {"a": True}
    x = fnp.array(X)
    np.testing.assert_allclose(np.asarray(f(x, 2.0)["a"]), 2 * np.sin(X))
    for mapped in (ft.vmap(f, (0, None)), ft.jit(ft.vmap(f, (0, None))),
                   ft.vmap(ft.jit(f), (0, None))):
        np.testing.assert_allclose(np.asarray(mapped(x, 2.0)["a"]), 200 * np.sin(X))
    assert seen == [(5, [True, False], (5,), ())] * 3
    grad = ft.grad(lambda x: ft.vmap(f, (0, None))(x, 2.0)["a"].sum())(x)
    np.testing.assert_allclose(np.asarray(grad), 200 * np.cos(X))
    inside = ft.vmap(ft.grad(lambda x: f(x, 2.0)["a"]))(x)
    np.testing.assert_allclose(np.asarray(inside), 2 * np.cos(X))


def test_forward_mode_inside_vmap_uses_the_derivative_of_the_rule():
    @ft.custom_vmap
    def f(x, y):
        return x * y
    f.def_vmap(lambda size, batched, x, y: (10 * fnp.sin(x) * y, True))
    x = fnp.array(X)

    def push(x):
        return ft.jvp(lambda x: f(x, 2.0), (x,), (1.0 + 0 * x,))
    for mapped in (ft.vmap(push), ft.jit(ft.vmap(push)), ft.vmap(ft.jit(push))):
        out, tangent = mapped(x)
        np.testing.assert_allclose(np.asarray(out), 20 * np.sin(X))
        np.testing.assert_allclose(np.asarray(tangent), 20 * np.cos(X))
    out, tangent = ft.jvp(ft.vmap(lambda x: f(x, 2.0)), (x,), (x,))
    np.testing.assert_allclose(np.asarray(tangent), 20 * np.cos(X) * X)
    # a tangent that is mapped where its value is not
    pushed = ft.vmap(lambda t: ft.jvp(lambda x: f(x, 2.0), (0.5 + 0 * x[0],), (t,))[1])(x)
    np.testing.assert_allclose(np.asarray(pushed), 20 * np.cos(0.5) * X)


def test_custom_vmap_nested_and_in_loops():
    sizes = []

    @ft.custom_vmap
    def f(x):
        return x + 1

    @f.def_vmap
    def rule(size, batched, x):
        sizes.append(size)
        return f(x) * 2, batched[0]
    x = np.arange(6.0).reshape(2, 3)
    out = ft.vmap(ft.vmap(f))(x)
    np.testing.assert_array_equal(np.asarray(out), 4 * (x + 1))
    assert sizes == [3, 2]
    scanned = ft.vmap(lambda c: lax.scan(lambda c, _: (f(c), None), c, None, length=2)[0])(X)
    np.testing.assert_allclose(np.asarray(scanned), 2 * (2 * (X + 1) + 1))


def test_custom_vmap_errors():
    def run(rule):
        f = ft.custom_vmap(lambda x: {"a": x})
        f.def_vmap(rule)
        return ft.vmap(f)(X)
    with pytest.raises(StructureError, match=r"at \['a'\]: expected f64\[5\].*f64\[2\]"):
        run(lambda size, batched, x: ({"a": x[:2]}, {"a": True}))
    with pytest.raises(StructureError, match="another structure"):
        run(lambda size, batched, x: (x, True))
    with pytest.raises(StructureError, match="out_batched"):
        run(lambda size, batched, x: ({"a": x}, {"b": True}))
    with pytest.raises(CustomRuleError, match="must return a pair"):
        run(lambda size, batched, x: x)

    def closing(x):
        f = ft.custom_vmap(lambda y: x * y)
        f.def_vmap(lambda size, batched, y: (x * y, True))
        return f(x)
    with pytest.raises(CustomRuleError, match="closes over a value that is mapped"):
        ft.vmap(closing)(X)


def test_sequential_vmap():
    shapes = []

    @ft.sequential_vmap
    def f(x, y):
        shapes.append(x.shape)
        return x.sum() * y
    x = np.arange(6.0).reshape(3, 2)
    out = ft.vmap(f, (0, None))(x, 2.0)
    np.testing.assert_array_equal(np.asarray(out), 2 * x.sum(1))
    assert set(shapes) == {(2,)}


# ---- Hessians and Jacobians on pytrees ----

def test_second_derivatives_of_pytrees():
    def f(p, q):
        return (p["a"] ** 2 * p["b"]).sum() * q + fnp.sin(q) * p["b"]
    p, q = {"a": fnp.array(X), "b": fnp.array(2.0, "float64")}, fnp.array(0.5, "float64")
    v, w = {"a": fnp.array(X + 1), "b": fnp.array(3.0, "float64")}, fnp.array(0.7, "float64")
    hessian = ft.hessian(f, (0, 1))(p, q)
    product = ft.hvp(f, (p, q), (v, w))
    for number, row in enumerate(hessian):
        for got, blocks in zip(ft.tree.leaves(product[number]),
                               _rows(row, p if number == 0 else q)):
            expected = sum(np.tensordot(np.asarray(block), np.asarray(part), np.ndim(part))
                           for block, part in zip(blocks, ft.tree.leaves((v, w))))
            np.testing.assert_allclose(np.asarray(got), expected, rtol=1e-12)
    single = ft.hvp(lambda p: f(p, q), (p,), (v,))
    assert ft.tree.structure(single) == ft.tree.structure(p)
    for a, b in zip(ft.tree.leaves(ft.jacfwd(lambda p: ft.grad(f)(p, q))(p)),
                    ft.tree.leaves(ft.jacrev(lambda p: ft.grad(f)(p, q))(p))):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=1e-14)


def _rows(row, like) -> list:
    """For each leaf of an argument, the blocks of its row of the Hessian."""
    count = len(ft.tree.leaves(like))
    leaves = ft.tree.leaves(row)
    size = len(leaves) // count
    return [leaves[k * size:(k + 1) * size] for k in range(count)]


def test_hvp_errors():
    with pytest.raises(TypeError, match="tuple"):
        ft.hvp(lambda x: x, 1.0, 1.0)
    with pytest.raises(TypeError, match="structure"):
        ft.hvp(lambda x: x * x, (1.0,), ((1.0, 2.0),))


# ---- arrays that rules read from outside ----

TABLE = np.arange(5.0) + 1
MATRIX = np.random.default_rng(0).normal(size=(5, 5))


@ft.custom_jvp
def weighted(x):
    return TABLE * x


@weighted.defjvp
def _(primals, tangents):
    return weighted(primals[0]), (MATRIX @ tangents[0]) * fnp.array(TABLE) * fnp.float64(2.0)


@ft.custom_vjp
def weighted_too(x):
    return TABLE * x


weighted_too.defvjp(lambda x: (weighted_too(x), fnp.array(TABLE)),
                    lambda res, ct: (MATRIX.T @ (res * ct * 2),))


CONSTANTS = {
    "grad": lambda f, x: ft.grad(lambda x: f(x).sum())(x),
    "grad_of_jit": lambda f, x: ft.grad(lambda x: ft.jit(f)(x).sum())(x),
    "vmap": lambda f, x: ft.vmap(ft.grad(ft.jit(lambda x: f(x).sum())))(fnp.stack([x, x]))[0],
    "grad_of_vmap_of_jit": lambda f, x: ft.grad(
        lambda x: ft.vmap(ft.jit(f))(fnp.stack([x])).sum())(x),
    "cond": lambda f, x: ft.grad(lambda x: lax.cond(x[0] < 9, f, lambda x: x, x).sum())(x),
    "scan": lambda f, x: ft.grad(lambda x: lax.scan(
        lambda c, _: (f(c), None), x, None, length=1)[0].sum())(x),
    "while": lambda f, x: ft.grad(lambda x: lax.while_loop(
        lambda s: s[0] < 1, lambda s: (s[0] + 1, f(s[1])), (0, x))[1].sum())(x),
    "checkpoint": lambda f, x: ft.grad(lambda x: ft.checkpoint(ft.jit(f))(x).sum())(x),
}


@pytest.mark.parametrize("how", sorted(CONSTANTS))
@pytest.mark.parametrize("function", (weighted, weighted_too))
def test_rules_may_read_arrays_from_outside(function, how):
    expected = MATRIX.T @ (2 * TABLE)
    check(ft.make_ir(lambda x: CONSTANTS[how](function, x))(X))
    for run in (lambda x: CONSTANTS[how](function, x),
                *(ft.jit(lambda x: CONSTANTS[how](function, x), device=target)
                  for target in (*TARGETS, "interpret"))):
        np.testing.assert_allclose(np.asarray(run(fnp.array(X))), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", ("float16", "float32", "complex64", "int8", "bool", "bfloat16"))
def test_arrays_in_programs_of_every_dtype(dtype):
    values = np.array([1.5, np.nan, -np.inf]) if dtype[0] in "cf" else np.array([1, 0, 1])
    if dtype == "bfloat16":
        dtype = pytest.importorskip("ml_dtypes").bfloat16
    array = values.astype(dtype)
    f = ft.custom_jvp(lambda x: x)
    f.defjvp(lambda p, t: (f(p[0]) + fnp.array(array).astype("complex128").real, t[0]))
    for target in (*TARGETS, "interpret"):
        out, _ = ft.jit(lambda x: ft.jvp(ft.jit(f), (x,), (x,)), device=target)(np.zeros(3))
        np.testing.assert_array_equal(np.asarray(out), array.astype("complex128").real)
