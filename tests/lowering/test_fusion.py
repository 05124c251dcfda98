"""Which loops are one: not those that an equation runs over side by side."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from lowering.loops import Load, Store
from lowering.passes.fuse import Fuser
from lowering.pipeline import CPU, make_plan, optimize


@pytest.mark.parametrize("rows", [3, 4])
@pytest.mark.parametrize("columns", [3, 4, 5])
def test_an_outer_sum_of_two_computed_matrices(rows, columns):
    """Its two leading axes may be equally long, and are different axes all the same."""
    rng = np.random.default_rng(0)
    a, b = (fnp.array(rng.normal(size=(n, 2))) for n in (rows, columns))

    def function(a, b):
        return fnp.tanh(((0.5 * b)[None] + (a * a)[:, None]).sum(axis=1))
    expected = np.tanh((0.5 * np.asarray(b)[None] + np.asarray(a)[:, None] ** 2).sum(axis=1))
    np.testing.assert_allclose(ft.jit(function, device="cpu")(a, b), expected, rtol=1e-12)


def test_pairs_of_lanes_and_rows():
    rng = np.random.default_rng(1)
    x, m, w = (fnp.array(rng.normal(size=shape)) for shape in ((3, 2), (3, 2), (2,)))

    def function(x, m, w):
        return fnp.tanh(ft.vmap(lambda row: 0.5 * row + x * w)(m).sum(0))
    lanes = ft.vmap(function, (0, None, None))
    np.testing.assert_allclose(ft.jit(lanes, device="cpu")(x, m, w),
                               ft.jit(lanes, device="reference")(x, m, w), rtol=1e-12)


def test_no_kernel_reads_memory_of_which_it_writes_a_part():
    """Its statements would be in no order."""
    def function(a, b, rows):
        kept = rows > 0
        joined = fnp.concatenate([fnp.where(kept, a, 0), fnp.tanh(b)], axis=1)
        return fnp.where(kept, joined[:, :2], 1.0), joined

    a, b, rows = np.ones((3, 2)), np.ones((3, 1)), np.arange(6.0).reshape(3, 2)
    kernels = []

    def cluster(kernel):
        kernels.append(kernel)
        return CPU.cluster(kernel)
    program = optimize(ft.jit(function).trace(a, b, rows), routines=False)
    make_plan(program, replace(CPU, cluster=cluster))
    for kernel in kernels:
        read, written = ({statement.place.view.buffer.root() for statement in kernel.statements
                          if isinstance(statement, kind)} for kind in (Load, Store))
        assert not read & written
    assert len(kernels) >= 2


def test_what_runs_after_a_merged_step_runs_after_both():
    fuser = Fuser(ft.jit(lambda x: x).trace(1.0))
    first, second, third, last = (fuser.new_cluster().bit for _ in range(4))
    fuser.add_dependencies(third, 1 << first)
    fuser.add_dependencies(last, 1 << second)
    fuser._rename_step(second, third)
    assert fuser.depends[last] == 1 << first | 1 << third
