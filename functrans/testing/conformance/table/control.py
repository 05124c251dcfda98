"""Control flow, as JAX's `lax` names it, calls of transformed functions, and random bits."""
from __future__ import annotations

from functrans.testing.conformance.dtypes import FLOATS, INEXACT, WIDE
from functrans.testing.conformance.operation import Table


def _gated(xp):
    """A step that has what a loop must keep, what it can compute again, what never changes."""
    def step(state, x, w):
        state = xp.sin(state) * xp.sin(w) + x
        return state, state * x
    return step


def _scan(reverse: bool):
    def function(xp, w, state, xs):
        step = _gated(xp)
        return xp.scan(lambda state, x: step(state, x, w), state, xs, reverse=reverse)
    return function


def _while(xp, limit, w, x):
    """As long as a counter is below a limit that is data."""
    def body(state):
        k, x = state
        return k + 1, xp.sin(x) * xp.sin(w) + x
    return xp.while_loop(lambda state: state[0] < limit, body, (limit * 0, x))[1]


def _cond(xp, c, x, y):
    return xp.cond(c, lambda x, y: (xp.sin(x) * y, x * 1), lambda x, y: (y * 1, x * x), x, y)


def _switch(xp, k, x, y):
    return xp.switch(k, (lambda x, y: xp.sin(x) * y, lambda x, y: y * 1,
                         lambda x, y: xp.cos(y)), x, y)


def _loop_within_cond(xp, chosen, x):
    """What the loop keeps for its derivative is there only if it is run."""
    repeat = xp.while_loop

    def loop(x):
        return repeat(lambda state: state[0] < 2,
                      lambda state: (state[0] + 1, xp.sin(state[1])), (0, x))[1]
    return xp.cond(chosen, loop, lambda x: x * x, x)


def _smooth(xp):
    return lambda x, y: xp.sin(xp.sin(x) * y)


def add_to(table: Table):
    """Adds the operations of this file."""
    table.add("scan", "n n kn", _scan(False), "n n kn", _scan(True), dtypes=INEXACT, ulp=128)
    table.add("fori_loop", "n n", lambda xp, w, x: xp.fori_loop(
        0, 3, lambda k, x: xp.sin(x) * w + x, x), dtypes=INEXACT, ulp=128)
    table.add("while_loop", ".:index:5 n n", _while, ".:exactly:0 n n", _while, dtypes=INEXACT,
              ulp=128)
    table.add("cond", ".:truth n n", _cond, dtypes=INEXACT, ulp=64)
    table.add("switch", ".:index:4 n n", _switch, dtypes=INEXACT, ulp=64)
    table.add("associative_scan", "kn", lambda xp, x: xp.associative_scan(xp.multiply, x),
              dtypes=INEXACT, ulp=64)
    table.add("jit within", "n n", lambda xp, x, y: xp.jit(_smooth(xp))(x, y) * x, dtypes=INEXACT,
              ulp=64)
    table.add("checkpoint", "n n", lambda xp, x, y: xp.checkpoint(_smooth(xp))(x, y) * x,
              dtypes=INEXACT, ulp=64)
    table.add("custom_linear_solve", "n:positive n",
              lambda xp, a, b: xp.custom_linear_solve(a, b), dtypes=WIDE)
    table.add("linear_transpose", "n n", lambda xp, a, y: xp.linear_transpose(a, y), dtypes=WIDE)
    table.add("while_loop, pulled back twice", ".:exactly:2 n:unit",
              lambda xp, count, x: xp.pulled_twice(count, x), dtypes=WIDE, ulp=64)
    table.add("fori_loop over x[k]", "n n", lambda xp, w, x: xp.fori_loop(
        0, 3, lambda k, y: xp.sin(y) * xp.dynamic_slice(w, (k,), (1,)), x), dtypes=INEXACT, ulp=64)
    table.add("weakly typed", "n", lambda xp, x: xp.weaken(x) * x, dtypes=INEXACT)
    for name in ("psum", "all_gather", "psum_scatter", "ppermute", "all_to_all"):
        table.add(name, "mm", lambda xp, x, name=name: getattr(xp, name)(x), dtypes=WIDE)
    table.add("axis_index", "m", lambda xp, x: xp.axis_index(x), dtypes=WIDE)
    table.add("while_loop, transposed", "n n",
              lambda xp, a, y: xp.linear_transpose_of_loop(a, y), dtypes=WIDE)
    table.add("while_loop within cond", ".:truth n", _loop_within_cond, dtypes=WIDE, ulp=64)
    table.add("custom_vjp", "n", lambda xp, x: xp.custom_vjp(x), dtypes=WIDE, forward=False)
    for name in ("custom_jvp", "custom_vmap", "pure_callback"):
        table.add(name, "n", lambda xp, x, name=name: getattr(xp, name)(x), dtypes=WIDE)
    table.add("debug.callback", "n", lambda xp, x: xp.debug_callback(x), dtypes=WIDE)
    table.add("io_callback", "n", lambda xp, x: xp.io_callback(x), dtypes=WIDE, derivative=False)
    table.add("iterate", "mn:positive", lambda xp, x: xp.root_by_steps(x), dtypes=FLOATS,
              elementwise=True, empty="m", ulp=64)
    table.add("random bits", "n:index:1000", lambda xp, seeds: xp.random_bits(seeds),
              dtypes=("float32",), derivative=False)
    table.add("random bits, keys watched", "n:index:1000",
              lambda xp, seeds: xp.watched_bits(seeds), dtypes=("float32",), derivative=False)
    table.add("logistic regression", "mn n m:truth",
              lambda xp, x, w, y: xp.mean(xp.softplus(xp.where(y, -(x @ w), x @ w))),
              dtypes=FLOATS, ulp=64)
