"""Files and buffers, and text of arrays: NumPy's functions, with arrays of this library.

In: files, bytes, arrays. Out: arrays, text. Imports `array`.
"""
from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import numpy as np
from numpy import get_printoptions, ndindex, printoptions, set_printoptions  # noqa: F401

from functrans.array import ArrayBase, as_array
from functrans.numpy.promotion import as_arraylike


def _plain(value, name: str):
    """Arrays of this library as NumPy's."""
    return value._concrete(name) if isinstance(value, ArrayBase) else value


def _documented(function: Callable, doc: str) -> Callable:
    function.__doc__ = doc
    function.__module__ = __name__
    del function.__wrapped__
    return function


def _reader(numpy_function: Callable, doc: str) -> Callable:
    """A function of NumPy's that makes an array."""
    @functools.wraps(numpy_function)
    def read(*args, **kwargs):
        args = [_plain(arg, numpy_function.__name__) for arg in args]
        result = numpy_function(*args, **kwargs)
        return as_array(result) if isinstance(result, np.ndarray) else result
    return _documented(read, doc)


def _writer(numpy_function: Callable, doc: str) -> Callable:
    """A function of NumPy's that takes arrays and makes something else."""
    @functools.wraps(numpy_function)
    def write(*args, **kwargs):
        name = numpy_function.__name__
        return numpy_function(*(_plain(arg, name) for arg in args),
                              **{key: _plain(arg, name) for key, arg in kwargs.items()})
    return _documented(write, doc)


frombuffer = _reader(np.frombuffer, """An array from the bytes of a buffer, which are copied.

    >>> import functrans.numpy as fnp
    >>> fnp.frombuffer(b"\\x01\\x02", dtype=fnp.uint8)
    Array([1, 2], dtype=uint8)
    """)
fromiter = _reader(np.fromiter, """A vector from an iterator of numbers; `dtype` is needed.

    >>> import functrans.numpy as fnp
    >>> fnp.fromiter((k * k for k in range(3)), fnp.int32)
    Array([0, 1, 4], dtype=int32)
    """)
fromstring = _reader(np.fromstring, """A vector from text: numbers between the separator `sep`.

    >>> import functrans.numpy as fnp
    >>> fnp.fromstring("1 2", dtype=fnp.int32, sep=" ")
    Array([1, 2], dtype=int32)
    """)
fromfile = _reader(np.fromfile, """An array from a binary file, as `numpy.fromfile`.

    >>> import tempfile, functrans.numpy as fnp
    >>> with tempfile.TemporaryFile() as file:
    ...     _ = file.write(b"ab"), file.seek(0)
    ...     fnp.fromfile(file, dtype=fnp.uint8)
    Array([97, 98], dtype=uint8)
    """)
load = _reader(np.load, """An array from a .npy file; NumPy's archive of them from a .npz file.

    >>> import io, functrans.numpy as fnp
    >>> file = io.BytesIO()
    >>> fnp.save(file, fnp.ones(2)), file.seek(0), fnp.load(file)
    (None, 0, Array([1., 1.], dtype=float32))
    """)
loadtxt = _reader(np.loadtxt, """An array from a text file, as `numpy.loadtxt`.

    >>> import io, functrans.numpy as fnp
    >>> fnp.loadtxt(io.StringIO("1 2"), dtype=fnp.int32)
    Array([1, 2], dtype=int32)
    """)
genfromtxt = _reader(np.genfromtxt, """An array from a text file with gaps, as `numpy.genfromtxt`.

    >>> import io, functrans.numpy as fnp
    >>> fnp.genfromtxt(io.StringIO("1,,2"), delimiter=",", dtype=fnp.float32)
    Array([ 1., nan,  2.], dtype=float32)
    """)
save = _writer(np.save, """Writes an array to a .npy file, as `numpy.save`.

    >>> import io, functrans.numpy as fnp
    >>> fnp.save(io.BytesIO(), fnp.ones(2))
    """)
savez = _writer(np.savez, """Writes arrays to a .npz archive, as `numpy.savez`.

    >>> import io, functrans.numpy as fnp
    >>> fnp.savez(io.BytesIO(), x=fnp.ones(2))
    """)
savez_compressed = _writer(np.savez_compressed, """As `savez`, compressed.

    >>> import io, functrans.numpy as fnp
    >>> fnp.savez_compressed(io.BytesIO(), x=fnp.ones(2))
    """)
savetxt = _writer(np.savetxt, """Writes a vector or matrix to a text file, as `numpy.savetxt`.

    >>> import io, functrans.numpy as fnp
    >>> fnp.savetxt(io.StringIO(), fnp.ones(2))
    """)

# ---- text ----

array2string = _writer(np.array2string, """The elements as text, as `numpy.array2string`.

    >>> import functrans.numpy as fnp
    >>> fnp.array2string(fnp.array([1, 2]), separator=", ")
    '[1, 2]'
    """)
array_str = _writer(np.array_str, """The elements as text, as `str(x)`.

    >>> import functrans.numpy as fnp
    >>> fnp.array_str(fnp.array([1, 2]))
    '[1 2]'
    """)
format_float_positional = _writer(
    np.format_float_positional, """A number as text without an exponent.

    >>> import functrans.numpy as fnp
    >>> fnp.format_float_positional(fnp.array(0.5))
    '0.5'
    """)
format_float_scientific = _writer(
    np.format_float_scientific, """A number as text with an exponent.

    >>> import functrans.numpy as fnp
    >>> fnp.format_float_scientific(fnp.array(0.5))
    '5.e-01'
    """)


def array_repr(arr, max_line_width=None, precision=None, suppress_small=None) -> str:
    """The elements and the dtype as text, as `repr(x)`.

    >>> import functrans.numpy as fnp
    >>> fnp.array_repr(fnp.array([1, 2]))
    'Array([1, 2], dtype=int64)'
    """
    options = dict(linewidth=max_line_width, precision=precision, suppress=suppress_small)
    with np.printoptions(**{key: value for key, value in options.items() if value is not None}):
        return repr(as_arraylike(arr, "array_repr"))


def base_repr(number: int, base: int = 2, padding: int = 0) -> str:
    """An integer as text in a base from 2 to 36.

    >>> import functrans.numpy as fnp
    >>> fnp.base_repr(5, 3)
    '12'
    """
    return np.base_repr(int(number), base, padding)


def binary_repr(num: int, width: int | None = None) -> str:
    """An integer as text of its bits; of a negative one, as two's complement of that width.

    >>> import functrans.numpy as fnp
    >>> fnp.binary_repr(-3, 4)
    '1101'
    """
    return np.binary_repr(int(num), width)


def ndenumerate(arr) -> Iterator:
    """Pairs of an index and the element there, row by row.

    >>> import functrans.numpy as fnp
    >>> list(fnp.ndenumerate(fnp.array([5, 6])))
    [((0,), Array(5, dtype=int64)), ((1,), Array(6, dtype=int64))]
    """
    arr = as_arraylike(arr, "ndenumerate")
    return ((index, arr[index]) for index in np.ndindex(arr.shape))

