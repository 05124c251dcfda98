"""The CPU target: kernels compiled to machine code, run by the native runner.

In: a Program. Out: `CpuExecutable`. Imports `pipeline`, `native`, `targets.assemble`.
"""
from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Sequence
from threading import get_ident

import numpy as np

from functrans.ir.program import Program
from lowering.errors import IndexOutOfBounds
from lowering.native.cache import LIMIT, disk_cache
from lowering.native.compile import records
from lowering.native.runner import (BLOCKS, BLOCKS_LEFT, DONE, INDEX_ERROR, NOT_READY,
                                    entry_table, runner)
from lowering.pipeline import make_plan, optimize
from lowering.plan import Host
from lowering.targets import (assemble_library, assemble_loops, assemble_products,  # noqa: F401
                              stacks)
from lowering.targets.assemble import Assembler


def compile_for_cpu(program: Program, donated: tuple, cache_folder=None,
                    cache_limit: int | None = None, threads: int | None = None,
                    compiler: str = "direct", watch=None) -> CpuExecutable:
    """Optimizes, plans, compiles and assembles a Program."""
    optimized = optimize(program, watch)
    cache = disk_cache(str(cache_folder), cache_limit or LIMIT) if cache_folder else None
    return CpuExecutable(optimized, make_plan(optimized), cache, threads, compiler)


class CpuExecutable:
    """A compiled Program. One call is one walk of the runner; nothing in Python between.

    Calls from several threads may overlap: what differs between calls is their own.
    """

    def __init__(self, program: Program, plan, cache=None, threads: int | None = None,
                 compiler: str = "direct"):
        self.program = program
        self.plan = plan
        self._failures: dict = {}               # by thread: what a call back into Python raised
        already = len(records)
        assembly = Assembler(plan, cache, self._host_address, threads, compiler).assemble()
        self.assembly = assembly
        self.records = tuple(records[already:])     # of the kernels made ready for it
        self._outputs = [(kind.shape, kind.dtype) for kind in plan.output_types]
        self._has_stacks = any(not isinstance(kind.dtype, np.dtype)
                               for kind in (*plan.input_types, *plan.output_types))
        self._size = _rounded(assembly.memory)
        self._memory = _free_memory[self._size]     # arenas of this size that no call uses now
        self._runner = runner(cache)
        self._table = entry_table(assembly.code, assembly.registers)
        self._enter = self._runner.entry(self._table)

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The outputs for arrays of the Program's input types."""
        if self._has_stacks:
            return stacks.run_with_stacks(self, arrays)
        outputs = [_empty(shape, dtype) for shape, dtype in self._outputs]
        memory = self._take_memory()
        status = self._enter([*arrays, *outputs, memory])
        if status == DONE:
            self._memory.append(memory)
            return outputs
        return self._settle(status, arrays, outputs, memory)

    def run_and_keep(self, arrays: Sequence, outputs: list) -> np.ndarray:
        """Runs into `outputs`; blocks of stacks stay until the caller releases the memory."""
        memory = self._take_memory()
        status = self._enter([*arrays, *outputs, memory])
        if status not in (DONE, BLOCKS_LEFT):
            self._settle(status, arrays, outputs, memory)
        return memory

    def _take_memory(self) -> np.ndarray:
        try:
            return self._memory.pop()
        except IndexError:
            return _new_memory(self._size)

    def release(self, memory: np.ndarray):
        """Gives temporary memory back, with the blocks of its stacks."""
        if memory[BLOCKS // 8]:
            self._runner.free(memory.ctypes.data + BLOCKS)
        self._memory.append(memory)

    def _settle(self, status: int, arrays: Sequence, outputs: list, memory) -> list:
        """What is left to do after a run: other arrays, blocks to free, an error to raise."""
        if status == NOT_READY:
            self._memory.append(memory)
            return self.run([_ready(array) for array in arrays])
        _, code, index = memory[:3].tolist()
        memory[0] = 0
        self.release(memory)
        if status == BLOCKS_LEFT:
            return outputs
        if status != INDEX_ERROR:
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
        """The text of the kernels, and of what calls them, as a module that runs by itself."""
        from lowering.listing import make_listing       # imported when someone looks
        return make_listing(self.program, self.plan).text


def _ready(array) -> np.ndarray:
    """A plain contiguous array; what is none (a donated one, say) raises."""
    if array.flags.c_contiguous and type(array) is np.ndarray:
        return array
    return np.array(array, order="C")


# Executables share arenas: that of a new batch size need not be touched for the first time, which
# costs more than a small run, and memory does not grow with the number of executables.
_free_memory: dict[int, list] = defaultdict(list)


def _rounded(size: int) -> int:
    """A power of two, so that there are few sizes; what is not touched takes no memory."""
    return 1 << max(size - 1, 1023).bit_length()


def _new_memory(size: int) -> np.ndarray:
    """Temporary memory of one call at a time, at an aligned address; its head is zero."""
    block = np.zeros(size // 8 + 8, np.int64)
    return block[-(block.ctypes.data // 8) % 8:]


_empty = np.empty


def _array_at(address: int, shape: tuple, dtype: np.dtype) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    buffer = (ctypes.c_char * size).from_address(address)
    return np.frombuffer(buffer, dtype).reshape(shape)

