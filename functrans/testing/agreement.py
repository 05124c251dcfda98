"""`check_vmap` and `check_jit`: that a function keeps its values under these transformations.

In: a function and arguments. Out: nothing, or an AgreementError that names the result, its entry,
expected and got. Floats may differ by what rounding allows. Imports the adapters, `judge`,
`shrink`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from functrans.testing.adapters import Adapter, adapter
from functrans.testing.failure import Failure
from functrans.testing.judge import SAMPLES, narrowest, spread_of
from functrans.testing.layout import Layout
from functrans.testing.shrink import smaller, text_of
from functrans.testing.subject import Subject, subject_of


class AgreementError(Failure):
    """A transformed function has other values than the function itself.

    path, index: of the entry of the result; expected, got; smallest: the smallest failing
    arguments that were found; culprit: the primitive whose rule or compiled code is wrong, with the
    user's line, or None.
    """

    names = ("path", "index", "expected", "got", "smallest", "culprit")


def check_jit(f: Callable, args: Sequence, atol=None, rtol=None, *, library="functrans"):
    """Raises AgreementError if compiled `f` has other values at `args` than `f` itself.

    f, args, library: see `check_grads`; integers and shapes must be equal, floats but for what
    rounding allows, and atol + rtol * abs(value).

    >>> import functrans.numpy as fnp
    >>> from functrans.testing import check_jit
    >>> check_jit(lambda x: fnp.sin(x) ** 2, (fnp.arange(3.0),))
    """
    __tracebackhide__ = True
    library = adapter(library)

    def suspect(args):
        return library.wrong_kernel(_flat(library, f, args), library.leaves(args))
    _check(library, f, _as_tuple(args), lambda args: library.jit(f)(*args),
           lambda args: f(*args), "jit", atol or 0.0, rtol or 0.0, suspect)


def check_vmap(f: Callable, args: Sequence, in_axes=0, out_axes=0, atol=None, rtol=None, *,
               library="functrans"):
    """Raises AgreementError if `vmap(f, in_axes, out_axes)(*args)` is not `f` of each lane.

    args: with the mapped axes. in_axes: for all arguments, or a tuple with an entry for each: a
    number, None, or a pytree of them that begins like the argument. The others as in `check_jit`.

    >>> import functrans.numpy as fnp
    >>> from functrans.testing import check_vmap
    >>> check_vmap(fnp.dot, (fnp.ones((4, 3)), fnp.ones(3)), in_axes=(0, None))
    """
    __tracebackhide__ = True
    library = adapter(library)

    def mapped(args):
        return library.vmap(f, in_axes, out_axes)(*args)

    def looped(args):
        return _loop(library, f, args, in_axes, out_axes)

    def suspect(args):
        axes, lanes = _lanes(library, args, in_axes)
        return library.wrong_batch_rule(
            _flat(library, f, args), [library.leaves(lane) for lane in lanes],
            [axis is not None for axis in axes])
    _check(library, f, _as_tuple(args), mapped, looped, "vmap", atol or 0.0, rtol or 0.0, suspect)


def _flat(library: Adapter, f: Callable, args: tuple) -> Callable:
    """The function from leaves to leaves."""
    return lambda *leaves: library.leaves(f(*library.with_leaves(args, leaves)))


def _as_tuple(args) -> tuple:
    return tuple(args) if isinstance(args, (tuple, list)) else (args,)


# ---- comparing ----

def _check(library: Adapter, f, args: tuple, transformed: Callable, plain: Callable, name: str,
           atol: float, rtol: float, suspect: Callable):
    __tracebackhide__ = True
    problem = _difference(library, f, args, transformed, plain, atol, rtol)
    if problem is None:
        return
    smallest = smaller(library, args, lambda some: _difference(
        library, f, some, transformed, plain, atol, rtol) is not None)
    text = text_of(library, f, smallest)
    culprit = _tried(suspect, smallest)
    label = getattr(f, "__name__", type(f).__name__)
    raise AgreementError(
        f"{name}({label}) differs from {label}\n"
        f"  in       {problem['where']}\n"
        f"  expected {problem['expected']}\n"
        f"  got      {problem['got']}\n"
        f"  smallest failing input: {text}" + (f"\n  wrong: {culprit}" if culprit else ""),
        smallest=text, culprit=culprit, **problem)


def _tried(suspect: Callable, args: tuple) -> str | None:
    try:
        return suspect(args)
    except Exception:            # a function that cannot be traced again hides its equations
        return None


def _difference(library, f, args, transformed, plain, atol, rtol) -> dict | None:
    """The first entry that differs, by path and index; None if all agree."""
    expected, got = plain(args), transformed(args)
    names = [f"result{path}" for path in library.paths(expected)]
    wanted, found = library.leaves(expected), library.leaves(got)
    if library.paths(got) != library.paths(expected):
        return _facts("the structure of the result", None, None, library.paths(expected),
                      library.paths(got))
    room = None
    for name, a, b in zip(names, wanted, found):
        kinds = [f"{library.dtype(x)}{list(library.numpy(x).shape)}" for x in (a, b)]
        if kinds[0] != kinds[1]:
            return _facts(name, name, None, *kinds)
        a, b = library.numpy(a), library.numpy(b)
        if np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"):
            continue
        room = _rooms(library, plain, args) if room is None else room
        wrong = _outside(a, b, room.get(name, 0.0), atol, rtol)
        if wrong is not None:
            text = f"{name}{list(wrong)}" if wrong else name
            return _facts(text, name, wrong, a[wrong].item(), b[wrong].item())
    return None


def _facts(where, path, index, expected, got) -> dict:
    return {"where": where, "path": path, "index": index, "expected": expected, "got": got}


def _outside(expected, got, room, atol: float, rtol: float) -> tuple | None:
    """The index of the entry that is farthest off, if one is too far."""
    excess = _excess(expected, got, room, atol, rtol)
    if not np.any(excess > 0):
        return None
    return tuple(map(int, np.unravel_index(np.argmax(excess), np.shape(excess))))


def _excess(expected, got, room, atol: float, rtol: float) -> np.ndarray:
    """By how much more entries are off than they may be."""
    if expected.dtype.kind == "V":                # words, such as random keys: equal or not
        return np.where(expected == got, 0.0, np.inf)
    with np.errstate(all="ignore"):
        same = (expected == got) | (np.isnan(expected) & np.isnan(got))
        off = np.where(same, 0.0, np.abs(got - expected))
        off = np.where(np.isnan(off), np.inf, off)
        return off - (room + atol + rtol * np.abs(expected))


def _rooms(library: Adapter, plain: Callable, args: tuple) -> dict:
    """For each float result how far off its entries may be, by rounding alone."""
    def function(*given):
        return plain(given)
    subject = subject_of(library, function, args)
    if not subject.outputs.size:
        return {}
    exact = subject.values(subject.points)
    eps = library.eps([*subject.inputs.dtypes, *subject.outputs.dtypes])
    samples = library.rounded_samples(subject.values, subject.points, eps, 0,
                                      narrowest(subject), SAMPLES)
    spread = spread_of(samples, exact, eps)
    return dict(zip(_inexact_names(library, subject, plain(args)),
                    _magnitudes(subject.outputs, spread)))


def _inexact_names(library, subject: Subject, out) -> list[str]:
    return [f"result{path}" for path, leaf in zip(library.paths(out), library.leaves(out))
            if subject.inexact([leaf])]


def _magnitudes(layout: Layout, spread: np.ndarray) -> list[np.ndarray]:
    """Bounds of the arrays from those of their real entries."""
    return [part.real + part.imag if part.dtype.kind == "c" else part
            for part in layout.unpack(spread)]


# ---- lanes, one by one ----

def _loop(library: Adapter, f: Callable, args: tuple, in_axes, out_axes):
    """What vmap should give: the function of each lane, stacked."""
    lanes = [f(*lane) for lane in _lanes(library, args, in_axes)[1]]
    if not lanes:
        return library.vmap(f, in_axes, out_axes)(*args)           # nothing to compare with
    columns = zip(*(library.leaves(lane) for lane in lanes))
    places = _axes_of(library, out_axes, lanes[0])
    return library.with_leaves(lanes[0], [
        column[0] if axis is None else _stacked(library, column, axis)
        for column, axis in zip(columns, places)])


def _lanes(library: Adapter, args: tuple, in_axes) -> tuple[list, list]:
    """(the axis of each leaf, the arguments of each lane)"""
    axes = in_axes if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
    per_leaf = [axis for whole, arg in zip(axes, args, strict=True)
                for axis in _axes_of(library, whole, arg)]
    leaves = library.leaves(args)
    size = next(library.numpy(leaf).shape[axis] for leaf, axis in zip(leaves, per_leaf)
                if axis is not None)
    return per_leaf, [library.with_leaves(args, [
        leaf if axis is None else _taken(library, leaf, k, axis)
        for leaf, axis in zip(leaves, per_leaf)]) for k in range(size)]


def _axes_of(library: Adapter, axis, tree) -> list:
    """For each leaf of a pytree its axis: that of the part of `axis` that it lies in."""
    if isinstance(axis, dict):
        return [found for key in sorted(tree) for found in _axes_of(library, axis[key], tree[key])]
    if isinstance(axis, (tuple, list)):
        return [found for part, below in zip(axis, tree, strict=True)
                for found in _axes_of(library, part, below)]
    return [axis] * len(library.leaves(tree))


def _taken(library: Adapter, leaf, index: int, axis: int):
    return library.array(np.take(library.numpy(leaf), index, axis), library.dtype(leaf))


def _stacked(library: Adapter, leaves: Sequence, axis: int):
    return library.array(np.stack([library.numpy(leaf) for leaf in leaves], axis),
                         library.dtype(leaves[0]))
