"""The text of kernels for CUDA: it needs no GPU, no simulator, and no compiler.

Texts are made again by `FUNCTRANS_GOLDEN=write pytest tests/cuda/test_text.py`, to be read before
they are kept.
"""
from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from golden_texts import only_when_writing, read_texts, write_texts
from on_cuda import compiled, cuda_texts
from programs import PROGRAMS, dense, floats, gates, layer_norm, softmax

import functrans.numpy as fnp

GOLDEN = Path(__file__).parent.parent / "golden" / "cuda_kernels.txt"
ROWS = floats(3, 100)
KERNELS = {
    "vector_add": (lambda x, y: x + y, (floats(100), floats(100))),
    "matrix_add": (lambda x, y: x + y.T, (floats(3, 5), floats(5, 3))),
    "saxpy": PROGRAMS["saxpy"],
    "gates": (gates, (floats(3, 16), floats(3, 4))),
    "softmax_of_short_rows": PROGRAMS["softmax"],
    "softmax": (softmax, (ROWS,)),
    "layer_norm": (layer_norm, (ROWS, floats(100), floats(100))),
    "column_sums": PROGRAMS["column_sums"],
    "long_sum": (lambda x: x.sum(), (floats(100_000),)),
    "dense": (dense, (floats(3, 5), floats(5, 4), floats(4))),
    "large_product": (lambda x, w: x @ w, (floats(64, 128), floats(128, 64))),
    "large_product_in_pieces": (lambda x: x.T @ x, (floats(2000, 64),)),
    "sort": (lambda x: fnp.sort(x), (ROWS,)),
    "long_sort": (lambda x: fnp.sort(x), (floats(200),)),
    "embedding_gradient": (lambda table, rows, values: table.at[rows].add(values),
                           (floats(10, 6), fnp.arange(100) % 10, floats(100, 6))),
    "running_sum": PROGRAMS["running_sum"],
    "pendulum": PROGRAMS["pendulum"],
    "lanes": PROGRAMS["lanes"],
}


def text_of(name: str) -> str:
    texts = dict.fromkeys(text for text, _ in cuda_texts(compiled(*KERNELS[name])[0]))
    return "\n".join(texts).strip()


@only_when_writing
def test_write_the_golden_texts():
    write_texts(GOLDEN, KERNELS, text_of)


def test_every_kernel_has_a_text():
    assert list(read_texts(GOLDEN)) == list(KERNELS)


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_read_as_they_should(name):
    assert text_of(name) == read_texts(GOLDEN)[name]


def test_a_vector_sum_is_the_one_of_textbooks():
    assert text_of("vector_add") == (
        "def kernel(x0, x1, y0, n):\n"
        "    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x\n"
        "    if i < n:\n"
        "        y0[i] = x0[i] + x1[i]")


def test_another_size_is_the_same_kernel():
    small, large = (cuda_texts(compiled(softmax, (floats(n, 50 + n),))[0]) for n in (3, 90))
    assert small == large


def test_one_text_for_two_dtypes_is_two_kernels():
    function, (x, y) = KERNELS["vector_add"]
    executable, _ = compiled(lambda a, b: (function(a, a), function(b, b)),
                             (x, y.astype("float64")))
    assert len({text for text, _ in cuda_texts(executable)}) == 1
    source = executable.source()
    assert '@launched("float32*"' in source and '@launched("float64*"' in source
    assert source.count("kernel_0[") == source.count("kernel_1[") == 1


@pytest.mark.parametrize("name", ("mlp_step", "lstm_step"))
def test_the_text_of_a_program_is_formatted_python(name):
    source = compiled(*PROGRAMS[name])[0].source()
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert names[-2:] == ["main", "run"] and "kernel_0" in names
    assert source.count("@cuda.jit\n") == source.count("@launched(") > 3
    assert not re.search(r"[ \t]$", source, re.MULTILINE)
    assert re.search(r"# programs\.py:\d+", source)


def test_reading_the_text_imports_no_compiler():
    code = ("import sys\n"
            "from on_cuda import compiled\n"
            "from programs import PROGRAMS\n"
            "assert 'blockIdx' in compiled(*PROGRAMS['saxpy'])[0].source()\n"
            "assert not [name for name in sys.modules if name.split('.')[0] == 'numba']\n")
    folder = Path(__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder.parent), str(folder)])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
