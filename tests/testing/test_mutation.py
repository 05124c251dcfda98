"""The mutation run: planted faults are found and made small; without them nothing is."""
from __future__ import annotations

import os
import re
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings

from functrans.testing.__main__ import main
from functrans.testing.conformance.rules import all_primitives
from functrans.testing.mutation import FAULTS, hunt
from functrans.testing.mutation.hunting import failure
from functrans.testing.mutation.programs import alphabet, chain, programs, stream

THOROUGH = os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough"
BY_NAME = {fault.name: fault for fault in FAULTS}
ONE = dict(k=2, m=1, n=2, p=1, s=1)


def one(name: str, dtype: str = "float64"):
    return chain([name], dtype, ONE, "plain", lambda n: 0)


# ---- the faults ----

def test_there_are_a_hundred():
    assert len(FAULTS) == len(BY_NAME) == 100
    assert len({fault.primitive for fault in FAULTS}) > 60
    assert {fault.rule for fault in FAULTS} == {"jvp", "transpose", "batch", "linearize", "kernel",
                                                "evaluate"}
    assert min(Counter(fault.rule for fault in FAULTS).values()) >= 1


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_replaces_a_rule_and_puts_it_back(fault):
    primitive = all_primitives()[fault.primitive]
    right = getattr(primitive, fault.rule)
    assert right is not None
    with fault.planted():
        assert getattr(primitive, fault.rule) is not right
    assert getattr(primitive, fault.rule) is right


# What finds a fault soonest, so that a few are tried in each run.
SAMPLE = {"mul.jvp.swapped": 60, "mul.transpose.factor": 60, "scan.linearize.sign": 150,
          "solve.transpose.sign": 150}


@pytest.mark.parametrize("name", SAMPLE)
def test_faults_are_found_and_made_small(name):
    with BY_NAME[name].planted():
        found = hunt(1, SAMPLE[name])
    assert found is not None and found.small, found
    assert failure(found.program) is None, "it is right without the fault"


@pytest.mark.skipif(not THOROUGH, reason="minutes; FUNCTRANS_TEST_PROFILE=thorough")
def test_all_faults_are_found(capsys):
    assert main(["mutation"]) == 0


def test_the_published_page():
    """At least 99 of 100 are found, all of them are made small, and there is no false alarm."""
    page = (Path(__file__).parents[2] / "docs" / "mutation.md").read_text()
    found, small, alone, alarms = (int(number) for number in re.findall(
        r"^- found (\d+) of 100 faults\n- .*: (\d+) of \d+\n- .*: (\d+)\n"
        r"- .*: (\d+) in 20 runs of 150 Programs", page, re.MULTILINE)[0])
    assert found >= 99 and small == found and alone >= 95 and alarms == 0
    assert all(f"| `{name}` |" in page for name in BY_NAME)


# ---- without a fault ----

def test_a_run_without_faults():
    assert hunt(0, 25) is None


@settings(max_examples=8)
@given(programs())
def test_random_programs_are_right(program):
    assert failure(program) is None


# ---- random Programs ----

def test_equal_seeds_draw_equal_programs():
    first, second = (list(map(repr, islice(stream(3), 12))) for _ in range(2))
    assert first == second != list(map(repr, islice(stream(4), 12)))


def test_operations_come_up_equally_often():
    drawn = Counter(step.name for program in islice(stream(5), 200) for step in program.steps)
    known = set(alphabet("float64")) | set(alphabet("complex128"))
    assert len(drawn) > 0.7 * len(known)


def test_results_are_passed_on():
    """Some operands are results of steps before."""
    linked = [program for program in islice(stream(6), 100)
              if any(kind == "result" for step in program.steps for kind, _ in step.sources)]
    assert len(linked) > 5


def test_programs_are_called_in_all_ways():
    assert {program.wrap for program in islice(stream(7), 60)} \
        == {"plain", "jit", "checkpoint", "cond", "loop"}


def test_simple_operations_come_first():
    sizes = [one(name).primitives() for name in alphabet("float64")[:20]]
    assert max(sizes) <= 1


def test_a_program_counts_its_primitives_and_elements():
    program = one("tanh")
    assert (program.primitives(), program.elements()) == (1, 2)
    assert "tanh" in repr(program)


# ---- the command ----

def test_the_command(tmp_path, capsys):
    path = tmp_path / "mutation.md"
    assert main(["mutation", "--only", "mul.jvp.swapped", "--runs", "1", "--programs", "3",
                 "--output", str(path)]) == 0
    out = capsys.readouterr().out
    assert "found 1 of 1 faults" in out and "false alarms without a fault: 0 in 1 runs" in out
    assert "| `mul.jvp.swapped` |" in path.read_text()


def test_a_fault_that_stays_gives_a_status(capsys):
    assert main(["mutation", "--only", "zeta", "--runs", "0"]) == 0
    assert main(["mutation", "--only", "sort.jvp", "--examples", "1", "--runs", "0"]) == 1
    assert "sort.jvp.sign: NOT FOUND" in capsys.readouterr().out
