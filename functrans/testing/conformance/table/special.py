"""Functions of statistics, as SciPy's `special` names them, and those of neural networks."""
from __future__ import annotations

import numpy as np

from functrans.testing.conformance.dtypes import FLOATS, WIDE
from functrans.testing.conformance.operation import Table

INF = np.inf


def _named(name: str):
    return lambda xp, *xs: getattr(xp, name)(*xs)


def add_to(table: Table):
    """Adds the operations of this file."""
    def row(names: str, *kinds, dtypes=FLOATS, **options):
        for name in names.split():
            table.add(name, " ".join(f"mn:{kind}" for kind in kinds or ("normal",)), _named(name),
                      dtypes=dtypes, elementwise=True, empty="m", **options)

    flat = (((INF,), (0.0,)), ((-INF,), (0.0,)))
    row("expit", limits=flat)
    row("erf", limits=flat)
    row("erfc", limits=flat, ulp=64)
    row("softplus", limits=(((INF,), (1.0,)), ((-INF,), (0.0,))))
    row("relu", kinks=((0.0,),), limits=(((INF,), (1.0,)), ((-INF,), (0.0,))))
    row("erfinv", "unit", ulp=64)
    row("erfcx", ulp=64)
    row("gammaln digamma", "above_one", ulp=128)
    row("polygamma", "order", "above_one", fixed=(0,), ulp=512, dtypes=WIDE)
    row("gammainc gammaincc", "positive", "positive", fixed=(0,), ulp=128)
    table.add("gammainc, first operand", "mn:positive mn:positive", _named("gammainc"),
              dtypes=FLOATS, elementwise=True, empty="m", fixed=(1,), second=False, ulp=128)
    row("random_gamma_grad", "positive", "positive", fixed=(0,), ulp=512, dtypes=WIDE)
    row("betainc", "positive", "above_one", "within", fixed=(0, 1), ulp=128)
    table.add("betainc, first operands", "mn:positive mn:above_one mn:within", _named("betainc"),
              dtypes=FLOATS, elementwise=True, empty="m", fixed=(2,), second=False, ulp=128)
    table.add("derivative of betainc", "m:positive m:above_one m:within",
              lambda xp, a, b, x: xp.derivative_of_betainc(a, b, x), dtypes=WIDE, empty="m",
              fixed=(0, 1), ulp=1024)
    row("betaln", "positive", "positive", ulp=128)
    row("zeta", "above_one", "positive", fixed=(0,), ulp=128)
    row("i0e i1e", ulp=64)
    row("log_ndtr", ulp=64)
    row("ndtri", "within", ulp=64)
    table.add("logsumexp", "mn", lambda xp, x: xp.logsumexp(x, 1), dtypes=FLOATS, empty="m",
              edges=True, ulp=64,
              limits=((([0.0, -INF, 0.0],), ([0.5, 0.0, 0.5],)),))
    table.add("softmax", "mn", lambda xp, x: xp.softmax(x, 1), dtypes=FLOATS, empty="m", ulp=64)
