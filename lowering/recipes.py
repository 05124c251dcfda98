"""The text of a kernel that differs from an earlier one in its sizes alone.

When a structure comes up for the second time, its text is made with numbers that are followed
(see `followed`): what was decided by comparing sizes, and by which formula each parameter follows
from them. From then on, sizes for which the same is decided take the text as it is, and evaluate
the formulas; others make a text, and a recipe, of their own.

The structure is all but sizes, memory, lines of the user and numbers that are read from parameters:
statements with their dtypes and expressions, which axes and which values they run over and read.

In: `Kernel`. Out: `KernelText`. Imports `loops`, `nest`, `tile`, `emit`, `followed`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lowering.emit import Emitter
from lowering.followed import NotFollowed, Trail, formula
from lowering.kernel_text import KernelText, Parameter, Split, identity, is_plain
from lowering.loops import (Axis, Constant, Cumulate, Index, Kernel, Load, Map, Pick, Place, Reduce,
                            Store)
from lowering.nest import build_nest
from lowering.passes.tile import mark_tiles
from lowering.views import View

MAX_RECIPES = 8             # of one structure
MAX_STRUCTURES = 20_000     # that are remembered

_recipes: dict[tuple, list] = {}


def kernel_text(kernel: Kernel) -> KernelText:
    """The text of a kernel."""
    described = _Description(kernel)
    known = _recipes.get(described.key)
    if known is None:                       # new: most structures come up once
        if len(_recipes) >= MAX_STRUCTURES:
            _recipes.clear()
        _recipes[described.key] = []
        return _emitted(kernel)[0]
    for recipe in known:
        if recipe.fits(described.integers):
            return recipe.text(described)
    if len(known) >= MAX_RECIPES:
        return _emitted(kernel)[0]
    try:
        recipe = _Recipe(described)
    except NotFollowed:
        return _emitted(kernel)[0]
    known.append(recipe)
    return recipe.text(described)


def _emitted(kernel: Kernel) -> tuple[KernelText, dict]:
    """The text, and for each number that it reads from parameters where it stands."""
    emitter = Emitter(mark_tiles(build_nest(kernel)))
    return emitter.emit(), emitter.numbers.origins


# ---- what a kernel is, without its sizes ----

class _Description:
    """The structure of a kernel as a key, and what is left out of it, in the order of the key."""

    def __init__(self, kernel: Kernel):
        self.kernel = kernel
        self.axes = {axis: number for number, axis in enumerate(kernel.axes)}
        self.integers = [axis.extent for axis in kernel.axes]
        self.buffers: list = []
        self.constants: list = []           # the different ones that are read from parameters
        self._buffer_numbers: dict = {}
        self.constant_numbers: dict = {}
        statements: dict = {}
        parts: list = [tuple([axis.backward for axis in kernel.axes])]
        for number, statement in enumerate(kernel.statements):
            kind = type(statement)
            inputs = tuple([statements[id(value)] for value in statement.inputs])
            parts.append((kind, statement.dtype, inputs, self.set(statement.axes),
                          _PARTS[kind](self, statement)))
            statements[id(statement)] = number
        self.key = tuple(parts)

    def set(self, axes) -> int:
        """A set of axes as bits."""
        return sum([1 << self.axes[axis] for axis in axes])

    def constant(self, statement: Constant):
        value = statement.value
        if is_plain(value):
            return repr(value)
        key = identity(value)
        number = self.constant_numbers.get(key)
        if number is None:
            number = self.constant_numbers[key] = len(self.constants)
            self.constants.append(value)
        return number

    def index(self, statement: Index):
        self.integers += (statement.start, statement.step)
        return self.axes.get(statement.axis)

    def load(self, statement: Load):
        return statement.otherwise, self.place(statement.place)

    def store(self, statement: Store):
        return statement.combine, self.place(statement.place)

    def place(self, place: Place) -> tuple:
        self.integers += _integers(place)
        buffer = place.view.buffer
        number = self._buffer_numbers.get(id(buffer))
        if number is None:
            number = self._buffer_numbers[id(buffer)] = len(self.buffers)
            self.buffers.append(buffer)
        axes = self.axes
        return (number, buffer.dtype, buffer.root().role,
                tuple([axes[axis] for axis in place.coefficients]),
                tuple([(entry[0], entry[3]) for entry in place.dynamic]),
                tuple([axes.get(guard[0]) for guard in place.guards]))


_PARTS: dict[type, Callable] = {
    Constant: _Description.constant, Index: _Description.index, Load: _Description.load,
    Store: _Description.store,
    Map: lambda described, statement: (statement.expr, statement.cost, statement.outputs),
    Pick: lambda described, statement: statement.number,
    Reduce: lambda described, statement: (described.set(statement.over), repr(statement.init),
                                          statement.combine),
    Cumulate: lambda described, statement: (described.axes[statement.along],
                                            repr(statement.init), statement.combine),
}


def _integers(place: Place) -> list:
    """All that is a size, a stride or an offset in a place."""
    found = [place.offset, *place.coefficients.values()]
    for _, stride, size, _ in place.dynamic:
        found += (stride, size)
    for guard in place.guards:
        found += guard[1:]
    return found


# ---- the same kernel, of numbers that are followed ----

def _followed(described: _Description, numbers: list) -> Kernel:
    """A copy with these numbers in place of `described.integers`; for the user's lines it has the
    numbers of its statements."""
    rest = iter(numbers)
    axes = {axis: Axis(next(rest), axis.backward, axis.name) for axis in described.axes}
    copies: dict = {}
    for number, statement in enumerate(described.kernel.statements):
        fields = {"inputs": [copies[id(value)] for value in statement.inputs],
                  "axes": frozenset(axes[axis] for axis in statement.axes), "location": number}
        if isinstance(statement, (Load, Store)):
            fields["place"] = _followed_place(statement.place, axes, rest)
        elif isinstance(statement, Index):
            fields.update(axis=axes.get(statement.axis), start=next(rest), step=next(rest))
        elif isinstance(statement, Reduce):
            fields["over"] = frozenset(axes[axis] for axis in statement.over)
        elif isinstance(statement, Cumulate):
            fields["along"] = axes[statement.along]
        copies[id(statement)] = replace(statement, **fields)
    return Kernel(list(copies.values()), list(axes.values()), described.kernel.name)


def _followed_place(place: Place, axes: dict, rest) -> Place:
    offset = next(rest)
    coefficients = {axes[axis]: next(rest) for axis in place.coefficients}
    dynamic = [(number, next(rest), next(rest), mode) for number, _, _, mode in place.dynamic]
    guards = [(axes.get(guard[0]), *(next(rest) for _ in guard[1:])) for guard in place.guards]
    return Place(place.view, offset, coefficients, dynamic, guards)


class _Recipe:
    """A text, the sizes that it is for, and what its parameters are."""

    def __init__(self, described: _Description):
        trail = Trail()
        kernel = _followed(described, trail.numbers(described.integers))
        self.made, origins = _emitted(kernel)
        buffers = {id(buffer): number for number, buffer in enumerate(described.buffers)}
        split = self.made.split
        formulas = [formula(parameter.value.offset if parameter.kind == "pointer" else
                            parameter.value) if parameter.kind in _COMPUTED else "0"
                    for parameter in self.made.parameters]
        formulas += [formula(size) for _, size in self.made.checks]
        if split is not None:
            formulas += [*map(formula, split.strides.values()), formula(split.work)]
        self.fits = _function(trail.condition())
        self.values = _function(f"({', '.join(formulas)},)")
        self.memory = [buffers[id(parameter.value.buffer)] if parameter.kind == "pointer" else None
                       for parameter in self.made.parameters]
        self.constants = _constants(described, self.made, origins)

    def text(self, described: _Description) -> KernelText:
        """The text for the sizes and memory of a kernel."""
        made = self.made
        values = self.values(described.integers)
        parameters = [
            parameter if parameter.kind not in _COMPUTED else
            Parameter(parameter.name, parameter.kind, parameter.dtype, value if number is None else
                      View(described.buffers[number], value, (), ()))
            for parameter, value, number in zip(made.parameters, values, self.memory)]
        for place, numbers in self.constants:
            parameters[place] = _with_constants(parameters[place], numbers, described.constants)
        statements, rest = described.kernel.statements, values[len(parameters):]
        checks = [(_line(statements, number), size) for (number, _), size in zip(made.checks, rest)]
        split = made.split
        if split is not None:
            rest = rest[len(checks):]
            split = Split(split.extent, dict(zip(split.strides, rest)), rest[-1])
        return KernelText(made.text, parameters, checks, split,
                          [_line(statements, number) for number in made.locations])


_COMPUTED = frozenset(("pointer", "scratch", "integer"))


def _function(expression: str) -> Callable:
    return eval(f"lambda n: {expression}", {"__builtins__": {}})


def _line(statements: list, number: int | None):
    return None if number is None else statements[number].location


def _constants(described: _Description, made: KernelText, origins: dict) -> list:
    """For each parameter with numbers of the user's: its place, and the numbers of those.

    A number is (which constant, 0), or 1 for its imaginary part.
    """
    found: dict = {}
    for key, (name, start, parts) in origins.items():
        for part in range(parts):
            found.setdefault(name, {})[start + part] = described.constant_numbers[key], part
    places = {parameter.name: place for place, parameter in enumerate(made.parameters)}
    return [(places[name], [numbers[k] for k in range(len(numbers))])
            for name, numbers in found.items()]


def _with_constants(parameter: Parameter, numbers: list, constants: list) -> Parameter:
    if parameter.kind == "integer":
        (number, _), = numbers
        value = int(np.asarray(constants[number]).astype(np.int64))
    else:
        value = tuple(float(constants[number].imag if part else np.real(constants[number]))
                      for number, part in numbers)
    return Parameter(parameter.name, parameter.kind, parameter.dtype, value)
