"""`ft.explain_grad`: what a gradient costs, keeps and goes through, by lines of the user's.

In: a function and a point. Out: `GradLedger`, rows that print as a table. Imports `api.grad`,
`transforms`, `debug.meter`, `debug.local`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from functrans import tree
from functrans.api.calls import check_callable
from functrans.api.grad import scalar_point
from functrans.array import Array
from functrans.debug.local import conventions, flops, largest_slope
from functrans.debug.meter import Meter
from functrans.debug.table import amount, table
from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Program
from functrans.ir.rewrite import dead_code
from functrans.ir.show import show_location
from functrans.ir.type import is_inexact
from functrans.trace import EVAL, using
from functrans.tracebacks import boundary
from functrans.transforms.linearize import linearize_program
from functrans.transforms.transpose import transpose_program


@dataclass
class GradRow:
    """A line of the user's.

    line: `file:line`; text: what stands there; function: in which function.
    flops: operations of the forward pass, with what the backward pass needs of it.
    backward: of the backward pass, without what is recomputed there; recomputed: the operations
        that it does again instead of having kept their results.
    residuals: bytes that are kept from the forward to the backward pass.
    derivative: the largest absolute partial derivative of an operation in the line, with respect
        to what depends on the differentiated arguments; None if it is not known.
    born: where something that is not finite first comes up: texts such as
        "inf in log (value)", "NaN in mul (derivative)".
    conventions: what was chosen where there is no derivative, and for how many elements; see
        docs/subgradients.md.
    """
    line: str
    text: str
    function: str
    flops: float = 0.0
    backward: float = 0.0
    recomputed: float = 0.0
    residuals: int = 0
    derivative: float | None = 0.0
    born: list = field(default_factory=list)
    conventions: dict = field(default_factory=dict)


class GradLedger(list):
    """The lines of a gradient, in the order in which they are met.

    value: of the function; gradient: as `ft.grad` gives it.
    """

    def __init__(self, rows: Sequence[GradRow], name: str, value, gradient):
        super().__init__(rows)
        self.name, self.value, self.gradient = name, value, gradient

    @property
    def residuals(self) -> int:
        """Bytes that are kept for the backward pass."""
        return sum(row.residuals for row in self)

    def __repr__(self):
        rows = [(row.line, row.text, amount(row.flops), amount(row.backward),
                 amount(row.recomputed), amount(row.residuals, "B"), _slope(row.derivative))
                for row in self]
        heads = ("line", "text", "forward", "backward", "again", "kept", "slope")
        total = {name: sum(getattr(row, name) for row in self)
                 for name in ("flops", "backward", "recomputed")}
        head = (f"the gradient of {self.name}: {amount(total['flops'])} operations forward, "
                f"{amount(total['backward'])} backward, {amount(total['recomputed'])} again; "
                f"{amount(self.residuals, 'B')} kept in between")
        notes = [f"{row.line}: {text}" for row in self for text in
                 (*row.born, *(f"{text} ({count})" for text, count in row.conventions.items()))]
        return "\n".join([head, "", table(heads, rows, range(2, 7), 44),
                          *(["", *notes] if notes else [])])


def _slope(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


@boundary
def explain_grad(fun: Callable, *args, argnums: int | Sequence[int] = 0, has_aux: bool = False,
                 **kwargs) -> GradLedger:
    """The ledger of a gradient at a point, by lines of the user's.

    fun: a function to a real scalar (or to a pair with auxiliary data, if `has_aux`); it is
        differentiated at `args` and `kwargs` with respect to `argnums`, as by `ft.grad`. Effects
        of it may happen more than once.
    Returns a list of `GradRow`s: operations forward and backward, bytes that are kept, what is
    computed again, the largest local derivative, where a NaN or an infinity is born, and what was
    chosen where there is no derivative. It prints as a table. Everything is evaluated by NumPy,
    operation by operation, so it is slow; loops are looked into.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ledger = ft.explain_grad(lambda x: fnp.sum(fnp.abs(x)), fnp.array([0.0, -2.0]))
    >>> ledger[0].conventions
    {'rule 1: sides of equal right get the mean': 1}
    """
    check_callable(fun, "explain_grad")
    point = scalar_point(fun, args, kwargs, argnums, has_aux)
    point.trace.closed = True
    book = _Book()
    with using(EVAL):
        value, leaves = _keep_books(point, book)
    grads = tree.unflatten(point.flat.in_tree, leaves)[0]
    grads = grads if isinstance(argnums, (tuple, list)) else grads[0]
    return GradLedger(book.rows.values(), point.program.name.removeprefix("grad of "), value, grads)


class _Book:
    """The rows so far, by line."""

    def __init__(self):
        self.rows: dict = {}
        self.not_finite: set = set()            # lines whose own values were found so

    def row(self, location, name: str = "") -> GradRow:
        if location is None:
            key = name or "an unknown line"
            return self.rows.setdefault(key, GradRow(key, "", ""))
        key = location.file, location.line
        if key not in self.rows:
            self.rows[key] = GradRow(show_location(location), location.text, location.function)
        return self.rows[key]

    # ---- what is looked at in each pass ----

    def at_primal(self, equation: Equation, location, inputs, outs, marks):
        row = self.row(location)
        self.birth(row, equation, inputs, outs, "value")
        if not any(marks) or equation.primitive.jvp is None:
            return
        slope = largest_slope(equation, inputs, marks)
        known = row.derivative
        row.derivative = None if slope is None or known is None else float(np.fmax(known, slope)) \
            if not np.isnan(slope) else slope
        for text, count in conventions(equation, inputs, outs, marks).items():
            row.conventions[text] = row.conventions.get(text, 0) + count

    def at_forward(self, equation: Equation, location, inputs, outs, marks):
        row = self.row(location)
        row.flops += flops(equation)
        self.birth(row, equation, inputs, outs, "derivative")

    def at_backward(self, equation: Equation, location, inputs, outs, marks):
        row = self.row(location)
        if any(marks):
            row.backward += flops(equation)
        else:
            row.recomputed += flops(equation)
        self.birth(row, equation, inputs, outs, "derivative")

    def birth(self, row: GradRow, equation: Equation, inputs, outs, where: str):
        """Notes a value that is not finite, made of finite ones; a NaN also if made of infinity."""
        bad = [_not_finite(out) for out in outs]
        for kind in ("NaN", "inf"):
            made = any(kind in found for found in bad)
            given = any(kind in _not_finite(x) for x in inputs)
            key = row.line, kind, equation.primitive.name
            if made and not given and key not in self.not_finite:
                self.not_finite.add(key)
                row.born.append(f"{kind} in {equation.primitive.name} ({where})")


def _not_finite(value) -> set:
    value = np.asarray(value)
    if value.dtype == object or not is_inexact(value.dtype):
        return set()
    found = {"NaN"} if np.isnan(value).any() else set()
    return found | ({"inf"} if np.isinf(value).any() else set())


def _keep_books(point, book: _Book) -> tuple:
    """Runs the function, its forward pass and its backward pass; (value, gradient's leaves)."""
    program, nonzero = point.program, tuple(point.nonzero)
    primals = [_raw(value) for value in point.primals]
    Meter(book.at_primal).run(program, primals, nonzero)
    split = linearize_program(program, nonzero)
    outs, _ = Meter(book.at_forward).run(split.known, primals, nonzero)
    count = len(program.outputs)
    values, residuals = outs[:count], outs[count:]
    names = dict(zip(split.known.inputs, program.names or ()))
    _note_residuals(split.known, names, residuals, book)
    if not split.nonzero_out[0]:
        return _array(values[0]), [_zeros(kind) for kind in point.types]
    linear = (False,) * split.residuals + (True,) * sum(nonzero)
    flags = (True,) + (False,) * (sum(split.nonzero_out) - 1)
    adjoint, has_cotangent = transpose_program(split.linear, linear, flags)
    one = np.ones((), values[0].dtype)
    found, _ = Meter(book.at_backward).run(
        dead_code(adjoint), [*residuals, one], [False] * len(residuals) + [True])
    cotangents = iter(found)
    every = [next(cotangents) if flag else None for flag in has_cotangent[split.residuals:]]
    rest = iter(every)
    leaves = [next(rest) if flag else None for flag in point.nonzero[point.captured:]]
    return _array(values[0]), [_zeros(kind) if leaf is None else _array(leaf)
                               for leaf, kind in zip(leaves, point.types)]


def _raw(value):
    return value._concrete("explain_grad") if hasattr(value, "_data") else np.asarray(value)


def _array(value) -> Array:
    return Array(np.asarray(value))


def _zeros(kind):
    return _array(np.zeros(kind.shape, kind.dtype))


# ---- residuals ----

def _note_residuals(known: Program, names: dict, residuals: Sequence, book: _Book):
    """Bytes by the line that computed them; each value counts once.

    names: of the inputs; what the function closes over has none.
    """
    noted: set = set()
    for atom, value in zip(known.outputs[-len(residuals):] if residuals else (), residuals):
        if atom in noted:
            continue
        noted.add(atom)
        if atom in names:
            row = book.row(None, names[atom] and f"argument {names[atom]}" or "other arguments")
        else:
            row = book.row(_maker(known, atom))
        row.residuals += _nbytes(value)


def _maker(program: Program, atom):
    """The location of the equation that computes a value, in loops too."""
    for equation in program.equations:
        if atom in equation.outputs:
            inside = _inside(equation, equation.outputs.index(atom))
            return (inside and _maker(*inside)) or equation.location
    return None


def _inside(equation: Equation, number: int) -> tuple | None:
    """The Program in an equation that computes one of its results, and what of it that is."""
    kernel = equation.kernel
    if isinstance(kernel, kernels.Call):
        return kernel.program, kernel.program.outputs[number]
    if isinstance(kernel, (kernels.Scan, kernels.Unwind)):
        return kernel.body, kernel.body.outputs[number]
    if isinstance(kernel, kernels.While):
        carries = len(equation.inputs) - kernel.condition_constants - kernel.body_constants
        place = number if number < carries else number - 1 if number > carries else None
        return None if place is None else (kernel.body, kernel.body.outputs[place])
    return None


def _nbytes(value) -> int:
    value = np.asarray(value)
    if value.dtype != object:
        return value.nbytes
    return sum(_nbytes(item) for item in value.ravel())
