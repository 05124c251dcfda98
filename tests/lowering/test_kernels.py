"""Kernels of known programs: their text, how many there are, and what they cost in memory.

Texts are made again by `FUNCTRANS_GOLDEN=write pytest tests/lowering/test_kernels.py`, to be read
before they are kept.
"""
from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from golden_texts import only_when_writing, read_texts, write_texts
from programs import PROGRAMS

import functrans as ft
from lowering.plan import Plan

GOLDEN = Path(__file__).parent.parent / "golden" / "kernels.txt"
NAMES = [name for name in PROGRAMS if name not in ("mlp_step", "lstm_step")]


def lowered(name: str):
    function, args = PROGRAMS[name]
    return ft.jit(function, device="cpu").lower(*args)


def plan_of(name: str) -> Plan:
    return lowered(name).compile().executable.plan


def text_of(name: str) -> str:
    """The kernels alone, without their imports."""
    texts = dict.fromkeys(step.kernel.text for step in plan_of(name).launches())
    return "\n".join(texts).strip()


@only_when_writing
def test_write_the_golden_texts():
    write_texts(GOLDEN, NAMES, text_of)


def test_every_program_has_a_text():
    assert list(read_texts(GOLDEN)) == NAMES and len(NAMES) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_kernels_read_as_they_should(name):
    assert text_of(name) == read_texts(GOLDEN)[name]


# ---- counts ----

def steps(plan: Plan) -> Counter:
    """How many steps of each kind a plan has, those of its loops included."""
    counts = Counter(type(step).__name__ for step in plan.steps)
    for inner in plan.regions():
        counts += steps(inner)
    return counts


# name -> steps of the plan; bytes of temporary memory
COSTS = {
    "saxpy": ({"Launch": 1}, 0),
    "softmax": ({"Launch": 1}, 0),
    "softmax_gradient": ({"Launch": 1}, 0),
    "layer_norm": ({"Launch": 1}, 0),
    "nearest": ({"Launch": 1}, 0),
    "gates": ({"Launch": 1}, 0),
    "gates_backward": ({"Launch": 1}, 0),
    "adam": ({"Launch": 2}, 64),
    "dense": ({"Product": 1, "Launch": 1}, 64),
    "pendulum": ({"Launch": 1}, 64),
    "lanes": ({"Launch": 1}, 0),
}


@pytest.mark.parametrize("name", COSTS)
def test_steps_and_memory(name):
    plan = plan_of(name)
    assert (dict(steps(plan)), plan.arena) == COSTS[name]


def test_steps_of_training():
    """Three products forwards, five backwards; each loop of the LSTM has one product in it."""
    counts = steps(plan_of("mlp_step"))
    assert counts["Product"] == 8 and "Host" not in counts
    counts = steps(plan_of("lstm_step"))
    assert counts["Product"] == 5 and counts["Repeat"] == 2 and "Host" not in counts


def bytes_moved(plan: Plan) -> int:
    """What kernels read and write of memory, if each operand is passed over once."""
    buffers = {(id(step), id(buffer.root())): buffer.root()
               for step in plan.launches() for buffer in step.reads}
    return sum(buffer.nbytes for buffer in buffers.values())


def test_passes_over_memory():
    """A fused kernel touches its operands and results once, and nothing else."""
    size = 4 * 100
    assert bytes_moved(plan_of("saxpy")) == 4 + 3 * size
    assert bytes_moved(plan_of("softmax")) == 2 * 4 * 15
    assert bytes_moved(plan_of("gates")) == 4 * (48 + 3 * 12)
