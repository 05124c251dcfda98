"""What is done with the elements of a product where they are computed: stored, or an epilogue.

    if row < rows and column < columns:
        y0[row * columns + column] = tanh(acc[r, c] + x2[column])

In: a `Product`, the lines that compute its sums. Out: `CudaText`. Imports `nest`, `plan`, `loops`,
`cuda.emit`.
"""
from __future__ import annotations

import math

from lowering.cuda.emit import GridEmitter
from lowering.cuda.parts import Part
from lowering.expression import Text
from lowering.kernel_text import from_memory
from lowering.loops import Axis, Constant, Kernel, Load, Map, Place, Store
from lowering.nest import prepare_axes
from lowering.plan import Product
from lowering.views import View, row_major

_NAMES = "ijlmpqsuvwz"           # of axes which together are the rows, the columns, or the batch
LIGHT = 8                        # the cost of a bias and a simple activation
GROUPS = (("matrix", "matrices"), ("row", "rows"), ("column", "columns"))


class ElementEmitter(GridEmitter):
    """The text of a kernel that computes a product: lines that are given, and at `element` what is
    done with one of its sums.

    kernel: what that is; what it loads from the product's `target` is the sum. numbers: the
    product's parameters.
    """

    def __init__(self, step: Product, kernel: Kernel, numbers: dict):
        groups, kernel = _in_groups(step, kernel)
        super().__init__(Part(kernel, kernel.axes), [])
        self.result = step.target.buffer.root()
        self.total = Text("")
        self.groups = dict(zip((name for name, _ in GROUPS), groups))
        self._name_axes(kernel)
        for view in (step.left.view, step.right.view):
            name = self.numbers.name("x")
            self.numbers.add(name, "pointer", view.dtype, View(view.buffer, view.offset, (), ()))
        for name, value in numbers.items():
            self.numbers.add(name, "integer", None, int(value))
        self.location, self.step = step.location, step

    def _name_axes(self, kernel: Kernel):
        """A group of one axis has the name of what it is; axes of others have letters."""
        letters = iter(_NAMES)
        for (name, extent), axes in zip(GROUPS, self.groups.values()):
            for axis in axes:
                letter = name if len(axes) == 1 else next(letters)
                self.axis_names[axis] = letter
                self.extents[axis] = extent if len(axes) == 1 else f"n_{letter}"
        for axis in kernel.axes:
            if all(axis not in axes for axes in self.groups.values()):
                self.axis_names[axis], self.extents[axis] = "piece", "pieces"

    def is_light(self) -> bool:
        """Whether what is done is so little that it may be there for each sum of a thread."""
        statements = self.part.kernel.statements
        return sum(s.cost for s in statements if isinstance(s, Map)) <= LIGHT \
            and all(len(axes) <= 1 for axes in self.groups.values()) \
            and not any(s.place.dynamic for s in statements if isinstance(s, Load))

    def arrays(self, lines: list[str]):
        """Lines that make arrays of the block or the thread: the first ones."""
        self.numbers.preamble[:0] = lines

    def write(self, depth: int, lines: list[str]):
        """Lines of the product."""
        for line in lines:
            self._line(depth, line)

    def operand(self, number: int, text: str) -> Text:
        """An element of the left operand (0) or the right one (1), made of what lies at `text`."""
        matrices, prologue = (self.step.left, self.step.right)[number], self.step.prologues[number]
        value = from_memory(text, matrices.view.dtype)
        known: dict = {}
        for statement in prologue.statements if prologue else ():
            inputs = [known[id(each)] for each in statement.inputs]
            if isinstance(statement, Store):
                return inputs[0]
            known[id(statement)] = self._made(statement, inputs, value)
        return value

    def _made(self, statement, inputs: list, loaded: Text) -> Text:
        if isinstance(statement, Load):
            return loaded
        if isinstance(statement, Constant):
            return Text(self.numbers.number(statement.value))
        return self._filled(statement.expr, inputs, statement.dtype, statement.inputs[0].dtype)

    def element(self, depth: int, total: str):
        """What is done with the sum `total` at `row` and `column` of the matrix `matrix`."""
        self.total = Text(total)
        for name, axes in self.groups.items():
            if len(axes) > 1:
                self.indices(depth, name, axes)
        self._block(self.nest.body, depth, ())

    def _load(self, step, depth: int, path: tuple) -> Text:
        if step.statement.place.view.buffer.root() is self.result:
            return self.total
        return super()._load(step, depth, path)


def store_of(step: Product, target: View, pieces: int) -> Kernel:
    """What stores the sums of a product, or of the pieces of each, one after the other."""
    shape = (math.prod(step.left.batch_shape), step.left.rows, step.right.rows)
    strides = {Axis(size): stride for size, stride in zip(shape, row_major(shape)) if size > 1}
    place = Place(step.target, step.target.offset, strides)
    load = Load([], target.dtype, frozenset(strides), step.location, place=place)
    if pieces > 1:
        strides = {Axis(pieces): math.prod(shape), **strides}
    place = Place(target, target.offset, strides)
    store = Store([load], target.dtype, frozenset(strides), step.location, place=place)
    return Kernel([load, store], list(strides))


def _in_groups(step: Product, kernel: Kernel) -> tuple[list, Kernel]:
    """A kernel whose axes are one for each group where that can be; and the axes of each group,
    outermost first."""
    load = next(s for s in kernel.statements if isinstance(s, Load)
                and s.place.view.buffer.root() is step.target.buffer.root())
    markers = [_marker(load, low, high) for low, high in _bounds(step)]
    kernel = prepare_axes(Kernel([*markers, *kernel.statements], kernel.axes))
    count = len(markers)
    groups = [sorted(m.axes, key=lambda axis, m=m: -m.place.coefficients[axis])
              for m in kernel.statements[:count]]
    return groups, Kernel(kernel.statements[count:], kernel.axes)


def _bounds(step: Product) -> list[tuple]:
    """Between which strides in the result the axes of each group lie."""
    columns, size = step.right.rows, step.left.rows * step.right.rows
    return [(size, math.inf), (columns, size), (1, columns)]


def _marker(load: Load, low: int, high) -> Load:
    """What reads the axes of one group, so that they become one with each other alone."""
    strides = {axis: stride // low for axis, stride in load.place.coefficients.items()
               if low <= stride < high}
    return Load([], load.dtype, frozenset(strides), place=Place(load.place.view, 0, strides))

