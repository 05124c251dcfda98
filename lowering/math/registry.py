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
from numba.core.imputils import Registry as LoweringRegistry
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, Registry as TypingRegistry, signature
from numba.np.numpy_support import as_dtype, from_dtype

from .values import ComplexValue, Value

FUNCTIONS: dict[str, object] = {}    # by name: all that kernels may call

_COMPUTED_NATIVELY = (np.dtype(np.float16), np.dtype(np.longdouble), np.dtype(np.clongdouble))


def function(kinds: str, returns=lambda dtype: dtype):
    """Make a function of a body. All arguments are of one dtype.

    `kinds` are the dtype kinds it takes, as in `np.dtype.kind`: "f" float32 and float64,
    "c" complex64 and complex128, "i" and "u" integers. `returns` gives the dtype of the result,
    or a tuple of them.
    """
    def decorate(body):
        @functools.wraps(body)
        def call(*args):
            return _apply(call, args)
        call.versions = {kind: (body, returns) for kind in kinds}
        FUNCTIONS[body.__name__] = call
        return call
    return decorate


def version(of, kinds: str, returns=lambda dtype: dtype):
    """Make a body what `of` does for further kinds of dtypes."""
    def decorate(body):
        of.versions.update({kind: (body, returns) for kind in kinds})
        return body
    return decorate


def _apply(call, args):
    """Run the body for these arguments: compute, or emit."""
    if isinstance(args[0], (Value, ComplexValue)):
        return call.versions[args[0].dtype.kind][0](*args)
    args = [arg if isinstance(arg, (np.generic, np.ndarray)) else np.asarray(arg)[()]
            for arg in args]
    if args[0].dtype.kind not in call.versions:
        raise TypeError(f"{call.__name__} does not take {args[0].dtype}")
    with np.errstate(all="ignore"):
        return call.versions[args[0].dtype.kind][0](*args)


# ---- numba ----

def _find(call, arg_types):
    """The version and the dtype for these numba types, or None."""
    if not arg_types or any(t != arg_types[0] for t in arg_types):
        return None
    if not isinstance(arg_types[0], (types.Float, types.Complex, types.Integer, types.Boolean)):
        return None
    dtype = as_dtype(arg_types[0])
    if dtype.kind not in call.versions or dtype in _COMPUTED_NATIVELY:
        return None
    return *call.versions[dtype.kind], dtype


def _numba_type(result):
    if isinstance(result, tuple):
        return types.Tuple([from_dtype(dtype) for dtype in result])
    return from_dtype(result)


def _template(call):
    class Template(AbstractTemplate):
        key = call

        def generic(self, args, kws):
            args = tuple(types.unliteral(arg) for arg in args)
            found = None if kws else _find(call, args)
            if found is not None:
                _, returns, dtype = found
                return signature(_numba_type(returns(dtype)), *args)

    return Template


def _lowering(call):
    def lower(context, builder, sig, args):
        body, _, dtype = _find(call, sig.args)
        result = body(*(_wrap(builder, arg, dtype) for arg in args))
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
