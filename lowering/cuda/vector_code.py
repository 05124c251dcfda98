"""Several neighbours in memory read or written at once, for kernels that numba compiles.

As Python, on the pointers of the simulator, they are loops; `install` lets a numba target know
what they are: one instruction each, of up to 16 bytes. Imports numba when it is installed.
"""
from __future__ import annotations

BYTES = 16           # of the largest access that a device has


def aligned(*pointers) -> bool:
    """Whether all of these point to a multiple of 16 bytes, from where as many can be read at
    once."""
    return all(pointer.address() % BYTES == 0 for pointer in pointers)


def read_vector(pointer, start: int, values, count: int):
    """Reads `count` elements from `start` on into `values`. They lie at a multiple of their size.
    """
    _check(pointer, start, count)
    for k in range(count):
        values[k] = pointer[start + k]


def write_vector(pointer, start: int, values, count: int):
    """Writes `count` elements from `start` on. They lie at a multiple of their size."""
    _check(pointer, start, count)
    for k in range(count):
        pointer[start + k] = values[k]


def _check(pointer, start: int, count: int):
    item = pointer.elements.itemsize
    if (pointer.address() + start * item) % min(count * item, BYTES):
        raise ValueError(f"a kernel reaches for {count} elements of {item} bytes at once, from "
                         f"element {start} on, which is no multiple of their size")


def install(typing_context, target_context):
    """Lets a numba target know these functions."""
    from numba.core import types
    from numba.core.imputils import Registry as LoweringRegistry
    from numba.core.typing.templates import Registry as TypingRegistry
    typing, lowering = TypingRegistry(), LoweringRegistry("functrans vectors")
    for function, template, lower in (
            (aligned, _aligned_type(types), _lower_aligned),
            (read_vector, _access_type(read_vector, types), _lower_read),
            (write_vector, _access_type(write_vector, types), _lower_write)):
        typing.register_global(function, types.Function(template))
        lowering.lower(function, types.VarArg(types.Any))(lower)
    typing_context.install_registry(typing)
    target_context.install_registry(lowering)


def _aligned_type(types):
    from numba.core.typing.templates import AbstractTemplate, signature

    class Template(AbstractTemplate):
        key = aligned

        def generic(self, args, kws):
            if args and not kws and all(isinstance(t, types.CPointer) for t in args):
                return signature(types.boolean, *args)
    return Template


def _access_type(function, types):
    from numba.core.typing.templates import AbstractTemplate, signature

    class Template(AbstractTemplate):
        key = function
        prefer_literal = True

        def generic(self, args, kws):
            if kws or len(args) != 4 or not isinstance(args[3], types.IntegerLiteral):
                return None
            pointer, _, values, count = args
            if isinstance(pointer, types.CPointer) and isinstance(values, types.Array) \
                    and values.dtype == pointer.dtype:
                return signature(types.none, pointer, types.int64, values, count)
            return None
    return Template


def _lower_aligned(context, builder, sig, args):
    from llvmlite import ir
    word = ir.IntType(64)
    bits = ir.Constant(word, 0)
    for pointer in args:
        bits = builder.or_(bits, builder.ptrtoint(pointer, word))
    rest = builder.and_(bits, ir.Constant(word, BYTES - 1))
    return builder.icmp_unsigned("==", rest, ir.Constant(word, 0))


def _lower_read(context, builder, sig, args):
    place, each, align = _places(context, builder, sig, args)
    loaded = builder.load(place)
    loaded.align = align
    for k, target in enumerate(each):
        word, shift = _within(k, each, place)
        value = builder.extract_element(loaded, word)
        if shift is not None:
            value = builder.trunc(builder.lshr(value, shift), target.type.pointee)
        builder.store(value, target)
    return context.get_dummy_value()


def _lower_write(context, builder, sig, args):
    from llvmlite import ir
    place, each, align = _places(context, builder, sig, args)
    vector = ir.Constant(place.type.pointee, None)                  # zeros
    for k, source in enumerate(each):
        word, shift = _within(k, each, place)
        value = builder.load(source)
        if shift is not None:
            value = builder.shl(builder.zext(value, vector.type.element), shift)
            value = builder.or_(value, builder.extract_element(vector, word))
        vector = builder.insert_element(vector, value, word)
    builder.store(vector, place).align = align
    return context.get_dummy_value()


def _places(context, builder, sig, args) -> tuple:
    """Where the vector lies, of words if its elements are smaller; where each of its elements
    goes; and of what the place is a multiple."""
    from llvmlite import ir
    pointer, start, values, _ = args
    count = sig.args[3].literal_value
    element = pointer.type.pointee
    size = context.get_abi_sizeof(element)
    small = size < 4 and count * size % 4 == 0
    vector = ir.VectorType(ir.IntType(32), count * size // 4) if small \
        else ir.VectorType(element, count)
    place = builder.bitcast(builder.gep(pointer, [start]), vector.as_pointer())
    data = context.make_array(sig.args[2])(context, builder, values).data
    each = [builder.gep(data, [ir.Constant(ir.IntType(64), k)]) for k in range(count)]
    return place, each, min(count * size, BYTES)


def _within(k: int, each: list, place) -> tuple:
    """Which element of the vector holds number k, and from which bit on; None if it is all of it.
    """
    from llvmlite import ir
    index = ir.IntType(32)
    shared = len(each) // place.type.pointee.count
    shift = None if shared == 1 else ir.Constant(index, 32 // shared * (k % shared))
    return ir.Constant(index, k // shared), shift
