"""Calls of a linear algebra library, as data: which routines of LAPACK and BLAS, with what.

A primitive whose kernel is a `LibraryProgram` means that Program, whose equations of `routines_p`
call the library. A target that has the library inlines it; any other evaluates the primitive.

In: names of routines, sizes, dtypes. Out: kernel classes, and equations that call routines.
Imports `ir`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from functrans.ir.primitive import Kernel, Primitive
from functrans.ir.type import ArrayType

# The dtype of a library's integers in Programs, however wide they are in the library.
INTEGER = np.dtype(np.int64)


@dataclass(frozen=True, slots=True)
class Block:
    """Memory that routines read and write, for one matrix of a batch; rows lie one by one.

    (To Fortran, which counts columns first, a matrix in it is the transpose.)
    start: the operand with whose values it begins, or None if a routine writes it first.
    kept: whether the routines only read it, so that the operand need not be copied.
    """
    name: str
    shape: tuple
    dtype: np.dtype
    start: int | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """Scratch memory of the size that the routine asks for: an address and a size follow."""
    dtype: np.dtype


@dataclass(frozen=True, slots=True)
class Routine:
    """A call. `name` is without the letter of the dtype: "potrf".

    Arguments are passed by address: a str is a letter, an int a size, a float a number of the
    dtype, the others are a `Block` or `Work`.
    """
    name: str
    dtype: np.dtype
    arguments: tuple


@dataclass(frozen=True, slots=True)
class LibraryProgram(Kernel):
    """Inlined where the library is at hand: `program` run on the operands."""
    program: object


@dataclass(frozen=True, slots=True)
class Routines(Kernel):
    """`calls`, one after the other, for each matrix of a batch; `results` are blocks."""
    calls: tuple
    results: tuple
    batch: tuple


def _infer(*types, calls, results, batch):
    return tuple(ArrayType(batch + block.shape, block.dtype) for block in results)


def _evaluate(*arrays, calls, results, batch):
    names = ", ".join(call.name for call in calls)
    raise AssertionError(f"{names}: equations that call a library are compiled, not evaluated")


# Stands in `LibraryProgram`s alone, so it has no rules of transformation.
routines_p = Primitive(
    name="routines", infer=_infer, evaluate=_evaluate, multiple=True, inherits_weak=False,
    kernel=lambda types, params: Routines(params["calls"], params["results"], params["batch"]),
    show=lambda params: ", ".join(call.name for call in params["calls"]))
