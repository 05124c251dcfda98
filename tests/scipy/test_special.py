"""Special functions against SciPy, and their derivatives against differences."""
from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import DtypeError, NotDifferentiableError

reference = pytest.importorskip("scipy.special")
sp = ft.scipy.special
INF, NAN = np.inf, np.nan

_RNG = np.random.default_rng(0)
LINE = np.concatenate([_RNG.normal(size=60) * 5,
                       [0, -0.0, 1, -1, 0.5, -3, 30, -30, INF, -INF, NAN]])
POSITIVE = np.exp(_RNG.uniform(-3, 5, LINE.size))
MORE = np.exp(_RNG.uniform(-3, 5, LINE.size))
UNIT = np.concatenate([_RNG.uniform(size=LINE.size - 6), [0, 1, 0.5, 1e-9, 1 - 1e-9, NAN]])
WIDE = 1.001 + POSITIVE
# Points away from kinks and poles, at which slopes are compared.
SMOOTH = np.linspace(0.13, 0.87, 5)

# name -> (operands, places of operands with a derivative)
FUNCTIONS = {
    **{name: ((LINE,), (0,)) for name in (
        "erf", "erfc", "erfcx", "ndtr", "log_ndtr", "i0", "i0e", "i1", "i1e", "expit",
        "log_expit", "exprel", "entr")},
    "gammaln": ((LINE[:-3],), (0,)), "digamma": ((LINE,), (0,)), "psi": ((LINE,), (0,)),
    "gamma": ((LINE,), (0,)), "gammasgn": ((LINE,), ()), "factorial": ((POSITIVE,), (0,)),
    "erfinv": ((UNIT,), (0,)), "erfcinv": ((2 * UNIT,), (0,)), "logit": ((UNIT,), (0,)),
    "ndtri": ((UNIT,), (0,)),
    **{name: ((LINE, LINE[::-1]), (0, 1)) for name in ("xlogy", "xlog1py")},
    **{name: ((POSITIVE, MORE), (0, 1)) for name in ("rel_entr", "kl_div", "beta", "betaln",
                                                     "binom", "poch")},
    "gammainc": ((POSITIVE, MORE), (1,)), "gammaincc": ((POSITIVE, MORE), (1,)),
    "betainc": ((POSITIVE, MORE, UNIT), (2,)), "zeta": ((WIDE, POSITIVE), (1,)),
}
_TOLERANCE = {"poch": 1e-9, "binom": 1e-9, "beta": 1e-9, "betaln": 1e-8, "gammainc": 1e-10,
              "gammaincc": 1e-10}


def expected(name: str, operands):
    with np.errstate(all="ignore"):
        return getattr(reference, name)(*operands)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_values(name):
    operands, _ = FUNCTIONS[name]
    operands = [x[:min(map(len, operands))] for x in operands]
    want, function = expected(name, operands), getattr(sp, name)
    limit = _TOLERANCE.get(name, 1e-12)
    np.testing.assert_allclose(function(*operands), want, rtol=limit, atol=1e-300)
    np.testing.assert_allclose(ft.jit(function)(*operands), want, rtol=limit, atol=1e-300)
    single = [x.astype("float32") for x in operands]
    got = function(*single)
    assert got.dtype == "float32"
    again = expected(name, [x.astype("float64") for x in single])
    with np.errstate(all="ignore"):
        close = np.isclose(got, again.astype("float32"), rtol=2e-4, atol=1e-37, equal_nan=True)
    assert close.all() or name == "kl_div"         # whose terms cancel


@pytest.mark.parametrize("name", [name for name in sorted(FUNCTIONS) if FUNCTIONS[name][1]])
def test_derivatives(name):
    """First against differences, second against those of the first; reverse and batched."""
    operands, places = FUNCTIONS[name]
    function, at = getattr(sp, name), [SMOOTH + 0.07 * k for k in range(len(operands))]
    if name == "zeta":
        at[0] = at[0] + 1.5
    h = 1e-5
    for place in places:
        def value(x, place=place):
            return function(*[x if k == place else y for k, y in enumerate(at)])

        def slope(x, value=value):
            return ft.jvp(value, (x,), (np.ones_like(x),))[1]
        x = at[place]
        np.testing.assert_allclose(slope(x), (value(x + h) - value(x - h)) / (2 * h), rtol=1e-6,
                                   atol=1e-8)
        curve = (slope(x + h) - slope(x - h)) / (2 * h)
        np.testing.assert_allclose(ft.jvp(slope, (x,), (np.ones_like(x),))[1], curve, rtol=1e-5,
                                   atol=1e-7)
        lanes = ft.vmap(ft.grad(lambda x, *rest, place=place: function(
            *rest[:place], x, *rest[place:])))
        rest = [y for k, y in enumerate(at) if k != place]
        np.testing.assert_allclose(lanes(x, *rest), slope(x), rtol=1e-9)


@pytest.mark.parametrize("call", [
    ft.grad(lambda x: sp.gammainc(x, 1.0)), ft.grad(lambda x: sp.gammaincc(x, 1.0)),
    ft.grad(lambda x: sp.betainc(x, 1.0, 0.5)), ft.grad(lambda x: sp.betainc(1.0, x, 0.5)),
    lambda x: sp.zeta(x, 1.0)])
def test_parameters_without_a_derivative_say_so(call):
    with pytest.raises(NotDifferentiableError, match="has no derivative in"):
        ft.grad(call)(1.5)
    assert float(ft.grad(lambda x: call(ft.stop_gradient(x)) + x)(1.5)) == 1


def test_polygamma_and_its_kin():
    for n in range(4):
        np.testing.assert_allclose(sp.polygamma(n, POSITIVE), reference.polygamma(n, POSITIVE),
                                   rtol=1e-10)
    for d in (1, 2, 5):
        np.testing.assert_allclose(sp.multigammaln(WIDE + 3, d),
                                   reference.multigammaln(WIDE + 3, d), rtol=1e-12)
    assert float(sp.zeta(np.float64(2.0))) == pytest.approx(np.pi ** 2 / 6)


def test_edges_have_finite_gradients():
    for function, x in ((sp.entr, 0.0), (lambda x: sp.xlogy(x, x), 0.0), (sp.exprel, 0.0),
                        (sp.i1e, 0.0), (sp.log_ndtr, -1e4), (sp.log_ndtr, 40.0)):
        assert np.isfinite(ft.grad(function)(np.float64(x)))
    assert float(ft.grad(sp.log_ndtr)(np.float64(-1e4))) == pytest.approx(1e4, rel=1e-7)
    assert float(ft.grad(lambda x: sp.xlogy(x, 2.0))(np.float64(0.0))) == pytest.approx(np.log(2))


@given(st.integers(0, 999), st.sampled_from([None, 0, -1, (0, 1)]), st.booleans())
def test_sums_of_exponentials(seed, axis, keepdims):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(3, 4)) * 100, rng.normal(size=(3, 4))
    np.testing.assert_allclose(sp.logsumexp(a, axis, keepdims=keepdims),
                               reference.logsumexp(a, axis, keepdims=keepdims), rtol=1e-12)
    got = sp.logsumexp(a, axis, b, keepdims, return_sign=True)
    for part, want in zip(got, reference.logsumexp(a, axis, b, keepdims, return_sign=True)):
        np.testing.assert_allclose(part, want, rtol=1e-10)
    np.testing.assert_allclose(sp.softmax(a, axis), reference.softmax(a, axis), rtol=1e-12,
                               atol=1e-300)
    np.testing.assert_allclose(sp.log_softmax(a, axis), reference.log_softmax(a, axis), rtol=1e-12)


def test_dtypes_and_errors():
    assert sp.gammaln(2).dtype == "float32"
    assert sp.gammaln(np.arange(1, 3)).dtype == "float32"
    assert sp.xlogy(np.float32(1), np.float64(1)).dtype == "float64"
    assert sp.gammainc(1.0, np.ones((2, 3))).shape == (2, 3)
    assert sp.erf(fnp.ones(2, "float16")).dtype == "float16"
    with pytest.raises(DtypeError):
        sp.gammaln(1j)
    with pytest.raises(DtypeError, match="takes real arrays"):
        sp.betaln(1j, 1.0)
    with pytest.raises(NotImplementedError, match="exact"):
        sp.factorial(3, exact=True)


@pytest.mark.parametrize("package", ["special", "stats"])
def test_examples_in_docstrings(package):
    package = import_module(f"functrans.scipy.{package}")
    for module in pkgutil.iter_modules(package.__path__):
        assert not doctest.testmod(import_module(f"{package.__name__}.{module.name}")).failed
