"""Statements of nested control flow, on a state of four values.

A program is a tuple of statements on a vector `x`, a number `s`, an integer `n`, a boolean `b`. It
is run with any namespace that has the functions of `lax`, `vmap` and `jit`: with functrans's, or
with plain ones that unroll loops, to compare with. Imports functrans's public functions.
"""
from __future__ import annotations

import functrans as ft
import functrans.numpy as fnp

# ---- statements that change one value; `outer` is the state around the innermost loop ----

#: name -> function (values, what is given, the state around the innermost loop) -> new values
SIMPLE = {
    "x_sin": lambda v, env, outer: dict(x=fnp.sin(v["x"]) * env["w"] + v["s"]),
    "x_mixed": lambda v, env, outer: dict(x=v["x"] - 0.3 * fnp.roll(v["x"], 1) * fnp.cos(v["s"])),
    "x_outer": lambda v, env, outer: dict(x=0.5 * v["x"] + outer["x"] * env["w"]),
    "x_scaled": lambda v, env, outer: dict(x=v["x"] * (1 + 0.1 * v["n"])),
    "x_chosen": lambda v, env, outer: dict(x=fnp.where(v["b"], fnp.tanh(v["x"]), 0.7 * v["s"])),
    "x_set": lambda v, env, outer: dict(x=v["x"].at[v["n"] % 2].add(v["s"])),
    "x_sums": lambda v, env, outer: dict(x=0.5 * fnp.cumsum(v["x"]) * outer["s"]),
    "x_product": lambda v, env, outer: dict(x=fnp.tanh(env["m"][:2].T @ (env["m"][:2] @ v["x"]))),
    "x_constant": lambda v, env, outer: dict(x=env["w"] + 0.5),
    "s_dot": lambda v, env, outer: dict(s=fnp.tanh((v["x"] * env["w"]).sum() + v["s"])),
    "s_picked": lambda v, env, outer: dict(s=0.5 * v["s"] + v["x"][v["n"] % 2]),
    "s_outer": lambda v, env, outer: dict(s=v["s"] * fnp.cos(outer["s"]) - outer["x"].max()),
    "s_constant": lambda v, env, outer: dict(s=v["s"] * 0 + 0.3),
    "n_next": lambda v, env, outer: dict(n=(3 * v["n"] + 1) % 7),
    "n_outer": lambda v, env, outer: dict(n=(v["n"] + outer["n"]) % 5),
    "n_counted": lambda v, env, outer: dict(n=(v["x"] > v["s"]).sum()),
    "b_not": lambda v, env, outer: dict(b=~v["b"]),
    "b_sign": lambda v, env, outer: dict(b=v["s"] > 0.1),
    "b_even": lambda v, env, outer: dict(b=v["n"] % 2 == 0),
}
PREDICATES = {
    "b": lambda v, outer: v["b"],
    "even": lambda v, outer: v["n"] % 2 == 0,
    "positive": lambda v, outer: v["s"] > 0,
    "ordered": lambda v, outer: v["x"][0] < outer["x"][1],
}
# What makes NaN where the predicate does not hold, so that a side not taken shows.
GUARDED = {
    "log": (lambda v: v["s"] > 0.05, lambda v: dict(s=0.3 * fnp.log(v["s"]))),
    "root": (lambda v: v["s"] < 0, lambda v: dict(x=v["x"] * fnp.sqrt(-v["s"]))),
    "quotient": (lambda v: v["n"] > 1, lambda v: dict(s=v["s"] / (v["n"] - 1))),
}


def run_block(block, L, v, env, outer):
    """The state after all statements of a block."""
    for kind, *details in block:
        v = {**v, **RUN[kind](details, L, v, env, outer)}
    return v


def _simple(details, L, v, env, outer):
    return SIMPLE[details[0]](v, env, outer)


def _guarded(details, L, v, env, outer):
    holds, change = GUARDED[details[0]]
    return L.cond(holds(v), lambda u: {**u, **change(u)}, lambda u: u, v)


def _cond(details, L, v, env, outer):
    name, if_true, if_false = details
    return L.cond(PREDICATES[name](v, outer), lambda u: run_block(if_true, L, u, env, v),
                  lambda u: run_block(if_false, L, u, env, v), v)


def _switch(details, L, v, env, outer):
    shift, *blocks = details
    branches = [lambda block=block: run_block(block, L, v, env, outer) for block in blocks]
    return L.switch(v["n"] - shift, branches)


def _while(details, L, v, env, outer):
    """At most `most` steps, fewer where the state says so."""
    stop, most, block = details

    def going(carry):
        k, u = carry
        return (k < most) & {"count": lambda: k < v["n"] % 4, "value": lambda: u["s"] < 0.4,
                             "flag": lambda: u["b"]}[stop]()
    start = (fnp.array(0), v)
    return L.while_loop(going, lambda carry: (carry[0] + 1, run_block(block, L, carry[1], env, v)),
                        start)[1]


def _for(details, L, v, env, outer):
    dynamic, most, block = details
    upper = v["n"] % (most + 1) if dynamic else most
    return L.fori_loop(0, upper, lambda i, u: run_block(
        block, L, {**u, "s": u["s"] + 0.1 * i}, env, v), v)


def _scan(details, L, v, env, outer):
    """Over rows of a matrix, which is differentiated; the ys are used."""
    most, reverse, block = details

    def step(u, row):
        u = run_block(block, L, {**u, "x": u["x"] + 0.2 * row}, env, v)
        return u, (u["s"] * row, u["n"], fnp.sin(u["x"]))
    u, (a, n, c) = L.scan(step, v, env["m"][:most], reverse=reverse)
    return {**u, "x": u["x"] + 0.1 * (a.sum(0) + c.sum(0)), "n": (u["n"] + n.sum()) % 7}


def _counted_scan(details, L, v, env, outer):
    length, block = details
    u, s = L.scan(lambda u, _: (lambda r: (r, r["s"]))(run_block(block, L, u, env, v)), v,
                  None, length=length)
    return {**u, "s": fnp.tanh(u["s"] + s.sum())}


def _map(details, L, v, env, outer):
    block, = details
    rows = L.map(lambda row: run_block(block, L, {**v, "x": row}, env, v)["x"], env["m"])
    return dict(x=0.2 * rows.sum(0) + v["x"])


def _lanes(details, L, v, env, outer):
    """The rows of a matrix as lanes, each with a number of its own."""
    block, = details

    def lane(row, n):
        u = run_block(block, L, {**v, "x": row, "n": n}, env, v)
        return u["x"] + u["s"]
    numbers = fnp.arange(len(env["m"])) + v["n"]
    return dict(x=fnp.tanh(L.vmap(lane)(env["m"], numbers).sum(0)))


def _prefix(details, L, v, env, outer):
    reverse, = details
    return dict(x=0.3 * L.associative_scan(lambda a, b: a + b, v["x"], reverse=reverse))


def _gradient(details, L, v, env, outer):
    block, = details

    def inner(x):
        u = run_block(block, L, {**v, "x": x}, env, v)
        return (u["x"] * env["w"]).sum() + u["s"]
    return dict(x=v["x"] - 0.1 * ft.grad(inner)(v["x"]))


def _jit(details, L, v, env, outer):
    block, = details
    return L.jit(lambda u: run_block(block, L, u, env, v))(v)


RUN = {"simple": _simple, "guarded": _guarded, "cond": _cond, "switch": _switch, "while": _while,
       "for": _for, "scan": _scan, "counted_scan": _counted_scan, "map": _map, "lanes": _lanes,
       "prefix": _prefix, "gradient": _gradient, "jit": _jit}
