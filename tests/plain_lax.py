"""Control flow as plain Python says it: what `functrans.lax` is compared with.

Every loop is unrolled, every choice made by `if`, and `vmap` is a loop over lanes. Values must be
concrete (also under un-jitted `grad` and `jvp`, where tracers have values).
"""
from __future__ import annotations

import builtins

import functrans.numpy as fnp
from functrans import tree


def cond(pred, true_fun, false_fun, *operands):
    return true_fun(*operands) if pred else false_fun(*operands)


def switch(index, branches, *operands):
    return branches[min(max(int(index), 0), len(branches) - 1)](*operands)


def while_loop(cond_fun, body_fun, value):
    while cond_fun(value):
        value = body_fun(value)
    return value


def fori_loop(lower, upper, body_fun, value):
    for index in range(int(lower), int(upper)):
        value = body_fun(fnp.array(index), value)
    return value


def scan(f, init, xs=None, length=None, reverse=False):
    count = len(tree.leaves(xs)[0]) if tree.leaves(xs) else length
    order = range(count)
    carry, rows = init, []
    for k in (reversed(order) if reverse else order):
        carry, row = f(carry, tree.map(lambda x, k=k: x[k], xs))
        rows.append(row)
    if not rows:
        row = f(carry, tree.map(lambda x: fnp.zeros(x.shape[1:], x.dtype), xs))[1]
        return carry, tree.map(lambda y: fnp.zeros((0, *y.shape), y.dtype), row)
    return carry, stacked(rows[::-1] if reverse else rows)


def map(f, xs):
    return scan(lambda _, x: ((), f(x)), (), xs)[1]


def associative_scan(fn, elems, reverse=False):
    order = range(len(elems))
    rows = []
    for k in (reversed(order) if reverse else order):
        rows.append(fn(rows[-1], elems[k]) if rows else elems[k])
    return stacked(rows[::-1] if reverse else rows)


def stacked(rows):
    """One pytree of arrays with a new first axis, from pytrees of slices."""
    return tree.map(lambda *leaves: fnp.stack([fnp.asarray(leaf) for leaf in leaves]), *rows)


def vmap(fun, in_axes=0):
    """Lane by lane; axes are 0 or None, one for each argument."""
    def mapped(*args):
        axes = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
        size = next(len(tree.leaves(arg)[0]) for arg, axis in zip(args, axes) if axis == 0)
        lanes = [[tree.map(lambda x, k=k: x[k], arg) if axis == 0 else arg
                  for arg, axis in zip(args, axes)] for k in builtins.range(size)]
        return stacked([fun(*lane) for lane in lanes])
    return mapped
