"""What a step of a plan takes: operations of arithmetic, and bytes that it must move.

Counted from what runs: the text of a kernel and the sizes that it is passed, the shapes of a
product. An operation is one of + - * / % ** on numbers that are no indices, a comparison of such,
or a call; one of `lowering.math` counts as `CALL` of them. Memory that is read again and again
counts once: caches are there for that.

In: steps. Out: `Cost`. Imports `plan`, `library`.
"""
from __future__ import annotations

import ast
import math
from collections import defaultdict
from typing import NamedTuple

from lowering.kernel_text import KernelText
from lowering.library import LibraryCalls
from lowering.plan import Copy, Host, Launch, Product, Zero

CALL = 10                       # an elementary function, in operations

_FREE = {"float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
         "uint64", "bool_", "bool", "complex64", "complex128", "complex", "range", "reversed",
         "half_to_float", "float_to_half", "bfloat16_to_float", "float_to_bfloat16", "int",
         "float"}
_ONE = {"abs", "min", "max", "minimum", "maximum", "sum_step", "sqrt", "real", "imag", "negative",
        "conjugate"}


class Cost(NamedTuple):
    """flops is None where nobody knows."""
    flops: float | None
    bytes: float


def cost(step) -> Cost:
    """The cost of a step without steps in it."""
    if isinstance(step, Launch):
        return _kernel_cost(step.kernel)
    if isinstance(step, Product):
        return _product_cost(step)
    if isinstance(step, Copy):
        return Cost(0, 2 * step.target.size * step.target.dtype.itemsize)
    if isinstance(step, Zero):
        return Cost(0, step.target.size * step.target.dtype.itemsize)
    if isinstance(step, Host):
        return Cost(None, sum(view.size * view.dtype.itemsize
                              for view in (*step.inputs, *step.outputs)))
    if isinstance(step, LibraryCalls):
        return Cost(None, sum(buffer.nbytes for buffer in step.reads))
    return Cost(0, 0)


def _product_cost(step: Product) -> Cost:
    batch = math.prod(step.left.batch_shape)
    rows, inner, columns = step.left.rows, step.left.columns, step.right.rows
    factor = 8 if step.target.dtype.kind == "c" else 2
    elements = sum(_elements(part) for part in (step.left, step.right)) + batch * rows * columns
    return Cost(factor * batch * rows * inner * columns, elements * step.target.dtype.itemsize)


def _elements(matrices) -> int:
    """How many elements of a batch lie in memory of their own."""
    own = math.prod(size for size, stride in zip(matrices.batch_shape, matrices.batch_strides)
                    if stride)
    return own * matrices.rows * matrices.columns


def _kernel_cost(kernel: KernelText) -> Cost:
    counter = _Counter(kernel)
    function, = [node for node in ast.parse(kernel.text).body
                 if isinstance(node, ast.FunctionDef)]
    counter.block(function.body, 1)
    total = 0
    for parameter in kernel.parameters:
        if parameter.kind == "pointer":
            accessed = counter.accesses[parameter.name] * parameter.dtype.itemsize
            total += min(accessed, parameter.value.buffer.root().nbytes)
    return Cost(round(counter.flops), round(total))


class _Counter:
    """Walks the text of a kernel, with how often each line runs."""

    def __init__(self, kernel: KernelText):
        self.numbers = {p.name: p.value for p in kernel.parameters if p.kind == "integer"}
        self.integers = {*self.numbers, *(p.name for p in kernel.parameters
                                          if p.kind in ("integer", "code"))}
        self.pointers = {p.name for p in kernel.parameters if p.kind == "pointer"}
        self.flops = 0.0
        self.accesses: defaultdict = defaultdict(float)

    def block(self, statements: list, times: float):
        for statement in statements:
            self.statement(statement, times)

    def statement(self, node: ast.stmt, times: float):
        if isinstance(node, ast.For):
            self.block(node.body, times * self.trips(node))
        elif isinstance(node, ast.While):
            self.expression(node.test, times)
            self.block(node.body, times)
        elif isinstance(node, ast.If):
            self.expression(node.test, times)
            before, accesses = self.flops, dict(self.accesses)
            self.block(node.body, times)
            first = self.flops - before
            self.flops, taken = before, self.accesses
            self.accesses = defaultdict(float, accesses)
            self.block(node.orelse, times)
            self.flops = before + max(first, self.flops - before)
            for name, count in taken.items():
                self.accesses[name] = max(self.accesses[name], count)
        elif isinstance(node, ast.Assign):
            self.expression(node.value, times)
            for target in node.targets:
                self.assign(target, node.value, times)
        elif isinstance(node, ast.AugAssign):
            self.expression(node.target, times)
            self.expression(node.value, times)
            self.flops += 0 if self.is_integer(node.target) else times
        elif isinstance(node, ast.Expr):
            self.expression(node.value, times)

    def assign(self, target: ast.expr, value: ast.expr, times: float):
        if isinstance(target, ast.Name) and self.is_integer(value):
            self.integers.add(target.id)
            known = self.evaluate(value)
            if known is not None:
                self.numbers[target.id] = known
        elif isinstance(target, ast.Subscript):
            self.expression(target, times)

    def trips(self, node: ast.For) -> float:
        """How often a loop runs: exact where that follows from sizes, else for a middle value of
        the loops around it."""
        call = node.iter
        while isinstance(call, ast.Call) and getattr(call.func, "id", "") == "reversed":
            call = call.args[0]
        bounds = [self.evaluate(argument) for argument in call.args]
        name = node.target.id if isinstance(node.target, ast.Name) else ""
        self.integers.add(name)
        if any(bound is None for bound in bounds):
            self.numbers.pop(name, None)
            return 1
        start, stop, step = (*([0] if len(bounds) == 1 else []), *bounds, 1)[:3]
        self.numbers[name] = (start + stop - step) / 2
        return max(0, math.ceil((stop - start) / step))

    def evaluate(self, node: ast.expr) -> float | None:
        """An integer expression of known numbers."""
        if any(isinstance(part, ast.Subscript) for part in ast.walk(node)):
            return None
        try:
            return eval(compile(ast.Expression(node), "", "eval"),
                        {"__builtins__": {}, "min": min, "max": max, "int64": int, "abs": abs},
                        self.numbers)
        except Exception:
            return None

    def is_integer(self, node: ast.expr) -> bool:
        """Whether an expression is about indices."""
        names = [part for part in ast.walk(node) if isinstance(part, ast.Name)
                 and part.id not in _FREE | {"min", "max", "abs"}]
        literals = [part for part in ast.walk(node) if isinstance(part, ast.Constant)]
        return all(name.id in self.integers for name in names) \
            and all(isinstance(part.value, int) for part in literals) \
            and bool(names or literals)

    def expression(self, node: ast.expr, times: float):
        if isinstance(node, ast.Subscript):
            name = getattr(node.value, "id", "")
            if name in self.pointers:
                self.accesses[name] += times
            self.expression(node.slice, times)
            return
        if isinstance(node, (ast.BinOp, ast.Compare)) and not self.is_integer(node):
            self.flops += times
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", "")
            self.flops += times * (0 if name in _FREE else 1 if name in _ONE else CALL)
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self.expression(part, times)
