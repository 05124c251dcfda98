"""while_loop and loops with bounds known at run time: values, derivatives, lanes."""
from __future__ import annotations

import numpy as np
import plain_lax
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

TARGETS = (None, "reference", "cpu")
RNG = np.random.default_rng(1)
W = RNG.normal(size=(3, 3)) * 0.6
X = RNG.normal(size=3)
LARGE = RNG.normal(size=20)                 # too large for a loop in one kernel


def on(target, function):
    return function if target is None else ft.jit(function, device=target)


def same(got, expected, tolerance=1e-12):
    assert ft.tree.structure(got) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected)):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        scale = max(1, np.max(np.abs(b), initial=0)) if b.dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


def grow(w, x, limit, L):
    """As long as x is small, and `limit` steps at most; closed over w, which is no carry."""
    def going(c):
        return ((c["x"] * c["x"]).sum() < 40) & (c["k"] < limit)

    def step(c):
        return {"x": w @ c["x"] * 1.5 + fnp.sin(c["x"]) + 0.5, "k": c["k"] + 1, "b": ~c["b"]}
    start = {"x": x, "k": fnp.array(0, dtype="int32"), "b": fnp.array(False)}
    return L.while_loop(going, step, start)


def loss(w, x, limit, L):
    end = grow(w, x, limit, L)
    return fnp.cos(end["x"]).sum() * end["k"] + end["b"]


@pytest.mark.parametrize("target", TARGETS)
def test_values(target):
    run = on(target, lambda w, x, n: grow(w, x, n, lax))
    for limit in (0, 1, 4, 100):
        same(run(W, X, limit), grow(fnp.array(W), fnp.array(X), limit, plain_lax))


DERIVATIVES = {
    "grad": lambda f: ft.value_and_grad(f, (0, 1)),
    "grad_closed_over": lambda f: ft.grad(f, 0),
    "jvp": lambda f: lambda w, x, n: ft.jvp(lambda w, x: f(w, x, n), (w, x), (w + 1, x * x)),
    "linearize": lambda f: lambda w, x, n: ft.linearize(lambda w, x: f(w, x, n), w, x)[1](w, x),
    "jacobian": lambda f: lambda w, x, n: ft.jacrev(
        lambda x: fnp.stack([f(w, x, n), f(w, 2 * x, n)]))(x),
    "forward_over_reverse": lambda f: lambda w, x, n: ft.jvp(
        lambda w: ft.grad(f, (0, 1))(w, x, n), (w,), (w * w,)),
    "reverse_over_reverse": lambda f: lambda w, x, n: ft.grad(
        lambda w, x: (ft.grad(f, 1)(w, x, n) * x).sum(), (0, 1))(w, x),
    "reverse_over_forward": lambda f: lambda w, x, n: ft.grad(
        lambda w: ft.jvp(lambda x: f(w, x, n), (x,), (x * x,))[1])(w),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name, target):
    derive = DERIVATIVES[name]
    run = on(target, derive(lambda w, x, n: loss(w, x, n, lax)))
    plain = derive(lambda w, x, n: loss(w, x, n, plain_lax))
    for limit in (0, 1, 3):
        same(run(W, X, limit), plain(fnp.array(W), fnp.array(X), limit))


@pytest.mark.parametrize("target", TARGETS)
def test_many_steps_grow_the_stacks(target):
    """More steps than a block of a stack holds at first, of elements of several sizes."""
    def function(a, x, n, L):
        end = L.while_loop(lambda c: c[0] < n,
                           lambda c: (c[0] + 1, fnp.sin(c[1] * a) + c[1] / 7), (0, x))[1]
        return (end ** 2).sum()
    steps = 150 if target == "cpu" else 40
    run = on(target, ft.value_and_grad(lambda a, x, n: function(a, x, n, lax), (0, 1)))
    for point in (np.array(1.1), X, LARGE):
        got = run(np.float64(0.9), point, steps)
        same(got, ft.value_and_grad(lambda a, x, n: function(a, x, n, plain_lax), (0, 1))(
            fnp.array(np.float64(0.9)), fnp.array(point), steps), 1e-11)


@pytest.mark.parametrize("target", TARGETS)
def test_dynamic_bounds(target):
    def function(x, low, high, L):
        return L.fori_loop(low, high, lambda i, c: fnp.sin(c) * (1 + i) + x, x).sum()
    run = on(target, ft.value_and_grad(lambda x, a, b: function(x, a, b, lax)))
    for low, high in ((0, 0), (2, 5), (-3, 1), (4, 1)):
        same(run(X, low, high), ft.value_and_grad(
            lambda x: function(x, low, high, plain_lax))(fnp.array(X)))    # noqa: B023


@pytest.mark.parametrize("target", TARGETS)
def test_each_lane_stops_by_itself(target):
    """Limits, starts and closed-over matrices that differ from lane to lane."""
    limits = np.array([3, 0, 5, 1])
    ws = np.stack([W, W * 0.5, -W, W.T])
    xs = np.stack([X, -X, X * 3, X + 1])
    for axes in ((None, None, 0), (0, None, None), (0, 0, 0), (None, 0, None)):
        args = [all_ if axis == 0 else one for all_, one, axis in
                zip((ws, xs, limits), (W, X, 4), axes)]
        run = on(target, ft.vmap(
            ft.value_and_grad(lambda w, x, n: loss(w, x, n, lax), (0, 1)), axes))
        plain = plain_lax.vmap(
            ft.value_and_grad(lambda w, x, n: loss(w, x, n, plain_lax), (0, 1)), axes)
        same(run(*args), plain(*[fnp.array(arg) for arg in args]))


@pytest.mark.parametrize("target", TARGETS)
def test_gradient_of_a_batch(target):
    """Reverse mode through vmap through while: shared operands collect from all lanes."""
    def total(w, xs, limits, L):
        return L.vmap(lambda x, n: loss(w, x, n, L))(xs, limits).sum()
    L = type("L", (), {"vmap": staticmethod(ft.vmap), "while_loop": staticmethod(lax.while_loop)})
    xs, limits = np.stack([X, -X, X * 3]), np.array([2, 0, 4])
    got = on(target, ft.value_and_grad(lambda w, x, n: total(w, x, n, L), (0, 1)))(W, xs, limits)
    same(got, ft.value_and_grad(lambda w, x, n: total(w, x, n, plain_lax), (0, 1))(
        fnp.array(W), fnp.array(xs), fnp.array(limits)))


def test_a_lane_that_is_done_costs_nothing_more():
    """1,000 lanes of one step and one of 100,000: each lane runs its own number of them."""
    limits = np.ones(1001, np.int64)
    limits[7] = 100_000
    run = ft.jit(ft.vmap(lambda n: lax.while_loop(
        lambda c: c[0] < n, lambda c: (c[0] + 1, c[1] + 2), (0, 0))[1]))
    np.testing.assert_array_equal(run(limits), 2 * limits)


def test_an_endless_lane_of_a_side_not_taken():
    run = ft.jit(ft.vmap(lambda x: lax.cond(x > 0, lambda: lax.while_loop(
        lambda y: y < 10, lambda y: 2 * y, x), lambda: x)))
    same(run(np.array([-1.0, 0.0, 3.0])), fnp.array([-1.0, 0.0, 12.0], dtype="float64"))


@pytest.mark.parametrize("target", TARGETS)
def test_scans_whose_inner_loops_differ_by_step_and_lane(target):
    """An inner loop of k steps in step k of the outer one, whose values change with the lane."""
    def function(w, n, xs, L):
        def outer(c, x):
            inner = L.fori_loop(0, n + c[1], lambda i, h: fnp.sin(w * h) + x, c[0])
            return (inner, c[1] + 1), inner
        (h, _), rows = L.scan(outer, (w, fnp.array(0)), xs)
        return h * rows.sum()
    ns = np.array([0, 2, 1])
    ws = np.array([0.3, 0.9, -0.4])
    run = on(target, ft.vmap(ft.value_and_grad(lambda w, n, xs: function(w, n, xs, lax), (0, 2)),
                             (0, 0, None)))
    plain = plain_lax.vmap(ft.value_and_grad(
        lambda w, n, xs: function(w, n, xs, plain_lax), (0, 2)), (0, 0, None))
    same(run(ws, ns, X), plain(fnp.array(ws), fnp.array(ns), fnp.array(X)))


@pytest.mark.parametrize("target", TARGETS)
def test_while_in_while(target):
    """Stacks of stacks: each outer step keeps what its inner loop kept."""
    def function(a, x, L):
        def inner(c):
            return L.while_loop(lambda d: d.sum() < 2, lambda d: d * a + fnp.exp(-d), c)

        def outer(c):
            return c[0] + 1, fnp.sin(inner(c[1]) * c[0])
        return (L.while_loop(lambda c: c[0] < 4, outer, (1, x))[1] * x).sum()
    for point in (X, LARGE):
        run = on(target, ft.value_and_grad(lambda a, x: function(a, x, lax), (0, 1)))
        same(run(np.float64(1.3), point), ft.value_and_grad(
            lambda a, x: function(a, x, plain_lax), (0, 1))(
                fnp.array(np.float64(1.3)), fnp.array(point)))
    second = on(target, ft.grad(lambda a: ft.grad(lambda b: function(b, fnp.array(X), lax))(a)))
    same(second(np.float64(1.3)), ft.grad(ft.grad(
        lambda b: function(b, fnp.array(X), plain_lax)))(fnp.array(np.float64(1.3))))


def test_lanes_with_stacks_of_their_own_are_moved_about():
    """A loop by lane within a loop within a lane: arrays of stacks are transposed."""
    def lane(x, n):
        def step(c, _):
            rows = ft.vmap(lambda y, m: lax.fori_loop(0, m, lambda i, z: fnp.sin(z) * y, y))(
                c * fnp.arange(1.0, 3.0).astype(c.dtype), fnp.arange(2) + n)
            return rows.sum(), None
        return lax.scan(step, x, None, length=2)[0]

    def plain(x, n):
        for _ in range(2):
            total = 0
            for m in range(2):
                y = z = x * (m + 1.0)
                for _ in range(m + int(n)):
                    z = fnp.sin(z) * y
                total = total + z
            x = total
        return x
    xs, ns = np.array([0.4, -0.9]), np.array([1, 2])
    got = ft.jit(ft.vmap(ft.grad(lane)))(xs, ns)
    same(got, fnp.stack([ft.grad(plain)(x, n) for x, n in zip(fnp.array(xs), ns)]))


@pytest.mark.parametrize("target", TARGETS)
def test_integer_carry_alone(target):
    """Nothing to differentiate in the carry; the gradient flows around the loop."""
    def function(x):
        k = lax.while_loop(lambda k: k * k < 50, lambda k: k + 1, 0)
        return x * k
    same(on(target, ft.value_and_grad(function))(np.float64(2)),
         (fnp.array(np.float64(16)), fnp.array(np.float64(8))))


@pytest.mark.parametrize("target", TARGETS)
def test_newton(target):
    """The derivative of a root found by iteration is that of the root."""
    def root(a):
        return lax.while_loop(lambda x: fnp.abs(x * x - a) > 1e-14 * a,
                              lambda x: 0.5 * (x + a / x), a)
    points = np.array([0.5, 2.0, 9.0, 1e6])
    value, slope = on(target, ft.vmap(ft.value_and_grad(root)))(points)
    same(value, fnp.sqrt(fnp.array(points)), 1e-13)
    same(slope, 0.5 / fnp.sqrt(fnp.array(points)), 1e-9)
    second = on(target, ft.vmap(ft.grad(ft.grad(root))))(points)
    same(second, -0.25 * fnp.array(points) ** -1.5, 1e-7)


def test_an_error_in_the_middle_leaves_the_program_usable():
    """Blocks of stacks are given back when a step fails, and the next call runs."""
    values = np.arange(4.0)
    run = ft.jit(ft.grad(lambda x, n: lax.while_loop(
        lambda c: c[0] < n, lambda c: (c[0] + 1, c[1] * fnp.array(values)[c[0]]), (1, x))[1]))
    with pytest.raises(IndexError):
        run(np.float64(2), 9).block_until_ready()
    assert float(run(np.float64(2), 4)) == 6.0
    with pytest.raises(IndexError):
        run(np.float64(2), 9).block_until_ready()


def test_calls_may_overlap():
    from concurrent.futures import ThreadPoolExecutor
    run = ft.jit(ft.grad(lambda x, n: lax.fori_loop(0, n, lambda i, c: fnp.sin(c) * x, x)))
    expected = [float(run(np.float64(0.7), n)) for n in range(20)]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda n: float(run(np.float64(0.7), n)), list(range(20)) * 5))
    assert got == expected * 5


def test_disable_jit_runs_python():
    seen = []
    with ft.disable_jit():
        end = lax.while_loop(lambda c: c < 5, lambda c: seen.append(float(c)) or 2 * c, 1.0)
        lanes = ft.vmap(lambda x: lax.while_loop(lambda c: c < 5, lambda c: 2 * c, x))(X ** 2 + 1)
    assert float(end) == 8.0 and seen == [1.0, 2.0, 4.0]
    assert (np.asarray(lanes) >= 5).all()
