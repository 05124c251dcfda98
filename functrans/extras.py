"""Optional packages: imported when they are used, with an error that says how to get them.

Imports NumPy and `errors`.
"""
from __future__ import annotations

from importlib import import_module

import numpy as np

from functrans.errors import MissingExtraError


def require(module: str, extra: str):
    """An optional module.

    module: its full name. extra: of functrans, which installs it.
    Raises MissingExtraError (an ImportError) with the command that installs it.

    >>> from functrans.extras import require
    >>> require("json", "examples").dumps([1])
    '[1]'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise                              # the module is there; something that it needs is not
        package = module.partition(".")[0]
        raise MissingExtraError(f"{package} is not installed. It comes with the extra {extra!r}: "
                                f"pip install 'functrans[{extra}]'", name=package) from None


def as_dtype(dtype) -> np.dtype:
    """A dtype as users name it: NumPy's names, scalar types and dtypes, and "bfloat16", whose name
    NumPy knows only after ml_dtypes was imported.

    Raises MissingExtraError for "bfloat16" where ml_dtypes is not installed, TypeError for what
    is no dtype.

    >>> from functrans.extras import as_dtype
    >>> as_dtype("bfloat16").itemsize
    2
    """
    if isinstance(dtype, str) and dtype == "bfloat16":
        dtype = require("ml_dtypes", "bfloat16").bfloat16
    return np.dtype(dtype)
