"""Computes the coefficients of the special functions anew, with 40 digits."""
import numpy as np
import pytest

from functrans.primitives import special_tables as tables

mp = pytest.importorskip("mpmath")


def interpolate(function, count, low, high):
    """The polynomial on [-1, 1] through `count` Chebyshev nodes of [low, high]."""
    angles = [mp.pi * (k + mp.mpf(1) / 2) / count for k in range(count)]
    values = [function((low + high) / 2 + (high - low) / 2 * mp.cos(angle)) for angle in angles]
    total = [mp.mpf(0)] * count
    before, current = None, [mp.mpf(1)]         # Chebyshev polynomials of order j - 1 and j
    for order in range(count):
        weight = mp.fsum(v * mp.cos(order * angle) for v, angle in zip(values, angles))
        weight *= (2 if order else 1) / mp.mpf(count)
        for power, coefficient in enumerate(current):
            total[power] += weight * coefficient
        before, current = current, following(before, current)
    return total


def following(before, current):
    """2 t T_j - T_(j - 1), or t after 1."""
    if before is None:
        return [mp.mpf(0), mp.mpf(1)]
    doubled = [mp.mpf(0), *(2 * coefficient for coefficient in current)]
    return [a - (before[k] if k < len(before) else 0) for k, a in enumerate(doubled)]


def erf_part(z):
    return mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1


def erfcx_part(t):
    x = mp.mpf(15) / 4 * (1 + t) / (1 - t)
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def bessel_part(order):
    return lambda u: mp.besseli(order, 1 / u) * mp.exp(-1 / u) / mp.sqrt(u)


def log_gamma_part(t):
    x = (mp.mpf(11) / 10 + t) / (1 - t)
    return mp.loggamma(x) / ((x - 1) * (x - 2))


def erf_inv_of_w(w):
    """erf_inv(p) / p where 1 - p**2 = exp(-w), by Newton's method on log(erfc)."""
    p = mp.sqrt(-mp.expm1(-w))
    rest = mp.exp(-w) / (1 + p)
    y = mp.sqrt(w) * mp.mpf("0.9")
    for _ in range(40):
        tail = mp.erfc(y)
        y += mp.log(tail / rest) * tail * mp.exp(y * y) * mp.sqrt(mp.pi) / 2
    return y / p


def _t(x):
    return (x - mp.mpf(15) / 4) / (x + mp.mpf(15) / 4)


CASES = {
    "ERF": lambda: (erf_part, 0, mp.mpf(1) / 4),
    "ERFCX": lambda: (erfcx_part, _t(mp.mpf(1) / 2), _t(mp.mpf(28))),
    "BESSEL_I0_MIDDLE": lambda: (bessel_part(0), mp.mpf(1) / 10, mp.mpf(1) / 4),
    "BESSEL_I0_TAIL": lambda: (bessel_part(0), 0, mp.mpf(1) / 10),
    "BESSEL_I1_MIDDLE": lambda: (bessel_part(1), mp.mpf(1) / 10, mp.mpf(1) / 4),
    "BESSEL_I1_TAIL": lambda: (bessel_part(1), 0, mp.mpf(1) / 10),
    "LOG_GAMMA": lambda: (log_gamma_part, -mp.mpf(4) / 10, mp.mpf(4) / 10),
    "ERF_INV_CENTRE": lambda: (erf_inv_of_w, 0, mp.mpf(5)),
    "ERF_INV_TAIL": lambda: (lambda s: erf_inv_of_w(s * s), mp.sqrt(5), mp.mpf(61) / 10),
}


@pytest.mark.parametrize("name", CASES)
def test_table(name):
    stored = getattr(tables, name)
    with mp.workdps(40):
        function, low, high = CASES[name]()
        exact = interpolate(function, len(stored), mp.mpf(low), high)
        np.testing.assert_allclose(stored, [float(c) for c in exact], rtol=1e-15, atol=1e-28)
