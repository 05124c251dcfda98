"""The smallest arguments at which something still fails.

In: arguments, and whether others fail too. Out: arguments with short axes and simple values.
Imports NumPy and the adapters.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from functrans.testing.adapters.base import Adapter
from functrans.testing.subject import INEXACT, parameter_names

SECONDS = 5.0                # how long is searched
ENTRIES = 8                  # how many entries of an axis are tried one by one
LONGEST = 200                # characters of a value in a message


def smaller(library: Adapter, args: tuple, fails: Callable, seconds: float = SECONDS) -> tuple:
    """The smallest arguments like `args` for which `fails(args)` holds, as far as time allows.

    Axes of one length are cut together, since a function that takes them may need them equal.
    Arguments at which the function raises do not count.
    """
    end = time.monotonic() + seconds
    args = _as_arrays(library, args)
    progress = True
    while progress:
        progress = False
        for candidate in _candidates(library, args):
            if time.monotonic() > end:
                return args
            if _holds(fails, candidate):
                args, progress = candidate, True
                break
    return args


def _as_arrays(library: Adapter, args: tuple) -> tuple:
    return library.with_leaves(args, [
        library.array(library.numpy(leaf), library.dtype(leaf)) for leaf in library.leaves(args)])


def _holds(fails: Callable, candidate: tuple) -> bool:
    try:
        return bool(fails(candidate))
    except Exception:            # the function does not take these: they show nothing
        return False


def _candidates(library: Adapter, args: tuple) -> Iterator[tuple]:
    """Arguments that are a little smaller, the boldest first."""
    leaves = library.leaves(args)
    values = [library.numpy(leaf) for leaf in leaves]
    dtypes = [library.dtype(leaf) for leaf in leaves]

    def rebuilt(changed: Sequence) -> tuple:
        return library.with_leaves(args, [library.array(value, dtype)
                                          for value, dtype in zip(changed, dtypes)])
    for length in sorted({n for value in values for n in value.shape if n > 1}, reverse=True):
        for part in _parts(length):
            yield rebuilt([_cut(value, length, part) for value in values])
    for place, (value, dtype) in enumerate(zip(values, dtypes)):
        for simple in simpler(value) if dtype in INEXACT else ():
            yield rebuilt([simple if k == place else other for k, other in enumerate(values)])


def _parts(length: int) -> Iterator[slice]:
    """What is left of an axis: one entry, half of them, all but the last or the first."""
    for k in range(min(length, ENTRIES)):
        yield slice(k, k + 1)
    if length > 2:
        yield slice(0, length // 2)
        yield slice(length // 2, length)
        yield slice(0, length - 1)
        yield slice(1, length)


def _cut(value: np.ndarray, length: int, part: slice) -> np.ndarray:
    return value[tuple(part if n == length else slice(None) for n in value.shape)]


def simpler(value: np.ndarray) -> Iterator[np.ndarray]:
    """Rounder numbers: all ones, then fewer and fewer digits left out."""
    if not value.size or not np.isfinite(value).all():
        return
    known = _digits(value)
    for simple in (np.ones_like(value), *(np.round(value, k) + 0 for k in range(3))):
        if _digits(simple) < known:
            yield simple


def _digits(value: np.ndarray) -> float:
    """How many characters the numbers take, by which values are compared; ones are shortest."""
    return sum(len(f"{number:.8g}") for number in value.ravel().tolist()) \
        + 0.5 * np.count_nonzero(value != 1)


def text_of(library: Adapter, f: Callable, args: tuple) -> str:
    """`x = array([1.], dtype=float32), n = 3`"""
    parts = []
    for name, arg in zip(parameter_names(f, len(args)), args):
        for path, leaf in zip(library.paths(arg), library.leaves(arg)):
            parts.append(f"{name}{path} = {brief(library.numpy(leaf), library.dtype(leaf))}")
    return ", ".join(parts)


def brief(value: np.ndarray, dtype: str) -> str:
    if value.ndim == 0:
        return f"{value.item():.9g} ({dtype})" if value.dtype.kind in "fc" else str(value.item())
    text = np.array2string(value, separator=", ", precision=6, threshold=40)
    text = " ".join(text.split())
    short = text if len(text) <= LONGEST else text[:LONGEST - 4] + " ..."
    return f"{short} ({dtype}[{','.join(map(str, value.shape))}])"
