"""Kernels in which a block of threads computes a point: reductions, softmax, layer norm.

The threads share the loops; what each has reduced is combined by `warps.py`, in an order that does
not change from run to run:

    acc0 = float32(0.0)
    j = thread
    while j < n_j:
        acc0 = sum_step(acc0, x0[i * n_j + j])
        j += threads

In: `Part`. Out: `CudaText`, or None where threads cannot share the loops. Imports `nest`,
`cuda.emit`, `cuda.parts`, `cuda.vectors`, `cuda.warps`.
"""
from __future__ import annotations

from lowering.cuda.emit import CudaText, ThreadEmitter, block_size, emit_threads, inner_axes
from lowering.cuda.parts import Part, is_apart
from lowering.cuda.vectors import AtOnce, emit_vectors, width_along
from lowering.cuda.warps import Shared, combined
from lowering.emit import steps_of
from lowering.loops import Constant, Cumulate, Index, Load, Map, Pick, Reduce, Store
from lowering.nest import Loop, Nest, Step, accumulator

SHORT = 32           # loops shorter than this are not worth a block
LONG = 1 << 10       # in loops of so many iterations threads take neighbours at once
FEW_POINTS = 4096    # up to so many points a block for each is better, even if it reads far apart


def emit_part(part: Part) -> CudaText | None:
    """The text of a part, with a block or with a thread for each point; None if it cannot be
    taken in pieces."""
    order = _order(part)
    if not _is_worth_it(part, order):
        return emit_vectors(part) or emit_threads(part)
    emitter = _RowEmitter(part, order)
    if _can_share(emitter.nest, part.pieces is not None):
        in_blocks = part.pieces is None or _reads_rows(part, order[0])
        return emitter.emit() if in_blocks else ThreadEmitter(part, order).emit()
    return None if part.pieces else emit_threads(part)


def _is_worth_it(part: Part, order: list) -> bool:
    """Whether the loops of a point are to be shared."""
    if part.pieces:
        return True
    return bool(order) and order[0].extent >= SHORT \
        and any(isinstance(s, Reduce) for s in part.kernel.statements) \
        and (part.points <= FEW_POINTS or _reads_rows(part, order[0]))


def _order(part: Part) -> list:
    """The axes of the loops; the outermost one, which is shared, is not a short one."""
    axes = inner_axes(part)
    if axes and axes[0].extent < SHORT:
        longest = max(axes, key=lambda axis: axis.extent)
        axes = [longest, *(axis for axis in axes if axis is not longest)]
    return axes


def _reads_rows(part: Part, axis) -> bool:
    """Whether neighbours along an axis lie side by side in memory."""
    return any(abs(s.place.coefficients.get(axis, 0)) == 1 for s in part.kernel.statements
               if isinstance(s, Load))


# ---- whether threads can share the loops ----

def _can_share(nest: Nest, once: bool) -> bool:
    """Whether the iterations of the outer loops are apart, but for what is reduced over them, and
    read no more of each other than a thread keeps. once: there must be one such loop."""
    homes: dict = {}                  # values in scratch, buffers written -> the axis of the loop
    loops = [item for item in nest.body if isinstance(item, Loop)]
    return 0 < len(loops) <= (1 if once else len(loops)) and all(
        _may_share(step, path, loop, nest, homes)
        for loop in loops for step, path in steps_of(loop.body, (loop,)))


def _may_share(step: Step, path: tuple, loop: Loop, nest: Nest, homes: dict) -> bool:
    statement, axis = step.statement, loop.axis
    if isinstance(statement, Reduce) and axis in statement.over:
        if accumulator(statement, path) != (0, ()):
            return False
    elif not is_apart(statement, axis):
        return False
    kept = nest.states.get(step.key, ()) if isinstance(statement, Cumulate) \
        else nest.scratch.get(step.key, ())
    if kept and axis not in kept or isinstance(statement, Cumulate) and axis is statement.along:
        return False
    if any(homes.get(key, axis) is not axis for key in step.inputs):
        return False
    if isinstance(statement, (Load, Store)):
        buffer = id(statement.place.view.buffer.root())
        if homes.get(("memory", buffer), axis) is not axis:
            return False
        if isinstance(statement, Store):
            homes["memory", buffer] = axis
    if kept:
        homes[step.key] = axis
    return True


def _width(loop: Loop, nest: Nest) -> int:
    """How many neighbours a thread takes at once in a loop that is shared."""
    steps = list(steps_of(loop.body, ()))
    if loop.axis.extent < LONG or any(path for _, path in steps) \
            or any(nest.scratch.get(step.key) for step, _ in steps):
        return 1
    return width_along(loop.axis, [step.statement for step, _ in steps],
                       (Constant, Index, Load, Map, Pick, Reduce, Store))


# ---- the text ----

class _RowEmitter(AtOnce):
    """A block for each point."""

    def emit(self) -> CudaText:
        points = self.part.points
        longest = max(loop.axis.extent for loop in self.nest.body if isinstance(loop, Loop))
        block = block_size(longest)
        self.shared: list = []
        self._line(1, "thread, threads = cuda.threadIdx.x, cuda.blockDim.x")
        blocks = self._points(points)
        self.numbers.preamble[:0] = [*(value.array() for value in self.shared), *self.arrays]
        return self.text((blocks,), block, blocks)

    def _points(self, points: int) -> int:
        """The body for each point; the number of blocks."""
        if not self.grid:
            self._block(self.nest.body, 1, ())
            return 1
        if not self.has_scratch():
            self.point("{point} = cuda.blockIdx.x", 1)
            self.indices(1)
            self._block(self.nest.body, 1, ())
            return points
        self.point("for {point} in range(cuda.blockIdx.x, {count}, cuda.gridDim.x):", 1)
        self.indices(2)
        self._block(self.nest.body, 2, ())
        self._line(2, "cuda.syncthreads()")
        return min(points, self.affordable())

    def _block(self, body: list, depth: int, path: tuple):
        if path:
            super()._block(body, depth, path)
            return
        for item in body:
            if isinstance(item, Loop):
                self._share(item, depth)
            else:
                self._statement(item, depth, path)

    def _share(self, loop: Loop, depth: int):
        """A loop whose iterations go to the threads in turn."""
        self._prepare(loop, depth, ())
        name, first, step = self._turns(loop)
        self.location = None
        self._line(depth, f"{name} = {first}")
        width = _width(loop, self.nest)
        if width > 1:
            self._share_at_once(loop, depth, width)
        self.location = None
        self._line(depth, f"while {name} < {self._extent(loop.axis)}:")
        self._loop_body(loop.body, depth + 1, (loop,))
        self.location = None
        self._line(depth + 1, f"{name} += {step}")
        self._combine_all(loop, depth)

    def _turns(self, loop: Loop) -> tuple[str, str, str]:
        """The index of a loop, the first one of a thread, and how far the next one is. Not as a
        range: numba divides to find out how long one is."""
        name = self.axis_names[loop.axis]
        if self.part.pieces is None:
            return name, "thread", "threads"
        piece, pieces = self.axis_names[self.part.pieces], self._extent(self.part.pieces)
        return name, f"{piece} * threads + thread", f"{pieces} * threads"

    def _share_at_once(self, loop: Loop, depth: int, width: int):
        """All groups of `width` iterations, where memory allows that; the others are left."""
        (name, first, step), extent = self._turns(loop), self._extent(loop.axis)
        self.width, self.last = width, loop.axis
        body = self.body_at_once(loop.body, depth + 3, (loop,))
        self._line(depth, f"if {self.aligned()}:")
        self._line(depth + 1, f"{name} = {width} * "
                              f"{f'({first})' if ' ' in first else first}")
        self._line(depth + 1, f"while {name} + {width} <= {extent}:")
        self.all_at_once(body, depth + 2)
        self.location = None
        self._line(depth + 2, f"{name} += {width} * {step}")
        self._line(depth + 1, f"{name} = {extent} // {width} * {width} + {first}")

    def _combine_all(self, loop: Loop, depth: int):
        """What the threads have reduced in a loop."""
        self._combine([item for item, path in steps_of(loop.body, (loop,))
                       if isinstance(item.statement, Reduce)
                       and accumulator(item.statement, path)[0] == 0], depth)

    def _combine(self, steps: list, depth: int):
        """The results of all threads as one, which each of them gets."""
        values = [self._shared(step) for step in steps]
        if values:
            self.location = steps[0].statement.location
            for text in combined(values):
                self._line(depth, text)

    def _shared(self, step: Step) -> Shared:
        statement = step.statement
        state = self._state(step, "acc", statement.dtype)
        value = Shared(state, self.numbers.name("other"), f"shared{len(self.shared)}",
                       statement.dtype,
                       lambda mine, other: self._combined(statement, mine, [other]))
        self.shared.append(value)
        return value

    def _store(self, step: Step, depth: int, path: tuple):
        if not path:                                    # outside of the loops: once
            self._line(depth, "if thread == 0:")
            depth += 1
        super()._store(step, depth, path)

    def _scratch_index(self, axes: tuple) -> str:
        """The memory of each block lies behind that of the one before."""
        text = "cuda.blockIdx.x" if self.grid else ""
        for axis in axes:
            index = self.axis_names[axis]
            start = f"({text})" if " " in text else text
            text = f"{start} * {self._extent(axis)} + {index}" if text else index
        return text

