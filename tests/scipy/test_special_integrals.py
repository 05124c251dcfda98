"""Special functions that are integrals, powers and recurrences: against SciPy and mpmath."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.errors import ConcretizationError, DtypeError
from functrans.testing import check_grads

reference = pytest.importorskip("scipy.special")
sp = ft.scipy.special
INF, NAN = np.inf, np.nan
_RNG = np.random.default_rng(0)

POSITIVE = np.concatenate([np.exp(_RNG.uniform(-20, 6, 150)), [0, 1, 2, 4, 38, 1e-300, INF, NAN]])
LINE = np.concatenate([_RNG.uniform(-12, 12, 100), np.exp(_RNG.uniform(-20, 4, 50)),
                       -np.exp(_RNG.uniform(-20, 4, 50)), [0.0, -0.0, 1, -1, INF, NAN]])
WIDE = np.concatenate([_RNG.uniform(0, 3, 100), POSITIVE[:-2]])
SMOOTH = np.array([0.3, 1.7, 6.0])


def close(got, want, limit: float = 1e-13, smallest: float = 0.0):
    got, want = (x if isinstance(x, tuple) else (x,) for x in (got, want))
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=limit, atol=smallest)


def agree(function, want, *operands, limit: float = 1e-13, smallest: float = 0.0):
    """In double and single precision, un-jitted and jitted."""
    close(function(*operands), want(*operands), limit, smallest)
    close(ft.jit(function)(*operands), want(*operands), limit, smallest)
    single = [x.astype("float32") for x in operands]
    got, again = function(*single), want(*[x.astype("float64") for x in single])
    got, again = (x if isinstance(x, tuple) else (x,) for x in (got, again))
    for a, b in zip(got, again, strict=True):
        assert a.dtype == "float32"
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(a, b.astype("float32"), rtol=3e-7, atol=max(smallest, 1e-37))


# ---- exponential integrals ----

@pytest.mark.parametrize("n", [0, 1, 2, 5, 40])
def test_expn(n):
    agree(lambda x: sp.expn(n, x), lambda x: reference.expn(n, x), POSITIVE)
    close(sp.expn(n, -1.0), NAN)


def test_orders_may_be_arrays():
    n = np.arange(-1, 9)
    x = np.linspace(0.0, 5.0, 10)
    with np.errstate(all="ignore"):
        want = np.where(n < 0, NAN, reference.expn(n, x))
    close(sp.expn(n, x), want)
    close(ft.jit(ft.vmap(sp.expn))(n, x), want)


def test_exp1_and_expi():
    agree(sp.exp1, reference.exp1, POSITIVE)
    both = np.concatenate([POSITIVE, -POSITIVE[:-2]])
    agree(sp.expi, reference.expi, both, smallest=1e-15)
    close(sp.exp1(-1.0), NAN)
    close(sp.expi(-INF), 0.0)
    close(sp.expi(np.float64(705.0)), reference.expi(705.0), 1e-12)
    assert 1e305 < float(sp.expi(np.float64(709.9))) < INF


# ---- integrals of sines and cosines ----

def test_sici():
    agree(sp.sici, reference.sici, LINE, smallest=1e-15)
    close(sp.sici(np.float64(-INF)), (-np.pi / 2, NAN))
    assert np.signbit(sp.sici(np.float64(-0.0))[0])


def test_fresnel():
    agree(sp.fresnel, reference.fresnel, LINE, smallest=1e-15)
    close(sp.fresnel(-INF), (-0.5, -0.5))
    mpmath = pytest.importorskip("mpmath")
    for x in (300.25, 12345.678, 1.0e6 / 3, 1e20):
        with mpmath.workdps(60):
            want = float(mpmath.fresnels(x)), float(mpmath.fresnelc(x))
        close(sp.fresnel(np.float64(x)), want, 1e-14)


# ---- Spence, Dawson, Owen ----

def test_spence():
    agree(sp.spence, reference.spence, WIDE)
    close(sp.spence(np.array([-1.0, NAN, INF])), np.array([NAN, NAN, -INF]))


def test_dawsn():
    mpmath = pytest.importorskip("mpmath")

    def exact(x):
        with mpmath.workdps(30):
            return np.array([float(mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-mpmath.mpf(z) ** 2)
                                   * mpmath.erfi(mpmath.mpf(z))) for z in x.tolist()])
    agree(sp.dawsn, exact, LINE[np.isfinite(LINE) & (abs(LINE) < 20)])
    close(sp.dawsn(np.array([INF, -INF, NAN, 1e200])), np.array([0, -0.0, NAN, 5e-201]), 1e-12)


def test_owens_t():
    h = np.concatenate([_RNG.uniform(-12, 12, 300), [0, 1, -1, INF, NAN, 1, 0, 0, 3, 0, 40]])
    a = np.concatenate([np.tan(_RNG.uniform(-1.57, 1.57, 300)),
                        [0, 0, 1, 1, 1, NAN, INF, -INF, INF, 1e5, 1e-5]])
    agree(sp.owens_t, reference.owens_t, h, a, limit=1e-12, smallest=1e-300)


# ---- powers, choices, Bernoulli's numbers ----

def test_box_and_cox():
    x = np.concatenate([_RNG.gamma(1.0, 2.0, 100), [0, 0, 0, -1, 1, 2, INF]])
    power = np.concatenate([_RNG.normal(size=50), _RNG.normal(size=50) * 1e-6,
                            [1, -1, 0, 2, 0, 0, 0]])
    with np.errstate(all="ignore"):
        agree(sp.boxcox, reference.boxcox, x, power)
        agree(sp.boxcox1p, reference.boxcox1p, x - 0.5, power)
    check_grads(sp.boxcox, (SMOOTH, np.array([0.5, 1e-4, -0.3])), order=2)
    at_zero = ft.grad(sp.boxcox, (0, 1))(np.float64(3.0), np.float64(0.0))
    close(at_zero[0], 1 / 3)
    close(at_zero[1], np.log(3.0) ** 2 / 2)


def test_comb():
    n, k = (x.ravel().astype(float) for x in np.meshgrid(np.arange(0, 50), np.arange(-2, 50)))
    agree(sp.comb, reference.comb, n, k)
    agree(lambda n, k: sp.comb(n, k, repetition=True),
          lambda n, k: reference.comb(n, k, repetition=True),
          n[(n > 0) & (k >= 0)], k[(n > 0) & (k >= 0)])
    assert sp.comb(0, 0, repetition=True) == 1
    assert np.asarray(sp.comb(np.float64(30.0), np.arange(4))).tolist() == [1, 30, 435, 4060]
    close(sp.comb(np.array([5.5, 10.25, NAN, -1.0]), np.array([2.0, 3.5, 1.0, 0.0])),
          np.array([*reference.comb([5.5, 10.25], [2, 3.5]), NAN, 0.0]), 1e-12)
    check_grads(lambda n: sp.comb(n, 2.0), (np.float64(7.3),), order=2)


def test_bernoulli():
    got = sp.bernoulli(30)
    assert got.shape == (31,) and got.dtype == "float32"
    np.testing.assert_allclose(got, reference.bernoulli(30), rtol=1e-6, atol=1e-12)


def test_loggamma():
    agree(sp.loggamma, reference.loggamma, np.concatenate([np.exp(_RNG.uniform(-5, 5, 50)),
                                                           [INF, NAN, -0.5, -3.0]]))


# ---- recurrences ----

@pytest.mark.parametrize("v", [0, 1, 12, 70])
def test_bessel_jn(v):
    z = np.concatenate([_RNG.uniform(-90, 90, 100), np.exp(_RNG.uniform(-25, 7, 40)),
                        [0, 25, -25, 26, 1e-6]])

    def want(z):
        return np.stack([reference.jv(k, z) for k in range(v + 1)])
    agree(lambda z: sp.bessel_jn(z, v=v), want, z, smallest=3e-14)
    small = np.exp(_RNG.uniform(-9, 1, 20))               # where they fall with the order
    close(sp.bessel_jn(small, v=12), np.stack([reference.jv(k, small) for k in range(13)]), 1e-12)
    close(sp.bessel_jn(np.array([INF, NAN]), v=1), np.array([[0, NAN], [0, NAN]]))
    assert sp.bessel_jn(2.0, v=v).shape == (v + 1,)


def test_sph_harm_y():
    n, m = (x.ravel() for x in np.meshgrid(np.arange(12), np.arange(-13, 14)))
    theta, phi = _RNG.uniform(0, np.pi, n.size), _RNG.uniform(-7, 7, n.size)
    want = reference.sph_harm_y(n, m, theta, phi)
    close(sp.sph_harm_y(n, m, theta, phi), want, smallest=1e-13)
    traced = ft.jit(lambda n, m, theta, phi: sp.sph_harm_y(n, m, theta, phi, n_max=11).real)
    close(traced(n, m, theta, phi), want.real, smallest=1e-13)
    single = sp.sph_harm_y(n, m, theta.astype("float32"), phi.astype("float32"))
    assert single.dtype == "complex64"
    np.testing.assert_allclose(single, want, atol=1e-4)
    close(sp.sph_harm_y(200, 150, np.float64(1.0), np.float64(2.0)),
          reference.sph_harm_y(200, 150, 1.0, 2.0), 1e-12)
    check_grads(lambda t, p: sp.sph_harm_y(5, -3, t, p).imag, (np.float64(0.7), np.float64(2.0)),
                order=2)
    with pytest.raises(ConcretizationError, match="n_max"):
        ft.jit(lambda n: sp.sph_harm_y(n, 0, 1.0, 1.0).real)(3)


# ---- derivatives, arguments ----

@pytest.mark.parametrize("function, order", [
    (lambda x: sp.expn(3, x), 2), (lambda x: sp.expn(0, x), 1), (sp.exp1, 1), (sp.expi, 1),
    (sp.sici, 1), (sp.fresnel, 1), (sp.spence, 2), (sp.dawsn, 2), (lambda x: sp.owens_t(x, 0.7), 2),
    (lambda x: sp.owens_t(0.7, x), 2), (lambda x: sp.bessel_jn(x, v=3), 1), (sp.loggamma, 2),
], ids=["expn", "exp0", "exp1", "expi", "sici", "fresnel", "spence", "dawsn", "owens_h", "owens_a",
        "bessel_jn", "loggamma"])
def test_derivatives(function, order):
    check_grads(function, (SMOOTH,), order=order)
    total = (lambda x: sum(part.sum() for part in function(x))) \
        if isinstance(function(SMOOTH), tuple) else (lambda x: function(x).sum())
    lanes = ft.vmap(ft.grad(total))(SMOOTH[:2])
    np.testing.assert_allclose(lanes, [ft.grad(total)(x) for x in SMOOTH[:2]], rtol=1e-9)


def test_slopes_at_edges():
    close(ft.grad(sp.spence)(np.float64(1.0)), -1.0)
    close(ft.grad(ft.grad(sp.spence))(np.float64(1.0)), 0.5)
    close(ft.grad(sp.dawsn)(np.float64(0.0)), 1.0)
    close(ft.grad(lambda x: sp.sici(x)[0])(np.float64(0.0)), 1.0)
    close(ft.grad(sp.expi)(np.float64(-2.0)), np.exp(-2.0) / -2)
    close(ft.grad(lambda x: sp.bessel_jn(x, v=1)[1])(np.float64(0.0)), 0.5)


def test_names_of_arguments():
    one, two = np.float64(0.5), np.float64(0.25)
    assert sp.erfinv(x=one) == sp.erfinv(one)
    assert sp.kl_div(p=one, q=two) == sp.kl_div(one, two)
    assert sp.rel_entr(p=one, q=two) == sp.rel_entr(one, two)
    assert sp.log_ndtr(one, series_order=5) == sp.log_ndtr(one)
    assert sp.expn(1, fnp.ones(2, "float16")).dtype == "float16"


@pytest.mark.parametrize("call, error, message", [
    (lambda: sp.expn(1.0, 1.0), DtypeError, "n must be an integer"),
    (lambda: sp.exp1(1j), DtypeError, "takes real arrays"),
    (lambda: sp.comb(3, 2, exact=True), NotImplementedError, "math.comb"),
    (lambda: sp.bernoulli(-1), ValueError, "not negative"),
    (lambda: sp.bessel_jn(1.0, v=1.5), ValueError, "v must be an int"),
    (lambda: sp.sph_harm_y(1.0, 0, 1.0, 1.0), DtypeError, "n must be an integer"),
    (lambda: sp.sph_harm_y(1, 0, 1.0, 1.0, diff_n=1), NotImplementedError, "diff_n"),
])
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
