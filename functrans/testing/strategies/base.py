"""Hypothesis, for the strategies: an error that names the extra where it is not installed."""
from __future__ import annotations

from functrans.extras import require

require("hypothesis", "testing")
st = require("hypothesis.strategies", "testing")


def strategy(value):
    """A strategy as it is; anything else as the one value that is drawn."""
    return value if isinstance(value, st.SearchStrategy) else st.just(value)
