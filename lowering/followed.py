"""Integers that remember what is done with them.

A kernel's text is the same for all sizes that compare alike. So it is made with numbers whose
arithmetic is kept as formulas, and whose comparisons are kept as conditions: whoever has other
sizes evaluates the conditions, and if each comes out as before, the formulas. What such a number
cannot follow (to be hashed, printed, or taken for a plain integer) it refuses, so nothing that
depends on sizes can slip through.

In: integers. Out: `Followed`, `Trail`. Imports nothing.
"""
from __future__ import annotations

import operator


class NotFollowed(TypeError):
    """Something was done with a size that is not followed."""


class Trail:
    """The conditions so far: text of a comparison -> what came out."""

    def __init__(self):
        self.conditions: dict[str, bool] = {}

    def numbers(self, values) -> list[Followed]:
        """Values to be followed; in formulas they are `n[0]`, `n[1]` ..."""
        return [Followed(value, f"n[{k}]", self) for k, value in enumerate(values)]

    def condition(self) -> str:
        """All conditions, as an expression."""
        return " and ".join(text if answer else f"not {text}"
                            for text, answer in self.conditions.items()) or "True"


def formula(value) -> str:
    """What a number is computed by."""
    return value.formula if type(value) is Followed else repr(value)


def whole(value):
    """An integer of any kind as Python's, unless it is followed."""
    return value if type(value) is Followed else int(value)


class Followed:
    """A number: its value now, and the formula by which it follows from sizes."""

    __slots__ = ("value", "formula", "trail")

    def __init__(self, value, text: str, trail: Trail):
        self.value, self.formula, self.trail = value, text, trail

    def _with(self, other, symbol: str, compute, swapped: bool = False) -> Followed:
        pair = (other, self) if swapped else (self, other)
        values = [each.value if type(each) is Followed else each for each in pair]
        return Followed(compute(*values), f"({formula(pair[0])} {symbol} {formula(pair[1])})",
                        self.trail)

    def _compared(self, other, symbol: str, compare) -> bool:
        answer = compare(self.value, other.value if type(other) is Followed else other)
        if type(other) is not Followed or other.formula != self.formula:
            self.trail.conditions[f"({self.formula} {symbol} {formula(other)})"] = answer
        return answer

    def __add__(self, other):
        return self._with(other, "+", operator.add)

    def __radd__(self, other):
        return self._with(other, "+", operator.add, True)

    def __sub__(self, other):
        return self._with(other, "-", operator.sub)

    def __rsub__(self, other):
        return self._with(other, "-", operator.sub, True)

    def __mul__(self, other):
        return self._with(other, "*", operator.mul)

    def __rmul__(self, other):
        return self._with(other, "*", operator.mul, True)

    def __truediv__(self, other):
        return self._with(other, "/", operator.truediv)

    def __neg__(self):
        return Followed(-self.value, f"(-{self.formula})", self.trail)

    def __abs__(self):
        return -self if self < 0 else self

    def __bool__(self):
        return self != 0

    def __eq__(self, other):
        return self._compared(other, "==", operator.eq)

    def __ne__(self, other):
        return self._compared(other, "!=", operator.ne)

    def __lt__(self, other):
        return self._compared(other, "<", operator.lt)

    def __le__(self, other):
        return self._compared(other, "<=", operator.le)

    def __gt__(self, other):
        return self._compared(other, ">", operator.gt)

    def __ge__(self, other):
        return self._compared(other, ">=", operator.ge)

    def _refuse(self, *_):
        raise NotFollowed("a size was used in a way that is not followed")

    __hash__ = __index__ = __int__ = __float__ = __str__ = __repr__ = __format__ = _refuse
