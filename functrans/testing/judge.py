"""The derivatives of a subject, compared: with differences, and at their own precision.

In: a Subject, a mode ("fwd", "rev" or "lin"), a direction and weights. Out: a `Mismatch`, or None.
Imports `subject` and `verdict`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from functrans.testing.layout import is_complex
from functrans.testing.subject import Subject
from functrans.testing.verdict import Mismatch, Tolerance, disagreement

SAMPLES = 4
CAUTION = 10.0            # how many times the spread of rounded samples is allowed
MOST = 6                  # arguments that are moved one by one; more are moved together


@dataclass(frozen=True)
class Options:
    """atol, rtol: allowed besides what the oracle allows itself; eps: its first step."""
    atol: float = 0.0
    rtol: float = 0.0
    eps: float | None = None
    seed: int = 0

    @property
    def tolerance(self) -> Tolerance:
        return Tolerance(self.atol, self.rtol)


# ---- where to look ----

def directions(subject: Subject, seed: int) -> list[list[np.ndarray]]:
    """Steps for each argument alone (or, of many, for all), as large as the values are.

    So a step of the ladder changes no sign, and stays where a logarithm is defined.
    """
    rng = np.random.default_rng(seed)
    whole = [_steps(rng, point) for point in subject.points]
    if len(whole) > MOST:
        return [whole]
    return [[step if k == j else np.zeros_like(step) for j, step in enumerate(whole)]
            for k in range(len(whole)) if whole[k].size]


def _steps(rng, point: np.ndarray) -> np.ndarray:
    size = np.abs(point)
    largest = np.max(size, initial=0, where=np.isfinite(size))
    scale = np.maximum(size, 1e-3 * largest) if largest else np.ones(point.shape)
    scale = np.where(np.isfinite(scale), scale, 1.0)
    steps = _short_numbers(rng, point.shape)
    if point.dtype.kind == "c":
        steps = steps + 1j * _short_numbers(rng, point.shape)
    return steps * np.exp2(np.floor(np.log2(scale)))


def _short_numbers(rng, shape) -> np.ndarray:
    """Random numbers of size 1/2 to 1, of so few digits that every dtype holds them exactly."""
    return rng.integers(32, 65, shape) / 64 * rng.choice([-1.0, 1.0], shape)


@np.errstate(all="ignore")
def weights(subject: Subject, seed: int) -> np.ndarray:
    """Cotangents of the results: none of a component that has no finite value."""
    rng = np.random.default_rng(seed + 1)
    drawn = _short_numbers(rng, subject.outputs.size)
    return np.where(np.isfinite(subject.values(subject.points)), drawn, 0.0)


# ---- what is compared ----

@dataclass
class Judge:
    """The derivatives of a subject in a mode."""
    subject: Subject
    mode: str
    options: Options

    def got(self, direction, weights: np.ndarray, wider: bool, points=None) -> np.ndarray:
        """The derivative that the library gives; of the weighted results in reverse mode."""
        subject = self.subject
        if self.mode == "lin":
            return subject.linear(direction, wider)
        if self.mode == "fwd":
            return subject.jvp(direction, wider, points)
        return np.array([subject.paired(self._pulled(weights, wider, points), direction)])

    def _pulled(self, weights, wider, points) -> list[np.ndarray]:
        if points is not None:
            return self.subject.vjp(weights, wider, points)
        key = (weights.tobytes(), wider)
        if getattr(self, "_known", (None,))[0] != key:
            self._known = key, self.subject.vjp(weights, wider)
        return self._known[1]

    def wide(self, direction, weights: np.ndarray) -> Mismatch | None:
        """The derivative in float64 (or at its own precision, without shadow), by differences."""
        subject = self.subject
        line = subject.line(direction, self.options.eps)
        if self.mode == "rev":             # a result with an infinite slope tells nothing in a sum
            weights = np.where(line.central().judged, weights, 0.0)
        got = self.got(direction, weights, True)
        factors = subject.weights_of(weights) if self.mode == "rev" else None
        if factors is not None and not np.isfinite(got).all() and not weights.all():
            return None                    # nothing can be said beside results without a value
        return disagreement(line, got, self.options.tolerance, factors, lambda: self.rounding(
            direction, weights, got, line.resolution(line.central().middle), None))

    def narrow(self, direction, weights: np.ndarray) -> Mismatch | None:
        """The derivative at its own precision, by that in float64."""
        subject = self.subject
        if not (subject.narrow and subject.shadowed):
            return None
        exact = self.got(direction, weights, True)
        got = self.got(direction, weights, False)
        eps = subject.library.eps([*subject.inputs.dtypes, *subject.outputs.dtypes])
        with np.errstate(all="ignore"):
            off = np.where(np.isnan(got) & np.isfinite(exact), np.inf, np.abs(got - exact))
        off = np.where(np.isfinite(exact), off, 0.0)
        if np.all(off <= 4 * eps * np.abs(exact)):
            return None
        room = self.rounding(direction, weights, exact, eps, narrowest(subject))
        room = np.where(np.isfinite(exact), room + self.options.atol
                        + self.options.rtol * np.abs(exact), np.inf)
        if np.all(off <= room) or not self._is_a_shadow(eps):
            return None
        worst = int(np.argmax(np.where(off <= room, -1.0, off)))
        value = float(exact[worst])
        return Mismatch(worst, (value, value), float(got[worst]), float(room[worst]),
                        "the same derivative in float64", float("nan"))

    def _is_a_shadow(self, eps: float) -> bool:
        """Whether the function has the same values in float64, but for rounding: one that asks
        for the dtype of its arguments need not."""
        subject = self.subject
        exact = subject.values(subject.points)
        own = subject.values(subject.points, wider=False)
        room = self._spread(lambda values: subject.values(values), exact, eps,
                            narrowest(subject))
        with np.errstate(all="ignore"):
            return bool(np.all((np.abs(own - exact) <= room) | ~np.isfinite(exact)))

    # ---- rounding ----

    def rounding(self, direction, weights, exact, eps: float, dtype: str | None) -> np.ndarray:
        """How far off a derivative may be since it is computed with rounding."""
        return self._spread(lambda values: self.got(direction, weights, True, values), exact,
                            eps, dtype)

    def _spread(self, run: Callable, exact: np.ndarray, eps: float,
                dtype: str | None) -> np.ndarray:
        subject = self.subject
        samples = subject.library.rounded_samples(run, subject.points, eps, self.options.seed,
                                                  dtype, SAMPLES)
        return spread_of(samples, exact, eps)


def spread_of(samples: Sequence[np.ndarray], exact: np.ndarray, eps: float) -> np.ndarray:
    """A bound for the error of rounding, from results with such errors."""
    with np.errstate(all="ignore"):
        off = np.abs(np.stack(samples) - exact)
        off = np.where(np.isfinite(off), off, np.inf)
        each = np.sqrt(np.mean(off * off, axis=0))
        finite = each[np.isfinite(each)]
        together = np.sqrt(np.mean(finite * finite)) if finite.size else 0.0
    size = np.where(np.isfinite(exact), np.abs(exact), 0)
    return CAUTION * np.maximum(each, 0.3 * together) + 4 * eps * size


def narrowest(subject: Subject) -> str | None:
    """The dtype whose range and precision the arguments have; None for float64."""
    names = [name for name in (*subject.inputs.dtypes, *subject.outputs.dtypes)
             if name not in ("float64", "complex128")]
    if not names:
        return None
    name = max(names, key=lambda name: subject.library.eps([name]))
    return "float32" if is_complex(name) else name
