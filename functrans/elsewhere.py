"""Eager operations on a device, and what arrays and devices ask of it.

One primitive is a Program of its own, compiled for the device and kept. What is made of literals
alone is not copied to the device but made there again.

In: primitives, arrays. Out: arrays on the device; the functions of `device.elsewhere`. Imports
`placement`, `jit`, `trace`.
"""
from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Sequence
from threading import RLock
from typing import NamedTuple

import numpy as np

from functrans import placement
from functrans import trace as tracing
from functrans.array import Array, is_elsewhere, wrap
from functrans.config import config
from functrans.device import CPU, elsewhere
from functrans.errors import NonFiniteError
from functrans.ir.primitive import Primitive
from functrans.ir.program import Program, inner_programs
from functrans.jit import device_driver, device_errors, jit_p
from functrans.locations import user_location
from functrans.placement import (call, evaluate_here, keep, on_the_host, place_of,
                                 to_device)
from functrans.primitives.index import outside
from functrans.standing import stand_in
from functrans.trace import Tracer, bind, trace

_operations: OrderedDict = OrderedDict()
_OPERATIONS = 4096
_lock = RLock()


def bind_elsewhere(primitive: Primitive, args: Sequence, params: dict):
    """The results of a primitive on a device; None where that is the CPU's to compute."""
    args = [_standing(arg) for arg in args]
    if on_the_host.get() and not any(type(arg) is Array and is_elsewhere(arg._data)
                                     for arg in args):
        return None
    if primitive is jit_p and params["target"] is not None:
        return tuple(call(params["program"], args, params["target"]))
    if not all(type(arg) is Array or isinstance(arg, np.generic) for arg in args):
        return None                              # what the CPU has an error for
    place = place_of(args)
    if place is None:
        return _anywhere(primitive, args, params)
    if place == CPU:
        outs = evaluate_here(primitive, args, params)
        return tuple(map(keep, outs)) if primitive.multiple else keep(outs)
    if primitive is jit_p:
        return tuple(call(params["program"], args, "cuda"))
    return _one(primitive, args, params) if primitive.kernel is not None \
        else _by_numpy(primitive, args, params)


def _anywhere(primitive: Primitive, args: Sequence, params: dict):
    """What is made of literals alone is not copied to a device, but made there again if need be:
    the recipe is kept. What has other operands is the CPU's."""
    depth = 1 + max((_depth(arg) for arg in args if type(arg) is Array), default=0)
    if primitive.effect or primitive.multiple or depth > _DEPTH:
        return None
    out = evaluate_here(primitive, args, params)
    number = id(out)
    there = weakref.ref(out, lambda _: _recipes.pop(number, None))
    _recipes[number] = _Recipe(there, primitive, tuple(args), params, depth)
    return out


class _Recipe(NamedTuple):
    """How an array of the host was made, of literals and of arrays that have recipes."""
    array: weakref.ref
    primitive: Primitive
    args: tuple
    params: dict
    depth: int


_recipes: dict[int, _Recipe] = {}
_DEPTH = 8


def _depth(array: Array) -> int:
    recipe = _recipes.get(id(array))
    return _DEPTH if recipe is None else recipe.depth


def made_again(x):
    """An array of the host that has a recipe, made on the device; others as they are."""
    recipe = _recipes.get(id(x)) if type(x) is Array else None
    if recipe is None:
        return x
    return _one(recipe.primitive, [made_again(arg) for arg in recipe.args], recipe.params)


def _standing(arg):
    """What stands in for a tracer, if it is one."""
    value = stand_in(arg) if isinstance(arg, Tracer) else None
    return arg if value is None else value


def _outs(primitive: Primitive, outs: Sequence):
    return tuple(outs) if primitive.multiple else outs[0]


def _one(primitive: Primitive, args: Sequence, params: dict):
    """One primitive, as a Program of its own, which is kept."""
    program, known = _operation(primitive, args, params)
    arrays = [arg for arg in args if type(arg) is Array]
    if tracing.is_watched():
        outs = _watched(program, arrays, primitive, args, params)
    else:
        outs = call(program, arrays, "cuda", (), "an eager operation on a device", known)
    with device_errors():
        _settle(program, arrays, outs)
    return _outs(primitive, outs)


def _watched(program: Program, arrays: Sequence, primitive, args: Sequence, params: dict) -> list:
    """As `_one`, where someone watches evaluations."""
    def there(primitive, operands, params):
        with config.override(debug_nans=False, debug_key_reuse=False):
            return _outs(primitive, [out._data for out in call(program, arrays, "cuda")])
    operands = [arg._data if type(arg) is Array else arg for arg in args]
    try:
        outs = tracing.evaluate_watched(there, primitive, operands, params)
    except NonFiniteError:                   # the host can tell where in it
        evaluate_here(primitive, [_on_host(arg) for arg in args], params)
        raise
    return [wrap(out, atom.type) for out, atom in
            zip(outs if primitive.multiple else (outs,), program.outputs)]


def _settle(program: Program, arrays: Sequence, outs: Sequence):
    """Waits if the operation may have gone wrong, so that the error has its line.

    The Program may be from another line; those in it, the bodies of a loop, know their own.
    """
    reports = device_driver().reports
    before, own = (reports.reports_of(x._data for x in some) for some in (arrays, outs))
    own = [report for report in own if report not in before]
    if not own:
        return
    reports.raise_failed(before)              # what went before is not taken for this one
    try:
        reports.raise_failed(own)
    except IndexError as error:
        if any(map(inner_programs, program.equations)):
            raise
        raise outside(str(error).partition("\n")[0], user_location()) from None


def _operation(primitive: Primitive, args: Sequence, params: dict) -> tuple[Program, dict]:
    """The Program of one primitive, and where its executable is kept."""
    types = tuple(arg.type if type(arg) is Array else _frozen(arg) for arg in args)
    try:
        key = (primitive, types, _frozen(params), config.key)
        found = _operations.get(key)
    except TypeError:                        # parameters that are not hashable
        return _traced(primitive, args, params)
    if found is None:
        found = _traced(primitive, args, params)
        with _lock:
            _operations[key] = found
            if len(_operations) > _OPERATIONS:
                _operations.popitem(last=False)
    return found


def _frozen(value):
    """A value as part of a key: numbers by their bits, so that -0.0 is not 0.0."""
    if isinstance(value, dict):
        return tuple((name, _frozen(item)) for name, item in value.items())
    if isinstance(value, (tuple, list)):
        return (type(value), *map(_frozen, value))
    if isinstance(value, np.generic):
        return value.dtype, value.tobytes()
    if isinstance(value, float):
        return float, value.hex()
    return type(value), value


def _traced(primitive: Primitive, args: Sequence, params: dict) -> tuple[Program, dict]:
    """The Program of one equation; literals are written into it."""
    literals = tuple(None if type(arg) is Array else arg for arg in args)

    def function(*tracers):
        rest = iter(tracers)
        out = bind(primitive, *(next(rest) if literal is None else literal
                                for literal in literals), **params)
        return out if primitive.multiple else (out,)
    types = [arg.type for arg in args if type(arg) is Array]
    return trace(function, types, primitive.name)[0], {}


def _on_host(arg):
    """An operand, copied to the host if it is an array."""
    return Array(arg._concrete("what runs on the host"), arg._weak) if type(arg) is Array else arg


def _by_numpy(primitive: Primitive, args: Sequence, params: dict):
    """What has no kernel: NumPy evaluates it, and the results go back."""
    outs = evaluate_here(primitive, [_on_host(arg) for arg in args], params)
    back = [wrap(to_device(out._data), out.type) for out in
            (outs if primitive.multiple else (outs,))]
    return _outs(primitive, back)


# ---- what arrays and devices ask for ----

def _synchronize():
    with device_errors():
        device_driver().synchronize()


def _wait(data):
    with device_errors():
        device_driver().wait(data)


def _name() -> str:
    devices = device_driver().status().devices
    return devices[0].name if devices else "none"


def _memory_stats() -> dict:
    with device_errors():
        driver = device_driver()
        pool = driver.pool()
        return {"bytes_in_use": pool.live, "peak_bytes_in_use": pool.peak,
                "bytes_kept": pool.kept, "bytes_limit": driver.backend().memory_info()[1],
                "held": pool.held()}


def _dlpack(data, options):
    """What `__dlpack__` and, without options, `__dlpack_device__` answer."""
    driver = device_driver()
    with device_errors():
        return driver.dlpack_device() if options is None else driver.to_dlpack(data, **options)


def install():
    """Fills in `device.elsewhere`."""
    functions = dict(bind=bind_elsewhere, made_again=made_again, synchronize=_synchronize,
                     wait=_wait, is_idle=lambda: device_driver().is_idle(),
                     interface=lambda data: device_driver().interface(data), dlpack=_dlpack,
                     name=_name, memory_stats=_memory_stats)
    for name in ("adopt", "as_device", "call", "call_there", "from_dlpack", "made_on",
                 "place_new", "put", "read"):
        functions[name] = getattr(placement, name)
    for name, function in functions.items():
        setattr(elsewhere, name, function)
