"""The examples, as users start them and in short modes, with warnings as errors.

But for deprecations in packages of others, of which these tests are not the place to hear.
"""
from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import test_laws
from rows import unary

import functrans as ft
from functrans.errors import MissingExtraError
from functrans.extras import require

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def start(*command, **options) -> subprocess.CompletedProcess:
    """Python with these arguments, and with the kernels that the tests have compiled."""
    environment = {**os.environ, "FUNCTRANS_CACHE_DIR": str(ft.config.cache_dir),
                   "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    filters = ("-W", "error", "-W", "ignore::DeprecationWarning",
               "-W", "ignore::PendingDeprecationWarning")
    return subprocess.run([sys.executable, *filters, *map(str, command)], text=True,
                          capture_output=True, env=environment, cwd=ROOT, **options)


def run(name: str, *arguments) -> str:
    """What an example prints."""
    done = start(EXAMPLES / name, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def extras():
    """What the examples need is there, and has been imported."""
    with warnings.catch_warnings(action="ignore"):
        for module in ("sklearn.datasets", "sklearn.linear_model", "sklearn.neighbors",
                       "matplotlib.pyplot", "tqdm"):
            pytest.importorskip(module)


def load(name: str):
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_run_here():
    text = Path(__file__).read_text()
    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.name}"' in text, f"no test runs examples/{path.name}"


# ---- train_mlp ----

def test_mlp_reads_97_percent_of_the_held_out_digits(tmp_path, extras):
    """Here as in the README: all epochs, no options."""
    printed = run("train_mlp.py", "--output", tmp_path)
    scores = {name.strip(): float(score)
              for name, score in re.findall(r"^  (.+?)\s+([\d.]+)%", printed, re.MULTILINE)}
    assert scores["functrans MLP"] >= 97
    assert min(scores["logistic regression"], scores["3 neighbours"]) > 90
    for name in ("mlp_learning.png", "mlp_predictions.png"):
        data = (tmp_path / name).read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) > 20_000


def run_here(name: str, capsys, *arguments) -> str:
    """What an example prints, run in this process."""
    load(name).main(list(map(str, arguments)))
    return capsys.readouterr().out


def test_mlp_shows_program_and_kernels(tmp_path, capsys, extras):
    printed = run_here("train_mlp.py", capsys, "--epochs", 1, "--hidden", 16, "--output", tmp_path,
                       "--show-ir", "--show-kernels")
    assert "# traced\nstep(params_0_bias: f32[16]" in printed
    assert "# optimized\nstep(" in printed
    assert "dot_general" in printed and "# train_mlp.py:" in printed
    assert "\ndef kernel_0(" in printed


def test_mlp_without_hidden_layers_and_with_one_large_batch(tmp_path, capsys, extras):
    printed = run_here("train_mlp.py", capsys, "--epochs", 1, "--hidden", "--batch-size", 5000,
                       "--output", tmp_path)
    assert "650 parameters" in printed and "\n1 steps in" in printed


def test_mlp_refuses_what_cannot_be():
    done = start(EXAMPLES / "train_mlp.py", "--epochs", 0)
    assert done.returncode == 2 and "--epochs must be at least 1" in done.stderr


@pytest.mark.parametrize("module", ["sklearn", "matplotlib", "tqdm"])
def test_a_missing_extra_is_named(module, tmp_path):
    done = start("-c", f"import sys; sys.modules[{module!r}] = None; sys.path.insert(0, "
                 f"{str(EXAMPLES)!r}); import train_mlp; train_mlp.main(['--epochs', '1'])")
    assert done.returncode == 1
    assert (f"MissingExtraError: {module} is not installed. It comes with the extra 'examples': "
            "pip install 'functrans[examples]'\n  at: ") in done.stderr


def test_require_passes_on_what_a_module_itself_lacks(tmp_path, monkeypatch):
    (tmp_path / "broken_extra.py").write_text("import not_there_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all") as caught:
        require("broken_extra", "examples")
    assert not isinstance(caught.value, MissingExtraError)


# ---- the others ----

def test_tour_visits_every_stop():
    printed = run("tour.py")
    titles = re.findall(r"^(\d+)\. .+\n=+$", printed, re.MULTILINE)
    assert titles == [str(number) for number in range(1, 11)]
    assert "loss(w: f32[3], x: f32[8,3], y: f32[8]) -> (f32[]):" in printed    # traced
    assert "loss(w: f32[3], x: f32[8,3], y: f32[8]) -> (f32[8,3]):" in printed  # mapped
    assert "def kernel_0(" in printed


def test_a_primitive_from_outside():
    printed = run("add_a_primitive.py")
    assert "= gudermannian(x)" in printed
    assert "float64(2) * atan(tanh(" in printed


def test_the_primitive_from_outside_obeys_the_laws():
    """Its rules, tried as those of any row are."""
    primitive = load("add_a_primitive.py").gudermannian_p
    row = unary(primitive, dtypes=("float16", "float32", "float64"), ulp=8)
    for case in row.cases:
        for dtype in row.dtypes:
            test_laws.test_infer_agrees_with_evaluate(row, case, dtype)
            test_laws.test_jit_equals_evaluate(row, case, dtype, "cpu")
        test_laws.test_batch_equals_a_loop(row, case, "float32")
        test_laws.test_jvp_agrees_with_finite_differences(row, case, "float64")
        test_laws.test_transpose_is_the_adjoint(row, case, "float64")
        test_laws.test_second_derivatives(row, case, "float64")


# ---- the zoo's ----

def test_manual_lstm_gradient():
    printed = run("manual_lstm_gradient.py", "--short")
    assert "relative error against grad" in printed
    assert "a planted error is caught: with a wrong sign: off by" in printed


def numbers_after(label: str, printed: str) -> list[float]:
    """The numbers on the line that begins with a label."""
    line, = re.findall(rf"^ *{re.escape(label)} +(.*)$", printed, re.MULTILINE)
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", line)]


def test_char_lstm_writes_and_is_scored(tmp_path, extras):
    printed = run("train_char_lstm.py", "--short", "--epochs", 1, "--output", tmp_path)
    assert 2 < numbers_after("interpolated 5-gram ", printed)[0] < 4
    assert 3 < numbers_after("functrans LSTM", printed)[0] < 5
    assert "\n    def " in printed                       # what it writes
    assert (tmp_path / "char_lstm.png").read_bytes().startswith(b"\x89PNG")


def test_interpolated_5_grams_are_probabilities(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    example = load("train_char_lstm.py")
    text = np.array([0, 1, 2, 0, 1, 2, 0, 1, 0])
    model = example.NGrams(3, 4).fit(text)
    before = np.array([2, 0, 1])
    chances = [model.probabilities(np.append(before, x))[-1] for x in range(4)]
    assert abs(sum(chances) - 1) < 1e-12 and min(chances) > 0
    first = [(4 + 3 / 4) / 12, (3 + 3 / 4) / 12, (2 + 3 / 4) / 12, 3 / 4 / 12]
    after_1 = [(count + 2 * lower) / 5 for count, lower in zip((1, 0, 2, 0), first)]
    after_0_1 = [(count + 2 * lower) / 5 for count, lower in zip((1, 0, 2, 0), after_1)]
    np.testing.assert_allclose(chances, after_0_1)


def test_lstm_classifier_beside_naive_bayes(tmp_path, extras):
    printed = run("train_lstm_classifier.py", "--short", "--epochs", 1, "--output", tmp_path)
    bayes, largest = (numbers_after(name, printed)[0]
                      for name in ("naive Bayes, trigrams", "the largest class"))
    assert bayes > 35 > 15 > largest
    assert 0 < numbers_after("functrans LSTM", printed)[0] < 60


def test_lstm_dssm_beside_two_simpler_things(tmp_path, extras):
    printed = run("train_lstm_dssm.py", "--short", "--epochs", 1, "--output", tmp_path)
    for name in ("bag of trigrams, cosine", "functrans DSSM", "functrans LSTM-DSSM"):
        first, tenth, _ = numbers_after(name, printed)[-3:]
        assert 0 <= first <= tenth < 1


def test_ndcg_of_one_right_document(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    ndcg = load("train_lstm_dssm.py").ndcg
    scores = np.array([[3.0, 2, 1], [3, 2, 1], [2, 1, 0]])       # ranks 1, 2 and 3
    assert ndcg(scores, 1) == pytest.approx(1 / 3)
    assert ndcg(scores, 2) == pytest.approx((1 + 1 / np.log2(3)) / 3)
    assert ndcg(scores, 10) == pytest.approx((1 + 1 / np.log2(3) + 1 / 2) / 3)
    assert ndcg(np.zeros((9, 9)), 1) == 0                        # ties share ranks


def test_dlbench_compares(extras):
    printed = run("dlbench.py", "--short", "--threads", 1)
    for name in ("dlbench small FCN5, batch 8", "dlbench small LSTM, batch 4"):
        assert numbers_after(name, printed)[0] == 1


def test_the_standard_library_is_real_text(monkeypatch):
    modules = load("standard_library.py").modules(20)
    assert len(modules) == 20 and modules == load("standard_library.py").modules(20)
    learn, held_out = load("standard_library.py").in_two_parts(modules, 5)
    assert len(held_out) == 4 and not {path for path, _ in learn} & {path for path, _ in held_out}
    assert sum("import" in text for _, text in modules) > 10


def test_fixed_point():
    printed = run("fixed_point.py", "--short")
    between, from_differences = map(float, re.findall(r"by (\d+e-\d+)(?: of the|$)", printed,
                                                      re.MULTILINE)[-2:])
    assert between < 1e-9 and from_differences < 1e-6
    first, last = map(float, re.search(r"error ([\d.]+), after 30 steps ([\d.]+)",
                                       printed).groups())
    assert last < 0.5 * first


def test_numpy_drop_in():
    """The script is long enough to mean something, and equals NumPy's to rounding."""
    text = (EXAMPLES / "numpy_drop_in.py").read_text()
    script = re.split(r"^# -{90,}$", text, flags=re.MULTILINE)[1]
    assert len(script.strip().splitlines()) >= 100 and "functrans" not in script
    printed = run("numpy_drop_in.py", "--short")
    rows = re.findall(r"^(\S.*?) +(\d\S+) +(\d\S+)$", printed, re.MULTILINE)
    assert len(rows) == 6
    for name, evaluated, compiled in rows:
        assert max(float(evaluated), float(compiled)) < 1e-11, name


def test_pendulum(tmp_path, extras):
    printed = run("pendulum.py", "--short", "--output", tmp_path)
    assert float(re.findall(r"misses by (\S+)", printed)[-1]) < 1e-9
    assert float(re.search(r"differences agree to (\S+)", printed)[1]) < 1e-6
    fewest, most = map(int, re.search(r"with (\d+) to (\d+) steps each", printed).groups())
    assert most > 1.2 * fewest
    assert (tmp_path / "pendulum.png").stat().st_size > 10_000


# ---- check_your_gradients ----

def test_wrong_gradients_are_found():
    printed = run("check_your_gradients.py")
    ours, jax, torch = printed.split("----\n")[1:]
    assert "d result / d params['delta']" in ours and "the rule of huber (custom_vjp)" in ours
    assert "1% off" in jax or "skipped: jax is not installed" in jax
    assert "50% off" in torch or "skipped: torch is not installed" in torch


def test_libraries_that_are_not_installed_are_skipped():
    done = start("-c", "import sys; sys.modules['jax'] = sys.modules['torch'] = None; "
                 "sys.path.insert(0, 'examples'); import check_your_gradients; "
                 "check_your_gradients.main([])")
    assert done.returncode == 0, done.stderr
    assert "skipped: jax" in done.stdout and "skipped: torch" in done.stdout
    assert "params['delta']" in done.stdout
