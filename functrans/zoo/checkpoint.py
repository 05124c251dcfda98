"""Pytrees of arrays in files: written whole or not at all, read back bit by bit.

    checkpoint.save("model.npz", params)
    params, notes = checkpoint.load("model.npz", like=params)

A file is NumPy's npz, or safetensors with the extra `io`: by the ending of its name. Arrays have
the names of their paths (`layers/0/weight`); the structure is not in the file, but in a tree
`like` it that the reader has. No code is loaded from a file.

In: pytrees. Out: files, and back. Imports `tree`, `array`, `errors`.
"""
from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import numpy as np

from functrans import tree
from functrans.array import ArrayBase, type_of, wrap
from functrans.errors import ArgumentError, MissingExtraError, StructureError
from functrans.extras import require
from functrans.ir.type import ArrayType

_NOTES = "__notes__"


def save(path, values, notes: dict | None = None):
    """Writes a pytree of arrays and numbers to a file.

    path: ends in .npz or .safetensors. notes: what JSON can say, to be saved with it.
    The file appears under its name when all of it is on the disk; one that was there is replaced.
    Raises ValueError for another ending, MissingExtraError for safetensors without the extra.

    >>> import functrans as ft, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> ft.zoo.checkpoint.save(f"{folder}/model.npz", {"w": ft.numpy.ones(2)}, {"step": 3})
    >>> ft.zoo.checkpoint.load(f"{folder}/model.npz", like={"w": ft.numpy.zeros(2)})
    ({'w': Array([1., 1.], dtype=float32)}, {'step': 3})
    """
    path = Path(path)
    arrays, dtypes = {}, {}
    for name, leaf in _named(values).items():
        array = np.asarray(leaf)
        arrays[name], stored = _as_stored(array)
        if stored:
            dtypes[name] = array.dtype.name
    header = json.dumps({"notes": notes or {}, "dtypes": dtypes})
    _write_atomically(path, _format(path)[0](arrays, header))


def load(path, like) -> tuple:
    """A pytree from a file, and the notes that were saved with it.

    like: a pytree of the same structure, shapes and dtypes; its values do not matter. Leaves are
    of the kinds that it has: arrays of this library or of NumPy, Python numbers.
    Raises StructureError (a ValueError), naming paths, where the file does not fit; OSError or
    ValueError for a file that cannot be read.
    """
    path = Path(path)
    arrays, header = _format(path)[1](path)
    header = json.loads(header)
    named = _named(like)
    _check_names(path, arrays, named)
    leaves = [_as_leaf(path, name, _restored(arrays[name], header["dtypes"].get(name)), leaf)
              for name, leaf in named.items()]
    return tree.unflatten(tree.structure(like), leaves), header["notes"]


# ---- names and leaves ----

def _named(values) -> dict:
    """Leaves by name; the names are short where that leaves them different."""
    pairs = tree.leaves_with_path(values)
    short = {tree.keystr(path, simple=True, separator="/"): leaf for path, leaf in pairs}
    if len(short) == len(pairs):
        return short
    return {tree.keystr(path): leaf for path, leaf in pairs}


def _check_names(path: Path, arrays: dict, named: dict):
    missing, extra = named.keys() - arrays.keys(), arrays.keys() - named.keys()
    if missing or extra:
        lines = [f"{path.name} does not hold a tree like the one given:"]
        lines += [f"  not in the file: {', '.join(sorted(missing)[:5])}"] if missing else []
        lines += [f"  only in the file: {', '.join(sorted(extra)[:5])}"] if extra else []
        raise StructureError("\n".join(lines))


def _as_leaf(path: Path, name: str, array: np.ndarray, like):
    """An array from a file in the place of the leaf `like`."""
    kind = type_of(like)
    found = ArrayType(array.shape, array.dtype)
    if isinstance(like, (bool, int, float, complex)):
        return type(like)(array.item())
    if not found.matches(kind):
        raise StructureError(f"{path.name}: {name or 'the array'} is {found}, expected {kind}")
    return wrap(array, kind) if isinstance(like, ArrayBase) else array


def _as_stored(array: np.ndarray) -> tuple[np.ndarray, bool]:
    """What both formats can hold: bfloat16 and complex numbers as what they are made of."""
    if array.dtype.name == "bfloat16":
        return np.ascontiguousarray(array).view(np.uint16), True
    if array.dtype.kind == "c":
        parts = np.ascontiguousarray(array).reshape(*array.shape, 1)
        return parts.view(parts.real.dtype), True
    return array, False


def _restored(array: np.ndarray, dtype: str | None) -> np.ndarray:
    if dtype is None:
        return array
    if dtype == "bfloat16":
        return array.view(np.dtype(require("ml_dtypes", "bfloat16").bfloat16))
    return np.ascontiguousarray(array).view(dtype)[..., 0]


# ---- formats: (arrays, header) to bytes, and a file to (arrays, header) ----

def _npz_bytes(arrays: dict, header: str) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{_NOTES: np.frombuffer(header.encode(), np.uint8)},
             **{f"leaf:{name}": array for name, array in arrays.items()})
    return buffer.getvalue()


def _read_npz(path: Path) -> tuple[dict, str]:
    with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
        header = file[_NOTES].tobytes().decode()
        names = [name for name in file.files if name.startswith("leaf:")]
        return {name.removeprefix("leaf:"): file[name] for name in names}, header


def _safetensors_bytes(arrays: dict, header: str) -> bytes:
    library = require("safetensors.numpy", "io")
    whole = {name: np.ascontiguousarray(array).reshape(array.shape)
             for name, array in arrays.items()}
    return library.save(whole, {_NOTES: header})


def _read_safetensors(path: Path) -> tuple[dict, str]:
    with require("safetensors", "io").safe_open(path, "numpy") as file:
        notes = file.metadata() or {}
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return arrays, notes.get(_NOTES, '{"notes": {}, "dtypes": {}}')


_FORMATS = {".npz": (_npz_bytes, _read_npz),
            ".safetensors": (_safetensors_bytes, _read_safetensors)}


def _format(path: Path):
    try:
        return _FORMATS[path.suffix]
    except KeyError:
        raise ArgumentError(f"the name of a checkpoint ends in {' or '.join(_FORMATS)}, got "
                            f"{path.name!r}") from None


def _write_atomically(path: Path, content: bytes):
    """Either the file that was there stays, or the new one is there as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path):
    """Has the new name on the disk too, where folders can be synced."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ---- a folder of checkpoints ----

class Folder:
    """Checkpoints of a training run, by step; the last few are kept.

    path: the folder, made when needed. keep: how many to keep. suffix: ".npz" or ".safetensors".
    """

    def __init__(self, path, keep: int = 3, suffix: str = ".npz"):
        self.path, self.keep, self.suffix = Path(path), max(keep, 1), suffix
        _format(Path("a" + suffix))

    def files(self) -> list[Path]:
        """All checkpoints, from the first to the last step."""
        found = [path for path in self.path.glob("step-*") if path.suffix in _FORMATS]
        return sorted(found, key=lambda path: int(re.sub(r"\D", "", path.stem) or 0))

    def save(self, step: int, values, notes: dict) -> Path:
        """Writes a checkpoint, and removes those that are too old, and drafts of dead runs."""
        path = self.path / f"step-{step:09d}{self.suffix}"
        save(path, values, notes)
        for old in [*self.files()[:-self.keep], *self.path.glob(".step-*.tmp")]:
            old.unlink(missing_ok=True)
        return path

    def load_last(self, like) -> tuple | None:
        """(path, values, notes) of the last checkpoint that can be read; None if there is none.

        A file that is damaged is passed over, with a warning; one that holds another tree raises.
        """
        for path in reversed(self.files()):
            try:
                return path, *load(path, like)
            except (StructureError, MissingExtraError):
                raise
            except Exception as error:                  # zip, JSON and safetensors have their own
                _warn_damaged(path, error)
        return None


def _warn_damaged(path: Path, error: Exception):
    from warnings import warn
    warn(f"the checkpoint {path} cannot be read ({type(error).__name__}: {error}); the one before "
         "it is used", stacklevel=4)
