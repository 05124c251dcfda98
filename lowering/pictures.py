"""What becomes of a Program, to be shown: after each pass, and which equations are one kernel.

In: a Program. Out: `Picture`. Imports `pipeline`, `plan`, `passes`.
"""
from __future__ import annotations

from dataclasses import dataclass, field

from functrans.ir.program import Program, inner_programs
from functrans.ir.show import show
from lowering.library import LibraryCalls
from lowering.listing import commented
from lowering.passes.cluster import Cluster
from lowering.passes.fuse import Fuser
from lowering.pipeline import CPU, Lowering, optimize, ordered_steps
from lowering.plan import Launch, Product, Repeat


@dataclass
class Step:
    """A step of what runs: the equations that it computes, and the kernels that it is made of.

    kind: "kernel", "product", "loop" ... . kernels: pairs of a name and its text with the user's
    lines. inner: Pictures of the Programs that it runs step by step.
    """
    number: int
    kind: str
    equations: list
    kernels: list = field(default_factory=list)
    inner: list = field(default_factory=list)
    detail: str = ""
    key: str = ""                # for whoever shows it


@dataclass
class Picture:
    """A Program, and its steps in order. `passes`: (name, text) of it after each that changed it.
    """
    program: Program
    steps: list
    passes: list = field(default_factory=list)


def picture(program: Program) -> Picture:
    """The Program after the passes, and its steps."""
    passes: list = []
    last = [show(program)]

    def watch(name: str, current: Program):
        text = show(current)
        if text != last[0]:
            passes.append((name, text))
            last[0] = text

    found = _steps_of(optimize(program, watch), {})
    found.passes = passes
    return found


def _steps_of(program: Program, names: dict) -> Picture:
    """names: kernel's text -> its name, of all Pictures so far."""
    fuser = Fuser(program).run()
    steps: list = []
    for number in ordered_steps(fuser):
        step = _step(fuser.steps[number], fuser, len(steps), names)
        if step is not None:
            steps.append(step)
    return Picture(program, steps)


def _step(fused, fuser: Fuser, number: int, names: dict) -> Step | None:
    lowered = list(Lowering(CPU).steps(fused, fuser))
    if not lowered:
        return None
    if isinstance(fused, Cluster):
        found = Step(number, "kernel", [member.equation for member in fused.members])
    else:
        found = Step(number, fused.kind, [fused.equation] if fused.equation else [])
    for part in lowered:
        if isinstance(part, Launch):
            name = names.setdefault(part.kernel.text, f"kernel_{len(names)}")
            text = commented(part.kernel).replace("def kernel(", f"def {name}(", 1)
            found.kernels.append((name, text))
        elif isinstance(part, Product):
            found.detail = (f"{part.left.rows} x {part.left.columns} times "
                            f"{part.left.columns} x {part.right.rows}")
        elif isinstance(part, LibraryCalls):
            found.detail = ", ".join(call.name for call, _ in part.calls)
    if not any(isinstance(part, Launch) for part in lowered) or \
            any(isinstance(part, Repeat) for part in lowered):
        found.inner = [_steps_of(inner, names) for equation in found.equations
                       for inner in inner_programs(equation)]
    return found
