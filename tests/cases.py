"""What a row of `rows.py` is made of: operands, cases, and how their values are drawn.

A case is a list of operands, each a shape and a kind of values, and params. Kinds keep away from
kinks and poles, so that finite differences mean something; edges have tests of their own.

A stack (see functrans/primitives/stack.py) is no array: an operand that is one is drawn as the
array of its elements, and a result that is one is read back into an array of `STACK` elements, so
that the laws deal with arrays only.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import functrans.numpy as fnp
from functrans import lax
from functrans.array import as_array
from functrans.control.unwind import Counted
from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType, StackDtype
from functrans.primitives.stack import empty_stack, is_stack
from functrans.trace import bind, trace

STACK = 4                    # elements of a stack that is read back; those it lacks are zero
FLOATS = ("float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("int8", "int32", "int64", "uint8", "uint32")
NUMBERS = FLOATS + COMPLEX + INTEGERS
REAL = FLOATS + INTEGERS
ANY = NUMBERS + ("bool",)
BITS = INTEGERS + ("bool",)


@dataclass(frozen=True)
class Operand:
    """shape; kind of values; dtype if it is not that of the case; whether it is a stack."""
    shape: tuple
    kind: str = "normal"
    dtype: str | None = None
    stack: bool = False


@dataclass(frozen=True)
class Case:
    """params: a dict, or a function from the types of the operands to one.

    counted: the result that says how many elements the stacks among the results have; None if
    they have `STACK`, or none. fixed: the operands in which it has no derivative.
    """
    operands: tuple
    params: dict | Callable = field(default_factory=dict)
    counted: int | None = None
    fixed: tuple = ()

    def arrays(self, dtype: str, seed: int = 0) -> list[np.ndarray]:
        rng = np.random.default_rng(seed)
        return [draw(rng, operand, np.dtype(operand.dtype or dtype))
                for operand in self.operands]

    def types(self, arrays) -> list[ArrayType]:
        """The types of the operands that the arrays stand for."""
        return [_stack_type(array.shape[1:], array.dtype) if operand.stack
                else ArrayType(array.shape, array.dtype)
                for operand, array in zip(self.operands, arrays, strict=True)]

    def params_for(self, types) -> dict:
        return self.params(*types) if callable(self.params) else self.params


@dataclass(frozen=True)
class Row:
    """dtypes: on which values are compared. linear: operands in which it is linear.

    ulp: how far compiled values may be from NumPy's, in units of the last place, where the
    primitive is no exact operation. second: whether second derivatives are tried.
    """
    primitive: Primitive
    cases: tuple
    dtypes: tuple
    ulp: float = 4
    second: bool = True

    @property
    def name(self):
        return self.primitive.name

    def infer(self, case: Case, arrays) -> tuple:
        """The types of the results, by the primitive's rule."""
        types = case.types(arrays)
        kinds = self.primitive.infer(*types, **case.params_for(types))
        return tuple(kinds) if self.primitive.multiple else (kinds,)

    def evaluate(self, case: Case, arrays) -> tuple:
        """The results as NumPy arrays, by the primitive's rule."""
        operands = [_stack_of(array) if operand.stack else array
                    for operand, array in zip(case.operands, arrays, strict=True)]
        out = self.primitive.evaluate(*operands, **case.params_for(case.types(arrays)))
        kinds = self.infer(case, arrays)
        return tuple(_elements_of(part, kind) if is_stack(kind) else np.asarray(part)
                     for part, kind in zip(out if self.primitive.multiple else (out,), kinds))

    def function(self, case: Case) -> Callable:
        """The primitive with its params as a function of arrays, in terms of `bind`."""
        def function(*args):
            operands = [pushed(arg) if operand.stack else as_array(arg)
                        for operand, arg in zip(case.operands, args, strict=True)]
            params = case.params_for([operand.type for operand in operands])
            out = bind(self.primitive, *operands, **params)
            if not self.primitive.multiple:
                return (out,)
            count = np.int64(STACK) if case.counted is None else out[case.counted]
            return tuple(popped(part, count) if is_stack(part.type) else part for part in out)
        return function


# ---- stacks ----

def _stack_type(shape, dtype) -> ArrayType:
    return ArrayType((), StackDtype(ArrayType(shape, dtype)))


def _stack_of(elements: np.ndarray) -> np.ndarray:
    out = np.empty((), object)
    out[()] = elements
    return out


def _elements_of(stack: np.ndarray, kind: ArrayType) -> np.ndarray:
    """The elements of a stack, and zeros behind them."""
    elements, element = stack[()], kind.dtype.element
    assert elements.dtype == element.dtype and elements.shape[1:] == element.shape
    padding = np.zeros((STACK - len(elements), *element.shape), element.dtype)
    return np.concatenate([elements, padding])


def pushed(array):
    """A stack of the slices of an array."""
    array = as_array(array)
    if not len(array):
        return empty_stack(_stack_type(array.shape[1:], array.dtype))
    body, _ = trace(lambda x, k: (k + 1, lax.dynamic_index_in_dim(x, k, keepdims=False)),
                    [array.type, ArrayType((), np.int64)])
    start = as_array(np.int64(0))
    return Counted(as_array(np.int64(len(array)))).bind(body, [array], [start], [])[1]


def popped(stack, count):
    """`STACK` elements of a stack of `count` elements, as an array; zero where it has none."""
    element = stack.type.dtype.element
    room = fnp.zeros((STACK, *element.shape), element.dtype)
    body, _ = trace(lambda x, k, one: (lax.dynamic_update_index_in_dim(x, one, k, 0), k + 1),
                    [room.type, ArrayType((), np.int64), element])
    return Counted(as_array(count)).bind(body, [], [room, as_array(np.int64(0))], [stack])[0]


def draw(rng, operand: Operand, dtype: np.dtype) -> np.ndarray:
    """Values of a kind."""
    shape, (kind, _, argument) = operand.shape, operand.kind.partition(":")
    if kind == "exactly":
        return np.full(shape, int(argument), dtype)
    if kind == "index":
        return rng.integers(0, int(argument), shape).astype(dtype)
    if kind == "distinct_index":
        size = int(np.prod(shape))
        return rng.permutation(int(argument))[:size].reshape(shape).astype(dtype)
    if kind == "shift":
        return rng.integers(0, dtype.itemsize * 8 + 3, shape).astype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, shape).astype(bool)
    if kind == "distinct":
        values = rng.permutation(int(np.prod(shape))).reshape(shape) - 2
        offset = 0.1 + 0.13 * int(argument or 0)
        return (values if dtype.kind in "iu" else values * 0.37 + offset).astype(dtype)
    if dtype.kind in "iu":
        return _integers(rng, shape, kind, dtype)
    values = _floats(rng, shape, kind)
    if dtype.kind == "c":
        values = values + 1j * _floats(rng, shape, "normal") * 0.5
    if kind in ("dominant", "definite"):
        values = _regular(values, kind)
    return values.astype(dtype)


def _regular(values: np.ndarray, kind: str) -> np.ndarray:
    """Matrices far from singular ones: with a large diagonal, or positive definite."""
    size = values.shape[-1]
    if kind == "dominant":
        return values + 3 * size * np.eye(size)
    return values @ np.swapaxes(values.conj(), -1, -2) + np.eye(size)


def _integers(rng, shape, kind: str, dtype) -> np.ndarray:
    low = 1 if kind in ("positive", "nonzero", "above_one") or dtype.kind == "u" else -4
    values = rng.integers(low, 5, shape)
    return np.where(values == 0, 1, values).astype(dtype) if kind == "nonzero" \
        else values.astype(dtype)


def _floats(rng, shape, kind: str) -> np.ndarray:
    if kind == "positive":
        return rng.uniform(0.4, 2.0, shape)
    if kind == "within":
        return rng.uniform(0.03, 0.97, shape)
    if kind == "unit":
        return rng.uniform(-0.8, 0.8, shape)
    if kind == "above_one":
        return rng.uniform(1.3, 3.0, shape)
    if kind == "nonzero":
        return rng.uniform(0.4, 2.0, shape) * rng.choice([-1, 1], shape)
    return rng.normal(size=shape)


def case(*operands, params: Callable | None = None, counted: int | None = None,
         fixed: tuple = (), **given) -> Case:
    """A case from shapes (or Operands)."""
    return Case(tuple(op if isinstance(op, Operand) else Operand(op) for op in operands),
                params or given, counted, fixed)


def spread(kind="normal", count=1) -> tuple:
    """Cases for an elementwise primitive of `count` operands: a matrix, a scalar, nothing."""
    return tuple(case(*[Operand(shape, kind)] * count) for shape in ((2, 3), (), (0, 2), (1, 5)))


def unary(primitive, kind="normal", dtypes=FLOATS + COMPLEX, **options) -> Row:
    return Row(primitive, spread(kind), dtypes, **options)


def binary(primitive, kind="normal", dtypes=NUMBERS, **options) -> Row:
    return Row(primitive, spread(kind, 2), dtypes, **options)


