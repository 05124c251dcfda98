"""The training examples on the device, under the simulator: the same losses as on the CPU."""
from __future__ import annotations

import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import functrans as ft
from functrans.device import CUDA
from lowering.cuda import driver

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
MLP = ["--epochs", "1", "--hidden", "8", "--batch-size", "4", "--scans", "20"]
LSTM = ["--epochs", "1", "--hidden", "8", "--features", "4", "--batch", "2", "--steps", "4",
        "--characters", "70", "--sample", "5"]


@pytest.fixture(autouse=True, scope="module")
def _extras():
    with warnings.catch_warnings(action="ignore"):
        for module in ("sklearn.datasets", "sklearn.linear_model", "sklearn.neighbors",
                       "matplotlib.pyplot", "tqdm"):
            pytest.importorskip(module)
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))


@pytest.fixture
def launches(monkeypatch):
    """The names of the kernels that are launched."""
    names = []
    launch = driver.Kernel.launch

    def counted(self, *args, **kwargs):
        names.append(self.name)
        return launch(self, *args, **kwargs)
    monkeypatch.setattr(driver.Kernel, "launch", counted)
    return names


def load(name: str):
    spec = importlib.util.spec_from_file_location(Path(name).stem, EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained_mlp(example, device: str):
    options = example.parse([*MLP, "--device", device])
    data = example.load_digits(ft.random.key(0), options.scans)
    with ft.default_device(device):
        return example.train(options, data, example.require("tqdm", "examples").trange)


def test_train_mlp_has_the_losses_of_the_cpu(launches):
    example = load("train_mlp.py")
    here = trained_mlp(example, "cpu")
    assert not launches
    there = trained_mlp(example, "cuda")
    assert len(launches) > 100
    assert all(leaf.device == CUDA for leaf in ft.tree.leaves((there.params, there.state)))
    np.testing.assert_allclose(there.history["loss"], here.history["loss"], rtol=1e-5)
    assert there.history["test"] == here.history["test"]
    for a, b in zip(ft.tree.leaves(here.params), ft.tree.leaves(there.params), strict=True):
        np.testing.assert_allclose(np.asarray(b), np.asarray(a), rtol=1e-4, atol=1e-6)


def test_train_mlp_as_a_command(tmp_path, capsys):
    with warnings.catch_warnings(action="ignore"):
        load("train_mlp.py").main([*MLP, "--device", "cuda", "--output", str(tmp_path)])
    assert "functrans MLP" in capsys.readouterr().out
    assert (tmp_path / "mlp_predictions.png").exists()


def test_train_char_lstm_has_the_losses_of_the_cpu(launches, tmp_path, monkeypatch, capsys):
    example, runs = load("train_char_lstm.py"), []
    fit = example.zoo.fit

    def kept(*args, **kwargs):
        runs.append(fit(*args, **kwargs))
        return runs[-1]
    monkeypatch.setattr(example.zoo, "fit", kept)
    for device in ("cpu", "cuda"):
        assert not launches
        with warnings.catch_warnings(action="ignore"):
            example.main([*LSTM, "--device", device, "--output", str(tmp_path)])
    here, there = runs
    assert len(launches) > 100 and "bits a character" in capsys.readouterr().out
    assert all(leaf.device == CUDA for leaf in ft.tree.leaves(there.params))
    assert here.history.keys() == there.history.keys()
    for name in ("loss", "held_out_bits"):
        np.testing.assert_allclose(there.history[name], here.history[name], rtol=1e-5)
