"""Kernels compiled to machine code on a machine that need not have a GPU."""
from __future__ import annotations

import numpy as np
import pytest

from lowering.cuda import driver
from lowering.errors import DeviceFailure, DeviceMissing

cuda = driver.numba_cuda()


@driver.device_function
def twice(x):
    return x + x


def add_kernel(x, y, out, n):
    i = cuda.grid(1)
    if i < n:
        out[i] = twice(x[i]) + y[i]


def local_kernel(x, out):
    values = cuda.local.array(300, cuda.types.float32)
    row = cuda.shared.array(64, cuda.types.float32)
    i = cuda.threadIdx.x
    for k in range(300):
        values[k] = x[i + k]
    row[i] = values[i]
    cuda.syncthreads()
    out[i] = row[63 - i] + values[(i * 7) % 300]


@pytest.mark.parametrize("capability", [(7, 5), (9, 0)])
def test_a_kernel_becomes_machine_code(capability):
    kernel = driver.Kernel(add_kernel, ("float32*", "float32*", "float32*", "int64"))
    text = kernel.ptx(capability)
    assert f".target sm_{capability[0]}{capability[1]}" in text
    assert text.count(".param .u64") == 4            # each parameter has eight bytes
    cubin = kernel.cubin(capability)
    assert cubin.image[:4] == b"\x7fELF" and cubin.name in text
    report = kernel.report(capability)
    assert 0 < report.registers < 40 and not report.spills and not report.stack
    assert f"sm_{capability[0]}{capability[1]}: {report.registers} registers" in str(report)


def test_the_report_tells_of_local_and_shared_memory():
    report = driver.Kernel(local_kernel, ("float32*", "float32*")).report((9, 0))
    assert report.stack >= 1200 and report.shared >= 256 and report.barriers == 1


def test_what_the_assembler_says_is_handed_on():
    from lowering.cuda import machine_code
    broken = machine_code.PtxCode(".version 8.0\n.target sm_90\nnonsense", "k")
    with pytest.raises(DeviceFailure, match="refused k"):
        machine_code.link(broken, "k", (9, 0))


@pytest.mark.skipif(driver.available(), reason="there is a GPU")
def test_without_a_device_the_error_says_what_is_missing():
    with pytest.raises(DeviceMissing, match="driver"):
        driver.empty((3,), np.dtype(np.float32))
    status = driver.status()
    assert not status.devices and any("libcuda" in line for line in status.missing)
    assert status.numba_cuda and status.nvvm and status.nvjitlink


def test_installing_depends_on_the_driver():
    from lowering.cuda.status import how_to_install
    assert "functrans[cuda13]" in how_to_install((13, 0))
    assert "functrans[cuda12]" in how_to_install((12, 4))
    assert "cuda13" in how_to_install() and "cuda12" in how_to_install()


# ---- on disk ----

TEXT = """from numba import cuda


def kernel_0(x, y, n):
    i = cuda.grid(1)
    if i < n:
        y[i] = x[i] * {factor}
"""


def kept_kernel(folder, factor=2.0):
    """A kernel of a text in a cache folder."""
    from lowering.source import FOLDER
    path = folder / FOLDER / f"text_{factor}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT.format(factor=factor))
    scope: dict = {}
    exec(compile(path.read_text(), str(path), "exec"), scope)
    return driver.Kernel(scope["kernel_0"], ("float32*", "float32*", "int64"))


def test_machine_code_is_kept_on_disk(tmp_path, monkeypatch):
    kernel = kept_kernel(tmp_path)
    first = kernel.cubin((9, 0))
    assert kernel._origin == ("compiled", "it is not on disk")
    file, = tmp_path.glob("*/*.cubin")
    from lowering.native import cache
    assert file in [path for _, _, path in cache.files(tmp_path)]
    monkeypatch.setattr(driver.machine_code, "ptx", None)          # nothing is compiled
    kernel = kept_kernel(tmp_path)
    again = kernel.cubin((9, 0))
    assert kernel._origin == ("disk", "")
    assert again == first and again.report.capability == (9, 0)
    file.write_bytes(file.read_bytes()[:-1] + b"x")                # damaged
    with pytest.raises(TypeError):
        kept_kernel(tmp_path).cubin((9, 0))
    cache.clear(tmp_path)
    assert not list(tmp_path.glob("*/*.cubin"))


def test_other_kernels_and_devices_are_other_files(tmp_path):
    kept_kernel(tmp_path).cubin((9, 0))
    kept_kernel(tmp_path).cubin((7, 5))
    kept_kernel(tmp_path, -2.0).cubin((9, 0))
    assert len(list(tmp_path.glob("*/*.cubin"))) == 3


def test_kernels_of_nobodys_folder_are_not_kept(tmp_path):
    from lowering.cuda import store
    signature = ("float32*", "float32*", "float32*", "int64")
    assert store.path_for(add_kernel, signature, (9, 0), False) is None
    kernel = kept_kernel(tmp_path)
    assert store.path_for(kernel.function, signature, (9, 0), False) is not None
    (tmp_path / store.environment()[:store.NAME]).write_text("a file where the folder would be")
    assert kernel.cubin((9, 0)).report.registers > 0
