"""What a kernel is as text: names, parameters, numbers, and what is written for each dtype.

Names are given in order, and numbers that follow from sizes or settings are parameters: so that
equal structures give equal texts.

In: numbers, buffers. Out: text, `Parameter`, `KernelText`. Imports `expression`, `views`.
"""
from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from functrans.ir.type import name_of
from lowering.expression import ATOM, COMPARISON, Text
from lowering.followed import whole
from lowering.views import Buffer, View

INDENT = "    "
_PREFIXES = {"input": "x", "output": "y", "temp": "t", "constant": "w"}
_ORDER = {"pointer": 0, "scratch": 1, "constants": 2, "error": 3, "integer": 4, "code": 5}


@dataclass(unsafe_hash=True, slots=True)
class Parameter:
    """What a kernel is passed. Nobody changes one.

    kind: "pointer" (`value` is a View: buffer and offset), "scratch" (`value` is the number of
    elements), "integer" (`value`), "error" (the record of an index out of bounds), "code" (the
    number of a check among those of the kernel), "constants" (`value` are the numbers).
    """
    name: str
    kind: str
    dtype: np.dtype | None = None
    value: object = None


@dataclass(frozen=True, slots=True)
class Split:
    """How a kernel can be run in parts, on several threads: its outermost loop is cut.

    extent: the parameter that says how long that loop is. strides: for each pointer, by how many
    elements it moves along with an iteration. work: what all of it takes, roughly, in ns.
    """
    extent: str
    strides: dict
    work: float


@dataclass(slots=True)
class KernelText:
    """A kernel as text.

    checks: for each code of an index error, (location, size). locations: for each line, the
    user's line that it computes, or None; they are no part of the text, so that equal structures
    are one kernel wherever they come from.
    """
    text: str
    parameters: list
    checks: list = field(default_factory=list)
    split: Split | None = None
    locations: list = field(default_factory=list)


class Numbers:
    """Gives names, and collects the parameters of one kernel."""

    def __init__(self):
        self.parameters: dict[str, Parameter] = {}
        self.preamble: list[str] = []            # lines that read numbers from parameters
        self._constants: list[float] = []
        self._constant_names: dict = {}
        self._strides: list[tuple] = []          # (stride, parameter)
        self.origins: dict = {}                  # a number -> (parameter, place in it, parts)
        self._fresh: Counter = Counter()

    def all_parameters(self) -> list[Parameter]:
        """The parameters in the order in which they are passed."""
        if self._constants:
            self.parameters["constants"] = Parameter("constants", "constants", None,
                                                     tuple(self._constants))
        return sorted(self.parameters.values(), key=lambda p: _ORDER[p.kind])

    def name(self, prefix: str) -> str:
        """The next name with a prefix: x0, x1, ..."""
        number = self._fresh[prefix]
        self._fresh[prefix] += 1
        return f"{prefix}{number}"

    def add(self, name: str, kind: str, dtype=None, value=None) -> str:
        """A parameter of this name, unless there is one already."""
        self.parameters.setdefault(name, Parameter(name, kind, dtype, value))
        return name

    def pointer(self, buffer: Buffer, offset: int) -> str:
        """A new parameter for the memory of a buffer, from an element on."""
        name = self.name(_PREFIXES[buffer.root().role])
        return self.add(name, "pointer", buffer.dtype, View(buffer, offset, (), ()))

    def integer(self, prefix: str, value: int) -> str:
        """A new parameter for an integer that depends on sizes."""
        return self.add(self.name(prefix), "integer", None, whole(value))

    def stride(self, value: int) -> str:
        """The parameter for a stride; equal strides share one."""
        for known, name in self._strides:
            if known == value:
                return name
        self._strides.append((value, self.integer("s", value)))
        return self._strides[-1][1]

    # ---- numbers ----

    def number(self, value) -> str:
        """A number: written out if it is a plain one, read from a parameter if not.

        So that a new learning rate, or a mean over another number of elements, is no new kernel.
        """
        dtype = local_dtype(np.asarray(value).dtype)
        if is_plain(value):
            return constant(value)
        key = identity(value)
        name = self._constant_names.get(key)
        if name is None:
            name = self._constant_names[key] = self.name("c")
            read = self._integer_line if dtype.kind in "iu" else self._float_line
            self.preamble.append(read(name, value, dtype))
        return name

    def _integer_line(self, name: str, value, dtype: np.dtype) -> str:
        parameter = self.integer("constant", int(np.asarray(value).astype(np.int64)))
        self.origins[identity(value)] = parameter, 0, 1
        return f"{name} = {dtype.name}({parameter})"

    def _float_line(self, name: str, value, dtype: np.dtype) -> str:
        parts = (value.real, value.imag) if dtype.kind == "c" else (value,)
        places = []
        self.origins[identity(value)] = "constants", len(self._constants), len(parts)
        for part in parts:
            places.append(f"constants[{len(self._constants)}]")
            self._constants.append(float(part))
        inner = f"complex({', '.join(places)})" if dtype.kind == "c" else places[0]
        return f"{name} = {dtype.name}({inner})"


# ---- dtypes ----

_FLOAT32 = np.dtype(np.float32)


def local_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype in which values of `dtype` are computed: half precision in float32."""
    return _FLOAT32 if name_of(dtype) in ("float16", "bfloat16") else dtype


def cast(text: Text, dtype: np.dtype) -> Text:
    """Python's and numba's integers are wide: results are brought back to their dtype."""
    if dtype.kind not in "iu" or dtype.itemsize == 8:
        return text
    is_cast = text.binding == ATOM and text.text.startswith(f"{dtype.name}(")
    return text if is_cast else Text(f"{dtype.name}({text})")


def from_memory(text: str, dtype: np.dtype) -> Text:
    """An element of memory as a value: half precision is stored as bits, booleans as bytes."""
    name = name_of(dtype)
    if name == "float16":
        return Text(f"half_to_float({text})")
    if name == "bfloat16":
        return Text(f"bfloat16_to_float({text})")
    return Text(f"{text} != 0", COMPARISON) if dtype.kind == "b" else Text(text)


def to_memory(text: str, dtype: np.dtype) -> str:
    """A value as it is written to memory."""
    name = name_of(dtype)
    if name == "float16":
        return f"float_to_half({text})"
    return f"float_to_bfloat16({text})" if name == "bfloat16" else text


# ---- numbers as text ----

def constant(value) -> str:
    """A number, written out."""
    dtype = local_dtype(np.asarray(value).dtype)
    if dtype.kind == "b":
        return str(bool(value))
    if dtype.kind == "c":
        real, imag = (_number(float(part)) for part in (value.real, value.imag))
        return f"{dtype.name}(complex({real}, {imag}))"
    if dtype.kind == "f":
        return f"{dtype.name}({_number(float(value), dtype)})"
    return f"{dtype.name}({int(value)})"


_FLOAT64 = np.dtype(np.float64)


def _number(value: float, dtype=_FLOAT64) -> str:
    """A float as Python text; the shortest that reads back as the same number of dtype."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(dtype.type(value).item()) if dtype.itemsize > 4 else _short(value)


def _short(value: float) -> str:
    text = np.format_float_positional(np.float32(value), unique=True, trim="0")
    return text if len(text) < 14 else np.format_float_scientific(np.float32(value), unique=True)


def identity(value) -> tuple:
    """Numbers of which this is equal share a parameter."""
    array = np.asarray(value)
    return local_dtype(array.dtype), array.tobytes()


def is_plain(value) -> bool:
    """Numbers that belong to a formula rather than to its sizes or settings."""
    if isinstance(value, (bool, np.bool_)):
        return True
    if np.iscomplexobj(value):
        return is_plain(value.real) and is_plain(value.imag)
    return value != value or float(value) in (0, 1, -1, 2, -2, 0.5, -0.5, math.inf, -math.inf)
