"""Whether a piece of a Program is wrong by itself; in doubt it is not.

In: a `Piece`. Out: (property, reason), or None. A piece has no reference of NumPy's: its values
op by op are what derivatives, lanes and kernels are held to. No verdict where numbers are not
finite or very large, where there is a kink, or where an equation has no derivative on purpose.
Imports the judge of `functrans.testing`, `pieces`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np

import functrans as ft
from functrans.array import as_array
from functrans.ir.program import Literal, Program, inner_programs
from functrans.ir.type import is_inexact
from functrans.testing.adapters import adapter
from functrans.testing.culprits import is_adjoint
from functrans.testing.judge import Judge, Options, weights
from functrans.testing.layout import Layout
from functrans.testing.mutation.pieces import Piece
from functrans.testing.subject import Subject
from functrans.testing.verdict import Mismatch

LARGEST = 1e6                    # beyond that no verdict
SMALLEST = 1e-9                  # what differences are no more than rounding
SHARP = 1e-9                     # by this much may a linear result be off
ROUGH = 1e-4                     # by this much of the largest value must a result be off
CONSTANT = frozenset({"stop_gradient"})       # whose derivative is not that of its values
PHASED = frozenset({"eigh", "eig", "svd"})    # whose complex vectors may have any phase


def lacking(piece: Piece, names: Iterable[str], crash: str = "") -> tuple[str, str] | None:
    """(property, reason) of the first property that a piece lacks.

    crash: the class of an error that counts as one, since the whole Program raises it.
    """
    if not _is_tame(piece):
        return None
    for name in names:
        reason = _reason(CHECKS[name], piece, crash)
        if reason:
            return name, reason
    return None


def _reason(check: Callable, piece: Piece, crash: str) -> str | None:
    try:
        return check(piece)
    except Exception as error:           # what it does not offer, such as a derivative
        name = type(error).__name__
        return f"{name}: {str(error).partition(chr(10))[0]}" if name == crash else None


@np.errstate(all="ignore")
def _is_tame(piece: Piece) -> bool:
    if piece.program.effect:
        return False
    try:
        outs = [part for lane in piece.lanes for part in _values(piece, lane)]
    except Exception:                    # a smaller piece need not have values
        return False
    numbers = [part for lane in piece.lanes for part in lane] + outs
    return all(np.all(np.abs(part) < LARGEST) for part in numbers if is_inexact(part.dtype))


def _values(piece: Piece, arrays: Sequence) -> list[np.ndarray]:
    return [np.asarray(part) for part in piece.function(*map(as_array, arrays))]


# ---- derivatives ----

def _tangent(piece: Piece) -> str | None:
    return _derivative(piece, "fwd")


def _adjoint(piece: Piece) -> str | None:
    return _derivative(piece, "rev") or _transpose(piece)


def _derivative(piece: Piece, mode: str) -> str | None:
    """In the direction in which the values move, held to differences."""
    if piece.direction is None or not _is_determined(piece.program):
        return None
    moving = [k for k, part in enumerate(piece.direction) if np.any(part)]
    subject = _subject(piece, moving)
    if not moving or not subject.outputs.size:
        return None
    direction = [piece.direction[k] for k in moving]
    mismatch = Judge(subject, mode, Options()).wide(direction, weights(subject, 0))
    return None if mismatch is None else _told(mismatch)


def _is_determined(program: Program) -> bool:
    """Whether the derivatives of all equations, those within included, are those of the values."""
    for equation in program.equations:
        complex_results = any(var.type.dtype.kind == "c" for var in equation.outputs
                              if isinstance(var.type.dtype, np.dtype))
        if equation.primitive.name in CONSTANT or \
                equation.primitive.name in PHASED and complex_results:
            return False
    return all(_is_determined(within) for equation in program.equations
               for within in inner_programs(equation))


def _transpose(piece: Piece) -> str | None:
    """Of an equation as it stands in a linear Program, where its transpose rule alone is asked."""
    if piece.primitives() != 1 or not _is_determined(piece.program):
        return None
    [equation] = piece.program.equations
    known = dict(zip(piece.program.inputs, map(as_array, piece.lanes[0])))
    operands = [as_array(atom.value) if type(atom) is Literal else known[atom]
                for atom in equation.inputs]
    for linear in _linear_in(piece):
        flags = [atom in linear for atom in equation.inputs]
        if not is_adjoint(np.random.default_rng(0), equation, operands, flags):
            return f"the transpose in {len(linear)} of its operands is not its adjoint"
    return None


def _linear_in(piece: Piece) -> Iterator[list]:
    """Sets of inputs in which a piece is linear, by its values: all together, and each alone."""
    moving = [k for k, value in enumerate(piece.lanes[0]) if is_inexact(value.dtype)]
    for places in (moving, *([k] for k in moving if len(moving) > 1)):
        # twice, since both lanes may be equal: an odd function is not a linear one
        first, second = ([factor * lane[k] if k in places else piece.lanes[0][k]
                          for k in range(len(lane))] for factor, lane in zip((1, 2), piece.lanes))
        mixed = [2 * a - 3 * b if k in places else a
                 for k, (a, b) in enumerate(zip(first, second))]
        sums = zip(*(_values(piece, values) for values in (mixed, first, second)))
        if places and all(map(_is_sum, *zip(*sums))):
            yield [piece.program.inputs[k] for k in places]


def _is_sum(mixed: np.ndarray, first: np.ndarray, second: np.ndarray) -> bool:
    largest = max(np.max(np.abs(part), initial=0) for part in (first, second))
    return bool(np.all(np.abs(mixed - (2 * first - 3 * second)) <= SHARP * largest))


def _told(mismatch: Mismatch) -> str | None:
    low, high = mismatch.expected
    if not mismatch.distance > ROUGH * max(abs(low), abs(high)) + SMALLEST:
        return None
    return f"{mismatch.got:.9g}, expected {low:.9g}"


def _subject(piece: Piece, moving: list[int]) -> Subject:
    """As a function of those inputs that move."""
    point = piece.lanes[0]

    def function(*arrays):
        every = list(map(as_array, point))
        for k, array in zip(moving, arrays):
            every[k] = array
        return list(piece.function(*every))
    points = [point[k] for k in moving]
    layout = Layout(tuple(part.shape for part in points),
                    tuple(part.dtype.name for part in points),
                    tuple(f"operand {k}" for k in moving))
    return Subject(adapter("functrans"), function, points, layout, repr(piece))


# ---- lanes and kernels ----

def _lanes(piece: Piece) -> str | None:
    """Mapped over all inputs, and over each one alone."""
    for flags in _mapped(len(piece.lanes[0])):
        given = [np.stack(pair) if flag else pair[0]
                 for pair, flag in zip(zip(*piece.lanes), flags)]
        axes = tuple(0 if flag else None for flag in flags)
        got = ft.vmap(piece.function, axes)(*map(as_array, given))
        wanted = [_values(piece, [pair[lane if flag else 0] for pair, flag
                                  in zip(zip(*piece.lanes), flags)]) for lane in range(2)]
        for part, column in zip(got, zip(*wanted)):
            if reason := _difference(np.asarray(part), np.stack(column)):
                return f"in_axes={axes}: {reason}"
    return None


def _mapped(count: int) -> Iterator[tuple]:
    if count:
        yield (True,) * count
    if count > 1:
        yield from (tuple(k == place for k in range(count)) for place in range(count))


def _kernels(piece: Piece) -> str | None:
    """Run in plain Python, where a kernel that reads outside of its operand raises an error."""
    wanted = _values(piece, piece.lanes[0])
    try:
        with ft.interpret():
            got = ft.jit(piece.function)(*map(as_array, piece.lanes[0]))
    except Exception as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return next(filter(None, map(_difference, map(np.asarray, got), wanted)), None)


@np.errstate(all="ignore")
def _difference(got: np.ndarray, wanted: np.ndarray) -> str | None:
    if got.shape != wanted.shape or got.dtype != wanted.dtype:
        return f"{got.dtype}{list(got.shape)}, expected {wanted.dtype}{list(wanted.shape)}"
    if not is_inexact(wanted.dtype):
        wrong = np.asarray(got != wanted)
    else:
        finite = np.isfinite(wanted)
        scale = np.max(np.abs(wanted), initial=0, where=finite)
        wrong = finite & ~(np.abs(got - wanted) <= ROUGH * scale + SMALLEST)
    if not wrong.any():
        return None
    place = tuple(map(int, np.argwhere(wrong)[0]))
    return f"{got[place]}, expected {wanted[place]}"


CHECKS = {"tangent": _tangent, "adjoint": _adjoint, "lanes": _lanes, "kernels": _kernels}
