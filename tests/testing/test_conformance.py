"""The conformance kit: ours is green, every primitive is asked, a wrong answer is seen."""
from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rows import BY_NAME

from functrans.errors import ArgumentError
from functrans.testing.__main__ import main
from functrans.testing.conformance import Matrix, rules, run, text
from functrans.testing.conformance.checks import COLUMNS
from functrans.testing.conformance.diary import Diary
from functrans.testing.conformance.dtypes import DTYPES
from functrans.testing.conformance.libraries import LIBRARIES, library
from functrans.testing.conformance.libraries.functrans import Functrans
from functrans.testing.conformance.matrix import run_cell
from functrans.testing.conformance.namespace import Namespace
from functrans.testing.conformance.table import all_operations

TABLE = all_operations()
INTERPRETED = tuple(name for name in COLUMNS if name not in ("jit", "nan, inf"))
COMPILED = list(TABLE)[::25]                    # compiling takes time: a sample in each run
THOROUGH = os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough"


@cache
def recorded() -> tuple[Matrix, dict]:
    """A quick run of all columns that compile nothing; and which cells call which rule."""
    return rules.recorded(columns=INTERPRETED)


# ---- this library ----

def test_every_cell_of_a_sample_is_green():
    matrix, _ = recorded()
    assert matrix.asked > 2000 and matrix.passed == matrix.asked, text(matrix)
    assert not any(cell.state == "n/a" for cell in matrix.cells.values()), "we offer everything"


def test_compiled_code_is_green():
    matrix = run("functrans", quick=True, only=COMPILED, columns=("jit", "nan, inf"))
    assert not matrix.failures and matrix.passed > 12


@pytest.mark.skipif(not THOROUGH, reason="minutes; FUNCTRANS_TEST_PROFILE=thorough")
def test_every_cell_is_green():
    matrix = run("functrans")
    assert not matrix.failures, text(matrix)


def test_every_primitive_is_asked():
    """A new one needs, beside its row in rows.py, an operation that uses it, in the table."""
    asked = {primitive for primitive, rule in recorded()[1] if rule == "infer"}
    missing = sorted(set(BY_NAME) - asked)
    assert not missing, f"no operation in functrans/testing/conformance/table uses {missing}"


def test_the_kit_knows_all_primitives():
    assert set(BY_NAME) == set(rules.all_primitives()) - rules.AROUND


# ---- rules that are gone ----

ASKED = [rule for rule in rules.rules() if rule not in rules.UNREACHED]
SAMPLE = [rule for rule in ASKED if rule[1] != "kernel"][::23]


@pytest.mark.parametrize("primitive, rule", SAMPLE)
def test_a_missing_rule_turns_it_red(primitive, rule):
    cells = recorded()[1][primitive, rule]
    assert rules.without(primitive, rule, cells), f"{cells} pass without {primitive}.{rule}"


@pytest.mark.parametrize("primitive", ["sin", "reduce_sum", "cond"])
def test_a_missing_kernel_turns_it_red(primitive):
    name = {"reduce_sum": "sum"}.get(primitive, primitive)
    cell = (name, "float32", "jit")
    assert rules.without(primitive, "kernel", [cell])
    assert run_cell(library("functrans"), TABLE[name], "float32", "jit").state == "passed"


@pytest.mark.skipif(not THOROUGH, reason="minutes; FUNCTRANS_TEST_PROFILE=thorough")
def test_every_missing_rule_turns_it_red():
    _, uses = rules.recorded()
    unnoticed = [rule for rule in ASKED if not rules.without(*rule, uses.get(rule, ()))]
    assert not unnoticed


@pytest.mark.parametrize("primitive, rule", rules.UNREACHED)
def test_rules_that_nothing_calls_exist(primitive, rule):
    """One that is gone, or is called, is not in the list."""
    assert getattr(rules.all_primitives()[primitive], rule) is not None
    assert (primitive, rule) not in recorded()[1]


# ---- wrong answers ----

class Faulty(Functrans):
    """This library with some wrong functions."""

    name = "faulty"

    def __init__(self, **wrong):
        self.names = Namespace(self.names, **wrong)


def cell(function, name: str, dtype: str, column: str, spelled: str = ""):
    return run_cell(Faulty(**{spelled or name: function}), TABLE[name], dtype, column)


def test_a_wrong_value_fails():
    found = cell(lambda x: library("functrans").names.sin(x) * 1.01, "sin", "float64", "eval")
    assert found.state == "failed" and "expected" in found.reason


def test_a_narrowed_result_fails():
    found = cell(lambda x: library("functrans").names.sin(x).astype("float32"), "sin", "float64",
                 "eval")
    assert found.state == "failed" and "narrowed to float32" in found.reason


@pytest.mark.parametrize("dtype, eps", [("float16", 2 ** -10), ("bfloat16", 2 ** -7)])
def test_half_precision_is_compared_at_its_own(dtype, eps):
    """Off by 2 units in the last place is right; by 16, or in a wider dtype, wrong."""
    if dtype == "bfloat16":
        pytest.importorskip("ml_dtypes")
    sin = library("functrans").names.sin

    def off(units):
        return lambda x: (sin(x.astype("float32")) + units * eps).astype(dtype)
    assert cell(off(2), "sin", dtype, "eval").state == "passed"
    assert cell(off(16), "sin", dtype, "eval").state == "failed"
    found = cell(lambda x: sin(x.astype("float32")), "sin", dtype, "eval")
    assert f"changed to float32, expected {dtype}" in found.reason


@pytest.mark.parametrize("name", ["functrans", "autograd"])
def test_bfloat16_that_nobody_offers(name, monkeypatch):
    """Without ml_dtypes nobody, and Autograd never."""
    if name == "functrans":
        monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    else:
        pytest.importorskip("autograd"), pytest.importorskip("ml_dtypes")
    found = run_cell(library(name), TABLE["sin"], "bfloat16", "eval")
    assert found.state == "n/a" and ("ml_dtypes" in found.reason or "Autograd" in found.reason)


def test_a_dtype_that_only_the_value_refuses():
    """What other columns say first does not make it a failure."""
    class Picky(Functrans):
        refusals = ("no float16",)

        def __init__(self):
            self.names = Namespace(sin=self.sin)

        def sin(self, x):
            raise TypeError("no float16 here") if x.dtype == "float16" else RuntimeError("broken")

        def jvp(self, function, points, tangents):
            raise NotImplementedError("no rule")
    assert run_cell(Picky(), TABLE["sin"], "float16", "jvp").state == "n/a"
    found = run_cell(Picky(), TABLE["sin"], "float32", "jvp")
    assert (found.state, found.reason) == ("failed", "NotImplementedError: no rule")


def test_a_crash_fails():
    def crash(x):
        raise RuntimeError("no such thing\nand more")
    found = cell(crash, "sin", "float32", "eval")
    assert (found.state, found.reason) == ("failed", "RuntimeError: no such thing")


def test_a_missing_derivative_fails():
    from functrans import stop_gradient
    for column in ("jvp", "vjp"):
        found = cell(lambda x: stop_gradient(library("functrans").names.sin(x)), "sin",
                     "float64", column)
        assert found.state == "failed"


@pytest.mark.parametrize("column", ["kinks", "nan, inf"])
def test_special_values_are_seen(column):
    """sqrt(x * x) is |x| but for its slope at 0; and a NaN is not to be swallowed."""
    names = library("functrans").names
    wrong = {"kinks": lambda x: names.sqrt(x * x), "nan, inf": names.nan_to_num}[column]
    function = wrong if column == "kinks" else lambda x: names.absolute(wrong(x))
    assert cell(names.absolute, "absolute", "float64", column).state == "passed"
    assert cell(function, "absolute", "float64", column).state == "failed"


def test_a_wrong_mapped_axis_is_seen():
    class Rolled(Functrans):
        def vmap(self, function, axes):
            mapped = super().vmap(function, axes)
            return lambda *xs: tuple(self.names.flip(out, 0) for out in mapped(*xs))
    assert run_cell(Rolled(), TABLE["sin"], "float32", "vmap").state == "failed"


def test_what_is_not_offered_counts_apart():
    class Small(Functrans):
        name, offers = "small", ("jvp", "vjp")
        names = Namespace(absolute=np.abs)
    found = run_cell(Small(), TABLE["sin"], "float32", "eval")
    assert (found.state, found.reason) == ("n/a", "there is no sin")
    found = run_cell(Small(), TABLE["sin"], "float32", "jit")
    assert (found.state, found.reason) == ("n/a", "small has no jit")
    matrix = run(Small(), quick=True, only=["sin"])
    assert (matrix.asked, matrix.last_line()) == (0, "passed 0 of 0")


def test_what_the_operation_does_not_have_is_left_open():
    assert run_cell(library("functrans"), TABLE["sin"], "float32", "kinks").state == ""
    assert run_cell(library("functrans"), TABLE["bitwise_and"], "int32", "vjp").state == ""


# ---- what is written ----

def test_the_command(tmp_path, capsys):
    assert main(["conformance", "--quick", "--only", "negative", "--only", "power at 0",
                 "--output", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    passed, _, asked = lines[-1].partition(" of ")
    assert passed == f"passed {asked}" and int(asked) > 20
    assert (tmp_path / "matrix.txt").read_text().splitlines() == lines
    assert f'"passed": {asked}' in (tmp_path / "matrix.json").read_text()


def test_a_stopped_run_goes_on(tmp_path, capsys):
    """What was asked is not asked again, be the last line cut off; the matrix is the same."""
    class Stopped(Exception):
        pass

    def stop_at_the_eleventh(place, found):
        if len(diary.cells) == 10:
            raise Stopped
        diary.add(place, found)
    version = library("functrans").version()
    with pytest.raises(Stopped), Diary(tmp_path, version) as diary:
        run(quick=True, only=["sin", "negative"], watch=stop_at_the_eleventh)
    path = tmp_path / "cells.jsonl"
    path.write_text(path.read_text() + '["negative", "fl')
    with Diary(tmp_path, version) as diary:
        assert len(diary.cells) == 10
        asked = []
        matrix = run(quick=True, only=["sin", "negative"], known=diary.cells,
                     watch=lambda place, found: asked.append(place))
    assert not set(asked) & set(diary.cells) and len(asked) == len(matrix.cells) - 10
    assert matrix.cells == run(quick=True, only=["sin", "negative"]).cells
    for _ in range(2):
        assert main(["conformance", "--quick", "--only", "sin", "--only", "negative", "--resume",
                     str(tmp_path)]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == matrix.last_line()
        assert len(path.read_text().splitlines()) == len(matrix.cells) + 1
    assert (tmp_path / "matrix.html").exists()


def test_cells_of_another_version_are_refused(tmp_path):
    with Diary(tmp_path, "mine 1.0"):
        pass
    with pytest.raises(ArgumentError, match="mine 1.0, and this is mine 2.0"), \
            Diary(tmp_path, "mine 2.0"):
        pass


def test_dtypes_can_be_chosen(capsys):
    assert main(["conformance", "--only", "sin", "--column", "eval", "--dtype", "float64"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "passed 1 of 1"


def test_the_page_stands_alone(tmp_path):
    from functrans.testing.conformance.command import write
    names = Faulty(absolute=lambda x: library("functrans").names.absolute(x) + 1)
    write(run(names, quick=True, only=["absolute", "sin"]), tmp_path)
    page = (tmp_path / "matrix.html").read_text()
    assert "http" not in page and "src=" not in page and "<script" not in page
    assert page.count("<svg") >= len(COLUMNS) and "<title>absolute, eval, float64 failed" in page
    assert 'href="#absolute-eval"' in page and 'id="absolute-eval"' in page
    assert "expected" in page


def test_tables_for_a_page(tmp_path):
    """Matrices of one library are put together; what stands around the marks stays."""
    from functrans.testing.conformance.command import write
    wrong = Faulty(sin=lambda x: x)
    write(run(wrong, quick=True, only=["sin"], columns=("eval",)), tmp_path / "one")
    write(run(wrong, quick=True, only=["sin"], columns=("empty",)), tmp_path / "two")
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- matrix -->\nold\n<!-- end -->\nafter\n")
    files = [str(tmp_path / name / "matrix.json") for name in ("one", "two")]
    assert main(["conformance", "--publish", str(page), *files]) == 0
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "| sin | `X........+.` |" in text and text.count("**faulty**") == 1


def test_the_published_page():
    """It has all libraries, JAX in both its precisions, ours without a failure, and the matrix."""
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text()
    rows = re.findall(r"^\| (\w+ .*?) \| (\w[\w ]+) \| (\d+) \| (\d+) \| \d+ \|$", page,
                      re.MULTILINE)
    counts = {name: (cells, int(passed), int(failed)) for name, cells, passed, failed in rows}
    assert {name.split()[0] for name in counts} == set(LIBRARIES) and len(counts) == 5
    cells, passed, failed = counts[library("functrans").version()]
    assert cells == "all" and passed > 9000 and failed == 0
    sines = re.findall(r"^\| sin \| (.*) \|$", page, re.MULTILINE)
    assert len(sines) == 1 and len(sines[0].split(" | ")) == len(counts)


def test_failures_give_a_status(tmp_path, capsys):
    names = Faulty(sin=lambda x: x)
    assert run(names, quick=True, only=["sin"]).failures
    found = text(run(names, quick=True, only=["sin"]))
    assert "sin, eval (" in found and found.splitlines()[-1].startswith("passed ")


def test_unknown_libraries():
    with pytest.raises(ArgumentError, match="one of functrans, jax"):
        library("tensorflow")
    assert set(LIBRARIES) == {"functrans", "jax", "torch", "autograd"}


def test_the_table_is_in_order():
    for operation in TABLE.values():
        assert set(operation.dtypes) <= set(DTYPES) and operation.cases
        assert sorted(operation.dtypes, key=DTYPES.index)
    assert len(TABLE) > 190


@pytest.mark.parametrize("name", ["torch", "autograd"])
def test_other_libraries(name):
    """Plain functions pass; and what is known to give NaN is found."""
    pytest.importorskip(name)
    matrix = run(name, quick=True, only=["sin", "add", "sum", "where (a branch not taken)"],
                 columns=("eval", "jvp", "vjp", "adjoint", "kinks"))
    assert set(operation for operation, _, _ in matrix.failures) \
        == {"where (a branch not taken)"} & {operation for operation, _, _ in matrix.failures}
    assert matrix.passed > 15


@pytest.mark.filterwarnings("ignore")           # PyTorch's own, of what it compiles
def test_functions_of_one_code_are_compiled_afresh():
    """PyTorch counts compilations of one code, and refuses after a few."""
    torch = pytest.importorskip("torch")
    adapter = library("torch")
    with torch._dynamo.config.patch(recompile_limit=1):
        for number in range(3):
            add = adapter.jit(lambda x, number=number: (x + number,))
            assert add(torch.zeros(2))[0].tolist() == [number] * 2


def test_jax():
    jax = pytest.importorskip("jax")
    matrix = run("jax", quick=True, only=["sin"], columns=("eval", "jvp", "vjp"))
    assert matrix.library == "jax, x64 off" and matrix.asked
    assert "narrowed to float32" in matrix.cells["sin", "float64", "eval"].reason
    with jax.enable_x64(True):
        matrix = run("jax", quick=True, only=["sin", "sum"], columns=("eval", "jvp", "vjp"))
    assert matrix.library == "jax" and matrix.passed == matrix.asked > 6
