"""Functions are called as NumPy's: the same arguments in the same order, by the same names."""
from __future__ import annotations

import inspect

import numpy as np
import pytest
from numpy_rows import coverage

import functrans.numpy as fnp

# Arguments of NumPy's that mean nothing here, or are not provided.
OMITTED = {
    "like": "NumPy's own way to choose a library", "casting": "casts are those of astype",
    "subok": "there are no subclasses", "ndmax": "nested sequences are taken as they are",
    "weights": "quantiles of weighted data",
}
# Names that differ: those of the array API standard, or shorter ones; their order is NumPy's.
RENAMED = {"clip", "arange"}
NAMED, POSITIONAL = inspect.Parameter.KEYWORD_ONLY, (inspect.Parameter.POSITIONAL_ONLY,
                                                     inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _signature(function):
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _comparable() -> list[str]:
    names = []
    for name in coverage.listed():
        theirs, ours = getattr(np, name, None), getattr(fnp, name, None)
        if inspect.isfunction(ours) and callable(theirs) and not isinstance(theirs, np.ufunc) \
                and _signature(theirs) is not None:
            names.append(name)
    return names


@pytest.mark.parametrize("name", _comparable())
def test_arguments(name):
    theirs = _signature(getattr(np, name)).parameters.values()
    ours = _signature(getattr(fnp, name)).parameters
    wanted = [p.name for p in theirs if p.kind in POSITIONAL and p.name not in OMITTED]
    given = [p.name for p in ours.values() if p.kind in POSITIONAL and p.name not in OMITTED]
    if any(p.kind is p.VAR_POSITIONAL for p in (*theirs, *ours.values())):
        wanted = given = []
    if name in RENAMED:
        assert len(given) >= len(wanted)
    else:
        assert given[:len(wanted)] == wanted
    accepts_any = any(p.kind is p.VAR_KEYWORD for p in ours.values())
    for p in theirs:
        if p.kind is NAMED and p.name not in OMITTED and not accepts_any:
            assert p.name in ours


@pytest.mark.parametrize("name", ["add", "exp", "less", "gcd", "divmod", "isnan"])
def test_keywords_of_elementwise_functions(name):
    function, oracle = getattr(fnp, name), getattr(np, name)
    operands = [np.array([4, 6]), np.array([2, 4])][:function.nin]
    mask = np.array([True, False])
    got = np.asarray(function(*operands, where=mask))[..., 0]
    np.testing.assert_allclose(got, np.asarray(oracle(*operands))[..., 0])
    with pytest.raises(TypeError, match="immutable"):
        function(*operands, out=fnp.zeros(2))


def test_dtype_of_elementwise_functions():
    x = np.array([1, 2], np.int8)
    assert fnp.add(x, x, dtype="float64").dtype == np.add(x, x, dtype="float64").dtype
    assert fnp.exp(x, dtype="float64").dtype == np.float64


@pytest.mark.parametrize("name", ["concatenate", "stack", "sum", "max", "mean", "dot", "outer",
                                  "take", "clip", "cumsum", "round"])
def test_out_is_refused(name):
    x = fnp.ones((2, 2))
    args = {"concatenate": ([x, x],), "stack": ([x, x],), "dot": (x, x), "outer": (x, x),
            "take": (x, 0), "clip": (x, 0, 1)}.get(name, (x,))
    with pytest.raises(TypeError, match="immutable"):
        getattr(fnp, name)(*args, out=x)
