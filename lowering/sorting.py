"""The kernel of `sort`: a stable merge sort of indices, row by row, then all operands in order.

In: views and the kernel class. Out: `KernelText`. Imports `emit`, `views`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans.ir.primitive import Sort
from lowering.kernel_text import INDENT, KernelText, Parameter, local_dtype
from lowering.views import View


def sort_kernel(inputs: list, outputs: list, kernel: Sort) -> KernelText:
    """Sorts all operands along an axis by the first of them."""
    shape = inputs[0].shape
    size = shape[kernel.axis]
    before, after = math.prod(shape[:kernel.axis]), math.prod(shape[kernel.axis + 1:])
    lines = ["for row in range(rows):",
             "    for column in range(columns):",
             "        start = row * n * columns + column",
             *indented(2, sorted_row(inputs, kernel.keys))]
    parameters = sort_parameters(inputs, outputs, size, rows=before, n=size, columns=after)
    head = f"def kernel({', '.join(p.name for p in parameters)}):"
    return KernelText("\n".join([head, *indented(1, lines)]) + "\n", parameters)


def sort_parameters(inputs: list, outputs: list, scratch: int, **integers: int) -> list:
    """The parameters of a kernel that sorts; scratch: elements of `order` and of `spare`."""
    return [*(pointer(f"y{k}", view) for k, view in enumerate(outputs)),
            *(pointer(f"x{k}", view) for k, view in enumerate(inputs)),
            *(Parameter(name, "scratch", np.dtype(np.int64), scratch)
              for name in ("order", "spare")),
            *(Parameter(name, "integer", None, value) for name, value in integers.items())]


def sorted_row(inputs: list, keys: int) -> list[str]:
    """Sorts the `n` elements from `start` on, which lie `columns` apart."""
    return [*_merge_sort(inputs, keys), "for k in range(n):", *indented(1, moves(len(inputs)))]


def pointer(name: str, view: View) -> Parameter:
    """The parameter for the memory of a view."""
    return Parameter(name, "pointer", view.dtype, View(view.buffer, view.offset, (), ()))


def indented(depth: int, lines: list) -> list:
    return [INDENT * depth + line for line in lines]


def _merge_sort(inputs: list, keys: int) -> list[str]:
    """Bottom-up merges of runs of 1, 2, 4 .. indices, between `order` and `spare`."""
    return [
        "for k in range(n):",
        "    order[k] = k",
        "width = 1",
        "while width < n:",
        "    low = 0",
        "    while low < n:",
        "        middle, high = minimum(low + width, n), minimum(low + 2 * width, n)",
        "        a, b = low, middle",
        "        for k in range(low, high):",
        "            first = b >= high",
        "            if a < middle and b < high:",
        "                p = start + order[a] * columns",
        "                q = start + order[b] * columns",
        *indented(4, comparison(inputs, keys)),
        "            if first:",
        "                spare[k] = order[a]",
        "                a += 1",
        "            else:",
        "                spare[k] = order[b]",
        "                b += 1",
        "        low = high",
        "    for k in range(n):",
        "        order[k] = spare[k]",
        "    width *= 2",
    ]


def comparison(inputs: list, keys: int, number: int = 0) -> list[str]:
    """`first`: whether the element at p may stand before the one at q, which was behind it."""
    u, v = f"u{number}", f"v{number}"
    less, more = _less(inputs[number].dtype, u, v), _less(inputs[number].dtype, v, u)
    lines = [f"{u}, {v} = {_key(inputs, number, 'p')}, {_key(inputs, number, 'q')}"]
    if number == keys - 1:
        return [*lines, f"first = not {more}"]
    return [*lines, f"if {less} or {more}:", f"{INDENT}first = {less}", "else:",
            *indented(1, comparison(inputs, keys, number + 1))]


def _key(inputs: list, number: int, place: str) -> str:
    text = f"x{number}[{place}]"
    name = inputs[number].dtype.name
    converters = {"float16": "half_to_float", "bfloat16": "bfloat16_to_float"}
    return f"{converters[name]}({text})" if name in converters else text


def _less(dtype: np.dtype, u: str, v: str) -> str:
    """Whether u stands before v: NaN behind all else."""
    if dtype.kind == "c":
        real = f"({u}.real < {v}.real or ({v}.real != {v}.real and {u}.real == {u}.real))"
        imag = f"({u}.imag < {v}.imag or ({v}.imag != {v}.imag and {u}.imag == {u}.imag))"
        same = f"({u}.real == {v}.real or ({u}.real != {u}.real and {v}.real != {v}.real))"
        return f"({real} or ({same} and {imag}))"
    if local_dtype(dtype).kind == "f":
        return f"({u} < {v} or ({v} != {v} and {u} == {u}))"
    return f"({u} < {v})"


def moves(count: int, order: str = "order[k]") -> list[str]:
    """Element k of each result, by what the order says."""
    return [f"y{number}[start + k * columns] = x{number}[start + {order} * columns]"
            for number in range(count)]
