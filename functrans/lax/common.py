"""What structured control flow shares: tracing the user's functions, comparing their types.

A function is traced to a Program whose first inputs are what it captured. Imports `tree`, `array`,
`trace`, `api`, `errors`, `numpy.promotion`.
"""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from functrans import tree
from functrans.api.calls import FlatFunction, as_input, function_name
from functrans.api.compare import require_same_types
from functrans.errors import ConcretizationError
from functrans.ir.program import Program, Var
from functrans.ir.type import ArrayType
from functrans.numpy.promotion import as_arraylike
from functrans.primitives.elementwise import convert
from functrans.trace import run, trace


@dataclass(frozen=True, slots=True)
class Traced:
    """A traced function. program: inputs are the `captured` values, then the arguments."""
    program: Program
    captured: list
    out_tree: object


def trace_function(function: Callable, types: Sequence[ArrayType], in_tree, who: str,
                   role: str) -> Traced:
    """Traces `function(*args)`, where `in_tree` is the structure of args."""
    flat = FlatFunction(function, _call_tree(in_tree), who=who)
    name = function_name(function)
    program, captured = trace(flat, types, f"{role} of {who} ({name})")
    return Traced(program.replace(name=name), captured, flat.out_tree)


def described(function: Callable) -> str:
    """`step (train.py:12)`: a function's name, and where its text begins."""
    name, inner = function_name(function), inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inspect.unwrap(inner.func)
    code = getattr(inner, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


def _call_tree(args_tree):
    """The structure of (args, kwargs) for positional arguments of structure `args_tree`."""
    args = tree.unflatten(args_tree, [0] * args_tree.num_leaves)
    return tree.structure((args, {}))


def flatten_inputs(values, who: str, what: str):
    """(arrays, structure, names by path) of a pytree of arguments."""
    leaves, structure = tree.flatten(values)
    names = [what + tree.keystr(path) for path, _ in tree.leaves_with_path(values)]
    return [as_input(leaf, name, who) for leaf, name in zip(leaves, names)], structure, names


def merge_captured(traced: Sequence[Traced]) -> tuple[list, list[Program]]:
    """One list of captured values for several functions, and their Programs on it."""
    merged: dict[int, object] = {}
    for one in traced:
        for value in one.captured:
            merged[id(value)] = value
    values = list(merged.values())
    programs = []
    for one in traced:
        own = dict(zip(map(id, one.captured), one.program.inputs))
        lead = [own.get(id(value)) or Var(value.type) for value in values]
        rest = one.program.inputs[len(one.captured):]
        programs.append(one.program.replace(inputs=(*lead, *rest), names=None))
    return values, programs


# ---- types of carries ----

def require_same_carry(who: str, function: Callable, taken: Sequence[ArrayType], taken_tree,
                       returned: Sequence[ArrayType], returned_tree, counter: bool = False):
    """Raises unless a body returns a carry of the types that it takes.

    counter: whether the carry is a pair of the library's own counter and the user's value.
    """
    if counter:
        taken_tree, returned_tree = (_second(one) for one in (taken_tree, returned_tree))
        taken, returned = taken[1:], returned[1:]
    require_same_types(taken, taken_tree, returned, returned_tree,
                       f"{who}: what {described(function)} returns as the next carry differs from "
                       "the carry that it takes", "taken", "returned")


def _second(structure):
    """The structure of the second of a pair."""
    return tree.structure(tree.unflatten(structure, range(structure.num_leaves))[1])


# Categories of dtypes: a weak value may take a dtype of its own category or of a higher one.
_CATEGORIES = "biufVc"


def _category(kind: ArrayType) -> int:
    return _CATEGORIES.index({"u": "i", "V": "f"}.get(kind.dtype.kind, kind.dtype.kind))


def strongest(kinds: Sequence[ArrayType]) -> ArrayType:
    """The type to which others give way: one that is not weak, else the highest."""
    strong = [kind for kind in kinds if not kind.weak]
    return strong[0] if strong else max(kinds, key=_category)


def gives_way(kind: ArrayType, other: ArrayType) -> bool:
    """Whether a value of a type, as it came from Python's numbers, may take another dtype."""
    return kind.weak and _category(kind) <= _category(other)


def strong_output(program: Program, types: Sequence[ArrayType], outputs: range) -> Program:
    """The Program, whose `outputs` are converted to the dtypes of `types` where theirs are weak.

    Python scalars give way: `0.0` as the start of a float64 sum becomes float64. An int in the
    place of a float does, a float in the place of an int does not.
    """
    wanted = dict(zip(outputs, types))
    weak = [k for k, kind in wanted.items() if program.outputs[k].type.dtype != kind.dtype
            and gives_way(program.outputs[k].type, kind)]
    if not weak:
        return program

    def converted(*inputs):
        results = run(program, inputs)
        for k in weak:
            results[k] = convert(results[k], wanted[k].dtype)
        return results
    return trace(converted, program.input_types, program.name)[0]


def as_type(value, kind: ArrayType):
    """An array as one of a type: of its dtype, weak only where the type is."""
    return value if kind.weak and value.dtype == kind.dtype else convert(value, kind.dtype)


# ---- carries that never change ----

@dataclass(frozen=True, slots=True)
class Settled:
    """A loop whose body passes some carries on unchanged: they became constants.

    changes: for each carry whether it changes; starts: the starts of all.
    """
    body: Program
    constants: list
    carries: list
    changes: tuple
    starts: list

    def all_carries(self, changed: Sequence) -> list:
        """The final values of all carries, given those of the ones that change."""
        rest = iter(changed)
        return [next(rest) if flag else start for flag, start in zip(self.changes, self.starts)]


def settle(body: Program, constants: Sequence, starts: Sequence) -> Settled:
    """A body with inputs (constants, carries, others), without the carries it passes on."""
    first = len(constants)
    given = body.inputs[first:first + len(starts)]
    changes = tuple(before is not after for before, after in zip(given, body.outputs))
    program = with_constants_first(body, first, changes)
    outputs = [atom for atom, flag in zip(body.outputs, changes) if flag]
    unchanged = [value for value, flag in zip(starts, changes) if not flag]
    return Settled(program.replace(outputs=(*outputs, *body.outputs[len(starts):])),
                   [*constants, *unchanged],
                   [value for value, flag in zip(starts, changes) if flag], changes,
                   list(starts))


def with_constants_first(program: Program, constants: int, changes: tuple) -> Program:
    """A Program of (constants, carries, others), with the carries that do not change moved to
    the constants."""
    carries = program.inputs[constants:constants + len(changes)]
    inputs = (*program.inputs[:constants],
              *(var for var, flag in zip(carries, changes) if not flag),
              *(var for var, flag in zip(carries, changes) if flag),
              *program.inputs[constants + len(changes):])
    return program.replace(inputs=inputs, names=None)


# ---- where jit is disabled ----

def has_value(value) -> bool:
    """Whether a scalar has a value now, on which Python can decide."""
    try:
        value.item()
    except ConcretizationError:
        return False
    return True


def as_arrays(values):
    """What a user's function returned, with arrays for numbers."""
    return tree.map(as_arraylike, values)
