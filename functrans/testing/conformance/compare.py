"""Whether results are what they should be: shape, precision, values.

In: results and what was expected. Out: nothing, or `Wrong`. Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from functrans.testing.conformance.dtypes import is_inexact, precision, widened
from functrans.testing.conformance.probe import Probe, Wrong


def compare(got: Sequence[np.ndarray], wanted: Sequence[np.ndarray], probe: Probe, what: str,
            error=0.0):
    """Raises Wrong unless results have the shapes, the precision and the values expected."""
    if len(got) != len(wanted):
        raise Wrong(f"{what}: {len(got)} results, expected {len(wanted)}")
    for number, (part, right) in enumerate(zip(got, wanted)):
        where = f"{what}, result {number}" if len(wanted) > 1 else what
        _compare_kind(part, right, probe, where)
        compare_values(part, right, probe, where, error)


def _compare_kind(part, right, probe: Probe, what: str):
    if part.shape != right.shape:
        raise Wrong(f"{what}: shape {part.shape}, expected {right.shape}")
    if not is_inexact(right.dtype):
        if part.dtype.kind not in ("iu" if right.dtype.kind in "iu" else right.dtype.kind):
            raise Wrong(f"{what}: dtype {part.dtype}, expected {right.dtype}")
        return
    wanted = precision(right.dtype, probe.result_dtype)
    if part.dtype != wanted and is_inexact(probe.result_dtype):
        change = "narrowed" if part.dtype.itemsize < wanted.itemsize else "changed"
        raise Wrong(f"{what}: {change} to {part.dtype}, expected {wanted}")


def compare_values(part, right, probe: Probe, what: str, error):
    if not is_inexact(right.dtype):
        wrong = np.asarray(part != right)
    else:
        wide, tolerance = widened(part), probe.tolerance(error)
        finite = np.isfinite(right)
        size = np.max(np.abs(right), initial=0, where=finite)
        with np.errstate(all="ignore"):
            wrong = np.where(finite, ~(np.abs(wide - right) <= tolerance(size)),
                             ~((wide == right) | np.isnan(wide) & np.isnan(right)))
    if wrong.any():
        place = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise Wrong(f"{what}{list(place) if place else ''}: {part[place]}, expected "
                    f"{right[place]}")


