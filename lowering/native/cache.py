"""Compiled kernels on disk, found by what they are made of.

A file is named by a hash of the kernel's text and its types, in a folder that is named by a hash of
everything else that decides machine code: this library's own code, the versions of numba, llvmlite
and Python, and the processor. It is written to a temporary name and renamed, so that processes that
start together do no harm to each other, and carries a checksum, so that a damaged one is compiled
again. What cannot be written is kept in memory alone, with one warning. Where the files together
exceed a limit, those that were not used for longest are removed.

Imports `machine`, and neither numba nor what needs it: reading must be quick.
"""
from __future__ import annotations

import hashlib
import os
import platform
import shutil
import struct
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import llvmlite

from lowering.native import machine

FORMAT = b"functrans kernel 2\n"
LIMIT = 2 ** 30         # bytes of all files together
_EVERY = 64             # files written by a process between two looks at the limit
_KEPT = 0.8             # of the limit: how much stays where the limit was exceeded


@dataclass(frozen=True, slots=True)
class Stored:
    """Object code, and the names of the functions in it that are called from outside."""
    code: bytes
    symbols: tuple[str, ...]


# ---- what decides machine code, besides the kernel ----

@cache
def environment_parts() -> dict[str, str]:
    """Versions, processor and settings, by name."""
    settings = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_"))
    return {"numba": _version("numba"), "llvmlite": llvmlite.__version__,
            "Python": platform.python_version(), "processor": machine.processor(),
            "settings of numba": str(settings), "functrans": _own_code()}


def environment() -> str:
    """All of that as text."""
    return "|".join(environment_parts().values())


def _version(package: str) -> str:
    """A package's version, without importing it."""
    spec = find_spec(package)
    file = Path(spec.origin).parent / "_version.py" if spec and spec.origin else None
    if file and file.is_file():
        return hashlib.sha256(file.read_bytes()).hexdigest()
    from importlib.metadata import version
    return version(package)


def _own_code() -> str:
    """A digest of the code that compiles kernels, and of the functions that they call."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    own = (here / f"{name}.py" for name in ("machine", "numba_target", "operations", "translate"))
    for path in (*sorted((here.parent / "math").glob("*.py")), *own):
        digest.update(path.read_bytes())
    return digest.hexdigest()


# ---- the folder ----

class DiskCache:
    """Kernels in a folder. limit: bytes that the files may take together."""

    def __init__(self, folder: Path, limit: int = LIMIT):
        self.root = Path(folder)
        self.folder = self.root / hashlib.sha256(environment().encode()).hexdigest()[:16]
        self.limit = limit
        self._usable = True
        self._written = 0

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.bin"

    def load(self, name: str) -> tuple[Stored | None, str]:
        """What is stored under a name; or None, and why not."""
        path = self._path(name)
        try:
            data = path.read_bytes()
        except OSError:
            return None, "it is not on disk"
        stored = _unpack(data, name)
        if stored is None:
            return None, "the file on disk is damaged"
        _touch(path)
        return stored, ""

    def save(self, name: str, stored: Stored, text: str = ""):
        """Writes a kernel, and its text beside it."""
        if not self._usable:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if text:
                write_file(self.folder / f"{name}.py", text.encode())
            write_file(self._path(name), _pack(name, stored))
            self._limit()
        except OSError as error:
            self._usable = False
            warnings.warn(f"compiled kernels cannot be kept in {self.folder} ({error}); they are "
                          "compiled anew in each process", stacklevel=2)

    def _limit(self):
        """Looks now and then whether there is too much."""
        if self._written % _EVERY == 0:
            evict(self.root, self.limit)
        self._written += 1


def _touch(path: Path):
    """Marks a file as used now; in a folder that is only read this fails, and does no harm."""
    try:
        os.utime(path)
    except OSError:
        pass


def write_file(path: Path, data: bytes):
    """All of a file, or nothing of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


# ---- the format: a mark, a checksum, parts with their lengths ----

def _pack(name: str, stored: Stored) -> bytes:
    names = machine.undefined_symbols(stored.code)
    needs = "?" if names is None else "\n".join(names)
    parts = (name.encode(), "\n".join(stored.symbols).encode(), needs.encode(), stored.code)
    body = b"".join(struct.pack("<q", len(part)) + part for part in parts)
    return FORMAT + hashlib.sha256(body).digest() + body


def _unpack(data: bytes, name: str) -> Stored | None:
    """What was packed, or None if a byte is not as it was written."""
    start = len(FORMAT) + 32
    body = data[start:]
    if data[:len(FORMAT)] != FORMAT or hashlib.sha256(body).digest() != data[len(FORMAT):start]:
        return None
    found, symbols, needs, code = _parts(body)
    if found.decode() != name or not _can_be_linked(needs.decode()):
        return None
    return Stored(code, tuple(symbols.decode().split("\n")))


def _parts(body: bytes) -> list[bytes]:
    parts, place = [], 0
    while place < len(body):
        size, = struct.unpack_from("<q", body, place)
        parts.append(body[place + 8:place + 8 + size])
        place += 8 + size
    return parts


def _can_be_linked(needs: str) -> bool:
    """Whether all that object code refers to is in this process. Numba brings the rest."""
    names = needs.split()
    if needs == "?" or machine.missing(names):
        from numba.core.registry import cpu_target
        cpu_target.target_context.refresh()
    return needs == "?" or not machine.missing(names)


# ---- looking after the folder ----

def files(folder: Path) -> list[tuple[float, int, Path]]:
    """(time of last use, bytes, path) of all files in a cache folder."""
    found = []
    for path in Path(folder).glob("*/*"):
        try:
            status = path.stat()
        except OSError:                 # another process has removed it meanwhile
            continue
        found.append((status.st_mtime, status.st_size, path))
    return found


def evict(folder: Path, limit: int):
    """Removes what was not used for longest, where the files take more than `limit` bytes."""
    every = files(folder)
    total = sum(size for _, size, _ in every)
    if total <= limit:
        return
    for _, size, path in sorted(every):
        path.unlink(missing_ok=True)
        total -= size
        if total <= limit * _KEPT:
            return


def clear(folder: Path):
    """Removes all compiled kernels from a cache folder."""
    for path in Path(folder).glob("*"):
        if path.is_dir() and len(path.name) == 16:
            shutil.rmtree(path, ignore_errors=True)


@cache
def disk_cache(folder: str, limit: int = LIMIT) -> DiskCache:
    """The cache in a folder."""
    return DiskCache(Path(folder), limit)
