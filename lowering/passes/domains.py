"""What equations run over, and where they read their operands.

The domain of an equation is what its loops run over: the operand's dimensions for a reduction,
(batch, free, contracted) for a product, the updates' for a scatter, the result's otherwise.

In: equations. Out: dimensions, accesses, views. Imports `functrans.ir`, `passes.access`, `views`.
"""
from __future__ import annotations

from functools import lru_cache

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal
from lowering.passes.access import through
from lowering.views import View

RELABELINGS = (kernels.Broadcast, kernels.Transpose, kernels.Reshape, kernels.Slice)


def relabeled(view: View, kernel, shape: tuple) -> View | None:
    """The view of a relabeling's result, given that of its operand."""
    if isinstance(kernel, kernels.Broadcast):
        return view.broadcast(shape, kernel.dims)
    if isinstance(kernel, kernels.Transpose):
        return view.transposed(kernel.perm)
    if isinstance(kernel, kernels.Slice):
        return view.sliced(kernel.start, kernel.step, shape)
    return view.reshaped(shape)


def reduced_dims(kernel, rank: int) -> tuple:
    """The dimensions of the domain that the result does not have."""
    if isinstance(kernel, kernels.Reduce):
        return kernel.axes
    if isinstance(kernel, kernels.ArgReduce):
        return (kernel.axis,)
    if isinstance(kernel, kernels.Contract):
        return tuple(range(rank - len(kernel.contract[0]), rank))
    return ()


def contract_layout(equation: Equation, kernel):
    """For each operand of a contraction, the dimension of the domain of each of its axes.

    The domain is (batch, free of lhs, free of rhs, contracted).
    """
    lhs, rhs = equation.inputs
    return _layout(len(lhs.type.shape), len(rhs.type.shape), kernel.contract, kernel.batch)


@lru_cache(maxsize=1024)
def _layout(left_rank: int, right_rank: int, contract: tuple, batch: tuple) -> tuple:
    (lc, rc), (lb, rb) = contract, batch
    lf = [k for k in range(left_rank) if k not in lc and k not in lb]
    rf = [k for k in range(right_rank) if k not in rc and k not in rb]
    rank = len(lb) + len(lf) + len(rf)
    left, right = [0] * left_rank, [0] * right_rank
    for k, (i, j) in enumerate(zip(lb, rb)):
        left[i] = right[j] = k
    for k, i in enumerate(lf):
        left[i] = len(lb) + k
    for k, j in enumerate(rf):
        right[j] = len(lb) + len(lf) + k
    for k, (i, j) in enumerate(zip(lc, rc)):
        left[i] = right[j] = rank + k
    return tuple(left), tuple(right)


def contract_domain(equation: Equation, kernel) -> tuple:
    left, right = contract_layout(equation, kernel)
    sizes: dict = {}
    for layout, atom in zip((left, right), equation.inputs):
        sizes.update(zip(layout, atom.type.shape))
    return tuple(sizes[k] for k in range(len(sizes)))


def is_library_product(equation: Equation, kernel) -> bool:
    """Whether a contraction is a matrix product of a dtype that BLAS knows."""
    return equation.outputs[0].type.dtype.name in BLAS_DTYPES \
        and is_matrix_product(equation, kernel)


BLAS_DTYPES = ("float32", "float64", "complex64", "complex128")


def is_matrix_product(equation: Equation, kernel) -> bool:
    """Whether a contraction is a product of matrices, or of one with vectors."""
    left, right = contract_layout(equation, kernel)
    domain = contract_domain(equation, kernel)
    batch = len(kernel.batch[0])
    rank = len(domain) - len(kernel.contract[0])
    rows = [k for k in left if batch <= k < rank and domain[k] != 1]
    columns = [k for k in right if batch <= k < rank and domain[k] != 1]
    inner = [k for k in left if k >= rank and domain[k] != 1]
    return bool(inner) and bool(rows or columns) and 0 not in domain


def operand_accesses(equation: Equation, kernel, domain: tuple):
    """(operand, access) for each operand that is read at the points of a domain.

    An operand of None stands for all operands of an equation that reads by index; an access of
    None says that the operand must lie in memory.
    """
    if isinstance(kernel, (kernels.Gather, kernels.DynamicSlice, kernels.Pad)):
        yield None, domain
    elif isinstance(kernel, kernels.Contract):
        for layout, atom in zip(contract_layout(equation, kernel), equation.inputs):
            yield atom, tuple(domain[k] for k in layout)
    elif isinstance(kernel, kernels.Scatter):
        yield equation.inputs[1], domain
        for index in equation.inputs[2:]:
            yield index, domain[:len(index.type.shape)]
    elif isinstance(kernel, kernels.DynamicUpdate):
        yield equation.inputs[1], domain
        for start in equation.inputs[2:]:
            yield start, ()
    elif isinstance(kernel, RELABELINGS):
        operand = equation.inputs[0]
        if type(operand) is not Literal:
            inner = through(kernel, operand.type.shape, equation.outputs[0].type.shape, domain)
            yield operand, inner
    elif not isinstance(kernel, kernels.Iota):
        for atom in equation.inputs:
            yield atom, domain if atom.type.shape else ()
