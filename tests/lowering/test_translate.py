"""Kernels translated without numba compute what numba's code, and Python's, computes."""
from __future__ import annotations

import ctypes

import numpy as np
import pytest

from lowering.native import compile as native, machine
from lowering.native.operations import Unsupported
from lowering.native.translate import translate
from lowering.source import as_function, digest, module_text

DTYPES = ("int8", "int32", "int64", "uint8", "uint32", "uint64", "float32", "float64")
RESULTS = 12


def compiled(text: str, types: tuple, by_numba: bool = False):
    """`function(*arrays and integers)` for a kernel's text."""
    module = module_text(text)
    name = "kernel_" + digest(module + repr(types) + str(by_numba))
    if by_numba:
        code, (symbol,) = native._compile_by_numba(module, name, types)
        from numba.core.registry import cpu_target
        cpu_target.target_context.refresh()
    else:
        code, symbol = machine.optimize(translate(module, name, types)), name
    kind = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_int64] * (len(types) + 2))
    function, words = kind(machine.load(code, symbol)[0]), np.zeros(2, np.int64)

    def call(*arguments):
        numbers = [a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments]
        assert function(words.ctypes.data, words.ctypes.data + 8, *numbers) == 0
    return call


def values(dtype: str) -> np.ndarray:
    """Small numbers, the ends of integers, floats that are no numbers."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return np.array([0, -0.0, 1, -2.5, 3, 1e30, np.inf, -np.inf, np.nan, 1e-40, 7, 0.5], kind)
    if kind.kind == "c":
        return (values("float64") - 1j * np.roll(values("float64"), 3)).astype(kind)
    ends = np.iinfo(kind)
    return np.array([0, 1, 2, 3, 5, 7, ends.max, ends.min, ends.max - 1, 100, 64, 8], kind)


def outcome(expression: str, dtype: str, result: str, by_numba: bool) -> np.ndarray:
    """`expression` of x[i] and z[i], stored as `result`."""
    text = (f"def kernel(y, x, z, n):\n    for i in range(n):\n        a, b = x[i], z[i]\n"
            f"        y[i] = {expression}\n")
    x, y = values(dtype), np.zeros(RESULTS, "uint8" if result == "bool" else result)
    call = compiled(text, (f"{result}*", f"{dtype}*", f"{dtype}*", "int64"), by_numba)
    call(y, x, np.roll(x, 5), RESULTS)
    return y


def check(expression: str, dtype: str, result: str):
    with np.errstate(all="ignore"):
        own, other = (outcome(expression, dtype, result, flag) for flag in (False, True))
    np.testing.assert_array_equal(own, other, f"{expression} of {dtype}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operator", "+-*&|^")
def test_arithmetic(operator, dtype):
    if np.dtype(dtype).kind != "f":
        check(f"a {operator} b", dtype, dtype)
    elif operator in "+-*":
        check(f"a {operator} b", dtype, dtype)
        check("-a / b", dtype, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_integers_are_computed_wide(dtype):
    """As in numba: what does not fit 32 bits is there until it is stored or cast."""
    if np.dtype(dtype).kind != "f":
        check("(a + b) * a - b", dtype, "uint64" if dtype.startswith("u") else "int64")
        check(f"{dtype}(a + b) + b", dtype, dtype)


@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "==", "!="])
def test_comparisons(operator, dtype):
    check(f"a {operator} b", dtype.replace("bool", "uint8"), "bool")
    check(f"a {operator} b and not a {operator} a or a {operator} b", dtype.replace(
        "bool", "uint8"), "bool")


@pytest.mark.parametrize("dtype", DTYPES)
def test_choices_and_casts(dtype):
    check(f"a if a < b else {dtype}(1)", dtype, dtype)
    check("float64(a)", dtype, "float64")
    if np.dtype(dtype).kind != "f":
        for target in ("int8", "uint8", "int32", "uint32", "int64", "uint64"):
            check(f"{target}(a)", dtype, target)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers(dtype):
    part = "float32" if dtype == "complex64" else "float64"
    for expression in ("a + b", "a - b", "-a", "a.conjugate()",
                       f"a if a == b else {dtype}(complex(a.imag, b.real))"):
        check(expression, dtype, dtype)
    for expression in ("a.real * b.imag", "a.imag"):
        check(expression, dtype, part)
    check("a != b", dtype, "bool")
    with np.errstate(all="ignore"):
        own, other = (outcome("a * b", dtype, dtype, flag) for flag in (False, True))
    np.testing.assert_allclose(own, other, rtol=1e-6)        # fused or not, as LLVM likes


LOOPS = """
def kernel(y, x, n):
    total = int64(0)
    for k in range(n - 1, -1, -1):
        if x[k] < 0:
            continue_with = x[k]
        else:
            continue_with = 2 * x[k]
        total += continue_with
    y[0] = total
    for k in range(2, n):
        y[1] += x[k]
    k, steps = x[0], 0
    while True:
        if not k < 1000:
            break
        k, steps = k * 3, steps + 1
    y[2], y[3] = k, steps
    while steps > 2:
        steps -= 1
        for inner in range(n):
            if inner == 2:
                break
            y[4] = y[4] + inner
    y[5] = steps
"""


def test_loops():
    x = np.array([5, -2, 7, -11, 4], np.int64)
    expected, y = np.zeros(6, np.int64), np.zeros(6, np.int64)
    as_function(module_text(LOOPS), "<loops>")(expected, x, 5)
    compiled(LOOPS, ("int64*", "int64*", "int64"))(y, x, 5)
    assert y.tolist() == expected.tolist()


def test_what_a_condition_guards_is_not_read():
    """Memory before and after the array is never touched: on its own page it could not be."""
    import mmap
    text = ("def kernel(y, x, n, m):\n    for i in range(n):\n"
            "        y[i] = x[i - 2] if 0 <= i - 2 < m and x[i - 2] > 0 else float32(7)\n")
    page = mmap.PAGESIZE
    block = mmap.mmap(-1, page)                     # what lies beyond need not be mapped
    x = np.frombuffer(block, np.float32)
    x[-3:] = 1, -2, 3
    y = np.zeros(8, np.float32)
    compiled(text, ("float32*", "float32*", "int64", "int64"))(y, x[-3:], 8, 3)
    assert y.tolist() == [7, 7, 1, 7, 3, 7, 7, 7]


def test_several_results_and_half_precision():
    text = ("def kernel(y, z, x, key):\n"
            "    a, b = threefry2x32(key[0], key[1], key[2], key[3])\n"
            "    y[0], y[1] = a, b\n    z[0] = float_to_half(half_to_float(x[0]) * float32(2))\n")
    y, z = np.zeros(2, np.uint32), np.zeros(1, np.float16)
    compiled(text, ("uint32*", "float16*", "float16*", "uint32*"))(
        y, z, np.array([1.5], np.float16), np.array([1, 2, 3, 4], np.uint32))
    from lowering.math import threefry2x32
    assert y.tolist() == [int(v) for v in threefry2x32(*np.array([1, 2, 3, 4], np.uint32))]
    assert z[0] == 3


@pytest.mark.parametrize("line", [
    "y[0] = x[0] ** 2", "y[0] = unknown(x[0])", "y[0] = z", "y = 3", "y[0] = x[0] + 0.5",
    "v = x[0]\n    v = 1", "y[0] = [1][0]", "y[0] = x.sum()", "y[0] = 'text'", "a, b = x[0]",
    "for k in x:\n        pass", "try:\n        pass\n    finally:\n        pass",
    "y[0] = x[0] & x[0]", "y[0] = int64(0.5)"])
def test_what_is_not_translated_says_so(line):
    with pytest.raises(Unsupported):
        translate(f"def kernel(y, x):\n    {line}\n", "f", ("float32*", "float32*"))


def test_numba_compiles_the_rest():
    """Python's power is nothing that kernels need, but numba knows it."""
    text = "def kernel(y, x):\n    v = x[0]\n    v = 1\n    y[0] = x[0] + x[0]\n"
    with pytest.raises(Unsupported):
        translate(text, "f", ("float64*", "float64*"))
    address = native.compile_kernel(text, ("float64*", "float64*")).address
    x, y, words = np.array([4.0]), np.zeros(1), np.zeros(2, np.int64)
    kind = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_int64] * 4)
    kind(address)(words.ctypes.data, words.ctypes.data + 8, y.ctypes.data, x.ctypes.data)
    assert y[0] == 8


def test_numba_meets_functions_of_kernels_in_a_users():
    numba = pytest.importorskip("numba")
    from lowering.math import tanh

    @numba.njit
    def f(x):
        return tanh(x) + 1
    assert f(0.5) == pytest.approx(np.tanh(0.5) + 1, abs=1e-15)


def test_kernels_of_programs_need_no_numba():
    """Those of fused, reduced, indexed, sorted and looped code, of all kinds of dtypes."""
    import functrans as ft
    import functrans.numpy as fnp
    from lowering.pipeline import make_plan, optimize

    def counted(x):
        return ft.lax.while_loop(lambda s: s[0] < 9, lambda s: (s[0] + 1, s[1] * 1.5 + x[0]),
                                 (0, x[1]))

    x, z, n = np.ones((5, 4), np.float32), np.ones(4, np.complex64), np.arange(4)
    programs = [
        (ft.nn.softmax, x), (lambda x: fnp.sort(x, 0)[::2] + fnp.argmax(x, 1)[:3, None], x),
        (lambda x: fnp.cumsum(x.astype("float16"), 1) // 3 % 2, x),
        (lambda z: (z * z / (z + 2j)).sum() - fnp.exp(z).conj(), z),
        (lambda n: (n << 2 ^ n // 3) % 5 + fnp.abs(-n) ** 3, n),
        (lambda n: fnp.where(n > 1, n, -n).astype("uint8") + (n == 2), n),
        (ft.grad(lambda x: fnp.log(fnp.tanh(x) ** 2 + 1)[fnp.arange(3)].sum()), x), (counted, x[0]),
        (lambda n: ft.random.normal(ft.random.key(3), (4,)) + n, n),
    ]
    kernels = 0
    for function, argument in programs:
        plan = make_plan(optimize(ft.jit(function).trace(argument)))
        for launch in plan.launches():
            text = module_text(launch.kernel.text)
            assert "define" in translate(text, "f", native.signature(launch.kernel.parameters))
            kernels += 1
    assert kernels >= len(programs)


# ---- numba alone ----

@pytest.mark.parametrize("name", ["softmax", "layer_norm", "gates_backward", "pendulum", "lanes"])
def test_numba_compiles_kernels_where_it_is_asked_to(name):
    """The switch `compiler`: kernels are functions that numba takes as they are."""
    import functrans as ft
    from programs import PROGRAMS
    function, arguments = PROGRAMS[name]
    results = []
    for compiler in ("direct", "numba"):
        with ft.config.override(target="cpu", compiler=compiler):
            before = len(native.records)
            results.append(ft.tree.leaves(ft.jit(function)(*arguments)))
            names = {record.name.rpartition("_")[0] for record in native.records[before:]}
            assert names <= {"kernel" if compiler == "direct" else "kernel_by_numba"}
    assert names
    for own, other in zip(*results, strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5, atol=1e-6)
