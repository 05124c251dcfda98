"""Where the coefficients come from: minimax polynomials by Remez exchange, in 60 digits.

Development only (needs mpmath); nothing imports it. Prints the tables of some fits, or of all,
and the constants that stand in the modules in several parts:

    python lowering/math/derive.py [name ...]

Each fit approximates g(z) on an interval by a polynomial whose weighted error is smallest in the
maximum norm (E. Remez 1934). Coefficients are then rounded to the target's format one at a time,
lowest first, and the rest is fitted again each time, so that rounding costs next to no accuracy.
"""
from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from mpmath import mp, mpf

mp.dps = 60


class Fit(NamedTuple):
    """What is approximated; `weight` turns the error of g into the relative error that counts."""
    g: Callable
    low: float
    high: float
    degrees: tuple  # of the polynomial: (float32, float64)
    weight: Callable = lambda z: mpf(1)


def _solve(nodes, values, weights, powers):
    """Coefficients with equal weighted errors of alternating sign at the nodes."""
    size = len(nodes)
    matrix = mp.matrix(size, size)
    right = mp.matrix(size, 1)
    for i in range(size):
        for j, power in enumerate(powers):
            matrix[i, j] = nodes[i] ** power
        matrix[i, size - 1] = mpf(-1) ** i / weights[i]
        right[i] = values[i]
    return list(mp.lu_solve(matrix, right))[:-1]


def _extrema(errors, count):
    """Indices of the `count` alternating extrema of a sampled error."""
    best, sign = [], 0
    for i, error in enumerate(errors):
        if mp.sign(error) == sign and abs(error) > abs(errors[best[-1]]):
            best[-1] = i
        elif mp.sign(error) not in (0, sign):
            best.append(i)
            sign = mp.sign(error)
    while len(best) > count:
        best.pop(0 if abs(errors[best[0]]) < abs(errors[best[-1]]) else -1)
    return best


def _remez(grid, values, weights, powers):
    """Coefficients of the polynomial with the given powers that is best on the grid."""
    size = len(powers) + 1
    last = len(grid) - 1
    chosen = [round(last * (1 - mp.cos(mp.pi * k / (size - 1))) / 2) for k in range(size)]
    best, smallest = None, mp.inf
    for _ in range(12):
        coefficients = _solve([grid[i] for i in chosen], [values[i] for i in chosen],
                              [weights[i] for i in chosen], powers)
        errors = [(sum(c * z ** p for c, p in zip(coefficients, powers)) - v) * w
                  for z, v, w in zip(grid, values, weights)]
        worst = max(abs(e) for e in errors)
        if worst < smallest:
            best, smallest = coefficients, worst
        following = _extrema(errors, size)
        if len(following) < size or following == chosen:
            break
        chosen = following
    return best


def minimax(fit: Fit, degree: int, dtype) -> tuple[list[float], float]:
    """Coefficients, lowest first, each a number of `dtype`, and log2 of the largest error."""
    middle, half = mpf(fit.low + fit.high) / 2, mpf(fit.high - fit.low) / 2
    count = 30 * (degree + 2)
    grid = [middle - half * mp.cos(mp.pi * (k + mpf(1) / 2) / count) for k in range(count)]
    rest = [fit.g(z) for z in grid]
    weights = [fit.weight(z) for z in grid]
    rounded = []
    while len(rounded) <= degree:
        if not rounded or fit.low >= 0:  # inside, z = 0 leaves a refit nothing to balance
            coefficients = _remez(grid, rest, weights, list(range(len(rounded), degree + 1)))
        else:
            coefficients = coefficients[1:]
        power = len(rounded)
        rounded.append(float(dtype(float(coefficients[0]))))
        rest = [v - mpf(rounded[-1]) * z ** power for v, z in zip(rest, grid)]
    return rounded, float(mp.log(max(abs(v * w) for v, w in zip(rest, weights)), 2))


def _root(function):
    """A function of r as one of z = r * r."""
    return lambda z: function(mp.sqrt(z))


_LN2_HALF = 0.3475       # half of ln 2, with room for the rounding of n
_QUARTER = 0.81          # a quarter of pi, with room
_TAN_EIGHTH = 0.4143     # tan(pi/8)
_TANH_HALF = 0.552       # a little more than where tanh is 1/2
_DIGAMMA_ROOT = mp.findroot(mp.digamma, 1.46)


def _erfc_scaled(t, k):
    """(1 + 2x) exp(x x) erfc(x) as a function of t = (x - k) / (x + k)."""
    x = k * (1 + mpf(t)) / (1 - t)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def _stirling(z):
    """(lgamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) * x, z = 1 / (x x)."""
    x = 1 / mp.sqrt(z)
    return (mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x


def _digamma_tail(z):
    """(log x - 1 / (2 x) - digamma(x)) * x * x, z = 1 / (x x)."""
    x = 1 / mp.sqrt(z)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) * x * x


def _erf_inv(w):
    """erf_inv(x) / x, w = -log(1 - x x)."""
    x = mp.sqrt(-mp.expm1(-w))
    return mp.erfinv(x) / x if w else mp.sqrt(mp.pi) / 2


def _around(function, middle, low, high, degrees):
    """A fit of function(middle + t), relative to the function's size."""
    return Fit(lambda t: function(middle + t), low - middle, high - middle, degrees,
               lambda t: 1 / function(middle + t))


FITS = {
    # (exp(r) - 1 - r) / r**2
    "exp": Fit(lambda r: (mp.exp(r) - 1 - r) / r ** 2, -_LN2_HALF, _LN2_HALF, (4, 9),
               lambda r: r * r / mp.exp(r)),
    # log((1 + s) / (1 - s)) = 2 s + s**3 P(s * s)
    "log": Fit(_root(lambda s: (2 * mp.atanh(s) / s - 2) / s ** 2), 0, 0.0295, (2, 6),
               lambda z: z / 2),
    "log_tail": Fit(_root(lambda s: (2 * mp.atanh(s) / s - 2 - 2 * s * s / 3) / s ** 4),
                    0, 0.0295, (2, 7), lambda z: z * z),
    "sin": Fit(_root(lambda r: (mp.sin(r) - r) / r ** 3), 0, _QUARTER ** 2, (2, 5),
               _root(lambda r: r ** 3 / mp.sin(r))),
    "cos": Fit(_root(lambda r: (mp.cos(r) - 1 + r * r / 2) / r ** 4), 0, _QUARTER ** 2, (2, 5),
               _root(lambda r: r ** 4 / mp.cos(r))),
    "sinh": Fit(_root(lambda r: (mp.sinh(r) - r) / r ** 3), 0, _TANH_HALF ** 2, (2, 5),
                _root(lambda r: r ** 3 / mp.sinh(r))),
    "cosh": Fit(_root(lambda r: (mp.cosh(r) - 1) / r ** 2), 0, _TANH_HALF ** 2, (2, 5),
                _root(lambda r: r ** 2 / mp.cosh(r))),
    "asin": Fit(_root(lambda x: (mp.asin(x) - x) / x ** 3), 0, 0.2501, (4, 11),
                _root(lambda x: x ** 3 / mp.asin(x))),
    "atan": Fit(_root(lambda r: (mp.atan(r) - r) / r ** 3), 0, _TAN_EIGHTH ** 2, (4, 10),
                _root(lambda r: r ** 3 / mp.atan(r))),
    "cbrt": Fit(lambda m: 1 / mp.cbrt(m), 0.7, 1.4143, (3, 3), mp.cbrt),
    "erf": Fit(_root(lambda x: mp.erf(x) / x - 1), 0, 0.2501, (4, 8),
               _root(lambda x: x / mp.erf(x))),
    "erfc32": Fit(lambda t: _erfc_scaled(t, 2), -0.6, 0.67, (10, None),
                  lambda t: 1 / _erfc_scaled(t, 2)),
    "erfc64": Fit(lambda t: _erfc_scaled(t, 3), -0.72, 0.803, (None, 22),
                  lambda t: 1 / _erfc_scaled(t, 3)),
    "erf_inv_center32": _around(_erf_inv, 2.5, 0, 5, (9, None)),
    "erf_inv_tail32": _around(lambda s: _erf_inv(s * s), 3, 2.23, 4.01, (9, None)),
    "erf_inv_center64": _around(_erf_inv, 3.125, 0, 6.25, (None, 23)),
    "erf_inv_middle64": _around(lambda s: _erf_inv(s * s), 3.25, 2.49, 4.01, (None, 19)),
    "erf_inv_tail64": _around(lambda s: _erf_inv(s * s), 5, 3.99, 6.01, (None, 17)),
    "lgamma": _around(lambda t: mp.loggamma(2 + t) / t, -0.25, -0.75, 0.25, (9, 19)),
    "stirling": Fit(_stirling, 0, 1 / 64, (2, 6)),
    "digamma": Fit(lambda t: mp.digamma(1.5 + t) / (1.5 + t - _DIGAMMA_ROOT), -0.5, 0.5,
                   (10, 21)),
    "digamma_tail": Fit(_digamma_tail, 0, 1 / 64, (2, 6)),
}


def show(name: str):
    """Print the coefficients as they stand in the module that uses them."""
    fit = FITS[name]
    for label, dtype, degree in zip(("F32", "F64"), (np.float32, np.float64), fit.degrees):
        if degree is not None:
            coefficients, error = minimax(fit, degree, dtype)
            text = ", ".join(str(dtype(c)) for c in coefficients)
            print(f"# {name}: error 2**{error:.1f}")
            print("\n".join(textwrap.wrap(f"{label}: ({text}),", 92, initial_indent="    ",
                                          subsequent_indent=" " * 10)))


# Constants whose parts add up to more digits than one number has.
CONSTANTS = {"pi": mp.pi, "pi / 2": mp.pi / 2, "log 2": mp.log(2), "1 / log 2": 1 / mp.log(2),
             "1 / log 10": 1 / mp.log(10), "2 / 3": mpf(2) / 3, "digamma's zero": _DIGAMMA_ROOT}
# Those whose first part has few bits, so that its products with exponents are exact.
SHORT_CONSTANTS = {"log 2": mp.log(2), "log10(2)": mp.log10(2)}


def parts(value, dtype, count=3, first_bits=None):
    """Numbers of `dtype`, each nearest to what is left, the first one cut to `first_bits`."""
    found = []
    for _ in range(count):
        number = dtype(float(value))
        if first_bits and not found:
            scale = mpf(2) ** (first_bits - mp.frexp(value)[1])
            number = dtype(float(mp.floor(value * scale) / scale))
        found.append(str(number))
        value = value - mpf(float(number))
    return found


def show_constants():
    for dtype, bits in ((np.float32, 15), (np.float64, 40)):
        for name, value in CONSTANTS.items():
            print(f"# {name}: {', '.join(parts(value, dtype))}")
        for name, value in SHORT_CONSTANTS.items():
            print(f"# {name}, the first in {bits} bits: {', '.join(parts(value, dtype, 2, bits))}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or FITS:
        show(chosen)
    if not sys.argv[1:]:
        show_constants()
