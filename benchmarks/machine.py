"""What the machine can do, and how it is set: for the floors and the head of the table.

In: nothing. Out: peak flops and bandwidth, measured; texts. Imports NumPy when it measures.
"""
from __future__ import annotations

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path

# Some machines set these, to the harm of NumPy's BLAS, and of imports: without files of bytecode
# each process compiles what is not installed as a package.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")
SHOWN = (*UNSET, "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "XLA_FLAGS",
         "NUMBA_NUM_THREADS")
PACKAGES = ("numpy", "numba", "llvmlite", "jax", "jaxlib", "torch", "optax")


def clean_environment():
    """Unsets, for this process and its children, variables that hamper BLAS and imports."""
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def use_cores(count: int | None):
    """Keeps this process and its children on that many cores, where the system can."""
    if count and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def limits() -> tuple[float, float]:
    """(flops a second of float32 products, bytes a second of copying), the best of a few.

    Both use all cores.
    """
    import numpy as np
    a = np.ones((2048, 2048), np.float32)
    source, target = np.ones(2 ** 25, np.float32), np.ones(2 ** 25, np.float32)
    parts = list(zip(*(np.array_split(array, cores()) for array in (target, source))))
    with ThreadPoolExecutor(cores()) as pool:
        def copy():
            list(pool.map(lambda part: np.copyto(*part), parts))
        copies = min(_seconds(copy) for _ in range(9))
    products = min(_seconds(lambda: a @ a) for _ in range(9))
    return 2 * 2048 ** 3 / products, 2 * source.nbytes / copies


def _seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def description() -> list[str]:
    """Lines on the processor, the versions and the settings."""
    settings = ", ".join(f"{name}={os.environ[name]}" for name in SHOWN if name in os.environ)
    count = f"{cores()} core{'' if cores() == 1 else 's'}"
    return [f"{processor()}, {count}, {platform.system()}, "
            f"Python {platform.python_version()}",
            ", ".join(_versions()),
            f"environment: {settings or 'no variable set'}; unset: {', '.join(UNSET)}"]


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _versions():
    for name in PACKAGES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            pass
