"""Printing Programs as text that reads like a program.

In: a Program or an Equation. Out: text, or HTML for notebooks. Imports `ir` only.
"""
from __future__ import annotations

import html
import os
import re
from itertools import count
from keyword import iskeyword

import numpy as np

from functrans.ir.program import Equation, Literal, Program

INDENT = "    "
_COMMENT_COLUMN = 64


def letters(index: int) -> str:
    """a, b, ..., z, aa, ab, ...: the name of the variable with this number."""
    name = ""
    index += 1
    while index:
        index, digit = divmod(index - 1, 26)
        name = chr(ord("a") + digit) + name
    return name


def _identifier(path: str) -> str:
    """An argument's name by path as one word: params[0]['bias'] is params_0_bias; or nothing."""
    word = re.sub(r"\W+", "_", path).strip("_")
    return word if word.isidentifier() and not iskeyword(word) else ""


class Names:
    """Gives each Var of a Program a short name, in the order in which they are met."""

    def __init__(self):
        self._names: dict = {}
        self._taken: set = set()
        self._fresh = (letters(index) for index in count())

    def add(self, var, wish: str | None = None) -> str:
        wish = _identifier(wish or "")
        if wish and wish not in self._taken:
            name = wish
        else:
            name = next(text for text in self._fresh if text not in self._taken)
        self._taken.add(name)
        self._names[var] = name
        return name

    def __call__(self, atom) -> str:
        if type(atom) is Literal:
            return show_literal(atom)
        return self._names.get(atom) or self.add(atom)


def show_literal(literal: Literal) -> str:
    value = literal.value
    return repr(value.item()) if value.dtype.kind in "biufc" else str(value)


def show_value(value) -> str:
    """One parameter, as short as it can be said."""
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, tuple):
        inner = ", ".join(show_value(item) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _params(equation: Equation) -> str:
    if equation.primitive.show is not None:
        return equation.primitive.show(equation.params)
    shown = [f"{name}={show_value(value)}" for name, value in equation.params.items()
             if value is not None and not _carries_program(value)]
    return ", ".join(shown)


def _carries_program(value) -> bool:
    if isinstance(value, tuple):
        return any(isinstance(item, Program) for item in value)
    return isinstance(value, Program)


def show_location(location) -> str:
    return f"{os.path.basename(location.file)}:{location.line}"


def _header(equation: Equation, names: Names) -> str:
    results = ", ".join(f"{names.add(var)}: {var.type}" for var in equation.outputs)
    params = _params(equation)
    name = equation.params.get("name") or ""
    label = equation.primitive.name + (f" {name}" if name else "")
    inputs = ", ".join(names(atom) for atom in equation.inputs)
    call = f"{label}[{params}]({inputs})" if params else f"{label}({inputs})"
    return f"{results} = {call}" if results else call


def equation_lines(equation: Equation, names: Names, locations: bool):
    inputs = [names(atom) for atom in equation.inputs]      # names before the outputs' names
    del inputs
    head = _header(equation, names)
    if locations and equation.location is not None:
        head = f"{head:<{_COMMENT_COLUMN}}  # {show_location(equation.location)}"
    yield head
    for key, value in equation.params.items():
        programs = value if isinstance(value, tuple) else (value,)
        for number, inner in enumerate(programs):
            if isinstance(inner, Program):
                label = f"{key}[{number}]" if isinstance(value, tuple) else key
                for line in program_lines(inner, label, locations):
                    yield INDENT + line


def program_lines(program: Program, label: str | None = None, locations: bool = True):
    """The text of a Program, line by line."""
    names = Names()
    wishes = program.names or (None,) * len(program.inputs)
    arguments = ", ".join(f"{names.add(var, wish)}: {var.type}"
                          for var, wish in zip(program.inputs, wishes, strict=True))
    results = ", ".join(str(kind) for kind in program.output_types)
    yield f"{label or program.name or 'program'}({arguments}) -> ({results}):"
    for equation in program.equations:
        for line in equation_lines(equation, names, locations):
            yield INDENT + line
    yield f"{INDENT}return {', '.join(names(atom) for atom in program.outputs) or 'nothing'}"


def show(program: Program, locations: bool = True) -> str:
    """The text of a Program; `locations=False` leaves out the user's file and line."""
    return "\n".join(program_lines(program, locations=locations))


def show_equation(equation: Equation) -> str:
    return "\n".join(equation_lines(equation, Names(), locations=True))


def show_html(program: Program) -> str:
    """The text as preformatted HTML, with comments dimmed; for notebooks."""
    lines = []
    for line in program_lines(program):
        code, hash_sign, comment = html.escape(line).partition("  # ")
        dim = f'<span style="opacity:.55">  # {comment}</span>' if hash_sign else ""
        lines.append(code + dim)
    return f'<pre style="line-height:1.35">{chr(10).join(lines)}</pre>'
