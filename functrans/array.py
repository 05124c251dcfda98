"""`Array`: an immutable n-dimensional array, and what it shares with tracers.

In: NumPy arrays. Out: `Array` objects. `ArrayBase` holds what arrays and tracers have in
common; operators and NumPy-named methods are attached to it by `functrans.numpy`, which
knows promotion and broadcasting. Imports `ir`, `config`, `device` and `errors`.
"""
from __future__ import annotations

import numpy as np

from functrans.config import default_float, default_int
from functrans.device import CPU, CUDA, elsewhere
from functrans.errors import (
    ArgumentError,
    DonatedError,
    DtypeError,
    ImmutableError,
    NumberRangeError,
)
from functrans.ir.type import ArrayType


class ArrayBase:
    """An immutable array: one with a value, or a tracer that stands for one.

    This is the public `functrans.Array`: `isinstance(x, functrans.Array)` holds in a function
    that is traced, too. It has what needs no value but a type, and conversions that need one.
    """

    __slots__ = ()
    __hash__ = None
    __array_priority__ = 1000

    # Subclasses have `type`, and `_concrete(purpose)`, which gives a NumPy array or raises.

    @property
    def shape(self) -> tuple:
        return self.type.shape

    @property
    def dtype(self) -> np.dtype:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return len(self.type.shape)

    @property
    def size(self) -> int:
        return self.type.size

    @property
    def nbytes(self) -> int:
        return self.type.nbytes

    @property
    def itemsize(self) -> int:
        return self.type.dtype.itemsize

    @property
    def weak_type(self) -> bool:
        """True where the dtype came from a Python scalar and gives way in promotion."""
        return self.type.weak

    def __len__(self):
        if not self.type.shape:
            raise ArgumentError("len() of a 0-d array")
        return self.type.shape[0]

    def __iter__(self):
        if not self.type.shape:
            raise ArgumentError("iteration over a 0-d array")
        return (self[index] for index in range(self.type.shape[0]))

    def __bool__(self):
        value = self._concrete("bool()")
        if value.size != 1:
            raise ArgumentError(
                f"the truth value of an array of shape {value.shape} is ambiguous; "
                "use .any() or .all()")
        return bool(value.reshape(()))

    def __float__(self):
        return float(_scalar(self._concrete("float()"), "float()"))

    def __int__(self):
        return int(_scalar(self._concrete("int()"), "int()"))

    def __complex__(self):
        return complex(_scalar(self._concrete("complex()"), "complex()"))

    def __index__(self):
        value = self._concrete("a size or an index")
        if value.ndim or value.dtype.kind not in "iu":
            raise ArgumentError("only 0-d integer arrays can be used as an index, "
                                f"not {self.type}")
        return int(value)

    def __round__(self, digits=0):
        return self.round(digits)

    def __format__(self, spec):
        return format(self._concrete("format()").item(), spec) if spec else str(self)

    def __contains__(self, item):
        return bool((self == item).any())

    def item(self, *index):
        """The element as a Python scalar. Raises ValueError unless there is just one."""
        return self._concrete(".item()").item(*index)

    def tolist(self):
        """The elements as nested lists of Python scalars."""
        return self._concrete(".tolist()").tolist()

    def tobytes(self, order: str = "C") -> bytes:
        """The bytes of the elements, row by row (or column by column for order "F")."""
        return self._concrete(".tobytes()").tobytes(order)

    @property
    def flat(self):
        """The elements as one axis, to be iterated over or indexed."""
        return self.reshape(-1)

    def __array__(self, dtype=None, copy=None):
        return _numpy_view(self._concrete("np.asarray()"), dtype, copy)

    def __setitem__(self, index, value):
        raise ImmutableError(
            "arrays are immutable: `x[index] = value` is not possible. Write "
            "`x = x.at[index].set(value)`; there are also .add .multiply .min .max")

    def __delitem__(self, index):
        raise ImmutableError("arrays are immutable: elements cannot be deleted; use "
                             "`functrans.numpy.delete`")


def _numpy_view(value: np.ndarray, dtype, copy) -> np.ndarray:
    """What `__array__` answers: a view that cannot be written to, or a copy that can."""
    if dtype is not None and value.dtype != dtype:
        if copy is False:
            raise ArgumentError(f"an array of dtype {value.dtype.name} cannot be seen as "
                                f"{np.dtype(dtype).name} without a copy")
        return value.astype(dtype)
    if copy:
        return value.copy()
    view = value.view()
    view.flags.writeable = False
    return view


def _scalar(value: np.ndarray, purpose: str):
    if value.size != 1:
        raise ArgumentError(f"{purpose} needs an array of one element, not of shape {value.shape}")
    return value.reshape(())[()]


class Array(ArrayBase):
    """An immutable array on a device. Make one with `functrans.numpy.array` and its kin.

    NumPy functions and operators work on it; `np.asarray(x)` is a read-only view.

    >>> import functrans.numpy as fnp
    >>> fnp.array([1.0, 2.0]) * 3
    Array([3., 6.], dtype=float32)
    """

    __slots__ = ("_data", "_weak", "_type", "__weakref__")

    def __init__(self, data: np.ndarray, weak: bool = False):
        self._data = data
        self._weak = weak
        self._type = None

    @property
    def type(self) -> ArrayType:
        kind = self._type
        if kind is None:
            data = self._data
            kind = self._type = ArrayType(data.shape, data.dtype, self._weak)
        return kind

    # These do not go through `type`: the eager path reads them often.
    @property
    def shape(self):
        return self._data.shape

    @property
    def dtype(self):
        return self._data.dtype

    @property
    def ndim(self):
        return self._data.ndim

    @property
    def device(self):
        """The device that holds the elements."""
        return CUDA if is_elsewhere(self._data) else CPU

    def _concrete(self, purpose: str) -> np.ndarray:
        data = self._data
        if type(data) is np.ndarray:
            return data
        if type(data) is _Donated:
            raise data.error()
        return elsewhere.read(data)

    def block_until_ready(self) -> Array:
        """Waits until the value is there, and returns it.

        On a device, what went wrong in its computation is raised, as by whatever reads it.
        """
        if is_elsewhere(self._data):
            elsewhere.wait(self._data)
        return self

    def is_ready(self) -> bool:
        """Whether the value is there already."""
        return not is_elsewhere(self._data) or elsewhere.is_idle()

    def devices(self) -> set:
        """The devices that hold the array: here, one."""
        return {self.device}

    def is_deleted(self) -> bool:
        """Whether the buffer was donated to a jitted call."""
        return isinstance(self._data, _Donated)

    def __repr__(self):
        if self.is_deleted():
            return f"Array(<donated>, shape={self.shape}, dtype={self.dtype.name})"
        return array_repr("Array", self._concrete("repr()"), self._weak)

    def __str__(self):
        return repr(self) if self.is_deleted() else str(self._concrete("str()"))

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return _rebuild, (self._concrete("pickling"), self._weak)

    def __dlpack__(self, **options):
        """Shares the memory, marked as read-only; a copy for readers that know no such mark."""
        if is_elsewhere(self._data):
            return elsewhere.dlpack(self._data, options)
        data = self._concrete("DLPack")
        try:
            return _numpy_view(data, None, None).__dlpack__(**options)
        except BufferError:
            if options.get("copy") is False:
                raise
            return data.copy().__dlpack__(**options)

    def __dlpack_device__(self):
        if is_elsewhere(self._data):
            return elsewhere.dlpack(self._data, None)
        return self._concrete("DLPack").__dlpack_device__()

    def to_device(self, device, /, *, stream=None) -> Array:
        """The array on `device` (array API standard), as `functrans.device_put`; itself if it is
        there."""
        return self if device == self.device else elsewhere.put(self, device)

    @property
    def __cuda_array_interface__(self) -> dict:
        """The memory, for CuPy, PyTorch and others to share. Only on a CUDA device."""
        if not is_elsewhere(self._data):
            raise AttributeError("the array is not on a CUDA device, so it has no "
                                 "__cuda_array_interface__")
        return elsewhere.interface(self._data)

    def donate(self):
        """Gives up the buffer: any later use raises."""
        if not self.is_deleted():
            self._type = self.type
            self._data = _Donated(self._data.shape, self._data.dtype)

    delete = donate


def is_elsewhere(data) -> bool:
    """Whether the data of an array is on another device."""
    return getattr(data, "on_device", False)


class _Donated:
    """In the place of a buffer that was given away; says so when it is used."""

    on_device = False

    def __init__(self, shape, dtype):
        self.shape, self.dtype, self.ndim = shape, dtype, len(shape)

    def __getattr__(self, name):
        raise self.error()

    def error(self) -> DonatedError:
        return DonatedError(
            f"this array, {ArrayType(self.shape, self.dtype)}, was donated to a jitted call "
            "(donate_argnums), or deleted, and has no value any more; keep a copy "
            "(x.copy()), or do not donate it")


def _rebuild(data: np.ndarray, weak: bool) -> Array:
    return Array(data, weak)


def array_repr(name: str, data: np.ndarray, weak: bool) -> str:
    """`Array([1., 2.], dtype=float32)`: the elements as NumPy prints them, and the dtype."""
    prefix = f"{name}("
    if data.size == 0 and data.shape != (0,):
        body = f"[], shape={data.shape}"
    else:
        body = np.array2string(data, separator=", ", prefix=prefix)
    return f"{prefix}{body}, dtype={data.dtype.name}{', weak_type=True' if weak else ''})"


def wrap(data, kind: ArrayType) -> Array:
    """An Array of a type around data of it."""
    out = _new(Array)
    out._data = data if type(data) is np.ndarray or is_elsewhere(data) else np.asarray(data)
    out._weak = kind.weak
    out._type = kind
    return out


_new = object.__new__
_PYTHON_SCALARS = (bool, int, float, complex)


def scalar_dtype(value) -> np.dtype:
    """The default dtype of a Python scalar."""
    if isinstance(value, bool):
        return _BOOL
    if isinstance(value, int):
        return default_int()
    if isinstance(value, float):
        return default_float()
    return _COMPLEX64 if default_float().itemsize == 4 else _COMPLEX128


_BOOL, _COMPLEX64, _COMPLEX128 = np.dtype(bool), np.dtype("complex64"), np.dtype("complex128")


def scalar_literal(value) -> np.generic:
    """A Python scalar as a NumPy scalar of its default dtype."""
    dtype = scalar_dtype(value)
    if dtype.kind == "i" and not np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        raise NumberRangeError(f"Python integer {value} is out of bounds for {dtype.name}")
    return dtype.type(value)


def is_array_like(value) -> bool:
    """Whether a leaf of a pytree can be an array argument."""
    return isinstance(value, (ArrayBase, np.ndarray, np.generic, bool, int, float, complex))


def type_of(value) -> ArrayType:
    """The type of a leaf: an array, tracer, NumPy array or scalar, Python scalar."""
    if isinstance(value, ArrayBase):
        return value.type
    if isinstance(value, np.generic):
        return ArrayType((), value.dtype)
    if isinstance(value, np.ndarray):
        return ArrayType(value.shape, check_dtype(value.dtype))
    if isinstance(value, _PYTHON_SCALARS):
        dtype = scalar_dtype(value)
        return ArrayType((), dtype, dtype.kind != "b")
    raise ArgumentError(f"{value!r} of type {type(value).__name__} is not an array")


def check_dtype(dtype: np.dtype) -> np.dtype:
    """`dtype`, in native byte order; raises for those that functrans has no kernels for."""
    if dtype.kind in "biufc" and dtype.itemsize <= 16 and dtype.char not in "gG":
        return dtype.newbyteorder("=")
    if dtype.name == "bfloat16":
        return dtype
    raise DtypeError(f"arrays of dtype {dtype} are not supported; convert them first "
                     "(bool, integers, float16/32/64, bfloat16 and complex64/128 are)")


def as_array(value) -> Array | ArrayBase:
    """A leaf as an Array (NumPy arrays are copied, so that later writes cannot be seen)."""
    if isinstance(value, ArrayBase):
        return value
    if isinstance(value, np.ndarray):
        return Array(np.array(value, dtype=check_dtype(value.dtype), order="C"))
    if isinstance(value, np.generic):
        return Array(np.asarray(value, dtype=check_dtype(value.dtype)))
    kind = type_of(value)
    return Array(np.asarray(scalar_literal(value)), kind.weak)
