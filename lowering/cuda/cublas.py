"""Products of matrices by NVIDIA's cuBLASLt, where that is asked for.

The interface is that of NVIDIA's header cublasLt.h, whose numbers stand below. Its matrices lie
column by column; a product `C = A B'` of matrices that lie row by row is `C' = B A'` there, so B
comes first. Sums of half precision are taken in float32.

In: addresses, shapes, strides. Out: calls of the library. Imports `lowering.errors`; the library,
by `cuda.pathfinder`, when it is first needed.
"""
from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import byref, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p, sizeof
from functools import cache
from typing import NamedTuple

from lowering.errors import CompilerMissing, DeviceFailure

WORKSPACE = 32 << 20            # bytes that an algorithm may ask for
ALIGNMENT = 256                 # bytes; of addresses that are better aligned nothing more is said

# From cublasLt.h, cublas_api.h and library_types.h.
OP_N, OP_T = 0, 1
TRANSA, TRANSB = 3, 4
BATCH_COUNT, STRIDED_BATCH_OFFSET = 5, 6
MAX_WORKSPACE_BYTES = 1
MIN_ALIGNMENT = {"A": 5, "B": 6, "C": 7, "D": 8}
COMPUTE_32F, COMPUTE_64F = 68, 70
TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}


class Algorithm(ctypes.Structure):
    """cublasLtMatmulAlgo_t."""
    _fields_ = [("data", c_uint64 * 8)]


class Found(ctypes.Structure):
    """cublasLtMatmulHeuristicResult_t."""
    _fields_ = [("algorithm", Algorithm), ("workspace", c_size_t), ("state", c_int),
                ("waves", ctypes.c_float), ("reserved", c_int * 4)]


class Operand(NamedTuple):
    """A batch of matrices as the library sees them: `rows` by `columns`, column by column."""
    rows: int
    columns: int
    leading: int                # elements from one column to the next
    transposed: bool            # whether what is multiplied is the transpose
    batch_stride: int


class Task(NamedTuple):
    """A product: all that an algorithm depends on. alignments: of A, B and C, in bytes."""
    dtype: str
    a: Operand
    b: Operand
    c: Operand
    count: int
    alignments: tuple


class Ready(NamedTuple):
    """What is passed for a task, each time."""
    description: c_void_p
    layouts: list
    algorithm: Algorithm
    workspace: int
    scalars: tuple


def operand(rows: int, columns: int, row_stride: int, column_stride: int,
            batch_stride: int) -> Operand:
    """The factor that has these rows and columns, one of whose strides is one."""
    if row_stride == 1:
        return Operand(rows, columns, max(column_stride, rows), False, batch_stride)
    return Operand(columns, rows, max(row_stride, columns), True, batch_stride)


def alignment_of(address: int) -> int:
    """The largest power of two that divides an address, up to what is asked for."""
    return min(address & -address, ALIGNMENT) if address else ALIGNMENT


class Library:
    """cuBLASLt. functions: the library, or what stands in for it."""

    def __init__(self, functions):
        self._functions = functions
        self._handle = c_void_p()
        self._ready: dict[Task, Ready] = {}
        self._call("cublasLtCreate", byref(self._handle))

    def _call(self, name: str, *arguments):
        status = getattr(self._functions, name)(*arguments)
        if status:
            raise DeviceFailure(f"{name} of cuBLAS failed with the status {status}; with "
                                "products='own' products are kernels of the library's own")

    def prepared(self, task: Task) -> Ready:
        """What is passed for a task; found once."""
        found = self._ready.get(task)
        if found is None:
            found = self._ready[task] = self._prepare(task)
        return found

    def _prepare(self, task: Task) -> Ready:
        description = self._description(task)
        layouts = [self._layout(task, each) for each in (task.a, task.b, task.c)]
        preference = self._preference(task)
        found, count = Found(), c_int()
        self._call("cublasLtMatmulAlgoGetHeuristic", self._handle, description, layouts[0],
                   layouts[1], layouts[2], layouts[2], preference, c_int(1), byref(found),
                   byref(count))
        self._call("cublasLtMatmulPreferenceDestroy", preference)
        if not count.value or found.state:
            raise DeviceFailure(f"cuBLAS has no algorithm for {task}; use products='own'")
        number = ctypes.c_double if task.dtype == "float64" else ctypes.c_float
        return Ready(description, layouts, found.algorithm, found.workspace,
                     (number(1), number(0)))

    def _description(self, task: Task) -> c_void_p:
        description, wide = c_void_p(), task.dtype == "float64"
        self._call("cublasLtMatmulDescCreate", byref(description),
                   c_int(COMPUTE_64F if wide else COMPUTE_32F),
                   c_int(TYPES["float64" if wide else "float32"]))
        for attribute, each in ((TRANSA, task.a), (TRANSB, task.b)):
            self._set("cublasLtMatmulDescSetAttribute", description, attribute,
                      c_int32(OP_T if each.transposed else OP_N))
        return description

    def _layout(self, task: Task, each: Operand) -> c_void_p:
        layout = c_void_p()
        self._call("cublasLtMatrixLayoutCreate", byref(layout), c_int(TYPES[task.dtype]),
                   c_uint64(each.rows), c_uint64(each.columns), c_int64(each.leading))
        self._set("cublasLtMatrixLayoutSetAttribute", layout, BATCH_COUNT, c_int32(task.count))
        self._set("cublasLtMatrixLayoutSetAttribute", layout, STRIDED_BATCH_OFFSET,
                  c_int64(each.batch_stride))
        return layout

    def _preference(self, task: Task) -> c_void_p:
        preference, name = c_void_p(), "cublasLtMatmulPreferenceSetAttribute"
        self._call("cublasLtMatmulPreferenceCreate", byref(preference))
        self._set(name, preference, MAX_WORKSPACE_BYTES, c_uint64(WORKSPACE))
        a, b, c = task.alignments
        for matrix, alignment in zip("ABCD", (a, b, c, c)):
            self._set(name, preference, MIN_ALIGNMENT[matrix], c_uint32(alignment))
        return preference

    def _set(self, function: str, of: c_void_p, attribute: int, value):
        self._call(function, of, c_int(attribute), byref(value), c_size_t(sizeof(value)))

    def multiply(self, ready: Ready, a: int, b: int, c: int, workspace: int, stream: int):
        """Launches the product: addresses of A, B, C and of the workspace."""
        one, zero = ready.scalars
        la, lb, lc = ready.layouts
        self._call("cublasLtMatmul", self._handle, ready.description, byref(one), c_void_p(a), la,
                   c_void_p(b), lb, byref(zero), c_void_p(c), lc, c_void_p(c), lc,
                   byref(ready.algorithm), c_void_p(workspace), c_size_t(ready.workspace),
                   c_void_p(stream))


@cache
def library() -> Library:
    """The library of this machine. Raises CompilerMissing where there is none."""
    return Library(find())


def find() -> Callable:
    """The functions of cuBLASLt."""
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib
        path = load_nvidia_dynamic_lib("cublasLt").abs_path
        return ctypes.CDLL(path)
    except (ImportError, RuntimeError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise CompilerMissing(
            f"products='cublas' needs NVIDIA's cuBLAS, which was not found ({reason}). Install it "
            "with: pip install 'functrans[cublas13]' (or 'functrans[cublas12]', for CUDA 12)"
        ) from error
