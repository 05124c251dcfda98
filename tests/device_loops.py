"""Loops and choices of several kernels, for tests of the kernels that they become on a GPU."""
from __future__ import annotations

import random

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


# ---- loops of random steps ----

STEPS = {                              # of a pair of arrays of nine numbers
    "product": lambda a, b, n: (fnp.tanh(W @ a + b), b),
    "product from the left": lambda a, b, n: (a, fnp.sin(a @ W) - b / 2),
    "running sum": lambda a, b, n: (fnp.tanh(fnp.cumsum(b)), b),
    "backwards": lambda a, b, n: (a, a[::-1] * 0.5 + b * 0.3),
    "rolled": lambda a, b, n: (fnp.roll(a, n) + b * 0.1, b),
    "sum": lambda a, b, n: (a, b * 0.5 + fnp.tanh(a.sum())),
    "exchanged": lambda a, b, n: (b, a),
    "taken": lambda a, b, n: (fnp.tanh(b[(fnp.arange(9) * n) % 9] + a), b),
    "added": lambda a, b, n: (a, fnp.tanh(b.at[(fnp.arange(9) * n) % 9].add(a))),
    "sorted": lambda a, b, n: (fnp.sort(a * b), b),
    "mixed": lambda a, b, n: (fnp.tanh(a + b), fnp.tanh(a - b)),
}


def random_steps(choose: random.Random, depth: int = 2):
    """A function of a pair of arrays: a few steps, some of them loops and choices of others."""
    steps = [_random_step(choose, depth) for _ in range(choose.randint(1, 4))]

    def function(pair):
        for step in steps:
            pair = step(pair)
        return fnp.tanh(pair[0]), fnp.tanh(pair[1])
    return function


def _random_step(choose: random.Random, depth: int):
    names = [*STEPS, *["choice", "loop", "until"] * (depth > 0)]
    name, n = choose.choice(names), choose.randint(0, 4)
    if name in STEPS:
        return lambda pair: STEPS[name](*pair, n)
    first = random_steps(choose, depth - 1)
    if name == "choice":
        second = random_steps(choose, depth - 1)
        return lambda pair: lax.cond(pair[0][0] > 0, first, second, pair)
    if name == "loop":
        return lambda pair: lax.fori_loop(0, n, lambda k, pair: first(pair), pair)
    return lambda pair: lax.while_loop(
        lambda s: (s[1] < n) & (fnp.abs(s[0][0]).sum() > 0.2),
        lambda s: (first(s[0]), s[1] + 1), (pair, 0))[0]


def random_loop(seed: int):
    """(function, operands): a loop of random steps, its gradient, or lanes of it."""
    choose = random.Random(seed)
    steps, backwards = random_steps(choose), choose.random() < 0.5

    def scanned(a, b, rows):
        def step(pair, row):
            a, b = steps(pair)
            return (a + row, b), a * row
        return lax.scan(step, (a, b), rows, reverse=backwards)

    def until_large(a, b, rows):
        return lax.while_loop(lambda s: (s[1] < 4) & (s[0][0].sum() < 5),
                              lambda s: (steps(s[0]), s[1] + 1), ((a, b), 0))[0]
    loop = choose.choice([scanned, until_large])
    numbers = np.random.default_rng(seed).normal(size=(5, 2, 9))
    kind = choose.choice(["itself", "gradient", "lanes"])
    if kind == "lanes":
        return ft.vmap(loop, (0, 0, None)), (numbers[:, 0], numbers[:, 1], numbers[:3, 0])
    if kind == "gradient":
        def total(*args):
            return sum(leaf.sum() for leaf in ft.tree.leaves(loop(*args)))
        return ft.grad(total, argnums=(0, 1)), (*numbers[0], numbers[1:4, 0])
    return loop, (*numbers[0], numbers[1:4, 0])
