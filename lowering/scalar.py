"""Loops over few numbers, as one kernel: every element of a small array is a variable.

A loop whose body handles only scalars and arrays of a few elements costs more to set up than to
compute. Here it becomes Python text with the loops in it, inner loops and choices included: no step
of the runner is taken between iterations.

In: a loop equation and views of its operands and results. Out: `KernelText`, or None if the body
does not qualify. Imports `functrans.ir`, `expression`, `kernel_text`, `scalar_rules`, `views`.
"""
from __future__ import annotations

from collections.abc import Sequence

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal, Program, Var
from lowering.expression import NEGATION, Text
from lowering.kernel_text import INDENT, KernelText, Numbers, Split, from_memory, to_memory
from lowering.scalar_rules import RULES, TooLarge
from lowering.scalar_size import MAX_ELEMENTS, MAX_OPERATIONS, qualifies
from lowering.views import View

MAX_INLINE = 50             # longer expressions get a line of their own
LINE = 2.0                  # ns that a line takes, roughly


def loop_kernel(equation: Equation, inputs: Sequence[View], outputs: Sequence[View],
                writer: type[LoopWriter] | None = None) -> KernelText | None:
    """The kernel of a scan or while equation, whose operands and results lie in memory.

    writer: a class that writes it, if it is not `LoopWriter`.
    """
    kernel = equation.kernel
    if isinstance(kernel, kernels.Unwind):
        return None                           # its slices are elements of stacks
    try:
        return (writer or LoopWriter)().outermost(equation, kernel, list(inputs), list(outputs))
    except TooLarge:
        return None


class LoopWriter:
    """The lines so far; a value is a list of texts, one for each element."""

    def __init__(self):
        self.lines: list[str] = []
        self.numbers = Numbers()
        self.pointers: dict = {}
        self.moves: dict = {}                # pointer -> by how much it moves with an iteration
        self.extents: dict = {}              # index of a loop -> how long it is
        self.outermost_index: str | None = None
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
        return KernelText("\n".join([head, *lines]) + "\n", parameters, split=self._split(kernel))

    def _split(self, kernel) -> Split | None:
        """How iterations are shared by threads: if none reads what another one gives."""
        extent = self.extents.get(self.outermost_index)
        if extent is None or kernel.carries or any(len(moves) > 1 for moves in self.moves.values()):
            return None
        strides = {name: stride for name, (stride,) in self.moves.items()}
        return Split(extent, strides, kernel.length * len(self.lines) * LINE)

    # ---- memory ----

    def pointer(self, view: View, stride: int = 0) -> str:
        """The parameter for a view, which moves by a stride with each iteration."""
        key = (id(view.buffer), view.offset)
        if key not in self.pointers:
            self.pointers[key] = self.numbers.pointer(view.buffer, view.offset)
        self.moves.setdefault(self.pointers[key], set()).add(stride)
        return self.pointers[key]

    def _pointer_at(self, view: View, at: str | None, size: int) -> str:
        """The parameter for a view of which element `at` is `size` numbers."""
        return self.pointer(view, size if at is not None and at == self.outermost_index else 0)

    def load(self, view: View, at: str | None, size: int) -> list[Text]:
        """`size` elements of a view, behind `at` times as many."""
        name = self._pointer_at(view, at, size)
        return [from_memory(f"{name}[{_index(at, size, k)}]", view.dtype) for k in range(size)]

    def store(self, view: View, at: str | None, values: list[Text], depth: int):
        name = self._pointer_at(view, at, len(values))
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
        index = self.outermost_index = self.open_outermost(kernel)
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

    def open_outermost(self, kernel: kernels.Scan) -> str:
        """Begins the loop of a whole scan; the name of its index."""
        return self._open_range(kernel.length, kernel.reverse, 1)

    def _open_range(self, length: int, reverse: bool, depth: int) -> str:
        index = self.numbers.name("k")
        count = self.extents[index] = self.numbers.integer("n", length)
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
        pairs = [(target.text, value.text) for group, new in zip(targets, values)
                 for target, value in zip(group, new) if target.text != value.text]
        written: set = set()
        kept, assigned = [], []
        for target, value in pairs:
            if value in written:
                kept.append((self.numbers.name("v"), value))
                value = kept[-1][0]
            assigned.append((target, value))
            written.add(target)
        for target, value in (*kept, *assigned):
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
            results = RULES[type(kernel)](self, equation, kernel, scope, depth)
            for var, values in zip(equation.outputs, results):
                scope[var] = values

    def _inner_scan(self, equation, kernel, scope: dict, depth: int):
        body = kernel.body
        first, second = kernel.constants, kernel.constants + kernel.carries
        inner = {var: self.value(atom, scope)
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
            inner[var] = self.value(atom, scope)
        state = [self._start(self.value(atom, scope), depth)
                 for atom in operands[tests + constants:]]
        self._while(condition, body, tests, constants, state, inner, depth)
        scope.update(zip(equation.outputs, state))

    def _branch(self, equation, kernel, scope: dict, depth: int):
        (index,), = [self.named(self.value(equation.inputs[0], scope), depth)]
        targets = [[Text(self.numbers.name("r")) for _ in range(var.type.size)]
                   for var in equation.outputs]
        last = len(kernel.branches) - 1
        inside = depth + 1 if last else depth        # one branch is no choice
        for number, program in enumerate(kernel.branches):
            if last:
                self.line(depth, "else:" if number == last else
                          f"{'el' if number else ''}if {index} <= {number}:")
            inner = {var: self.value(atom, scope)
                     for var, atom in zip(program.inputs, equation.inputs[1:])}
            results = self.body(program, inner, inside)
            for group, values in zip(targets, results):
                for target, value in zip(group, values):
                    self.line(inside, f"{target} = {value}")
            if last and not any(var.type.size for var in equation.outputs):
                self.line(inside, "pass")
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
