"""Running functions through the CUDA target's own door, for tests of its kernels."""
from __future__ import annotations

import random
from contextlib import contextmanager

import numpy as np

import functrans as ft
import lowering


def compiled(function, args, folder=None):
    """(the executable of a function for the CUDA target, its operands)."""
    entry, leaves = ft.jit(function)._entry(tuple(args), {})
    executable = lowering.compile(entry.program, "cuda", cache_folder=folder)
    operands = [leaf._data if isinstance(leaf, ft.Array) else
                np.asarray(leaf, kind.dtype if isinstance(kind.dtype, np.dtype) else object)
                for leaf, kind in zip((*entry.captured, *leaves), entry.program.input_types)]
    return executable, operands


@contextmanager
def shuffled_blocks():
    """Within this block, the simulator runs the blocks of each launch in another order."""
    from lowering.cuda import driver
    driver.backend().order = random.Random(7)
    try:
        yield
    finally:
        driver.backend().order = None


def on_cuda(function, args, folder=None) -> list[np.ndarray]:
    """The outputs of a function, computed by the CUDA target, as a flat list."""
    from lowering.cuda import driver
    executable, operands = compiled(function, args, folder)
    outs = executable.run(operands)
    driver.synchronize()
    return [out if isinstance(out, np.ndarray) else driver.to_host(out) for out in outs]


def assert_same(function, args, folder=None, ulp=64):
    """The device's results are those of the CPU, up to the order of sums."""
    expected = ft.tree.leaves(ft.jit(function, device="cpu")(*args))
    for part, value in zip(on_cuda(function, args, folder), expected, strict=True):
        value = np.asarray(value)
        eps = np.finfo(value.dtype).eps if value.dtype.kind in "fc" else 0
        scale = np.max(np.abs(value), initial=0, where=np.isfinite(value))
        np.testing.assert_allclose(part, value, rtol=ulp * eps, atol=ulp * eps * scale)


def cuda_texts(executable) -> list[tuple]:
    """(text, types of the parameters) of each of an executable's kernels."""
    from lowering.cuda.emit import CudaText
    from lowering.cuda.listing import signature
    return list(dict.fromkeys(
        (launch.kernel.text, tuple(signature(launch.kernel.parameters)))
        for launch in executable.plan.launches() if isinstance(launch.kernel, CudaText)))
