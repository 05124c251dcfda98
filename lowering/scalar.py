"""Loops over few numbers, as one kernel: every element of a small array is a variable.

A loop whose body handles only scalars and arrays of a few elements costs more to set up than to
compute. Here it becomes Python text with the loops in it, inner loops and choices included: no step
of the runner is taken between iterations.

In: a loop equation and views of its operands and results. Out: `KernelText`, or None if the body
does not qualify. Imports `functrans.ir`, `expression`, `kernel_text`, `views`.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal, Program, Var
from lowering.expression import NEGATION, PRODUCT, SUM, Text, template
from lowering.kernel_text import (
    INDENT,
    KernelText,
    Numbers,
    cast,
    constant,
    from_memory,
    local_dtype,
    to_memory,
)
from lowering.views import View

MAX_ELEMENTS = 16           # of one value
MAX_OPERATIONS = 300        # of a whole kernel: numba takes about two milliseconds for each
MAX_INLINE = 50             # longer expressions get a line of their own

LOOPS = (kernels.Scan, kernels.While, kernels.Unwind)


class TooLarge(Exception):
    """The loop does not qualify: it is run step by step."""


# ---- does it qualify? ----

def qualifies(program: Program, large: set) -> bool:
    """Whether a body can be written with a variable for each element.

    large: inputs that may be large, because they are only indexed or run over.
    """
    try:
        return _weigh(program, large) <= MAX_OPERATIONS
    except TooLarge:
        return False


def _weigh(program: Program, large: set) -> int:
    total = 0
    for var in program.inputs:
        if var not in large:
            _require_small(var.type)
    for equation in program.equations:
        total += _weigh_equation(equation, large)
    return total


def _require_small(kind):
    if kind.size > MAX_ELEMENTS or not isinstance(kind.dtype, np.dtype):
        raise TooLarge


def _weigh_equation(equation: Equation, large: set) -> int:
    kernel = equation.kernel
    if isinstance(kernel, LOOPS + (kernels.Branch,)):
        return _weigh_inner(equation, kernel, large)
    for var in equation.outputs:
        _require_small(var.type)
    size = sum(var.type.size for var in equation.outputs)
    if isinstance(kernel, (kernels.Gather, kernels.DynamicSlice)):
        _require_small_operands(equation.inputs[1:], large)
        if isinstance(kernel, kernels.Gather) and kernel.mode == "raise":
            raise TooLarge                    # an error is recorded by kernels of the other kind
        return 3 * size
    _require_small_operands(equation.inputs, large)
    if isinstance(kernel, (kernels.Reduce, kernels.ArgReduce)):
        return equation.inputs[0].type.size
    if isinstance(kernel, kernels.Contract):
        inner = [equation.inputs[0].type.shape[k] for k in kernel.contract[0]]
        return size * math.prod(inner)
    if type(kernel) in _RULES:
        return size
    raise TooLarge


def _require_small_operands(atoms, large: set):
    for atom in atoms:
        if atom in large:
            raise TooLarge
        _require_small(atom.type)


def _weigh_inner(equation: Equation, kernel, large: set) -> int:
    if isinstance(kernel, kernels.Unwind) or isinstance(kernel, kernels.While) and kernel.counted:
        raise TooLarge                        # stacks
    if isinstance(kernel, kernels.Branch):
        operands = equation.inputs[1:]
        return sum(_weigh(program, _large_inputs(program.inputs, operands, large))
                   for program in kernel.branches)
    if isinstance(kernel, kernels.While):
        tests = kernel.condition_constants
        rest = equation.inputs[tests:]
        carries = equation.inputs[tests + kernel.body_constants:]
        _require_small_operands(carries, large)
        return _weigh(kernel.body, _large_inputs(kernel.body.inputs, rest, large)) \
            + _weigh(kernel.condition, _large_inputs(
                kernel.condition.inputs, [*equation.inputs[:tests], *carries], large))
    first, second = kernel.constants, kernel.constants + kernel.carries
    _require_small_operands(equation.inputs[first:second], large)
    for atom in equation.inputs[second:]:
        if type(atom) is Literal or atom not in large:
            raise TooLarge                    # slices of what is no array in memory
    if equation.outputs[kernel.carries:]:
        raise TooLarge                        # rows of an inner loop have no memory of their own
    return _weigh(kernel.body, _large_inputs(kernel.body.inputs[:first],
                                             equation.inputs[:first], large))


def _large_inputs(inputs: Sequence, operands: Sequence, large: set) -> set:
    return {var for var, atom in zip(inputs, operands) if type(atom) is Var and atom in large}


# ---- writing ----

def loop_kernel(equation: Equation, inputs: Sequence[View],
                outputs: Sequence[View]) -> KernelText | None:
    """The kernel of a scan or while equation, whose operands and results lie in memory."""
    kernel = equation.kernel
    if isinstance(kernel, kernels.Unwind):
        return None                           # its slices are elements of stacks
    try:
        return _Writer().outermost(equation, kernel, list(inputs), list(outputs))
    except TooLarge:
        return None


class _Writer:
    """The lines so far; a value is a list of texts, one for each element."""

    def __init__(self):
        self.lines: list[str] = []
        self.numbers = Numbers()
        self.pointers: dict = {}
        self.budget = MAX_OPERATIONS

    def line(self, depth: int, text: str):
        self.lines.append(INDENT * depth + text)
        self.budget -= 1
        if self.budget < 0:
            raise TooLarge

    def outermost(self, equation, kernel, inputs: list, outputs: list) -> KernelText:
        if isinstance(kernel, kernels.While):
            self._outer_while(kernel, inputs, outputs)
        else:
            self._outer_scan(kernel, inputs, outputs)
        numbers = self.numbers
        lines = [*(INDENT + line for line in numbers.preamble), *self.lines]
        parameters = numbers.all_parameters()
        head = f"def kernel({', '.join(p.name for p in parameters)}):"
        return KernelText("\n".join([head, *lines]) + "\n", parameters)

    # ---- memory ----

    def pointer(self, view: View) -> str:
        key = (id(view.buffer), view.offset)
        if key not in self.pointers:
            self.pointers[key] = self.numbers.pointer(view.buffer, view.offset)
        return self.pointers[key]

    def load(self, view: View, at: str | None, size: int) -> list[Text]:
        """`size` elements of a view, behind `at` times as many."""
        name = self.pointer(view)
        return [from_memory(f"{name}[{_index(at, size, k)}]", view.dtype) for k in range(size)]

    def store(self, view: View, at: str | None, values: list[Text], depth: int):
        name = self.pointer(view)
        for k, value in enumerate(values):
            self.line(depth, f"{name}[{_index(at, len(values), k)}] = "
                             f"{to_memory(value.text, view.dtype)}")

    def named(self, values: list[Text], depth: int, prefix: str = "v") -> list[Text]:
        """Values that have a name each (numbers and names stay as they are)."""
        found = []
        for value in values:
            if not value.text.replace("_", "a").isalnum():
                name = self.numbers.name(prefix)
                self.line(depth, f"{name} = {value}")
                value = Text(name)
            found.append(value)
        return found

    # ---- the outermost loop: operands are views ----

    def _constant(self, var: Var, view: View, indexed: set, scope: dict):
        """A constant: its elements in variables, or itself if it is large."""
        if var in indexed:
            scope[var] = view
        else:
            scope[var] = self.named(self.load(view, None, var.type.size), 1, "a")

    def _outer_scan(self, kernel, inputs: list, outputs: list):
        body = kernel.body
        first, second = kernel.constants, kernel.constants + kernel.carries
        indexed = _indexed_only(body, body.inputs[:first])
        self._check(body, indexed)
        scope: dict = {}
        for var, view in zip(body.inputs[:first], inputs):
            self._constant(var, view, indexed, scope)
        state = [self._start(self.load(view, None, var.type.size))
                 for var, view in zip(body.inputs[first:second], inputs[first:second])]
        index = self._open_range(kernel.length, kernel.reverse, 1)
        for var, view in zip(body.inputs[second:], inputs[second:]):
            scope[var] = self.named(self.load(view, index, var.type.size), 2)
        scope.update(zip(body.inputs[first:second], state))
        results = self.body(body, scope, 2)
        for view, values in zip(outputs[kernel.carries:], results[kernel.carries:]):
            self.store(view, index, values, 2)
        self._assign(state, results[:kernel.carries], 2)
        self._end_block(2)
        for view, values in zip(outputs, state):
            self.store(view, None, values, 1)

    def _outer_while(self, kernel, inputs: list, outputs: list):
        if kernel.counted:
            raise TooLarge
        tests, constants = kernel.condition_constants, kernel.body_constants
        condition, body = kernel.condition, kernel.body
        scope: dict = {}
        for program, views, count in ((condition, inputs, tests),
                                      (body, inputs[tests:], constants)):
            indexed = _indexed_only(program, program.inputs[:count])
            self._check(program, indexed)
            for var, view in zip(program.inputs[:count], views):
                self._constant(var, view, indexed, scope)
        starts = inputs[tests + constants:]
        state = [self._start(self.load(view, None, var.type.size))
                 for var, view in zip(body.inputs[constants:], starts)]
        self._while(condition, body, tests, constants, state, scope, 1)
        for view, values in zip(outputs, state):
            self.store(view, None, values, 1)

    def _check(self, program: Program, large: set):
        if not qualifies(program, large):
            raise TooLarge

    # ---- loops ----

    def _end_block(self, depth: int):
        """Python has no empty blocks: a loop may come out as one, if it changes nothing."""
        if self.lines[-1].endswith(":"):
            self.line(depth, "pass")

    def _start(self, values: list[Text], depth: int = 1) -> list[Text]:
        """Variables for a carry, with their first values."""
        found = []
        for value in values:
            name = self.numbers.name("s")
            self.line(depth, f"{name} = {value}")
            found.append(Text(name))
        return found

    def _open_range(self, length: int, reverse: bool, depth: int) -> str:
        index = self.numbers.name("k")
        count = self.numbers.integer("n", length)
        steps = f"{count} - 1, -1, -1" if reverse else count
        self.line(depth, f"for {index} in range({steps}):")
        return index

    def _while(self, condition, body, tests: int, constants: int, state, scope, depth: int):
        self.line(depth, "while True:")
        scope = dict(scope)
        scope.update(zip(condition.inputs[tests:], state))
        scope.update(zip(body.inputs[constants:], state))
        (answer,), = self.body(condition, scope, depth + 1)
        self.line(depth + 1, f"if not {answer.within(NEGATION)}:")
        self.line(depth + 2, "break")
        self._assign(state, self.body(body, scope, depth + 1), depth + 1)

    def _assign(self, targets: list, values: list, depth: int):
        """New values of all carries, at once: what is overwritten too early is kept aside."""
        pairs = [(target.text, value) for group, new in zip(targets, values)
                 for target, value in zip(group, new) if target.text != value.text]
        written: set = set()
        settled = []
        for target, value in pairs:
            settled.append((target, value))
            written.add(target)
        names = {target for target, _ in settled}
        ordered = []
        for position, (target, value) in enumerate(settled):
            earlier = {name for name, _ in settled[:position]}
            if value.text in names and value.text in earlier:
                kept = self.numbers.name("v")
                ordered.insert(0, (kept, value))
                value = Text(kept)
            ordered.append((target, value))
        for target, value in ordered:
            self.line(depth, f"{target} = {value}")

    # ---- bodies ----

    def body(self, program: Program, scope: dict, depth: int) -> list[list[Text]]:
        """The equations of a body; the values of its outputs."""
        scope = dict(scope)
        inline = _read_once(program)
        for equation in program.equations:
            self.equation(equation, scope, depth)
            for var in equation.outputs:
                if var not in inline or any(len(v.text) > MAX_INLINE for v in scope[var]):
                    scope[var] = self.named(scope[var], depth)
        return [self.named(self.value(atom, scope), depth) for atom in program.outputs]

    def value(self, atom, scope: dict) -> list[Text]:
        if type(atom) is Literal:
            return [Text(self.numbers.number(atom.value))]
        return scope[atom]

    def equation(self, equation: Equation, scope: dict, depth: int):
        kernel = equation.kernel
        if isinstance(kernel, kernels.Branch):
            self._branch(equation, kernel, scope, depth)
        elif isinstance(kernel, kernels.While):
            self._inner_while(equation, kernel, scope, depth)
        elif isinstance(kernel, kernels.Scan):
            self._inner_scan(equation, kernel, scope, depth)
        else:
            results = _RULES[type(kernel)](self, equation, kernel, scope, depth)
            for var, values in zip(equation.outputs, results):
                scope[var] = values

    def _inner_scan(self, equation, kernel, scope: dict, depth: int):
        body = kernel.body
        first, second = kernel.constants, kernel.constants + kernel.carries
        inner = {var: self.value(atom, scope) if type(atom) is Literal else scope[atom]
                 for var, atom in zip(body.inputs[:first], equation.inputs)}
        state = [self._start(self.value(atom, scope), depth)
                 for atom in equation.inputs[first:second]]
        index = self._open_range(kernel.length, kernel.reverse, depth)
        for var, atom in zip(body.inputs[second:], equation.inputs[second:]):
            inner[var] = self.named(self.load(scope[atom], index, var.type.size), depth + 1)
        inner.update(zip(body.inputs[first:second], state))
        self._assign(state, self.body(body, inner, depth + 1), depth + 1)
        self._end_block(depth + 1)
        scope.update(zip(equation.outputs, state))

    def _inner_while(self, equation, kernel, scope: dict, depth: int):
        tests, constants = kernel.condition_constants, kernel.body_constants
        condition, body = kernel.condition, kernel.body
        inner: dict = {}
        operands = equation.inputs
        for var, atom in (*zip(condition.inputs[:tests], operands),
                          *zip(body.inputs[:constants], operands[tests:])):
            inner[var] = self.value(atom, scope) if type(atom) is Literal else scope[atom]
        state = [self._start(self.value(atom, scope), depth)
                 for atom in operands[tests + constants:]]
        self._while(condition, body, tests, constants, state, inner, depth)
        scope.update(zip(equation.outputs, state))

    def _branch(self, equation, kernel, scope: dict, depth: int):
        (index,), = [self.named(self.value(equation.inputs[0], scope), depth)]
        targets = [[Text(self.numbers.name("r")) for _ in range(var.type.size)]
                   for var in equation.outputs]
        last = len(kernel.branches) - 1
        for number, program in enumerate(kernel.branches):
            test = "else:" if number == last and number else \
                f"{'el' if number else ''}if {index} <= {number}:"
            self.line(depth, test)
            inner = {var: self.value(atom, scope) if type(atom) is Literal else scope[atom]
                     for var, atom in zip(program.inputs, equation.inputs[1:])}
            results = self.body(program, inner, depth + 1)
            for group, values in zip(targets, results):
                for target, value in zip(group, values):
                    self.line(depth + 1, f"{target} = {value}")
            if not any(var.type.size for var in equation.outputs):
                self.line(depth + 1, "pass")
        scope.update(zip(equation.outputs, targets))


def _read_once(program: Program) -> set:
    """Values that can be written where they are used: one operation on elements reads them."""
    readers: dict = {}
    for equation in program.equations:
        for atom in equation.inputs:
            readers.setdefault(atom, []).append(equation)
    return {atom for atom, found in readers.items()
            if len(found) == 1 and isinstance(found[0].kernel, kernels.Elementwise)
            and found[0].outputs[0].type.size == atom.type.size
            and atom not in program.outputs}


def _index(at: str | None, size: int, k: int) -> str:
    if at is None:
        return str(k)
    base = at if size == 1 else f"{at} * {size}"
    return f"{base} + {k}" if k else base


def _indexed_only(program: Program, inputs: Sequence) -> set:
    """The inputs that are larger than a few elements, if they are only indexed or run over."""
    return {var for var in inputs if var.type.size > MAX_ELEMENTS}


# ---- one rule for each kernel class: lists of element texts from lists of element texts ----

def _elementwise(writer: _Writer, equation: Equation, kernel, scope: dict, depth: int):
    operands = [writer.value(atom, scope) for atom in equation.inputs]
    size = equation.outputs[0].type.size
    kind = equation.inputs[0].type.dtype if equation.inputs else equation.outputs[0].type.dtype
    expr = template(kernel.expr.replace("{T}", local_dtype(kind).name))
    often = [kernel.expr.count(f"{{{k}}}") for k in range(len(operands))]
    operands = [writer.named(values, depth) if count > 1 else values
                for values, count in zip(operands, often)]
    rows = []
    for k in range(size):
        filled = expr.fill([values[k if len(values) > 1 else 0] for values in operands])
        rows.append(filled)
    if kernel.outputs > 1:
        return _several(writer, rows, kernel.outputs, depth)
    dtype = equation.outputs[0].type.dtype
    return [[cast(row, dtype) for row in rows]]


def _several(writer: _Writer, rows: list, outputs: int, depth: int):
    results: list = [[] for _ in range(outputs)]
    for row in rows:
        names = [writer.numbers.name("v") for _ in range(outputs)]
        writer.line(depth, f"{', '.join(names)} = {row}")
        for target, name in zip(results, names):
            target.append(Text(name))
    return results


def _moved(places: np.ndarray, values: list) -> list:
    return [values[place if len(values) > 1 else 0] for place in places.ravel().tolist()]


def _numbered(shape) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)


def _broadcast(writer, equation, kernel, scope, depth):
    operand, shape = equation.inputs[0], equation.outputs[0].type.shape
    spread = [1] * len(shape)
    for size, dim in zip(operand.type.shape, kernel.dims):
        spread[dim] = size
    places = np.broadcast_to(_numbered(operand.type.shape).reshape(spread), shape)
    return [_moved(places, writer.value(operand, scope))]


def _transpose(writer, equation, kernel, scope, depth):
    places = _numbered(equation.inputs[0].type.shape).transpose(kernel.perm)
    return [_moved(places, writer.value(equation.inputs[0], scope))]


def _reshape(writer, equation, kernel, scope, depth):
    return [writer.value(equation.inputs[0], scope)]


def _slice(writer, equation, kernel, scope, depth):
    shape = equation.outputs[0].type.shape
    grid = np.indices(shape)
    index = tuple(start + step * axis for start, step, axis in
                  zip(kernel.start, kernel.step, grid))
    places = _numbered(equation.inputs[0].type.shape)[index]
    return [_moved(np.asarray(places), writer.value(equation.inputs[0], scope))]


def _pad(writer, equation, kernel, scope, depth):
    operand, out = equation.inputs[0].type, equation.outputs[0].type
    places = np.full(out.shape, -1)
    for source in np.ndindex(*operand.shape):
        target = tuple(low + k * (gap + 1) for k, low, gap in
                       zip(source, kernel.low, kernel.interior))
        if all(0 <= k < size for k, size in zip(target, out.shape)):
            places[target] = np.ravel_multi_index(source, operand.shape) if source else 0
    values = writer.value(equation.inputs[0], scope)
    outside, = writer.value(equation.inputs[1], scope)
    return [[outside if place < 0 else values[place] for place in places.ravel().tolist()]]


def _concatenate(writer, equation, kernel, scope, depth):
    parts, start = [], 0
    values: list = []
    for atom in equation.inputs:
        parts.append(start + _numbered(atom.type.shape))
        values += writer.value(atom, scope)
        start += atom.type.size
    return [[values[k] for k in np.concatenate(parts, kernel.axis).ravel().tolist()]]


def _iota(writer, equation, kernel, scope, depth):
    kind = equation.outputs[0].type
    index = np.indices(kind.shape)[kernel.axis].astype(kind.dtype)
    return [[Text(constant(value)) for value in index.ravel()]]


def _reduce(writer, equation, kernel, scope, depth):
    operand, dtype = equation.inputs[0].type, equation.outputs[0].type.dtype
    kept = [k for k in range(operand.ndim) if k not in kernel.axes]
    rows = _numbered(operand.shape).transpose(*kept, *kernel.axes).reshape(
        equation.outputs[0].type.size, -1)
    values = writer.value(equation.inputs[0], scope)
    expr = template(kernel.combine.replace("{T}", local_dtype(dtype).name))
    results = []
    for row in rows.tolist():
        total = None
        for place in row:
            total = values[place] if total is None else cast(
                expr.fill({0: values[place], "acc": total}), dtype)
            total, = writer.named([total], depth)
        results.append(total or Text(constant(kernel.init)))
    return [results]


def _cumulate(writer, equation, kernel, scope, depth):
    kind = equation.outputs[0].type
    operands = [writer.value(atom, scope) for atom in equation.inputs]
    rows = np.moveaxis(_numbered(kind.shape), kernel.axis, -1).reshape(-1, kind.shape[kernel.axis])
    expr = template(kernel.combine.replace("{T}", local_dtype(kind.dtype).name))
    results: list = [None] * kind.size
    for row in rows.tolist():
        state = Text(constant(kernel.init))
        for place in (row[::-1] if kernel.reverse else row):
            filled = {k: values[place] for k, values in enumerate(operands)}
            state = cast(expr.fill({**filled, "acc": state}), kind.dtype)
            state, = writer.named([state], depth)
            results[place] = state
    return [results]


def _contract(writer, equation, kernel, scope, depth):
    from lowering.passes.fuse import contract_domain, contract_layout
    left, right = contract_layout(equation, kernel)
    domain = contract_domain(equation, kernel)
    count = len(kernel.contract[0])
    outer, inner = domain[:len(domain) - count], domain[len(domain) - count:]
    a, b = (writer.value(atom, scope) for atom in equation.inputs)
    numbers = [_numbered(atom.type.shape) for atom in equation.inputs]
    results = []
    for point in np.ndindex(*outer):
        terms = []
        for summed in np.ndindex(*inner):
            place = (*point, *summed)
            x = a[numbers[0][tuple(place[k] for k in left)]]
            y = b[numbers[1][tuple(place[k] for k in right)]]
            terms.append(template("({0} * {1})").fill([x, y]))
        results.append(_sum(writer, terms, equation.outputs[0].type.dtype, depth))
    return [results]


def _sum(writer, terms: list, dtype, depth: int) -> Text:
    if not terms:
        return Text(constant(dtype.type(0)))
    total = cast(terms[0], dtype)
    for term in terms[1:]:
        total, = writer.named([cast(
            template("({0} + {1})").fill([total, term]), dtype)], depth)
    return writer.named([total], depth)[0]


def _dynamic_slice(writer, equation, kernel, scope, depth):
    operand, *starts = equation.inputs
    shape, sizes = operand.type.shape, kernel.sizes
    bounds = []
    for start, whole, size in zip(starts, shape, sizes):
        text, = writer.value(start, scope)
        last = writer.numbers.integer("d", whole - size)
        bounds.append(writer.named([Text(f"minimum(maximum(int64({text}), int64(0)), {last})")],
                                   depth)[0])
    return [_at(writer, scope, operand, [
        [Text(f"{bound} + {k}") if k else bound for bound, k in zip(bounds, place)]
        for place in np.ndindex(*sizes)], depth)]


def _gather(writer, equation, kernel, scope, depth):
    operand, *indices = equation.inputs
    lead = kernel.batch_dims
    index_shape = indices[0].type.shape
    window = operand.type.shape[lead + len(indices):]
    numbers = _numbered(index_shape)
    texts = [writer.named([Text(f"int64({value})") for value in writer.value(atom, scope)], depth)
             for atom in indices]
    if kernel.mode == "clip":
        limits = [writer.numbers.integer("d", operand.type.shape[lead + k] - 1)
                  for k in range(len(indices))]
        texts = [writer.named([Text(f"minimum(maximum({value}, int64(0)), {limit})")
                               for value in values], depth)
                 for values, limit in zip(texts, limits)]
    elif kernel.mode == "drop":
        raise TooLarge
    places = []
    for point in np.ndindex(*index_shape):
        chosen = [values[numbers[point]] for values in texts]
        for rest in np.ndindex(*window):
            places.append([*map(_whole, point[:lead]), *chosen, *map(_whole, rest)])
    return [_at(writer, scope, operand, places, depth)]


def _whole(value: int) -> Text:
    return Text(str(value))


def _at(writer, scope: dict, operand, places: list, depth: int) -> list:
    """Elements of an array in memory, at indices known at run time."""
    view = scope.get(operand)
    if not isinstance(view, View):
        raise TooLarge                        # indices into variables
    name = writer.pointer(view)
    results = []
    for place in places:
        terms = []
        for index, stride in zip(place, view.strides):
            if index.text != "0":
                terms.append(index.within(SUM) if stride == 1 else
                             f"{index.within(PRODUCT)} * {writer.numbers.integer('d', stride)}")
        results.append(from_memory(f"{name}[{' + '.join(terms) or '0'}]", view.dtype))
    return writer.named(results, depth)


_RULES = {
    kernels.Elementwise: _elementwise, kernels.Broadcast: _broadcast,
    kernels.Transpose: _transpose, kernels.Reshape: _reshape, kernels.Slice: _slice,
    kernels.Pad: _pad, kernels.Concatenate: _concatenate, kernels.Iota: _iota,
    kernels.Reduce: _reduce, kernels.Cumulate: _cumulate, kernels.Contract: _contract,
    kernels.DynamicSlice: _dynamic_slice, kernels.Gather: _gather,
}
