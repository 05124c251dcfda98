"""A primitive is one record: its name and all its rules.

In: functions. Out: `Primitive` records, and the closed set of kernel classes by which
`lowering/` compiles them. Imports nothing of functrans but `ir`.

Rules, always by these names (`None` where a rule has no meaning for the primitive):

- `infer(*types, **params) -> ArrayType`, or a tuple of them where `multiple` is true
- `evaluate(*arrays, **params)`: the value, on NumPy arrays
- `jvp(out, primals, tangents, params) -> tangent_out`; `out` is the value at the primals, a
  tangent that is None is a zero
- `transpose(ct, inputs, params) -> cotangents`; an input that is linear is a `Linear`, a
  cotangent None, an array, or a `Sum`
- `batch(size, args, batched, params) -> (out, batched_out)`; a mapped axis is axis 0
- `linearize`: partial evaluation of primitives that carry Programs (see transforms/)
- `prune(equation, live) -> equation`: with only those results that are `live`, or that others
  need, of primitives that carry Programs
- `kernel(types, params) -> Kernel`: what `lowering/` makes of it
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from functrans.ir.type import ArrayType


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Primitive:
    name: str
    infer: Callable
    evaluate: Callable
    jvp: Callable | None = None
    transpose: Callable | None = None
    batch: Callable | None = None
    linearize: Callable | None = None
    kernel: Callable | None = None
    prune: Callable | None = None   # an equation without the results that nobody reads
    multiple: bool = False          # whether it returns a tuple of values
    effect: bool = False            # whether it must run even if nobody reads its results
    custom: bool = False            # whether its derivative is a function of the user's
    show: Callable | None = None    # how its params print, where `name=value` would not do
    inherits_weak: bool = True      # whether the result is weakly typed if all operands are
    subexpressions: bool = True     # whether two equal equations may be merged

    def __repr__(self):
        return self.name


@dataclass(frozen=True, slots=True)
class Linear:
    """Stands for an input on which an equation depends linearly, in transpose rules.

    sum: the cotangent of it that other equations gave already, or None. A rule whose cotangent
    is mostly zeros adds to it in place, and returns `Sum`.
    """
    type: ArrayType
    sum: object = None

    @property
    def shape(self):
        return self.type.shape

    @property
    def dtype(self):
        return self.type.dtype

    @property
    def ndim(self):
        return self.type.ndim


@dataclass(frozen=True, slots=True)
class Sum:
    """A cotangent, from a transpose rule, that contains the `sum` of its input already."""
    value: object


# ---- kernel classes: the only thing that lowering/ knows of a primitive ----

class Kernel:
    """Base of the closed set of classes on which `lowering/` dispatches."""
    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Elementwise(Kernel):
    """Output i depends on element i of each operand: `expr` in Python, operands `{0}`, `{1}`.

    `outputs > 1`: the expression is a tuple. `cost` is a rough count of operations, by which
    fusion decides whether to compute a value twice or to store it.
    """
    expr: str
    cost: int = 1
    outputs: int = 1


@dataclass(frozen=True, slots=True)
class Broadcast(Kernel):
    """Operand dimension k is output dimension `dims[k]`; other dimensions are new."""
    dims: tuple


@dataclass(frozen=True, slots=True)
class Transpose(Kernel):
    """Output dimension k is operand dimension `perm[k]`."""
    perm: tuple


@dataclass(frozen=True, slots=True)
class Reshape(Kernel):
    """The same elements in the same row-major order."""


@dataclass(frozen=True, slots=True)
class Slice(Kernel):
    """Output index i along dimension k reads operand index `start[k] + i * step[k]`.

    A negative step reverses.
    """
    start: tuple
    step: tuple


@dataclass(frozen=True, slots=True)
class Pad(Kernel):
    """Operand 0 laid into operand 1 (a scalar): `low`, `high` and `interior` per dimension."""
    low: tuple
    high: tuple
    interior: tuple


@dataclass(frozen=True, slots=True)
class Concatenate(Kernel):
    """The operands one after the other along `axis`."""
    axis: int


@dataclass(frozen=True, slots=True)
class Iota(Kernel):
    """The index along `axis`."""
    axis: int


@dataclass(frozen=True, slots=True)
class DynamicSlice(Kernel):
    """A window whose start is given by operands 1.. at run time, clamped into bounds."""
    sizes: tuple


@dataclass(frozen=True, slots=True)
class DynamicUpdate(Kernel):
    """Operand 0 with operand 1 written at the start given by operands 2.., clamped.

    combine: of `{acc}`, what is there, and `{0}`, what is written.
    """
    combine: str = "{0}"


@dataclass(frozen=True, slots=True)
class Reduce(Kernel):
    """Combines elements along `axes`: `{acc}` and `{0}` in `combine`, starting from `init`."""
    axes: tuple
    init: object      # a NumPy scalar
    combine: str


@dataclass(frozen=True, slots=True)
class ArgReduce(Kernel):
    """The index of the first element along `axis` that is `better` (`{0}` against `{acc}`)."""
    axis: int
    better: str


@dataclass(frozen=True, slots=True)
class Cumulate(Kernel):
    """Running result along `axis`: `combine` of `{acc}` and operands, starting from `init`."""
    axis: int
    reverse: bool
    init: object      # a NumPy scalar
    combine: str


@dataclass(frozen=True, slots=True)
class Contract(Kernel):
    """Sum of products: pairs of contracted and of batch dimensions of the two operands."""
    contract: tuple   # (lhs dims, rhs dims)
    batch: tuple      # (lhs dims, rhs dims)


@dataclass(frozen=True, slots=True)
class Gather(Kernel):
    """`out[b, n, w] = operand[b, i0[b, n], i1[b, n], ..., w]`; see primitives/index.py."""
    batch_dims: int
    mode: str


@dataclass(frozen=True, slots=True)
class Scatter(Kernel):
    """Operand 0 with updates combined in at indices, the adjoint of `Gather`."""
    batch_dims: int
    mode: str
    combine: str      # `{acc}` and `{0}`


@dataclass(frozen=True, slots=True)
class Sort(Kernel):
    """All operands sorted along `axis` by the first `keys` of them, stable."""
    axis: int
    keys: int


@dataclass(frozen=True, slots=True)
class Call(Kernel):
    """Inlined: `program` run on the operands."""
    program: object


@dataclass(frozen=True, slots=True)
class Scan(Kernel):
    """`body` run `length` times: operands are constants, carries, then stacked inputs."""
    body: object
    length: int
    constants: int
    carries: int
    reverse: bool


@dataclass(frozen=True, slots=True)
class While(Kernel):
    """`body` run as long as `condition` holds: operands are their constants, then carries.

    Results are the carries and, if `counted`, the number of steps, and a stack for each result
    of the body behind the carries.
    """
    condition: object
    body: object
    condition_constants: int
    body_constants: int
    counted: bool


@dataclass(frozen=True, slots=True)
class Unwind(Kernel):
    """`body` run as often as operand 0 says; then as `Scan`, with stacks for stacked values."""
    body: object
    constants: int
    carries: int
    reverse: bool


@dataclass(frozen=True, slots=True)
class EmptyStack(Kernel):
    """Stacks without elements."""


@dataclass(frozen=True, slots=True)
class AddStacks(Kernel):
    """The sum of two stacks, element by element; one without elements is zero."""


@dataclass(frozen=True, slots=True)
class Branch(Kernel):
    """One of `branches`, chosen by operand 0, run on the other operands."""
    branches: tuple


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Kernel):
    """An array that the Program holds: `value`, a NumPy array."""
    value: object


@dataclass(frozen=True, slots=True)
class Barrier(Kernel):
    """The operands as they are, not before all of them are computed; equal ones stay apart."""


@dataclass(frozen=True, slots=True)
class HostCall(Kernel):
    """Back to Python on the host: `function(*arrays) -> arrays`."""
    function: Callable
