"""BLAS of NumPy's own library, by address: no copy of it, no second pool of threads.

NumPy's wheels carry OpenBLAS with 64-bit integers; `scipy-openblas32` is the second choice.
All arguments of its Fortran interface are pointers, so the runner can call it like a kernel.
Imports nothing of this package.
"""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

LETTERS = {"float32": "s", "float64": "d", "complex64": "c", "complex128": "z"}


@dataclass(frozen=True, slots=True)
class Library:
    """A loaded library. `integer`: the dtype of its integers; `pattern`: of its names."""
    handle: object
    pattern: str
    integer: type
    path: str

    def address(self, routine: str) -> int:
        """The address of a routine such as "sgemm"."""
        return _address(self, self.pattern.format(routine))

    def thread_functions(self) -> tuple[int, int] | None:
        """The addresses of how the number of threads is asked for and set; None if unknown."""
        pattern = self.pattern.replace("{}_", "{}", 1)       # C's names, not Fortran's
        names = [pattern.format(f"openblas_{verb}_num_threads") for verb in ("get", "set")]
        if not all(hasattr(self.handle, name) for name in names):
            return None
        return tuple(_address(self, name) for name in names)


@cache
def _address(library: Library, name: str) -> int:
    return ctypes.cast(getattr(library.handle, name), ctypes.c_void_p).value


def _numpy_libraries():
    """Libraries that NumPy's wheel brings along."""
    root = Path(np.__file__).parent
    for folder in (root.parent / "numpy.libs", root / ".dylibs", root.parent / "numpy.libs64"):
        if folder.is_dir():
            yield from sorted(folder.glob("*openblas*"))


def _extra_libraries():
    """The package scipy-openblas32 or 64, where it is installed."""
    for name in ("scipy_openblas64", "scipy_openblas32"):
        try:
            package = __import__(name)
        except ImportError:
            continue
        yield from sorted(Path(package.get_lib_dir()).glob("*openblas*"))


@cache
def library() -> Library | None:
    """The BLAS to use, or None if none was found."""
    for path in (*_numpy_libraries(), *_extra_libraries()):
        try:
            handle = ctypes.CDLL(str(path))
        except OSError:
            continue
        for pattern, integer in (("scipy_{}_64_", np.int64), ("{}_64_", np.int64),
                                 ("scipy_{}_", np.int32), ("{}_", np.int32)):
            if hasattr(handle, pattern.format("sgemm")):
                return Library(handle, pattern, integer, str(path))
    return None
