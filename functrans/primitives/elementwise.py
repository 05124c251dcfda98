"""Elementwise primitives: arithmetic, comparison, logic, choice, and change of dtype.

One block each: the value (NumPy), the kernel's text, the derivative. Operands have equal shape
and dtype; NumPy scalars stand for literals. Adjoint rules are written so that a cotangent of
zero gives zero whatever the other factor is (`guarded_mul`): the side of a `where` that is
not taken never makes a NaN.

Imports `ir`, `trace`, `primitives.basic`, `primitives.define`.
"""
from __future__ import annotations

import numpy as np

from functrans.extras import as_dtype
from functrans.ir.primitive import Elementwise, Primitive
from functrans.ir.type import ArrayType, is_bool, is_complex, is_inexact
from functrans.primitives.basic import (add_p, common_shape, is_linear, require, same_dtype,
                                        type_of_value, zeros)
from functrans.primitives.define import batch_elementwise, elementwise
from functrans.trace import bind


def _real_part_dtype(dtype):
    return np.empty(0, dtype).real.dtype


def _bool(dtype):
    return np.dtype(bool)


# ---- arithmetic ----

neg_p = elementwise("neg", evaluate=np.negative, expr="(-{0})", linear=True,
                    transpose=lambda ct, inputs, params: (neg(ct),))

sub_p = elementwise(
    "sub", evaluate=np.subtract, expr="({0} - {1})",
    jvp=(lambda out, x, y, dx: dx, lambda out, x, y, dy: neg(dy)),
    transpose=lambda ct, inputs, params: (
        ct if is_linear(inputs[0]) else None, neg(ct) if is_linear(inputs[1]) else None))


def _times(ct, factor):
    """ct * factor; guarded, unless the factor is a finite literal."""
    harmless = isinstance(factor, np.generic) and np.isfinite(factor)
    return mul(ct, factor) if harmless else guarded_mul(ct, factor)


def _over(ct, divisor):
    harmless = isinstance(divisor, np.generic) and divisor != 0
    return div(ct, divisor) if harmless else guarded_div(ct, divisor)


def _quotient(types, params=None) -> str:
    """Division; of complex numbers by a function that knows zeros and does not overflow."""
    return "complex_divide({0}, {1})" if is_complex(types[0].dtype) else "({0} / {1})"


def _transpose_mul(ct, inputs, params):
    x, y = inputs
    return (_times(ct, y), None) if is_linear(x) else (None, _times(ct, x))


mul_p = elementwise(
    "mul", evaluate=np.multiply, expr="({0} * {1})",
    jvp=(lambda out, x, y, dx: mul(dx, y), lambda out, x, y, dy: mul(dy, x)),
    transpose=_transpose_mul)

div_p = elementwise(
    "div", evaluate=np.true_divide, expr=_quotient, kind="inexact", cost=4,
    jvp=(lambda out, x, y, dx: div(dx, y), lambda out, x, y, dy: mul(dy, neg(div(out, y)))),
    transpose=lambda ct, inputs, params: (_over(ct, inputs[1]), None))


def _where_nonzero(function):
    def evaluate(ct, other):
        return np.where(ct == 0, np.zeros_like(ct), function(ct, other))
    return evaluate


def _transpose_guarded_mul(ct, inputs, params):
    """Where x is 0 nothing comes back to y either, even if the cotangent is infinite."""
    x, y = inputs
    if is_linear(x):
        return guarded_mul(ct, y), None
    zero = _constant(ct, 0)
    return None, select(eq(x, zero), zero, guarded_mul(ct, x))


# x * y, but 0 where x is 0, even if y is infinite or NaN. Linear in x, and in y.
guarded_mul_p = elementwise(
    "guarded_mul", evaluate=_where_nonzero(np.multiply), cost=2,
    expr="({0} * {1} if {0} != 0 else {T}(0))",
    jvp=(lambda out, x, y, dx: guarded_mul(dx, y), lambda out, x, y, dy: guarded_mul(x, dy)),
    transpose=_transpose_guarded_mul)

# x / y, but 0 where x is 0, even if y is zero or NaN. Linear in x.
guarded_div_p = elementwise(
    "guarded_div", evaluate=_where_nonzero(np.true_divide), kind="inexact", cost=5,
    expr=lambda types, params: f"({_quotient(types)} if {{0}} != 0 else {{T}}(0))",
    jvp=(lambda out, x, y, dx: guarded_div(dx, y),
         lambda out, x, y, dy: guarded_mul(guarded_div(out, y), neg(dy))),
    transpose=lambda ct, inputs, params: (guarded_div(ct, inputs[1]), None))

floor_divide_p = elementwise("floor_divide", evaluate=np.floor_divide, kind="real", cost=8,
                             expr="floor_divide({0}, {1})")

remainder_p = elementwise(
    "remainder", evaluate=np.remainder, expr="remainder({0}, {1})", kind="real", cost=8,
    jvp=(lambda out, x, y, dx: dx,
         lambda out, x, y, dy: mul(dy, neg(floor(div(x, y))))))

fmod_p = elementwise(
    "fmod", evaluate=np.fmod, expr="fmod({0}, {1})", kind="real", cost=8,
    jvp=(lambda out, x, y, dx: dx,
         lambda out, x, y, dy: mul(dy, neg(trunc(div(x, y))))))


def _jvp_abs(out, x, dx):
    if is_complex(type_of_value(x).dtype):
        return real(mul(dx, conj(sign(x))))
    return mul(dx, sign(x))


abs_p = elementwise("abs", evaluate=np.abs, expr="absolute({0})", jvp=_jvp_abs,
                    result=_real_part_dtype)


def _jvp_sign(out, x, dx):
    """Zero for reals. For complex z/|z|: the part of dz/|z| across the direction of z."""
    if not is_complex(type_of_value(x).dtype):
        return None
    size = abs_(x)
    across = imag(mul(dx, conj(out)))
    along_i = complex_(zeros(type_of_value(size)), guarded_div(across, size))
    return mul(out, along_i)


sign_p = elementwise("sign", evaluate=np.sign, expr="sign({0})", jvp=_jvp_sign)
floor_p = elementwise("floor", evaluate=np.floor, expr="floor({0})", kind="float")
ceil_p = elementwise("ceil", evaluate=np.ceil, expr="ceil({0})", kind="float")
round_p = elementwise("round", evaluate=np.rint, expr="round_even({0})", kind="float")
trunc_p = elementwise("trunc", evaluate=np.trunc, expr="trunc({0})", kind="float")
next_after_p = elementwise("next_after", evaluate=np.nextafter, expr="next_after({0}, {1})",
                           kind="float", jvp=(lambda out, x, y, dx: dx, None))
copysign_p = elementwise(
    "copysign", evaluate=np.copysign, expr="copysign({0}, {1})", kind="float",
    jvp=(lambda out, x, y, dx: mul(dx, mul(sign(x), copysign(_one(x), y))), None))


def _one(x):
    return type_of_value(x).dtype.type(1)


def _constant(x, value):
    """A literal of the dtype of x."""
    return type_of_value(x).dtype.type(value)


# ---- larger and smaller: where both are equal, each gets half ----

def _share(out, x, y):
    """The share of the tangent of x in max(x, y) or min(x, y): 1, 0, or 1/2 in a tie."""
    half = select(eq(x, y), _constant(x, 0.5), _constant(x, 1))
    return select(eq(x, out), half, _constant(x, 0))


max_p = elementwise(
    "max", evaluate=np.maximum, expr="maximum({0}, {1})", kind="ordered",
    jvp=(lambda out, x, y, dx: mul(dx, _share(out, x, y)),
         lambda out, x, y, dy: mul(dy, _share(out, y, x))))

min_p = elementwise(
    "min", evaluate=np.minimum, expr="minimum({0}, {1})", kind="ordered",
    jvp=(lambda out, x, y, dx: mul(dx, _share(out, x, y)),
         lambda out, x, y, dy: mul(dy, _share(out, y, x))))

# ---- comparison ----

eq_p = elementwise("eq", evaluate=np.equal, expr="({0} == {1})", kind="any", result=_bool)
ne_p = elementwise("ne", evaluate=np.not_equal, expr="({0} != {1})", kind="any", result=_bool)
lt_p = elementwise("lt", evaluate=np.less, expr="({0} < {1})", kind="ordered", result=_bool)
le_p = elementwise("le", evaluate=np.less_equal, expr="({0} <= {1})", kind="ordered",
                   result=_bool)
gt_p = elementwise("gt", evaluate=np.greater, expr="({0} > {1})", kind="ordered", result=_bool)
ge_p = elementwise("ge", evaluate=np.greater_equal, expr="({0} >= {1})", kind="ordered",
                   result=_bool)
is_finite_p = elementwise("is_finite", evaluate=np.isfinite, expr="is_finite({0})",
                          kind="inexact", result=_bool)

# ---- logic and bits ----

and_p = elementwise("and", evaluate=np.bitwise_and, expr="({0} & {1})", kind="bits")
or_p = elementwise("or", evaluate=np.bitwise_or, expr="({0} | {1})", kind="bits")
xor_p = elementwise("xor", evaluate=np.bitwise_xor, expr="({0} ^ {1})", kind="bits")
not_p = elementwise(
    "not", evaluate=np.invert, kind="bits",
    expr=lambda types, params: "(not {0})" if is_bool(types[0].dtype) else "(~{0})")


def _shift(function, overflow):
    """A shift by the width or more gives what shifting bit by bit would give."""
    def evaluate(x, y):
        width = x.dtype.itemsize * 8
        beyond = (y < 0) | (y >= width)
        return np.where(beyond, overflow(x), function(x, np.where(beyond, 0, y)))
    return evaluate


def _shift_right_logical(x, y):
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    return np.right_shift(np.asarray(x).view(unsigned), y.astype(unsigned)).view(x.dtype)


def _zero_like(x):
    return np.zeros_like(x)


shift_left_p = elementwise("shift_left", kind="integer", expr="shift_left({0}, {1})",
                           evaluate=_shift(np.left_shift, _zero_like))
shift_right_arithmetic_p = elementwise(
    "shift_right_arithmetic", kind="integer", expr="shift_right_arithmetic({0}, {1})",
    evaluate=_shift(np.right_shift, lambda x: x >> x.dtype.type(x.dtype.itemsize * 8 - 1)))
shift_right_logical_p = elementwise(
    "shift_right_logical", kind="integer", expr="shift_right_logical({0}, {1})",
    evaluate=_shift(_shift_right_logical, _zero_like))
population_count_p = elementwise(
    "population_count", kind="integer", expr="population_count({0})",
    evaluate=lambda x: np.bitwise_count(
        np.asarray(x).view(f"u{x.dtype.itemsize}")).astype(x.dtype))


def _count_leading_zeros(x):
    value = np.asarray(x).view(f"u{x.dtype.itemsize}").copy()
    count = np.full(value.shape, x.dtype.itemsize * 8, x.dtype)
    for _ in range(x.dtype.itemsize * 8):
        count -= (value != 0).astype(x.dtype)
        value >>= value.dtype.type(1)
    return count


count_leading_zeros_p = elementwise(
    "count_leading_zeros", kind="integer", expr="count_leading_zeros({0})",
    evaluate=_count_leading_zeros)

gcd_p = elementwise("gcd", kind="integer", evaluate=np.gcd, cost=200,
                    expr="greatest_common_divisor({0}, {1})")

# ---- choice ----

def _infer_select(condition, x, y):
    require("bool", condition.dtype, "select")
    dtype = same_dtype((x, y), "select")
    return ArrayType(common_shape((condition, x, y), "select"), dtype)


def _jvp_select(out, primals, tangents, params):
    condition, x, y = primals
    _, dx, dy = tangents
    if dx is None and dy is None:
        return None
    kind = type_of_value(out)
    return select(condition, _tangent(dx, kind), _tangent(dy, kind))


def _tangent(tangent, kind):
    """A tangent for select, in which a zero is a literal."""
    return kind.dtype.type(0) if tangent is None else tangent


def _transpose_select(ct, inputs, params):
    condition, x, y = inputs
    zero = _constant(ct, 0)
    return (None, select(condition, ct, zero) if is_linear(x) else None,
            select(condition, zero, ct) if is_linear(y) else None)


select_p = Primitive(
    name="select", infer=_infer_select, evaluate=np.where, jvp=_jvp_select,
    transpose=_transpose_select, batch=batch_elementwise(lambda: select_p),
    kernel=lambda types, params: Elementwise("({1} if {0} else {2})"))

# The identity, with no derivative.
stop_gradient_p = elementwise("stop_gradient", evaluate=lambda x: x, expr="{0}", kind="any",
                              cost=0)

# The identity, whose result gives way in promotion as a Python scalar does.
weaken_p = Primitive(
    name="weaken", infer=lambda x: (ArrayType(x.shape, x.dtype, not is_bool(x.dtype)),),
    evaluate=lambda x: (x,), multiple=True, inherits_weak=False,
    jvp=lambda out, primals, tangents, params: tangents,
    transpose=lambda cts, inputs, params: cts,
    batch=lambda size, args, batched, params: (bind(weaken_p, *args), (True,)),
    kernel=lambda types, params: Elementwise("{0}", 0))


def weaken(x):
    """`x`, weakly typed."""
    return bind(weaken_p, x)[0]


# ---- dtypes ----

def _infer_convert(operand, *, dtype):
    return ArrayType(operand.shape, dtype)


def _jvp_convert(out, primals, tangents, params):
    return convert(tangents[0], params["dtype"]) if is_inexact(params["dtype"]) else None


def _evaluate_convert(x, *, dtype):
    if is_complex(x.dtype) and not is_complex(dtype):
        x = x.real
    if dtype.kind in "iu" and x.dtype.kind == "f":
        return _float_to_integer(x, dtype)
    return np.asarray(x).astype(dtype)


def _float_to_integer(x, dtype):
    """Truncation; what does not fit is clamped, NaN becomes 0 (C leaves both undefined)."""
    info = np.iinfo(dtype)
    wide = np.asarray(x).astype(np.float64)
    high = np.nextafter(np.float64(2) ** (info.bits - (dtype.kind == "i")), 0)
    low = np.float64(info.min)
    clamped = np.clip(np.where(np.isnan(wide), 0, wide), low, high)
    result = clamped.astype(dtype)
    return np.where(wide >= float(info.max), dtype.type(info.max), result)


def _transpose_convert(ct, inputs, params):
    return (convert(ct, inputs[0].dtype),)


# Half precision is computed in float32: a conversion to it rounds.
_ROUNDING = {"float16": "half_to_float(float_to_half(to_float32({0})))",
             "bfloat16": "bfloat16_to_float(float_to_bfloat16(to_float32({0})))"}


def _convert_expr(dtype) -> str:
    return _ROUNDING.get(dtype.name, f"to_{dtype.name}({{0}})")


convert_p = Primitive(
    name="convert", infer=_infer_convert, evaluate=_evaluate_convert, jvp=_jvp_convert,
    transpose=_transpose_convert, batch=batch_elementwise(lambda: convert_p),
    inherits_weak=False,
    kernel=lambda types, params: Elementwise(_convert_expr(params["dtype"])))


def convert(x, dtype):
    """`x` as `dtype`, a dtype or its name; strongly typed."""
    dtype = as_dtype(dtype)
    kind = type_of_value(x)
    if kind.dtype == dtype and not kind.weak:
        return x
    return bind(convert_p, x, dtype=dtype)


real_p = elementwise("real", evaluate=np.real, expr="{0}.real", kind="complex", linear=True,
                     result=_real_part_dtype,
                     transpose=lambda ct, inputs, params: (complex_(ct, zeros(ct.type)),))
imag_p = elementwise("imag", evaluate=np.imag, expr="{0}.imag", kind="complex", linear=True,
                     result=_real_part_dtype,
                     transpose=lambda ct, inputs, params:
                         (complex_(zeros(ct.type), neg(ct)),))
conj_p = elementwise("conj", evaluate=np.conj, expr="{0}.conjugate()", kind="complex",
                     linear=True, transpose=lambda ct, inputs, params: (conj(ct),))


def _complex_dtype(dtype):
    return np.result_type(dtype, np.complex64)


def _transpose_complex(ct, inputs, params):
    return (real(ct) if is_linear(inputs[0]) else None,
            neg(imag(ct)) if is_linear(inputs[1]) else None)


def _make_complex(x, y):
    out = np.empty(np.broadcast_shapes(np.shape(x), np.shape(y)), _complex_dtype(x.dtype))
    out.real, out.imag = x, y
    return out


complex_p = elementwise("complex", evaluate=_make_complex, expr="make_complex({0}, {1})",
                        kind="float", linear=True, result=_complex_dtype,
                        transpose=_transpose_complex)

# ---- the same primitives as functions: what rules and lax are written with ----

def caller(primitive):
    """A function that binds a primitive without params. Of literals it gives a literal."""
    def call(*args):
        if isinstance(args[0], np.generic) and all(isinstance(x, np.generic) for x in args):
            with np.errstate(all="ignore"):
                return np.asarray(primitive.evaluate(*args))[()]
        return bind(primitive, *args)
    call.__name__ = call.__qualname__ = primitive.name
    return call


add, neg, sub, mul, div = map(caller, (add_p, neg_p, sub_p, mul_p, div_p))
guarded_mul, guarded_div = map(caller, (guarded_mul_p, guarded_div_p))
floor_divide, remainder, fmod = map(caller, (floor_divide_p, remainder_p, fmod_p))
abs_, sign, floor, ceil, round_, trunc = map(
    caller, (abs_p, sign_p, floor_p, ceil_p, round_p, trunc_p))
copysign, next_after = map(caller, (copysign_p, next_after_p))
maximum, minimum = map(caller, (max_p, min_p))
eq, ne, lt, le, gt, ge = map(caller, (eq_p, ne_p, lt_p, le_p, gt_p, ge_p))
is_finite = caller(is_finite_p)
and_, or_, xor, not_ = map(caller, (and_p, or_p, xor_p, not_p))
shift_left, shift_right_arithmetic, shift_right_logical = map(
    caller, (shift_left_p, shift_right_arithmetic_p, shift_right_logical_p))
population_count, count_leading_zeros, gcd = map(
    caller, (population_count_p, count_leading_zeros_p, gcd_p))
select, stop_gradient = map(caller, (select_p, stop_gradient_p))
real, imag, conj, complex_ = map(caller, (real_p, imag_p, conj_p, complex_p))
