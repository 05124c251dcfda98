"""Compiled kernels on disk, found by what they are made of.

A file is named by a hash of the kernel's text, its types, and everything that decides its machine
code: the versions of this library, numba, llvmlite and Python, and the processor. It is written
to a temporary name and renamed, so that processes that start together do no harm to each other,
and carries a checksum, so that a damaged one is recompiled. What cannot be written is kept in
memory alone, with one warning.

Imports numba only.
"""
from __future__ import annotations

import hashlib
import os
import platform
import struct
import tempfile
import warnings
from functools import cache
from pathlib import Path

import llvmlite
import numba
from numba.core.registry import cpu_target

FORMAT = b"functrans kernel 1\n"


@cache
def environment() -> str:
    """Everything but the kernel that decides its machine code."""
    codegen = cpu_target.target_context.codegen()
    return "|".join(map(str, (numba.__version__, llvmlite.__version__, platform.python_version(),
                              codegen.magic_tuple(), _own_sources())))


def _own_sources() -> str:
    """A digest of the code that becomes part of kernels: the functions that they call."""
    import lowering.math
    digest = hashlib.sha256()
    for path in sorted(Path(lowering.math.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class DiskCache:
    """Kernels in a folder."""

    def __init__(self, folder: Path):
        self.folder = Path(folder) / hashlib.sha256(environment().encode()).hexdigest()[:16]
        self._usable = True

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.bin"

    def load(self, name: str):
        """(library, symbol) of a kernel, or None."""
        try:
            data = self._path(name).read_bytes()
        except OSError:
            return None
        parts = _unpack(data)
        if parts is None:
            return None
        symbol, library_name, machine_code, bitcode = parts
        state = library_name.decode(), "object", (machine_code, bitcode)
        try:
            library = cpu_target.target_context.codegen().unserialize_library(state)
        except Exception:                  # LLVM refuses it: as good as damaged
            return None
        return library, symbol.decode()

    def save(self, name: str, library, symbol: str, module: str):
        """Writes a kernel, and its text beside it."""
        if not self._usable:
            return
        library_name, _, (machine_code, bitcode) = library.serialize_using_object_code()
        data = _pack(symbol.encode(), library_name.encode(), machine_code, bitcode)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / f"{name}.py", module.encode())
            _write(self._path(name), data)
        except OSError as error:
            self._usable = False
            warnings.warn(f"compiled kernels cannot be kept in {self.folder} ({error}); they are "
                          "compiled anew in each process", stacklevel=2)


def _write(path: Path, data: bytes):
    """All of a file, or nothing of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _pack(*parts: bytes) -> bytes:
    body = b"".join(struct.pack("<q", len(part)) + part for part in parts)
    return FORMAT + hashlib.sha256(body).digest() + body


def _unpack(data: bytes) -> list[bytes] | None:
    """The parts, or None if a byte is not as it was written."""
    start = len(FORMAT) + 32
    body = data[start:]
    if data[:len(FORMAT)] != FORMAT or hashlib.sha256(body).digest() != data[len(FORMAT):start]:
        return None
    parts, place = [], 0
    while place < len(body):
        size, = struct.unpack_from("<q", body, place)
        parts.append(body[place + 8:place + 8 + size])
        place += 8 + size
    return parts


@cache
def disk_cache(folder: str) -> DiskCache:
    """The cache in a folder."""
    return DiskCache(Path(folder))
