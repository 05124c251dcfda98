"""The special functions against mpmath and scipy: accuracy, edges, dtypes, no warnings."""
import warnings

import numpy as np
import pytest

from functrans.primitives import special, special_beta
from functrans.primitives.special_base import _BLOCK

ALL = [getattr(special, name) for name in special.__all__]
ARITY = {"polygamma": 2, "igamma": 2, "igammac": 2, "gamma_slope": 2, "betainc": 3}
POINTS = 150


@pytest.fixture
def mp():
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(50):
        yield mpmath


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        yield


@pytest.fixture
def draw():
    return np.random.default_rng(20240607)


def exact_values(oracle, mp, *operands):
    return [mp.re(oracle(*(mp.mpf(float(x)) for x in row))) for row in zip(*operands)]


def worst_ulp(function, oracle, mp, x):
    exact = exact_values(oracle, mp, x)
    errors = [abs(mp.mpf(float(got)) - value) / float(np.spacing(abs(float(value))))
              for got, value in zip(function(x), exact)]
    return float(max(errors))


def worst_relative(function, oracle, mp, *operands, floor=1e-290):
    """The worst relative error; below `floor` that of the absolute error to it."""
    exact = exact_values(oracle, mp, *operands)
    return float(max(abs(mp.mpf(float(got)) - value) / max(abs(value), floor)
                     for got, value in zip(function(*operands), exact)))


# ---- few ulp ----

ULP_RANGES = {
    "erf": [(-0.5, 0.5), (0.5, 1), (-1, -0.5), (1, 6), (1e-300, 1e-290)],
    "erfc": [(-6, -0.5), (-0.5, 0.5), (0.5, 1), (1, 3), (3, 10), (10, 26.5)],
    "logistic": [(-700, -40), (-40, -1), (-1, 1), (1, 40)],
    "bessel_i0e": [(0, 1), (-3, -1), (3, 4), (4, 6), (6, 10), (10, 30), (30, 1000), (1e3, 1e9)],
    "bessel_i1e": [(0, 1), (-3, -1), (3, 4), (4, 6), (6, 10), (10, 30), (30, 1000), (1e3, 1e9)],
}


def ulp_oracle(name, mp):
    return {"erf": mp.erf, "erfc": mp.erfc, "logistic": lambda x: 1 / (1 + mp.exp(-x)),
            "bessel_i0e": lambda x: mp.besseli(0, x) * mp.exp(-abs(x)),
            "bessel_i1e": lambda x: mp.besseli(1, x) * mp.exp(-abs(x))}[name]


@pytest.mark.parametrize(("name", "low", "high"), [
    (name, *ends) for name, ranges in ULP_RANGES.items() for ends in ranges])
def test_within_4_ulp(name, low, high, mp, draw):
    x = draw.uniform(low, high, POINTS)
    assert worst_ulp(getattr(special, name), ulp_oracle(name, mp), mp, x) <= 4


# ---- relative errors ----

@pytest.mark.parametrize(("low", "high", "floor"), [
    (1e-9, 0.5, 0), (0.5, 2.5, 0), (1 - 1e-6, 1 + 1e-6, 0), (2 - 1e-9, 2 + 1e-9, 0), (2.5, 10, 0),
    (10, 100, 0), (100, 1e6, 0), (1e200, 1e300, 0), (-0.5, -1e-9, 0), (-10, -0.5, 1),
    (-100.5, -10, 1)])
def test_lgamma(low, high, floor, mp, draw):
    x = draw.uniform(low, high, POINTS)
    assert worst_relative(special.lgamma, mp.loggamma, mp, x, floor=floor or 1e-290) < 1e-14


@pytest.mark.parametrize(("low", "high"), [(1e-9, 1), (1, 2), (2, 10), (10, 1e4), (1e200, 1e300),
                                           (-1, 0), (-10, -1), (-100.5, -10)])
def test_digamma(low, high, mp, draw):
    x = draw.uniform(low, high, POINTS)
    assert worst_relative(special.digamma, mp.digamma, mp, x, floor=1.0) < 1e-14


@pytest.mark.parametrize(("first", "last", "low", "high"), [
    (1, 5, 0.01, 1), (1, 5, 1, 30), (1, 5, 30, 1e5), (6, 50, 0.01, 5), (6, 50, 5, 300),
    (50, 150, 1, 5), (50, 170, 5, 1000), (1, 5, -5, 0), (6, 20, -30, 0), (1, 3, 1e100, 1e101)])
def test_polygamma(first, last, low, high, mp, draw):
    n = draw.integers(first, last + 1, POINTS).astype(float)
    x = draw.uniform(low, high, POINTS)
    error = worst_relative(special.polygamma, lambda n, x: mp.polygamma(int(n), x), mp, n, x,
                           floor=1e-300)
    assert error < 1e-13


def test_polygamma_of_very_high_order(mp):
    n, x = np.array([171.0, 300.0, 1000.0]), np.array([100.0, 250.0, 900.0])
    assert worst_relative(special.polygamma, lambda n, x: mp.polygamma(int(n), x), mp, n,
                          x) < 1e-11


@pytest.mark.parametrize("p", [
    np.linspace(-0.99, 0.99, POINTS), 1 - 2.0 ** -np.linspace(1, 53, POINTS),
    10.0 ** -np.linspace(0.1, 290, POINTS)], ids=["centre", "tail", "tiny"])
def test_erf_inv(p, mp):
    assert worst_relative(special.erf_inv, mp.erfinv, mp, p) < 1e-14


def _gamma_operands(draw):
    """Operands for each method of the incomplete gamma functions."""
    uniform = draw.uniform
    yield uniform(0, 1.5, POINTS), uniform(0, 1.5, POINTS)
    yield 10.0 ** uniform(-12, 0, POINTS), 10.0 ** uniform(-12, 1, POINTS)
    yield uniform(0, 20, POINTS), uniform(0, 40, POINTS)
    for a, ratio in [(uniform(1, 20, POINTS), 10.0 ** uniform(-2, 1.5, POINTS)),
                     (uniform(20, 60, POINTS), uniform(0.4, 2, POINTS)),
                     (uniform(20, 200, POINTS), uniform(0.1, 4, POINTS))]:
        yield a, a * ratio
    a = 10.0 ** uniform(3.5, 6, POINTS)
    yield a, a + 3 * np.sqrt(a) * draw.normal(size=POINTS)


def test_igamma_and_igammac(mp, draw):
    for a, x in _gamma_operands(draw):
        assert worst_relative(
            special.igamma, lambda a, x: mp.gammainc(a, 0, x, regularized=True), mp, a, x) < 1e-13
        assert worst_relative(
            special.igammac, lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True), mp, a,
            x) < 1e-13


def test_gamma_slope(mp):
    """Against differences of the incomplete functions, with 60 digits."""
    def slope(a, log_x):
        with mp.workdps(60):
            x, step = mp.exp(log_x), a * mp.mpf(10) ** -20
            lower, upper = (0, x) if x < a else (x, mp.inf)
            first, last = (mp.gammainc(b, lower, upper, regularized=True)
                           for b in (a - step, a + step))
            density = mp.exp(a * log_x - x - mp.loggamma(a))
            return (first - last if x < a else last - first) / (2 * step * density)

    a = np.array([1e-3, 0.2, 0.2, 0.2, 1.0, 1.0, 3.5, 3.5, 19.0, 30.0, 30.0, 30.0, 500.0, 500.0])
    x = np.array([1e-9, 1e-3, 1.2, 7.0, 1.0, 9.0, 0.5, 6.0, 45.0, 9.0, 30.0, 70.0, 430.0, 570.0])
    assert worst_relative(special.gamma_slope, slope, mp, a, np.log(x)) < 1e-13


def test_edges_of_gamma_slope():
    a = np.array([0.0, -1.0, np.nan, 2.0, 2.0, np.inf, 2.0])
    log_x = np.array([1.0, 1.0, 1.0, np.nan, np.inf, 1.0, -np.inf])
    np.testing.assert_array_equal(special.gamma_slope(a, log_x),
                                  [np.nan] * 4 + [0.0, 0.0, np.inf])


def _beta_operands(draw):
    """Operands for each method of the incomplete beta function."""
    uniform = draw.uniform
    for a, b in [(2, 2), (20, 20), (0.3, 5), (5, 0.3), (1, 300), (300, 1)]:
        yield uniform(0, a, POINTS), uniform(0, b, POINTS), uniform(0, 1, POINTS)
    tiny = 10.0 ** uniform(-12, -1, POINTS)
    yield uniform(0, 5, POINTS), tiny, uniform(0, 1, POINTS)
    yield tiny, uniform(0, 5, POINTS), uniform(0, 1, POINTS)
    yield tiny, tiny[::-1], uniform(0, 1, POINTS)
    a, b = uniform(10, 500, POINTS), uniform(10, 500, POINTS)
    spread = np.sqrt(a * b / (a + b)) / (a + b)
    yield a, b, np.clip(a / (a + b) + 4 * spread * draw.normal(size=POINTS), 1e-9, 1 - 1e-9)


def test_betainc(mp, draw):
    for a, b, x in _beta_operands(draw):
        error = worst_relative(
            special.betainc, lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True), mp, a, b, x)
        assert error < 1e-13


def test_slopes_of_betainc(mp):
    """Against differences of the function, with 60 digits; absolutely where both are small."""
    def slope(place):
        def difference(*operands):
            with mp.workdps(60):
                step = operands[place] * mp.mpf(10) ** -22
                low, high = ([operands[k] + sign * step * (k == place) for k in (0, 1)]
                             for sign in (-1, 1))
                first, last = (mp.betainc(*ab, 0, operands[2], regularized=True)
                               for ab in (low, high))
                return (last - first) / (2 * step)
        return difference

    a = np.array([0.3, 0.3, 2.0, 2.0, 2.0, 30.0, 30.0, 150.0, 150.0, 0.02, 5.0])
    b = np.array([5.0, 0.2, 2.5, 2.5, 70.0, 4.0, 30.0, 90.0, 90.0, 3.0, 0.05])
    x = np.array([0.02, 0.9, 0.1, 0.8, 0.03, 0.9, 0.45, 0.6, 0.68, 1e-3, 0.99])
    for place, function in enumerate((special_beta.betainc_by_a, special_beta.betainc_by_b)):
        assert worst_relative(function, slope(place), mp, a, b, x) < 1e-11


def test_edges_of_slopes_of_betainc():
    a, b = np.array([2.0, 2.0, np.inf, 0.0, 2.0, np.nan]), np.array([1.0, 1.0, 1.0, 1.0, -1.0, 1.0])
    x = np.array([0.0, 1.0, 0.5, 0.5, 0.5, 0.5])
    for function in (special_beta.betainc_by_a, special_beta.betainc_by_b):
        np.testing.assert_array_equal(function(a, b, x), [0, 0, 0, np.nan, np.nan, np.nan])


def _betainc_by_fraction(mp, a, b, x, steps):
    """DLMF 8.17.22 from below: good for x < a / (a + b), and for any parameters."""
    tail = mp.mpf(1)
    for m in range(steps, -1, -1):
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        even = (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2))
        tail = 1 + odd / (1 + even / tail)
    beta = mp.exp(mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b))
    return x ** a * (1 - x) ** b / (a * beta * tail)


@pytest.mark.parametrize(("a", "b", "x"), [
    (2e3, 7e4, 0.0271), (2.5e5, 4e5, 0.384), (1e6, 1e3, 0.9988), (1.7e6, 2e6, 0.459)])
def test_betainc_of_large_parameters(a, b, x, mp):
    assert worst_relative(
        special.betainc, lambda a, b, x: _betainc_by_fraction(mp, a, b, x, 4000), mp, [a], [b],
        [x]) < 1e-13
    assert special.betainc(b, a, 1 - x) == pytest.approx(1 - special.betainc(a, b, x), abs=1e-10)


def test_betainc_gives_up_with_nan(monkeypatch):
    monkeypatch.setattr(special_beta, "_LONGEST", 10)
    assert np.isnan(special.betainc(1e6, 1e6, 0.5))
    assert special.betainc(2.0, 2.0, 0.25) == pytest.approx(0.15625, rel=1e-14)


# ---- many points against scipy ----

@pytest.mark.parametrize(("name", "theirs"), [
    ("erf", "erf"), ("erfc", "erfc"), ("lgamma", "gammaln"), ("digamma", "digamma"),
    ("logistic", "expit"), ("bessel_i0e", "i0e"), ("bessel_i1e", "i1e"), ("erf_inv", "erfinv")])
def test_many_points_agree_with_scipy(name, theirs, draw):
    scipy_special = pytest.importorskip("scipy.special")
    function, reference = getattr(special, name), getattr(scipy_special, theirs)
    x = np.concatenate([draw.uniform(-25, 25, 50_000), draw.uniform(-1, 1, 50_000)])
    # Next to its poles scipy's digamma is off in the 12th digit.
    tolerance = 1e-9 if name == "digamma" else 3e-14
    single = x.astype(np.float32)
    got, got_single = function(x), function(single)
    with np.errstate(all="ignore"):
        rounded = reference(single.astype(np.float64)).astype(np.float32)
        np.testing.assert_allclose(got, reference(x), rtol=tolerance, atol=2e-13)
        np.testing.assert_allclose(got_single, rounded, rtol=max(tolerance, 1.3e-7), atol=1e-12)


# ---- edges ----

INF, NAN = np.inf, np.nan
EDGES = [
    ("erf", [-INF, -0.0, 0.0, INF, NAN, 40.0, -40.0], [-1, -0.0, 0, 1, NAN, 1, -1]),
    ("erfc", [-INF, 0.0, INF, NAN, 30.0, -30.0], [2, 1, 0, NAN, 0, 2]),
    ("erf_inv", [-1.0, -0.0, 1.0, 1.5, -2.0, NAN], [-INF, -0.0, INF, NAN, NAN, NAN]),
    ("lgamma", [0.0, -0.0, -1.0, -INF, INF, NAN, 1.0, 2.0, -2.0 ** 60],
     [INF, INF, INF, INF, INF, NAN, 0.0, 0.0, INF]),
    ("digamma", [0.0, -0.0, -1.0, -INF, INF, NAN], [-INF, INF, NAN, NAN, INF, NAN]),
    ("logistic", [-INF, INF, 0.0, NAN, -800.0, 800.0], [0, 1, 0.5, NAN, 0, 1]),
    ("bessel_i0e", [-INF, INF, 0.0, NAN], [0, 0, 1, NAN]),
    ("bessel_i1e", [-INF, INF, 0.0, -0.0, NAN], [-0.0, 0, 0, -0.0, NAN]),
]


@pytest.mark.parametrize(("name", "x", "expected"), EDGES, ids=[edge[0] for edge in EDGES])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_edges(name, x, expected, dtype):
    got = getattr(special, name)(np.array(x, dtype))
    np.testing.assert_array_equal(got, expected)
    zero = np.equal(expected, 0)
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(np.array(expected)[zero]))


def test_ends_of_the_range():
    assert special.lgamma(1e306) == INF and special.lgamma(np.float32(1e38)) == INF
    assert special.lgamma(5e-324) == pytest.approx(744.44, abs=0.01)
    assert 0 < special.erfc(27.0) < 1e-300 and special.erfc(28.0) == 0
    assert special.erf(5e-324) == 5e-324 and special.logistic(-745.0) == 5e-324
    assert special.polygamma(1.0, 1e300) == pytest.approx(1e-300, rel=1e-13)
    assert special.polygamma(100.0, 1e-2) == -INF
    assert special.polygamma(100.0, 1e3) == pytest.approx(-9.80e-143, rel=0.01)


@pytest.mark.parametrize(("n", "x", "expected"), [
    (1.0, 0.0, INF), (2.0, 0.0, -INF), (1.0, -3.0, INF), (1.0, INF, 0.0), (1.0, -INF, NAN),
    (1.0, NAN, NAN), (0.5, 1.0, NAN), (-1.0, 1.0, NAN), (NAN, 1.0, NAN), (INF, 1.0, NAN),
    (0.0, -1.0, NAN), (0.0, 0.0, -INF), (200.0, INF, 0.0)])
def test_edges_of_polygamma(n, x, expected):
    np.testing.assert_array_equal(special.polygamma(n, x), expected)


@pytest.mark.parametrize(("a", "x", "expected"), [
    (1.0, 0.0, 0.0), (1.0, INF, 1.0), (0.0, 1.0, 1.0), (0.0, 0.0, NAN), (INF, 1.0, 0.0),
    (INF, INF, NAN), (-1.0, 1.0, NAN), (1.0, -1.0, NAN), (NAN, 1.0, NAN), (1.0, NAN, NAN),
    (5.0, 1e300, 1.0), (1e300, 1e-300, 0.0), (1e-300, 1e300, 1.0), (1e10, 1e5, 0.0)])
def test_edges_of_igamma(a, x, expected):
    np.testing.assert_array_equal(special.igamma(a, x), expected)
    np.testing.assert_array_equal(special.igammac(a, x), 1.0 - expected)


@pytest.mark.parametrize(("a", "b", "x", "expected"), [
    (1.0, 2.0, 0.0, 0.0), (1.0, 2.0, 1.0, 1.0), (0.0, 1.0, 0.5, 1.0), (1.0, 0.0, 0.5, 0.0),
    (0.0, 0.0, 0.5, NAN), (INF, 1.0, 0.5, 0.0), (1.0, INF, 0.5, 1.0), (INF, INF, 0.5, NAN),
    (-1.0, 1.0, 0.5, NAN), (1.0, -1.0, 0.5, NAN), (1.0, 1.0, -0.1, NAN), (1.0, 1.0, 1.1, NAN),
    (NAN, 1.0, 0.5, NAN), (1.0, 1.0, NAN, NAN), (1e200, 5.0, 0.5, 0.0), (5.0, 1e200, 0.5, 1.0),
    (1e-300, 5.0, 0.5, 1.0)])
def test_edges_of_betainc(a, b, x, expected):
    np.testing.assert_array_equal(special.betainc(a, b, x), expected)


# ---- dtypes and shapes ----

def operands(function, x):
    arity = ARITY.get(function.__name__, 1)
    return (np.full_like(x, 2.0), np.full_like(x, 3.0), x)[3 - arity:] if arity > 1 else (x,)


@pytest.mark.parametrize("function", ALL, ids=special.__all__)
def test_dtypes_and_shapes(function):
    x = np.linspace(0.1, 0.9, 24)
    exact = function(*operands(function, x))
    for dtype, digits in [(np.float16, 11), (np.float32, 24), (np.float64, 53)]:
        got = function(*operands(function, x.astype(dtype)))
        again = function(*operands(function, x.astype(dtype).astype(np.float64)))
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, again.astype(dtype))     # rounded once
        np.testing.assert_allclose(got, exact, rtol=20 * 2.0 ** -digits)
    for shape in [(), (0,), (0, 3), (24,), (2, 3, 4)]:
        y = np.resize(x, shape)
        got = function(*operands(function, y))
        assert isinstance(got, np.ndarray) and got.shape == shape
    turned = x.reshape(4, 6).T
    np.testing.assert_array_equal(function(*operands(function, turned)),
                                  exact.reshape(4, 6).T)


@pytest.mark.parametrize("function", ALL, ids=special.__all__)
def test_what_is_not_of_floats_is_refused(function):
    for x in (np.arange(3), np.array([True])):
        with pytest.raises(TypeError, match="takes arrays of floats"):
            function(*operands(function, x))


def test_broadcasting_and_python_numbers():
    x = np.linspace(0.1, 1, 5, dtype=np.float32)
    got = special.polygamma(1, x)
    assert got.dtype == np.float32 and got.shape == (5,)
    table = special.igamma(np.arange(1.0, 4.0)[:, None], np.arange(1.0, 3.0))
    assert table.shape == (3, 2) and table[2, 1] == special.igamma(3.0, 2.0)


def test_blocks_join(draw):
    x = draw.uniform(-3, 3, 2 * _BLOCK + 17)
    pieces = [special.erf(piece) for piece in np.array_split(x, 5)]
    np.testing.assert_array_equal(special.erf(x), np.concatenate(pieces))


def test_logistic_of_complex_numbers(draw):
    z = draw.normal(size=50) * 20 + 1j * draw.normal(size=50)
    got = special.logistic(z)
    np.testing.assert_allclose(got * (1 + np.exp(-z)), 1, rtol=1e-13)
    assert special.logistic(z.astype(np.complex64)).dtype == np.complex64
    assert special.logistic(complex(-2000, 1)) == 0 and special.logistic(complex(2000, 1)) == 1


def test_bfloat16(draw):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = draw.normal(size=20).astype(ml_dtypes.bfloat16)
    got = special.erf(x)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, special.erf(x.astype(np.float64)).astype(x.dtype))
