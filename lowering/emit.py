"""From loops to the text of a kernel: readable Python, for numba and for CPython alike.

The text is canonical: names follow from the structure alone, sizes are parameters. Equal
structures give equal texts, and are compiled once.

In: `Nest`. Out: `KernelText`: the text, and what is passed for each parameter. Imports `loops`,
`nest`, `views`.
"""
from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from lowering.expression import ATOM, CHOICE, COMPARISON, PRODUCT, SUM, Text, template
from lowering.loops import (REDUCTIONS, ArgReduce, Axis, Constant, Cumulate, Index, Load, Map, Pick,
                            Place, Reduce, Store)
from lowering.nest import Loop, Nest, Step, accumulator
from lowering.views import View

INDENT = "    "
MAX_INLINE = 50          # longer expressions get a line of their own
AXIS_NAMES = "ijklmpqrs"
_PREFIXES = {"input": "x", "output": "y", "temp": "t"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a kernel is passed.

    kind: "pointer" (`value` is a View: buffer and offset), "scratch" (`value` is the number of
    elements), "integer" (`value`), "error" (the record of an index out of bounds), "code" (the
    number of a check among those of the kernel), "constants" (`value` are the numbers).
    """
    name: str
    kind: str
    dtype: np.dtype | None = None
    value: object = None


@dataclass(slots=True)
class KernelText:
    """A kernel as text. `checks`: for each code of an index error, (location, size)."""
    text: str
    parameters: list
    checks: list = field(default_factory=list)
    locations: list = field(default_factory=list)


def emit(nest: Nest, locations: list = ()) -> KernelText:
    """The text of a kernel."""
    return _Emitter(nest).emit()


def local_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which values of `dtype` are computed: half precision in float32."""
    return np.dtype(np.float32) if dtype.name in ("float16", "bfloat16") else dtype


class _Emitter:
    def __init__(self, nest: Nest):
        self.nest = nest
        self.lines: list[str] = []
        self.parameters: dict[str, Parameter] = {}
        self.axis_names = _axis_names(nest)
        self.extents = {axis: f"n_{name}" if len(nest.axes) > 1 else "n"
                        for axis, name in self.axis_names.items()}
        self.pointers: dict = {}             # (buffer, offset, ...) -> name
        self.names: dict = {}                # key -> Text (or _Split)
        self.reads = Counter()
        self.checks: list = []
        self.constants: list[float] = []
        self.preamble: list[str] = []
        self.constant_names: dict = {}
        self.fresh: Counter = Counter()
        self.state_names: dict = {}
        self.used_extents: set = set()
        self._count_reads(nest.body)

    def _count_reads(self, body: list):
        """How often each value is read; in a deeper loop counts as often."""
        def walk(items, path):
            for item in items:
                if isinstance(item, Loop):
                    walk(item.body, (*path, item))
                else:
                    self.made[item.key] = path
                    for number, key in enumerate(item.inputs):
                        often = _mentions(item.statement, number)
                        self.reads[key] += often if self.made.get(key) == path else 2
        self.made: dict = {}
        walk(body, ())

    # ---- the whole ----

    def emit(self) -> KernelText:
        self._block(self.nest.body, 1, ())
        self._load_constants()
        for axis in self.nest.axes:
            if axis in self.used_extents:
                self._integer(self.extents[axis], axis.extent)
        order = {"pointer": 0, "scratch": 1, "constants": 2, "error": 3, "integer": 4, "code": 5}
        parameters = sorted(self.parameters.values(), key=lambda p: order[p.kind])
        head = f"def kernel({', '.join(p.name for p in parameters)}):"
        return KernelText("\n".join([head, *self.lines]) + "\n", parameters, self.checks)

    def _load_constants(self):
        """Numbers that are not written into the text come in one array."""
        if self.constants:
            self.parameters["constants"] = Parameter("constants", "constants", None,
                                                     tuple(self.constants))
        self.lines[:0] = [INDENT + line for line in self.preamble]

    def _integer(self, name: str, value: int):
        self.parameters.setdefault(name, Parameter(name, "integer", None, int(value)))

    def _extent(self, axis: Axis) -> str:
        self.used_extents.add(axis)
        return self.extents[axis]

    def _line(self, depth: int, text: str):
        self.lines.append(INDENT * depth + text)

    def _name(self, prefix: str) -> str:
        """The next name with a prefix: x0, x1, ..."""
        number = self.fresh[prefix]
        self.fresh[prefix] += 1
        return f"{prefix}{number}"

    # ---- loops ----

    def _block(self, body: list, depth: int, path: tuple):
        for item in body:
            if isinstance(item, Loop):
                self._prepare(item, depth, path)
                name, extent = self.axis_names[item.axis], self._extent(item.axis)
                steps = f"{extent} - 1, -1, -1" if item.axis.backward else extent
                self._line(depth, f"for {name} in range({steps}):")
                before = len(self.lines)
                self._block(item.body, depth + 1, (*path, item))
                if len(self.lines) == before:
                    self._line(depth + 1, "pass")
            else:
                self._statement(item, depth, path)

    def _prepare(self, loop: Loop, depth: int, path: tuple):
        """Starts the states of the reductions that a loop finishes."""
        for step, inner in _steps(loop.body, (*path, loop)):
            if not isinstance(step.statement, (*REDUCTIONS, Cumulate)):
                continue
            at, axes = accumulator(step.statement, inner)
            if at == len(path):
                self._start(step, axes, depth)

    def _start(self, step: Step, axes: tuple, depth: int):
        statement = step.statement
        depth = self._loops(axes, depth)
        if isinstance(statement, ArgReduce):
            dtype = statement.inputs[0].dtype
            self._line(depth, f"{self._place_of(step)} = -1")
            self._line(depth, f"{self._best_of(step)} = {self._constant(dtype.type(0))}")
        else:
            state = self._state(step, "acc", statement.dtype)
            self._line(depth, f"{state} = {self._constant(statement.init)}")

    def _best_of(self, step: Step) -> str:
        return self._state(step, "best", step.statement.inputs[0].dtype)

    def _place_of(self, step: Step) -> str:
        return self._state(step, "place", np.dtype(np.int64))

    def _loops(self, axes: tuple, depth: int) -> int:
        """Opens loops over axes; the depth inside."""
        for axis in axes:
            self._line(depth, f"for {self.axis_names[axis]} in range({self._extent(axis)}):")
            depth += 1
        return depth

    def _state(self, step: Step, prefix: str, dtype: np.dtype) -> str:
        """Where a reduction keeps its state: a variable, or an element of scratch memory."""
        key = (step.key, prefix)
        axes = self.nest.states.get(step.key, ()) if isinstance(step.statement, Cumulate) \
            else self.nest.scratch.get(step.key, ())
        name = self.state_names.get(key)
        if name is None:
            name = self.state_names[key] = self._name(prefix if not axes else "w")
            if axes:
                self._scratch(name, local_dtype(dtype), axes)
        return name if not axes else f"{name}[{self._scratch_index(axes)}]"

    def _state_value(self, dtype: np.dtype, state: str) -> Text:
        """The state of a reduction as a value; scratch memory holds local dtypes."""
        return _from_memory(state, local_dtype(dtype)) if state.endswith("]") else Text(state)

    def _scratch(self, name: str, dtype, axes: tuple):
        size = math.prod(axis.extent for axis in axes)
        self.parameters[name] = Parameter(name, "scratch", dtype, size)

    def _scratch_index(self, axes: tuple) -> str:
        text = ""
        for axis in axes:
            name = self.axis_names[axis]
            text = f"({text}) * {self._extent(axis)} + {name}" if " " in text else \
                f"{text} * {self._extent(axis)} + {name}" if text else name
        return text

    # ---- statements ----

    def _statement(self, step: Step, depth: int, path: tuple):
        statement = step.statement
        if isinstance(statement, Store):
            self._store(step, depth, path)
        elif isinstance(statement, (Reduce, Cumulate)):
            state = self._state(step, "acc", statement.dtype)
            values = [self._read(key, path) for key in step.inputs]
            value = self._state_value(statement.dtype, state)
            self._line(depth, f"{state} = {self._combined(statement, value, values)}")
            if isinstance(statement, Reduce):
                self.names[step.key] = value
            else:
                self._keep(step, value, depth)
        elif isinstance(statement, ArgReduce):
            self._arg_reduce(step, depth, path)
        elif isinstance(statement, Map) and statement.outputs > 1:
            names = [self._name("v") for _ in range(statement.outputs)]
            self._line(depth, f"{', '.join(names)} = {self._expression(step, path)}")
            self.names[step.key] = names
        elif isinstance(statement, Pick):
            self._keep(step, Text(self.names[step.inputs[0]][statement.number]), depth)
        else:
            self._value(step, depth, path)

    def _combined(self, statement, state: Text, values: list) -> Text:
        """The new state: `combine` of the state and the values."""
        operands = {number: value for number, value in enumerate(values)}
        operands["acc"] = state
        return self._filled(statement.combine, operands, statement.dtype)

    def _filled(self, expr: str, operands, dtype: np.dtype, kind=None) -> Text:
        expr = expr.replace("{T}", local_dtype(kind or dtype).name)
        return self._cast(template(expr).fill(operands), dtype)

    def _arg_reduce(self, step: Step, depth: int, path: tuple):
        statement = step.statement
        best, place = self._best_of(step), self._place_of(step)
        value = self._name("v")
        self._line(depth, f"{value} = {self._read(step.inputs[0], path)}")
        operands = {0: Text(value), "acc": self._state_value(statement.inputs[0].dtype, best)}
        better = template(statement.better).fill(operands).text
        if statement.inputs[0].dtype.kind == "f" or statement.inputs[0].dtype.name == "bfloat16":
            better = f"({better} or {value} != {value}) and {best} == {best}"
        self._line(depth, f"if {place} < 0 or {better}:")
        self._line(depth + 1, f"{best} = {value}")
        self._line(depth + 1, f"{place} = {self._over_index(statement)}")
        self.names[step.key] = Text(place)

    def _over_index(self, statement) -> str:
        axis, = statement.over or (None,)
        return self.axis_names[axis] if axis is not None else "0"

    def _value(self, step: Step, depth: int, path: tuple):
        """A value that is computed at a point: named, or written where it is used."""
        statement = step.statement
        if isinstance(statement, Constant):
            self.names[step.key] = Text(self._number_of(statement.value))
        elif isinstance(statement, Load):
            self._keep(step, self._load(step, depth, path), depth)
        elif isinstance(statement, Index):
            self._keep(step, Text(self._affine(statement)), depth)
        else:
            self._keep(step, self._expression(step, path), depth)

    def _keep(self, step: Step, text: Text, depth: int):
        """Gives a value its name: itself if it is short and used once, a variable otherwise."""
        axes = self.nest.scratch.get(step.key)
        short = self.reads[step.key] <= 1 and len(text.text) <= MAX_INLINE
        if axes:
            memory, local = self._name("w"), self._name("v")
            self._scratch(memory, local_dtype(step.statement.dtype), axes)
            target = f"{memory}[{self._scratch_index(axes)}]"
            self._line(depth, f"{local} = {text}")
            self._line(depth, f"{target} = {local}")
            stored = _from_memory(target, local_dtype(step.statement.dtype))
            self.names[step.key] = _Split(Text(local), stored, self.made[step.key])
        elif short or _is_name(text.text):
            self.names[step.key] = text
        else:
            name = self._name("v")
            self._line(depth, f"{name} = {text}")
            self.names[step.key] = Text(name)

    def _read(self, key: int, path: tuple) -> Text:
        text = self.names[key]
        return text.at(path) if isinstance(text, _Split) else text

    # ---- expressions ----

    def _expression(self, step: Step, path: tuple) -> Text:
        statement = step.statement
        kind = statement.inputs[0].dtype if statement.inputs else statement.dtype
        values = [self._read(key, path) for key in step.inputs]
        if statement.outputs > 1:
            return template(statement.expr).fill(values)
        return self._filled(statement.expr, values, statement.dtype, kind)

    def _cast(self, text: Text, dtype: np.dtype) -> Text:
        """Python's and numba's integers are wide: results are brought back to their dtype."""
        if dtype.kind not in "iu" or dtype.itemsize == 8:
            return text
        is_cast = text.binding == ATOM and text.text.startswith(f"{dtype.name}(")
        return text if is_cast else Text(f"{dtype.name}({text})")

    def _number_of(self, value) -> str:
        """A number: written out if it is a plain one, read from the array of constants if not.

        So that a new learning rate, or a mean over another number of elements, is no new kernel.
        """
        dtype = local_dtype(np.asarray(value).dtype)
        if dtype.kind == "b" or _is_plain(value):
            return self._constant(value)
        key = (dtype, np.asarray(value).tobytes())
        name = self.constant_names.get(key)
        if name is None:
            name = self.constant_names[key] = self._name("c")
            if dtype.kind in "iu":
                self._line_of_integer(name, value, dtype)
            else:
                self._line_of_float(name, value, dtype)
        return name

    def _line_of_integer(self, name: str, value, dtype: np.dtype):
        parameter = self._name("constant")
        self._integer(parameter, int(np.asarray(value).astype(np.int64)))
        self.preamble.append(f"{name} = {dtype.name}({parameter})")

    def _line_of_float(self, name: str, value, dtype: np.dtype):
        parts = (value.real, value.imag) if dtype.kind == "c" else (value,)
        places = []
        for part in parts:
            places.append(f"constants[{len(self.constants)}]")
            self.constants.append(float(part))
        inner = f"complex({', '.join(places)})" if dtype.kind == "c" else places[0]
        self.preamble.append(f"{name} = {dtype.name}({inner})")

    def _constant(self, value) -> str:
        """A number, written out."""
        dtype = local_dtype(np.asarray(value).dtype)
        if dtype.kind == "b":
            return str(bool(value))
        if dtype.kind == "c":
            real, imag = (_number(float(part)) for part in (value.real, value.imag))
            return f"{dtype.name}(complex({real}, {imag}))"
        if dtype.kind == "f":
            return f"{dtype.name}({_number(float(value), dtype)})"
        return f"{dtype.name}({int(value)})"

    def _affine(self, statement: Index) -> str:
        if statement.axis is None:
            text = self._offset(statement.start)
        else:
            text = self.axis_names[statement.axis]
            if statement.step != 1:
                text = f"{text} * {self._offset(statement.step)}"
            if statement.start:
                text = f"{text} + {self._offset(statement.start)}"
        return f"{local_dtype(statement.dtype).name}({text})"

    def _offset(self, value: int) -> str:
        """An integer that depends on sizes: a parameter, so that sizes do not change the text."""
        name = self._name("d")
        self._integer(name, value)
        return name

    # ---- memory ----

    def _pointer(self, view: View, offset: int) -> str:
        key = (id(view.buffer), offset)
        name = self.pointers.get(key)
        if name is None:
            prefix = _PREFIXES[view.buffer.root().role]
            name = self.pointers[key] = self._name(prefix)
            base = View(view.buffer, offset, (), ())
            self.parameters[name] = Parameter(name, "pointer", view.dtype, base)
        return name

    def _address(self, place: Place, dynamic: list[str]) -> str:
        """The text `pointer[index]` of a place."""
        offset = place.offset
        terms = []
        for axis, stride in place.coefficients.items():
            if stride < 0:
                offset += stride * (axis.extent - 1)
        strides = {axis: abs(stride) for axis, stride in place.coefficients.items()}
        name = self._pointer(place.view, offset)
        terms = self._linear(strides, place.coefficients) + dynamic
        return f"{name}[{' + '.join(terms) or '0'}]"

    def _linear(self, strides: dict, signed: dict) -> list[str]:
        """The linear index, nested as one writes row-major indexing by hand."""
        expected = 1
        canonical, others = [], []
        for axis in reversed([axis for axis in self.nest.axes if axis in strides]):
            if strides[axis] == expected:
                canonical.append(axis)
                expected *= axis.extent
            else:
                others.append(axis)
        terms = [f"{self._index_of(axis, signed[axis] < 0).within(PRODUCT)} * "
                 f"{self._stride(strides[axis])}" for axis in reversed(others)]
        text = None
        for axis in reversed(canonical):
            index = self._index_of(axis, signed[axis] < 0)
            text = index if text is None else Text(
                f"{text.within(PRODUCT)} * {self._extent(axis)} + {index}", SUM)
        return terms + ([text.text] if text else [])

    def _index_of(self, axis: Axis, backwards: bool) -> Text:
        name = self.axis_names[axis]
        return Text(f"{self._extent(axis)} - 1 - {name}", SUM) if backwards else Text(name)

    def _stride(self, value: int) -> str:
        for name, parameter in self.parameters.items():
            if parameter.kind == "integer" and name.startswith("s") and parameter.value == value:
                return name
        name = self._name("s")
        self._integer(name, value)
        return name

    def _load(self, step: Step, depth: int, path: tuple) -> Text:
        statement, place = step.statement, step.statement.place
        values = [self._read(key, path) for key in step.inputs]
        dynamic, conditions = self._dynamic(place, values, statement, depth)
        guard_terms, guards = self._guards(place)
        conditions += guards
        text = _from_memory(self._address(place, dynamic + guard_terms), place.view.dtype)
        if not conditions:
            return text
        otherwise = values[statement.otherwise]
        return Text(f"{text} if {' and '.join(conditions)} else {otherwise}", CHOICE)

    def _dynamic(self, place: Place, values: list, statement, depth: int):
        """Index terms known at run time, and conditions under which they are inside."""
        terms, conditions = [], []
        for number, stride, size, mode in place.dynamic:
            index = self._name("i")
            limit = self._offset(size)
            self._line(depth, f"{index} = int64({values[number]})")
            if mode == "raise":
                self._check(index, limit, size, statement, depth)
            elif mode == "clip":
                self._line(depth, f"{index} = minimum(maximum({index}, int64(0)), {limit} - 1)")
            elif mode == "drop":
                conditions.append(f"0 <= {index} < {limit}")
            terms.append(index if stride == 1 else f"{index} * {self._stride(stride)}")
        return terms, conditions

    def _check(self, index: str, limit: str, size: int, statement, depth: int):
        """An index outside is recorded, and replaced by one that does no harm."""
        self.parameters.setdefault("error", Parameter("error", "error"))
        code = self._name("code")
        self.parameters[code] = Parameter(code, "code", None, len(self.checks))
        self.checks.append((statement.location, size))
        self._line(depth, f"if {index} < 0 or {index} >= {limit}:")
        self._line(depth + 1, f"error[0], error[1], error[2] = 1, {code}, {index}")
        self._line(depth + 1, f"{index} = 0")

    def _guards(self, place: Place):
        """Index terms and conditions of a padded operand."""
        terms, conditions = [], []
        for axis, start, step, low, gap, size, stride in place.guards:
            position = self._offset(start - low)
            if axis is not None:
                name = self.axis_names[axis]
                name = name if step == 1 else f"{name} * {self._offset(step)}"
                position = f"({name} + {position})"
            limit = self._offset(size * gap if size else 0)
            conditions.append(f"0 <= {position} < {limit}")
            if gap != 1:
                spacing = self._offset(gap)
                conditions.append(f"{position} % {spacing} == 0")
                position = f"{position} // {spacing}"
            terms.append(position if stride == 1 else f"{position} * {self._stride(stride)}")
        return terms, conditions

    def _store(self, step: Step, depth: int, path: tuple):
        statement, place = step.statement, step.statement.place
        values = [self._read(key, path) for key in step.inputs]
        dynamic, conditions = self._dynamic(place, values, statement, depth)
        if conditions:
            self._line(depth, f"if {' and '.join(conditions)}:")
            depth += 1
        target = self._address(place, dynamic)
        value, dtype = values[0], place.view.dtype
        if statement.combine:
            operands = {0: value, "acc": _from_memory(target, dtype)}
            value = self._filled(statement.combine, operands, dtype)
        self._line(depth, f"{target} = {_to_memory(value.text, dtype)}")


def _mentions(statement, number: int) -> int:
    """How often the text of a statement will mention one of its inputs."""
    text = getattr(statement, "expr", "") or getattr(statement, "combine", "")
    return max(text.count(f"{{{number}}}"), 1)


class _Split:
    """A value that has a variable in its own loop, and an element of scratch elsewhere."""

    __slots__ = ("local", "memory", "home")

    def __init__(self, local: Text, memory: Text, home: tuple):
        self.local, self.memory, self.home = local, memory, home

    def at(self, path: tuple) -> Text:
        if path[:len(self.home)] == self.home:
            return self.local
        return self.memory


def _steps(body: list, path: tuple):
    """All steps of a body, each with its path of loops."""
    for item in body:
        if isinstance(item, Loop):
            yield from _steps(item.body, (*path, item))
        else:
            yield item, path


def _axis_names(nest: Nest) -> dict:
    return {axis: AXIS_NAMES[number] if number < len(AXIS_NAMES) else f"i{number}"
            for number, axis in enumerate(nest.axes)}


def _from_memory(text: str, dtype: np.dtype) -> Text:
    """An element of memory as a value: half precision is stored as bits, booleans as bytes."""
    if dtype.name == "float16":
        return Text(f"half_to_float({text})")
    if dtype.name == "bfloat16":
        return Text(f"bfloat16_to_float({text})")
    return Text(f"{text} != 0", COMPARISON) if dtype.kind == "b" else Text(text)


def _to_memory(text: str, dtype: np.dtype) -> str:
    if dtype.name == "float16":
        return f"float_to_half({text})"
    return f"float_to_bfloat16({text})" if dtype.name == "bfloat16" else text


def _number(value: float, dtype=np.dtype(np.float64)) -> str:
    """A float as Python text; the shortest that reads back as the same number of dtype."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(dtype.type(value).item()) if dtype.itemsize > 4 else _short(value)


def _short(value: float) -> str:
    text = np.format_float_positional(np.float32(value), unique=True, trim="0")
    return text if len(text) < 14 else np.format_float_scientific(np.float32(value), unique=True)


def _is_plain(value) -> bool:
    """Numbers that belong to a formula rather than to its sizes or settings."""
    if np.iscomplexobj(value):
        return _is_plain(value.real) and _is_plain(value.imag)
    return value != value or float(value) in (0, 1, -1, 2, -2, 0.5, -0.5, math.inf, -math.inf)


def _is_name(text: str) -> bool:
    return text.replace("_", "a").isalnum()
