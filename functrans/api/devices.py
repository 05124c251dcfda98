"""Devices as users speak of them: what there is, putting arrays there, counting copies.

In: pytrees, names of devices. Out: pytrees, `Device`. Imports `tree`, `placement`, `device`.
"""
from __future__ import annotations

import numpy as np

from functrans import tree
from functrans.array import Array, ArrayBase, as_array, check_dtype, is_array_like, wrap
from functrans.config import config
from functrans.device import CPU, CUDA, Device, default_place
from functrans.errors import ArgumentError, TargetError
from functrans.ir.type import ArrayType
from functrans.jit import device_driver
from functrans.placement import (as_device, default_device, explicit_transfers, no_transfers, put,
                                 read, to_device)
from functrans.trace import Tracer

__all__ = ["Devices", "Transfers", "default_backend", "default_device", "device_count",
           "device_get", "device_put", "devices", "memory_stats", "no_transfers", "transfers"]


class Devices(list):
    """A list of devices, which says more when printed: what was found, and what is missing.

    missing: sentences on what a CUDA device lacks here. found: versions by name.
    """

    def __init__(self, devices, missing=(), found=None):
        super().__init__(devices)
        self.missing = tuple(missing)
        self.found = dict(found or {})

    def __str__(self):
        lines = [f"{device}  {device.device_kind}" for device in self]
        lines += [f"found: {name} {version}" for name, version in self.found.items()]
        lines += [f"missing: {sentence}" for sentence in self.missing]
        return "\n".join(lines)


def devices(backend: str | None = None) -> Devices:
    """The devices of this machine, the default first; of one kind, "cpu" or "cuda", if named.

    Never raises for want of a GPU unless `backend` asks for one: then TargetError says what is
    missing. `print(functrans.devices())` tells it, too.

    >>> import functrans as ft
    >>> ft.devices("cpu")
    [cpu:0]
    """
    wanted = None if backend is None else as_device(backend)
    if wanted == CPU:
        return Devices([CPU])
    status = device_driver().status()
    there = [CUDA] if status.devices else []         # one process uses one of them
    here = [CPU] * (wanted is None)
    if wanted == CUDA and not there:
        raise TargetError("there is no CUDA device here: " + "; ".join(status.missing))
    every = there + here if default_backend() == "cuda" else here + there
    return Devices(every, status.missing, found_versions(status))


def found_versions(status) -> dict:
    """What was found, by name, for printing."""
    dotted = None if status.driver is None else ".".join(map(str, status.driver))
    pairs = (("numba-cuda", status.numba_cuda), ("driver for CUDA", dotted),
             ("NVVM", status.nvvm), ("nvJitLink", status.nvjitlink), ("cuBLAS", status.cublas))
    return {name: version for name, version in pairs if version is not None}


def device_count(backend: str | None = None) -> int:
    """How many devices `devices(backend)` has.

    >>> import functrans as ft
    >>> ft.device_count("cpu")
    1
    """
    return len(devices(backend))


def default_backend() -> str:
    """The kind of the device on which things are computed that have no operands elsewhere.

    >>> import functrans as ft
    >>> ft.default_backend()
    'cpu'
    """
    place = default_place.get()
    if place is not None:
        return place.platform
    return "cuda" if config.target == "cuda" else "cpu"


def device_put(x, device=None):
    """A pytree with its arrays on a device: "cpu", "cuda", or a `Device`.

    x: a pytree of arrays and numbers. Values that are being traced stay as they are.
    device: the default device if it is None.
    Raises TargetError where there is no such device.

    >>> import functrans as ft
    >>> ft.device_put({"w": 1.0}, "cpu")["w"].device
    cpu:0
    """
    place = as_device(device) if device is not None else default_place.get() or CPU
    return tree.map(lambda leaf: _put_leaf(leaf, place), x)


def _put_leaf(leaf, place: Device):
    if isinstance(leaf, Tracer):
        return leaf
    if type(leaf) is np.ndarray and place == CUDA:       # without a copy on the host
        data = np.asarray(leaf, dtype=check_dtype(leaf.dtype))
        with explicit_transfers():
            return wrap(to_device(data), ArrayType(data.shape, data.dtype))
    if not is_array_like(leaf):
        if not hasattr(leaf, "__array__") and not hasattr(leaf, "__cuda_array_interface__"):
            raise ArgumentError(f"device_put takes arrays and numbers, got {leaf!r} of type "
                                f"{type(leaf).__name__}")
        from functrans.numpy.creation import asarray
        return put(asarray(leaf), place)
    return put(as_array(leaf), place)


def device_get(x):
    """A pytree with its arrays as NumPy arrays, on the host.

    >>> import functrans as ft
    >>> ft.device_get([ft.numpy.ones(2)])
    [array([1., 1.], dtype=float32)]
    """
    return tree.map(_get_leaf, x)


def _get_leaf(leaf):
    if type(leaf) is Array and leaf.device != CPU:
        with explicit_transfers():
            return read(leaf._data)
    return np.asarray(leaf) if isinstance(leaf, ArrayBase) else leaf


class Transfers(int):
    """A number of copies between host and device, and what they were.

    It is an int, the copies in both directions; `to_device`, `to_host` are those in one,
    `bytes_to_device`, `bytes_to_host` what they copied. Subtract two of them.
    """

    def __new__(cls, to_device: int, to_host: int, bytes_to_device: int, bytes_to_host: int):
        self = super().__new__(cls, to_device + to_host)
        self.to_device, self.to_host = to_device, to_host
        self.bytes_to_device, self.bytes_to_host = bytes_to_device, bytes_to_host
        return self

    def __sub__(self, other):
        if not isinstance(other, Transfers):
            return int(self) - other
        return Transfers(self.to_device - other.to_device, self.to_host - other.to_host,
                         self.bytes_to_device - other.bytes_to_device,
                         self.bytes_to_host - other.bytes_to_host)

    def __repr__(self):
        return (f"Transfers(to_device={self.to_device}, to_host={self.to_host}, "
                f"bytes_to_device={self.bytes_to_device}, bytes_to_host={self.bytes_to_host})")

    def __reduce__(self):
        return Transfers, (self.to_device, self.to_host, self.bytes_to_device, self.bytes_to_host)


def transfers() -> Transfers:
    """How many copies between host and device there have been in this process: see `Transfers`.

    >>> import functrans as ft
    >>> before = ft.transfers()
    >>> ft.transfers() - before == 0
    True
    """
    made = device_driver().transfers
    return Transfers(made.to_device, made.to_host, made.bytes_to_device, made.bytes_to_host)


def memory_stats(device="cuda") -> dict | None:
    """As `Device.memory_stats`: bytes in use, at most, kept, and by whom. None for the CPU.

    >>> import functrans as ft
    >>> ft.memory_stats("cpu")
    """
    return as_device(device).memory_stats()
