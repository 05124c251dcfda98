"""What derivatives of loops cost: bytes that are kept of each step, operations, trips."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.ir import primitive as kernels
from functrans.ir.program import inner_programs
from functrans.ir.rewrite import dead_code
from functrans.primitives.stack import is_stack

N = 8
RNG = np.random.default_rng(4)
W, H = RNG.normal(size=(N, N)) * 0.3, RNG.normal(size=N)


def loops(program):
    """All loop equations, at any depth."""
    for equation in program.equations:
        if isinstance(equation.kernel, (kernels.Scan, kernels.While, kernels.Unwind)):
            yield equation
        for inner in inner_programs(equation):
            yield from loops(inner)


def gradient(function, *args, argnums=0):
    return ft.make_ir(ft.grad(function, argnums))(*args)


def kept_each_step(program) -> int:
    """Bytes that the first loop of a gradient, which runs forwards, stacks in each step."""
    forwards = next(loops(program))
    kernel = forwards.kernel
    carries = kernel.carries if isinstance(kernel, kernels.Scan) else \
        len(kernel.body.inputs) - kernel.body_constants
    return sum(kind.nbytes for kind in kernel.body.output_types[carries:])


def work(program) -> int:
    """Operations on elements, with inner loops as often as they run."""
    return sum(_work(equation) for equation in program.equations)


def _work(equation) -> int:
    kernel = equation.kernel
    inner = sum(work(program) for program in inner_programs(equation))
    if isinstance(kernel, kernels.Scan):
        return kernel.length * inner
    if inner:
        return inner
    sizes = [atom.type.size for atom in equation.outputs]
    if isinstance(kernel, kernels.Elementwise):
        return kernel.cost * sum(sizes)
    if isinstance(kernel, kernels.Contract):
        contracted = [equation.inputs[0].type.shape[k] for k in kernel.contract[0]]
        return 2 * sum(sizes) * int(np.prod(contracted))
    if isinstance(kernel, (kernels.Scatter, kernels.DynamicUpdate)):
        return equation.inputs[1].type.size              # in place: what is written
    return sum(sizes)


def scanned(body):
    """The loss of a scan over rows, as a function of a matrix, a start and the rows."""
    return lambda w, h, xs: lax.scan(lambda c, x: (body(w, c, x), None), h, xs)[0].sum()


XS = RNG.normal(size=(20, N))

# Bodies, what is differentiated, and how many vectors of N numbers each step must keep.
KEPT = {
    "linear": (lambda w, c, x: 0.5 * c + x, (1, 2), 0),
    "shared_factor": (lambda w, c, x: w[0] * c + x, (1, 2), 0),
    "product_without_weights": (lambda w, c, x: w @ c + x, (1, 2), 0),
    "product": (lambda w, c, x: w @ c + x, (0, 1, 2), 1),
    "invariant_function_of_weights": (lambda w, c, x: fnp.exp(w) @ c + x, (1, 2), 0),
    "factor_from_the_rows": (lambda w, c, x: x * c, (1,), 0),
    "tanh": (lambda w, c, x: fnp.tanh(c + x), (1, 2), 1),
    "sine": (lambda w, c, x: fnp.sin(c) + x, (1, 2), 1),
    "cheap_chain": (lambda w, c, x: (c * c + 1) * c * 0.1 + x, (1, 2), 1),
    "rnn": (lambda w, c, x: fnp.tanh(w @ c + x), (0, 1, 2), 2),
}


@pytest.mark.parametrize("name", KEPT)
def test_bytes_that_a_scan_keeps_of_each_step(name):
    body, argnums, vectors = KEPT[name]
    program = gradient(scanned(body), W, H, XS, argnums=argnums)
    assert kept_each_step(program) <= vectors * N * 8


def test_outputs_of_the_loop_are_not_kept_twice():
    """The ys hold tanh already; its derivative is made of them."""
    def function(h, xs):
        return lax.scan(lambda c, x: (lambda y: (0.5 * c, y))(fnp.tanh(x * c)), h, xs)[1].sum()
    program = gradient(function, H, XS, argnums=(0,))
    assert kept_each_step(program) <= 2 * N * 8


def test_what_does_not_change_is_computed_once():
    program = gradient(scanned(lambda w, c, x: fnp.exp(w) @ c + x), W, H, XS)
    for equation in loops(program):
        names = [inner.primitive.name for inner in equation.params["body"].equations]
        assert "exp" not in names


def test_carries_that_are_passed_on_are_not_kept():
    """Parameters that travel in the carry are constants of the loop."""
    def function(w, h, xs):
        return lax.scan(lambda c, x: ((c[0], c[0] @ c[1] + x), None), (w, h), xs)[0][1].sum()
    program = gradient(function, W, H, XS, argnums=(0, 1))
    assert kept_each_step(program) <= N * 8
    assert next(loops(program)).params["carries"] == 1


@pytest.mark.parametrize("name", KEPT)
def test_bytes_that_a_while_loop_keeps_of_each_step(name):
    """As many as a scan."""
    body, argnums, vectors = KEPT[name]

    def function(w, h, xs):
        rows = fnp.array(XS)
        return lax.while_loop(lambda c: c[0] < 20, lambda c: (c[0] + 1, body(w, c[1], rows[0])),
                              (0, h))[1].sum()
    argnums = tuple(k for k in argnums if k != 2)
    program = gradient(function, W, H, XS, argnums=argnums)
    assert kept_each_step(program) <= vectors * N * 8


def _indexed(w, xs, steps):
    return lax.fori_loop(0, steps, lambda i, c: fnp.tanh(w @ c + xs[i]), xs[0]).sum()


def _windowed(w, xs, steps):
    return lax.fori_loop(0, steps, lambda i, c: fnp.tanh(
        w @ c + lax.dynamic_index_in_dim(xs, i, keepdims=False)), xs[0]).sum()


def _nested(w, xs, steps):
    """The outer loop repeats an inner one over the same rows: both add to one sum."""
    def outer(c, _):
        return lax.fori_loop(0, 4, lambda i, d: fnp.sin(d) * xs[i], c), None
    return lax.scan(outer, xs[0], None, length=steps)[0].sum()


GROWING = {
    "scan": lambda w, xs, steps: scanned(lambda w, c, x: fnp.tanh(w @ c + x))(w, xs[0], xs),
    "rows": lambda w, xs, steps: lax.scan(
        lambda c, x: (fnp.sin(w @ c) * x, c), xs[0], xs)[1].sum(),
    "indexed": _indexed, "windowed": _windowed, "nested": _nested,
    "map": lambda w, xs, steps: lax.map(lambda x: fnp.tanh(w @ x), xs).sum(),
}


@pytest.mark.parametrize("name", GROWING)
def test_twice_the_steps_are_twice_the_work(name):
    """Gradient of a loop of 200 steps, against one of 100: at most 2.1 times the operations."""
    counts = []
    for steps in (100, 200):
        xs = np.ones((steps, N))
        counts.append(work(gradient(
            lambda w, xs: GROWING[name](w, xs, steps), W, xs, argnums=(0, 1))))   # noqa: B023
    assert 1.5 * counts[0] < counts[1] <= 2.1 * counts[0]


@pytest.mark.parametrize("name", ["scan", "indexed"])
def test_a_gradient_costs_a_few_times_the_value(name):
    xs = np.ones((100, N))

    def function(w, xs):
        return GROWING[name](w, xs, 100)
    assert work(gradient(function, W, xs, argnums=(0, 1))) <= 5 * work(ft.make_ir(function)(W, xs))


def test_trips_of_a_batched_while_are_those_of_its_lanes():
    """Counted by the program itself: the sum over lanes, not the longest times their number."""
    limits = np.array([1, 5, 0, 2])

    def lane(n):
        return lax.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, c[1] + 1), (0, 0))[1]
    program = ft.make_ir(ft.vmap(lane))(limits)
    kinds = [type(equation.kernel).__name__ for equation in loops(program)]
    assert kinds == ["Scan", "While"]                        # a loop over lanes, one in each
    assert int(ft.jit(ft.vmap(lane))(limits).sum()) == limits.sum()


def test_nothing_is_stacked_where_nothing_is_differentiated():
    program = ft.make_ir(lambda x: lax.while_loop(
        lambda c: c[0] < 9, lambda c: (c[0] + 1, fnp.sin(c[1])), (0, x)))(H)
    for equation in loops(program):
        assert not any(is_stack(var.type) for var in equation.outputs)


# ---- results that nobody reads ----

def optimized(function, *args):
    """The loops and choices of a Program without dead code."""
    return [equation for equation in dead_code(ft.make_ir(function)(*args)).equations
            if equation.primitive.name in ("scan", "while", "cond")]


def test_rows_and_carries_that_nobody_reads_are_not_computed():
    def function(h, xs):
        def step(c, x):
            a, b, unused = c
            return (fnp.sin(a), a + b, unused * fnp.exp(x)), (fnp.cos(x), b)
        (_, b, _), (_, rows) = lax.scan(step, (h, h + 1, h), xs)
        return b, rows
    scan, = optimized(function, H, XS)
    assert scan.params["carries"] == 2 and len(scan.outputs) == 3
    assert [inner.primitive.name for inner in scan.params["body"].equations] == ["sin", "add"]
    assert len(scan.inputs) == 2                                   # the xs are not read


def test_a_while_loop_keeps_what_its_condition_reads():
    def function(h):
        def step(c):
            k, limit, a, b = c
            return k + 1, limit - 1, fnp.sin(a), b * a
        return lax.while_loop(lambda c: c[0] < c[1], step, (0, 20, h, h))[2]
    loop, = optimized(function, H)
    assert loop.params["carries"] == 3


def test_a_gradient_does_not_count_or_stack_for_nothing():
    """Only the value of value_and_grad is read: the stacks of the residuals go."""
    def function(h):
        value, _ = ft.value_and_grad(lambda h: lax.fori_loop(
            0, h[0].astype(int), lambda i, c: fnp.sin(c) * h, h).sum())(h)
        return value
    loop, = optimized(function, H)
    assert not loop.params["counted"]


def test_a_choice_keeps_what_is_read():
    def function(p, x, y):
        return lax.cond(p, lambda x, y: (fnp.sin(x), fnp.exp(y)), lambda x, y: (x, y), x, y)[0]
    choice, = optimized(function, True, H, H)
    assert len(choice.inputs) == 2 and len(choice.outputs) == 1


def test_effects_stay_where_results_go():
    seen = []

    def function(h):
        def step(c, _):
            ft.debug.callback(lambda x: seen.append(float(x[0])), c[1])
            return (c[0] + 1, c[1] * 2, c[2] * 3), None
        return lax.scan(step, (h, h * 0 + 1, h), None, length=3)[0][0]
    ft.jit(function)(H)
    assert seen == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("target", ["reference", "cpu"])
def test_what_is_left_gives_the_same(target):
    def function(h, xs):
        def step(c, x):
            inner = lax.while_loop(lambda d: d[0] < 2,
                                   lambda d: (d[0] + 1, fnp.sin(d[1]) + x, d[2] * x),
                                   (0, c[0], c[1]))
            return (inner[1], inner[2], c[0]), (inner[2], c[2], inner[1])
        (a, _, c), (_, rows, _) = lax.scan(step, (h, h, h), xs)
        return (a * c).sum() + rows.sum()
    lanes = ft.vmap(ft.grad(function), (0, None))
    for derived, h in ((function, H), (ft.grad(function), H), (lanes, np.stack([H, H + 1]))):
        np.testing.assert_allclose(ft.jit(derived, device=target)(h, XS),
                                   derived(fnp.array(h), fnp.array(XS)), rtol=1e-12)
