"""polygamma: the derivatives of digamma.

(-1)**(n+1) times the n-th one is n! zeta(n + 1, x), with Hurwitz' zeta function, summed by
Euler and Maclaurin's formula (NIST Handbook of Mathematical Functions 2010, 25.11.7). For
negative x the sum over all integers, which depends on the fraction of x only, and the sum to the
left of x give the rest.
"""
from __future__ import annotations

from .gamma import digamma
from .loops import repeat
from .power import power
from .registry import function
from .vocabulary import multiply_add, round_down, to_integer, where

INFINITY = float("inf")
_TERMS = 10
# The Bernoulli number B(2j) over (2j)!, j = 1, 2, ...
_BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
              1 / 74724249600, -3617 / 10670622842880000, 43867 / 5109094217170944000,
              -174611 / 802857662698291200000)


def _factorial_times_zeta(n, q):
    """n! zeta(n + 1, q) for n >= 1 and q > 0, as n! / q**n times a sum of (q / (q + k))**(n + 1).

    Neither factor overflows or underflows before the result does.
    """
    s, inverse = n + 1, 1 / q

    def multiply(_, state):
        j, product = state
        return j + 1, where(j <= n, product * (j * inverse), product)

    def add(_, state):
        a, total = state
        return a + 1, total + power(q / a, s)

    _, factor = repeat(to_integer(n), multiply, (where(n == n, 1.0, n), where(n == n, 1.0, n)))
    a, total = repeat(_TERMS, add, (q, 0.0 * q))
    # Integral, half of the first term left out, and corrections s (s+1) ... / a**(2j - 1).
    correction, rising = 0.5, s / a
    for j, bernoulli in enumerate(_BERNOULLI):
        correction = multiply_add(rising, bernoulli, correction)
        rising = rising * ((s + (2 * j + 1)) / a) * ((s + (2 * j + 2)) / a)
    rest = power(q / a, s) * multiply_add(correction, inverse, (a * inverse) / n)
    return factor * multiply_add(total, inverse, rest)


def _is_odd(n):
    return n - 2 * round_down(0.5 * n) == 1


def _zeta_of_all(n, x):
    """n! zeta(n + 1, x), also for negative x that are no integers."""
    negative = x < 0
    fraction = x - round_down(x)
    sign = where(_is_odd(n), 1.0, -1.0, like=x)    # (-1)**(n + 1)

    def add(k, total):
        q = where(k == 0, where(negative, fraction, x), where(k == 1, 1 - fraction, 1 - x))
        weight = where(k == 0, 1.0, where(k == 1, sign, -sign))
        term = weight * _factorial_times_zeta(n, q)
        return total + where((k == 0) | negative, term, 0.0)

    return repeat(to_integer(where(negative, 3.0, 1.0, like=x)), add, 0.0 * sign)


@function("f")
def polygamma(n, x):
    """The n-th derivative of digamma; NaN unless n is an integer >= 0. A loop, not vectorised."""
    counted = where((n >= 1) & (n <= 200), n, 1.0)
    value = _zeta_of_all(counted, where(x == 0, 1.0, x))
    value = where((x <= 0) & (round_down(x) == x), INFINITY, where(x == INFINITY, 0.0, value))
    value = where(_is_odd(n), value, -value)
    value = where((n >= 0) & (n == round_down(n)), value, float("nan"))
    return where(n == 0, digamma(x), where((n != n) | (x != x), n + x, value))
