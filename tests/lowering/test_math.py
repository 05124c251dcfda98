"""lowering.math: errors in ulp, special values, both ways of running, and vectorised loops.

`python tests/lowering/test_math.py` measures the table of docs/math.md anew.
"""
import ctypes
import functools
import math
import platform
import re
import time

import numba
import numpy as np
import pytest
from llvmlite import binding
from numba import types
from numba.core import compiler
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.np.numpy_support import from_dtype

import lowering.math as lm
from lowering.math.accuracy import MAX_ERROR_COMPLEX, MAX_ULP
from lowering.math.trigonometric import LIMIT

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
C64, C128 = np.dtype(np.complex64), np.dtype(np.complex128)
INTEGERS = [np.dtype(f"{kind}{size}") for kind in "iu" for size in (1, 2, 4, 8)]
each_float = pytest.mark.parametrize("dtype", [F32, F64], ids=str)
INF, NAN = float("inf"), float("nan")


# ---- compiling and running kernels as the library does ----

MAP = "def kernel(n, {args}):\n    for i in range(n):\n        {targets} = {call}\n"
REDUCTION = ("def kernel(n, x0, y0):\n    acc = y0[0]\n    for i in range(n):\n"
             "        acc = f(acc, x0[i])\n    y0[0] = acc\n")


def map_text(arity, results=1, literal="", boolean=False):
    """A loop over `f`; kernels keep bools as bytes."""
    ins, outs = [f"x{k}" for k in range(arity)], [f"y{k}" for k in range(results)]
    call = f"f({', '.join(f'{x}[i]' for x in ins)}{literal})"
    return MAP.format(args=", ".join(ins + outs), call=f"byte({call})" if boolean else call,
                      targets=", ".join(f"{y}[i]" for y in outs))


def python_kernel(function, text):
    """The text as a Python function, in which `f` is the function under test."""
    names = {"f": function, "byte": numba.uint8}
    exec(text, names)
    return names["kernel"]


def compile_flags():
    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.noalias = True
    flags.nrt, flags.error_model, flags.fastmath = False, "numpy", {"contract"}
    return flags


@functools.cache
def compile_kernel(function, text, dtypes):
    """A callable (n, *arrays), and the assembly."""
    pointers = [types.CPointer(from_dtype(dtype)) for dtype in dtypes]
    cpu_target.target_context.refresh()
    compiled = compiler.compile_extra(
        cpu_target.typing_context, cpu_target.target_context, python_kernel(function, text),
        (types.int64, *pointers), types.void, compile_flags(), {})
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    native = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                              *[ctypes.c_void_p] * len(dtypes))(address)
    unused = np.zeros(2, np.int64)

    def run(n, *arrays):
        native(unused.ctypes.data, unused.ctypes.data, n, *(a.ctypes.data for a in arrays))
    return run, compiled.library.get_asm_str()


def compiled_map(function, *operands, literal=""):
    """function over arrays, by a compiled loop."""
    first = [operand[:1] for operand in operands]
    results = function(*first, *map(int, literal.strip(", ").split()))
    single = not isinstance(results, tuple)
    boolean = single and results.dtype == bool
    outs = [np.empty(operands[0].shape, np.uint8 if boolean else r.dtype)
            for r in ([results] if single else results)]
    run, _ = compile_kernel(function, map_text(len(operands), len(outs), literal, boolean),
                            tuple(a.dtype for a in (*operands, *outs)))
    run(operands[0].size, *map(np.ascontiguousarray, operands), *outs)
    return (outs[0].view(bool) if boolean else outs[0]) if single else tuple(outs)


# ---- samples ----

COUNT = 250


def spread(rng, dtype, low, high, both=True):
    """Magnitudes from 2**low to 2**high, evenly by exponent."""
    signs = rng.choice([-1, 1], COUNT) if both else 1
    return (np.exp2(rng.uniform(low, high, COUNT)) * signs).astype(dtype)


def exponent_range(dtype):
    """Of all numbers, subnormals included."""
    return (-148, 127.9) if dtype == F32 else (-1073, 1023.9)


def samples(name, dtype):
    """Arguments for a function of one number: ordinary, everywhere, and where it is hard."""
    rng = np.random.default_rng(1)
    single = dtype == F32
    limit = float(LIMIT[dtype])
    multiples = np.arange(1, COUNT + 1) ** 2 * (np.pi / 2)
    near_one = (1 + spread(rng, F64, -20, -2)).astype(dtype)
    everywhere = spread(rng, dtype, *exponent_range(dtype))
    small = spread(rng, dtype, -40, 0)

    def uniform(low, high):
        return rng.uniform(low, high, COUNT).astype(dtype)

    exponential = [uniform(-1, 1), small, uniform(-104, 89) if single else uniform(-746, 710)]
    logarithm = [uniform(0.5, 2), near_one, abs(everywhere)]
    circular = [uniform(-4, 4), uniform(-limit, limit), multiples.astype(dtype), everywhere, small]
    on_unit = [uniform(-1, 1), small, (1 - spread(rng, F64, -24, -2, False)).astype(dtype)]
    gamma = [uniform(0.01, 4), uniform(2, 40), near_one, near_one + 1, abs(everywhere[:80])]
    by_name = {
        "exp2": [uniform(-1, 1), small, uniform(-150, 128) if single else uniform(-1075, 1024)],
        "log1p": [uniform(-0.9999, 1), small[abs(small) < 0.9], abs(everywhere)],
        "asin": on_unit, "acos": on_unit, "atanh": on_unit, "erf_inv": on_unit,
        "acosh": [near_one[near_one >= 1], uniform(1, 4), 1 + abs(everywhere)],
        "erf": [uniform(-1, 1), small, uniform(-6, 6)],
        "erfc": [uniform(-1, 1), uniform(0.4, 2), uniform(-6, 10 if single else 26.5)],
        "erfcx": [uniform(-1, 1), uniform(0.4, 2), uniform(-9.3 if single else -26.5, 0),
                  spread(rng, dtype, -1, 100, False)],
        "tanh": [uniform(-1, 1), small, uniform(-22, 22)],
        "lgamma": gamma, "digamma": gamma,
    }
    families = {"exp expm1 logistic sinh cosh": exponential, "sin cos tan": circular,
                "log log2 log10 sqrt rsqrt": logarithm,
                "atan asinh cbrt": [uniform(-4, 4), small, everywhere]}
    for names, arrays in families.items():
        by_name.update(dict.fromkeys(names.split(), arrays))
    return np.concatenate(by_name[name])


def pairs(name, dtype):
    """Arguments for functions of two numbers."""
    rng = np.random.default_rng(2)
    wide = spread(rng, dtype, -100, 100)
    if name == "atan2":
        return (np.concatenate([rng.normal(size=COUNT).astype(dtype), wide]),
                np.concatenate([rng.normal(size=COUNT).astype(dtype), wide[::-1]]))
    base = [np.exp2(rng.uniform(-3, 3, COUNT)), abs(wide), 1 + rng.uniform(-0.05, 0.05, COUNT)]
    exponent = [rng.uniform(-20, 20, COUNT), rng.uniform(-1.2, 1.2, COUNT),
                rng.uniform(-900, 900, COUNT)]
    return np.concatenate(base).astype(dtype), np.concatenate(exponent).astype(dtype)


def arguments(name, dtype):
    return pairs(name, dtype) if name in ("atan2", "power") else (samples(name, dtype),)


# ---- exact values ----

@functools.cache
def exact_functions():
    mp = pytest.importorskip("mpmath").mp
    mp.prec = 160
    special = {
        "exp2": lambda x: mp.mpf(2) ** x, "log2": lambda x: mp.log(x) / mp.log(2),
        "logistic": lambda x: 1 / (1 + mp.exp(-x)), "rsqrt": lambda x: 1 / mp.sqrt(x),
        "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x) if x < 1e6 else
        (1 - 1 / (2 * x * x)) / (x * mp.sqrt(mp.pi)),
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)), "erf_inv": mp.erfinv,
        "lgamma": mp.loggamma, "power": mp.power, "log1p": mp.log1p,
        "sign": lambda z: z / abs(z), "absolute": abs,
    }
    return mp, lambda name: special[name] if name in special else getattr(mp, name)


def error_in_ulps(mp, got, exact, dtype):
    """|got - exact| in units in the last place of the exact value."""
    info = np.finfo(dtype)
    if abs(exact) >= mp.mpf(float(info.max)) * (1 + mp.mpf(2) ** -(info.nmant + 2)):
        return 0.0 if np.isinf(got) and (got > 0) == (exact > 0) else INF
    if not np.isfinite(got):
        return INF
    exponent = int(mp.frexp(exact)[1]) - 1 if exact else info.minexp
    unit = mp.mpf(2) ** (max(exponent, info.minexp) - info.nmant)
    return float(abs(mp.mpf(float(got)) - exact) / unit)


def largest_error(name, got, operands):
    """In ulps, and where."""
    mp, exact = exact_functions()
    errors = [error_in_ulps(mp, y, exact(name)(*(mp.mpf(float(x)) for x in xs)), got.dtype)
              for y, *xs in zip(got, *operands)]
    worst = int(np.argmax(errors))
    return errors[worst], [x[worst] for x in operands]


ERROR_NAMES = [name for name in MAX_ULP if name != "polygamma"]


@each_float
@pytest.mark.parametrize("name", ERROR_NAMES)
def test_error_stays_below_its_bound(name, dtype):
    operands = arguments(name, dtype)
    got = compiled_map(getattr(lm, name), *operands)
    error, where = largest_error(name, got, operands)
    assert error <= MAX_ULP[name][dtype.name], where


@each_float
@pytest.mark.parametrize("name", ERROR_NAMES)
def test_plain_python_gives_the_same_to_rounding(name, dtype):
    operands = arguments(name, dtype)
    got, plain = compiled_map(getattr(lm, name), *operands), getattr(lm, name)(*operands)
    assert plain.dtype == dtype
    np.testing.assert_array_max_ulp(got, plain, 5)


NUMPY_NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh",
               "acosh": "arccosh", "atanh": "arctanh", "atan2": "arctan2",
               "round_even": "rint", "is_finite": "isfinite", "is_nan": "isnan",
               "next_after": "nextafter"}


def numpy_function(name):
    return getattr(np, NUMPY_NAMES.get(name, name))


@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh",
                                  "sinh", "cosh", "asin", "atan", "asinh", "cbrt", "log2"])
def test_float32_densely_against_float64(name):
    high = 1 if name == "asin" else 80
    low = 1e-3 if name.startswith("log") else -high
    x = np.linspace(low, high, 200_003, dtype=F32)
    with np.errstate(all="ignore"):
        exact = numpy_function(name)(x.astype(F64))
    spacing = np.spacing(np.abs(exact).astype(F32)).astype(F64)
    error = np.abs(compiled_map(getattr(lm, name), x) - exact) / spacing
    assert np.nanmax(np.where(np.isinf(exact), 0, error)) <= MAX_ULP[name]["float32"]


def special_values(dtype):
    info = np.finfo(dtype)
    positive = np.array([0, info.smallest_subnormal, info.tiny, 1e-30, 0.1, 0.5, 1, 1.5, 2.5, 3,
                         7, 88.8, 1e5, 2.0 ** 23 + 1, 1e17, 1e30, info.max, INF, NAN], dtype)
    return np.concatenate([positive, -positive])


def assert_same(got, want, ulps):
    """Equal to a few ulps, and signs of zeros and NaNs at the same places."""
    if got.dtype.kind != "f" or ulps == 0:
        return np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    known = ~np.isnan(want)
    got, want = got[known], want[known]
    np.testing.assert_array_equal(np.signbit(got), np.signbit(want))
    different = got != want
    np.testing.assert_array_max_ulp(got[different], want[different], ulps)


@each_float
@pytest.mark.parametrize("name", """exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan
    sinh cosh tanh asinh acosh atanh sqrt cbrt floor ceil trunc round_even sign is_finite is_nan
    absolute""".split())
def test_special_values_are_those_of_numpy(name, dtype):
    x = special_values(dtype)
    with np.errstate(all="ignore"):
        want = numpy_function(name)(x)
    assert_same(compiled_map(getattr(lm, name), x), want, 4)
    assert_same(getattr(lm, name)(x), want, 4)


@each_float
@pytest.mark.parametrize("name", ["atan2", "power", "maximum", "minimum", "copysign", "next_after",
                                  "floor_divide", "remainder", "fmod"])
def test_special_pairs_are_those_of_numpy(name, dtype):
    x, y = (a.ravel() for a in np.meshgrid(*[special_values(dtype)] * 2))
    with np.errstate(all="ignore"):
        want = numpy_function(name)(x, y)
    got = compiled_map(getattr(lm, name), x, y)
    if name in ("maximum", "minimum", "copysign"):
        np.testing.assert_array_equal(got, want)
    else:
        assert_same(got, want, 0 if name in ("remainder", "fmod") else 4)


@each_float
def test_special_values_of_special_functions(dtype):
    def values(name, *xs):
        return compiled_map(getattr(lm, name), np.array(xs, dtype)).tolist()
    assert values("logistic", INF, -INF, 0, 800, -800)[:3] == [1, 0, 0.5]
    assert values("rsqrt", 0, INF, 4) == [INF, 0, 0.5] and np.isnan(values("rsqrt", -1)[0])
    assert values("erf", INF, -INF, 0) == [1, -1, 0] and np.isnan(values("erf", NAN)[0])
    assert values("erfc", INF, -INF, 0, 40) == [0, 2, 1, 0] and np.isnan(values("erfc", NAN)[0])
    assert values("erf_inv", 1, -1, 0) == [INF, -INF, 0]
    assert np.isnan(values("erf_inv", 1.5, -2, NAN)).all()
    assert values("lgamma", 1, 2, 0, -1, -7, INF, -INF) == [0, 0] + [INF] * 5
    assert values("digamma", 0.0, -0.0, INF) == [-INF, INF, INF]
    assert np.isnan(values("digamma", -1, -8, NAN, -INF)).all()


@each_float
def test_gamma_functions_of_negative_numbers(dtype):
    mp, exact = exact_functions()
    x = -np.linspace(0.06, 30.3, 301).astype(dtype)
    for name in ("lgamma", "digamma"):
        want = np.array([float(mp.re(exact(name)(mp.mpf(float(v))))) for v in x])
        error = np.abs(compiled_map(getattr(lm, name), x) - want)
        assert (error / np.maximum(1, np.abs(want))).max() < 400 * np.finfo(dtype).eps


@each_float
def test_polygamma(dtype):
    mp, _ = exact_functions()
    x = np.concatenate([np.geomspace(1e-3, 1e6, 30), -np.linspace(0.3, 9.45, 20)]).astype(dtype)
    for n in (0, 1, 2, 3, 7):
        got = compiled_map(lm.polygamma, np.full_like(x, n), x)
        for y, v in zip(got, x):
            want = mp.re(mp.polygamma(n, mp.mpf(float(v))))
            scale = 1 if v > 0 else 60    # near the zeros between the poles
            assert abs(y - want) <= scale * (n + 4) * np.finfo(dtype).eps * max(
                abs(want), 0.3 if n == 0 else 0)
    n, x = np.array([1, 1, 2, 1, -1, 0.5], dtype), np.array([0, -1, 0, INF, 1, 1], dtype)
    np.testing.assert_array_equal(compiled_map(lm.polygamma, n, x), [INF, INF, -INF, 0, NAN, NAN])


@each_float
def test_gamma_slope(dtype):
    """Each of its three methods, and where they meet; in float32 it is that of float64, rounded."""
    special = pytest.importorskip("functrans.primitives.special")
    draw = np.random.default_rng(5)
    a = np.concatenate([10.0 ** draw.uniform(-4, 6, 300), np.arange(1.0, 101.0),
                        np.full(60, 100.01)])
    x = np.abs(a + 2 * draw.normal(size=a.size) * np.sqrt(a))
    x[::4] = a[::4] * np.repeat([0.05, 0.7, 0.7001, 0.9999, 1.0, 1.0001, 1.3, 1.3001, 3.0, 20.0],
                                12)[:len(a[::4])]
    a, log_x = a.astype(dtype), np.log(x).astype(dtype)
    want = special.gamma_slope(a, log_x)
    np.testing.assert_allclose(compiled_map(lm.gamma_slope, a, log_x), want,
                               rtol=3e-14 if dtype == F64 else 2e-7)
    a = np.array([0, -1, NAN, 2, 2, INF, 2], dtype)
    log_x = np.array([1, 1, 1, NAN, INF, 1, -INF], dtype)
    np.testing.assert_array_equal(compiled_map(lm.gamma_slope, a, log_x),
                                  [NAN, NAN, NAN, NAN, 0, 0, INF])


@each_float
def test_huge_angles_among_small_ones(dtype):
    x = np.tile(np.array([0.5, 1e30, -3, 1e10, 2, 1e36, 1, -1e25], dtype), 9)
    for name in ("sin", "cos", "tan"):
        assert_same(compiled_map(getattr(lm, name), x), numpy_function(name)(x), 4)


# ---- integers and bits ----

def integer_samples(dtype):
    info = np.iinfo(dtype)
    few = [0, 1, 2, 3, 7, 100, info.max, info.max - 1, info.min, info.min + 1, info.max // 3]
    return np.array(few + ([-1, -2, -3, -7] if info.min else []), dtype)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_integers_are_those_of_numpy(dtype):
    x, y = (a.ravel() for a in np.meshgrid(*[integer_samples(dtype)] * 2))
    for name in ("floor_divide", "remainder", "fmod", "maximum", "minimum"):
        with np.errstate(all="ignore"):
            want = numpy_function(name)(x, y)
        np.testing.assert_array_equal(compiled_map(getattr(lm, name), x, y), want)
        np.testing.assert_array_equal(getattr(lm, name)(x, y), want)
    for name in ("sign", "absolute"):
        np.testing.assert_array_equal(compiled_map(getattr(lm, name), x), numpy_function(name)(x))


def _shifts(x, distance, dtype):
    """left, right logical, right arithmetic: with Python's integers."""
    width, bits = 8 * dtype.itemsize, int(x) % (1 << 8 * dtype.itemsize)
    signed = bits - (1 << width) * (bits >> (width - 1))
    if not 0 <= distance < width:
        return 0, 0, -1 if signed < 0 else 0
    return bits << distance, bits >> distance, signed >> distance


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_bit_operations(dtype):
    width = 8 * dtype.itemsize
    distances = np.array([0, 1, width - 1, width, width + 1, 3]).astype(dtype)
    x, d = (a.ravel() for a in np.meshgrid(integer_samples(dtype), distances))
    wanted = np.array([[v % (1 << width) for v in _shifts(a, int(b), dtype)]
                       for a, b in zip(x, d)], np.uint64).astype(dtype).T
    for name, want in zip(("shift_left", "shift_right_logical", "shift_right_arithmetic"), wanted):
        np.testing.assert_array_equal(compiled_map(getattr(lm, name), x, d), want)
        np.testing.assert_array_equal(getattr(lm, name)(x, d), want)
    ones = [(int(v) % (1 << width)).bit_count() for v in x]
    zeros = [width - (int(v) % (1 << width)).bit_length() for v in x]
    np.testing.assert_array_equal(compiled_map(lm.population_count, x), ones)
    np.testing.assert_array_equal(compiled_map(lm.count_leading_zeros, x), zeros)
    np.testing.assert_array_equal(lm.population_count(x), ones)
    np.testing.assert_array_equal(lm.count_leading_zeros(x), zeros)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_greatest_common_divisor(dtype):
    x, y = (a.ravel() for a in np.meshgrid(integer_samples(dtype), integer_samples(dtype)))
    want = np.array([math.gcd(int(a), int(b)) % (1 << 8 * dtype.itemsize)
                     for a, b in zip(x, y)], np.uint64).astype(dtype)
    np.testing.assert_array_equal(compiled_map(lm.greatest_common_divisor, x, y), want)
    np.testing.assert_array_equal(lm.greatest_common_divisor(x, y), want)


def test_threefry_gives_the_published_numbers():
    """Known answers of Random123 for threefry2x32, 20 rounds: key, counter, result."""
    ones = 0xFFFFFFFF
    table = np.array([[0, 0, 0, 0, 0x6B200159, 0x99BA4EFE],
                      [ones, ones, ones, ones, 0x1CB996FC, 0xBB002BE7],
                      [0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3, 0xC4923A9C, 0x483DF7A0]],
                     np.uint32).T.copy()
    for got in (compiled_map(lm.threefry2x32, *table[:4]), lm.threefry2x32(*table[:4])):
        np.testing.assert_array_equal(got, table[4:])


def test_float16_both_ways():
    bits = np.arange(65536, dtype=np.uint16)
    want = bits.view(np.float16).astype(F32)
    assert_same(compiled_map(lm.half_to_float, bits), want, 1)
    known = want[np.isfinite(want)]
    rng = np.random.default_rng(3)
    x = np.concatenate([known, np.nextafter(known, F32.type(INF)), known + np.spacing(known) / 2,
                        rng.integers(0, 1 << 32, 50_000, np.uint32).view(F32), want])
    with np.errstate(all="ignore"):
        want = x.astype(np.float16)
    assert_same(compiled_map(lm.float_to_half, x).view(np.float16), want, 0)


def test_bfloat16_both_ways():
    bits = np.arange(65536, dtype=np.uint16)
    floats = (bits.astype(np.uint32) << 16).view(F32)
    assert_same(compiled_map(lm.bfloat16_to_float, bits), floats, 1)
    x = np.random.default_rng(3).integers(0, 1 << 32, 50_000, np.uint32).view(F32)
    x = np.concatenate([x[~np.isnan(x)], F32.type([INF, 3.4e38])])
    i = x.view(np.uint32).astype(np.uint64)
    nearest = ((i + 0x7FFF + (i >> 16 & 1)) >> 16).astype(np.uint16)
    np.testing.assert_array_equal(compiled_map(lm.float_to_bfloat16, x), nearest)
    back = compiled_map(lm.float_to_bfloat16, floats)
    np.testing.assert_array_equal(np.isnan(floats), (back & 0x7FFF) > 0x7F80)
    np.testing.assert_array_equal(back[~np.isnan(floats)], bits[~np.isnan(floats)])


# ---- complex numbers ----

def complex_samples(dtype):
    rng = np.random.default_rng(4)
    part = F32 if dtype == C64 else F64
    angles = rng.uniform(0, 6.3, 60)
    z = np.concatenate([rng.normal(size=(90, 2)), 20 * rng.normal(size=(60, 2)),
                        np.stack([np.cos(angles), np.sin(angles)], 1),
                        [1, 0] + 1e-3 * rng.normal(size=(60, 2)), 1e-5 * rng.normal(size=(60, 2))])
    return np.ascontiguousarray(z.astype(part)).view(dtype).ravel()


@pytest.mark.parametrize("dtype", [C64, C128], ids=str)
@pytest.mark.parametrize("name", MAX_ERROR_COMPLEX)
def test_complex_error_stays_below_its_bound(name, dtype):
    mp, exact = exact_functions()
    z = complex_samples(dtype)
    function = {"expm1": lambda v: mp.exp(v) - 1, "log1p": lambda v: mp.log(1 + v),
                "log10": lambda v: mp.log(v) / mp.log(10)}.get(name) or exact(name)
    others = (np.full_like(z, 0.75 - 0.5j),) if name == "power" else ()
    got = compiled_map(getattr(lm, name), z, *others)
    for y, *values in zip(got, z, *others):
        want = function(*(mp.mpc(float(v.real), float(v.imag)) for v in values))
        if 1e-36 < abs(want) < 1e38:
            error = abs(mp.mpc(float(y.real), float(y.imag)) - want) / abs(want)
            # That of a power grows with its logarithm.
            scale = 1 + abs(mp.log(want)) if name == "power" else 1
            assert error <= scale * MAX_ERROR_COMPLEX[name] * np.finfo(dtype).eps, values
    np.testing.assert_allclose(getattr(lm, name)(z, *others), got, rtol=30 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", """exp log log2 log10 sqrt sin cos tan sinh cosh tanh asin acos
    atan asinh acosh atanh absolute""".split())
def test_complex_branch_cuts_and_signed_zeros(name):
    parts = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 30.0, 1e200, -1e200, 1e-200, -1e-200]
    x, y = (a.ravel() for a in np.meshgrid(parts, parts))
    z = np.stack([x, y], 1).view(C128).ravel()
    with np.errstate(all="ignore"):
        want = numpy_function(name)(z)
    got = compiled_map(getattr(lm, name), z)
    for part in ("real", "imag"):
        assert_same(getattr(got, part).copy(), getattr(want, part).copy(), 8)


@pytest.mark.parametrize("dtype", [C64, C128], ids=str)
def test_complex_division(dtype):
    z = complex_samples(dtype)
    w = z[::-1].copy()
    got = compiled_map(lm.complex_divide, z, w)
    want = (z.astype(C128) / w.astype(C128)).astype(dtype)
    np.testing.assert_allclose(got, want, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_allclose(lm.complex_divide(z, w), got, rtol=8 * np.finfo(dtype).eps)


def test_complex_division_by_zero_and_without_overflow():
    z = np.array([1 + 1j, 0, 1j, 3 - 4j, 1e300 + 1e300j])
    w = np.array([0, 0, -0.0, 1e200 + 1e200j, 1e300 - 1e300j])
    with np.errstate(all="ignore"):
        want = z / w
    for part in ("real", "imag"):
        got = compiled_map(lm.complex_divide, z, w)
        assert_same(getattr(got, part).copy(), getattr(want, part).copy(), 4)


def test_complex_inverses_beside_nan():
    """What is known of the result although one part of the operand is not a number."""
    z = np.array([complex(0, NAN), complex(-0.0, NAN), complex(NAN, 0), complex(NAN, -0.0)])
    for name in ("asin", "acos", "atan", "asinh", "atanh"):
        got, want = compiled_map(getattr(lm, name), z), numpy_function(name)(z)
        for part in ("real", "imag"):
            assert_same(getattr(got, part).copy(), getattr(want, part).copy(), 4)


# ---- changes of dtype, powers, types ----

def test_conversions_saturate():
    x = np.array([0.0, 1.9, -1.9, 300, -300, 1e30, -1e30, INF, -INF, NAN])
    for dtype in INTEGERS:
        info = np.iinfo(dtype)
        want = [0 if np.isnan(v) else int(min(max(v, info.min), info.max)) for v in x]
        function = getattr(lm, f"to_{dtype.name}")
        for operand in (x, x.astype(F32)):
            np.testing.assert_array_equal(compiled_map(function, operand), np.array(want, dtype))
            np.testing.assert_array_equal(function(operand), np.array(want, dtype))
    i = np.array([-1, 0, 5, 1 << 40])
    np.testing.assert_array_equal(compiled_map(lm.to_uint8, i), i.astype(np.uint8))
    np.testing.assert_array_equal(compiled_map(lm.to_float32, i), i.astype(F32))
    np.testing.assert_array_equal(compiled_map(lm.to_bool, i), i != 0)
    z = compiled_map(lm.make_complex, x, x[::-1].copy())
    np.testing.assert_array_equal(compiled_map(lm.to_float64, z), x)
    np.testing.assert_array_equal(compiled_map(lm.to_complex64, z).imag, x[::-1].astype(F32))


def test_integer_powers():
    x = np.array([1.5, -2, 0.25, 1])
    for exponent in (0, 1, 5, 17, -3):
        got = compiled_map(lm.integer_power, x, literal=f", {exponent}")
        np.testing.assert_allclose(got, x ** exponent, rtol=1e-14)
    z = x + 1j
    got = compiled_map(lm.integer_power, z, literal=", 20")
    np.testing.assert_allclose(got, z ** 20, rtol=1e-13)
    i = np.array([3, -2, 0], np.int32)
    np.testing.assert_array_equal(compiled_map(lm.integer_power, i, literal=", 7"), i ** 7)


def test_mixed_dtypes_are_refused():
    with pytest.raises(TypingError):
        compile_kernel(lm.maximum, map_text(2), (F32, F64, F64))
    with pytest.raises(TypeError, match="exp does not take int64"):
        lm.exp(np.int64(1))


def test_a_kernel_runs_unchanged_under_python():
    x, y = np.linspace(-3, 3, 20, dtype=F32), np.empty(20, F32)
    python_kernel(lm.tanh, map_text(1))(20, x, y)
    np.testing.assert_array_max_ulp(y, compiled_map(lm.tanh, x), 3)


# ---- vectorised loops ----

only_with_avx = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64")
    or not binding.get_host_cpu_features().get("avx2"), reason="looks for AVX registers")
NOT_VECTORISED = {"polygamma", "gamma_slope", "integer_power"}
FLOAT_NAMES = [name for name, function in lm.FUNCTIONS.items()
               if F32 in function.versions and name not in NOT_VECTORISED
               and not name.startswith(("to_", "make_"))]


def is_vectorised(assembly):
    """Whether some arithmetic uses whole vector registers."""
    return re.search(r"\tvp?(?!mov|broad)\w+\t.*%[yz]mm", assembly) is not None


def assembly_of(name, dtype):
    function = lm.FUNCTIONS[name]
    arity = function.__wrapped__.__code__.co_argcount
    _, returns = function.versions[dtype]
    results = returns(dtype) if isinstance(returns(dtype), tuple) else (returns(dtype),)
    boolean = results[0].kind == "b"
    outs = [np.dtype(np.uint8) if boolean else result for result in results]
    text = map_text(arity, len(outs), boolean=boolean)
    return compile_kernel(function, text, (*[dtype] * arity, *outs))[1]


@only_with_avx
@each_float
@pytest.mark.parametrize("name", FLOAT_NAMES)
def test_loops_vectorise(name, dtype):
    if dtype not in lm.FUNCTIONS[name].versions:
        pytest.skip("takes float32 only")
    assembly = assembly_of(name, dtype)
    assert is_vectorised(assembly)
    if dtype == F32:    # and never becomes float64
        assert not re.search(r"cvtss2sd|cvtps2pd", assembly)


@only_with_avx
@pytest.mark.parametrize("name", ["population_count", "count_leading_zeros", "shift_left",
                                  "shift_right_logical", "shift_right_arithmetic",
                                  "threefry2x32"])
def test_integer_loops_vectorise(name):
    assert is_vectorised(assembly_of(name, np.dtype(np.uint32)))


@only_with_avx
@pytest.mark.parametrize("name", ["half_to_float", "bfloat16_to_float"])
def test_half_loops_vectorise(name):
    assert is_vectorised(assembly_of(name, np.dtype(np.uint16)))


@pytest.mark.parametrize("dtype", [F32, F64, np.dtype(np.int32), np.dtype(np.int64)], ids=str)
@pytest.mark.parametrize("name", ["sum_step", "prod_step", "max_step", "min_step"])
def test_reductions(name, dtype):
    x = (np.random.default_rng(5).uniform(0.97, 1.03, 1003) + (dtype.kind == "i")).astype(dtype)
    x[500] = 3
    result = np.ones(1, dtype)
    run, assembly = compile_kernel(getattr(lm, name), REDUCTION, (dtype, dtype))
    run(x.size, x, result)
    want = {"sum_step": np.sum(x) + 1, "prod_step": np.prod(x), "max_step": np.max(x),
            "min_step": min(np.min(x), 1)}[name]
    np.testing.assert_allclose(result[0], want.astype(dtype), rtol=1e-4 if dtype == F32 else 1e-12)
    if dtype.kind == "f":
        x[77] = NAN
        run(x.size, x, result)
        assert np.isnan(result[0])
    if binding.get_host_cpu_features().get("avx2"):
        assert is_vectorised(assembly)


# ---- the table of docs/math.md ----

def nanoseconds(function, operands):
    """For one element in a long loop; the best of some runs."""
    operands = [np.resize(operand, 1 << 16) for operand in operands]
    out = np.empty_like(operands[0])
    run, _ = compile_kernel(function, map_text(len(operands)), (out.dtype,) * (len(operands) + 1))
    times = []
    for _ in range(15):
        start = time.perf_counter()
        run(out.size, *operands, out)
        times.append(time.perf_counter() - start)
    return 1e9 * min(times) / out.size


def print_table():
    """Measured errors, and times beside those of the C library."""
    names = {"power": "pow", "logistic": None, "rsqrt": None, "exp2": None, "log2": None,
             "cbrt": None, "erf_inv": None, "digamma": None}
    for name in ERROR_NAMES:
        cells = []
        library = getattr(math, names.get(name, name) or "", None)
        for dtype in (F32, F64):
            operands = arguments(name, dtype)
            error, _ = largest_error(name, compiled_map(getattr(lm, name), *operands), operands)
            # Times with arguments of the usual sizes.
            usual = [1 + abs(np.remainder(x, dtype.type(1))) * dtype.type(0.999) for x in operands]
            if name in ("asin", "acos", "atanh", "erf_inv"):
                usual = [x - 1 for x in usual]
            own = nanoseconds(getattr(lm, name), usual)
            other = f"{nanoseconds(library, usual):.1f}" if library else "-"
            cells.append(f"{error:.2f} | {own:.2f} | {other}")
        print(f"| `{name}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    print_table()
