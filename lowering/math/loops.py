"""`repeat`: a loop inside a function body, for functions that need not vectorise."""
from __future__ import annotations

import numpy as np
from llvmlite import ir

from .values import Value

_COUNTER = np.dtype(np.int64)


def repeat(count, body, state):
    """The state after state = body(k, state) for k = 0, 1, ..., count - 1.

    `count` is an integer, or for arrays a maximum is taken; `state` a number or a tuple.
    """
    parts = state if isinstance(state, tuple) else (state,)
    if isinstance(parts[0], Value):
        result = _emit(count, body, parts, isinstance(state, tuple))
        return result if isinstance(state, tuple) else result[0]
    for k in range(int(np.max(count))):
        state = body(np.int64(k), state)
    return state


def _emit(count, body, parts, is_tuple):
    builder = parts[0].builder
    counter = ir.IntType(64)
    limit = count.ir if isinstance(count, Value) else ir.Constant(counter, count)
    before = builder.block
    head, inside, after = (builder.append_basic_block(f"repeat.{part}")
                           for part in ("head", "body", "end"))
    builder.branch(head)
    builder.position_at_end(head)
    k = builder.phi(counter)
    phis = [builder.phi(part.ir.type) for part in parts]
    builder.cbranch(builder.icmp_signed("<", k, limit), inside, after)

    builder.position_at_end(inside)
    current = tuple(part.same(phi) for part, phi in zip(parts, phis))
    following = body(Value(builder, k, _COUNTER), current if is_tuple else current[0])
    following = following if is_tuple else (following,)
    next_k = builder.add(k, ir.Constant(counter, 1))
    for phi, first, then in ((k, ir.Constant(counter, 0), next_k),
                             *((phi, part.ir, value.ir)
                               for phi, part, value in zip(phis, parts, following))):
        phi.add_incoming(first, before)
        phi.add_incoming(then, builder.block)
    builder.branch(head)
    builder.position_at_end(after)
    return current
