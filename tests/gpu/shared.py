"""What the tests on a GPU take from those under the simulator: the same functions, the same laws.

FUNCTRANS_GPU_TESTS=simulator runs them under numba's simulator instead of a GPU, which the tests of
these tests do with a few: NUMBA_ENABLE_CUDASIM=1 must be set, too.
"""
from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import functrans as ft
from lowering.cuda import driver

CUDA_TESTS = Path(__file__).parent.parent / "cuda"


def require_gpu():
    """Skips the module that calls it where its tests cannot be run."""
    if driver.simulated() and os.environ.get("FUNCTRANS_GPU_TESTS") != "simulator":
        pytest.skip("numba's simulator is no GPU", allow_module_level=True)
    if not driver.available():
        pytest.skip("there is no GPU: " + "; ".join(driver.status().missing),
                    allow_module_level=True)


def module(name: str):
    """A file of tests/cuda as a module."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, CUDA_TESTS / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def assert_same(function, args, ulp: float = 64):
    """The device's results are those of the CPU, up to the order of sums, and stay there."""
    expected = ft.tree.leaves(ft.jit(function, device="cpu")(*args))
    found = ft.tree.leaves(ft.jit(function, device="cuda")(*ft.device_put(args, "cuda")))
    for part, value in zip(found, expected, strict=True):
        assert part.device.platform == "cuda" and part.type == value.type
        value = np.asarray(value)
        eps = np.finfo(value.dtype).eps if value.dtype.kind in "fc" else 0
        scale = np.max(np.abs(value), initial=0, where=np.isfinite(value))
        np.testing.assert_allclose(np.asarray(part), value, rtol=ulp * eps, atol=ulp * eps * scale)
