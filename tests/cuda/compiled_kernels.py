"""Kernels for CUDA as machine code, without a device: what the tests generate is compiled."""
from __future__ import annotations

import os

import pytest
from on_cuda import compiled, cuda_texts
from programs import PROGRAMS, adam, dense, floats, gates, layer_norm, softmax
from test_laws import each

import functrans.numpy as fnp
from functrans import lax
from functrans.nn import gelu
from lowering.cuda import driver, rows, runtime, vectors
from lowering.source import as_function, module_text

CAPABILITIES = ((7, 5), (9, 0))
EVERY = 1 if os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough" else 23
WIDE, SQUARE = floats(5, 100), floats(100, 100)
LARGE = floats(1 << 17)
HALF = LARGE.reshape(-1, 64).astype("float16")
HOT = {
    **{name: PROGRAMS[name] for name in ("saxpy", "softmax", "gates", "gates_backward",
                                         "layer_norm", "dense")},
    "softmax of rows": (softmax, (WIDE,)),
    "layer norm of rows": (layer_norm, (WIDE, floats(100), floats(100))),
    "dense by tiles": (dense, (SQUARE, SQUARE, floats(100))),
    "dense by tiles, light": (lambda x, w, b: fnp.maximum(x @ w + b, 0),
                              (SQUARE, SQUARE, floats(100))),
    "bfloat16 into float32": (
        lambda x, w: lax.dot(x, w, preferred_element_type="float32"),
        (SQUARE.astype("bfloat16"), SQUARE.astype("bfloat16"))),
    "dense by large tiles": (dense, (floats(1536, 32), floats(32, 1536), floats(1536))),
    "batch by large tiles": (lambda x, w: x @ w, (floats(9, 512, 32), floats(9, 32, 512))),
    "dense by tiles, rows in two dimensions": (
        lambda x, w, b: fnp.tanh(x @ w + b[:, None]),
        (floats(3, 40, 50), floats(50, 40), floats(40))),
    "product of doubles": (lambda x: x @ x.T, (SQUARE.astype("float64"),)),
    "large gates": (gates, (floats(1 << 12, 128), floats(1 << 12, 32))),
    "large gelu": (gelu, (LARGE,)),
    "large adam": (adam, (*[LARGE] * 4, 3.0)),
    "large half": (lambda x, b: fnp.maximum(x * 2 + b, 0), (HALF, HALF[0])),
    "softmax of long rows": (softmax, (LARGE.reshape(-1, 2048),)),
    "layer norm of long rows": (layer_norm, (LARGE.reshape(-1, 2048), LARGE[:2048], LARGE[:2048])),
    "sum in pieces": (lambda x: (x * x).sum(), (floats(100_000),)),
}


def kernel_of(text: str, types: tuple) -> driver.Kernel:
    runtime.know_math()
    module = f"from numba import cuda\n{module_text(text, runtime)}"
    return driver.Kernel(as_function(module, "<kernel>"), types)


@pytest.mark.parametrize("row, case, dtype", each()[::EVERY])
def test_kernels_of_rows_compile(row, case, dtype):
    executable, _ = compiled(row.function(case), case.arrays(dtype))
    for text, types in cuda_texts(executable):
        for capability in CAPABILITIES:
            assert ".visible .entry" in kernel_of(text, types).ptx(capability)


IN_VECTORS = each(dtypes=("float16", "float32", "int8"))[::2 * EVERY]


@pytest.mark.parametrize("row, case, dtype", IN_VECTORS)
def test_kernels_of_rows_in_vectors_compile(row, case, dtype, monkeypatch):
    for module, settings in ((vectors, {"MANY": 1}), (rows, {"SHORT": 2, "LONG": 2})):
        for name, value in settings.items():
            monkeypatch.setattr(module, name, value)
    test_kernels_of_rows_compile(row, case, dtype)


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", HOT)
def test_hot_kernels_do_not_spill(name, capability):
    function, args = HOT[name]
    reports = compiled(function, args)[0].cubin_report(capability)
    assert reports
    for report in reports:
        assert report.stack == report.spill_stores == report.spill_loads == 0
        assert 0 < report.registers <= 255


ACCESSES = {
    "large gelu": ("ld.global.v4.f32", "st.global.v4.f32"),
    "large gates": ("ld.global.v4.f32", "st.global.v4.f32"),
    "large half": ("ld.global.v4.u32", "st.global.v4.u32"),
    "softmax of long rows": ("ld.global.v4.f32", "st.global.v4.f32"),
    "sum in pieces": ("ld.global.v4.f32",),
}


@pytest.mark.parametrize("name", ACCESSES)
def test_large_arrays_are_read_and_written_16_bytes_at_a_time(name):
    function, args = HOT[name]
    text = compiled(function, args)[0].ptx((9, 0))
    assert all(access in text for access in ACCESSES[name])
    assert "ld.local" not in text and "st.local" not in text


def test_the_ptx_of_all_kernels_can_be_asked_for():
    executable, _ = compiled(lambda x: softmax(x @ x.T), (WIDE,))
    assert executable.ptx((9, 0)).count(".visible .entry") == len(cuda_texts(executable)) > 1
