"""Random bits from a key and a counter: threefry2x32 with 20 rounds.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
Imports `ir`, `trace`, `primitives.basic`, `primitives.define`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import DtypeError
from functrans.ir.primitive import Elementwise, Primitive
from functrans.ir.type import ArrayType
from functrans.primitives.basic import common_shape, same_dtype
from functrans.primitives.define import batch_elementwise, no_tangent
from functrans.trace import bind

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)


def _infer(*operands):
    if same_dtype(operands, "threefry2x32") != np.uint32:
        raise DtypeError(f"threefry2x32 takes uint32 operands, got {operands[0]}")
    kind = ArrayType(common_shape(operands, "threefry2x32"), np.uint32)
    return kind, kind


def _rotate(x, distance: int):
    return (x << np.uint32(distance)) | (x >> np.uint32(32 - distance))


def _evaluate(key0, key1, x0, x1):
    schedule = (key0, key1, key0 ^ key1 ^ _PARITY)
    x0, x1 = x0 + schedule[0], x1 + schedule[1]
    for block in range(5):
        for distance in _ROTATIONS[block % 2]:
            x0 = x0 + x1
            x1 = x0 ^ _rotate(x1, distance)
        x0 = x0 + schedule[(block + 1) % 3]
        x1 = x1 + schedule[(block + 2) % 3] + np.uint32(block + 1)
    return np.asarray(x0, np.uint32), np.asarray(x1, np.uint32)


threefry2x32_p = Primitive(
    name="threefry2x32", infer=_infer, evaluate=_evaluate,
    jvp=lambda out, primals, tangents, params: (None, None), multiple=True,
    batch=batch_elementwise(lambda: threefry2x32_p),
    kernel=lambda types, params: Elementwise("threefry2x32({0}, {1}, {2}, {3})", 100, 2))


def threefry2x32(key0, key1, x0, x1):
    """Two words of random bits for each pair of counters; all operands uint32."""
    return bind(threefry2x32_p, key0, key1, x0, x1)


def _batch_use(size, args, batched, params):
    return use_key(*args), batched[0]


use_key_p = Primitive(
    name="use_key", infer=lambda key: key, evaluate=lambda key: key, batch=_batch_use,
    jvp=no_tangent, kernel=lambda types, params: Elementwise("{0}", 0), subexpressions=False)


def use_key(key):
    """The key as it is, marked as used up; see `functrans.key_reuse`."""
    return bind(use_key_p, key)
