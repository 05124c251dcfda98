"""The functions of kernels, for functions that numba compiles.

`install(typing_context, target_context)` is the one place where a target learns them; numba's own
CPU target does when this module is imported. In: `FUNCTIONS`. Imports numba.
"""
from __future__ import annotations

from functools import cache

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.errors import NumbaNotImplementedError
from numba.core.imputils import Registry as LoweringRegistry
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, signature
from numba.core.typing.templates import Registry as TypingRegistry
from numba.np.numpy_support import as_dtype, from_dtype

from .registry import FUNCTIONS
from .values import ComplexValue, Value

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


@cache
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


@cache
def type_of(call):
    """The numba type of a function."""
    return types.Function(_template(call))


def install(typing_context, target_context):
    """Let a numba target know all functions made so far."""
    typing, lowering = TypingRegistry(), LoweringRegistry("functrans")
    for call in FUNCTIONS.values():
        typing.register_global(call, type_of(call))
        lowering.lower(call, types.VarArg(types.Any))(_lowering(call))
    typing_context.install_registry(typing)
    target_context.install_registry(lowering)


install(cpu_target.typing_context, cpu_target.target_context)
