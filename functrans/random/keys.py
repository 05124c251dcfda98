"""Keys, and the bits that they give: counter-based, splittable, without state.

A key is a uint32 array of shape (2,): nothing but an array, so that keys are leaves of pytrees,
are traced, mapped and stored like any other. The bits of element k of an array are the
threefry2x32 hash of the 64-bit number k under the key. They do not depend on the target, on the
number of threads or on the order of evaluation, and are those of `jax.random`, whose default
since 0.5 is `jax_threefry_partitionable`.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011); for
splitting: Claessen, Palka, "Splittable pseudorandom number generators using cryptographic
hashing" (Haskell 2013).

In: seeds and keys. Out: keys and unsigned integers. Imports `array`, `primitives`,
`numpy.promotion`.
"""
from __future__ import annotations

import math

import numpy as np

from functrans import key_reuse  # noqa: F401  (it listens to a switch)
from functrans.array import Array
from functrans.config import config
from functrans.errors import ArgumentError, DtypeError, NumberRangeError, ShapeError
from functrans.ir.type import is_integer
from functrans.numpy.promotion import as_arraylike, broadcast_one, canonical_dtype
from functrans.primitives.elementwise import (
    add,
    convert,
    mul,
    or_,
    shift_left,
    shift_right_logical,
    xor,
)
from functrans.primitives.random import threefry2x32, use_key
from functrans.primitives.shape import concatenate, expand_dims, iota, reshape, slice_axis

_WORD = 0xFFFFFFFF


def key(seed, *, impl: str | None = None):
    """A key made from a seed.

    seed: an integer of up to 64 bits, or a 0-d integer array (which may be traced). impl: the name
    of the generator; there is one, "threefry2x32".
    Returns a uint32 array of shape (2,): the upper and the lower half of the seed.
    Raises TypeError for what is not an integer, OverflowError beyond 64 bits, ValueError for other
    generators.

    >>> import functrans as ft
    >>> ft.random.key(42)
    Array([ 0, 42], dtype=uint32)
    """
    _check_generator(impl, "key")
    if isinstance(seed, (int, np.integer)):
        return _from_words(*_halves_of_int(int(seed)))
    seed = as_arraylike(seed, "key")
    if seed.ndim or not is_integer(seed.dtype):
        raise ArgumentError(f"key takes an integer seed, got {seed.type}; for many keys use "
                            "split, or vmap over seeds")
    return _pair(*_halves(seed))


PRNGKey = key
_GENERATOR = "threefry2x32"


def _check_generator(impl, name: str):
    if impl not in (None, _GENERATOR):
        raise ArgumentError(f"{name}: there is no generator {impl!r} here; leave impl out, or take "
                            f"impl={_GENERATOR!r}, whose bits are the same on every target")


def key_impl(keys) -> str:
    """The name of the generator that keys are for, as `key` and `wrap_key_data` take it.

    >>> import functrans as ft
    >>> ft.random.key_impl(ft.random.key(0))
    'threefry2x32'
    """
    check_keys(keys, "key_impl")
    return _GENERATOR


def clone(key):
    """The same key as one that has not been used: with it the same numbers are drawn again.

    So is said, where `debug_key_reuse` is on, that this is meant.

    >>> import functrans as ft
    >>> ft.random.clone(ft.random.key(3))
    Array([0, 3], dtype=uint32)
    """
    return xor(check_keys(key, "clone"), np.uint32(0))


def _halves_of_int(seed: int) -> tuple:
    if not -2**63 <= seed < 2**64:
        raise NumberRangeError(f"a seed has at most 64 bits, got {seed}")
    return seed >> 32 & _WORD, seed & _WORD


def _halves(seed) -> tuple:
    """The upper and lower 32 bits of an integer array; shorter integers have no upper bits."""
    low = convert(seed, np.uint32)
    if seed.dtype.itemsize < 8:
        return xor(low, low), low
    return convert(shift_right_logical(seed, seed.dtype.type(32)), np.uint32), low


def _from_words(high: int, low: int) -> Array:
    return Array(np.array([high, low], np.uint32))


def _pair(first, second):
    """Two arrays of words as one array of keys."""
    axis = (first.ndim,)
    return concatenate([expand_dims(first, axis), expand_dims(second, axis)], first.ndim)


def key_data(keys):
    """The words of keys, as a uint32 array: here, the keys themselves.

    >>> import functrans as ft
    >>> ft.random.key_data(ft.random.key(1))
    Array([0, 1], dtype=uint32)
    """
    return check_keys(keys, "key_data")


def wrap_key_data(words, *, impl: str | None = None):
    """Keys from the words that `key_data` gave: a uint32 array of shape (..., 2).

    impl: the name of the generator, as in `key`.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.random.wrap_key_data(fnp.array([0, 1], "uint32"))
    Array([0, 1], dtype=uint32)
    """
    _check_generator(impl, "wrap_key_data")
    return check_keys(words, "wrap_key_data")


def check_keys(keys, name: str):
    """Raises unless `keys` is an array of keys."""
    keys = as_arraylike(keys, name)
    if keys.dtype != np.uint32 or keys.shape[-1:] != (2,):
        raise DtypeError(f"{name} takes keys, uint32 arrays of shape (2,) as made by "
                         f"random.key(seed) and random.split, got {keys.type}")
    return keys


def _words(key, name: str) -> tuple:
    """The two words of one key, as 0-d arrays."""
    key = check_keys(key, name)
    if key.ndim != 1:
        raise ShapeError(f"{name} takes one key, got an array of keys of shape "
                         f"{key.shape[:-1]}; map over them: vmap({name})(keys)")
    return tuple(reshape(slice_axis(key, 0, place, place + 1), ()) for place in (0, 1))


def check_shape(shape, name: str) -> tuple:
    """A shape as users say it: an int, or a sequence of ints, not negative."""
    sizes = (shape,) if hasattr(shape, "__index__") else shape
    try:
        sizes = tuple(size.__index__() for size in sizes)
    except (AttributeError, TypeError):
        raise ArgumentError(f"{name}: shape must be an int or a tuple of ints, got "
                            f"{shape!r}") from None
    if any(size < 0 for size in sizes):
        raise ArgumentError(f"{name}: negative sizes are not allowed, got shape={shape!r}")
    return sizes


def _counters(shape: tuple, name: str):
    """The row-major number of each element, as uint32.

    Written as a sum over axes and not as a reshaped range: so it is computed in the loop that
    uses it, at any rank.
    """
    if math.prod(shape) > 2**32:
        raise ArgumentError(f"{name}: one key gives at most 2**32 numbers at once, but shape "
                            f"{shape} asks for {math.prod(shape)}; split the key")
    total, stride = None, 1
    for axis in reversed(range(len(shape))):
        if shape[axis] != 1:
            index = iota(np.uint32, shape, axis)
            index = index if stride == 1 else mul(index, np.uint32(stride))
            total = index if total is None else add(index, total)
        stride *= shape[axis]
    return np.uint32(0) if total is None else total


def _hash(key, shape: tuple, name: str) -> tuple:
    """Two words of random bits for each element of `shape`; uses the key up."""
    if config.debug_key_reuse:
        key = use_key(check_keys(key, name))
    first, second = (broadcast_one(word, shape) for word in _words(key, name))
    return threefry2x32(first, second, np.uint32(0), _counters(shape, name))


def split(key, num: int | tuple = 2):
    """New keys, independent of each other and of what else is made from `key`.

    key: the key, not to be used any further. num: how many, or a shape.
    Returns a uint32 array of shape (num, 2), or (*num, 2): it can be unpacked.

    >>> import functrans as ft
    >>> weight_key, bias_key = ft.random.split(ft.random.key(0))
    >>> weight_key
    Array([1797259609, 2579123966], dtype=uint32)
    """
    return _pair(*_hash(key, check_shape(num, "split"), "split"))


def fold_in(key, data):
    """A new key from a key and a number: of the step, the epoch, the layer.

    data: an integer of 32 bits, or a 0-d integer array (which may be traced).

    >>> import functrans as ft
    >>> ft.random.fold_in(ft.random.key(0), 3)
    Array([2467461003, 3840466878], dtype=uint32)
    """
    first, second = _words(key, "fold_in")
    return _pair(*threefry2x32(first, second, np.uint32(0), _folded(data)))


def _folded(data):
    if isinstance(data, (int, np.integer)):
        number = int(data)
        if not -2**31 <= number < 2**32:
            raise NumberRangeError(f"fold_in takes an integer of 32 bits, got {number}")
        return np.uint32(number & _WORD)
    data = as_arraylike(data, "fold_in")
    if data.ndim or not is_integer(data.dtype):
        raise ArgumentError(f"fold_in takes one integer, got {data.type}; map over several with "
                            "vmap")
    return convert(data, np.uint32)


def bits(key, shape=(), dtype=None):
    """Random bits: unsigned integers, all of their values equally likely.

    key: one key. shape: of the result. dtype: uint8, uint16, uint32 (default) or uint64.
    Raises ValueError for other dtypes.

    >>> import functrans as ft
    >>> ft.random.bits(ft.random.key(0), (2,))
    Array([4070199207, 4202968722], dtype=uint32)
    """
    dtype = canonical_dtype("uint32" if dtype is None else dtype)
    if dtype.kind != "u":
        raise ArgumentError(f"bits: dtype must be an unsigned integer dtype, got {dtype.name}")
    return random_bits(key, check_shape(shape, "bits"), dtype, "bits")


def random_bits(key, shape: tuple, dtype, name: str):
    """Bits of an unsigned dtype, for the function `name`."""
    return joined(_hash(key, shape, name), dtype)


def joined(words: tuple, dtype):
    """Bits of an unsigned dtype made of two words of bits."""
    high, low = words
    if dtype.itemsize < 8:
        return convert(xor(high, low), dtype)
    high, low = convert(high, np.uint64), convert(low, np.uint64)
    return or_(shift_left(high, np.uint64(32)), low)


# ---- many keys, as pairs of arrays of words ----

def keys_of_elements(key, shape: tuple, name: str) -> tuple:
    """A key for each element, as by `split`; uses the key up."""
    return _hash(key, shape, name)


def key_and_counters(key, shape: tuple, name: str) -> tuple:
    """(the key, repeated for each element, the number of each element); uses the key up."""
    if config.debug_key_reuse:
        key = use_key(check_keys(key, name))
    words = [broadcast_one(word, shape) for word in _words(key, name)]
    return *words, broadcast_one(_counters(shape, name), shape)


def part(words: tuple, number):
    """The key, or the bits, with this number of each key: those of `split` and `bits`."""
    return threefry2x32(*words, np.uint32(0), number)
