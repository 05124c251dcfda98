"""The errors that functrans raises. Each is also the built-in class that people catch.

A message ends with the line of the user's code that was at fault, unless it names one itself.
Imports NumPy; `locations`, when an error is made.
"""
from __future__ import annotations

import numpy as np


class FunctransError(Exception):
    """Base of all errors of this library.

    The line of the user's code is added to the message: the innermost one that does not belong to
    the library, or, where a transformation works on a function that was traced before, the one
    that was traced.
    """

    def __init__(self, message: str = "", *rest, **named):
        super().__init__(message if " at: " in message else message + _user_line(), *rest,
                         **named)


def _user_line() -> str:
    from functrans.locations import describe, user_location
    location = user_location()
    return "" if location is None else f"\n  at: {describe(location)}"


class ArgumentError(FunctransError, TypeError, ValueError):
    """An argument of a transformation that does not fit the function, or the other arguments."""


class ConcretizationError(FunctransError, TypeError):
    """Python asked for the value of something that has none while it is being traced."""


class TracerLeakError(FunctransError, RuntimeError):
    """A tracer was used after the function that was traced had returned."""


class ImmutableError(FunctransError, TypeError):
    """An array was to be changed in place."""


class DonatedError(FunctransError, RuntimeError):
    """An array was used whose memory had been donated to a jitted call."""


class ShapeError(FunctransError, TypeError, ValueError):
    """Shapes that do not fit together."""


class DtypeError(FunctransError, TypeError):
    """A dtype that an operation does not take."""


class StructureError(FunctransError, TypeError, ValueError):
    """Pytrees whose structures do not fit together."""


class IndexingError(FunctransError, IndexError):
    """An index that does not fit an array."""


class OutOfBoundsError(IndexingError):
    """An index outside the array."""


class AxisError(FunctransError, np.exceptions.AxisError):
    """An axis that an array does not have. `axis`, `ndim`: which, and how many it has."""

    def __init__(self, axis: int, ndim: int):
        super().__init__(f"axis {axis} is out of bounds for array of dimension {ndim}")
        self.axis, self.ndim = axis, ndim

    def __str__(self):
        return self._msg

    def __reduce__(self):
        return AxisError, (self.axis, self.ndim)


class NumberRangeError(FunctransError, OverflowError):
    """A Python number that does not fit where it is to go."""


class UnsupportedError(FunctransError, NotImplementedError):
    """What the library does not do, though others do."""


class LinAlgError(FunctransError, np.linalg.LinAlgError):
    """A matrix that a function of linear algebra does not take."""


class WeightsError(FunctransError, RuntimeError):
    """Weights of observations that do not fit them, where NumPy raises a RuntimeError."""


class GradientError(FunctransError, TypeError):
    """A derivative was asked for that does not exist: of an integer, of a non-scalar."""


class NotDifferentiableError(FunctransError, NotImplementedError):
    """A primitive without the rule that a transformation needs."""


class CustomRuleError(FunctransError, TypeError):
    """A rule that a user gave for a function does not fit the function, or its use."""


class MissingRuleError(FunctransError, AttributeError):
    """A function with a rule of its own was called before it was given the rule."""


class UnboundAxisError(FunctransError, NameError):
    """An axis name that no surrounding vmap binds."""


class TargetError(FunctransError, RuntimeError):
    """A target was asked for that this machine does not have."""


class MixedDevicesError(FunctransError, ValueError):
    """Operands that were put on different devices."""


class TransferError(FunctransError, RuntimeError):
    """A hidden copy between host and device within `no_transfers()`."""


class DeviceError(FunctransError, RuntimeError):
    """A device failed, or the driver that it is reached by."""


class DeviceMemoryError(FunctransError, MemoryError):
    """The memory of a device does not suffice."""


class NonFiniteError(FunctransError, FloatingPointError):
    """A number that is infinite or no number, where training needs a finite one."""


class TripLimitError(FunctransError, RuntimeError):
    """A while loop ran longer than `config.while_trip_limit` allows."""


class KeyReuseError(FunctransError, RuntimeError):
    """A key of random numbers was used a second time, which gives the same numbers again."""


class MissingExtraError(FunctransError, ImportError):
    """An optional package is not installed."""


# The same by the names that JAX has for them.
ConcretizationTypeError = TracerArrayConversionError = ConcretizationError
TracerBoolConversionError = TracerIntegerConversionError = ConcretizationError
NonConcreteBooleanIndexError = ConcretizationError
UnexpectedTracerError = TracerLeakError


class CompilerWarning(RuntimeWarning):
    """Compilation failed, and something slower is done in its place."""


class ImpureFunctionWarning(UserWarning):
    """A jitted function keeps traced values outside of itself, or reads what has changed since."""
