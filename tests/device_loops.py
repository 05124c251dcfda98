"""Loops and choices of several kernels, for tests of the kernels that they become on a GPU."""
from __future__ import annotations

import numpy as np
from programs import floats

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

W, X, XS = floats(9, 9) / 3, floats(9), floats(5, 9)
WIDE = floats(40, 40) / 7


def lstm_layer(xs, w, u, b):
    def step(carry, x):
        h, c = carry
        i, f, o, z = fnp.split(x @ w + h @ u + b, 4, -1)
        c = ft.nn.sigmoid(f) * c + ft.nn.sigmoid(i) * fnp.tanh(z)
        h = ft.nn.sigmoid(o) * fnp.tanh(c)
        return (h, c), h
    start = fnp.zeros((xs.shape[1], u.shape[0]), "float32")
    return lax.scan(step, (start, start), xs)[1]


def lstm(xs, *layers):
    for layer in layers:
        xs = lstm_layer(xs, *layer)
    return xs


def lstm_args(steps: int, batch: int = 2, size: int = 3):
    return (floats(steps, batch, size),
            *[(floats(size, 4 * size), floats(size, 4 * size), floats(4 * size))] * 2)


def rolled(w, xs):
    def step(h, x):
        h = fnp.tanh(w @ h + x)
        return h, h * h.sum()
    return lax.scan(step, fnp.zeros(9, xs.dtype), xs)


def until(w, x, limit):
    """A loop that ends when a sum over what it changes is large enough."""
    return lax.while_loop(lambda s: (s[1] < limit) & (s[0].sum() < 9),
                          lambda s: (fnp.abs(w @ s[0]) + 0.3, s[1] + 1), (x, 0))


def in_turns(w, x, n):
    """Loops in loops, with a choice between two of them."""
    def inner(k, x):
        return lax.cond(k % 2 == 0, lambda x: fnp.tanh(w @ x), lambda x: x - (w @ x), x)

    def step(x, k):
        x = lax.fori_loop(0, k, inner, x)
        return x, (x.sum(), lax.while_loop(lambda y: (y @ y) > 1, lambda y: w @ y / 3, x))
    return lax.scan(step, x, n)


def choices(w, x, k):
    return lax.switch(k, [lambda x: w @ x, lambda x: (w * 2) @ fnp.tanh(w @ x), lambda x: x + 1], x)


def rows(x):
    """A softmax of long rows, sums of columns and of all, again and again."""
    def step(x, k):
        x = ft.nn.softmax(x + k, 1) * x.shape[1]
        return x - x.mean(0), x.sum()
    return lax.scan(step, x, fnp.arange(3, dtype=x.dtype))


def sorts(x):
    return lax.scan(lambda x, k: (fnp.sort(x * k, 0), fnp.cumsum(x, 0)), x,
                    fnp.array([1, -1, 2], x.dtype))


def updates(x, k):
    return lax.scan(lambda t, k: (t.at[k].add(t[0]), t[k] * 2), x, k)


def by_tiles(w):
    return lax.fori_loop(0, 2, lambda k, v: fnp.tanh(v @ w), w)


def newton(x):
    return lax.while_loop(lambda x: fnp.max(fnp.abs(x * x - 2)) > 1e-6,
                          lambda x: x - (x * x - 2) / (2 * x), x)


def calmed(x, limit):
    """A loop with sums of all, a choice and sorting, for one lane."""
    def step(s):
        x, k = s
        x = lax.cond(k % 2 == 0, lambda x: x - ft.nn.softmax(x).sum() / 9, fnp.sort, x)
        return fnp.cumsum(x) / (1 + fnp.abs(x).sum()), k + 1
    return lax.while_loop(lambda s: (fnp.abs(s[0]).max() > limit) & (s[1] < 6), step, (x, 0))


def keys(key):
    def step(key, _):
        key, one = ft.random.split(key)
        return key, ft.random.uniform(one, (40,))
    return lax.scan(step, key, None, length=3)[1]


INT = np.arange(36).reshape(4, 9)
LOOPS = {
    "lstm": (lstm, lstm_args(3)),
    "scan": (rolled, (W, XS)),
    "backwards": (lambda w, xs: lax.scan(lambda h, x: (w @ h + x, h), X, xs, reverse=True),
                  (W, XS)),
    "no steps": (lambda w, xs: (rolled(w, xs), until(w, xs.sum(0), 0)), (W, XS[:0])),
    "while": (until, (W, X, 7)),
    "grad of scan": (ft.grad(lambda w, xs: rolled(w, xs)[1].sum()), (W, XS)),
    "grad of while": (ft.grad(lambda w: until(w, X, 5)[0].sum()), (W,)),
    "vmap of while": (ft.vmap(until, (None, 0, 0)), (W, XS, np.array([0, 3, 9, 1, 5]))),
    "vmap of more": (ft.vmap(calmed), (floats(6, 40), np.arange(6.0) / 20)),
    "vmap of choices": (ft.vmap(choices, (None, 0, 0)), (W, XS, np.array([0, 2, 1, 1, -3]))),
    "loops in loops": (in_turns, (W, X, np.array([2, 0, 1, 3]))),
    "switch": (choices, (W, X, 1)),
    "index too large": (choices, (W, X, 7)),
    "rows": (rows, (floats(3, 50),)),
    "sorts": (sorts, (floats(5, 2),)),
    "long sorts": (sorts, (floats(130),)),
    "updates": (updates, (floats(5, 40), np.array([0, 3, 1, 3]))),
    "products by tiles": (by_tiles, (WIDE,)),
    "until close": (newton, (1 + np.arange(60.0) / 7,)),
    "keys": (keys, (ft.random.key(3),)),
    "complex": (rolled, (W + 0.1j, XS.astype("complex64"))),
    "half": (rolled, (W.astype("float16"), XS.astype("float16"))),
    "integers": (lambda x, rows: lax.scan(lambda c, r: (x @ c % 7 + r, c > 2), rows[0], rows),
                 (INT.T @ INT, INT)),
}
