"""Tracing: Programs, values on demand, closures, leaks, and the user's lines."""
from __future__ import annotations

import threading

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import errors
from functrans.ir.check import ProgramError, check
from functrans.ir.program import Equation, Program, Var, inner_programs
from functrans.ir.type import ArrayType

X = fnp.array([1.0, 2.0, 3.0])


# ---- Programs ----

def every_equation(program):
    for equation in program.equations:
        yield equation
        for inner in inner_programs(equation):
            yield from every_equation(inner)


def scores(w, x):
    hidden = fnp.tanh(x @ w)
    return (hidden
            * 2).sum()


def test_a_program_reads_like_one():
    text = repr(ft.make_ir(lambda x: fnp.sin(x) * 2)(1.0))
    assert text.splitlines()[0] == "<lambda>(x: f32*[]) -> (f32*[]):"
    assert "a: f32*[] = sin(x)" in text and "b: f32*[] = mul(a, 2.0)" in text
    assert text.splitlines()[-1].strip() == "return b" and "# test_trace.py:" in text


def test_programs_have_html_for_notebooks():
    page = ft.make_ir(lambda x: fnp.where(x < 1, x, 0))(X)._repr_html_()
    assert page.startswith("<pre") and page.endswith("</pre>")
    assert "&lt;lambda&gt;" in page and "<lambda>" not in page and "test_trace.py" in page


@pytest.mark.parametrize("transformed", (
    scores, ft.grad(scores), ft.jit(ft.grad(scores)), ft.vmap(ft.grad(scores), (None, 0)),
    ft.hessian(scores), lambda w, x: ft.jvp(lambda w: scores(w, x), (w,), (w,))),
    ids="itself grad jit vmap hessian jvp".split())
def test_every_equation_has_the_users_line(transformed):
    w, x = fnp.ones((3, 2)), fnp.ones((4, 3))
    program = ft.make_ir(transformed)(w, x)
    check(program)
    equations = list(every_equation(program))
    assert equations and all(equation.location is not None for equation in equations)
    assert {equation.location.file for equation in equations} == {__file__}
    lines = {equation.location.text for equation in equations}
    assert any("fnp.tanh(x @ w)" in line for line in lines)


def test_locations_name_the_expression():
    program = ft.make_ir(scores)(fnp.ones((3, 2)), fnp.ones((4, 3)))
    expressions = [equation.location.expression for equation in program.equations]
    assert expressions[0] == "x @ w" and expressions[1] == "fnp.tanh(x @ w)"


def test_what_is_closed_over_becomes_an_input():
    program = ft.make_ir(lambda y: y + X + X)(X)
    assert len(program.inputs) == 2
    check(program)


def test_programs_cannot_be_changed():
    program = ft.make_ir(fnp.sin)(1.0)
    for thing in (program, program.equations[0], program.inputs[0], program.inputs[0].type):
        with pytest.raises(AttributeError, match="immutable"):
            thing.name = "other"


def test_the_checker_shows_the_neighbourhood_of_a_fault():
    program = ft.make_ir(lambda x: fnp.cos(fnp.sin(x)) * x)(X)
    first, second, third = program.equations
    for broken, message in (
            (program.replace(equations=(second, first, third)), "is not defined before"),
            (program.replace(equations=(first, first, second, third)), "is defined twice"),
            (program.replace(equations=(first, second, _retyped(third))), "its infer rule gives")):
        with pytest.raises(ProgramError, match=message) as caught:
            check(broken)
        assert "-->" in str(caught.value) and "test_trace.py" in str(caught.value)


def _retyped(equation: Equation) -> Equation:
    return equation.replace(outputs=(Var(ArrayType((7,), np.float32)),))


def test_an_empty_program():
    program = Program((), (), ())
    check(program)
    assert "return nothing" in repr(program)


# ---- values while tracing ----

def newton(x):
    """The square root, by as many steps as it takes."""
    y, steps = x, 0
    while abs(y * y - x) > 1e-12 and steps < 50:
        y, steps = (y + x / y) / 2, steps + 1
    return y


def test_python_control_flow_under_nested_gradients():
    x = np.float64(2.0)
    values = [newton, ft.grad(newton), ft.grad(ft.grad(newton)), ft.grad(ft.grad(ft.grad(newton)))]
    expected = [2 ** 0.5, 0.5 * 2 ** -0.5, -0.25 * 2 ** -1.5, 0.375 * 2 ** -2.5]
    for function, value in zip(values, expected):
        assert float(function(x)) == pytest.approx(value, rel=1e-6)


def test_values_can_be_looked_at_under_a_gradient(capsys):
    seen = []

    def loss(x):
        y = x * x
        print(y)
        seen.append((float(y[0]), y.tolist(), bool(y[1] > 3), int(y.argmax()), y[2].item(),
                     f"{y[0]:.1f}", len(y)))
        return y.sum() if y.sum() > 0 else -y.sum()

    np.testing.assert_allclose(ft.grad(loss)(X), [2, 4, 6])
    assert seen == [(1.0, [1.0, 4.0, 9.0], True, 2, 9.0, "1.0", 3)]
    assert "Tracer([1., 4., 9.], dtype=float32)" in capsys.readouterr().out


def test_the_value_is_computed_once():
    calls = []
    count = ft.pure_callback

    def counted(x):
        def record(value):
            calls.append(1)
            return value * 2
        return count(record, ft.ShapeDtypeStruct((), "float64"), x)

    def loss(x):
        y = counted(ft.stop_gradient(x))
        return x * y if y > 0 else x

    assert float(ft.grad(loss)(np.float64(3.0))) == 6 and len(calls) == 1


def test_unmapped_values_are_known_under_vmap():
    got = ft.vmap(lambda a, b: a if b > 0 else -a, in_axes=(0, None))(X, -1.0)
    assert got.tolist() == [-1, -2, -3]


def test_a_tracer_without_a_value_shows_its_type(capsys):
    ft.jit(lambda x: print(x) or f"{x}" and x)(X)
    assert capsys.readouterr().out == "Tracer<f32[3]>\n"


NEEDS_A_VALUE = {
    "bool": bool, "float": float, "int": int, "complex": complex, "index": lambda x: [1, 2][x],
    "asarray": np.asarray, "array": lambda x: np.array([x, x]), "item": lambda x: x.item(),
    "tolist": lambda x: x.tolist(), "format": lambda x: f"{x:.2f}", "range": range,
    "and": lambda x: x and x, "size": lambda x: fnp.zeros(x),
}


@pytest.mark.parametrize("name", NEEDS_A_VALUE)
@pytest.mark.parametrize("run", (lambda f, x: ft.jit(f)(x), lambda f, x: ft.vmap(f)(x[None]),
                                 lambda f, x: ft.eval_shape(f, x)), ids=("jit", "vmap", "shape"))
def test_asking_for_a_value_that_there_is_not(name, run):
    kind = "int64" if name in ("index", "range", "size") else "float32"
    with pytest.raises(errors.ConcretizationError) as caught:
        run(NEEDS_A_VALUE[name], fnp.array(1, kind))
    text = str(caught.value)
    assert isinstance(caught.value, TypeError) and "test_trace.py" in text
    assert len(text.splitlines()) <= 12


def test_len_and_shape_need_no_value():
    assert ft.jit(lambda x: fnp.zeros(len(x)) + x.shape[0] + x.ndim)(X).tolist() == [4, 4, 4]


# ---- numpy.asarray and derivatives ----

def test_numpy_arrays_do_not_cut_derivatives_off():
    for function in (lambda x: np.array([x[0], x[1]]).sum(), lambda x: x[0] * np.asarray(x).sum(),
                     lambda x: ft.vmap(lambda a: a * np.asarray(x).sum())(x).sum()):
        with pytest.raises(errors.ConcretizationError, match="cut a traced array off"):
            ft.grad(function)(X)


def test_values_without_a_derivative_can_be_numpy_arrays():
    for function in (lambda x: x.sum() * np.asarray(x > 1).sum(),
                     lambda x: x.sum() * np.asarray(ft.stop_gradient(x))[1],
                     lambda x: x.sum() * (1 + np.asarray(x.argmin() + 1))):
        np.testing.assert_allclose(ft.grad(function)(X), [2, 2, 2])
    got = ft.vmap(lambda a, b: a * np.asarray(b).sum(), in_axes=(0, None))(X, X)
    np.testing.assert_allclose(got, [6, 12, 18])


# ---- leaks ----

TRANSFORMATIONS = {
    "jit": lambda f: ft.jit(f)(X), "grad": lambda f: ft.grad(lambda x: f(x).sum())(X),
    "vmap": lambda f: ft.vmap(f)(X), "jvp": lambda f: ft.jvp(f, (X,), (X,)),
    "linearize": lambda f: ft.linearize(f, X), "make_ir": lambda f: ft.make_ir(f)(X),
}
USES = {
    "operator": lambda t: t + 1, "function": fnp.sin, "numpy": np.sin,
    "bool": lambda t: bool(t.any()),
    "asarray": np.asarray, "array": lambda t: np.array([t]), "jit closure": lambda t: ft.jit(
        lambda y: y + t)(1.0), "jit argument": lambda t: ft.jit(lambda y: y * 2)(t),
    "result": lambda t: ft.jit(lambda y: t)(1.0), "grad": lambda t: ft.grad(lambda y: y * t.sum())(
        1.0), "vmap": lambda t: ft.vmap(lambda y: y * t.sum())(X), "tolist": lambda t: t.tolist(),
}


@pytest.mark.filterwarnings("ignore::functrans.errors.ImpureFunctionWarning")
@pytest.mark.parametrize("name", TRANSFORMATIONS)
@pytest.mark.parametrize("use", USES)
def test_a_tracer_that_escapes_is_noticed(name, use):
    kept = []

    def remember(x):
        kept.append(x * 2)
        return x
    TRANSFORMATIONS[name](remember)
    with pytest.raises(errors.TracerLeakError) as caught:
        USES[use](kept[0])
    text = str(caught.value)
    assert "x * 2" in text and "test_trace.py" in text and "used at" in text
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.filterwarnings("ignore::functrans.errors.ImpureFunctionWarning")
def test_a_leaked_tracer_can_be_printed():
    kept = []
    ft.jit(lambda x: kept.append(x) or x)(X)
    assert repr(kept[0]) == "Tracer<f32[3]>" and kept[0].shape == (3,)


def test_tracing_goes_on_after_an_error():
    broken = [True]

    @ft.jit
    def function(x):
        if broken[0]:
            raise ZeroDivisionError
        return x * 2

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            function(X)
    assert (X + 1).tolist() == [2, 3, 4]
    broken[0] = False
    assert function(X).tolist() == [2, 4, 6]


def test_traces_of_threads_are_their_own():
    results: dict = {}

    def work(number):
        results[number] = float(ft.jit(ft.grad(lambda x: (x ** number).sum()))(X[:1])[0])
    threads = [threading.Thread(target=work, args=(number,)) for number in range(2, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: float(number) for number in range(2, 8)}
