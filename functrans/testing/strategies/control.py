"""Random programs of nested control flow: conditions, loops, lanes, gradients in loops.

In: how deep. Out: strategies for `ControlProgram`s. Imports `strategies.statements`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.testing.strategies.base import st
from functrans.testing.strategies.statements import GUARDED, PREDICATES, SIMPLE, run_block

#: The functions that programs are run with, unless others are given.
STRUCTURED = type("Structured", (), {
    **{name: staticmethod(getattr(lax, name)) for name in lax.__all__},
    "vmap": staticmethod(ft.vmap), "jit": staticmethod(ft.jit)})

INPUTS = ("x", "s", "w", "m", "n")


@dataclass(frozen=True)
class ControlProgram:
    """A function of a vector x, a number s, a vector w as long as x, a matrix m of three such rows,
    and an integer n, to a dict of values.

    block: its statements. `L`: a namespace with the functions of `lax`, `vmap` and `jit`.
    """
    block: tuple

    __name__ = "control_program"

    def __call__(self, x, s, w, m, n, L=STRUCTURED) -> dict:
        values = dict(x=x, s=s, n=n, b=s > 0)
        return run_block(self.block, L, values, dict(w=w, m=m), values)

    def scalar(self, x, s, w, m, n, L=STRUCTURED):
        """All values in one number, to be differentiated."""
        v = self(x, s, w, m, n, L)
        weights = np.linspace(0.5, 1.5, x.shape[0])
        return (v["x"] * weights).sum() + fnp.sin(v["s"]) * (1 + v["n"]) + v["b"]

    @staticmethod
    def arguments(seed: int, size: int = 3, lanes: int = 0, mapped: tuple = ()) -> list:
        """Random float64 arguments; those that are `mapped` with an axis of `lanes` in front."""
        rng = np.random.default_rng(seed)
        shapes = dict(x=(size,), s=(), w=(size,), m=(3, size), n=())
        values = []
        for name in INPUTS:
            shape = ((lanes,) if name in mapped else ()) + shapes[name]
            values.append(fnp.array(rng.integers(0, 7, shape) if name == "n"
                                    else rng.normal(size=shape) * 0.8))
        return values


def programs(depth: int = 3):
    """Programs of control flow that is nested up to `depth` deep; they shrink to one statement.

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> program = find(fst.programs(depth=1), lambda program: "map" in str(program))
    >>> sorted(program(*program.arguments(seed=0)))
    ['b', 'n', 's', 'x']
    """
    return _whole(depth).map(ControlProgram)


_simple = st.tuples(st.just("simple"), st.sampled_from(sorted(SIMPLE)))


def _compounds(depth: int):
    """Statements of control flow, with blocks inside that are nested `depth - 1` deep."""
    inner = _blocks(depth - 1)
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


def _blocks(depth: int):
    statement = st.one_of(_simple, _compounds(depth)) if depth else _simple
    return st.lists(statement, min_size=1, max_size=3).map(tuple)


def _whole(depth: int):
    """Blocks that begin with control flow."""
    return st.tuples(_compounds(depth), _blocks(depth - 1)).map(lambda pair: (pair[0], *pair[1]))
