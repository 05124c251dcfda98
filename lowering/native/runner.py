"""The runner: a native loop that walks a table of steps, so that no Python runs between kernels.

A plan is assembled into `code`, a read-only table of int64 that every call shares; what differs
from call to call (addresses of inputs, results and temporary memory, loop counters) stands in
`registers`, a small table of its own for each call. An operand is a pair `(register, value)`: it
means `registers[register] + value`, or `value` alone where `register` is negative.

The runner knows nothing of kernels but their addresses: all their parameters are integers and
pointers, which every calling convention passes alike. A new Program is a new table, not a
compilation. `runner_code` writes it; it is compiled once on a machine. Imports `machine`,
`cache`, `layout`.
"""
from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lowering.native import layout, machine, own_code

CALL_SIZES = (8, 16, 32)    # a call passes as many arguments: the first of these that suffices
MAX_PARAMETERS = 4096       # of one function; more than the last of CALL_SIZES go by LARGE_CALL

# Operations. In brackets: what follows in the table; `x` is an operand (two numbers).
END = 0             # []                      the end; returns 0
CALL = 1            # [count, function, x..]  calls a function, whatever it returns
SET = 2             # [register, x]           register = x
ADD = 3             # [register, x]           register += x
SWAP = 4            # [register, register]    exchanges two registers
JUMP = 5            # [place]                 goes on at a place in the table
JUMP_UNLESS_LESS = 6    # [register, x, place]    unless register < x
JUMP_IF_ZERO = 7    # [x, place]              if the byte at address x is zero
COPY = 8            # [x, x, x]               target, source, count of bytes
ZERO = 9            # [x, x]                  target, count of bytes
LOAD = 10           # [register, x]           register = the int64 at address x
CHECKED_CALL = 11   # [count, function, x..]  calls; returns at once what is not zero
PUSH = 12           # [x, x, x, x]            stack, element, bytes, list of blocks
RESERVE = 13        # [x, x, x, x]            stack, count of elements, bytes, list of blocks
ELEMENT = 14        # [register, x, x, x, x]  address of an element: stack, index, bytes, zeros
STORE = 15          # [x, x]                  the int64 at address x = x
LARGE_CALL = 16     # [count, unpacker, function, x..]  a checked call by `unpacker(count)`

# A stack in memory: address of its elements, how many there are, how many fit.
STACK_WORDS = 4

# What `enter` returns; NOT_READY: an argument is no plain contiguous array. Positive numbers are
# what a checked call returned.
DONE, INDEX_ERROR, BLOCKS_LEFT, NOT_READY = 0, -1, -2, -3

# The head of temporary memory: the record of an index out of bounds (three numbers), two words
# that numba's functions write to, and the list of blocks that stacks were given.
ERROR, RETURN, EXCEPTION, BLOCKS = 0, 24, 32, 40
HEAD = 64

_PYTHON_NAMES = ("PyList_Size", "PyList_GetItem", "PyLong_AsLongLong", "PyLong_FromLong",
                 "PyEval_SaveThread", "PyEval_RestoreThread")
_METH_O = 8                 # of Python's C interface: a function of one argument



class _Definition(ctypes.Structure):
    """PyMethodDef."""
    _fields_ = [("name", ctypes.c_char_p), ("function", ctypes.c_void_p),
                ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]


@dataclass(frozen=True, slots=True)
class Runner:
    """The compiled runner."""
    definition: _Definition
    free: Callable              # free(address of a list of blocks)

    def entry(self, table: np.ndarray) -> Callable:
        """The builtin function `enter(arrays) -> int` for what `entry_table` gives.

        arrays: a list of NumPy arrays: inputs, results, temporary memory. Their addresses become
        the first registers. While the kernels run, other Python threads may. The table must
        outlive the function.
        """
        new = ctypes.pythonapi.PyCFunction_NewEx
        new.argtypes = [ctypes.POINTER(_Definition), ctypes.py_object, ctypes.c_void_p]
        new.restype = ctypes.py_object
        return new(ctypes.byref(self.definition), table.ctypes.data, None)


def entry_table(code: np.ndarray, registers: int) -> np.ndarray:
    """What `enter` reads: the address of the code, how many registers it needs, NumPy's type."""
    return np.array([code.ctypes.data, registers, id(np.ndarray)], np.int64)


def runner(cache=None) -> Runner:
    """The runner, compiled or read from `cache` at first use."""
    for name in _PYTHON_NAMES:
        machine.define(name, ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value)
    enter, free = _functions("runner", "write_runner", ("functrans_enter", "functrans_free"),
                             cache)
    return _wrap(enter, free)


def unpacker(count: int, cache=None) -> int:
    """The address of a function that calls another with `count` arguments from a table.

    Counts are rounded up, so that few of them exist.
    """
    size = -(-count // 64) * 64
    address, = _functions(f"unpack{size}", "write_unpacker", ("functrans_unpack",), cache, size)
    return address


def _functions(name: str, writer: str, symbols: tuple, cache, *arguments) -> tuple:
    return own_code.functions(name, f"runner_code.{writer}", symbols, cache, *arguments,
                              sources=("machine", "runner", "runner_code", "entry_code"),
                              settings=(layout.TYPE_OFFSET, layout.DATA_OFFSET,
                                        layout.FLAGS_OFFSET))


_runners: dict[int, Runner] = {}


def _wrap(enter: int, free: int) -> Runner:
    found = _runners.get(enter)
    if found is None:
        definition = _Definition(b"enter", enter, _METH_O, b"Runs a compiled Program.")
        found = _runners.setdefault(enter, Runner(
            definition, ctypes.CFUNCTYPE(None, ctypes.c_int64)(free)))
    return found
