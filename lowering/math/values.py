"""Operands of the function bodies while they are compiled: each operation emits LLVM code.

A body such as `1 / (1 + exp(-x))` is plain Python. Given NumPy scalars it computes; given
`Value`s it writes the same computation into the kernel that numba is lowering. Literals take the
dtype of the other operand, as in NumPy, so float32 work stays float32.

Arithmetic here is strict IEEE, which the error-free tricks of the bodies rely on. LLVM may fuse
a multiplication and an addition only where a body says `multiply_add`.
"""
from __future__ import annotations

import numpy as np
from llvmlite import ir

# numba adds a kernel's fast-math flags to every instruction that has none. `arcp` (division may
# multiply by the reciprocal) means nothing but for divisions, so here it says "leave me strict".
_STRICT = ("arcp",)
# The same for divisions, on which `contract` means nothing.
_STRICT_DIVISION = ("contract",)

_FLOAT_TYPES = {2: ir.HalfType(), 4: ir.FloatType(), 8: ir.DoubleType()}
BOOL = np.dtype(bool)
UINT16, UINT32 = np.dtype(np.uint16), np.dtype(np.uint32)


def on_device(builder) -> bool:
    """Whether the code that is being written is for a GPU.

    Its compiler, NVVM, knows fewer intrinsics, and fuses any product with a sum that follows.
    """
    return builder.module.triple.startswith("nvptx")


def llvm_type(dtype: np.dtype) -> ir.Type:
    if dtype == BOOL:
        return ir.IntType(1)
    return _FLOAT_TYPES[dtype.itemsize] if dtype.kind == "f" else ir.IntType(8 * dtype.itemsize)


def constant(value, dtype: np.dtype) -> ir.Constant:
    """A literal, rounded to `dtype`; integers wrap around."""
    if dtype.kind == "f":
        return ir.Constant(llvm_type(dtype), float(dtype.type(value)))
    if dtype == BOOL:
        return ir.Constant(llvm_type(dtype), int(bool(value)))
    return ir.Constant(llvm_type(dtype), int(value) % (1 << 8 * dtype.itemsize))


class Value:
    """A scalar in the code that is being written: `ir` computed by `builder`, of `dtype`."""

    __slots__ = ("builder", "ir", "dtype")

    def __init__(self, builder, ir_value, dtype):
        self.builder = builder
        self.ir = ir_value
        self.dtype = dtype

    def same(self, ir_value) -> Value:
        """Another value of this dtype."""
        return Value(self.builder, ir_value, self.dtype)

    def operand(self, other) -> ir.Value:
        """`other` as an operand beside this value."""
        if not isinstance(other, Value):
            return constant(other, self.dtype)
        if other.dtype != self.dtype:
            raise TypeError(f"operands of {self.dtype} and {other.dtype}")
        return other.ir

    def _binary(self, other, floating, integral, swap=False):
        left, right = self.ir, self.operand(other)
        if swap:
            left, right = right, left
        if self.dtype.kind == "f":
            flags = _STRICT_DIVISION if floating == "fdiv" else _STRICT
            return self.same(getattr(self.builder, floating)(left, right, flags=flags))
        return self.same(getattr(self.builder, integral)(left, right))

    def __add__(self, other):
        return self._binary(other, "fadd", "add")

    __radd__ = __add__

    def __sub__(self, other):
        return self._binary(other, "fsub", "sub")

    def __rsub__(self, other):
        return self._binary(other, "fsub", "sub", swap=True)

    def __mul__(self, other):
        if self.dtype.kind == "f" and on_device(self.builder):
            letter = "f" if self.dtype.itemsize == 4 else "d"
            return self.function(f"llvm.nvvm.mul.rn.{letter}", other)      # this is never fused
        return self._binary(other, "fmul", "mul")

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._binary(other, "fdiv", None)

    def __rtruediv__(self, other):
        return self._binary(other, "fdiv", None, swap=True)

    def __and__(self, other):
        return self._binary(other, None, "and_")

    def __or__(self, other):
        return self._binary(other, None, "or_")

    def __xor__(self, other):
        return self._binary(other, None, "xor")

    def __lshift__(self, other):
        return self._binary(other, None, "shl")

    def __rshift__(self, other):
        return self._binary(other, None, "ashr" if self.dtype.kind == "i" else "lshr")

    def __neg__(self):
        if self.dtype.kind == "f" and on_device(self.builder):
            return -0.0 - self                       # NVVM's name for the same
        if self.dtype.kind == "f":
            return self.same(self.builder.fneg(self.ir, flags=_STRICT))
        return self.same(self.builder.neg(self.ir))

    def __invert__(self):
        return self.same(self.builder.not_(self.ir))

    def _compare(self, operator, other):
        right = self.operand(other)
        if self.dtype.kind == "f":
            compare = self.builder.fcmp_unordered if operator == "!=" else \
                self.builder.fcmp_ordered
            return Value(self.builder, compare(operator, self.ir, right, flags=_STRICT), BOOL)
        compare = self.builder.icmp_signed if self.dtype.kind == "i" else \
            self.builder.icmp_unsigned
        return Value(self.builder, compare(operator, self.ir, right), BOOL)

    def __lt__(self, other):
        return self._compare("<", other)

    def __le__(self, other):
        return self._compare("<=", other)

    def __gt__(self, other):
        return self._compare(">", other)

    def __ge__(self, other):
        return self._compare(">=", other)

    def __eq__(self, other):
        return self._compare("==", other)

    def __ne__(self, other):
        return self._compare("!=", other)

    __hash__ = None

    def __bool__(self):
        raise TypeError("a function body must choose with where(), not with if")

    def intrinsic(self, name, *others, flags=()) -> Value:
        """An LLVM intrinsic whose operands and result are of this dtype."""
        operands = [self.ir, *map(self.operand, others)]
        kind = self.ir.type
        function = self.builder.module.declare_intrinsic(
            name, [kind], ir.FunctionType(kind, [kind] * len(operands)))
        return self.same(self.builder.call(function, operands, fastmath=flags))

    def function(self, name, *others) -> Value:
        """The same of a function that is known under its full name."""
        kind = self.ir.type
        known = self.builder.module.globals.get(name) or ir.Function(
            self.builder.module, ir.FunctionType(kind, [kind] * (1 + len(others))), name)
        return self.same(self.builder.call(known, [self.ir, *map(self.operand, others)]))

    def count_leading_zeros(self) -> Value:
        zero_is_fine = ir.Constant(ir.IntType(1), 0)
        return self.same(self.builder.ctlz(self.ir, zero_is_fine))


class ComplexValue:
    """A complex number in the code that is being written: two `Value`s."""

    __slots__ = ("real", "imag", "dtype")

    def __init__(self, real, imag):
        self.real = real
        self.imag = imag
        self.dtype = np.result_type(real.dtype, np.complex64)
