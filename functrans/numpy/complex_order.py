"""Complex numbers in NumPy's order: by their real parts, and by imaginary parts where those are
equal. What has a NaN in a part is larger and smaller than all others.

In: complex arrays. Out: complex arrays. Imports `numpy.promotion`,
`primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.numpy.promotion import broadcast_one
from functrans.primitives import elementwise as basic
from functrans.primitives import reduce
from functrans.primitives.elementwise import select
from functrans.primitives.shape import expand_dims


def larger(x, y):
    """The larger of x and y, of one shape; NaN if either is."""
    return _chosen(x, y, basic.gt)


def smaller(x, y):
    """The smaller of x and y; see `larger`."""
    return _chosen(x, y, basic.lt)


def _chosen(x, y, before):
    a, b = basic.real(x), basic.real(y)
    tie = basic.and_(basic.eq(a, b), basic.not_(before(basic.imag(y), basic.imag(x))))
    first = basic.and_(basic.or_(before(a, b), tie), basic.eq(y, y))
    return select(basic.or_(first, basic.ne(x, x)), x, y)


def largest(a, axes: tuple):
    """The largest element over axes; NaN if one is."""
    return _over(a, axes, reduce.reduce_max, -np.inf)


def smallest(a, axes: tuple):
    """The smallest element over axes; see `largest`."""
    return _over(a, axes, reduce.reduce_min, np.inf)


def _over(a, axes: tuple, extreme, last: float):
    """The extreme real part, and among those that have it the extreme imaginary part."""
    real, imag = basic.real(a), basic.imag(a)
    bad = basic.ne(a, a)
    nan, far = real.dtype.type(np.nan), real.dtype.type(last)
    found = extreme(select(bad, nan, real), axes)
    has_it = basic.eq(real, broadcast_one(expand_dims(found, axes), real.shape))
    return basic.complex_(found, extreme(select(bad, nan, select(has_it, imag, far)), axes))
