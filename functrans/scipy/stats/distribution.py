"""What all distributions of one variable share: parameters, location and scale, edges.

A distribution is a record of functions of a standard variable; the methods that SciPy names follow:

    tool = Continuous("expon", logpdf=lambda x: -x, cdf=..., support=lambda: (0, inf))
    tool.logpdf(x, loc=0, scale=1)

In: functions. Out: `Continuous` and `Discrete`. Imports `numpy`, `scipy.special.common`.
"""
from __future__ import annotations

from collections.abc import Callable

import numpy as np

from functrans.errors import ArgumentError, UnsupportedError
from functrans.numpy.choosing import where
from functrans.numpy.ufuncs import abs, exp, floor, isnan, log, log1p
from functrans.scipy.special.common import reals

_METHODS = ("logpdf", "pdf", "logpmf", "pmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")


class Distribution:
    """A distribution by its functions of a standard variable and its shape parameters.

    shapes: names of the shape parameters, in order; SciPy's places hold for them, and `loc` (and
    `scale`) follow. support: of the shapes, from where to where it reaches. valid: of the shapes,
    whether they are allowed; NaN comes out where they are not.
    The functions cdf, logcdf, sf, logsf, ppf, isf may lack; a method says so when it is called.
    """

    density = "logpdf"
    places = ("loc", "scale")

    def __init__(self, name: str, shapes: str = "", *, support: Callable, density: Callable,
                 valid: Callable | None = None, **functions: Callable):
        self.name = name
        self.shapes = tuple(shapes.split())
        self._support = support
        self._valid = valid
        self._functions = {self.density: density, **functions}
        self.__doc__ = f"The distribution {name}({', '.join(self.shapes + self.places)})."

    def __repr__(self):
        return f"<distribution {self.name}>"

    # ---- arguments ----

    def _arguments(self, method: str, x, args: tuple, named: dict) -> tuple:
        """(x, shapes, loc, scale) as arrays of one shape and dtype."""
        names = self.shapes + self.places
        if len(args) > len(names):
            raise ArgumentError(f"{self.name}.{method} takes at most {1 + len(names)} arguments: a "
                                f"value, {', '.join(names)}")
        given = {**dict(zip(names, args)), **named}
        unknown = [key for key in given if key not in names]
        twice = [key for key in names[:len(args)] if key in named]
        missing = [key for key in self.shapes if key not in given]
        for keys, what in ((unknown, "no parameter"), (twice, "two values for"),
                           (missing, "no value for")):
            if keys:
                raise ArgumentError(f"{self.name}.{method} has {what} {', '.join(keys)}; its "
                                    f"parameters are {', '.join(names) or 'none'}")
        values = [given.get(key, 0 if key == "loc" else 1) for key in names]
        x, *values = reals(f"stats.{self.name}.{method}", x, *values)
        count = len(self.shapes)
        return x, values[:count], values[count], values[count + 1] if count + 1 < len(values) \
            else None

    def _function(self, name: str, method: str) -> Callable:
        found = self._functions.get(name)
        if found is None:
            raise UnsupportedError(f"{self.name}.{method} is not available; there are "
                                   f"{', '.join(self._available())}")
        return found

    def _available(self) -> list[str]:
        pairs = {"logpdf": "pdf", "logpmf": "pmf", "cdf": "logcdf", "sf": "logsf"}
        found = set(self._functions) | {pairs[name] for name in self._functions if name in pairs}
        if {"cdf", "sf"} & found:
            found |= {"cdf", "logcdf", "sf", "logsf"}
        if {"ppf", "isf"} & found:
            found |= {"ppf", "isf"}
        return [name for name in _METHODS if name in found]

    def _checked(self, result, x, shapes, scale=None):
        """NaN where a parameter is not allowed, or an operand is NaN."""
        good = True if self._valid is None else self._valid(*shapes)
        if scale is not None:
            good = (scale > 0) & good
        bad = isnan(x)
        for value in shapes if scale is None else (*shapes, scale):
            bad = bad | isnan(value)
        return where(good & ~bad if good is not True else ~bad, result, np.nan)

    # ---- the four that follow from one another ----

    def cdf(self, x, *args, **named):
        """The probability of at most x."""
        return self._tail("cdf", "sf", False, x, args, named)

    def sf(self, x, *args, **named):
        """The probability of more than x, accurate where it is small."""
        return self._tail("sf", "cdf", False, x, args, named)

    def logcdf(self, x, *args, **named):
        """The logarithm of the probability of at most x."""
        return self._tail("cdf", "sf", True, x, args, named)

    def logsf(self, x, *args, **named):
        """The logarithm of the probability of more than x."""
        return self._tail("sf", "cdf", True, x, args, named)

    def _tail(self, name: str, other: str, logarithm: bool, x, args: tuple, named: dict):
        method = f"log{name}" if logarithm else name
        x, shapes, loc, scale = self._arguments(method, x, args, named)
        z = x - loc if scale is None else (x - loc) / scale
        z = self._cell(z)
        low, high = self._support(*shapes)
        inside = self._between(z, low, high)
        value = self._probability(name, other, logarithm, method)(z, *shapes)
        zero, one = (-np.inf, 0) if logarithm else (0, 1)
        below, above = (zero, one) if name == "cdf" else (one, zero)
        result = where(inside, value, where(self._left_of(z, low), below, above))
        return self._checked(result, x - loc, shapes, scale)

    def _probability(self, name: str, other: str, logarithm: bool, method: str) -> Callable:
        """The best way to a probability, or to its logarithm, that the record has."""
        functions = self._functions
        if name not in functions and other not in functions:
            self._function(name, method)
        direct, opposite = functions.get(name), functions.get(other)
        if not logarithm:
            return direct or (lambda z, *shapes: 1 - opposite(z, *shapes))
        if method in functions:
            return functions[method]
        if direct is None or opposite is None:
            return (lambda z, *shapes: log(direct(z, *shapes))) if direct else \
                (lambda z, *shapes: log1p(-opposite(z, *shapes)))
        return lambda z, *shapes: _log_of_part(direct(z, *shapes), opposite(z, *shapes))

    def _cell(self, z):
        return z

    def _between(self, z, low, high):
        return (z > low) & (z < high)

    def _left_of(self, z, low):
        return z <= low

    # ---- quantiles ----

    def ppf(self, q, *args, **named):
        """The quantile: the value below which a part q lies."""
        return self._quantile("ppf", "isf", q, args, named)

    def isf(self, q, *args, **named):
        """The value above which a part q lies, accurate where q is small."""
        return self._quantile("isf", "ppf", q, args, named)

    def _quantile(self, name: str, other: str, q, args: tuple, named: dict):
        q, shapes, loc, scale = self._arguments(name, q, args, named)
        direct = self._functions.get(name)
        if direct is None:
            opposite = self._function(other, name)
            value = opposite(1 - q, *shapes)
        else:
            value = direct(q, *shapes)
        low, high = self._support(*shapes)
        first, last = self._below(low), high
        first, last = (first, last) if name == "ppf" else (last, first)
        value = where(q == 0, first, where(q == 1, last, value))
        value = value + loc if scale is None else value * scale + loc
        return self._checked(where((q >= 0) & (q <= 1), value, np.nan), q, shapes, scale)

    def _below(self, low):
        """The largest value that nothing lies below."""
        return low


def _log_of_part(part, rest):
    """log(part), where part + rest = 1, from the smaller of the two."""
    small = part < 0.5
    return where(small, log(where(small, part, 1)), log1p(-where(small, 0, rest)))


class Continuous(Distribution):
    """A distribution with a density; see `Distribution`."""

    def logpdf(self, x, *args, **named):
        """The logarithm of the density; -inf outside of the support."""
        x, shapes, loc, scale = self._arguments("logpdf", x, args, named)
        z = (x - loc) / scale
        low, high = self._support(*shapes)
        value = self._functions["logpdf"](z, *shapes) - log(scale)
        inside = (z >= low) & (z <= high) & (abs(z) < np.inf)
        return self._checked(where(inside, value, -np.inf), z, shapes, scale)

    def pdf(self, x, *args, **named):
        """The density; 0 outside of the support."""
        return exp(self.logpdf(x, *args, **named))


class Discrete(Distribution):
    """A distribution of integers; see `Distribution`."""

    density = "logpmf"
    places = ("loc",)

    def logpmf(self, k, *args, **named):
        """The logarithm of the probability of k; -inf where k is not possible."""
        k, shapes, loc, _ = self._arguments("logpmf", k, args, named)
        z = k - loc
        low, high = self._support(*shapes)
        possible = (z >= low) & (z <= high) & (z == floor(z))
        result = where(possible, self._functions["logpmf"](z, *shapes), -np.inf)
        return self._checked(result, z, shapes)

    def pmf(self, k, *args, **named):
        """The probability of k."""
        return exp(self.logpmf(k, *args, **named))

    def _cell(self, z):
        return floor(z)

    def _between(self, z, low, high):
        return (z >= low) & (z < high)

    def _left_of(self, z, low):
        return z < low

    def _below(self, low):
        return low - 1
