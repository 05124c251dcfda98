"""`pointer + count` within kernels that numba compiles: the elements from `count` on.

`install(typing_context, target_context)` is for `driver.teach`. Imports numba.
"""
from __future__ import annotations

import operator

from numba import types
from numba.core.imputils import Registry as LoweringRegistry
from numba.core.typing.templates import AbstractTemplate, signature
from numba.core.typing.templates import Registry as TypingRegistry


class _Behind(AbstractTemplate):
    key = operator.add

    def generic(self, args, kws):
        pointer, count = args
        if isinstance(pointer, types.CPointer) and isinstance(count, types.Integer):
            return signature(pointer, pointer, types.intp)
        return None


def _behind(context, builder, sig, args):
    return builder.gep(args[0], [args[1]])


def install(typing_context, target_context):
    """Lets a numba target add integers to pointers."""
    typing, lowering = TypingRegistry(), LoweringRegistry("pointers")
    typing.register_global(operator.add)(_Behind)
    lowering.lower(operator.add, types.CPointer, types.intp)(_behind)
    typing_context.install_registry(typing)
    target_context.install_registry(lowering)
