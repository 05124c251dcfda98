"""The cache folder's kernels for this machine as one file, for another machine like it.

A zip file with a manifest: what decides machine code here, and a checksum of each file. It is
unpacked where all of that is the same; kernels that are there already stay as they are. Checksums
find damage, not malice: kernels are machine code, so unpack archives that you trust.

In: a cache folder, a file. Out: counts. Imports `cache`.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import zipfile
from pathlib import Path

from lowering.errors import ArchiveError
from lowering.native import cache
from lowering.native.cache import DiskCache

FORMAT = "functrans kernels 1"
MANIFEST = "manifest.json"
_NAME = re.compile(r"\w+\.(bin|py)")


def pack(folder: Path, file: Path) -> int:
    """Writes the kernels that this machine uses to an archive; how many there are."""
    contents = {path.name: path.read_bytes() for path in sorted(DiskCache(folder).folder.glob("*"))
                if _NAME.fullmatch(path.name)}
    kernels = sum(name.endswith(".bin") for name in contents)
    if not kernels:
        raise ArchiveError(f"there are no kernels for this machine in {folder}; run the program "
                           "whose kernels are wanted, then pack")
    manifest = {"format": FORMAT, "environment": cache.environment_parts(),
                "files": {name: _checksum(data) for name, data in contents.items()}}
    _write_whole(Path(file), {MANIFEST: json.dumps(manifest, indent=1).encode(), **contents})
    return kernels


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


def unpack(file: Path, folder: Path) -> tuple[int, int]:
    """Puts an archive's kernels into a cache folder: how many are new, and how many there are.

    Raises `ArchiveError` where the archive is damaged, or made for another machine; then nothing
    is written.
    """
    contents = _read(Path(file))
    target = DiskCache(folder).folder
    target.mkdir(parents=True, exist_ok=True)
    new = [name for name in contents if not (target / name).exists()]
    for name in sorted(new, key=lambda name: name.endswith(".bin")):    # texts before kernels
        cache.write_file(target / name, contents[name])
    return tuple(sum(name.endswith(".bin") for name in names) for names in (new, contents))


def _read(file: Path) -> dict[str, bytes]:
    """The files of an archive, each as its checksum says."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise ArchiveError(f"{file} has the format {manifest['format']!r}; this version "
                                   f"reads {FORMAT!r}: pack it anew")
            _check_environment(file, manifest["environment"])
            contents = {name: archive.read(name) for name in manifest["files"]}
    except FileNotFoundError:
        raise ArchiveError(f"there is no file {file}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, EOFError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(f"{file} is damaged, or no archive of kernels ({error})") from None
    for name, data in contents.items():
        if not _NAME.fullmatch(name) or _checksum(data) != manifest["files"][name]:
            raise ArchiveError(f"{file} is damaged: {name} is not as it was packed")
    return contents


def _check_environment(file: Path, theirs: dict):
    """Kernels run where everything that decides machine code is the same."""
    own = cache.environment_parts()
    other = [f"{name}: {_difference(theirs.get(name, ''), own.get(name, ''))}"
             for name in dict.fromkeys((*own, *theirs)) if theirs.get(name) != own.get(name)]
    if other:
        raise ArchiveError(f"the kernels of {file} were made for another machine or version, and "
                           "would not be used here; " + "; ".join(other))


def _difference(theirs: str, own: str) -> str:
    """Two texts, cut where they are long: from where they differ, if they start alike."""
    start = len(os.path.commonprefix((theirs, own))) if max(map(len, (theirs, own))) > 40 else 0
    start = max(theirs.rfind(",", 0, start), theirs.rfind("|", 0, start), -1) + 1
    return " there, ".join(text[start:start + 40] or "none" for text in (theirs, own)) + " here"
