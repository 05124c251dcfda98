"""JAX as an oracle."""
from __future__ import annotations

import pytest


@pytest.fixture
def jax():
    """JAX in double precision, where it is installed."""
    module = pytest.importorskip("jax")
    with module.enable_x64(True):
        yield module
