"""Random Programs: chains of the kit's operations, within calls, choices and loops.

In: choices of hypothesis. Out: `Drawn`, an operation of the kit's own kind, so that all its checks
apply. Simple things come first, so that shrinking ends with few primitives and few elements.
Imports `conformance`.
"""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from functrans import tree
from functrans.extras import require
from functrans.ir.program import Program
from functrans.ir.rewrite import dead_code
from functrans.ir.type import ArrayType
from functrans.testing.conformance.libraries import library
from functrans.testing.conformance.operation import Case, Operand, Operation
from functrans.testing.conformance.probe import Probe, as_tuple
from functrans.testing.conformance.reference import REFERENCE
from functrans.testing.conformance.table import all_operations
from functrans.trace import trace

# Operations that take any number, and so the results of others: without kinks or poles.
SMOOTH = frozenset("""
    add subtract multiply negative sin cos tanh arctan expit erf softplus logaddexp real imag conj
    broadcast_to broadcasting reshape ravel transpose moveaxis flip pad concatenate stack split tile
    repeat roll tril diagonal diag take x[i,j] add.at sum mean cumsum cumprod matmul dot outer
    tensordot einsum scan fori_loop cond switch checkpoint fft rfft logsumexp softmax
    """.split()) | {"jit within", "x[i, j]", "slice", "slice, step -1", "x[i] = y", "dynamic_slice"}

# Of no use in chains: conversions to other precisions, calls into Python, bits.
UNFIT = ("astype", "debug", "io_", "pure_", "random")

WRAPS = ("plain", "jit", "checkpoint", "cond", "loop")
DIGITS = {str(size): size for size in range(10)}
LARGEST, SEEDS = 3, 1000


@dataclass(frozen=True)
class Step:
    """One operation of a chain: its case, and where its operands come from.

    sources: for each operand ("input", k) or ("result", k).
    """
    name: str
    case: Case
    sources: tuple


@dataclass(frozen=True)
class Drawn:
    """A random Program: its steps, how it is called, the sizes of axes, the dtype.

    operation: the same as one of the kit's.
    """
    steps: tuple
    wrap: str
    sizes: tuple
    dtype: str
    operation: Operation

    @property
    def case(self) -> Case:
        return self.operation.cases[0]

    def probe(self) -> Probe:
        """With which the kit's checks are asked, of functrans."""
        return Probe(library("functrans"), self.operation, self.case, self.dtype,
                     dict(self.sizes))

    def arrays(self) -> list[np.ndarray]:
        return self.case.arrays(self.dtype, self.operation.name, dict(self.sizes))

    def elements(self) -> int:
        """Of the largest input."""
        return max((array.size for array in self.arrays()), default=0)

    def program(self) -> Program:
        """As functrans traces it."""
        names = library("functrans").names
        program, _ = trace(lambda *xs: as_tuple(tree.leaves(self.case.function(names, *xs))),
                           [ArrayType(array.shape, array.dtype) for array in self.arrays()])
        return dead_code(program)

    def primitives(self) -> int:
        """How many equations it has, those within its loops and branches not counted."""
        return len(self.program().equations)

    @property
    def top(self) -> list[str]:
        """The names of its primitives in order, those within not counted."""
        return [equation.primitive.name for equation in self.program().equations]

    @property
    def size(self) -> tuple:
        """By which failing Programs are compared."""
        return self.primitives(), self.elements(), sum(array.size for array in self.arrays())

    def __repr__(self):
        shapes = ", ".join(str(list(array.shape)) for array in self.arrays())
        chain = " | ".join(step.name for step in self.steps)
        return f"{chain} ({self.wrap}, {self.dtype}{shapes})"


# ---- building ----

def run_steps(steps: Sequence[Step], xp, inputs: Sequence) -> tuple:
    """The results of all steps but those that other steps read."""
    results: list = []
    sources = {"input": inputs, "result": results}
    outputs: list = []
    read = {number for step in steps for kind, number in step.sources if kind == "result"}
    for place, step in enumerate(steps):
        operands = [sources[kind][number] for kind, number in step.sources]
        parts = as_tuple(step.case.function(xp, *operands))
        results.append(parts[0])
        outputs += parts[1:] if place in read else parts
    return tuple(outputs)


def _wrapped(function: Callable, wrap: str) -> Callable:
    """`function(xp, *xs)` within a call, a choice or a loop."""
    def plain(xp, *xs):
        return function(xp, *xs)

    def called(xp, *xs):
        return xp.jit(lambda *ys: function(xp, *ys))(*xs)

    def checkpointed(xp, *xs):
        return xp.checkpoint(lambda *ys: function(xp, *ys))(*xs)

    def chosen(xp, *xs):
        yes = xp.asarray(True)
        return xp.cond(yes, lambda *ys: function(xp, *ys), lambda *ys: function(xp, *ys), *xs)

    def repeated(xp, *xs):
        """Two steps of a loop over the same operands."""
        def step(state, k):
            return state, function(xp, *xs)
        return xp.scan(step, xp.asarray(0), xp.arange(2))[1]
    return {"plain": plain, "jit": called, "checkpoint": checkpointed, "cond": chosen,
            "loop": repeated}[wrap]


def assemble(steps: Sequence[Step], operands: Sequence[Operand], wrap: str, sizes: dict,
             dtype: str, seed: int, fixed: Sequence[int], options: dict) -> Drawn:
    """A random Program as an operation."""
    case = Case(_wrapped(lambda xp, *xs: run_steps(steps, xp, xs), wrap), tuple(operands))
    name = f"{' | '.join(step.name for step in steps)} #{seed}"
    operation = Operation(name, (case,), (dtype,), fixed=tuple(fixed), ulp=4096, **options)
    return Drawn(tuple(steps), wrap, tuple(sizes.items()), dtype, operation)


# ---- the alphabet ----

@cache
def alphabet(dtype: str) -> tuple[str, ...]:
    """The operations that take a dtype, those that are made of few primitives first."""
    table = all_operations()
    sized = []
    for name, operation in table.items():
        if dtype in operation.dtypes and not name.startswith(UNFIT):
            alone = single(name, 0, dtype, DEFAULT)
            size = sum(array.size for array in alone.arrays())
            sized.append((alone.primitives(), len(alone.case.operands), size, name))
    return tuple(name for *_, name in sorted(sized))


DTYPES = ("float64", "float64", "complex128")
DEFAULT = dict(k=4, m=2, n=3, p=2, s=3)


def single(name: str, number: int, dtype: str, sizes: dict) -> Drawn:
    """One operation alone, as a Program."""
    operation = all_operations()[name]
    case = operation.cases[number]
    step = Step(name, case, tuple(("input", k) for k in range(len(case.operands))))
    return assemble([step], case.operands, "plain", sizes, dtype, 0, operation.fixed,
                    dict(derivative=operation.derivative, forward=operation.forward,
                         second=operation.second))


# ---- drawing ----

def programs(longest: int = 4):
    """A hypothesis strategy of `Drawn`: operations by their place in the alphabet, so that simpler
    ones are tried when a failure is shrunk."""
    hypothesis = require("hypothesis", "test")
    st = require("hypothesis.strategies", "test")

    @st.composite
    def drawn(draw):
        dtype = draw(st.sampled_from(sorted(set(DTYPES), reverse=True)))
        sizes = {letter: draw(st.integers(1, LARGEST)) for letter in DEFAULT}
        names = draw(st.lists(st.sampled_from(alphabet(dtype)), min_size=1, max_size=longest))
        wrap = draw(st.sampled_from(WRAPS))
        try:
            return chain(names, dtype, sizes, wrap, lambda n: draw(st.integers(0, n)))
        except Unfit:
            hypothesis.reject()
    return drawn()


def stream(seed: int, longest: int = 4) -> Iterator[Drawn]:
    """Random Programs without end. Operations are dealt like cards, so that each comes up as often
    as the others."""
    rng = random.Random(seed)
    decks: dict = {dtype: [] for dtype in DTYPES}
    while True:
        dtype = rng.choice(DTYPES)
        deck = decks[dtype]
        if len(deck) < longest:
            deck += rng.sample(alphabet(dtype), len(alphabet(dtype)))
        names = [deck.pop(0) for _ in range(rng.randint(1, longest))]
        sizes = {letter: rng.randint(1, LARGEST) for letter in DEFAULT}
        wrap = rng.choice(WRAPS)
        try:
            yield chain(names, dtype, sizes, wrap, lambda n: rng.randint(0, n))
        except Unfit:                             # these sizes do not suit one of them
            deck += names


class Unfit(Exception):
    """These choices give no Program: an operation does not take these sizes."""


def chain(names: Sequence[str], dtype: str, sizes: dict, wrap: str, choose: Callable) -> Drawn:
    """A Program of these operations, as far as they fit; `choose(n)` is a number from 0 to n.

    An operand is a fresh input (choice 0), or the result of an earlier step.
    """
    table, sizes = all_operations(), {**sizes, **DIGITS}
    builder = _Chain(dtype, sizes, choose)
    for name in names:
        builder.add(table[name])
    seed = choose(SEEDS)
    return assemble(builder.steps, builder.operands, wrap, sizes,
                    dtype, seed, builder.fixed, builder.options)


class _Chain:
    """A chain in the making, with NumPy's results, whose shapes decide what fits."""

    def __init__(self, dtype: str, sizes: dict, choose: Callable):
        self.dtype, self.sizes, self.choose = dtype, sizes, choose
        self.steps: list[Step] = []
        self.operands: list[Operand] = []
        self.inputs: list[np.ndarray] = []
        self.results: list[np.ndarray] = []
        self.fixed: list[int] = []
        self.options = dict(derivative=True, forward=True, second=True)

    def add(self, operation: Operation):
        case = operation.cases[self.choose(len(operation.cases) - 1)]
        dims = None
        sources = []
        for number, operand in enumerate(case.operands):
            found = self._earlier(operation, operand, dims)
            if found is None:
                found = self._fresh(operand, dims, number in operation.fixed)
            elif operation.elementwise:
                dims = "".join(map(str, self.results[found[1]].shape))
            sources.append(found)
        step = Step(operation.name, case, tuple(sources))
        self._run(step)
        for name in self.options:
            self.options[name] &= getattr(operation, name)

    def _earlier(self, operation: Operation, operand: Operand, dims) -> tuple | None:
        """A result of an earlier step that can be this operand, if that is chosen."""
        if operation.name not in SMOOTH or operand.kind != "normal" or operand.dtype:
            return None
        free = operation.elementwise and dims is None
        shape = None if free else Operand(dims).shape(self.sizes) if dims is not None \
            else operand.shape(self.sizes)
        fitting = [k for k, result in enumerate(self.results)
                   if result.dtype == np.dtype(self.dtype) and result.size
                   and (result.shape == shape or free and max(result.shape, default=0) < 10)
                   and np.all(np.abs(result) < 10)]
        chosen = self.choose(len(fitting)) if fitting else 0
        return ("result", fitting[chosen - 1]) if chosen else None

    def _fresh(self, operand: Operand, dims, fixed: bool) -> tuple:
        made = Operand(operand.dims if dims is None else dims, operand.kind, operand.dtype)
        self.operands.append(made)
        if fixed:
            self.fixed.append(len(self.operands) - 1)
        self.inputs.append(Case(None, (made,)).arrays(self.dtype, str(len(self.operands)),
                                                      self.sizes)[0])
        return "input", len(self.operands) - 1

    def _run(self, step: Step):
        self.steps.append(step)
        try:
            with np.errstate(all="ignore"):
                sources = {"input": self.inputs, "result": self.results}
                operands = [sources[kind][number] for kind, number in step.sources]
                parts = as_tuple(step.case.function(REFERENCE, *operands))
        except (ValueError, IndexError, ZeroDivisionError, np.linalg.LinAlgError) as error:
            raise Unfit(str(error)) from None
        self.results.append(np.asarray(parts[0]))
