"""The largest errors that the tests allow; docs/math.md has what was measured.

`MAX_ULP[name][dtype name]` is in units in the last place of the exact result, over the whole
domain, subnormals included. Where a function has zeros at numbers that are no floats (lgamma and
digamma at negative x) or a parameter (polygamma), the note in docs/math.md bounds it.

`MAX_ERROR_COMPLEX[name]` is |result - exact| / |exact| in units of the dtype's epsilon.
"""


def _bounds(table: str) -> dict[str, dict[str, float]]:
    """From lines of a name and the bounds for float32 and float64."""
    rows = (line.split() for line in table.strip().splitlines())
    return {name: {"float32": float(single), "float64": float(double)}
            for name, single, double in rows}


MAX_ULP = _bounds("""
    exp        1.5  1.5
    exp2       1.5  1.5
    expm1      2    2
    logistic   2    2
    log        1    1
    log2       2    2
    log10      2    2
    log1p      2    2
    sin        1    1
    cos        1    1
    tan        1.5  1.5
    asin       2    2
    acos       1.5  1.5
    atan       2    2
    atan2      2    2
    sinh       2    2
    cosh       2    2
    tanh       2    2
    asinh      2    2
    acosh      3    3
    atanh      3    3
    sqrt       0.5  0.5
    rsqrt      1.5  1.5
    cbrt       1    1
    power      1.5  1.5
    erf        2    2
    erfc       2    2
    erfcx      2    2
    erf_inv    4    3
    lgamma     3    3
    digamma    4    4
""")

MAX_ERROR_COMPLEX = {
    "absolute": 1, "sign": 1, "exp": 2, "expm1": 2, "log": 2, "log2": 2, "log10": 2,
    "log1p": 3, "sqrt": 2, "rsqrt": 3, "logistic": 3, "sin": 2, "cos": 2, "tan": 3, "sinh": 2,
    "cosh": 2, "tanh": 3, "asin": 2, "acos": 3, "atan": 2, "asinh": 2, "acosh": 3, "atanh": 2,
    # times 1 + |log of the result|
    "power": 3,
}
