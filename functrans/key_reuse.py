"""Keys that are used twice: the switch `debug_key_reuse`.

Drawing from a key, or splitting it, uses it up; `fold_in` does not. While the switch is on, each
use is an equation of `use_key_p`. A use is told from others by its Location, which is an object of
its own for each call of the user's, and which transformations hand on: what is computed again for
a derivative is the same use.

Arrays are known by identity: a key that is made anew from the same seed is another key. In Programs
a slice of an array is known by what it is a slice of.

In: evaluated primitives, Programs. Out: KeyReuseError, naming both lines. Imports `config`,
`errors`, `locations`, `trace`, `primitives.random`.
"""
from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextvars import ContextVar

import numpy as np

from functrans.config import config
from functrans.errors import KeyReuseError
from functrans.ir import primitive as kernels
from functrans.ir.program import (
    Equation,
    Location,
    Program,
    Var,
    programs_in,
    inner_programs,
)
from functrans.ir.type import ArrayType
from functrans.locations import describe, user_location
from functrans.primitives.random import use_key_p
from functrans.trace import watch_evaluations, watch_traces
from functrans.transforms.walk import cached_by_program

# By the identity of an array: (a weak reference to it, where it was used).
_used: dict[int, tuple] = {}

# Whether a Program runs whose uses have been noted already.
_inside: ContextVar[bool] = ContextVar("functrans_keys_noted", default=False)

_PARTS = (kernels.Slice, kernels.Reshape, kernels.Transpose, kernels.Broadcast, kernels.Gather,
          kernels.DynamicSlice)


def _reused(first, second, how: str = "again at:") -> KeyReuseError:
    return KeyReuseError(
        "a key of random numbers is used a second time, which gives the same numbers again.\n"
        f"  first at: {describe(first)}\n  {how} {describe(second)}\n"
        "Make a new key for each use: key, other = random.split(key), or random.fold_in(key, "
        "number).")


# ---- arrays ----

def use(array: np.ndarray, location=None):
    """Notes that the key in an array is used here; raises if it was used elsewhere."""
    if _inside.get():
        return
    location = location or user_location() or Location(use.__code__, 0)
    number = id(array)
    known = _used.get(number)
    if known is not None and known[0]() is array:
        if known[1] is not location:
            raise _reused(known[1], location)
        return
    _used[number] = (weakref.ref(array, lambda _: _used.pop(number, None)), location)


def _look(evaluate: Callable, primitive, operands: Sequence, params: dict):
    """What a Program in an equation uses is what the equation uses; inside, nothing counts."""
    if not config.debug_key_reuse:
        return evaluate(primitive, operands, params)
    if primitive is use_key_p:
        use(operands[0])
    elif any(programs_in(params)):
        return _evaluate_with_programs(evaluate, primitive, operands, params)
    return evaluate(primitive, operands, params)


def _evaluate_with_programs(evaluate: Callable, primitive, operands: Sequence, params: dict):
    location = user_location()
    inputs = tuple(Var(ArrayType(np.shape(x), x.dtype)) for x in operands)
    for number in uses(Program(inputs, (Equation(primitive, inputs, params, (), location),), ())):
        use(operands[number], location)
    token = _inside.set(True)
    try:
        return evaluate(primitive, operands, params)
    finally:
        _inside.reset(token)


class KeyWatchedExecutable:
    """An executable whose runs use up the keys that its Program does."""

    def __init__(self, compiled, program: Program):
        self._compiled = compiled
        self._uses = uses(program)

    def run(self, arrays: Sequence) -> list:
        location = user_location()
        for number in self._uses:
            use(arrays[number], location)
        return self._compiled.run(arrays)

    def __getattr__(self, name):
        return getattr(self._compiled, name)


# ---- Programs ----

@cached_by_program
def uses(program: Program) -> dict:
    """For each input that holds a key that is used up, where; raises if one is used twice."""
    walk = _Walk()
    for equation in program.equations:
        walk.follow(equation)
    return {number: walk.used[var] for number, var in enumerate(program.inputs)
            if var in walk.used}


class _Walk:
    """The uses in a Program so far, by variable."""

    def __init__(self):
        self.used: dict = {}
        self.same: dict = {}             # variable -> the variable that it is the same as
        self.parts: dict = {}            # what computes a part -> its variable

    def follow(self, equation: Equation):
        if equation.primitive is use_key_p:
            self.use(equation.inputs[0], equation.location)
        elif isinstance(equation.kernel, _PARTS):
            self.identify(equation)
        elif inner_programs(equation):
            self.follow_inner(equation)

    def use(self, atom, location, how: str = "again at:"):
        if type(atom) is not Var:
            return
        var = self.same.get(atom, atom)
        first = self.used.setdefault(var, location)
        if first is not location:
            raise _reused(first, location, how)

    def identify(self, equation: Equation):
        """A part that was taken before, in the same way."""
        inputs = tuple(self.same.get(atom, atom) if type(atom) is Var else repr(atom)
                       for atom in equation.inputs)
        key = equation.primitive, inputs, repr(sorted(equation.params.items()))
        out, = equation.outputs
        self.same[out] = self.parts.setdefault(key, out)

    def follow_inner(self, equation: Equation):
        kernel, operands = equation.kernel, equation.inputs
        if isinstance(kernel, kernels.Scan):
            self.repeated(kernel.body, operands, kernel.constants, kernel.carries, equation,
                          kernel.length > 1)
        elif isinstance(kernel, kernels.Unwind):
            self.repeated(kernel.body, operands[1:], kernel.constants, kernel.carries, equation)
        elif isinstance(kernel, kernels.While):
            tests, fixed = kernel.condition_constants, kernel.body_constants
            rest = operands[tests:]
            self.repeated(kernel.condition, (*operands[:tests], *rest[fixed:]), tests, 0,
                          equation)
            self.repeated(kernel.body, rest, fixed, len(rest) - fixed, equation)
        elif isinstance(kernel, kernels.Branch):
            found: dict = {}
            for branch in kernel.branches:
                found.update(uses(branch))
            self.used_inside(found, operands[1:], equation)
        else:
            for inner in inner_programs(equation):
                found = uses(inner)
                if len(inner.inputs) == len(operands):
                    self.used_inside(found, operands, equation)

    def used_inside(self, found: dict, operands: Sequence, equation: Equation):
        for number in found:
            self.use(operands[number], equation.location or found[number])

    def repeated(self, body: Program, operands: Sequence, constants: int, carries: int,
                 equation: Equation, again: bool = True):
        """A body that is run several times must not use what is the same each time."""
        found = uses(body)
        for number, location in found.items():
            carry = number - constants
            constant = carry < 0 or carry < carries and \
                body.outputs[carry] is body.inputs[number]
            if again and constant:
                raise _reused(location, equation.location, "in each step of the loop at:")
        self.used_inside(found, operands, equation)


def _check_trace(program: Program):
    if config.debug_key_reuse:
        uses(program)


def _switch(on: bool):
    if on:
        watch_evaluations(_look)
        watch_traces(_check_trace)


config.listen("debug_key_reuse", _switch)
