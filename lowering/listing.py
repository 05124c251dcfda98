"""The text of a whole Program as one Python module: its kernels, and what calls them in order.

The module runs by itself: `run(*arrays)` gives the outputs. Kernels are the very text that is
compiled, with the user's lines in comments, and with names that tell them apart; what the runner
does between them is written out as calls of `lowering.plainly`.

In: a Plan. Out: `Listing`. Imports `plan`, `source`.
"""
from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from functrans.ir.program import Program
from functrans.ir.show import show_location
from lowering.kernel_text import INDENT
from lowering.library import LibraryCalls, Moving, Scratch
from lowering.native import lapack
from lowering.plan import Choose, Copy, Host, Launch, Plan, Product, Region, Repeat, SumStacks, Zero
from lowering.source import imports
from lowering.views import View

WIDTH = 98
_COMMENT_COLUMN = 60


@dataclass
class Listing:
    """text: of the module. hosts: the Python functions that it calls, which no text can hold.
    checks: for each code of an index error, (location, size)."""
    text: str
    hosts: list = field(default_factory=list)
    checks: list = field(default_factory=list)


def make_listing(program: Program, plan: Plan) -> Listing:
    """The text of an optimized Program and its plan."""
    return Writer(plan, description(program)).listing()


def description(program: Program) -> str:
    """The docstring of the module: what its inputs and outputs are."""
    names = program.names or [None] * len(program.inputs)
    inputs = [f"    x{k}: {kind}{f'  {name}' if name else ''}"
              for k, (kind, name) in enumerate(zip(program.input_types, names, strict=True))]
    outputs = [f"    y{k}: {kind}" for k, kind in enumerate(program.output_types)]
    text = "\n".join([f"{program.name or 'A program'}: run(*arrays) gives the outputs.\n",
                      "Inputs:", *(inputs or ["    none"]),
                      "Outputs:", *(outputs or ["    none"])])
    return text.replace("\\", "\\\\").replace('"""', "'''")


class Writer:
    """The functions of the module so far."""

    def __init__(self, plan: Plan, description: str):
        self.plan, self.description = plan, description
        self.kernels: dict = {}                      # what makes a kernel -> its name
        self.functions: list[str] = []
        self.constants: dict = {}                    # buffer -> name
        self.hosts: list = []
        self.checks: list = []
        self.numbers = itertools.count()             # of regions

    def listing(self) -> Listing:
        self.function(self.plan, "main")
        variables = self.variables()
        constants = ["\n".join(variables)] if variables else []
        body = "\n\n\n".join([*constants, *self.functions, self.run()])
        head = [f'"""{self.description}\n"""']
        head += self.imports(body)
        return Listing("\n".join(head) + "\n\n\n" + body + "\n", self.hosts, self.checks)

    def variables(self) -> list[str]:
        """The lines that make what the module holds."""
        return [line for buffer, name in self.constants.items()
                for line in self.constant_lines(name, buffer.data)]

    def constant_lines(self, name: str, data: np.ndarray) -> list[str]:
        """The lines that make one array that the Program holds."""
        return _constant(name, data)

    def imports(self, body: str) -> list[str]:
        """The lines that import what the text uses."""
        return imports(body)

    def function(self, plan: Plan, name: str):
        """Writes a plan as a function."""
        Function(self, plan, name).write()

    def run(self) -> str:
        """The function that users call."""
        inputs = tuple(kind_name(kind) for kind in self.plan.input_types)
        outputs = tuple(result_kind(kind) for kind in self.plan.output_types)
        checks = tuple((size, show_location(location) if location else "?")
                       for location, size in self.checks)
        makers = [f"empty({quoted(kind_name(kind))}, {kind.size})"
                  for kind in self.plan.output_types]
        return "\n".join([
            "def run(*arrays, hosts=()):",
            *wrapped("inputs = pointers(arrays, (", *parts_of_tuple(inputs)),
            *wrapped("outputs = [", makers, "]"),
            f"{INDENT}error = [0, 0, 0]",
            f'{INDENT}with errstate(all="ignore"):',
            f"{INDENT * 2}main(*inputs, *outputs, error, hosts)",
            *wrapped("check(error, (", *parts_of_tuple(checks)),
            *wrapped("return finish(outputs, (", *parts_of_tuple(outputs))])

    def kernel(self, launch: Launch) -> str:
        """The name of a kernel; its text is written at its first launch."""
        kernel = launch.kernel
        key = self.kernel_key(kernel)
        name = self.kernels.get(key)
        if name is None:
            name = self.kernels[key] = f"kernel_{len(self.kernels)}"
            self.functions.append(self.kernel_text(kernel, name))
        return name

    def kernel_key(self, kernel):
        """What two kernels must have in common to be one: Python's text has no types."""
        return kernel.text

    def kernel_text(self, kernel, name: str) -> str:
        """The text of a kernel under a name of its own."""
        return commented(kernel).replace("def kernel(", f"def {name}(", 1)

    def check_code(self, launch: Launch) -> int:
        first = len(self.checks)
        self.checks += launch.kernel.checks
        return first


def commented(kernel) -> str:
    """The text of a kernel, with the user's lines where they change."""
    lines, last = [], None
    locations = kernel.locations or [None] * kernel.text.count("\n")
    for line, location in zip(kernel.text.splitlines(), locations):
        place = location and show_location(location)
        if place and place != last:
            line = f"{line:<{_COMMENT_COLUMN}}  # {place}"
            last = place
        lines.append(line)
    return "\n".join(lines)


def kind_name(kind) -> str:
    return kind.dtype.name if isinstance(kind.dtype, np.dtype) else "stack"


def result_kind(kind) -> tuple:
    if isinstance(kind.dtype, np.dtype):
        return kind.dtype.name, kind.shape
    return "stack", kind.shape, kind.dtype.element.dtype.name, kind.dtype.element.shape


def parts_of_tuple(values: tuple) -> tuple[list, str]:
    """The parts of a tuple that is the last argument, and how both end."""
    return [quoted(value) for value in values], ",))" if len(values) == 1 else "))"


def quoted(value) -> str:
    """Names, and tuples of them, as text with double quotes."""
    return repr(value).replace("'", '"')


def wrapped(start: str, parts: list, end: str, depth: int = 1, comment: str = "") -> list[str]:
    """A call on as many lines as it needs; it is broken between arguments only."""
    lines = [INDENT * depth + start]
    hanging = " " * len(lines[0])
    if len(hanging) > WIDTH // 2:
        hanging = INDENT * (depth + 2)
    for number, part in enumerate(parts):
        text = part + (end if number == len(parts) - 1 else ",")
        fresh = lines[-1].endswith(("(", "[")) or not lines[-1].strip()
        if not fresh and len(lines[-1]) + 1 + len(text) > WIDTH:
            lines.append(hanging + text)
        else:
            lines[-1] += text if fresh else f" {text}"
    if not parts:
        lines[-1] += end
    if not comment:
        return lines
    last = f"{lines[-1]:<{_COMMENT_COLUMN}}  # {comment}"
    fits = len(last) <= WIDTH
    return [*lines[:-1], last] if fits else [f"{INDENT * depth}# {comment}", *lines]


class Function:
    """One plan as a function of pointers: `x0, x1, ..., y0, ..., error, hosts`."""

    def __init__(self, writer: Writer, plan: Plan, name: str):
        self.writer, self.plan, self.name = writer, plan, name
        self.lines: list[str] = []
        self.temporaries: dict = {}                  # buffer -> name
        self.loops = 0

    def write(self):
        for step in self.plan.steps:
            self.step(step)
        inputs = [f"x{k}" for k in range(len(self.plan.input_types))]
        outputs = [f"y{k}" for k in range(len(self.plan.output_types))]
        head = wrapped(f"def {self.name}(", [*inputs, *outputs, "error", "hosts"], "):", 0)
        memory = [INDENT + line for line in self.memory()]
        self.writer.functions.append(
            "\n".join([*head, *memory, *self.lines] if memory or self.lines
                      else [*head, f"{INDENT}pass"]))

    def step(self, step):
        """The lines of a step of the plan."""
        getattr(self, _WRITE[type(step)])(step, 1)

    def line(self, depth: int, text: str):
        self.lines.append(INDENT * depth + text)

    def call(self, depth: int, function: str, arguments: list, location=None):
        comment = show_location(location) if location is not None else ""
        self.lines += wrapped(f"{function}(", arguments, ")", depth, comment)

    # ---- memory ----

    def memory(self) -> list[str]:
        """The lines that make temporary memory."""
        return [f"{name} = empty({quoted(buffer.dtype.name)}, {buffer.size})"
                if isinstance(buffer.dtype, np.dtype) else f'{name} = empty("stack", {buffer.size})'
                for buffer, name in self.temporaries.items()]

    def buffer(self, buffer) -> str:
        root = buffer.root()
        if root.role == "input":
            return f"x{root.index}"
        if root.role == "output":
            return f"y{root.index}"
        if root.role == "constant":
            constants = self.writer.constants
            return constants.setdefault(root, f"w{len(constants)}")
        return self.temporaries.setdefault(root, f"t{len(self.temporaries)}")

    def view(self, view: View) -> str:
        name = self.buffer(view.buffer)
        return f"{name} + {view.offset}" if view.offset else name

    def strided(self, view: View, shape: tuple, strides: tuple, dtype: bool = False) -> str:
        extra = f", {quoted(view.dtype.name)}" if dtype else ""
        return f"strided({self.view(view)}, {shape}, {strides}{extra})"

    # ---- steps ----

    def launch(self, step: Launch, depth: int):
        name, code = self.writer.kernel(step), self.writer.check_code(step)
        self.call(depth, name, [part for parameter in step.kernel.parameters
                                for part in self.argument(parameter, code)])

    def argument(self, parameter, code: int) -> list[str]:
        """The text of an argument, in parts between which the line may be broken."""
        if parameter.kind == "pointer":
            return [self.view(parameter.value)]
        if parameter.kind == "scratch":
            return [f"empty({quoted(parameter.dtype.name)}, {parameter.value})"]
        if parameter.kind == "error":
            return ["error"]
        if parameter.kind == "constants":
            parts = [_float(value) for value in parameter.value]
            parts[0] = f"[{parts[0]}"
            parts[-1] = f"{parts[-1]}]"
            return parts
        return [str(parameter.value + (code if parameter.kind == "code" else 0))]

    def product(self, step: Product, depth: int):
        operands = [self.strided(m.view, (*m.batch_shape, m.rows, m.columns),
                                 (*m.batch_strides, m.row_stride, m.column_stride))
                    for m in (step.left, step.right)]
        self.call(depth, "matrix_product", [self.view(step.target), *operands], step.location)

    def copy(self, step: Copy, depth: int):
        self.call(depth, "copy", [self.view(step.target), self.view(step.source),
                                  str(step.source.size)])

    def zero(self, step: Zero, depth: int):
        self.call(depth, "zero", [self.view(step.target), str(step.target.size)])

    def host(self, step: Host, depth: int):
        place = len(self.writer.hosts)
        self.writer.hosts.append(step.function)
        inputs, outputs = ([self.strided(view, view.shape, view.strides, True) for view in views]
                           for views in (step.inputs, step.outputs))
        self.call(depth, "call_host", [f"hosts[{place}]", f"[{', '.join(inputs)}]",
                                       f"[{', '.join(outputs)}]"], step.location)

    def library(self, step: LibraryCalls, depth: int):
        self.line(depth, f"for matrix in range({step.count}):")
        for call, arguments in step.calls:
            parts = [self.library_argument(argument, call) for argument in arguments]
            self.call(depth + 1, "call_library", [quoted(lapack.routine_name(call)),
                                                  f"[{', '.join(parts)}]"])

    def library_argument(self, argument, call) -> str:
        if isinstance(argument, Moving):
            stride = argument.stride // argument.view.dtype.itemsize
            return f"{self.view(argument.view)} + matrix * {stride}"
        if isinstance(argument, Scratch):
            return self.view(argument.view)
        if isinstance(argument, float):
            return f"{call.dtype.name}({_float(argument)})"
        return quoted(argument) if isinstance(argument, str) else str(int(argument))

    # ---- regions ----

    def region(self, region: Region, name: str) -> str:
        """The name of the function of an inner plan."""
        function = f"{name}_{next(self.writer.numbers)}"
        self.writer.function(region.plan, function)
        return function

    def choose(self, step: Choose, depth: int):
        names = [self.region(branch, "branch") for branch in step.branches]
        arguments = [*map(self.view, step.operands), *map(self.view, step.results)]
        for number, name in enumerate(names):
            word = "if" if number == 0 else "elif"
            last = number == len(names) - 1
            test = f"{word} ({self.view(step.index)})[0] < {number + 1}:"
            self.line(depth, "else:" if last and number else "if True:" if last else test)
            self.call(depth + 1, name, [*arguments, "error", "hosts"])

    def sum_stacks(self, step: SumStacks, depth: int):
        name = self.region(step.body, "add")
        element = step.target.dtype.element
        self.line(depth, f"for k in range({step.target.size}):")
        self.call(depth + 1, "add_stacks", [
            *(f"({self.view(view)})[k]" for view in (step.a, step.b, step.target)),
            quoted(kind_name(element)), str(element.size),
            f"lambda a, b, out: {name}(a, b, out, error, hosts)"])

    def repeat(self, step: Repeat, depth: int):
        Loop(self, step, depth).write()


def _constant(name: str, data: np.ndarray) -> list[str]:
    """An array that the Program holds, as a variable of the module."""
    flat = data.reshape(-1)
    if flat.dtype.name == "bfloat16":
        flat = flat.view(np.uint16)
    parts = [_number(value) for value in flat]
    return wrapped(f"{name} = constant({quoted(data.dtype.name)}, [", parts, "])", depth=0)


def _number(value: np.generic) -> str:
    if value.dtype.kind == "c":
        return f"complex({_float(value.real)}, {_float(value.imag)})"
    return _float(value) if value.dtype.kind == "f" else repr(value.item())


def _float(value) -> str:
    value = float(value)
    return repr(value) if np.isfinite(value) else f"float({quoted(str(value))})"


class Loop:
    """A loop of the plan as a loop of the text."""

    def __init__(self, function: Function, step: Repeat, depth: int):
        self.function, self.step, self.depth = function, step, depth
        self.index = f"k{function.loops}"
        self.prefix = f"c{function.loops}_"
        function.loops += 1
        self.current = [f"{self.prefix}{k}" for k in range(len(step.carries))]
        self.next = [name if len(pair) == 1 else f"{name}_next"
                     for name, pair in zip(self.current, step.carries)]

    def write(self):
        self._start_carries()
        self.body = self.function.region(self.step.body, "body")
        if self.step.test is None:
            self._counted()
        else:
            self._tested()
        for name, view in zip(self.current, self.step.results):
            self._call(0, "copy", [self.function.view(view), name, str(view.size)])

    def _line(self, depth: int, text: str):
        self.function.line(self.depth + depth, text)

    def _call(self, depth: int, name: str, arguments: list):
        self.function.call(self.depth + depth, name, arguments)

    def _start_carries(self):
        for name, following, pair, view in zip(self.current, self.next, self.step.carries,
                                               self.step.starts):
            self._line(0, f"{name} = {self.function.buffer(pair[0])}")
            if following != name:
                self._line(0, f"{following} = {self.function.buffer(pair[1])}")
            self._call(0, "copy", [name, self.function.view(view), str(view.size)])

    def _exchange(self):
        for name, following in zip(self.current, self.next):
            if name != following:
                self._line(1, f"{name}, {following} = {following}, {name}")

    def _counted(self):
        step, view = self.step, self.function.view
        count = str(step.count) if isinstance(step.count, int) else f"int(({view(step.count)})[0])"
        for row in step.rows:
            if _is_stack(row):
                element = row.dtype.element
                self._line(0, f"({view(row)})[0].reserve({count}, {quoted(kind_name(element))}, "
                              f"{element.size})")
        order = f"reversed(range({count}))" if step.reverse else f"range({count})"
        self._line(0, f"for {self.index} in {order}:")
        arguments = [*map(view, step.constants), *self.current, *map(self._slice, step.slices),
                     *self.next, *map(self._slice, step.rows)]
        self._call(1, self.body, [*arguments, "error", "hosts"])
        self._exchange()

    def _slice(self, view: View) -> str:
        """The element of a stacked view that this step reads or writes."""
        if _is_stack(view):
            element = view.dtype.element
            return (f"({self.function.view(view)})[0].element({self.index}, "
                    f"{quoted(kind_name(element))}, {element.size})")
        size = view.size // max(view.shape[0], 1)
        return f"{self.function.view(view)} + {self.index} * {size}"

    def _tested(self):
        step, view = self.step, self.function.view
        for row in step.rows:
            self._call(0, "zero", [view(row), str(row.size)])
        test = self.function.region(step.test, "test")
        flag = self.function.buffer(step.flag)
        elements = [self.function.buffer(buffer) for buffer in step.elements]
        self._line(0, f"{self.index} = 0")
        self._line(0, "while True:")
        self._call(1, test, [*map(view, step.test_constants), *self.current, flag, "error",
                             "hosts"])
        self._line(1, f"if not {flag}[0]:")
        self._line(2, "break")
        self._call(1, self.body, [*map(view, step.constants), *self.current, *self.next,
                                  *elements, "error", "hosts"])
        for row, element in zip(step.rows, elements):
            kind = row.dtype.element
            self._line(1, f"({view(row)})[0].push({element}, {quoted(kind_name(kind))}, "
                          f"{kind.size})")
        self._exchange()
        self._line(1, f"{self.index} += 1")
        if step.steps is not None:
            self._line(0, f"({view(step.steps)})[0] = {self.index}")


def _is_stack(view: View) -> bool:
    return not isinstance(view.dtype, np.dtype) and not view.shape


# The method of `Function` that writes a step.
_WRITE: dict[type, str] = {
    Launch: "launch", Product: "product", Copy: "copy", Zero: "zero", Host: "host",
    Choose: "choose", Repeat: "repeat", SumStacks: "sum_stacks", LibraryCalls: "library",
}
