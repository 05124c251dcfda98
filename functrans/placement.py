"""Where things are computed: arrays on other devices, what is copied for it, and what is not.

What is on a device is computed there. Arrays of the host go with the others (a copy, which is
counted) unless `device_put` put them on the CPU; then the devices are mixed, which is an error.
Without arrays on a device it is the default device that decides.

In: arrays, Programs. Out: arrays on the device. Imports `jit`, `array`, `device`, `errors`.
"""
from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar

import numpy as np

from functrans import tree
from functrans.array import Array, ArrayBase, is_elsewhere, wrap
from functrans.config import config
from functrans.device import CPU, CUDA, KNOWN, Device, default_place, device_named, elsewhere
from functrans.errors import ArgumentError, MixedDevicesError, TransferError
from functrans.ir.program import Program
from functrans.ir.type import ArrayType
from functrans.jit import call as call_compiled
from functrans.jit import device_driver, device_errors, executable
from functrans.trace import EVAL, Tracer

# Arrays that `device_put` put on the CPU, by identity.
_kept_on_cpu: weakref.WeakValueDictionary = weakref.WeakValueDictionary()


def as_device(device) -> Device:
    """A device by its name, or itself. Raises ArgumentError for what is none."""
    found = device_named(device)
    if found is None:
        raise ArgumentError(f"unknown device {device!r}; there are {KNOWN}. One process uses one "
                            "GPU: CUDA_VISIBLE_DEVICES says which")
    return found


# ---- moving arrays ----

def put(x: Array, device) -> Array:
    """An array on a device; itself if it is there already."""
    device = as_device(device)
    if isinstance(x, Tracer):
        return x
    if device == CPU:
        return _kept(x)
    if x.device == device:
        return x
    with explicit_transfers():
        return wrap(to_device(x._concrete("device_put")), x.type)


def _kept(x: Array) -> Array:
    """An array of the same elements that stays on the CPU."""
    if is_kept(x):
        return x
    with explicit_transfers():
        return keep(Array(x._concrete("device_put"), x._weak))


def keep(x: Array) -> Array:
    """Remembers that an array stays on the CPU."""
    _kept_on_cpu[id(x)] = x
    return x


def to_device(data: np.ndarray):
    """Data on the device; stacks, whose elements are objects, stay where they are."""
    elsewhere.active = True
    with device_errors():
        return data if data.dtype.kind == "O" else device_driver().to_device(data)


def read(data) -> np.ndarray:
    """The elements, copied to the host once they are computed."""
    with device_errors():
        return device_driver().to_host(data)


def adopt(owner) -> Array:
    """The array whose `__cuda_array_interface__` an object of another library has."""
    elsewhere.active = True
    with device_errors():
        data = device_driver().from_interface(owner, owner.__cuda_array_interface__)
    return wrap(data, ArrayType(data.shape, data.dtype))


def from_dlpack(owner) -> Array:
    """The array that an object with `__dlpack__` has on the device."""
    elsewhere.active = True
    with device_errors():
        data = device_driver().from_dlpack(owner)
    return wrap(data, ArrayType(data.shape, data.dtype))


@contextmanager
def explicit_transfers():
    """Within this block copies are what the user asked for, so they are no hidden ones."""
    with _watched_by(None):
        yield


@contextmanager
def no_transfers():
    """Within this block a copy between host and device that was not asked for raises.

    `device_put`, `device_get` and `to_device` ask for one. Hidden ones are: to read an array
    (`float(x)`, `print(x)`, `np.asarray(x)`, `if x > 0`), to use an array of NumPy or of the CPU
    together with one of the device, and what a Program does on the host (callbacks, LAPACK).
    Raises TransferError, with the user's line.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> with ft.no_transfers():
    ...     y = fnp.ones(3) + 1                  # all of it on the CPU
    """
    with _watched_by(_refuse):
        yield


@contextmanager
def _watched_by(watcher: Callable | None):
    """Within this block `watcher` is called before each copy."""
    watch = device_driver().before_transfer
    token = watch.set(watcher)
    try:
        yield
    finally:
        watch.reset(token)


def _refuse(direction: str, nbytes: int):
    way = "from the host to the device" if direction == "to_device" \
        else "from the device to the host"
    raise TransferError(f"{nbytes} bytes were to be copied {way} within no_transfers(); ask for "
                        "the copy with device_put or device_get, outside of the loop if you can")


def place_new(x: ArrayBase, device=None) -> ArrayBase:
    """An array that was just made of numbers, where it was asked for or where the default is."""
    place = default_place.get() if device is None else as_device(device)
    if place is None or isinstance(x, Tracer) or (device is None and place == x.device):
        return x
    return put(x, place)


def made_on(device, function: Callable, *args):
    """What a function makes, on a device if one is named."""
    if device is None:
        made = function(*args)
        return tree.map(place_new, made) if elsewhere.active else made
    place = as_device(device)
    with default_device(place):
        return tree.map(lambda x: place_new(x, place), function(*args))


# ---- where a computation belongs ----

def place_of(leaves: Sequence, names: Sequence = ()) -> Device | None:
    """The device on which operands are computed; None where nothing speaks for any."""
    there = here = None
    for number, leaf in enumerate(leaves):
        if type(leaf) is Array:
            if type(leaf._data) is not np.ndarray and is_elsewhere(leaf._data):
                there = number if there is None else there
            elif _kept_on_cpu and is_kept(leaf):
                here = number if here is None else here
    if there is not None and here is not None:
        raise _mixed(leaves, names, there, here)
    if there is not None:
        return CUDA
    return CPU if here is not None else default_place.get()


def is_kept(leaf) -> bool:
    """Whether it is an array of the host that stays there."""
    return id(leaf) in _kept_on_cpu


def _mixed(leaves: Sequence, names: Sequence, there: int, here: int) -> MixedDevicesError:
    def described(number):
        name = names[number] if number < len(names) and names[number] else f"operand {number}"
        return f"{name}, {leaves[number].type}, is on {leaves[number].device}"
    return MixedDevicesError(
        f"operands are on different devices: {described(there)}; {described(here)}, where "
        "device_put put it. Bring them together with device_put(x, device)")


class default_device(ContextDecorator):
    """Within this block, what has no operands on a device is computed on `device`.

    device: a Device or its name; None for what it was without any.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> with ft.default_device("cpu"):
    ...     fnp.ones(2).device
    cpu:0
    """

    def __init__(self, device):
        self.device = None if device is None else as_device(device)
        self._tokens: list = []

    def _recreate_cm(self):
        return default_device(self.device)       # as a decorator: each call has its own

    def __enter__(self):
        if self.device == CUDA:
            with device_errors():
                device_driver().pool()           # there must be one
            elsewhere.active = True
        self._tokens.append(default_place.set(self.device))
        return self

    def __exit__(self, *exception):
        default_place.reset(self._tokens.pop())


# ---- running Programs ----

# Whether primitives are computed on the host, whatever the default device is.
on_the_host: ContextVar[bool] = ContextVar("functrans_on_the_host", default=False)


def evaluate_here(primitive, args: Sequence, params: dict):
    """The results, computed on the host."""
    token = on_the_host.set(True)
    try:
        return EVAL.bind(primitive, args, params)
    finally:
        on_the_host.reset(token)


def call(program: Program, leaves: Sequence, target: str | None = None, donated: tuple = (),
         reason: str = "a jitted function was evaluated within another transformation",
         known: dict | None = None, captured: int = 0) -> list:
    """Runs a Program where its operands are.

    target: where the user wants it to run. known: executables by target, to be kept by the caller.
    captured: how many of the leaves, the first ones, are the same in each call with this `known`.
    """
    if target is None:
        place = place_of(leaves, program.names or ())
        target = None if place is None else "cuda" if place is CUDA or place == CUDA \
            else _host_target()
    compiled = None if known is None else known.get(target)
    if compiled is None:
        compiled = executable(program, target, donated, reason)
        if known is not None:
            known[target] = compiled
    if captured and getattr(compiled, "on_device", False):
        leaves = [*_captured_there(known, leaves[:captured]), *leaves[captured:]]
    outs = call_there(compiled, program, leaves)
    if target != "cuda" and any(map(is_kept, leaves)):
        outs = [keep(out) for out in outs]
    return outs


def call_there(compiled, program: Program, leaves: Sequence) -> list:
    """Runs an executable; operands are copied to where it runs, results stay there."""
    if not getattr(compiled, "on_device", False):
        leaves = [Array(read(leaf._data), leaf._weak)
                  if type(leaf) is Array and is_elsewhere(leaf._data) else leaf for leaf in leaves]
    else:
        leaves = [leaf if type(leaf) is Array and type(leaf._data) is not np.ndarray
                  else _for_device(leaf, var.type)
                  for leaf, var in zip(leaves, program.inputs, strict=True)]
    token = on_the_host.set(True)           # what it computes on the host stays there
    try:
        return call_compiled(compiled, program, leaves)
    finally:
        on_the_host.reset(token)


def _captured_there(known: dict, leaves: Sequence) -> list:
    """What a function closes over, on the device: copied for its first call, and kept."""
    found = known.get("captured")
    if found is None:
        found = known["captured"] = [
            wrap(to_device(leaf._data), leaf.type)
            if type(leaf) is Array and type(leaf._data) is np.ndarray else leaf for leaf in leaves]
    return found


def _for_device(leaf, kind: ArrayType):
    """A leaf that is not on the device, as its executable takes it."""
    if isinstance(leaf, (ArrayBase, np.ndarray)):
        return elsewhere.made_again(leaf)
    return _number(leaf, kind)


_numbers: OrderedDict = OrderedDict()


def _number(value, kind: ArrayType) -> Array:
    """A Python or NumPy number on the device. It goes along with the launch: no copy of an array.

    The latest ones are kept there.
    """
    data = np.asarray(value, dtype=kind.dtype)
    key = (kind, data.tobytes())
    found = _numbers.get(key)
    if found is None:
        with device_errors():
            there = device_driver().from_number(data)
        found = _numbers[key] = wrap(there, kind), there     # held twice: never free to take
        if len(_numbers) > _NUMBERS:
            _numbers.popitem(last=False)
    return found[0]


_NUMBERS = 256


def _host_target() -> str:
    return "cpu" if config.target == "cuda" else config.target
