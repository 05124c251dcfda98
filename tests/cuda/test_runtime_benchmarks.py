"""`python -m benchmarks.gpu` runs to its end on small sizes, and writes what it found."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="numba-cuda, with its simulator, is not installed")
ROOT = Path(__file__).parent.parent.parent


def command(*arguments) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    environment.pop("NUMBA_ENABLE_CUDASIM", None)
    return subprocess.run([sys.executable, "-W", "error", "-m", "benchmarks.gpu",
                           *map(str, arguments)], cwd=ROOT, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)


def test_small_sizes_under_the_simulator(tmp_path):
    chosen = ("one small array", "a x + y", "sums of columns", "product of 9", "MLP step 6-5-4",
              "per-example", "scan of 20", "LSTM forward")
    done = command(*chosen, "--tiny", "--libraries", "functrans", "--output", tmp_path)
    assert done.returncode == 0, done.stdout
    file, page = tmp_path.glob("*.json"), tmp_path.glob("*.md")
    record, text = json.loads(next(file).read_text()), next(page).read_text()
    assert record["simulated"] and record["bytes_a_second"] > 0 and "numba-cuda" in text
    assert "nothing here is a time of a GPU" in text
    assert len(record["rows"]) >= 10
    for row in record["rows"]:
        assert row["seconds"]["functrans"] > 0 and not row["problems"], row


def test_the_numbers_of_the_simulator_are_not_kept():
    before = sorted((ROOT / "benchmarks").rglob("*.json"))
    done = command("one small array", "--tiny", "--libraries", "functrans")
    assert done.returncode == 0 and "are not kept" in done.stdout, done.stdout
    assert sorted((ROOT / "benchmarks").rglob("*.json")) == before


def test_without_a_gpu_it_says_so():
    from lowering.cuda import driver
    if driver.available():
        pytest.skip("there is a GPU")
    done = command()
    assert done.returncode and "there is no GPU here" in done.stdout
    assert "dlbench FCN5, batch 4096" in command("--list").stdout
