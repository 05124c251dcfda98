"""Several elements at once, as numba compiles it: on the CPU, which can do that as well."""
from __future__ import annotations

import ctypes

import numpy as np
import pytest
from numba import cfunc, types
from numba.core.registry import cpu_target

from lowering.cuda import vector_code
from lowering.cuda.vector_code import aligned, read_vector, write_vector

for context in (cpu_target.typing_context, cpu_target.target_context):
    context.refresh()                                   # its own functions come first
vector_code.install(cpu_target.typing_context, cpu_target.target_context)
SHAPES = [("float32", 4), ("float64", 2), ("uint16", 8), ("uint16", 4), ("uint16", 2),
          ("uint8", 16), ("uint8", 4), ("uint8", 2), ("int8", 16), ("int16", 2), ("int64", 2),
          ("float32", 2), ("float64", 4), ("int32", 4)]


def doubler(dtype: str, count: int):
    """A function of the addresses of x and y: doubles a vector of x, the second one, into y, if
    both begin where they should; returns whether they do. And what it keeps alive."""
    pointer = types.CPointer(getattr(types, dtype))
    kind = getattr(np, dtype)

    @cfunc(types.boolean(pointer, pointer))
    def double(x, y):
        if not aligned(x, y):
            return False
        values = np.empty(count, kind)
        read_vector(x, count, values, count)
        for k in range(count):
            values[k] += values[k]
        write_vector(y, count, values, count)
        return True

    call = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)(double.address)
    return lambda x, y: call(x.ctypes.data, y.ctypes.data), double


def placed(data: np.ndarray, start: int = 0) -> np.ndarray:
    """A copy that begins so many elements after a multiple of 64 bytes."""
    space = np.zeros(data.size + 128, data.dtype)
    start += -space.ctypes.data % 64 // space.itemsize
    space[start:start + data.size] = data
    return space[start:start + data.size]


@pytest.mark.parametrize("dtype, count", SHAPES)
def test_a_vector_is_its_elements_in_order(dtype, count):
    numbers = np.arange(3 * count).astype(dtype)
    x = placed(~numbers if numbers.dtype.kind in "iu" else -numbers)         # all bits count
    y = placed(np.zeros_like(numbers))
    double, _alive = doubler(dtype, count)
    assert double(x, y)
    expected = np.zeros_like(y)
    expected[count:2 * count] = x[count:2 * count] + x[count:2 * count]
    np.testing.assert_array_equal(y, expected)
    assert not double(placed(x, 1), y) and not double(x, placed(y, 1))


def test_the_functions_are_loops_in_python():
    class Pointer:
        def __init__(self, elements):
            self.elements = elements

        def address(self):
            return self.elements.ctypes.data

        def __getitem__(self, k):
            return self.elements[k]

        def __setitem__(self, k, value):
            self.elements[k] = value

    x, values = Pointer(placed(np.arange(8, dtype="float32"))), [0] * 4
    read_vector(x, 4, values, 4)
    write_vector(x, 0, values, 4)
    assert values == [4, 5, 6, 7] == x.elements[:4].tolist()
    assert aligned(x) and not aligned(x, Pointer(x.elements[1:]))
    with pytest.raises(ValueError, match="4 elements of 4 bytes at once, from element 2 on"):
        read_vector(x, 2, values, 4)
