"""The cache folder's kernels for this machine as one file, for another machine like it.

A zip file with a manifest: what decides machine code here, and a checksum of each file. It is
unpacked where all of that is the same; kernels that are there already stay as they are. Kernels for
a device come along, and are unpacked where what compiles for it is the same. Checksums find damage,
not malice: kernels are machine code, so unpack archives that you trust.

In: a cache folder, a file, the module that keeps a device's kernels. Out: counts. Imports `cache`.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import warnings
import zipfile
from pathlib import Path

from lowering.errors import ArchiveError
from lowering.native import cache
from lowering.native.cache import DiskCache

FORMAT = "functrans kernels 1"
MANIFEST = "manifest.json"
_NAME = re.compile(r"\w+\.(bin|py)")
_DEVICE_NAME = re.compile(r"\w+\.cubin")


def pack(folder: Path, file: Path, device=None) -> int:
    """Writes the kernels that this machine uses to an archive; how many there are.

    device: where kernels for a device lie: see lowering/cuda/store.py.
    """
    contents = _contents(DiskCache(folder).folder, _NAME)
    there = _contents(device.folder_in(folder), _DEVICE_NAME) if device else {}
    kernels = _kernels(contents) + len(there)
    if not kernels:
        raise ArchiveError(f"there are no kernels for this machine in {folder}; run the program "
                           "whose kernels are wanted, then pack")
    manifest = {"format": FORMAT, "environment": cache.environment_parts(),
                "files": _checksums(contents)}
    if there:
        manifest["device"] = {"environment": device.environment_parts(),
                              "files": _checksums(there)}
    _write_whole(Path(file), {MANIFEST: json.dumps(manifest, indent=1).encode(), **contents,
                              **there})
    return kernels


def _contents(folder: Path, names: re.Pattern) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))
            if names.fullmatch(path.name)}


def _kernels(names) -> int:
    return sum(name.endswith((".bin", ".cubin")) for name in names)


def _checksums(contents: dict) -> dict[str, str]:
    return {name: _checksum(data) for name, data in contents.items()}


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_whole(file: Path, contents: dict):
    """All of an archive, or nothing of it."""
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "wb") as stream, \
                zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in contents.items():
                archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def unpack(file: Path, folder: Path, device=None) -> tuple[int, int]:
    """Puts an archive's kernels into a cache folder: how many are new, and how many there are.

    Raises `ArchiveError` where the archive is damaged, or made for another machine; then nothing
    is written. Kernels for a device that other compilers made are left out, with a warning.
    """
    contents, there = _read(Path(file), device)
    placed = {DiskCache(folder).folder: contents}
    if there:
        placed[device.folder_in(folder)] = there
    return tuple(map(sum, zip(*(_place(*pair) for pair in placed.items()))))


def _place(folder: Path, contents: dict) -> tuple[int, int]:
    """Writes what a folder lacks: how many kernels are new, and how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    new = [name for name in contents if not (folder / name).exists()]
    for name in sorted(new, key=lambda name: name.endswith(".bin")):    # texts before kernels
        cache.write_file(folder / name, contents[name])
    return _kernels(new), _kernels(contents)


def _read(file: Path, device) -> tuple[dict, dict]:
    """The files of an archive, and those for a device, each as its checksum says."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise ArchiveError(f"{file} has the format {manifest['format']!r}; this version "
                                   f"reads {FORMAT!r}: pack it anew")
            _check_environment(file, manifest["environment"])
            contents = {name: archive.read(name) for name in manifest["files"]}
            other = manifest.get("device") or {"environment": {}, "files": {}}
            there = {name: archive.read(name) for name in other["files"]}
    except FileNotFoundError:
        raise ArchiveError(f"there is no file {file}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError,
            EOFError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(f"{file} is damaged, or no archive of kernels ({error})") from None
    _check_files(file, contents, manifest["files"], _NAME)
    _check_files(file, there, other["files"], _DEVICE_NAME)
    return contents, there if _is_for_us(there, other["environment"], device) else {}


def _check_files(file: Path, contents: dict, checksums: dict, names: re.Pattern):
    for name, data in contents.items():
        if not names.fullmatch(name) or _checksum(data) != checksums[name]:
            raise ArchiveError(f"{file} is damaged: {name} is not as it was packed")


def _is_for_us(kernels: dict, theirs: dict, device) -> bool:
    """Whether an archive's kernels for a device would be used here; a warning if not."""
    if not kernels or device is None:
        return False
    other = _differences(theirs, device.environment_parts())
    if other:
        warnings.warn(f"{len(kernels)} kernels for a device are left out: other compilers made "
                      f"them; {other}", stacklevel=2)
    return not other


def _check_environment(file: Path, theirs: dict):
    """Kernels run where everything that decides machine code is the same."""
    other = _differences(theirs, cache.environment_parts())
    if other:
        raise ArchiveError(f"the kernels of {file} were made for another machine or version, and "
                           f"would not be used here; {other}")


def _differences(theirs: dict, own: dict) -> str:
    """What differs of what decides machine code, by name."""
    return "; ".join(f"{name}: {_difference(theirs.get(name, ''), own.get(name, ''))}"
                     for name in dict.fromkeys((*own, *theirs))
                     if theirs.get(name) != own.get(name))


def _difference(theirs: str, own: str) -> str:
    """Two texts, cut where they are long: from where they differ, if they start alike."""
    start = len(os.path.commonprefix((theirs, own))) if max(map(len, (theirs, own))) > 40 else 0
    start = max(theirs.rfind(",", 0, start), theirs.rfind("|", 0, start), -1) + 1
    return " there, ".join(text[start:start + 40] or "none" for text in (theirs, own)) + " here"
