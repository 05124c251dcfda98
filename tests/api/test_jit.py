"""jit: signatures, static and donated arguments, decorators, methods, looking inside."""
from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.api.jit import Jitted

X = fnp.array([1.0, 2.0, 3.0])


# ---- forms ----

@ft.jit
def plain(x):
    """Documented."""
    return x + 1


@ft.jit(static_argnames=("times",))
def with_arguments(x, *, times=2):
    return x * times


@partial(ft.jit, static_argnums=0)
def by_partial(times, x):
    return sum([x] * times)


def test_decorators():
    assert plain(X).tolist() == [2, 3, 4] and plain.__name__ == "plain"
    assert plain.__doc__ == "Documented." and isinstance(plain, Jitted)
    assert with_arguments(X).tolist() == [2, 4, 6]
    assert with_arguments(X, times=3).tolist() == [3, 6, 9]
    assert by_partial(2, X).tolist() == [2, 4, 6]


@ft.tree.register_dataclass
@dataclasses.dataclass
class Affine:
    weight: object
    bias: object

    @ft.jit
    def __call__(self, x):
        return self.weight * x + self.bias


class Scale:
    def __init__(self, factor):
        self.factor = factor

    @partial(ft.jit, static_argnums=0)
    def static(self, x):
        return x * self.factor

    def bound(self, x):
        return x * self.factor

    @staticmethod
    @ft.jit
    def double(x):
        return 2 * x

    @classmethod
    @partial(ft.jit, static_argnums=0)
    def of_class(cls, x):
        return x + len(cls.__name__)

    @ft.jit
    def without_registration(self, x):
        return x * self.factor


def test_methods():
    model, scale = Affine(fnp.array(2.0), fnp.array(1.0)), Scale(3.0)
    assert model(X).tolist() == [3, 5, 7]
    grads = ft.grad(lambda m: m(X).sum())(model)
    assert (float(grads.weight), float(grads.bias)) == (6, 3)
    assert scale.static(X).tolist() == ft.jit(scale.bound)(X).tolist() == [3, 6, 9]
    assert Scale.double(X).tolist() == scale.double(X).tolist() == [2, 4, 6]
    assert Scale.of_class(X).tolist() == [6, 7, 8]
    with pytest.raises(TypeError, match="self is .*Scale"):
        scale.without_registration(X)


def test_callables_of_all_kinds():
    assert ft.jit(partial(lambda a, b: a * b, 3.0))(X).tolist() == [3, 6, 9]
    assert ft.jit(np.square)(X).tolist() == [1, 4, 9]
    assert ft.jit(ft.jit(lambda x: x + 1))(X).tolist() == [2, 3, 4]
    assert float(ft.jit(fnp.sum, static_argnames="axis")(X, axis=0)) == 6
    assert ft.jit(lambda: fnp.ones(2))().tolist() == [1, 1]
    with pytest.raises(TypeError, match="takes a function"):
        ft.jit(3)


def test_trees_in_and_out():
    out = ft.jit(lambda d, *rest, **named: {"s": d["a"] + d["b"][0], "n": None, "r": rest,
                                            "k": named})({"a": 1.0, "b": [X]}, 2, k=X)
    assert out["s"].tolist() == [2, 3, 4] and out["n"] is None
    assert isinstance(out["r"], tuple) and out["k"]["k"].tolist() == [1, 2, 3]
    assert ft.jit(lambda x: None)(X) is None and ft.jit(lambda x: x)(None) is None


def test_dtypes_of_results_are_those_of_the_function():
    results = ft.jit(lambda: (1, 2.0, True, np.float64(3), np.float32(4), np.ones(2)))()
    assert [r.dtype.name for r in results] \
        == ["int64", "float32", "bool", "float64", "float32", "float64"]
    assert [r.weak_type for r in results] == [True, True, False, False, False, False]
    assert ft.jit(lambda x: x)(np.float64(0.1)).dtype == np.float64
    assert float(ft.jit(lambda x: x)(np.float64(0.1))) == 0.1


# ---- retracing ----

def test_each_signature_is_traced_once():
    function = ft.jit(lambda x, y=0.0: x + y)
    function(X), function(X + 1), function(np.asarray(X)), function(X, y=0.0)
    assert function.traces == 2                     # y has its default in the first three
    function(X[:2]), function(X.astype("float64")), function(1.0), function(fnp.array(1.0))
    assert function.traces == 6                     # the scalars: one weak, one not
    with ft.config.override(default_float="float64"):
        assert function(1.0).dtype == np.float64
    function.clear_cache()
    function(X)
    assert function.traces == 8


def test_static_arguments():
    function = ft.jit(lambda x, n, mode="a": [x] * n if mode == "a" else [x * n],
                      static_argnums=(1, 2))
    assert len(function(X, 3)) == 3 and len(function(X, 3, "b")) == 1
    assert len(function(X, n=2)) == 2 and function(X, n=2, mode="b")[0].tolist() == [2, 4, 6]
    by_name = ft.jit(lambda x, n: [x] * n, static_argnames="n")
    assert len(by_name(X, 2)) == len(by_name(X, n=2)) == 2
    last = ft.jit(lambda x, n: [x] * n, static_argnums=-1)
    assert len(last(X, 4)) == 4


def test_equal_static_arguments_of_other_types_are_others():
    function = ft.jit(lambda x, n: x * n, static_argnums=1)
    k = fnp.arange(3)
    assert [function(k, n).dtype.name for n in (1, 1.0, True)] == ["int64", "float32", "int64"]
    assert function.traces == 3


def test_donated_arguments():
    step = ft.jit(lambda p, x: ft.tree.map(lambda a: a - x, p), donate_argnums=0)
    params = {"a": fnp.ones(3), "b": fnp.ones(2)}
    new = step(params, 0.5)
    assert new["a"].tolist() == [0.5] * 3
    assert params["a"].is_deleted() and params["b"].is_deleted() and not new["a"].is_deleted()
    x, y = fnp.ones(2), fnp.ones(2)
    ft.jit(lambda x, y: x + y, donate_argnames="y")(x, y=y)
    assert y.is_deleted() and not x.is_deleted()
    plain = np.ones(3)
    step(plain, 1.0)
    assert plain.tolist() == [1, 1, 1]


@pytest.mark.parametrize("make, kind, text", (
    (lambda f: ft.jit(f, static_argnums=5), ValueError, "static_argnums=5"),
    (lambda f: ft.jit(f, static_argnames="z"), ValueError, "its arguments are x, n"),
    (lambda f: ft.jit(f, static_argnums="x"), TypeError, "int or a sequence of ints"),
    (lambda f: ft.jit(f, static_argnames=3), TypeError, "string|iterable"),
    (lambda f: ft.jit(f, donate_argnums=5), ValueError, "donate_argnums=5"),
    (lambda f: ft.jit(f, static_argnums=0, donate_argnames="x"), ValueError, "both static"),
    (lambda f: ft.jit(f, static_argnums=1)(X, [1]), TypeError, "'n' is \\[1\\] of type list"),
    (lambda f: ft.jit(f, static_argnums=1)(X, X), TypeError, "'n' is an array"),
    (lambda f: ft.jit(f)(X, "a"), TypeError, "n is 'a' of type str"),
    (lambda f: ft.jit(f)({"k": object()}, 1), TypeError, r"x\['k'\] is <object"),
    (lambda f: ft.jit(lambda x: {"a": (x, "s")})(X), TypeError, r"\['a'\]\[1\]"),
    (lambda f: ft.jit(lambda x: iter([x]))(X), TypeError, "list_iterator"),
))
def test_misuse_is_refused(make, kind, text):
    with pytest.raises(kind, match=text):
        make(lambda x, n=1: x * n)


# ---- nesting ----

def test_nested_functions_appear_in_the_program_and_survive_transformations():
    inner = ft.jit(lambda y: fnp.sin(y) * y)
    outer = ft.jit(lambda x: inner(x) + inner(2 * x))
    assert repr(outer.trace(X)).count("jit <lambda>") == 2
    expected = np.sin(X) * np.asarray(X) + np.sin(2 * np.asarray(X)) * 2 * np.asarray(X)
    np.testing.assert_allclose(outer(X), expected, rtol=1e-6)
    assert "jit" in repr(ft.make_ir(ft.grad(lambda x: inner(x).sum()))(X))


def test_closures_over_tracers():
    assert float(ft.grad(lambda x: ft.jit(lambda y: y * x)(x))(3.0)) == 6
    assert ft.vmap(lambda x: ft.jit(lambda y: y * x)(2.0))(X).tolist() == [2, 4, 6]
    assert float(ft.grad(lambda x: ft.jit(lambda y: y * y)(x) if x > 0 else x)(3.0)) == 6


def test_disable_jit():
    seen = []

    @ft.jit
    def function(x):
        seen.append(float(x.sum()))
        return x if x.sum() > 0 else -x

    with ft.disable_jit():
        assert function(X).tolist() == [1, 2, 3] and function(-X).tolist() == [1, 2, 3]
        assert float(ft.grad(ft.jit(lambda x: x * x if x > 0 else x))(3.0)) == 6
        with ft.disable_jit(False), pytest.raises(ft.errors.ConcretizationError):
            function(X)
    assert seen == [6, -6]
    with pytest.raises(ft.errors.ConcretizationError):
        function(X)


# ---- looking inside ----

def test_lower_and_compile():
    lowered = ft.jit(lambda x, n: fnp.sin(x) * n, static_argnums=1).lower(
        ft.ShapeDtypeStruct((3,), "float32"), 2)
    compiled = lowered.compile()
    np.testing.assert_allclose(compiled(X), 2 * np.sin(X), rtol=1e-6)
    assert "sin(x)" in lowered.as_text("traced") and "# optimized" in lowered.as_text()
    assert "def kernel_0(" in lowered.source() == compiled.source()
    assert len(lowered.program.equations) == 2 and "2 equations" in repr(lowered)
    for wrong in ((fnp.ones(4),), (fnp.arange(3),), (X, 2), ({"x": X},), ()):
        with pytest.raises(TypeError, match="compiled <lambda> takes"):
            compiled(*wrong)
    with pytest.raises(ValueError, match="stage must be"):
        lowered.as_text("kernels")


def test_make_ir_and_eval_shape():
    program, out = ft.make_ir(lambda a, n: {"s": a * n}, static_argnums=1, return_shape=True)(X, 2)
    assert len(program.inputs) == 1 and out == {"s": ft.ShapeDtypeStruct((3,), "float32")}
    spec = ft.ShapeDtypeStruct((2, 3), "float32")
    out = ft.eval_shape(lambda d, *, k: {"o": d["a"] @ d["b"] + k},
                        {"a": spec, "b": np.ones((3, 4))}, k=1)
    assert out == {"o": ft.ShapeDtypeStruct((2, 4), "float64")}
    assert (spec.ndim, spec.size, len(spec)) == (2, 6, 2) and hash(spec) == hash(
        ft.ShapeDtypeStruct((2, 3), fnp.float32))
    assert "weak_type" in repr(ft.eval_shape(lambda: 1.0))
    assert ft.jit(lambda x: x + 1).eval_shape(X) == ft.ShapeDtypeStruct((3,), "float32")
    assert ft.eval_shape(ft.grad(lambda x: (x ** 2).sum()), X).shape == (3,)


def test_block_until_ready():
    tree = {"a": X, "b": [3, None]}
    assert ft.block_until_ready(tree) is tree


def test_targets():
    for target in ("cpu", "reference", "interpret"):
        assert ft.jit(lambda x: x * 2, device=target)(X).tolist() == [2, 4, 6]
    with ft.config.override(target="reference"):
        assert ft.jit(lambda x: x * 2)(X).tolist() == [2, 4, 6]
    with pytest.raises(RuntimeError, match="no target 'tpu'"):
        ft.jit(lambda x: x * 2, device="tpu")(X)
