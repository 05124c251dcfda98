"""The CPU target: kernels compiled by numba, run by the native runner.

In: a Program. Out: `CpuExecutable`. Imports `pipeline`, `native`, `targets.assemble`.
"""
from __future__ import annotations

import ctypes
from array import array
from collections.abc import Sequence
from threading import get_ident

import numpy as np

from functrans.ir.program import Program
from lowering.native.cache import disk_cache
from lowering.native.runner import runner
from lowering.pipeline import make_plan, optimize
from lowering.plan import Host
from lowering.source import module_text
from lowering.targets import assemble_library, assemble_loops, stacks  # noqa: F401  (register)
from lowering.targets.assemble import BLOCKS, Assembler


def compile_for_cpu(program: Program, donated: tuple, cache_folder=None) -> "CpuExecutable":
    """Optimizes, plans, compiles and assembles a Program."""
    optimized = optimize(program)
    cache = disk_cache(str(cache_folder)) if cache_folder else None
    return CpuExecutable(optimized, make_plan(optimized), cache)


class CpuExecutable:
    """A compiled Program. One call is one walk of the runner; nothing in Python between.

    Calls from several threads may overlap: what differs between calls is their own.
    """

    def __init__(self, program: Program, plan, cache=None):
        self.program = program
        self.plan = plan
        self._failures: dict = {}               # by thread: what a call back into Python raised
        assembly = Assembler(plan, cache, self._host_address).assemble()
        self.assembly = assembly
        self._code = assembly.code.ctypes.data
        self._outputs = [(kind.shape, kind.dtype) for kind in plan.output_types]
        self._has_stacks = any(not isinstance(kind.dtype, np.dtype)
                               for kind in (*plan.input_types, *plan.output_types))
        self._empty = [0] * (assembly.registers - len(plan.input_types)
                             - len(plan.output_types) - 1)
        self._memory: list = []                 # arenas that no call uses now
        self._run = runner()

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs for arrays of the Program's input types."""
        if self._has_stacks:
            return stacks.run_with_stacks(self, arrays)
        return self._call(arrays, [np.empty(shape, dtype) for shape, dtype in self._outputs])

    def _call(self, arrays: Sequence, outputs: list, keep: bool = False) -> list:
        """Runs the table. keep: whether blocks of stacks stay until the caller frees them."""
        arrays = [a if a.flags.c_contiguous else np.ascontiguousarray(a) for a in arrays]
        try:
            memory = self._memory.pop()
        except IndexError:
            memory = _Memory(self.assembly.memory)
        registers = array("q", [*map(id, arrays), *map(id, outputs), memory.address,
                                *self._empty])
        status = self._run(self._code, registers.buffer_info()[0])
        if status or memory.words[0]:
            self._raise(status, memory)
        if keep:
            return outputs, memory
        self.release(memory)
        return outputs

    def release(self, memory: "_Memory"):
        """Gives temporary memory back, with the blocks of its stacks."""
        if memory.words[5]:
            self._run.free(memory.address + BLOCKS)
        self._memory.append(memory)

    def _raise(self, status: int, memory: "_Memory"):
        """The error that a step has recorded."""
        _, code, index = memory.words[:3].tolist()
        memory.words[0] = 0
        self.release(memory)
        if status:
            raise self._failures.pop(get_ident())
        location, size = self.assembly.checks[code]
        raise IndexOutOfBounds(index, size, location)

    # ---- calls back into Python ----

    def _host_address(self, step: Host):
        """The address of a function that calls Python with views of the step's memory."""
        kinds = [(view.shape, view.dtype) for view in (*step.inputs, *step.outputs)]
        count = len(step.inputs)

        def call(*addresses):
            try:
                arrays = [_array_at(address, *kind) for address, kind in zip(addresses, kinds)]
                results = step.function(*arrays[:count])
                for target, value in zip(arrays[count:], results, strict=True):
                    np.copyto(target, value, casting="unsafe")
                return 0
            except BaseException as error:      # carried over the native frames, raised in run
                self._failures[get_ident()] = error
                return 1

        pointer = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_int64] * len(kinds))(call)
        return ctypes.cast(pointer, ctypes.c_void_p).value, pointer

    # ---- looking inside ----

    def source(self) -> str:
        """The text of the kernels, each once."""
        texts = dict.fromkeys(step.kernel.text for step in self.plan.launches())
        return "\n\n".join(module_text(text) for text in texts)


class IndexOutOfBounds(IndexError):
    """An index outside of an array, found by a kernel; `location` is the user's line."""

    def __init__(self, index: int, size: int, location):
        super().__init__(f"index {index} is out of bounds for an axis of size {size}")
        self.index, self.size, self.location = index, size, location


class _Memory:
    """Temporary memory of one call at a time, at an aligned address."""

    __slots__ = ("words", "address")

    def __init__(self, size: int):
        block = np.zeros(size // 8 + 16, np.int64)
        self.words = block[-(block.ctypes.data // 8) % 8:]
        self.address = self.words.ctypes.data


def _array_at(address: int, shape: tuple, dtype: np.dtype) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    buffer = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(buffer, dtype).reshape(shape)

