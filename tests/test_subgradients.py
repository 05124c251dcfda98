"""docs/subgradients.md, row by row: forward and reverse, op by op and jitted."""
from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp

TEXT = (Path(__file__).parent.parent / "docs" / "subgradients.md").read_text()
ROWS = re.findall(r"^\| `(.+?)` \| `(.+?)` \| `(.+?)` \| .+ \|$", TEXT, re.MULTILINE)
SCOPE = {"fnp": fnp, "nn": ft.nn, "inf": np.inf}


def parse(row) -> tuple:
    """(function, points, expected derivatives) of a row."""
    expression, at, expected = row
    points = dict(assignment.split(" = ") for assignment in at.split("; "))
    function = eval(f"lambda {', '.join(points)}: {expression}", SCOPE)
    values = [np.array(eval(value, SCOPE), "float64") for value in points.values()]
    derivatives = eval(expected, SCOPE)
    derivatives = derivatives if isinstance(derivatives, tuple) else (derivatives,)
    return function, values, [np.array(value, "float64") for value in derivatives]


CASES = [parse(row) for row in ROWS]
each_row = pytest.mark.parametrize("number", range(len(ROWS)),
                                   ids=[f"{row[0]} at {row[1]}" for row in ROWS])


def gradient(number: int, points):
    function, values, _ = CASES[number]
    return ft.grad(function, tuple(range(len(values))))(*points)


@cache
def jitted(dtype: str, target: str) -> list:
    """All gradients, in one compiled Program."""
    points = [[value.astype(dtype) for value in values] for _, values, _ in CASES]
    compiled = ft.jit(lambda points: [gradient(number, each) for number, each in enumerate(points)],
                      device=target)
    return compiled(points)


def assert_equal(got, number: int):
    for value, expected in zip(got, CASES[number][2], strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=0)


def test_the_tables_are_read():
    assert len(ROWS) == len(re.findall(r"^\| `", TEXT, re.MULTILINE)) - TEXT[
        TEXT.index("## Where others differ"):].count("\n| `")
    assert len(ROWS) > 50


@each_row
def test_reverse_mode(number):
    assert_equal(gradient(number, CASES[number][1]), number)


@each_row
def test_forward_mode(number):
    """The derivative along each axis."""
    function, values, expected = CASES[number]
    for place, wanted in enumerate(expected):
        for index in np.ndindex(wanted.shape):
            tangents = [np.zeros_like(value) for value in values]
            tangents[place][index] = 1
            _, slope = ft.jvp(function, tuple(values), tuple(tangents))
            np.testing.assert_allclose(slope, wanted[index], rtol=1e-6)


@pytest.mark.parametrize("dtype, target", [("float32", "cpu"), ("float64", "cpu"),
                                           ("float64", "reference")])
@each_row
def test_jitted(number, dtype, target):
    assert_equal(jitted(dtype, target)[number], number)
