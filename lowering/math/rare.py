"""A slow, exact way out for rare arguments that leaves loops vectorised.

A branch, or a call of a scalar function, would keep LLVM from vectorising a loop. So the way out
is a function that exists once for scalars and once for each vector width, tied together by LLVM's
vector function ABI: a vectorised loop calls the vector one, which returns at once unless some
lane needs the library. That costs a call and a comparison per vector.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from llvmlite import binding, ir

from .values import Value, llvm_type, on_device
from .vocabulary import device_function, where


class Library(NamedTuple):
    """An exact but scalar operation: one LLVM instruction, and the same in NumPy."""
    name: str
    emit: Callable       # (builder, *operands) -> LLVM value
    evaluate: Callable


def _emit_intrinsic(name):
    def emit(builder, x):
        function = builder.module.declare_intrinsic(f"llvm.{name}", [x.type])
        return builder.call(function, [x])
    return emit


SIN = Library("sin", _emit_intrinsic("sin"), np.sin)
COS = Library("cos", _emit_intrinsic("cos"), np.cos)
TAN = Library("tan", _emit_intrinsic("tan"), np.tan)
FMOD = Library("fmod", lambda builder, x, y: builder.frem(x, y), np.fmod)


def rarely(library: Library, guard, limit: float, *args):
    """library(*args) where guard > limit; elsewhere the result means nothing."""
    if not isinstance(guard, Value):
        return where(guard > limit, library.evaluate(*args), args[0])
    define = _device_function if on_device(guard.builder) else _scalar_function
    function = define(guard.builder.module, library, guard.dtype, limit, len(args))
    return guard.same(guard.builder.call(function, [guard.ir, *(arg.ir for arg in args)]))


@functools.cache
def _vector_bits() -> tuple[int, ...]:
    """The widths of this machine's vector registers."""
    features = binding.get_host_cpu_features()
    return (128, *((256,) if features.get("avx") else ()),
            *((512,) if features.get("avx512f") else ()))


def _scalar_function(module, library, dtype, limit, arity):
    """The scalar function, made with its vector variants on first use in a module."""
    name = f"functrans_rare_{library.name}_{dtype.name}"
    if name in module.globals:
        return module.globals[name]
    kind = llvm_type(dtype)
    scalar = _declare(module, name, kind, arity)
    _define(scalar, kind, limit, library, _call_once)
    mappings = []
    for lanes in (width // (8 * dtype.itemsize) for width in _vector_bits()):
        variant = _declare(module, f"{name}_x{lanes}", ir.VectorType(kind, lanes), arity)
        _define(variant, kind, limit, library, _call_for_each_lane)
        mappings.append(f"_ZGV_LLVM_N{lanes}{'v' * (arity + 1)}_{name}({variant.name})")
    # llvmlite knows few attributes; `set.add` lets this one through.
    set.add(scalar.attributes, f'"vector-function-abi-variant"="{",".join(mappings)}"')
    return scalar


def _device_function(module, library, dtype, limit, arity):
    """The function on a GPU: a branch, and a call of the library that comes with NVVM."""
    name = f"functrans_rare_{library.name}_{dtype.name}"
    if name not in module.globals:
        kind = llvm_type(dtype)
        function = ir.Function(module, ir.FunctionType(kind, [kind] * (arity + 1)), name)
        function.linkage = "internal"
        _define(function, kind, limit, library, _call_on_device)
    return module.globals[name]


def _call_on_device(builder, library, args):
    kind = np.dtype(np.float32 if isinstance(args[0].type, ir.FloatType) else np.float64)
    first, *others = (Value(builder, arg, kind) for arg in args)
    builder.ret(first.function(device_function(library.name, kind), *others).ir)


def _declare(module, name, kind, arity):
    """A function of a guard and arguments; LLVM keeps it for the vectoriser to find."""
    function = ir.Function(module, ir.FunctionType(kind, [kind] * (arity + 1)), name)
    function.linkage = "weak_odr"
    for attribute in ("noinline", "nounwind", "willreturn", "memory(none)"):
        set.add(function.attributes, attribute)
    return function


def _define(function, kind, limit, library, emit_calls):
    """Return anything unless guard > limit (in any lane)."""
    guard, *args = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    rare, usual = function.append_basic_block("rare"), function.append_basic_block("usual")
    bound = ir.Constant(kind, float(limit))
    if isinstance(guard.type, ir.VectorType):
        bound = ir.Constant(guard.type, [bound] * guard.type.count)
    above = builder.fcmp_ordered(">", guard, bound)
    if isinstance(guard.type, ir.VectorType):
        mask = builder.bitcast(above, ir.IntType(guard.type.count))
        above = builder.icmp_unsigned("!=", mask, ir.Constant(mask.type, 0))
    builder.cbranch(above, rare, usual)
    builder.position_at_end(usual)
    builder.ret(args[0])
    builder.position_at_end(rare)
    emit_calls(builder, library, args)


def _call_once(builder, library, args):
    builder.ret(library.emit(builder, *args))


def _call_for_each_lane(builder, library, args):
    """A loop over the lanes."""
    start = builder.block
    loop, end = builder.append_basic_block("lane"), builder.append_basic_block("end")
    builder.branch(loop)
    builder.position_at_end(loop)
    index_type = ir.IntType(32)
    lane, result = builder.phi(index_type), builder.phi(args[0].type)
    value = library.emit(builder, *(builder.extract_element(arg, lane) for arg in args))
    following = builder.insert_element(result, value, lane)
    next_lane = builder.add(lane, ir.Constant(index_type, 1))
    for phi, first, then in ((lane, ir.Constant(index_type, 0), next_lane),
                             (result, args[0], following)):
        phi.add_incoming(first, start)
        phi.add_incoming(then, loop)
    more = builder.icmp_unsigned("<", next_lane, ir.Constant(index_type, args[0].type.count))
    builder.cbranch(more, loop, end)
    builder.position_at_end(end)
    builder.ret(following)
