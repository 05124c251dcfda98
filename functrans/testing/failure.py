"""`GradientError`: what a wrong derivative looks like in a report.

In: a Fault, what shrinking and looking for the primitive found. Out: an error whose message fits
on a screen. Imports `faults`.
"""
from __future__ import annotations

import numpy as np

from functrans.testing.faults import Fault

_MODES = {"fwd": "forward mode (jvp)", "rev": "reverse mode (vjp)", "lin": "linearize"}


class Failure(AssertionError):
    """A check that failed. `names`: the attributes with what is known of it, None if unknown."""

    names: tuple = ()

    def __init__(self, message: str, **facts):
        super().__init__(message)
        for name in self.names:
            setattr(self, name, facts.get(name))


class GradientError(Failure):
    """A derivative is not what it should be.

    argument: the path of the argument, such as `params['w']`; index: of its entry, or None;
    expected, got: the partial derivative (a pair of bounds, at a kink); error: how far off the
    expected value may be; smallest: the smallest failing arguments that were found; culprit: the
    primitive whose rule is wrong, with the user's line, or None.
    """

    names = ("argument", "index", "expected", "got", "error", "smallest", "culprit")


def gradient_error(fault: Fault, order: int, smallest, culprit: str | None,
                   note: str = "") -> GradientError:
    """The error for a fault that was located."""
    argument, index, where = _argument(fault)
    m = fault.mismatch
    expected = m.expected[0] if m.expected[0] == m.expected[1] else m.expected
    lines = [note] if note else []
    lines += [
        f"{_MODES[fault.judge.mode]} of {fault.subject.text} is wrong"
        + (f" at order {order}" if order > 1 else "") + _precision(fault),
        f"  in       d {_result(fault)} / d {where}",
        f"  expected {_shown(expected)}, give or take {m.error:.1e}  ({m.method})",
        f"  got      {m.got:.9g}{_percent(m)}"]
    if m.remainder == m.remainder:
        lines.append(f"  Taylor's remainder falls like h^{m.remainder:.2f}; with a right "
                     "derivative like h^3")
    if smallest is not None:
        lines.append(f"  smallest failing input: {smallest}")
    if culprit is not None:
        lines.append(f"  wrong: {culprit}")
    return GradientError("\n".join(lines), argument=argument, index=index, expected=expected,
                         got=m.got, error=m.error, smallest=smallest, culprit=culprit)


def _precision(fault: Fault) -> str:
    subject = fault.subject
    if fault.test == fault.judge.narrow:
        return f", in {', '.join(dict.fromkeys(subject.inputs.dtypes))} alone"
    return " (in float64)" if subject.narrow and subject.shadowed else ""


def _argument(fault: Fault) -> tuple:
    """(path, index, both as text); more entries than one are told by their path alone."""
    inputs = fault.subject.inputs
    places = np.flatnonzero(inputs.pack(fault.direction))
    which, index, _ = inputs.place(int(places[0]))
    if len(places) == 1:
        return inputs.names[which], index, inputs.describe(int(places[0]))
    names = dict.fromkeys(inputs.names[inputs.place(int(k))[0]] for k in places)
    return ", ".join(names), None, f"{', '.join(names)} (along a direction)"


def _result(fault: Fault) -> str:
    outputs = fault.subject.outputs
    if fault.judge.mode != "rev":
        return outputs.describe(fault.mismatch.component)
    places = np.flatnonzero(fault.weights)
    return outputs.describe(int(places[0])) if len(places) == 1 else \
        "a weighted sum of the results"


def _shown(expected) -> str:
    if isinstance(expected, tuple):
        return f"a slope between {expected[0]:.9g} and {expected[1]:.9g}"
    return f"{expected:.9g}"


def _percent(m) -> str:
    middle = sum(m.expected) / 2
    if not np.isfinite(m.got) or not middle or not np.isfinite(middle):
        return ""
    return f", which is {100 * abs(m.distance) / abs(middle):.3g}% off"
