"""Tests on a GPU; skipped where there is none."""
from __future__ import annotations

import pytest

from lowering.cuda import driver


@pytest.fixture(scope="session")
def steps() -> int:
    """Of a long training run."""
    return 40 if driver.simulated() else 10_000
