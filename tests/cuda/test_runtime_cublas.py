"""The numbers and calls of cuBLASLt, against NVIDIA's header and library where they are installed.

    pip install 'functrans[cublas13]'
"""
from __future__ import annotations

import ctypes
import re
import sys
from pathlib import Path

import pytest

from lowering.cuda import cublas

FOLDERS = [Path(folder) / "nvidia" / name for folder in sys.path for name in ("cu13", "cublas")]
NAMES = {
    "OP_N": "CUBLAS_OP_N", "OP_T": "CUBLAS_OP_T",
    "TRANSA": "CUBLASLT_MATMUL_DESC_TRANSA", "TRANSB": "CUBLASLT_MATMUL_DESC_TRANSB",
    "BATCH_COUNT": "CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT",
    "STRIDED_BATCH_OFFSET": "CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET",
    "MAX_WORKSPACE_BYTES": "CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES",
    "COMPUTE_32F": "CUBLAS_COMPUTE_32F", "COMPUTE_64F": "CUBLAS_COMPUTE_64F",
}
TYPES = {"float32": "CUDA_R_32F", "float64": "CUDA_R_64F", "float16": "CUDA_R_16F",
         "bfloat16": "CUDA_R_16BF"}


def headers() -> str:
    """The text of the headers; where they are missing, the test is skipped."""
    texts = [path.read_text() for folder in FOLDERS
             for name in ("cublasLt.h", "cublas_api.h", "library_types.h")
             if (path := folder / "include" / name).is_file()]
    if not any("cublasLtMatmul(" in text for text in texts):
        pytest.skip("nvidia-cublas is not installed")
    return "\n".join(texts)


def value_of(name: str, text: str) -> int:
    return int(re.search(rf"\b{name}\s*=\s*(\d+)", text).group(1))


def test_numbers_are_those_of_the_header():
    text = headers()
    for ours, theirs in NAMES.items():
        assert getattr(cublas, ours) == value_of(theirs, text), theirs
    for matrix, number in cublas.MIN_ALIGNMENT.items():
        assert number == value_of(f"CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_{matrix}_BYTES", text)
    for dtype, name in TYPES.items():
        if f"{name} " in text:                   # library_types.h comes with the runtime
            assert cublas.TYPES[dtype] == value_of(name, text), name


def test_structures_are_those_of_the_header():
    text = headers()
    assert "uint64_t data[8];" in text and ctypes.sizeof(cublas.Algorithm) == 64
    body = re.search(r"typedef struct \{((?:(?!typedef struct).)*?)\} "
                     r"cublasLtMatmulHeuristicResult_t;", text, re.DOTALL).group(1)
    fields = re.findall(r"^\s*(\w+) (\w+)(?:\[(\d+)\])?;", body, re.MULTILINE)
    assert fields == [("cublasLtMatmulAlgo_t", "algo", ""), ("size_t", "workspaceSize", ""),
                      ("cublasStatus_t", "state", ""), ("float", "wavesCount", ""),
                      ("int", "reserved", "4")]
    assert [name for name, _ in cublas.Found._fields_] == [
        "algorithm", "workspace", "state", "waves", "reserved"]


@pytest.mark.parametrize("name, count", [
    ("cublasLtMatmul", 16), ("cublasLtMatmulAlgoGetHeuristic", 10),
    ("cublasLtMatrixLayoutCreate", 5), ("cublasLtMatmulDescCreate", 3),
    ("cublasLtMatmulDescSetAttribute", 4), ("cublasLtMatrixLayoutSetAttribute", 4),
    ("cublasLtMatmulPreferenceSetAttribute", 4), ("cublasLtMatmulPreferenceCreate", 1),
    ("cublasLtMatmulPreferenceDestroy", 1), ("cublasLtCreate", 1)])
def test_functions_take_as_many_arguments_as_they_are_given(name, count):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", headers(), flags=re.DOTALL)
    arguments = re.search(rf"CUBLASWINAPI {name}\(([^)]*)\)", text).group(1)
    assert arguments.count(",") + 1 == count
    from cublas_stand_in import StandIn
    stand_in, given = StandIn(), []
    library = cublas.Library(stand_in)
    library._call = lambda called, *arguments: given.append((called, len(arguments))) or \
        getattr(stand_in, called)(*arguments)
    prepare_one(library)
    assert all(number == count for called, number in given if called == name)


def prepare_one(library):
    a, b = cublas.operand(4, 3, 3, 1, 12), cublas.operand(3, 2, 1, 3, 6)
    c = cublas.Operand(4, 2, 4, False, 8)
    ready = library.prepared(cublas.Task("float32", a, b, c, 5, (16, 16, 16)))
    memory = ctypes.create_string_buffer(4096)
    start = -(-ctypes.addressof(memory) // 256) * 256
    library.multiply(ready, start, start, start + 1024, start + 2048, 0)


def test_the_library_takes_our_descriptions():
    """What needs no GPU: descriptions of a product, of matrices and of preferences."""
    files = [path for folder in FOLDERS for path in (folder / "lib").glob("libcublasLt.so.*")]
    if not files:
        pytest.skip("nvidia-cublas is not installed")
    functions = ctypes.CDLL(str(files[0]))
    library = object.__new__(cublas.Library)
    library._functions = functions
    for dtype in cublas.TYPES:
        a = cublas.operand(4, 3, 3, 1, 12)
        task = cublas.Task(dtype, a, a, a, 5, (16, 8, 256))
        assert library._description(task).value and library._layout(task, a).value
        assert library._preference(task).value
    assert [int(cublas.alignment_of(n)) for n in (0, 6, 8, 4096)] == [256, 2, 8, 256]
