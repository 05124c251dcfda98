"""`Row`: a function of functrans.numpy, its arguments, and what can be done with it.

A new function is one line in a file beside this one:

    row("cross", lambda d: call(*vectors(d)))
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import functrans.numpy as fnp
from numpy_rows.draw import Call, Draw, call


@dataclass(frozen=True)
class Row:
    """arguments: a Draw to a Call. reference: the oracle, NumPy's function of the name if None.

    grad: whether it is differentiated, where it gets and gives inexact numbers. jit: whether it
    can be traced, batched: whether it can be mapped; if not, `why` says the reason.
    ulp: how far results may be from NumPy's, in units of the last place of the largest.
    dtype: whether the dtype is NumPy's too. function: ours, if it is not the name in
    functrans.numpy. second: whether second derivatives are tried.
    """
    name: str
    arguments: Callable[[Draw], Call]
    reference: Callable | None = None
    function: Callable | None = None
    grad: bool = True
    jit: bool = True
    batched: bool = True
    ulp: float = 64
    dtype: bool = True
    why: str = ""

    @property
    def ours(self) -> Callable:
        return self.function or getattr(fnp, self.name)

    @property
    def theirs(self) -> Callable:
        return self.reference or getattr(np, self.name)


ROWS: list[Row] = []


def row(name: str, arguments: Callable[[Draw], Call], reference: Callable | None = None,
        **options) -> Row:
    """Adds a row to the table."""
    made = Row(name, arguments, reference, **options)
    ROWS.append(made)
    return made


def unary(names: str, dtype: str = "floating", kind: str = "normal", edges: bool = True,
          **options):
    """Rows for elementwise functions of one array."""
    for name in names.split():
        row(name, lambda d: call(d.array(dtype, kind=kind, edges=edges)), **options)


def binary(names: str, dtype: str = "number", kind: str = "normal", edges: bool = True,
           **options):
    """Rows for elementwise functions of two arrays, or of an array and a Python number."""
    def arguments(d: Draw) -> Call:
        first, second = d.shapes(2)
        chosen = d.dtype(dtype)
        pair = [d.array(chosen, first, kind, edges=edges)]
        other = d.choice([chosen, d.dtype(dtype), "scalar"]) if not d.typical else chosen
        if isinstance(other, str):
            pair.append(d.choice([2, 1, 3]))
        else:
            pair.append(d.array(other, second, kind, edges=edges))
        return call(*(reversed(pair) if d.flag() else pair))
    for name in names.split():
        row(name, arguments, **options)


def over_axes(names: str, dtype: str = "number", kind: str = "normal", axes: bool = True,
              where: bool = False, extra: Callable | None = None, **options):
    """Rows for reductions. axes: whether `axis` can be a tuple; where: whether there is `where=`;
    extra: more keywords, drawn."""
    def arguments(d: Draw) -> Call:
        x = d.array(dtype, kind=kind)
        keywords = dict(axis=d.axes(x) if axes else d.axis(x))
        if d.flag():
            keywords["keepdims"] = True
        if where and d.flag():
            keywords["where"] = d.array("bool", x.shape)
        return Call((x,), {**keywords, **(extra(d) if extra else {})})
    for name in names.split():
        row(name, arguments, **options)
