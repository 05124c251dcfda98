"""Random programs of nested control flow, against the same programs in plain Python.

A program is drawn as a tuple of statements on a state of four values: a vector `x`, a number `s`,
an integer `n`, a boolean `b`. It is run twice, with `functrans.lax` and with `plain_lax`, which
unrolls loops and takes each lane by itself.
"""
from __future__ import annotations

import os

import numpy as np
import plain_lax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans import lax

lax_with_vmap = type("Structured", (), {
    **{name: staticmethod(getattr(lax, name)) for name in lax.__all__},
    "vmap": staticmethod(ft.vmap), "jit": staticmethod(ft.jit)})
plain_with_jit = type("Plain", (), {
    **{name: staticmethod(value) for name, value in vars(plain_lax).items() if callable(value)},
    "jit": staticmethod(lambda fun: fun)})

# ---- statements that change one value; `outer` is the state around the innermost loop ----

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


# ---- drawing ----

simple = st.tuples(st.just("simple"), st.sampled_from(sorted(SIMPLE)))


def compounds(depth: int):
    """Statements of control flow, with blocks inside that are nested `depth - 1` deep."""
    inner = blocks(depth - 1)
    return st.one_of(
        st.tuples(st.just("guarded"), st.sampled_from(sorted(GUARDED))),
        st.tuples(st.just("cond"), st.sampled_from(sorted(PREDICATES)), inner, inner),
        st.tuples(st.just("switch"), st.integers(-1, 2), inner, inner, inner),
        st.tuples(st.just("while"), st.sampled_from(["count", "value", "flag"]),
                  st.integers(0, 4), inner),
        st.tuples(st.just("for"), st.booleans(), st.integers(0, 3), inner),
        st.tuples(st.just("scan"), st.integers(0, 3), st.booleans(), inner),
        st.tuples(st.just("counted_scan"), st.integers(0, 3), inner),
        st.tuples(st.just("map"), inner), st.tuples(st.just("lanes"), inner),
        st.tuples(st.just("prefix"), st.booleans()),
        st.tuples(st.just("gradient"), inner), st.tuples(st.just("jit"), inner))


def blocks(depth: int):
    statement = st.one_of(simple, compounds(depth)) if depth else simple
    return st.lists(statement, min_size=1, max_size=3).map(tuple)


def programs(depth: int = 3):
    """Blocks that begin with control flow."""
    return st.tuples(compounds(depth), blocks(depth - 1)).map(lambda pair: (pair[0], *pair[1]))


INPUTS = ("x", "s", "w", "m", "n")
cases = st.fixed_dictionaries(dict(
    block=programs(), size=st.sampled_from([2, 3, 20]), lanes=st.integers(1, 3),
    mapped=st.sets(st.sampled_from(INPUTS), min_size=1).map(sorted),
    argnums=st.sets(st.integers(0, 3), min_size=1).map(sorted).map(tuple),
    seed=st.integers(0, 10_000), target=st.sampled_from(["none", "reference", "cpu", "cpu"])))


def program(case, L):
    """The program as a function of its inputs to a pytree."""
    def function(x, s, w, m, n):
        v = dict(x=x, s=s, n=n, b=s > 0)
        return run_block(case["block"], L, v, dict(w=w, m=m), v)
    return function


def scalar(case, L):
    def function(*inputs):
        v = program(case, L)(*inputs)
        weights = np.linspace(0.5, 1.5, case["size"])
        return (v["x"] * weights).sum() + fnp.sin(v["s"]) * (1 + v["n"]) + v["b"]
    return function


def inputs_of(case, lanes: bool):
    """Random inputs; those that are `mapped` with an axis in front, if `lanes`."""
    rng = np.random.default_rng(case["seed"])
    d = case["size"]
    shapes = dict(x=(d,), s=(), w=(d,), m=(3, d), n=())
    values = []
    for name in INPUTS:
        lead = (case["lanes"],) if lanes and name in case["mapped"] else ()
        shape = (*lead, *shapes[name])
        values.append(fnp.array(rng.integers(0, 7, shape) if name == "n"
                                else rng.normal(size=shape) * 0.8))
    return values


def axes_of(case) -> tuple:
    return tuple(0 if name in case["mapped"] else None for name in INPUTS)


def directions(case, lanes: bool):
    rng = np.random.default_rng(case["seed"] + 1)
    return [fnp.array(rng.normal(size=value.shape)) if k in case["argnums"] else
            np.zeros(value.shape, value.dtype if k < 4 else ft.float0)
            for k, value in enumerate(inputs_of(case, lanes))]


def _slope(case, L, *inputs):
    """The derivative along a direction, from the gradient."""
    grads = ft.grad(scalar(case, L), case["argnums"])(*inputs)
    return sum((g * directions(case, False)[k]).sum() for k, g in zip(case["argnums"], grads))


# What is done with a program: (function of case and implementation, whether inputs have lanes).
MODES = {
    "value": (lambda case, L: program(case, L), False),
    "grad": (lambda case, L: ft.value_and_grad(scalar(case, L), case["argnums"]), False),
    "jvp": (lambda case, L: lambda *inputs: ft.jvp(
        scalar(case, L), tuple(inputs), tuple(directions(case, False))), False),
    "vmap": (lambda case, L: L.vmap(program(case, L), axes_of(case)), True),
    "vmap_grad": (lambda case, L: L.vmap(ft.grad(scalar(case, L), case["argnums"]),
                                         axes_of(case)), True),
    "grad_vmap": (lambda case, L: ft.grad(lambda *inputs: L.vmap(
        scalar(case, L), axes_of(case))(*inputs).sum(), case["argnums"]), True),
    "grad_grad": (lambda case, L: ft.grad(
        lambda *inputs: _slope(case, L, *inputs), case["argnums"]), False),
}


def assert_same(got, expected):
    assert ft.tree.structure(got) == ft.tree.structure(expected)
    for a, b in zip(ft.tree.leaves(got), ft.tree.leaves(expected)):
        a, b = np.asarray(a), np.asarray(b)
        assert a.dtype == b.dtype
        scale = max(1, np.max(np.abs(b), initial=0)) if b.dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * scale)


EXAMPLES = 150 if os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough" else 6


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=EXAMPLES)
@given(cases)
def test_structured_equals_unrolled(mode, case):
    build, lanes = MODES[mode]
    inputs = inputs_of(case, lanes)
    expected = build(case, plain_with_jit)(*inputs)
    function = build(case, lax_with_vmap)
    if case["target"] != "none":
        function = ft.jit(function, device=case["target"])
    assert_same(function(*inputs), expected)
