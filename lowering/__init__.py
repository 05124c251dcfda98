"""The door: `compile(program, target)` makes a Program executable.

In: a Program. Out: an Executable with `run`, `call` and `source`. This package imports
`functrans.ir` and nothing else of functrans.
"""
from __future__ import annotations

from functrans.ir.program import Program


#: The targets that there are.
TARGETS = ("reference", "cpu", "cuda", "interpret")


def from_text(program: Program, path):
    """The Program, run by Python from a file with a copy of its text, which may be edited."""
    from lowering.targets.interpret import interpret
    return interpret(program, path=path)


def compile(program: Program, target: str, donated: tuple = (), cache_folder=None,
            cache_limit: int | None = None, threads: int | None = None, compiler: str = "direct",
            watch=None, graphs: bool = True, products: str = "own"):
    """The Program for `target`, one of `TARGETS`.

    donated: positions of inputs whose memory may be used for results.
    cache_folder: where compiled kernels are kept; None keeps them in memory alone.
    cache_limit: bytes that they may take there. threads: on how many a large kernel may run (None:
    one for each core). compiler: of kernels, "direct", or "numba" for all of them.
    watch: called with the name of each pass on Programs, and the Program after it.
    graphs: whether launches on a device are recorded and replayed. products: of large matrices on
    a device, by kernels of our "own" or by "cublas".
    """
    if target == "reference":
        from lowering.targets.reference import ReferenceExecutable
        return ReferenceExecutable(program)
    if target == "cpu":
        from lowering.targets.cpu import compile_for_cpu
        return compile_for_cpu(program, donated, cache_folder, cache_limit, threads, compiler,
                               watch)
    if target == "cuda":
        from lowering.targets.cuda import compile_for_cuda
        return compile_for_cuda(program, donated, cache_folder, watch, graphs, products)
    if target == "interpret":
        from lowering.targets.interpret import interpret
        return interpret(program, cache_folder)
    raise ValueError(f"unknown target {target!r}; there are {', '.join(TARGETS)}")


def device_driver():
    """The driver of the CUDA device: memory, copies, launches. Imports no numba."""
    from lowering.cuda import driver
    return driver


def blas_path() -> str | None:
    """The file of the BLAS that products are computed by; None if there is none."""
    from lowering.native.blas import library
    found = library()
    return found and found.path


def cached_files(folder) -> list[tuple[float, int, object]]:
    """(time of last use, bytes, path) of the files of compiled kernels in a folder."""
    from lowering.native import cache
    return cache.files(folder)


def clear_cache(folder):
    """Removes the compiled kernels from a folder."""
    from lowering.native import cache
    cache.clear(folder)


def pack_cache(folder, file) -> int:
    """Writes the kernels of a folder that this machine uses to one file; how many there are."""
    from lowering.cuda import store
    from lowering.native import archive
    return archive.pack(folder, file, store)


def unpack_cache(file, folder) -> tuple[int, int]:
    """Puts the kernels of such a file into a folder: how many are new, how many there are."""
    from lowering.cuda import store
    from lowering.native import archive
    return archive.unpack(file, folder, store)
