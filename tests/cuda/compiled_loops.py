"""Loops as one kernel, compiled to machine code without a device."""
from __future__ import annotations

import os

import pytest
from device_loops import LOOPS, lstm_layer
from on_cuda import compiled
from programs import floats

CAPABILITIES = ((7, 5), (9, 0))
THOROUGH = os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough"
SAMPLE = ("loops in loops", "products by tiles", "grad of while", "vmap of more")
CHOSEN = LOOPS if THOROUGH else SAMPLE


@pytest.mark.parametrize("name", CHOSEN)
def test_loops_compile(name):
    """What other blocks have written is not read through caches for what never changes."""
    function, args = LOOPS[name]
    executable, _ = compiled(function, args)
    for capability in CAPABILITIES:
        for kernel in executable.kernels.values():
            text = kernel.ptx(capability)
            assert text.count(".visible .entry") == 1
            assert ".nc." not in text


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_an_lstm_waits_for_its_grid_and_does_not_spill(capability):
    args = (floats(4, 32, 64), floats(64, 256), floats(64, 256), floats(256))
    executable, _ = compiled(lstm_layer, args)
    name, = (name for name, kernel in executable.kernels.items() if kernel.waits_for_grid)
    assert "cudaCGSynchronize" in executable.kernels[name].ptx(capability)
    report = executable.kernels[name].report(capability)
    assert report.stack == report.spill_stores == report.spill_loads == 0
    assert 0 < report.registers <= 255 and report.shared <= 48 * 1024
