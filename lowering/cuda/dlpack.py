"""DLPack: memory shared with PyTorch, CuPy and others, both ways.

The structures are those of DLPack's header: a tensor, in a managed one that says how to let go of
it, in a capsule. https://dmlc.github.io/dlpack/latest/c_api.html

In: addresses, shapes, dtypes. Out: capsules, and what keeps foreign memory alive. Imports NumPy.
"""
from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

CPU, CUDA = 1, 2
_READ_ONLY = 1
_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
_BFLOAT = 4


class _Device(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int32), ("number", ctypes.c_int32)]


class _Dtype(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", _Device), ("ndim", ctypes.c_int32),
                ("dtype", _Dtype), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Managed(ctypes.Structure):
    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter)]


class _Versioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32),
                ("context", ctypes.c_void_p), ("deleter", _Deleter),
                ("flags", ctypes.c_uint64), ("tensor", _Tensor)]


_python = ctypes.pythonapi
_python.PyCapsule_New.restype = ctypes.py_object
_python.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_python.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
# By address: a destructor is called with a capsule that no Python object may refer to any more.
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", _python))
_pointer_in = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _python))

_lent: dict = {}             # address of a managed tensor -> all that it needs


@_Deleter
def _let_go(address):
    """What the other library calls when it is done."""
    _lent.pop(address, None)


@_Deleter
def _destroy(capsule):
    """The capsule goes away; nobody took the tensor if it still has its first name."""
    for name in (_NAME, _VERSIONED):
        if _is_valid(capsule, name):
            _let_go(_pointer_in(capsule, name))


_NAME, _VERSIONED = b"dltensor", b"dltensor_versioned"
_USED = {_NAME: b"used_dltensor"}


def lend(owner, address: int, shape: tuple, dtype: np.dtype, device: int, versioned: bool):
    """A capsule for memory that `owner` keeps alive; it is not to be written to."""
    sizes = (ctypes.c_int64 * max(len(shape), 1))(*shape)
    steps = (ctypes.c_int64 * max(len(shape), 1))(*_strides(shape))
    kind = _BFLOAT if dtype.name == "bfloat16" else _CODES[dtype.kind]
    tensor = _Tensor(address, _Device(device, 0), len(shape), _Dtype(kind, 8 * dtype.itemsize, 1),
                     sizes, steps, 0)
    managed = _Versioned(1, 0, None, _let_go, _READ_ONLY, tensor) if versioned \
        else _Managed(tensor, None, _let_go)
    place = ctypes.addressof(managed)
    _lent[place] = (managed, sizes, steps, owner)
    return _python.PyCapsule_New(place, _VERSIONED if versioned else _NAME,
                                 ctypes.cast(_destroy, ctypes.c_void_p).value)


class _Keeper:
    """Keeps foreign memory alive, and tells its owner when it is needed no longer."""

    def __init__(self, address: int, deleter: Callable, capsule):
        self._address, self._deleter, self._capsule = address, deleter, capsule

    def __del__(self):
        if self._deleter:
            self._deleter(self._address)


def borrow(capsule) -> tuple:
    """(keeper, address, shape, dtype, device) of a capsule; its memory is shared.

    Raises ValueError for memory that does not lie row by row.
    """
    address = _pointer_in(id(capsule), _NAME)
    managed = ctypes.cast(address, ctypes.POINTER(_Managed)).contents
    tensor = managed.tensor
    shape = tuple(tensor.shape[k] for k in range(tensor.ndim))
    if tensor.strides:
        strides = tuple(tensor.strides[k] for k in range(tensor.ndim))
        if 0 not in shape and any(size > 1 and stride != row for size, stride, row
                                  in zip(shape, strides, _strides(shape))):
            raise ValueError(f"only arrays that lie row by row can be shared; this one has the "
                             f"shape {shape} and the strides {strides}: make it contiguous first")
    dtype = _dtype_of(tensor.dtype)
    _python.PyCapsule_SetName(capsule, _USED[_NAME])
    keeper = _Keeper(address, managed.deleter, capsule)
    return keeper, (tensor.data or 0) + tensor.byte_offset, shape, dtype, tensor.device.kind


def _dtype_of(described: _Dtype) -> np.dtype:
    if described.code == _BFLOAT:
        import ml_dtypes
        return np.dtype(ml_dtypes.bfloat16)
    letter = next((k for k, code in _CODES.items() if code == described.code), None)
    if letter is None or described.lanes != 1:
        raise ValueError(f"DLPack's dtype {described.code} of {described.bits} bits is not known")
    return np.dtype(bool) if letter == "b" else np.dtype(f"{letter}{described.bits // 8}")


def _strides(shape: tuple) -> tuple:
    """In elements, of an array that lies row by row."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))
