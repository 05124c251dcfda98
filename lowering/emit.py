"""From loops to the text of a kernel: readable Python, for numba and for CPython alike.

The text is canonical: names follow from the structure alone, sizes are parameters. Equal
structures give equal texts, and are compiled once.

In: `Nest`. Out: `KernelText`: the text, and what is passed for each parameter. Imports `loops`,
`nest`, `views`.
"""
from __future__ import annotations

import math
from collections import Counter

import numpy as np

from functrans.ir.type import name_of
from lowering.expression import CHOICE, PRODUCT, SUM, Text, template
from lowering.followed import whole
from lowering.kernel_text import (INDENT, KernelText, Numbers, Split, cast, constant, from_memory,
                                  local_dtype, to_memory)
from lowering.loops import Axis, Constant, Cumulate, Index, Load, Map, Pick, Place, Reduce, Store
from lowering.passes.split import outermost, work
from lowering.nest import Loop, Nest, Step, accumulator
from lowering.views import View

MAX_INLINE = 50          # longer expressions get a line of their own
AXIS_NAMES = "ijklmpqrs"
TILE = 64                # rows and columns of a tile: both sides of it fit the first-level cache


def emit(nest: Nest) -> KernelText:
    """The text of a kernel."""
    return Emitter(nest).emit()


class Emitter:
    """The text of one kernel: its lines so far, and the names of its values."""

    def __init__(self, nest: Nest):
        self.nest = nest
        self.lines: list[str] = []
        self.locations: list = []            # for each line, the user's line
        self.location = None
        self.numbers = Numbers()
        self.axis_names = _axis_names(nest)
        self.extents = {axis: f"n_{name}" if len(nest.axes) > 1 else "n"
                        for axis, name in self.axis_names.items()}
        self.pointers: dict = {}             # buffer -> (offset, name) of each
        self.names: dict = {}                # key -> Text (or _Split)
        self.reads = Counter()
        self.checks: list = []
        self.state_names: dict = {}
        self.used_extents: set = set()
        self.moves: dict = {}                # pointer -> strides along the outermost axis
        self.absolute: set = set()           # axes whose index or extent the text computes with
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
        text, parameters, locations = self._whole()
        return KernelText(text, parameters, self.checks, self._split(), locations)

    def _whole(self) -> tuple[str, list, list]:
        """The text with its head, the parameters, and the user's line of each line."""
        for axis in self.nest.axes:
            if axis in self.used_extents:
                self.numbers.add(self.extents[axis], "integer", None, whole(axis.extent))
        parameters = self.numbers.all_parameters()
        head = f"def kernel({', '.join(p.name for p in parameters)}):"
        lines = [head, *(INDENT + line for line in self.numbers.preamble), *self.lines]
        locations = [None] * (len(lines) - len(self.lines)) + self.locations
        return "\n".join(lines) + "\n", parameters, locations

    def _split(self) -> Split | None:
        """How the outermost loop can be cut into parts; None if it cannot."""
        axis = outermost(self.nest)
        if axis is None or axis in self.absolute or self.checks \
                or any(len(strides) != 1 for strides in self.moves.values()):
            return None
        strides = {name: stride for name, (stride,) in self.moves.items()}
        return Split(self.extents[axis], strides, work(self.nest))

    def _extent(self, axis: Axis) -> str:
        self.used_extents.add(axis)
        return self.extents[axis]

    def _line(self, depth: int, text: str):
        self.lines.append(INDENT * depth + text)
        self.locations.append(None if text.startswith(("for ", "pass")) else self.location)

    # ---- loops ----

    def _block(self, body: list, depth: int, path: tuple):
        for item in body:
            if isinstance(item, Loop) and item.tiled:
                self._tiles(item, depth, path)
            elif isinstance(item, Loop):
                self._prepare(item, depth, path)
                name, extent = self.axis_names[item.axis], self._extent(item.axis)
                steps = f"{extent} - 1, -1, -1" if item.axis.backward else extent
                self._line(depth, f"for {name} in range({steps}):")
                self._loop_body(item.body, depth + 1, (*path, item))
            else:
                self._statement(item, depth, path)

    def _loop_body(self, body: list, depth: int, path: tuple):
        """What stands in a loop; Python has no empty blocks."""
        before = len(self.lines)
        self._block(body, depth, path)
        if len(self.lines) == before:
            self._line(depth, "pass")

    def _tiles(self, outer: Loop, depth: int, path: tuple):
        """A loop and those in it, tile by tile."""
        for number, loop in enumerate((outer, outer.body[0])):
            name, extent = self.axis_names[loop.axis], self._extent(loop.axis)
            self._line(depth + number, f"for {name}_start in range(0, {extent}, {TILE}):")
        self._within_tile(outer, depth + 2)
        for inner in outer.body:
            self._within_tile(inner, depth + 3)
            self._loop_body(inner.body, depth + 4, (*path, outer, inner))

    def _within_tile(self, loop: Loop, depth: int):
        name, extent = self.axis_names[loop.axis], self._extent(loop.axis)
        self._line(depth, f"for {name} in range({name}_start, "
                          f"minimum({name}_start + {TILE}, {extent})):")

    def _prepare(self, loop: Loop, depth: int, path: tuple):
        """Starts the states of the reductions that a loop finishes."""
        for step, inner in steps_of(loop.body, (*path, loop)):
            if not isinstance(step.statement, (Reduce, Cumulate)):
                continue
            at, axes = accumulator(step.statement, inner)
            if at == len(path):
                self._start(step, axes, depth)

    def _start(self, step: Step, axes: tuple, depth: int):
        statement = step.statement
        self.location = statement.location
        depth = self._loops(axes, depth)
        state = self._state(step, "acc", statement.dtype)
        self._line(depth, f"{state} = {constant(statement.init)}")

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
            name = self.state_names[key] = self.numbers.name(prefix if not axes else "w")
            if axes:
                self._scratch(name, local_dtype(dtype), axes)
        return name if not axes else f"{name}[{self._scratch_index(axes)}]"

    def _state_value(self, dtype: np.dtype, state: str) -> Text:
        """The state of a reduction as a value; scratch memory holds local dtypes."""
        return from_memory(state, local_dtype(dtype)) if state.endswith("]") else Text(state)

    def _scratch(self, name: str, dtype, axes: tuple):
        size = math.prod(axis.extent for axis in axes)
        self.numbers.add(name, "scratch", dtype, size)

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
        self.location = statement.location
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
        elif isinstance(statement, Map) and statement.outputs > 1:
            names = [self.numbers.name("v") for _ in range(statement.outputs)]
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
        expr = expr.replace("{T}", name_of(local_dtype(kind or dtype)))
        return cast(template(expr).fill(operands), dtype)

    def _value(self, step: Step, depth: int, path: tuple):
        """A value that is computed at a point: named, or written where it is used."""
        statement = step.statement
        if isinstance(statement, Constant):
            self.names[step.key] = Text(self.numbers.number(statement.value))
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
            memory, local = self.numbers.name("w"), self.numbers.name("v")
            self._scratch(memory, local_dtype(step.statement.dtype), axes)
            target = f"{memory}[{self._scratch_index(axes)}]"
            self._line(depth, f"{local} = {text}")
            self._line(depth, f"{target} = {local}")
            stored = from_memory(target, local_dtype(step.statement.dtype))
            self.names[step.key] = _Split(Text(local), stored, self.made[step.key])
        elif short or _is_name(text.text):
            self.names[step.key] = text
        else:
            name = self.numbers.name("v")
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

    def _affine(self, statement: Index) -> str:
        if statement.axis is None:
            text = self._offset(statement.start)
        else:
            text = self.axis_names[statement.axis]
            self.absolute.add(statement.axis)
            if statement.step != 1:
                text = f"{text} * {self._offset(statement.step)}"
            if statement.start:
                text = f"{text} + {self._offset(statement.start)}"
        return f"{local_dtype(statement.dtype).name}({text})"

    def _offset(self, value: int) -> str:
        """An integer that depends on sizes: a parameter, so that sizes do not change the text."""
        return self.numbers.integer("d", value)

    # ---- memory ----

    def _pointer(self, view: View, offset: int) -> str:
        known = self.pointers.setdefault(id(view.buffer), [])
        for start, name in known:
            if start == offset:
                return name
        known.append((offset, self.numbers.pointer(view.buffer, offset)))
        return known[-1][1]

    def _address(self, place: Place, dynamic: list[str]) -> str:
        """The text `pointer[index]` of a place."""
        offset = place.offset
        terms = []
        for axis, stride in place.coefficients.items():
            if stride < 0:
                offset += stride * (axis.extent - 1)
        strides = {axis: abs(stride) for axis, stride in place.coefficients.items()}
        name = self._pointer(place.view, offset)
        outer = self.nest.axes[0] if self.nest.axes else None
        moves, move = self.moves.setdefault(name, []), place.coefficients.get(outer, 0)
        if move not in moves:
            moves.append(move)
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
                 f"{self.numbers.stride(strides[axis])}" for axis in reversed(others)]
        text = None
        for axis in reversed(canonical):
            index = self._index_of(axis, signed[axis] < 0)
            if text is not None:
                self.absolute.add(axis)
                index = Text(f"{text.within(PRODUCT)} * {self._extent(axis)} + {index}", SUM)
            text = index
        return terms + ([text.text] if text else [])

    def _index_of(self, axis: Axis, backwards: bool) -> Text:
        name = self.axis_names[axis]
        if backwards:
            self.absolute.add(axis)
            return Text(f"{self._extent(axis)} - 1 - {name}", SUM)
        return Text(name)

    def _load(self, step: Step, depth: int, path: tuple) -> Text:
        statement, place = step.statement, step.statement.place
        values = [self._read(key, path) for key in step.inputs]
        dynamic, conditions = self._dynamic(place, values, statement, depth)
        guard_terms, guards = self._guards(place)
        conditions += guards
        text = from_memory(self._address(place, dynamic + guard_terms), place.view.dtype)
        if not conditions:
            return text
        otherwise = values[statement.otherwise]
        return Text(f"{text} if {' and '.join(conditions)} else {otherwise}", CHOICE)

    def _dynamic(self, place: Place, values: list, statement, depth: int):
        """Index terms known at run time, and conditions under which they are inside."""
        terms, conditions = [], []
        for number, stride, size, mode in place.dynamic:
            index = self.numbers.name("i")
            limit = self._offset(size)
            self._line(depth, f"{index} = int64({values[number]})")
            if mode == "raise":
                self._check(index, limit, size, statement, depth)
            elif mode == "clip":
                self._line(depth, f"{index} = minimum(maximum({index}, int64(0)), {limit} - 1)")
            elif mode == "drop":
                conditions.append(f"0 <= {index} < {limit}")
            terms.append(index if stride == 1 else f"{index} * {self.numbers.stride(stride)}")
        return terms, conditions

    def _check(self, index: str, limit: str, size: int, statement, depth: int):
        """An index outside is recorded, and replaced by one that does no harm."""
        self.numbers.add("error", "error")
        code = self.numbers.name("code")
        self.numbers.add(code, "code", None, len(self.checks))
        self.checks.append((statement.location, size))
        self._line(depth, f"if {index} < 0 or {index} >= {limit}:")
        self._line(depth + 1, self._report(code, index))
        self._line(depth + 1, f"{index} = 0")

    def _report(self, code: str, index: str) -> str:
        """What is written down of an index outside: that there is one, of which check, which."""
        return f"error[0], error[1], error[2] = 1, {code}, {index}"

    def _guards(self, place: Place):
        """Index terms and conditions of a padded operand."""
        terms, conditions = [], []
        for axis, start, step, low, gap, size, stride in place.guards:
            position = self._offset(start - low)
            if axis is not None:
                self.absolute.add(axis)
                name = self.axis_names[axis]
                name = name if step == 1 else f"{name} * {self._offset(step)}"
                position = f"({name} + {position})"
            limit = self._offset(size * gap if size else 0)
            conditions.append(f"0 <= {position} < {limit}")
            if gap != 1:
                spacing = self._offset(gap)
                conditions.append(f"{position} % {spacing} == 0")
                position = f"{position} // {spacing}"
            terms.append(position if stride == 1 else f"{position} * {self.numbers.stride(stride)}")
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
            operands = {0: value, "acc": from_memory(target, dtype)}
            value = self._filled(statement.combine, operands, dtype)
        self._line(depth, f"{target} = {to_memory(value.text, dtype)}")


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


def steps_of(body: list, path: tuple):
    """All steps of a body, each with its path of loops."""
    for item in body:
        if isinstance(item, Loop):
            yield from steps_of(item.body, (*path, item))
        else:
            yield item, path


def _axis_names(nest: Nest) -> dict:
    return {axis: AXIS_NAMES[number] if number < len(AXIS_NAMES) else f"i{number}"
            for number, axis in enumerate(nest.axes)}


def _is_name(text: str) -> bool:
    return text.replace("_", "a").isalnum()
