"""kill -9 in the middle of training, again and again: the result is that of a run left alone.

`FUNCTRANS_TEST_KILLS=20` asks for more kills than the few of every day.
"""
from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import pytest

KILLS = int(os.environ.get("FUNCTRANS_TEST_KILLS", 2))

TRAINING = """
import hashlib, sys
import numpy as np
import functrans as ft
from functrans import zoo

tokens = (np.arange(3000) * 7 % 11 + np.arange(3000) // 50) % 11
windows = list(zoo.sequences.windows(tokens, 4, 6))
params = zoo.lstm_lm.init(ft.random.key(0), 11, 8, 8)

def loss(params, batch, carry, key=None):
    rate = 0.0 if key is None else 0.1
    return zoo.lstm_lm.loss(params, *batch, carry, dropout=rate, key=key)

def say(run, value):
    if run.step % 40 == 1:
        print("step", run.step, flush=True)

start = zoo.lstm.State(*[np.zeros((1, 4, 8), np.float32)] * 2)
run = zoo.fit(loss, params, windows, ft.optim.adam(0.01), 4, carry=start, key=ft.random.key(1),
              validation=windows[:9], patience=9, checkpoints=sys.argv[1], checkpoint_every=3,
              progress=False, step_callbacks=[say])
leaves = ft.tree.leaves((run.params, run.state, run.carry, run.history["loss"],
                         run.history["validation_loss"]))
content = b"".join(np.asarray(leaf).tobytes() for leaf in leaves)
print("done", run.step, hashlib.sha256(content).hexdigest())
"""


def _start(folder) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", TRAINING, str(folder)], text=True,
                            stdout=subprocess.PIPE)


def _run_and_kill(folder, delay: float) -> str | None:
    """Lets a run take its first steps, and kills it after a while; the last line if it ended."""
    with _start(folder) as process:
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().splitlines()
    return lines[-1] if lines and lines[-1].startswith("done") else None


def _run(folder) -> str:
    with _start(folder) as process:
        last = process.stdout.read().splitlines()[-1]
    assert process.returncode == 0
    return last


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_runs_end_as_if_nothing_had_been(tmp_path):
    expected = _run(tmp_path / "alone")
    generator, killed, folders = random.Random(0), 0, 0
    while killed < KILLS:
        folders += 1
        folder, ended = tmp_path / f"killed {folders}", None
        while ended is None and killed < KILLS:
            ended = _run_and_kill(folder, generator.uniform(0, 0.3))
            killed += ended is None
        assert (ended or _run(folder)) == expected
        assert not list(folder.glob(".*"))
