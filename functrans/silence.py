"""NumPy's floating-point warnings, switched off while a primitive is evaluated.

Dividing by zero gives infinity here, as in compiled code, and says nothing. `np.errstate` costs
more than a small operation; what it does to its context variable costs a tenth.
"""
from __future__ import annotations

import numpy as np

try:
    from numpy._core import umath

    _quiet = umath._make_extobj(all="ignore")
    _state = umath._extobj_contextvar

    def silence():
        """Switches the warnings off; returns what `restore` takes."""
        return _state.set(_quiet)

    def restore(token):
        """Switches back to what was before."""
        _state.reset(token)
except (ImportError, AttributeError):        # a NumPy that keeps this elsewhere

    def silence():
        """Switches the warnings off; returns what `restore` takes."""
        return np.seterr(all="ignore")

    def restore(token):
        """Switches back to what was before."""
        np.seterr(**token)
