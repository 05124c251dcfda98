"""Settings for all tests: derandomised hypothesis, a cache folder, whole tracebacks."""
from __future__ import annotations

import os
import sys
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:      # a process for each core: then no threads of BLAS
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parent.parent / "functrans" / "testing" / "entry"))
os.environ.setdefault("FUNCTRANS_TRACEBACKS", "full")

# The plugin that comes with the package: as it is installed, or from here, but once.
pytest_plugins = ["functrans_pytest"]

settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True,
                          suppress_health_check=list(HealthCheck))
settings.register_profile("thorough", max_examples=300, deadline=None,
                          suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("FUNCTRANS_TEST_PROFILE", "quick"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Compiled kernels of the tests go to a folder that goes away, unless one is named.

    Processes that share the tests (pytest -n 2) share it too.
    """
    import functrans as ft
    if "FUNCTRANS_CACHE_DIR" not in os.environ:
        base = tmp_path_factory.getbasetemp()
        shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        ft.config.update("cache_dir", shared / "kernels")
