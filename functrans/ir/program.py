"""The intermediate representation: typed, single-assignment, immutable Programs.

In: types and primitives. Out: `Program`, `Equation`, `Var`, `Literal`, `Location`.
Imports `ir.type` and `ir.primitive` only.
"""
from __future__ import annotations

import linecache
import sys

import numpy as np

from functrans.ir.primitive import Primitive
from functrans.ir.type import ArrayType

_set = object.__setattr__


class _Immutable:
    __slots__ = ()

    def __setattr__(self, name, value):
        raise AttributeError(f"{type(self).__name__} is immutable; cannot set {name!r}")


class Location(_Immutable):
    """Where in the user's code an equation was made. Cheap to take, lazy to describe."""

    __slots__ = ("code", "line", "instruction")

    def __init__(self, code, line, instruction=-1):
        _set(self, "code", code)
        _set(self, "line", line)
        _set(self, "instruction", instruction)

    @property
    def file(self) -> str:
        return self.code.co_filename

    @property
    def function(self) -> str:
        return self.code.co_qualname if sys.version_info >= (3, 11) else self.code.co_name

    @property
    def text(self) -> str:
        """The source line, stripped, or an empty string where there is no source."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def expression(self) -> str:
        """The part of the line that made the equation, where Python recorded it."""
        positions = list(self.code.co_positions())
        index = self.instruction // 2
        if not 0 <= index < len(positions):
            return self.text
        line, end_line, column, end_column = positions[index]
        if line is None or line != end_line or column is None or end_column is None:
            return self.text
        source = linecache.getline(self.file, line).encode()
        return source[column:end_column].decode(errors="replace")

    def __repr__(self):
        return f"{self.file}:{self.line}"


class Var(_Immutable):
    """A name for a value. Two Vars are equal only if they are the same object."""

    __slots__ = ("type", "__weakref__")

    def __init__(self, type: ArrayType):
        _set(self, "type", type)

    def __repr__(self):
        return f"Var({self.type})"


class Literal(_Immutable):
    """A scalar constant, written into the Program: a NumPy scalar and its type."""

    __slots__ = ("value", "type")

    def __init__(self, value: np.generic, weak: bool = False):
        _set(self, "value", value)
        _set(self, "type", ArrayType((), value.dtype, weak and value.dtype.kind != "b"))

    def __repr__(self):
        return f"Literal({self.value!r})"


Atom = Var | Literal


_UNKNOWN = object()


class Equation(_Immutable):
    """`outputs = primitive[params] inputs`, made at `location`."""

    __slots__ = ("primitive", "inputs", "params", "outputs", "location", "_kernel", "_inner")

    def __init__(self, primitive: Primitive, inputs: tuple, params: dict, outputs: tuple,
                 location: Location | None = None):
        _set(self, "primitive", primitive)
        _set(self, "inputs", inputs)
        _set(self, "params", params)
        _set(self, "outputs", outputs)
        _set(self, "location", location)
        _set(self, "_kernel", _UNKNOWN)
        _set(self, "_inner", _UNKNOWN)

    def replace(self, **changes) -> Equation:
        of = changes.get
        changed = Equation(of("primitive", self.primitive), of("inputs", self.inputs),
                           of("params", self.params), of("outputs", self.outputs),
                           of("location", self.location))
        if "params" not in changes:
            _set(changed, "_inner", self._inner)
        return changed

    @property
    def kernel(self):
        """The kernel class of this equation, or None where the primitive has none."""
        if self._kernel is _UNKNOWN:            # passes ask for it often
            rule = self.primitive.kernel
            _set(self, "_kernel", rule and rule([atom.type for atom in self.inputs], self.params))
        return self._kernel

    @property
    def effect(self) -> bool:
        """Whether running it, or a Program in it, does more than compute its results."""
        if self.primitive.effect:
            return True
        inner = self._inner                     # passes ask for this often, too
        if inner is _UNKNOWN:
            inner = inner_programs(self)
        return bool(inner) and any([program.effect for program in inner])

    @property
    def axis_names(self) -> frozenset:
        """The named axes over which it, or a Program in it, computes."""
        own = self.params.get("axis_name")
        inner = (program.axis_names for program in inner_programs(self))
        return frozenset(() if own is None else (own,)).union(*inner)

    def __repr__(self):
        from functrans.ir.show import show_equation
        return show_equation(self)


class Program(_Immutable):
    """A function from `inputs` to `outputs`, as a list of equations in order.

    `names` are optional names of the inputs, for printing and for errors.
    """

    __slots__ = ("inputs", "equations", "outputs", "name", "names", "_facts", "__weakref__")

    def __init__(self, inputs, equations, outputs, name="", names=None):
        _set(self, "inputs", tuple(inputs))
        _set(self, "equations", tuple(equations))
        _set(self, "outputs", tuple(outputs))
        _set(self, "name", name)
        _set(self, "names", None if names is None else tuple(names))

    @property
    def input_types(self) -> tuple:
        return tuple(var.type for var in self.inputs)

    @property
    def output_types(self) -> tuple:
        return tuple(atom.type for atom in self.outputs)

    @property
    def effect(self) -> bool:
        """Whether running it does more than compute its outputs."""
        return self._known_facts()[0]

    @property
    def axis_names(self) -> frozenset:
        """The named axes over which its equations compute."""
        return self._known_facts()[1]

    def _known_facts(self) -> tuple:
        """(effect, axis names), found when first asked for."""
        try:
            return self._facts
        except AttributeError:
            names = frozenset().union(*(equation.axis_names for equation in self.equations))
            _set(self, "_facts", (any(equation.effect for equation in self.equations), names))
            return self._facts

    def replace(self, **changes) -> Program:
        fields = {name: getattr(self, name)
                  for name in ("inputs", "equations", "outputs", "name", "names")}
        return Program(**{**fields, **changes})

    def __repr__(self):
        from functrans.ir.show import show
        return show(self)

    def _repr_html_(self):
        from functrans.ir.show import show_html
        return show_html(self)


def inner_programs(equation: Equation) -> tuple[Program, ...]:
    """The Programs that an equation carries in its params, in order."""
    if equation._inner is _UNKNOWN:
        _set(equation, "_inner", tuple(programs_in(equation.params)))
    return equation._inner


def programs_in(params: dict):
    """The Programs among params, in order."""
    for value in params.values():
        if isinstance(value, Program):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, Program))
