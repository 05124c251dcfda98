"""The jit primitive, its rules, and the door to `lowering/`.

In: a function. Out: a function that runs as compiled kernels. This is the only module that
imports `lowering`, and it does so when something is compiled for the first time.

Rules of `jit`: each transformation of the call is a call of the transformed Program, so a
nested `jit` survives every transformation; `lowering` inlines it at last.
"""
from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Sequence
from threading import RLock
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from functrans.array import Array, is_elsewhere, wrap
from functrans.config import config
from functrans.device import elsewhere
from functrans.errors import (ArgumentError, DeviceError, DeviceMemoryError, MissingExtraError,
                              TargetError)
from functrans.ir.check import check
from functrans.ir.primitive import Call, Primitive
from functrans.ir.program import Program
from functrans.ir.type import storage_dtype
from functrans.locations import describe, user_location
from functrans.nans import WatchedExecutable
from functrans.primitives.basic import is_linear
from functrans.primitives.index import indexed_shape, outside
from functrans.trace import Tracer, bind, leaked
from functrans.transforms.jvp import jvp_program
from functrans.transforms.linearize import linearize_program
from functrans.transforms.transpose import transpose_program
from functrans.transforms.vmap import batch_program

# ---- the door ----

_executables: WeakKeyDictionary = WeakKeyDictionary()
_lock = RLock()


class Compilation(NamedTuple):
    """A Program that was made executable: which, why, seconds, and records of its kernels."""
    name: str
    reason: str
    seconds: float
    kernels: tuple


compilations: deque[Compilation] = deque(maxlen=10_000)      # the latest ones, in order


def executable(program: Program, target: str | None = None, donated: tuple = (),
               reason: str = "a jitted function was evaluated within another transformation"):
    """The compiled form of a Program for a target; compiled once for each Program object.

    reason: why it is needed now, for `explain_compiles`.
    """
    if config.target == "interpret":             # of a block that wants to see all kernels
        target = "interpret"
    donated = () if config.debug_nans else donated      # the operands are needed for a second look
    key = (target or config.target, donated, config.threads, config.compiler, config.graphs,
           config.products, config.debug_nans, config.debug_key_reuse, config.debug >= 4)
    with _lock:
        compiled = _executables.setdefault(program, {})
        found = compiled.get(key)
        if found is None:
            found = compiled[key] = _compile(program, *key[:2], reason)
    return found


def target_names() -> tuple[str, ...]:
    """The targets that `jit` can compile for, on a machine that has what they need."""
    import lowering
    return lowering.TARGETS


def _compile(program: Program, target: str, donated: tuple, reason: str):
    import lowering
    if target not in lowering.TARGETS:
        raise TargetError(f"there is no target {target!r} here: jit(device=...) and "
                          f"config.target are one of {', '.join(lowering.TARGETS)}")
    start = time.perf_counter()
    watch = _print_pass if config.debug >= 2 else _no_report if config.check else None
    if config.check:
        check(program)
    compiled = _compile_or_evaluate(program, target, donated, watch)
    record = Compilation(program.name, reason, time.perf_counter() - start, compiled.records)
    compilations.append(record)
    if config.debug >= 1:
        _print(describe_compilation(record))
    if config.debug >= 3:
        _print(compiled.source())
    return _watched(OnDevice(compiled) if target == "cuda" else compiled, program)


def _watched(compiled, program: Program):
    """The executable, with what switches want to be done at each run."""
    if config.debug_nans:
        compiled = WatchedExecutable(compiled, program)
    if config.debug_key_reuse:
        from functrans.key_reuse import KeyWatchedExecutable
        compiled = KeyWatchedExecutable(compiled, program)
    return TimedExecutable(compiled, program) if config.debug >= 4 else compiled


class TimedExecutable:
    """An executable that tells of each run; otherwise it is the one that it holds."""

    def __init__(self, compiled, program: Program):
        self._compiled = compiled
        self._program = program

    def run(self, arrays: Sequence) -> list:
        start = time.perf_counter()
        outs = self._compiled.run(arrays)
        seconds = time.perf_counter() - start
        inputs = ", ".join(map(repr, self._program.input_types))
        _print(f"{self._program.name or 'a Program'}({inputs}) ran in {1e3 * seconds:.3f} ms, at "
               f"{describe(user_location())}")
        return outs

    def __getattr__(self, name):
        return getattr(self._compiled, name)


def _compile_or_evaluate(program: Program, target: str, donated: tuple, watch):
    """The executable; one that evaluates by NumPy, and a warning, if the compiler fails."""
    import lowering

    def compile_for(target, program=program, donated=(), watch=None):
        return lowering.compile(program, target, donated, config.cache_dir, config.cache_limit,
                                config.threads or None, config.compiler, watch,
                                config.graphs, config.products)
    try:
        return compile_for(target, donated=donated, watch=watch)
    except Exception as error:
        from functrans.fallback import is_failure, warn_of_failure
        if not is_failure(error):
            raise
        warn_of_failure(program, target, error, lambda part: compile_for(target, part))
        return compile_for("reference")


def _no_report(name: str, program: Program):
    """That someone watches is enough: passes are checked then."""


def _print_pass(name: str, program: Program):
    _print(f"# after {name}\n{program}")


def _print(text: str):
    print(text, file=sys.stderr, flush=True)


def describe_compilation(record: Compilation) -> str:
    """Which function, why, how long, and each kernel that was not in this process before."""
    lines = [f"{record.name or 'a Program'}: {record.reason}; {1e3 * record.seconds:.1f} ms"
             f"{'' if record.kernels else ', no new kernel'}"]
    lines += [f"    {kernel.name} {_origin(kernel)}, {1e3 * kernel.seconds:.1f} ms"
              for kernel in record.kernels]
    return "\n".join(lines)


def _origin(kernel) -> str:
    return "compiled, as " + kernel.reason if kernel.reason else "read from disk"


def cached_files() -> list:
    """(time of last use, bytes, path) of the files of compiled kernels in the cache folder."""
    import lowering
    return lowering.cached_files(config.cache_dir) if config.cache_dir else []


def clear_cache():
    """Removes the compiled kernels from the cache folder."""
    import lowering
    if config.cache_dir:
        lowering.clear_cache(config.cache_dir)


def pack_cache(file) -> int:
    """Writes the kernels of the cache folder that this machine uses to one file; their number."""
    import lowering
    return lowering.pack_cache(_cache_folder(), file)


def unpack_cache(file) -> tuple[int, int]:
    """Puts the kernels of such a file into the cache folder: how many are new, how many all."""
    import lowering
    return lowering.unpack_cache(file, _cache_folder())


def _cache_folder():
    if config.cache_dir is None:
        raise ArgumentError("there is no cache folder: FUNCTRANS_CACHE_DIR or config.cache_dir "
                            "is empty; set it to a folder")
    return config.cache_dir


def executable_from_text(program: Program, path):
    """The executable that runs the text in a file, an edited copy of the Program's own."""
    import lowering
    return lowering.from_text(program, path)


def profiled(program: Program):
    """The Program for the CPU, with clocks between its steps: see lowering/profiling.py."""
    from lowering.profiling import Profiled
    return Profiled(program, config.cache_dir, config.cache_limit, config.threads or None,
                    config.compiler)


def planned(program: Program):
    """The Program after the passes, and its steps: see lowering/pictures.py."""
    from lowering.pictures import picture
    return picture(program)


def call(compiled, program: Program, leaves: Sequence) -> list[Array]:
    """Runs an executable on leaves as users pass them."""
    try:
        arrays = [leaf._data for leaf in leaves]
    except AttributeError:                  # not all of them are Arrays
        arrays = raw_arrays(program, leaves)
    return [wrap(out, atom.type) for out, atom in zip(run(compiled, arrays), program.outputs)]


def raw_arrays(program: Program, leaves: Sequence) -> list[np.ndarray]:
    """Leaves as users pass them, as data of the types of a Program's inputs."""
    return [leaf._data if type(leaf) is Array else _raw(leaf, var.type)
            for leaf, var in zip(leaves, program.inputs, strict=True)]


def run(compiled, arrays: Sequence) -> list:
    """Runs an executable on data; an index outside raises as it does in eager code."""
    try:
        return compiled.run(arrays)
    except IndexError as error:
        if not hasattr(error, "location"):
            raise
        raise _outside(error, compiled.program) from None


def _outside(error: IndexError, program: Program) -> Exception:
    """What a kernel has found of an index, as eager code says it."""
    shape = indexed_shape(program, error.location)
    whole = "" if shape is None else f" of an array of shape {shape}"
    return outside(f"{error}{whole}", error.location)


def _raw(leaf, kind) -> np.ndarray:
    """A NumPy array, NumPy scalar or Python scalar as data of a type."""
    if isinstance(leaf, Tracer):
        raise leaked(leaf)
    return np.asarray(leaf, dtype=storage_dtype(kind.dtype))


def blas_path() -> str | None:
    """The file of the BLAS that products are computed by; None if there is none."""
    import lowering
    return lowering.blas_path()


# ---- devices ----

def device_driver():
    """The driver of the CUDA device; see lowering/cuda/driver.py."""
    import lowering
    return lowering.device_driver()


class OnDevice:
    """An executable for a device: it takes and gives arrays of the device; others are copied."""

    on_device = True

    def __init__(self, compiled):
        self._compiled = compiled
        self._run = None                         # what runs it, once there is a device
        elsewhere.active = True

    def run(self, arrays: Sequence) -> list:
        try:
            return (self._run or self._ready())(arrays)
        except Exception as error:
            raise as_error_of_ours(error) from None

    def _ready(self):
        device_driver().pool()                   # raises where there is no device
        self._run = self._compiled.run if hasattr(self._compiled, "ptx") else self._by_numpy
        return self._run

    def _by_numpy(self, arrays: Sequence) -> list:
        """What stands in where the compiler failed."""
        driver = device_driver()
        outs = self._compiled.run([driver.to_host(array) if is_elsewhere(array) else array
                                   for array in arrays])
        return [out if out.dtype.kind == "O" else driver.to_device(out) for out in outs]

    def __getattr__(self, name):
        return getattr(self._compiled, name)


class device_errors:
    """Within this block, errors of the driver, and what kernels report, are the library's."""

    __slots__ = ()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if isinstance(error, Exception):
            found = as_error_of_ours(error)
            try:
                if found is not error:
                    raise found from None
            finally:
                del found, error         # its traceback leads here: arrays would stay for a while


def as_error_of_ours(error: Exception) -> Exception:
    """An error of the driver as the library's; others as they are."""
    if isinstance(error, IndexError) and hasattr(error, "location"):
        return _outside(error, error.program)
    known = _DEVICE_ERRORS.get(type(error).__name__)
    return error if known is None else known(str(error))


_DEVICE_ERRORS = {"DeviceMissing": TargetError, "DeviceFailure": DeviceError,
                  "OutOfDeviceMemory": DeviceMemoryError, "CompilerMissing": MissingExtraError}


# ---- rules ----

def _evaluate(*arrays, program, name, target=None):
    return run(executable(program, target), arrays)


def _call(program: Program, like: dict, arguments: Sequence):
    return bind(jit_p, *arguments, program=program, name=like["name"], target=like["target"])


def _jvp(primals, tangents, params):
    nonzero = tuple(tangent is not None for tangent in tangents)
    program, nonzero_out = jvp_program(params["program"], nonzero)
    given = [tangent for tangent in tangents if tangent is not None]
    results = _call(program, params, [*primals, *given])
    return _outs_and_tangents(results, nonzero_out)


def _outs_and_tangents(results: Sequence, nonzero_out: tuple):
    count = len(nonzero_out)
    rest = iter(results[count:])
    return results[:count], [next(rest) if flag else None for flag in nonzero_out]


def _linearize(primals, tangents, params):
    nonzero = tuple(tangent is not None for tangent in tangents)
    split = linearize_program(params["program"], nonzero)
    results = _call(split.known, params, primals)
    count = len(split.nonzero_out)
    outs, residuals = results[:count], results[count:]
    if not any(split.nonzero_out):
        return outs, [None] * count
    given = [tangent for tangent in tangents if tangent is not None]
    tangent_outs = iter(_call(split.linear, params, [*residuals, *given]))
    return outs, [next(tangent_outs) if flag else None for flag in split.nonzero_out]


def _transpose(cotangents, inputs, params):
    linear = tuple(is_linear(value) for value in inputs)
    nonzero = tuple(ct is not None for ct in cotangents)
    program, nonzero_in = transpose_program(params["program"], linear, nonzero)
    given = [value for value in inputs if not is_linear(value)]
    results = iter(_call(program, params, [*given, *(ct for ct in cotangents
                                                    if ct is not None)]))
    return [next(results) if flag else None for flag in nonzero_in]


def _batch(size, args, batched, params):
    program, batched_out = batch_program(params["program"], size, tuple(batched))
    return _call(program, params, args), batched_out


def _infer(*types, program, name, target=None):
    return program.output_types


jit_p = Primitive(
    name="jit", infer=_infer, evaluate=_evaluate, jvp=_jvp, linearize=_linearize,
    transpose=_transpose, batch=_batch, multiple=True, inherits_weak=False,
    kernel=lambda types, params: Call(params["program"]),
    show=lambda params: "")
