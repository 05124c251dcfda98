"""The text of kernels as Python modules: what they import, and how they become functions.

Imports `plainly`, and, when a kernel runs, `lowering.math`.
"""
from __future__ import annotations

import hashlib
import importlib.util
import keyword
import linecache
import os
import re
import tempfile
from pathlib import Path

from lowering import plainly

FOLDER = "functrans_text"      # where texts of whole Programs lie, within the cache folder
_NUMPY = ("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float32", "float64", "complex64", "complex128", "errstate")
_PLAIN = {*keyword.kwlist, "error", "real", "imag", "conjugate", "float", "int", "complex", "range",
          "reversed"}
_DEFINED = re.compile(r"def (\w+)\(")
_SHARED = re.compile(r"(?:shared|local)\.array\(.+, (\w+)\)")
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?=\()|\b(?:inf|nan)\b")


def module_text(kernel: str, between=plainly) -> str:
    """A kernel as a module that runs by itself; `between` as in `imports`."""
    head = imports(kernel, between)
    return "\n".join(head) + ("\n\n\n" if head else "") + kernel


def imports(text: str, between=plainly) -> list[str]:
    """The lines that import what a text calls: NumPy's scalars, the math of kernels, and what is
    done between them, by the functions of the module `between`."""
    words = {*_WORD.findall(text), *_SHARED.findall(text)} - _PLAIN - set(_DEFINED.findall(text))
    groups = {"math": words & {"inf", "nan"}, "numpy": words & set(_NUMPY),
              between.__name__: words & set(between.__all__)}
    groups["lowering.math"] = words.difference(*groups.values())
    return [line for module in ("math", "numpy", "lowering.math", between.__name__)
            if groups[module] for line in _import(module, sorted(groups[module]))]


def _import(module: str, names: list[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) < 100:
        return [line]
    return [f"from {module} import (", *(f"    {name}," for name in names), ")"]


def digest(text: str) -> str:
    """A short name that follows from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def as_function(module: str, filename: str):
    """The function `kernel` of a module's text; tracebacks and pdb can show its lines."""
    linecache.cache[filename] = (len(module), None, module.splitlines(keepends=True), filename)
    scope: dict = {"__name__": "functrans_kernel", "__file__": filename}
    exec(compile(module, filename, "exec"), scope)
    return scope["kernel"]


def save(text: str, folder: Path, name: str) -> Path:
    """Writes a module to a file of its own; by renaming, so that it is whole or not there."""
    path = Path(folder) / f"{name}_{digest(text)}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.replace(temporary, path)
    return path


def load(path: Path):
    """The module in a file, executed."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
