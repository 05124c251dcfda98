"""Random programs without control flow, on two matrices of one shape.

In: how many steps. Out: strategies for `StraightProgram`s. Imports `functrans.numpy`.
"""
from __future__ import annotations

from dataclasses import dataclass

import functrans.numpy as fnp
from functrans.testing.strategies.base import st


def _matrix_product(x, y):
    return fnp.tanh(x @ y.T) @ x * 0.3


def _rows(x, y):
    e = fnp.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True) + y


def _picked(x, y):
    return x[fnp.arange(len(x)) * 2 % len(x)] * y


def _updated(x, y):
    return x.at[-1, ::2].add(y[0, ::2]).at[fnp.array([0, 0])].add(y[fnp.array([0, -1])] * 0.5)


#: Each takes two matrices of one shape and gives another of that shape, finite if they are of
#: moderate size.
STEPS = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - 0.5 * y,
    "mul": lambda x, y: x * fnp.sin(y),
    "div": lambda x, y: x / (1.5 + fnp.cos(y)),
    "tanh": lambda x, y: fnp.tanh(x) + y,
    "logistic": lambda x, y: 1 / (1 + fnp.exp(-x)) * y,
    "log": lambda x, y: fnp.log(x * x + 0.5),
    "sqrt": lambda x, y: fnp.sqrt(1 + x * x + y * y),
    "power": lambda x, y: (1.2 + fnp.tanh(x)) ** 2.5 + y ** 3,
    "where": lambda x, y: fnp.where(x > y, x * 2, y - x),
    "maximum": lambda x, y: fnp.maximum(x, y),
    "clip": lambda x, y: fnp.clip(x, -0.7, 0.9) + y,
    "row_sum": lambda x, y: x.sum(axis=1, keepdims=True) * 0.3 + y,
    "column_mean": lambda x, y: x - y.mean(axis=0),
    "total": lambda x, y: x / (2 + (y * y).sum()),
    "softmax": _rows,
    "max_rows": lambda x, y: x - y.max(axis=1)[:, None],
    "product": lambda x, y: fnp.prod(1 + 0.1 * x, axis=0) * y,
    "matmul": _matrix_product,
    "transposed": lambda x, y: (x.T * y.T.sum(axis=0)).T,
    "reshaped": lambda x, y: fnp.sin(x.reshape(-1)).reshape(x.shape) + y.reshape(x.T.shape).T,
    "flipped": lambda x, y: x[::-1] + y[:, ::-1],
    "shifted": lambda x, y: fnp.concatenate([x[:, 1:], y[:, :1]], axis=1),
    "rolled": lambda x, y: fnp.roll(x, 1, axis=0) * y,
    "padded": lambda x, y: fnp.pad(x[:-1, 1:], ((1, 0), (0, 1))) + y,
    "running": lambda x, y: fnp.cumsum(x, axis=1) * 0.4 + y,
    "running_product": lambda x, y: fnp.cumprod(1 + 0.2 * x, axis=0) - y,
    "picked": _picked,
    "updated": _updated,
    "sorted": lambda x, y: fnp.sort(x, axis=1) * y,
    "einsum": lambda x, y: fnp.einsum("ij,kj,kl->il", x, y, x) * 0.2,
    "diagonal": lambda x, y: fnp.diag(fnp.diag(x @ y.T)) @ x * 0.3,
}
#: The steps with kinks, where differences may be taken across one.
KINKED = ("where", "maximum", "clip", "max_rows", "sorted", "softmax")


@dataclass(frozen=True)
class StraightProgram:
    """A function of two matrices of one shape to a third: the last of its `steps`.

    steps: (name in `STEPS`, the numbers of two earlier values); values 0 and 1 are the arguments.
    """
    steps: tuple

    def __call__(self, x, y):
        values = [x, y]
        for name, first, second in self.steps:
            values.append(STEPS[name](values[first], values[second]))
        return values[-1]

    @property
    def smooth(self) -> bool:
        """Whether no step has a kink."""
        return not any(name in KINKED for name, *_ in self.steps)

    __name__ = "straight_program"


@st.composite
def straight_programs(draw, max_steps: int = 6, smooth: bool = False):
    """Functions of two matrices of one shape (with two rows at least) to another such matrix.

    smooth: without kinks.

    >>> from hypothesis import find
    >>> from functrans.testing import strategies as fst
    >>> find(fst.straight_programs(), lambda program: len(program.steps) == 2).steps
    (('add', 0, 0), ('add', 0, 0))
    """
    names = [name for name in STEPS if not (smooth and name in KINKED)]
    steps = []
    for number in range(draw(st.integers(1, max_steps))):
        operands = st.integers(0, number + 1)
        steps.append((draw(st.sampled_from(names)), draw(operands), draw(operands)))
    return StraightProgram(tuple(steps))
