"""When the compiler fails: the program goes on, and what failed is written to a file.

In: a Program, and the error that was raised when it was compiled. Out: the path of a file that
shows the failure again, and one warning. Imports `ir`, `config`, `errors`, `locations`.
"""
from __future__ import annotations

import hashlib
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from functrans.config import config
from functrans.errors import CompilerWarning, FunctransError
from functrans.ir.program import Equation, Program, Var
from functrans.ir.script import NotWritable, script
from functrans.locations import describe, user_location, warn_user

# Single equations of a large Program that are tried by themselves.
_TRIED = 200


def is_failure(error: Exception) -> bool:
    """Whether an error is a defect of the compiler, to be got around; not so under `check`."""
    return not config.check and not isinstance(error, (FunctransError, MemoryError))


# What has been told: the same kernel or function fails again for each new shape.
_told: set = set()


def warn_of_failure(program: Program, target: str, error: Exception, compile: Callable):
    """Writes a reproduction and warns, once for each kernel, or function, that fails.

    compile(program): compiles a Program for the target, to find a smaller one that fails.
    """
    key = getattr(error, "reproduction", None) or (program.name, target, type(error), str(error))
    if key in _told:
        return
    _told.add(key)
    path = _write(program, target, error, compile)
    cause = error.__cause__ or error
    reason = (str(cause).strip().splitlines() or [""])[0]
    warn_user(CompilerWarning(
        f"{program.name or 'a Program'} could not be compiled for {target!r}, so NumPy evaluates "
        f"it, equation by equation: right, but slow.\n  at: {describe(user_location())}\n"
        f"  {type(cause).__name__}: {reason[:200]}\n"
        f"This is a fault of the library. {path} shows it again; please report it."))


def _write(program: Program, target: str, error: Exception, compile: Callable) -> Path:
    text = _reproduction(program, target, error, compile)
    name = "".join(c if c.isalnum() else "_" for c in program.name or "program")
    folder = Path(config.cache_dir or tempfile.gettempdir()) / "functrans_failures"
    path = folder / f"{name}_{hashlib.sha256(text.encode()).hexdigest()[:12]}.py"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _reproduction(program: Program, target: str, error: Exception, compile: Callable) -> str:
    kernel = getattr(error, "reproduction", None)     # the text of a kernel, from `lowering`
    smaller = program if kernel else _smallest(program, compile)
    head = [f"Fails to compile for the target {target!r}.", "",
            f"Python {sys.version.split()[0]}, NumPy {np.__version__}, {_compilers()}", "",
            *repr(smaller).splitlines(), "", *traceback.format_exception(error)]
    text = "\n".join(line.rstrip() for line in head).replace("\\", "/").replace('"""', "'''")
    return f'"""{text}\n"""\n{kernel or _script(smaller, target)}'


def _script(program: Program, target: str) -> str:
    try:
        return script(program).replace("ft.jit(", f"ft.jit(device={target!r}, fun=")
    except NotWritable as reason:
        return f"# The Program has no script: {reason}\n"


def _compilers() -> str:
    return ", ".join(f"{name} {sys.modules[name].__version__}" for name in ("numba", "llvmlite")
                     if name in sys.modules)


def _smallest(program: Program, compile: Callable) -> Program:
    """The first equation that fails by itself; the Program if none does."""
    for equation in program.equations[:_TRIED]:
        alone = _alone(equation)
        try:
            compile(alone)
        except Exception:
            return alone
    return program


def _alone(equation: Equation) -> Program:
    inputs = dict.fromkeys(atom for atom in equation.inputs if type(atom) is Var)
    return Program(inputs, (equation,), equation.outputs, "reproduction")
