"""erf, erfc, erfcx, erf_inv.

Near 0 erf is a polynomial. Beyond, (1 + 2x) exp(x**2) erfc(x) is a polynomial in
(x - k) / (x + k) over the whole half line (M. M. Shepherd and J. G. Laframboise, "Chebyshev
approximation of (1 + 2x) exp(x**2) erfc x", 1981). The split at 1/2 and its reason, the
cancellation in 1 - erf(x), are W. J. Cody's ("Rational Chebyshev approximations for the error
function", 1969). erf_inv(x) / x is a function of w = -log(1 - x**2), with other polynomials,
in sqrt(w), towards 1 (M. Giles, "Approximating the erfinv function", 2012).
"""
from __future__ import annotations

from .exponential import exp_excess_parts
from .logarithm import log
from .registry import function
from .vocabulary import (F32, F64, fused, magnitude, multiply_add, polynomial,
                         quick_two_sum, scale_by_power_of_two, square_root, two_product, where,
                         with_sign_of)

# erf(x) / x - 1, in x**2, for |x| <= 1/2
_ERF = {
    F32: (0.12837917, -0.3761261, 0.11282851, -0.02675826, 0.0047191596),
    F64: (0.12837916709551256, -0.3761263890318288, 0.1128379167087384,
          -0.026866170615889914, 0.005223977098818937, -0.0008548273819895386,
          0.00012052181202558526, -1.4816949546596869e-05, 1.4432415450185194e-06),
}
# (1 + 2x) exp(x**2) erfc(x) in (x - k) / (x + k), for x >= 1/2, and k
_ERFC = {
    F32: (1.2769784, -0.09276382, -0.16603035, 0.16405074, -0.054221075, -0.008026125,
          0.008731081, 0.0012231999, -0.0014827152, -0.00032075233, 0.00023156707),
    F64: (1.2530080582697296, -0.1356211061245812, -0.04756229435345067,
          0.12964515870276358, -0.11927366341531384, 0.0683080273438842,
          -0.023770514918473346, 0.002529391817415612, 0.001888690355393961,
          -0.000779832282160447, -0.00010515975067217352, 0.00012509939089755677,
          4.949116539944029e-06, -2.010061157971897e-05, -7.298503126347213e-07,
          3.4721695796467146e-06, 3.522055237448477e-07, -6.154304390328909e-07,
          -1.336066434172788e-07, 9.941518826898202e-08, 3.364243730637951e-08,
          -1.0880635240242014e-08, -4.116692517667828e-09),
}
_ERFC_CENTER = {F32: 2.0, F64: 3.0}
_ERFC_ZERO = {F32: 10.2, F64: 27.3}    # erfc is 0 here


def _erf_near_zero(x):
    return multiply_add(x, polynomial(x * x, _ERF[x.dtype]), x)


def _scaled_parts(x):
    """exp(x**2) erfc(x) for x >= 1/2: a value, and what rounding took from it."""
    center = _ERFC_CENTER[x.dtype]
    first, *others = _ERFC[x.dtype]
    ratio = (x - center) / (x + center)
    scaled, scaled_low = quick_two_sum(first, ratio * polynomial(ratio, others))
    divisor = 1 + 2 * x
    lost = 1 - (divisor - 2 * x)
    quotient = scaled / divisor
    rest = ((fused(-quotient, divisor, scaled) - quotient * lost) + scaled_low) / divisor
    return quotient, rest


def _erfc_beyond_half(x):
    """erfc(x) for x >= 1/2."""
    most = _ERFC_ZERO[x.dtype]
    x = where(x > most, most, x)
    quotient, rest = _scaled_parts(x)
    square, square_low = two_product(x, x)
    excess, k = exp_excess_parts(-square, -square_low)
    tail = multiply_add(excess, quotient, multiply_add(excess, rest, rest))
    return scale_by_power_of_two(quotient + tail, k)


@function("f")
def erf(x):
    """The error function, all x."""
    a = magnitude(x)
    return where(a < 0.5, _erf_near_zero(x), with_sign_of(1 - _erfc_beyond_half(a), x))


@function("f")
def erfc(x):
    """1 - erf(x), all x, accurate in the right tail, gradual underflow included."""
    a = magnitude(x)
    tail = _erfc_beyond_half(a)
    return where(a < 0.5, 1 - _erf_near_zero(x), where(x < 0, 2 - tail, tail))


# erfcx is infinite to the left of these numbers; from _ERFC_ZERO to the right the asymptotic
# series in 1 / (2 x**2) (Abramowitz & Stegun 1964, 7.1.23)
_ERFCX_LEAST = {F32: -9.4, F64: -26.7}
_ASYMPTOTIC = 1.0, -1.0, 3.0, -15.0, 105.0, -945.0, 10395.0
ONE_OVER_ROOT_PI = 0.5641895835477563


@function("f")
def erfcx(x):
    """exp(x**2) erfc(x), all x; on the left 2 exp(x**2) less its mirror image."""
    least, most = _ERFCX_LEAST[x.dtype], _ERFC_ZERO[x.dtype]
    a = magnitude(x)
    quotient, rest = _scaled_parts(where(a > 0.5, where(a > most, most, a), 0.5))
    inverse = 1 / where(a > most, a, most)
    series = ONE_OVER_ROOT_PI * inverse * polynomial(0.5 * inverse * inverse, _ASYMPTOTIC)
    scaled = where(a > most, series, quotient + rest)
    left = where(x < least, least, where(x > 0.5, 0.5, x))
    square, square_low = two_product(left, left)
    excess, k = exp_excess_parts(square, square_low)
    near = scale_by_power_of_two(
        multiply_add(1 + excess, -_erf_near_zero(where(a < 0.5, x, 0.0)), 1 + excess), k)
    mirrored = scale_by_power_of_two(2 + 2 * excess, k) - scaled
    result = where(a < 0.5, near, where(x < 0, mirrored, scaled))
    return where(x < least, float("inf"), where(x != x, x, result))


# erf_inv(x) / x in w = -log(1 - x**2) from 0, and in sqrt(w) further on; each with the middle
# of its interval
_CENTER = {
    F32: (1.5014094, 0.24664028, -0.004177387, -0.0012527419, 0.00021834443, -4.9633513e-06,
          -3.4627005e-06, 4.6617166e-07, 2.3232294e-08, -8.7911385e-09),
    F64: (1.6536545626831027, 0.24015818242558826, -0.006033670871427753,
          -0.0007407025341539544, 0.00018673420802425546, -1.3882523395792529e-05,
          -1.365469184433664e-06, 4.2347881907877955e-07, -2.907038277567492e-08,
          -4.112661978564646e-09, 1.0512183987514674e-09, -5.4142389661252113e-11,
          -1.2976958377427781e-11, 2.630354498059953e-12, -8.117006888356359e-14,
          -3.998976672472367e-14, 6.594697678026557e-15, -4.286682662515431e-17,
          -1.3003888445809951e-16, 1.5759859282231813e-17, 1.1444030760771842e-18,
          -3.575529904155609e-19, -1.0089139515803095e-21, 3.3758034807656577e-21),
}
_CENTER_MIDDLE = {F32: 2.5, F64: 3.125}
_CENTER_END = {F32: 5.0, F64: 6.25}
_TAIL = {
    F32: (2.8329768, 1.0016751, 0.009445683, -0.0076391455, 0.005683205, -0.003588202,
          0.0014957833, -7.465297e-05, -0.00031871942, 0.00012798086),
    F64: (3.0838856104922208, 1.005258967694166, 0.005370914553575055,
          -0.003751208508275456, 0.002491442096803387, -0.0016882755338929404,
          0.0009532893673256516, -0.0003550378354769702, 2.4031221363370946e-05,
          6.828728119138214e-05, -4.731878654181318e-05, 1.2464301671624348e-05,
          2.9250906943497357e-06, -3.983758108239076e-06, 1.4999081889347202e-06,
          -3.0720650513399e-08, -2.7254500858252773e-07, 1.3429095786318713e-07,
          1.196574937756209e-09, -1.6297668938078462e-08),
}
_TAIL_MIDDLE = {F32: 3.0, F64: 3.25}
# float64 only: from sqrt(w) = 4
_FAR_TAIL = {
    F64: (4.849906401408584, 1.0103004648645466, -0.0001387193183517023,
          -0.00021503011988279407, 7.599527734649593e-05, -1.968176994231067e-05,
          4.526060131247643e-06, -9.930340904727097e-07, 2.290142573929286e-07,
          -6.754066794729227e-08, 2.9128351303780218e-08, -1.5284180425096284e-08,
          7.638260686338191e-09, -3.440222113943405e-09, 1.4941387534751454e-09,
          -4.552006928173868e-10, -2.381911522094067e-11, 4.69859549377181e-11),
}


@function("f")
def erf_inv(x):
    """The inverse of erf, |x| <= 1; infinite at 1 and -1, NaN beyond."""
    dtype = x.dtype
    w = -log((1 - x) * (1 + x))
    root = square_root(magnitude(w))
    center = polynomial(w - _CENTER_MIDDLE[dtype], _CENTER[dtype])
    tail = polynomial(root - _TAIL_MIDDLE[dtype], _TAIL[dtype])
    if dtype == F64:
        tail = where(root < 4, tail, polynomial(root - 5, _FAR_TAIL[dtype]))
    result = x * where(w < _CENTER_END[dtype], center, tail)
    infinite = with_sign_of(x * float("inf"), x)
    result = where(magnitude(x) == 1, infinite, result)
    return where(magnitude(x) <= 1, result, float("nan"))
