"""The benchmarks' own machinery: rows, ratios, floors, comparison, the table."""
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("benchmarks", reason="benchmarks are not part of the package")

import benchmarks.families  # noqa: E402, F401  (registers the rows)
from benchmarks import harness, libraries, machine, measure, table, worker  # noqa: E402
from benchmarks.row import FIRST, ROWS, Row  # noqa: E402


def line(**times):
    return harness.Line(Row("a row", None), {name: list(each) for name, each in times.items()})


def test_names_say_what_is_measured():
    assert len(ROWS) > 60 and all(name == row.name for name, row in ROWS.items())
    assert {"dispatch", "elementwise", "rows", "reductions", "networks", "recurrent", "models",
            "optimizers", "loops", "start"} == {row.family for row in ROWS.values()}


def test_ratio_is_that_of_the_best_peer_round_by_round():
    assert line(functrans=[1, 2, 1], jax=[2, 4, 9], torch=[9, 9, 9]).ratio() == 2
    assert line(functrans=[1.0]).ratio() is None and line(jax=[1.0]).ratio() is None


def test_floor_is_the_longer_of_two():
    row = Row("a row", None, flops=6e9, bytes=1e9)
    assert table.floor_seconds(row, (1e9, 1e9)) == 6
    assert table.floor_seconds(row, (1e12, 1e9)) == 1
    assert table.floor_seconds(Row("a row", None), (1e9, 1e9)) is None


@pytest.mark.parametrize("seconds, text", [
    (None, "-"), (2.5, "2.5 s"), (0.0125, "12.5 ms"), (3.21e-6, "3.21 us"), (4e-8, "0.04 us")])
def test_durations(seconds, text):
    assert table.duration(seconds) == text


def test_differing_results_are_told():
    same = [((2,), np.array([1.0, 2.0]))]
    other = [((2,), np.array([1.0, 2.1]))]
    found = line()
    harness.compare({"functrans": same, "jax": same, "torch": other}, found)
    assert list(found.problems) == ["torch"] and "by 0.05" in found.problems["torch"]
    assert harness._difference(same, [((1, 2), np.array([1.0, 2.0]))]) == np.inf
    assert not harness._difference(same, [((2,), np.array([1.0, np.nan]))]) <= 1


def test_the_table_names_problems_and_the_mean():
    lines = [line(functrans=[1.0], jax=[4.0]), line(functrans=[1.0], jax=[1.0])]
    lines[0].problems["torch"] = "Traceback\nValueError: it broke"
    text = table.text(lines, None, ["head"])
    assert text.startswith("head\n\n| row")
    assert "Geometric mean of the ratios: 2.00" in text
    assert "a row, torch: ValueError: it broke" in text


def test_the_page_is_written_between_its_marks(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{table.START}\nold\n{table.END}\nafter\n")
    monkeypatch.setattr(table, "PAGE", page)
    table.write("new")
    assert page.read_text() == f"before\n{table.START}\n\nnew\n\n{table.END}\nafter\n"


def test_a_turn_counts_calls():
    calls = []
    seconds = measure.turn(lambda x: calls.append(x) or 1, (5,), lambda out: None, 0.002)
    assert 0 < seconds < 1e-3 and len(calls) > 10


def test_samples():
    shape, values = worker._sample(np.arange(100_000).reshape(100, 1000))
    assert shape == (100, 1000) and len(values) <= worker.SAMPLE and values[1] == 24


@pytest.mark.parametrize("name", ["jitted call, one small array", "eager function: tanh(x)",
                                  "MLP forward 64-128-128-10, batch 64", "saxpy 4M"])
def test_rows_run(name):
    lib = libraries.load("functrans")
    call, arguments = ROWS[name].make(lib)
    assert all(np.isfinite(leaf).all() for leaf in lib.leaves(call(*arguments)))


def test_caches_of_fresh_processes(tmp_path):
    first = harness._environment(Row("a row", None, how=FIRST), str(tmp_path))
    assert first["FUNCTRANS_CACHE_DIR"] == str(tmp_path)
    assert "JAX_COMPILATION_CACHE_DIR" not in first


def test_the_environment_is_cleaned(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    machine.clean_environment()
    assert all("OPENBLAS_CORETYPE=" not in text for text in machine.description())
