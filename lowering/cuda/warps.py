"""How the threads of a block combine what each of them has: warp by warp, then the warps.

The threads of a warp run side by side and read each other's registers, so they need neither memory
nor a barrier. One value of each warp goes through shared memory, and each thread combines these
itself, in the same order as all others:

    distance = 16
    while distance > 0:
        other0 = cuda.shfl_down_sync(0xFFFFFFFF, acc0, distance)
        acc0 = sum_step(acc0, other0)
        distance //= 2
    if thread % 32 == 0:
        shared0[thread // 32] = acc0
    cuda.syncthreads()
    acc0 = shared0[0]
    for warp in range(1, threads // 32):
        acc0 = sum_step(acc0, shared0[warp])

In: names and dtypes of values. Out: lines. Imports `expression`, `kernel_text`,
`cuda.emit`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from functrans.ir.type import name_of
from lowering.cuda import emit
from lowering.expression import Text
from lowering.kernel_text import INDENT, from_memory, local_dtype

_MOVED = ("int32", "int64", "float32", "float64")       # what a shuffle moves as it is
_EVERY_LANE = "0xFFFFFFFF"


@dataclass(frozen=True, slots=True)
class Shared:
    """A value of each thread. state: its variable. other: a name for that of another thread.
    memory: the shared array for one of each warp. combine: two of them as one."""
    state: str
    other: str
    memory: str
    dtype: np.dtype
    combine: Callable

    def array(self) -> str:
        """The line that makes the shared array."""
        dtype = local_dtype(self.dtype)
        name = "uint8" if dtype.kind == "b" else name_of(dtype)
        return f"{self.memory} = cuda.shared.array({emit.BLOCK // emit.WARP}, {name})"


def combined(values: list[Shared]) -> list[str]:
    """Lines after which each thread has, in place of its own value, that of the whole block."""
    lines = [line for value in values for line in _within_warp(value)]
    lines.append(f"if thread % {emit.WARP} == 0:")
    lines += [f"{INDENT}{value.memory}[thread // {emit.WARP}] = {value.state}"
              for value in values]
    lines.append("cuda.syncthreads()")
    return lines + [line for value in values for line in _of_warps(value)]


def _within_warp(value: Shared) -> list[str]:
    return [f"distance = {emit.WARP // 2}",
            "while distance > 0:",
            f"{INDENT}{value.other} = {shuffled(value.state, local_dtype(value.dtype))}",
            f"{INDENT}{value.state} = {value.combine(Text(value.state), Text(value.other))}",
            f"{INDENT}distance //= 2"]


def _of_warps(value: Shared) -> list[str]:
    dtype = local_dtype(value.dtype)
    first, each = (from_memory(f"{value.memory}[{k}]", dtype) for k in ("0", "warp"))
    return [f"{value.state} = {first}",
            f"for warp in range(1, threads // {emit.WARP}):",
            f"{INDENT}{value.state} = {value.combine(Text(value.state), each)}"]


def shuffled(value: str, dtype: np.dtype) -> str:
    """The value that the thread `distance` further on in the warp has. A shuffle moves numbers of
    32 and 64 bits; others go as such, complex ones in two."""
    def moved(part: str) -> str:
        return f"cuda.shfl_down_sync({_EVERY_LANE}, {part}, distance)"
    if dtype.kind == "c":
        return f"{dtype.name}(complex({moved(f'{value}.real')}, {moved(f'{value}.imag')}))"
    if dtype.name in _MOVED:
        return moved(value)
    as_integer = moved(f"{'int32' if dtype.itemsize < 4 else 'int64'}({value})")
    return f"{as_integer} != 0" if dtype.kind == "b" else f"{dtype.name}({as_integer})"
