"""Machine code of kernels on disk, so that a second process compiles none.

A file is named by a hash of all that decides machine code: the kernel's own code, its signature,
the compute capability, the compilers' versions and the functions of ours that kernels call. It
lies beside the machine code for the CPU, under the same limit, and carries a checksum.

In: functions, `Cubin`s. Out: `Cubin`s. Imports `machine_code`, `status`, `native.cache`.
"""
from __future__ import annotations

import hashlib
import json
import os
import platform
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path

from lowering.cuda.device_functions import code_parts, plain
from lowering.cuda.machine_code import Cubin, CubinReport
from lowering.cuda.status import version_of
from lowering.native.cache import write_file
from lowering.source import FOLDER

COMPILERS = ("numba-cuda", "numba", "nvidia-nvvm", "nvidia-cuda-nvcc", "nvidia-cuda-nvcc-cu12",
             "nvidia-nvjitlink", "nvidia-nvjitlink-cu12")
HASH, NAME = 32, 16          # bytes of a checksum, letters of the name of a folder
ENDING = ".cubin"


@cache
def environment_parts() -> dict[str, str]:
    """What decides machine code besides the kernel, by name: compilers, settings, and the functions
    that kernels call."""
    settings = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_"))
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in (*sorted((here.parent / "math").glob("*.py")), here / "machine_code.py",
                 here / "pointers.py", here / "vector_code.py", here / "division.py"):
        digest.update(path.read_bytes())
    packages = {package: version_of(package) or "" for package in COMPILERS}
    return {"Python": platform.python_version(), "settings of numba": str(settings), **packages,
            "functrans": digest.hexdigest()}


def environment() -> str:
    """A digest of all of that."""
    return hashlib.sha256(repr(environment_parts()).encode()).hexdigest()


def folder_in(cache_folder: Path) -> Path:
    """Where machine code for this environment lies in a cache folder."""
    return Path(cache_folder) / environment()[:NAME]


def path_for(function, signature: tuple, capability: tuple, fastmath: bool) -> Path | None:
    """Where the machine code of a kernel lies, or would; None for what is not kept.

    Kept are kernels of texts in a cache folder: these name nothing but functions of ours.
    """
    folder = Path(plain(function).__code__.co_filename).parent
    if folder.name != FOLDER or folder.parent == Path(tempfile.gettempdir()):
        return None
    parts = (plain(function).__name__, code_parts(function), signature, capability, fastmath)
    name = hashlib.sha256(repr(parts).encode()).hexdigest()
    return folder_in(folder.parent) / f"{name[:32]}{ENDING}"


def load(path: Path | None) -> Cubin | None:
    """What is stored there; None if nothing is, or not as it was written."""
    try:
        data = path.read_bytes() if path is not None else b""
    except OSError:
        return None
    body = data[HASH:]
    if not body or hashlib.sha256(body).digest() != data[:HASH]:
        return None
    head, _, image = body.partition(b"\n")
    found = json.loads(head)
    report = CubinReport(**{**found["report"], "capability": tuple(found["report"]["capability"])})
    return Cubin(image, found["name"], report)


def save(path: Path | None, cubin: Cubin):
    """Writes machine code; where that is not possible, it is compiled again next time."""
    if path is None:
        return
    head = json.dumps({"name": cubin.name, "report": asdict(cubin.report)}).encode()
    body = head + b"\n" + cubin.image
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, hashlib.sha256(body).digest() + body)
    except OSError:
        pass
