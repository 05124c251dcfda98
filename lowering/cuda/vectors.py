"""Elementwise kernels whose threads take neighbours, which they read and write 16 bytes at a time.

A thread that has a whole group of neighbours works on copies of them; where memory does not begin
at a multiple of 16 bytes, and at the end, it takes one element after the other:

    i = 4 * (cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
    if i + 4 <= n and aligned(x0, y0):
        read_vector(x0, i, a0, 4)
        for each in range(4):
            b0[each] = a0[each] * a0[each]
        write_vector(y0, i, b0, 4)
    else:
        for i in range(i, minimum(i + 4, n)):
            y0[i] = x0[i] * x0[i]

In: `Part`. Out: `CudaText`, or None where that is not worth it, or cannot be. Imports `nest`,
`cuda.emit`, `cuda.parts`.
"""
from __future__ import annotations

from functrans.ir.type import name_of
from lowering.cuda.emit import THREAD, CudaText, GridEmitter, block_size
from lowering.cuda.parts import Part
from lowering.cuda.vector_code import BYTES
from lowering.expression import Text
from lowering.kernel_text import from_memory, to_memory
from lowering.loops import BY_ELEMENT, Index, Load, Map, Store
from lowering.plainly import STORED

MANY = 1 << 17       # elements from which on it is worth it
STREAMS = 10         # of memory at most: each takes as many registers as there are neighbours
COST = 160           # of what is computed, at most, as it is written once for each neighbour
ELSE = "else:"       # the line after which one element is taken after the other


def emit_vectors(part: Part) -> CudaText | None:
    """The text of a part of which each thread takes several neighbours."""
    width = _width(part)
    return _VectorEmitter(part, width).emit() if width > 1 else None


def _width(part: Part) -> int:
    """How many neighbours a thread takes; 1 if they are not to be taken together."""
    if part.points < MANY or not part.grid or part.owners \
            or set(part.kernel.axes) != set(part.grid):
        return 1
    last = part.grid[-1]
    width = width_along(last, part.kernel.statements, BY_ELEMENT)
    return width if len(part.grid) == 1 or last.extent % width == 0 else 1


def width_along(axis, statements: list, kinds: tuple) -> int:
    """How many neighbours along an axis statements can take at once, if they are of these kinds."""
    places = [s.place for s in statements if isinstance(s, (Load, Store))]
    streams = [place for place in places if axis in place.coefficients]
    if not streams or len(streams) > STREAMS or len(places) > 2 * STREAMS \
            or not all(isinstance(s, kinds) for s in statements) \
            or any(place.dynamic or place.guards for place in places) \
            or any(isinstance(s, Store) and s.combine for s in statements) \
            or sum(s.cost for s in statements if isinstance(s, Map)) > COST:
        return 1
    width = BYTES // max(place.view.dtype.itemsize for place in streams)
    fits = all(place.coefficients[axis] == 1 and place.view.dtype.kind != "c"
               and _stays_aligned(place, axis, width) for place in streams)
    return width if fits else 1


def _stays_aligned(place, axis, width: int) -> bool:
    """Whether groups of neighbours begin at multiples of their size, wherever they are."""
    steps = [stride for other, stride in place.coefficients.items() if other is not axis]
    return all(step >= 0 and step % width == 0 for step in steps) \
        and place.offset * place.view.dtype.itemsize % BYTES == 0


class AtOnce(GridEmitter):
    """What emitters have that work on `width` neighbours along `last` at once, in copies."""

    def __init__(self, part: Part, order: list):
        super().__init__(part, order)
        self.width, self.last = 1, None
        self.at_once = False                 # whether neighbours are worked on in copies
        self.read_from: dict = {}            # address -> the copy of what lies there
        self.written_to: dict = {}
        self.arrays: list = []               # the lines that make the copies

    def body_at_once(self, body: list, depth: int, path: tuple) -> tuple[list, list]:
        """The lines for one neighbour, in copies; and their locations."""
        before = self.lines, self.locations
        self.lines, self.locations, self.at_once = [], [], True
        self.read_from, self.written_to = {}, {}
        self._block(body, depth, path)
        lines = self.lines, self.locations
        (self.lines, self.locations), self.at_once = before, False
        return lines

    def aligned(self) -> str:
        """The condition under which that can be."""
        pointers = dict.fromkeys(map(_pointer, (*self.read_from, *self.written_to)))
        return f"aligned({', '.join(pointers)})"

    def all_at_once(self, body: tuple, depth: int):
        """Reads copies, does for each neighbour what `body` says, and writes copies."""
        self.location = None
        self._access("read_vector", self.read_from, depth)
        self._line(depth, f"for each in range({self.width}):")
        self.lines += body[0]
        self.locations += body[1]
        self._access("write_vector", self.written_to, depth)

    def _access(self, function: str, copies: dict, depth: int):
        for address, copy in copies.items():
            index = address[:-1].partition("[")[2]
            self._line(depth, f"{function}({_pointer(address)}, {index}, {copy}, {self.width})")

    def _copy(self, copies: dict, place, prefix: str) -> str:
        """The element of a copy that stands for one in memory."""
        address = self._address(place, [])
        if address not in copies:
            name = copies[address] = self.numbers.name(prefix)
            dtype = name_of(place.view.dtype)
            self.arrays.append(
                f"{name} = cuda.local.array({self.width}, {STORED.get(dtype, dtype)})")
        return f"{copies[address]}[each]"

    def _load(self, step, depth: int, path: tuple) -> Text:
        place = step.statement.place
        if not self.at_once or self.last not in place.coefficients:
            return super()._load(step, depth, path)
        return from_memory(self._copy(self.read_from, place, "a"), place.view.dtype)

    def _store(self, step, depth: int, path: tuple):
        if not self.at_once:
            super()._store(step, depth, path)
            return
        place, value = step.statement.place, self._read(step.inputs[0], path)
        target = self._copy(self.written_to, place, "b")
        self._line(depth, f"{target} = {to_memory(value.text, place.view.dtype)}")

    def _affine(self, statement: Index) -> str:
        if not self.at_once:
            return super()._affine(statement)
        name = self.axis_names[self.last]
        self.axis_names[self.last] = f"({name} + each)"
        text = super()._affine(statement)
        self.axis_names[self.last] = name
        return text.replace("((", "(").replace("))", ")") if text.endswith("))") else text


class _VectorEmitter(AtOnce):
    """A thread for `width` neighbours along the last axis."""

    def __init__(self, part: Part, width: int):
        super().__init__(part, [])
        self.width, self.last = width, part.grid[-1]

    def emit(self) -> CudaText:
        name, width = self.axis_names[self.last], self.width
        self.point(f"{{point}} = {width} * ({THREAD})", 1)
        if len(self.grid) == 1:
            end = self._extent(self.last)
            self._both_ways(1, f"{name} + {width} <= {end} and ",
                            f"minimum({name} + {width}, {end})")
        else:
            self.point("if {point} < {count}:", 1)
            self.indices(2)
            self._both_ways(2, "", f"{name} + {width}")
        self.numbers.preamble[:0] = self.arrays
        threads = -(-self.part.points // width)
        block = block_size(threads)
        return self.text((-(-threads // block),), block, 1)

    def _both_ways(self, depth: int, condition: str, end: str):
        """All neighbours at once if that can be, or one after the other up to `end`."""
        name = self.axis_names[self.last]
        body = self.body_at_once(self.nest.body, depth + 2, ())
        self.location = None
        self._line(depth, f"if {condition}{self.aligned()}:")
        self.all_at_once(body, depth + 1)
        self._line(depth, ELSE)
        self._line(depth + 1, f"for {name} in range({name}, {end}):")
        self._block(self.nest.body, depth + 2, ())


def _pointer(address: str) -> str:
    return address.partition("[")[0]


def one_by_one(text: str) -> str:
    """The part of a kernel's text that takes one element after the other."""
    return text.rpartition(f" {ELSE}\n")[2]
