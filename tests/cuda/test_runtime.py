"""What holds of the CUDA target on a machine without a GPU; the rest under numba's simulator.

The simulator is switched on by an environment variable before numba is imported: so the files
`simulated_*.py` are run in a process of their own, each by one test here.
"""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
pytest.importorskip("numba_cuda", reason="numba-cuda, with its simulator, is not installed")


def in_process(*arguments: str, simulator: bool = True, **variables) -> subprocess.CompletedProcess:
    """Runs Python with the simulator switched on or off."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", **variables}
    environment.pop("NUMBA_ENABLE_CUDASIM", None)
    if simulator:
        environment["NUMBA_ENABLE_CUDASIM"] = "1"
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("simulated_*.py")))
def test_under_the_simulator(file):
    done = in_process("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(HERE / file))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", sorted(path.name for path in HERE.glob("compiled_*.py")))
def test_without_a_device(file):
    done = in_process("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(HERE / file),
                      simulator=False)
    assert done.returncode == 0, done.stdout
