"""What the walks share: reading values, partial knowledge of them, caching by Program.

Imports `ir` and `trace`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from threading import RLock
from weakref import WeakKeyDictionary

from functrans.errors import NotDifferentiableError
from functrans.ir.program import Equation, Literal, Program
from functrans.locations import describe
from functrans.trace import evaluate


class Values:
    """The value of each variable in the surrounding interpreter, computed at most once.

    known: values that a valued trace has computed already.
    """

    def __init__(self, program: Program, arguments: Sequence, known: dict | None = None):
        self._values = {} if known is None else dict(known)
        self._values.update(zip(program.inputs, arguments, strict=True))

    def read(self, atom):
        return atom.value if type(atom) is Literal else self._values[atom]

    def inputs(self, equation: Equation) -> list:
        return [self.read(atom) for atom in equation.inputs]

    def known(self, equation: Equation) -> bool:
        """Whether an equation has run: its outputs are known, and its effect has happened."""
        if equation in self._values:
            return True
        return bool(equation.outputs) and equation.outputs[0] in self._values \
            and not equation.effect

    def outputs(self, equation: Equation) -> Sequence:
        """The values of an equation's outputs, evaluated now if they are not known."""
        if self.known(equation):
            return [self._values[var] for var in equation.outputs]
        outputs = evaluate(equation, self.inputs(equation))
        self.write(equation, outputs)
        return outputs

    def write(self, equation: Equation, outputs: Sequence):
        self._values.update(zip(equation.outputs, outputs, strict=True))


def rule_of(equation: Equation, name: str) -> Callable:
    """A rule of an equation's primitive; an error that says where, if it has none."""
    rule = getattr(equation.primitive, name)
    if rule is None:
        raise NotDifferentiableError(
            f"{equation.primitive.name} has no {name} rule, which is needed for the equation "
            f"made at {describe(equation.location)}")
    return rule


def cached_by_program(function: Callable) -> Callable:
    """Remembers `function(program, *hashable)` as long as the Program lives."""
    cache: WeakKeyDictionary = WeakKeyDictionary()
    lock = RLock()

    @wraps(function)
    def lookup(program: Program, *key):
        with lock:
            results = cache.setdefault(program, {})
            found = results.get(key)
        if found is None:
            found = function(program, *key)
            results[key] = found
        return found
    return lookup
