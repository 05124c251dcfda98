"""From function bodies to functions that kernels call, and their entry into numba.

`@function("f")` makes a function of float32 and float64 from a body. Called from Python it runs
the body on NumPy scalars (or arrays). Met in a kernel, numba looks it up among the builtins that
`install` registered, and lowering runs the body once more, on `Value`s, which emits its code
right there: no call is left to inline, and numba infers no types inside.

`install(typing_context, target_context)` is the one place where a target learns the functions.
"""
from __future__ import annotations

import functools

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaNotImplementedError
from numba.core.imputils import Registry as LoweringRegistry
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, signature
from numba.core.typing.templates import Registry as TypingRegistry
from numba.np.numpy_support import as_dtype, from_dtype

from .values import ComplexValue, Value

FUNCTIONS: dict[str, object] = {}    # by name: all that kernels may call

_KINDS = {"f": (np.float32, np.float64), "c": (np.complex64, np.complex128), "b": (np.bool_,),
          "i": (np.int8, np.int16, np.int32, np.int64),
          "u": (np.uint8, np.uint16, np.uint32, np.uint64)}


def _same(dtype):
    return dtype


def function(kinds: str, returns=_same, only=None, literals=0):
    """Make a function of a body. All arguments are of one dtype.

    The last ones, as many as `literals`, are integers that stand in the kernel's text instead;
    the body gets them as Python integers.
    `kinds` are the kinds of dtypes it takes: "f" float32 and float64, "c" complex64 and
    complex128, "i" and "u" integers, "b" bool; or it takes `only` one dtype. `returns` gives the
    dtype of the result, or a tuple of them, from that of the arguments.
    """
    def decorate(body):
        @functools.wraps(body)
        def call(*args):
            return _apply(call, args)
        call.versions = {}
        call.literals = literals
        version(call, kinds, returns, only)(body)
        FUNCTIONS[body.__name__] = call
        return call
    return decorate


def version(of, kinds: str, returns=_same, only=None):
    """Make a body what the function `of` does for further dtypes."""
    def decorate(body):
        for dtype in (only,) if only else map(np.dtype, sum((_KINDS[k] for k in kinds), ())):
            of.versions[dtype] = body, returns
        return body
    return decorate


def _apply(call, args):
    """Run the body for these arguments: compute, or emit."""
    if isinstance(args[0], (Value, ComplexValue)):
        return call.versions[args[0].dtype][0](*args)
    numbers = len(args) - call.literals
    args = [arg if isinstance(arg, (np.generic, np.ndarray)) else np.asarray(arg)[()]
            for arg in args[:numbers]] + list(map(int, args[numbers:]))
    if args[0].dtype not in call.versions:
        raise TypeError(f"{call.__name__} does not take {args[0].dtype}")
    with np.errstate(all="ignore"):
        return call.versions[args[0].dtype][0](*args)


# ---- numba ----

def _find(call, arg_types):
    """The body, the dtype of its result and that of its arguments, or None."""
    numbers = len(arg_types) - call.literals
    kind = arg_types[0] if numbers > 0 else None
    if any(t != kind for t in arg_types[:numbers]):
        return None
    if not all(isinstance(t, types.IntegerLiteral) for t in arg_types[numbers:]):
        return None
    try:
        dtype = as_dtype(kind)
    except NumbaNotImplementedError:
        return None
    body, returns = call.versions.get(dtype, (None, None))
    return body and (body, returns(dtype), dtype)


def _numba_type(result):
    if isinstance(result, tuple):
        return types.Tuple([from_dtype(dtype) for dtype in result])
    return from_dtype(result)


def _template(call):
    class Template(AbstractTemplate):
        key = call
        prefer_literal = call.literals > 0

        def generic(self, args, kws):
            numbers = len(args) - call.literals
            args = (*map(types.unliteral, args[:numbers]), *args[numbers:])
            found = None if kws else _find(call, args)
            if found is not None:
                return signature(_numba_type(found[1]), *args)

    return Template


def _lowering(call):
    def lower(context, builder, sig, args):
        body, _, dtype = _find(call, sig.args)
        result = body(*(t.literal_value if isinstance(t, types.IntegerLiteral)
                        else _wrap(builder, arg, dtype) for t, arg in zip(sig.args, args)))
        if isinstance(result, tuple):
            return context.make_tuple(builder, sig.return_type, [v.ir for v in result])
        if isinstance(result, ComplexValue):
            return cgutils.pack_struct(builder, [result.real.ir, result.imag.ir])
        return result.ir
    return lower


def _wrap(builder, arg, dtype):
    if dtype.kind != "c":
        return Value(builder, arg, dtype)
    part = np.dtype(f"f{dtype.itemsize // 2}")
    return ComplexValue(*(Value(builder, builder.extract_value(arg, k), part) for k in (0, 1)))


def install(typing_context, target_context):
    """Let a numba target know all functions made so far."""
    typing, lowering = TypingRegistry(), LoweringRegistry("functrans")
    for call in FUNCTIONS.values():
        typing.register_global(call, types.Function(_template(call)))
        lowering.lower(call, types.VarArg(types.Any))(_lowering(call))
    typing_context.install_registry(typing)
    target_context.install_registry(lowering)


def install_on_cpu():
    install(cpu_target.typing_context, cpu_target.target_context)
