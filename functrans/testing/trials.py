"""How often the oracle errs: false alarms on right derivatives, planted errors that it misses.

    python -m functrans.testing.trials alarms --cases 10000
    python -m functrans.testing.trials faults --cases 1000

`alarms` checks right derivatives of random programs and functions, of every dtype; each error is a
false alarm. `faults` plants an error of one percent into the rule of one primitive, where a
random program uses it, and counts how often `check_grads` finds it. Imports `checks`, `strategies`.
"""
from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans.ir.program import Equation, Program
from functrans.ir.type import is_inexact
from functrans.testing.checks import checked
from functrans.testing.strategies.straight import KINKED, STEPS, StraightProgram
from functrans.trace import evaluate, trace_at

DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
#: Functions of one array for complex numbers, and for points where others have kinks.
ANALYTIC = {
    "exp": fnp.exp, "sin": fnp.sin, "cosh": fnp.cosh, "square": lambda z: z * z,
    "quotient": lambda z: 1 / (z * z + 6), "fft": lambda z: fnp.fft.fft(z),
    "modulus": lambda z: (z * z.conj()).real.sum(), "abs": lambda z: fnp.abs(z + 3),
    "product": lambda z: fnp.outer(z, z.conj()), "parts": lambda z: z.real * z.imag,
}
KINKS = {
    "abs": fnp.abs, "relu": ft.nn.relu, "clip": lambda x: fnp.clip(x, -1, 1), "sign": fnp.sign,
    "floor": fnp.floor, "maximum": lambda x: fnp.maximum(x, x[::-1]), "sort": fnp.sort,
    "sqrt": lambda x: fnp.sqrt(fnp.abs(x)), "max": lambda x: x.max(), "median": fnp.median,
}


@dataclasses.dataclass(frozen=True)
class Case:
    """A function, its arguments, and to which order it is checked."""
    name: str
    function: Callable
    args: tuple
    order: int


def cases(seed: int, count: int) -> Iterator[Case]:
    """Right derivatives of every dtype: programs, functions of complex numbers, kinks."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        dtype = DTYPES[number % len(DTYPES)]
        order = 2 if number % 10 == 0 else 1
        if dtype.startswith("complex"):
            name = rng.choice(sorted(ANALYTIC))
            yield Case(name, ANALYTIC[name], (_array(rng, dtype, (3,)),), order)
        elif rng.random() < 0.1:
            name = rng.choice(sorted(KINKS))
            yield Case(name, KINKS[name], (_at_kinks(rng, dtype),), 1)
        else:
            shape = (int(rng.integers(2, 4)), int(rng.integers(2, 4)))
            program = random_program(rng, 4)
            yield Case(str(program.steps), program,
                       (_array(rng, dtype, shape), _array(rng, dtype, shape)), order)


def random_program(rng, most: int, names: tuple = tuple(STEPS)) -> StraightProgram:
    """As `straight_programs()` draws them, from a generator of NumPy."""
    steps = []
    for number in range(int(rng.integers(1, most + 1))):
        first, second = rng.integers(0, number + 2, 2)
        steps.append((str(rng.choice(names)), int(first), int(second)))
    return StraightProgram(tuple(steps))


def _array(rng, dtype: str, shape: tuple):
    values = rng.uniform(-2, 2, shape)
    if dtype.startswith("complex"):
        values = values + 1j * rng.uniform(-2, 2, shape)
    return fnp.array(values).astype(getattr(fnp, dtype))


def _at_kinks(rng, dtype: str):
    return fnp.array(rng.integers(-2, 3, 4) / 2).astype(getattr(fnp, dtype))


def false_alarms(seed: int, count: int) -> list[tuple[Case, str]]:
    """The cases whose right derivatives are called wrong, with the reports."""
    found = []
    for number, case in enumerate(cases(seed, count), 1):
        error = checked(case.function, case.args, case.order, explain=False)
        if error is not None:
            found.append((case, str(error)))
        if number % 1000 == 0 and number < count:
            print(f"{len(found)} false alarms in {number} cases so far", flush=True)
    return found


# ---- planted errors ----

class Planted:
    """A program whose equation number `place` has a rule for forward mode that is off by `rate`.

    Reverse mode and second derivatives are made of that rule, so they are wrong with it.
    """

    def __init__(self, program: Program, place: int, rate: float):
        self.program = program
        equation = program.equations[place]
        rule = equation.primitive.jvp
        wrong = dataclasses.replace(equation.primitive, jvp=_off(rule, rate))
        equations = list(program.equations)
        equations[place] = equation.replace(primitive=wrong)
        self.wrong = program.replace(equations=equations)
        self.name = equation.primitive.name

    __name__ = "planted"

    def __call__(self, *arguments):
        values = dict(zip(self.wrong.inputs, map(fnp.asarray, arguments), strict=True))
        for equation in self.wrong.equations:
            self._run(equation, values)
        return [_read(values, atom) for atom in self.wrong.outputs]

    @staticmethod
    def _run(equation: Equation, values: dict):
        inputs = [_read(values, atom) for atom in equation.inputs]
        values.update(zip(equation.outputs, evaluate(equation, inputs), strict=True))


def _read(values: dict, atom):
    return atom.value if hasattr(atom, "value") else values[atom]


def _off(rule: Callable, rate: float) -> Callable:
    def wrong(out, primals, tangents, params):
        tangent = rule(out, primals, tangents, params)
        return None if tangent is None else tangent * tangent.dtype.type(1 + rate)
    return wrong


def planted(seed: int, count: int, rate: float = 0.01) -> Iterator[tuple[Planted, tuple]]:
    """Programs with an error in one rule on which their result depends, and arguments."""
    number, made = 0, 0
    smooth = tuple(name for name in STEPS if name not in KINKED)
    while made < count:
        rng = np.random.default_rng((seed, number))
        number += 1
        shape = (int(rng.integers(2, 4)), int(rng.integers(2, 4)))
        args = tuple(_array(rng, "float64", shape) for _ in range(2))
        program, captured = trace_at(random_program(rng, 3, smooth), args)
        places = _active(program) if not captured else []
        if places:
            made += 1
            yield Planted(program, int(rng.choice(places)), rate), args


def _active(program: Program) -> list[int]:
    """The equations by which a result depends on the arguments, and that have a simple rule."""
    reached = set(program.inputs)
    for equation in program.equations:
        if any(atom in reached for atom in equation.inputs):
            reached.update(equation.outputs)
    needed, places = set(program.outputs), []
    for place in reversed(range(len(program.equations))):
        equation = program.equations[place]
        if not any(var in needed for var in equation.outputs):
            continue
        needed.update(equation.inputs)
        primitive = equation.primitive
        if primitive.jvp is not None and primitive.linearize is None and not primitive.multiple \
                and not getattr(primitive.jvp, "is_zero", False) \
                and is_inexact(equation.outputs[0].type.dtype) \
                and any(atom in reached for atom in equation.inputs):
            places.append(place)
    return places


def missed(seed: int, count: int, rate: float = 0.01) -> list[Planted]:
    """The planted errors that `check_grads` does not find."""
    return [wrong for wrong, args in planted(seed, count, rate)
            if checked(wrong, args, 1, explain=False) is None]


# ---- the command ----

def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m functrans.testing.trials")
    parser.add_argument("what", choices=("alarms", "faults"))
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.01, help="the relative error of faults")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    if options.what == "alarms":
        found = false_alarms(options.seed, options.cases)
        for case, report in found:
            print(case.name, *[f"{x!r}" for x in case.args], report, "", sep="\n")
        print(f"{len(found)} false alarms in {options.cases} cases", end="")
    else:
        lost = missed(options.seed, options.cases, options.rate)
        for wrong in lost:
            print(f"missed: {wrong.name} in\n{wrong.program}")
        print(f"{options.cases - len(lost)} of {options.cases} planted errors found", end="")
    print(f" ({time.monotonic() - start:.0f} s)")
    raise SystemExit(1 if options.what == "alarms" and found else 0)


if __name__ == "__main__":
    main()
