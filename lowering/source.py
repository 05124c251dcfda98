"""The text of kernels as Python modules: what they import, and how they become functions.

Imports nothing of this package but, when a kernel runs, `lowering.math`.
"""
from __future__ import annotations

import hashlib
import linecache
import re

_NUMPY = ("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
          "float32", "float64", "complex64", "complex128")
_PLAIN = {"for", "in", "range", "if", "else", "elif", "and", "or", "not", "def", "kernel", "pass",
          "True", "False", "error", "real", "imag", "conjugate", "while", "break", "complex"}
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?=\()|\b(?:inf|nan)\b")


def module_text(kernel: str) -> str:
    """A kernel as a module that runs by itself."""
    words = set(_WORD.findall(kernel))
    numpy = sorted(words & set(_NUMPY))
    constants = sorted(words & {"inf", "nan"})
    functions = sorted(words - set(numpy) - set(constants) - _PLAIN)
    head = []
    if constants:
        head.append(f"from math import {', '.join(constants)}")
    if numpy:
        head.append(f"from numpy import {', '.join(numpy)}")
    if functions:
        head.append(f"from lowering.math import {', '.join(functions)}")
    return "\n".join(head) + ("\n\n\n" if head else "") + kernel


def digest(text: str) -> str:
    """A short name that follows from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def as_function(module: str, filename: str):
    """The function `kernel` of a module's text; tracebacks and pdb can show its lines."""
    linecache.cache[filename] = (len(module), None, module.splitlines(keepends=True), filename)
    scope: dict = {"__name__": "functrans_kernel", "__file__": filename}
    exec(compile(module, filename, "exec"), scope)
    return scope["kernel"]
