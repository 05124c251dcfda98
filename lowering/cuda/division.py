"""Quotient and rest of small numbers, for kernels that numba compiles: an index as two.

numba's integers have 64 bits and a sign, and a device has no instruction to divide them: a call
of some 70. Indices are not negative and mostly below 2**31: then a dozen instructions do.

`install` lets a numba target know what it is. Imports numba when it is installed.
"""
from __future__ import annotations

SMALL = 1 << 31      # numbers and sizes are below


def divided(number: int, size: int) -> tuple[int, int]:
    """Quotient and rest of a number below 2**31 by a size; neither is negative."""
    if not 0 <= number < SMALL or not 0 < size < SMALL:
        raise ValueError(f"{number} divided by {size} is for numbers from 0 up to 2**31")
    return number // size, number % size


def install(typing_context, target_context):
    """Lets a numba target know the function."""
    from numba.core import types
    from numba.core.imputils import Registry as LoweringRegistry
    from numba.core.typing.templates import AbstractTemplate, signature
    from numba.core.typing.templates import Registry as TypingRegistry

    class Template(AbstractTemplate):
        key = divided

        def generic(self, args, kws):
            if len(args) == 2 and not kws and all(isinstance(t, types.Integer) for t in args):
                return signature(types.UniTuple(types.int64, 2), types.int64, types.int64)
            return None

    typing, lowering = TypingRegistry(), LoweringRegistry("functrans division")
    typing.register_global(divided, types.Function(Template))
    lowering.lower(divided, types.VarArg(types.Any))(_lower)
    typing_context.install_registry(typing)
    target_context.install_registry(lowering)


def _lower(context, builder, sig, args):
    from llvmlite import ir
    half, word = ir.IntType(32), ir.IntType(64)
    number, size = (builder.trunc(value, half) for value in args)
    quotient = builder.udiv(number, size)
    rest = builder.sub(number, builder.mul(quotient, size))
    return context.make_tuple(builder, sig.return_type,
                              [builder.zext(value, word) for value in (quotient, rest)])
