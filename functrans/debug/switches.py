"""Switches that look for faults, for a block: `with ft.debug_nans(): ...`. Imports `config`."""
from __future__ import annotations

from functrans.config import config


def debug_key_reuse(new_val: bool = True):
    """Within this block a random key that is used a second time raises `KeyReuseError`.

    The error names both lines. Drawing from a key and `split` use it up, `fold_in` does not; in
    jitted functions, loops and branches too. The switch `debug_key_reuse` is the same for good.

    >>> import functrans as ft
    >>> with ft.debug_key_reuse():
    ...     key, other = ft.random.split(ft.random.key(0))
    ...     ft.random.normal(key, (2,)).shape
    (2,)
    """
    return config.override(debug_key_reuse=new_val)


def debug_nans(new_val: bool = True):
    """Within this block `NonFiniteError` is raised where a NaN is first computed.

    The error names the primitive, its operands and the user's line, in compiled code too. The
    switch `debug_nans` is the same for good.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> with ft.debug_nans():
    ...     fnp.sqrt(4.0)
    Array(2., dtype=float32)
    """
    return config.override(debug_nans=new_val)
