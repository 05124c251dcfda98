"""What holds of the CUDA target on a machine without a GPU; the rest under numba's simulator.

The simulator is switched on by an environment variable before numba is imported: so the files
`simulated_*.py` are run in a process of their own, each by one test here.
"""
from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

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
    pytest.importorskip("numba_cuda", reason="numba-cuda, which compiles, is not installed")
    done = in_process("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", str(HERE / file),
                      simulator=False)
    assert done.returncode == 0, done.stdout


def test_the_tests_for_a_gpu_run():
    """A few of them, on the simulator: so that those who have a GPU find them in order."""
    chosen = ("flat or replayed or takes_no_memory or training_copy or [saxpy] or "
              "(sizes and [33]) or (steps_under and tanh and batch) or (columns and 1-7) or "
              "(square and 16-float32) or (rows_equal and tanh-0) or (loops and switch) or "
              "(compositions and softmax) or (products and complex)")
    done = in_process("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/gpu", "-k",
                      chosen, FUNCTRANS_GPU_TESTS="simulator")
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 10


def test_without_a_gpu_its_tests_are_skipped():
    done = in_process("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/gpu", simulator=False)
    if driver_available():
        pytest.skip("there is a GPU")
    assert "2 skipped" in done.stdout and "passed" not in done.stdout, done.stdout


def driver_available() -> bool:
    from lowering.cuda import driver
    return driver.available()


def test_one_module_imports_numba_cuda():
    def imports(path):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                yield from (f"{node.module}.{name.name}" for name in node.names)
            elif isinstance(node, ast.Import):
                yield from (name.name for name in node.names)
    found = {path.relative_to(ROOT).as_posix() for folder in ("functrans", "lowering")
             for path in (ROOT / folder).rglob("*.py")
             if any(name.startswith(("numba.cuda", "numba_cuda")) for name in imports(path))}
    assert found == {"lowering/cuda/driver.py"}
