"""The text of a whole Program for a device: its kernels, and what launches them in order.

It is a module that runs by itself, and it is what runs: on the device, or in numba's simulator.

In: a Plan of this target. Out: `Listing`. Imports `listing`, `cuda.emit`, `cuda.runtime`.
"""
from __future__ import annotations

import math
import re

import numpy as np

from functrans.ir.program import Program
from functrans.ir.show import show_location
from lowering.cuda import runtime
from lowering.cuda.emit import CudaText
from lowering.cuda.stretches import FIRST, Stretches
from lowering.kernel_text import INDENT
from lowering.listing import (Function, Listing, Writer, commented, description, kind_name,
                              parts_of_tuple, quoted, result_kind, wrapped)
from lowering.native.compile import memory_name
from lowering.plainly import STORED
from lowering.plan import Copy, Launch, Plan, Product, Repeat, Zero
from lowering.products import merged_batch
from lowering.source import digest, imports

_PHASE = re.compile(r"\bphase_(\d+)(?=\()")
MANY, MOST = 4, 1 << 12    # launches of a Program that are replayed as a graph
LONG = 64              # a constant of more numbers lies in a file beside the text


def make_cuda_listing(program: Program, plan: Plan, given: dict | None = None,
                      graphs: bool = True) -> CudaListing:
    """The text of an optimized Program and its plan. given: for outputs, the number of the input
    whose memory each can take. graphs: whether several launches are recorded and replayed."""
    writer = _Writer(plan, description(program), given or {}, graphs)
    listing = writer.listing()
    return CudaListing(listing.text, listing.hosts, listing.checks, writer.files, writer.launched)


class CudaListing(Listing):
    """files: what lies beside the text: name -> array. kernels: name -> CudaText."""

    def __init__(self, text: str, hosts: list, checks: list, files: dict, kernels: dict):
        super().__init__(text, hosts, checks)
        self.files = files
        self.kernels = kernels


def launches(plan: Plan) -> float:
    """How many launches a plan makes; infinity where the host takes part in between."""
    return sum(map(_launches_of, plan.steps))


def _launches_of(step) -> float:
    if any(_is_stack(buffer) for buffer in (*step.reads, *step.writes)):
        return math.inf
    if isinstance(step, Launch):
        return 1 if isinstance(step.kernel, CudaText) else math.inf
    if isinstance(step, Repeat) and step.test is None and isinstance(step.count, int):
        return 2 * len(step.carries) + step.count * launches(step.body.plan)
    return 1 if isinstance(step, (Copy, Product, Zero)) else math.inf


def signature(parameters) -> list[str]:
    """The types of a kernel's parameters, as `driver.Kernel` takes them."""
    kinds = {"integer": "int64", "code": "int64", "error": "int64*", "constants": "float64*",
             "limit": "int64"}
    return [kinds.get(p.kind) or f"{stored_name(p.dtype)}*" for p in parameters]


def stored_name(dtype) -> str:
    name = memory_name(dtype)
    return STORED.get(name, name)


class _Writer(Writer):
    """The functions of the module so far."""

    def __init__(self, plan: Plan, text: str, given: dict, graphs: bool):
        super().__init__(plan, text)
        self.given = given
        self.replayed = graphs and MANY <= launches(plan) <= MOST
        self.files: dict = {}
        self.launched: dict = {}                     # name -> CudaText
        self.numbers_of_kernels: dict = {}           # tuples of numbers -> name

    def imports(self, body: str) -> list[str]:
        own = ["from numba import cuda", ""] if "@cuda.jit" in body else []
        return [*own, *imports(body.replace("cuda.jit", ""), runtime)]

    def function(self, plan: Plan, name: str):
        _Function(self, plan, name).write()
        if plan is self.plan and self.replayed:
            self.functions[-1] = f"@replayed()\n{self.functions[-1]}"

    def kernel_key(self, kernel):
        return kernel.text, tuple(signature(kernel.parameters)), isinstance(kernel, CudaText)

    def kernel_text(self, kernel, name: str) -> str:
        if not isinstance(kernel, CudaText):
            return super().kernel_text(kernel, name)
        self.launched[name] = kernel
        text = _PHASE.sub(rf"{name.replace('kernel', 'phase')}_\1", commented(kernel))
        types = [quoted(name) for name in signature(kernel.parameters)]
        head = "\n".join([*wrapped("@launched(", types, ")", 0), "@cuda.jit", f"def {name}("])
        return text.replace("def kernel(", head, 1)

    def constant_lines(self, name: str, data: np.ndarray) -> list[str]:
        if data.size <= LONG:
            return super().constant_lines(name, data)
        stored = runtime.plainly.stored(np.ravel(np.ascontiguousarray(data)))
        file = f"{digest(stored.dtype.str + stored.tobytes().hex())}.npy"
        self.files[file] = stored
        return [f"{name} = constant_from_file(__file__, {quoted(file)})"]

    def numbers_name(self, numbers: tuple) -> str:
        """The variable of the module that holds numbers which a kernel reads."""
        key = tuple(map(repr, numbers))
        known = self.numbers_of_kernels
        return known.setdefault(key, (f"numbers_{len(known)}", numbers))[0]

    def variables(self) -> list[str]:
        own = [line for name, numbers in self.numbers_of_kernels.values()
               for line in super(_Writer, self).constant_lines(name, np.array(numbers))]
        return [*super().variables(), *own]

    def run(self) -> str:
        """The function that users call."""
        plan = self.plan
        inputs = tuple(kind_name(kind) for kind in plan.input_types)
        outputs = tuple(result_kind(kind) for kind in plan.output_types)
        found = tuple((size, show_location(location) if location else "?")
                      for location, size in self.checks)
        free = ", free=()" if self.given else ""
        makers = [self._maker(*pair) for pair in enumerate(plan.output_types)]
        lines = [f"def run(*arrays, hosts=(), failure=None{free}):",
                 *wrapped("inputs = pointers(arrays, (", *parts_of_tuple(inputs)),
                 *wrapped("outputs = [", makers, "]"),
                 f"{INDENT}error = checks({len(found)})",
                 f"{INDENT}main(*inputs, *outputs, error, hosts)"]
        if found:
            parts, end = parts_of_tuple(found)
            lines += wrapped("report = check(error, (", parts, f"{end[:-1]}, failure)")
        parts, end = parts_of_tuple(outputs)
        return "\n".join([*lines, *wrapped("return finish(outputs, (", parts,
                                           f"{end[:-1]}, report)" if found else end)])

    def _maker(self, number: int, kind) -> str:
        """The text of an output's memory."""
        fresh = f"empty({quoted(kind_name(kind))}, {kind.size})"
        place = self.given.get(number)
        return fresh if place is None else f"inputs[{place}] if {place} in free else {fresh}"


class _Function(Function):
    """One plan as a function of pointers."""

    def memory(self) -> list[str]:
        plan = self.plan
        stacks = [f'{name} = empty("stack", {buffer.size})'
                  for buffer, name in self.temporaries.items() if _is_stack(buffer)]
        plain = [(buffer, name) for buffer, name in self.temporaries.items()
                 if not _is_stack(buffer)]
        if not plain:
            return stacks
        return [*stacks, f'memory = empty("uint8", {plan.arena})',
                *(f"{name} = part(memory, {quoted(buffer.dtype.name)}, {plan.offsets[buffer]})"
                  for buffer, name in plain)]

    def launch(self, step: Launch, depth: int):
        kernel = step.kernel
        name, code = self.writer.kernel(step), self.writer.check_code(step)
        arguments = [part for parameter in kernel.parameters
                     for part in self.argument(parameter, code)]
        if isinstance(kernel, CudaText):
            grid = kernel.grid if len(kernel.grid) > 1 else kernel.grid[0]
            self.call(depth, f"{name}[{grid}, {kernel.block}]", arguments)
        else:
            self.call(depth, "on_host", [name, *arguments])

    def product(self, step: Product, depth: int):
        shape, moves = merged_batch(step.left, step.right)
        operands = [self.strided(m.view, (*shape, m.rows, m.columns),
                                 (*(move[number] for move in moves), m.row_stride, m.column_stride))
                    for number, m in enumerate((step.left, step.right))]
        self.call(depth, "matrix_product", [quoted(step.target.dtype.name), self.view(step.target),
                                            *operands], step.location)

    def argument(self, parameter, code: int) -> list[str]:
        if parameter.kind == "constants":
            return [self.writer.numbers_name(parameter.value)]
        if parameter.kind == "limit":
            return [f"limit{self.loops}"]
        return super().argument(parameter, code)

    def buffer(self, buffer) -> str:
        if buffer.role == "chunk":
            return f"rows{self.loops}_{buffer.index}"
        return super().buffer(buffer)

    def step(self, step):
        if isinstance(step, Stretches):
            self.stretches(step)
        else:
            super().step(step)

    def stretches(self, step: Stretches):
        """A loop that is launched for many steps at a time."""
        loop, view = step.loop, self.view
        for source, target in zip(loop.starts, loop.results):
            self.call(1, "copy", [view(target), view(source), str(source.size)])
        if step.taken is None:
            self._stretches_of_known(step)
        else:
            self._stretches_until(step)
        self.loops += 1

    def _stretches_until(self, step: Stretches):
        loop, view, number, most = step.loop, self.view, self.loops, step.most()
        steps, limit, taken = f"k{number}", f"limit{number}", f"taken{number}"
        for row in loop.rows:
            self.call(1, "zero", [view(row), str(row.size)])
        self.line(1, f"{steps}, {limit} = 0, {min(FIRST, most)}")
        self.line(1, "while True:")
        for chunk in step.chunks:
            self.line(2, f"{self.buffer(chunk)} = empty({quoted(chunk.dtype.name)}, "
                         f"{limit} * {chunk.size})")
        self.launch(step.launch, 2)
        self.line(2, f"{taken} = int({self.buffer(step.taken)}[0])")
        for row, chunk in zip(loop.rows, step.chunks):
            self.line(2, f"({view(row)})[0].push_each({self.buffer(chunk)}, {taken}, "
                         f"{chunk.size})")
        self.line(2, f"{steps} += {taken}")
        self.line(2, f"if {taken} < {limit}:")
        self.line(3, "break")
        self.line(2, f"if 2 * {limit} <= {most}:")
        self.line(3, f"{limit} = 2 * {limit}")
        if loop.steps is not None:
            self.line(1, f"({view(loop.steps)})[0] = {steps}")

    def _stretches_of_known(self, step: Stretches):
        loop, view, number = step.loop, self.view, self.loops
        steps, limit, count = f"k{number}", f"limit{number}", f"count{number}"
        known = str(loop.count) if isinstance(loop.count, int) else f"int(({view(loop.count)})[0])"
        self.line(1, f"{count} = {known}")
        kinds = [f"{quoted(chunk.dtype.name)}, {chunk.size}" for chunk in step.chunks]
        lists = [f"({view(each)})[0]" for each in step.lists]
        for row, kind in list(zip(lists, kinds))[len(loop.slices):]:
            self.line(1, f"{row}.reserve({count}, {kind})")
        pairs = [f"({each}, {kind})" for each, kind in zip(lists, kinds)]
        self.lines += wrapped(f"for {steps}, {limit} in runs(",
                              [count, str(loop.reverse), *pairs], "):")
        for chunk, each, kind in zip(step.chunks, lists, kinds):
            self.line(2, f"{self.buffer(chunk)} = {each}.some({steps}, {limit}, {kind})")
        self.launch(step.launch, 2)


def _is_stack(buffer) -> bool:
    return not isinstance(buffer.dtype, np.dtype)
