"""What a lowered function says of its CUDA kernels on a machine that need not have a GPU."""
from __future__ import annotations

import subprocess
import sys

import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import MissingExtraError, TargetError
from lowering.cuda import driver


def mlp_loss(w, x):
    return fnp.mean((fnp.tanh(x @ w) - 1) ** 2)


@pytest.fixture(scope="module")
def lowered():
    return ft.jit(lambda x, y: x + y).lower(fnp.ones(1000), fnp.ones(1000))


def test_the_source_of_a_sum_is_the_textbooks(lowered):
    text = lowered.source("cuda")
    assert "i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x" in text
    assert "if i < n:" in text and "y0[i] = x0[i] + x1[i]" in text
    assert lowered.source(ft.Device("cuda")) == text != lowered.source()


@pytest.mark.parametrize("cc, target", [((7, 5), "sm_75"), ((9, 0), "sm_90"), (80, "sm_80")])
def test_ptx_and_report(lowered, cc, target):
    text = lowered.ptx(cc=cc)
    assert f".target {target}" in text and "ld.global.f32" in text
    report, = lowered.cubin_report(cc=cc)
    assert 0 < report.registers <= 32 and not report.spills and report.shared == 0
    assert target in str(report)


def test_each_kernel_has_a_report():
    w, x = fnp.ones((8, 4)), fnp.ones((16, 8))
    lowered = ft.jit(ft.grad(mlp_loss)).lower(w, x)
    reports = lowered.cubin_report()
    assert len(reports) > 1 and len({report.kernel for report in reports}) == len(reports)
    assert lowered.ptx().count(".visible .entry") == len(reports)


@pytest.mark.skipif(driver.available(), reason="there is a GPU")
@pytest.mark.parametrize("use", [
    lambda: ft.jit(lambda x: x + 1, device="cuda")(fnp.ones(2)), lambda: ft.devices("cuda"),
    lambda: ft.device_put(1.0, "cuda"), lambda: ft.default_device("cuda").__enter__(),
    lambda: fnp.zeros(3, device="gpu"), lambda: ft.memory_stats()])
def test_without_a_gpu_one_error_says_what_is_missing(use):
    with pytest.raises(TargetError, match="no CUDA device here.*driver") as failure:
        use()
    assert "compiled_lowered.py" in str(failure.value)
    assert fnp.ones(2).device.platform == "cpu"


@pytest.mark.skipif(driver.available(), reason="there is a GPU")
def test_without_a_gpu_devices_say_what_is_missing():
    assert list(ft.devices()) == [ft.Device("cpu")] and ft.device_count() == 1
    assert any("libcuda" in sentence for sentence in ft.devices().missing)
    assert "missing: there is no NVIDIA driver" in str(ft.devices())
    assert "NVVM" in ft.devices().found and ft.transfers() - ft.transfers() == 0


HIDDEN = """
import sys
sys.modules["numba_cuda"] = None
import functrans as ft, functrans.numpy as fnp
lowered = ft.jit(lambda x: x * 2).lower(fnp.ones(3))
assert "cuda.threadIdx" in lowered.source("cuda") or "kernel" in lowered.source("cuda")
try:
    lowered.ptx()
except ft.errors.MissingExtraError as error:
    print(error)
"""


def test_the_source_needs_no_numba_cuda_and_ptx_says_what_to_install():
    done = subprocess.run([sys.executable, "-W", "error", "-c", HIDDEN], text=True,
                          capture_output=True)
    assert "pip install 'functrans[cuda13]'" in done.stdout, done.stderr
    assert issubclass(MissingExtraError, ImportError)
