"""How a gamma quantile moves with its parameter, of which derivatives of gamma numbers are made.

Let x be the quantile at a fixed probability P(a, x). The slope of log(x) in a is minus the
derivative of P in a over x times the density. Below the middle it comes from the power series of P,
above from the continued fraction of 1 - P, both differentiated step by step; for large a and x near
it from Temme's expansion (NIST Handbook of Mathematical Functions 2010, 8.11.4, 8.9.2, 8.12).
All in float64.
"""
from __future__ import annotations

from .convert import to_float32, to_float64
from .exponential import exp
from .gamma import digamma
from .logarithm import log1p
from .loops import repeat
from .registry import function
from .vocabulary import (F64, magnitude, multiply_add, polynomial, square_root, to_integer, where,
                         with_sign_of)

INFINITY = float("inf")
_LARGE = 100.0

# The coefficients of eta**n in c_k(eta), k = 0, 1, ... (8.12.11)
_EXPANSION = (
    (-0.3333333333333333, 0.08333333333333333, -0.014814814814814815, 0.0011574074074074073,
     0.0003527336860670194, -0.0001787551440329218, 3.919263178522438e-05,
     -2.185448510679992e-06, -1.85406221071516e-06, 8.296711340953087e-07,
     -1.7665952736826078e-07, 6.707853543401498e-09, 1.0261809784240309e-08,
     -4.382036018453353e-09, 9.14769958223679e-10, -2.5514193994946248e-11,
     -5.830772132550426e-11),
    (-0.001851851851851852, -0.003472222222222222, 0.0026455026455026454, -0.0009902263374485596,
     0.00020576131687242798, -4.018775720164609e-07, -1.8098550334489977e-05,
     7.64916091608111e-06, -1.6120900894563446e-06, 4.647127802807434e-09, 1.378633446915721e-07,
     -5.752545603517705e-08, 1.1951628599778148e-08, -1.7543241719747647e-11,
     -1.0091543710600413e-09, 4.162792991842583e-10, -8.56390702649298e-11),
    (0.004133597883597883, -0.0026813271604938273, 0.0007716049382716049, 2.0093878600823047e-06,
     -0.0001073665322636516, 5.2923448829120125e-05, -1.2760635188618728e-05,
     3.423578734096138e-08, 1.3721957309062934e-06, -6.298992138380055e-07,
     1.4280614206064242e-07, -2.0477098421990866e-10, -1.409252991086752e-08,
     6.228974084922022e-09, -1.3670488396617114e-09, 9.428356159014678e-13,
     1.2872252400089318e-10),
    (0.0006494341563786008, 0.00022947209362139917, -0.0004691894943952557,
     0.00026772063206283885, -7.561801671883977e-05, -2.396505113867297e-07,
     1.1082654115347302e-05, -5.6749528269915965e-06, 1.4230900732435883e-06,
     -2.7861080291528143e-11, -1.6958404091930278e-07, 8.099464905388083e-08,
     -1.9111168485973655e-08, 2.3928620439808118e-12, 2.0620131815488797e-09,
     -9.460496661855133e-10, 2.1541049775774907e-10),
    (-0.0008618882909167117, 0.0007840392217200666, -0.0002990724803031902,
     -1.4638452578843418e-06, 6.641498215465122e-05, -3.968365047179435e-05,
     1.1375726970678419e-05, 2.507497226237533e-10, -1.6954149536558305e-06,
     8.907507532205309e-07, -2.292934834000805e-07, 2.956794137544049e-11,
     2.8865829742708783e-08, -1.4189739437803219e-08, 3.4463580499464896e-09,
     -2.3024517174528067e-13, -3.9409233028046403e-10),
    (-0.00033679855336635813, -6.972813758365857e-05, 0.0002772753244959392,
     -0.00019932570516188847, 6.797780477937208e-05, 1.419062920643967e-07,
     -1.3594048189768693e-05, 8.018470256334202e-06, -2.291481176508095e-06,
     -3.252473551298454e-10, 3.4652846491085265e-07, -1.8447187191171344e-07,
     4.8240967037894184e-08, -1.7989466721743514e-14, -6.306194500013523e-09,
     3.162417628774568e-09, -7.840924253697429e-10),
    (0.0005313079364639922, -0.0005921664373536939, 0.0002708782096718045, 7.902353232660328e-07,
     -8.153969367561969e-05, 5.61168275310625e-05, -1.8329116582843375e-05,
     -3.0796134506033047e-09, 3.465155368803609e-06, -2.0291327396058603e-06,
     5.788792863149004e-07, 2.338630673826657e-13, -8.828600746330484e-08,
     4.7435958880408125e-08, -1.2545415020710383e-08, 8.649648858010293e-14,
     1.6846058979264062e-09),
    (0.00034436760689237765, 5.171790908260592e-05, -0.00033493161081142234,
     0.0002812695154763237, -0.00010976582244684731, -1.2741009095484485e-07,
     2.7744451511563645e-05, -1.8263488805711332e-05, 5.7876949497350525e-06,
     4.93875893393627e-10, -1.0595367014026043e-06, 6.166714376110408e-07,
     -1.7562973359060463e-07, -1.297447328701544e-12, 2.695423606288966e-08,
     -1.4578352908731272e-08, 3.887645959386175e-09),
)
# 2 atanh(s) = 2 (s + s**3 / 3 + ...)
_ATANH = tuple(1 / k for k in range(3, 27, 2))
_STIRLING = (1 / 12, -1 / 360, 1 / 1260)


def _by_series(a, log_x, x, steps):
    """From the sum of x**n / ((a + 1) ... (a + n))."""
    def add(_, state):
        term, total, divisor, harmonic, slope = state
        divisor = divisor + 1
        inverse = 1 / divisor
        term = term * (x * inverse)
        harmonic = harmonic + inverse
        return term, total + term, divisor, harmonic, multiply_add(term, harmonic, slope)

    zero = 0.0 * a
    one = zero + 1
    _, total, _, _, slope = repeat(steps, add, (one, one, a, zero, zero))
    return (total * (digamma(a + 1) - log_x) + slope) / a


def _by_fraction(a, log_x, x, steps):
    """The fraction by Lentz's method, and the derivative of its logarithm."""
    def add(_, state):
        n, b, c, dc, d, dd, total, slope = state
        n, b = n + 1, b + 2
        numerator, inverse = n * (a - n), 1 / c
        next_d = 1 / (numerator * d + b)
        dd = -next_d * next_d * (n * d + numerator * dd - 1)
        next_c = b + numerator * inverse
        dc = inverse * (n - numerator * dc * inverse) - 1
        return (n, b, next_c, dc, next_d, dd, total * (next_c * next_d),
                slope + dc / next_c + dd / next_d)

    b = x + 1 - a
    d, zero = 1 / b, 0.0 * a
    state = zero, b, zero + 1e300, zero, d, d * d, d, d
    *_, total, slope = repeat(steps, add, state)
    return total * (log_x - digamma(a) + slope)


def _by_expansion(a, x):
    """From erfc(eta sqrt(a/2)) / 2 and the sum of c_k(eta) / a**k, where x is within 0.3 a of a."""
    inverse = 1 / a
    excess = (x - a) * inverse
    s = excess / (2 + excess)
    square = s * s
    half = s * (excess - 2 * square * polynomial(square, _ATANH))
    eta = with_sign_of(square_root(2 * half), excess)
    ratio = where(eta == 0, 1.0, excess / where(eta == 0, 1.0, eta))
    total = by_eta = by_a = 0.0 * a
    for row in reversed(_EXPANSION):
        value, slope = row[-1], 0.0
        for coefficient in reversed(row[:-1]):
            slope = multiply_add(eta, slope, value)
            value = multiply_add(eta, value, coefficient)
        by_a = inverse * (by_a - total * inverse)
        total = multiply_add(total, inverse, value)
        by_eta = multiply_add(by_eta, inverse, slope)
    value = ratio - 0.5 * eta + total * (log1p(excess) - 0.5 * inverse) \
        - by_eta * ratio * inverse + by_a
    return exp(inverse * polynomial(inverse * inverse, _STIRLING)) * inverse * value


def _slope(a, log_x):
    x = exp(log_x)
    inside = (a > 0) & (a < INFINITY) & (x < INFINITY)
    a, log_x, x = (where(inside, value, 1.0) for value in (a, log_x, x))
    near = (a > _LARGE) & (magnitude(x - a) < 0.3 * a)
    below = x <= where(a < 1.5, 1.5, a)
    root = square_root(a)
    series_steps = where(near, 0.0, where(below, 30 + 8 * root, 0.0), like=a)
    fraction_steps = where(near, 0.0, where(below, 0.0, 12 + 80 / x + 3 * root), like=a)
    series = _by_series(a, log_x, x, to_integer(series_steps))
    fraction = _by_fraction(a, log_x, x, to_integer(fraction_steps))
    return inside, where(near, _by_expansion(a, x), where(below, series, fraction))


@function("f")
def gamma_slope(a, log_x):
    """The derivative of log(x) in a while P(a, x) stays. Loops, not vectorised."""
    wide = a.dtype == F64
    first, second = (a, log_x) if wide else (to_float64(a), to_float64(log_x))
    inside, value = _slope(first, second)
    value = where(inside, value, where((first > 0) & (second == second), 0.0, float("nan"),
                                       like=first))
    return value if wide else to_float32(value)
