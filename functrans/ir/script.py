"""Programs as Python: a script that builds one again, to be run, sent and cut down.

In: a Program. Out: text. Imports `ir` only; the module of a primitive is found among those that
are loaded.
"""
from __future__ import annotations

import re
import sys

import numpy as np

from functrans.ir.program import Equation, Literal, Program
from functrans.ir.show import INDENT, Names

_HEAD = ("import numpy as np", "", "import functrans as ft", "import functrans.numpy as fnp",
         "from functrans.ir.type import ArrayType",
         "from functrans.trace import bind, trace_closed")


class NotWritable(Exception):
    """A Program holds something that has no text, such as a function of the user's."""


def script(program: Program) -> str:
    """A script with a function that does what the Program does, and a jitted call of it.

    Raises NotWritable if it holds functions.
    """
    writer = _Writer()
    name = writer.function(program, "reproduction")
    arguments = ", ".join(f"fnp.ones({kind.shape}, {kind.dtype.name!r})"
                          for kind in program.input_types)
    imports = [f"from {module} import {', '.join(sorted(names))}"
               for module, names in sorted(writer.primitives.items())]
    return "\n".join([*_HEAD, *imports, "", "", "\n\n\n".join(writer.functions), "", "",
                      f"print(ft.jit({name})({arguments}))", ""])


class _Writer:
    """The functions so far, inner ones first, and the primitives that they bind."""

    def __init__(self):
        self.functions: list[str] = []
        self.primitives: dict[str, set] = {}

    def function(self, program: Program, wish: str) -> str:
        names = Names()
        inputs = ", ".join(names.add(var) for var in program.inputs)
        lines = [line for equation in program.equations for line in self.equation(equation, names)]
        outputs = ", ".join(self.atom(atom, names) for atom in program.outputs)
        name = f"{wish}_{len(self.functions)}" if self.functions else wish
        self.functions.append("\n".join([f"def {name}({inputs}):",
                                         *(INDENT + line for line in lines),
                                         f"{INDENT}return [{outputs}]"]))
        return name

    def equation(self, equation: Equation, names: Names):
        params = "".join(f", {key}={self.value(value, key)}"
                         for key, value in equation.params.items())
        inputs = "".join(f", {self.atom(atom, names)}" for atom in equation.inputs)
        results = ", ".join(names.add(var) for var in equation.outputs)
        target = f"{results}{',' if equation.primitive.multiple else ''} = " if results else ""
        yield f"{target}bind({self.primitive(equation.primitive)}{inputs}{params})"

    def primitive(self, primitive) -> str:
        for module in list(sys.modules.values()):
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if value is primitive and re.fullmatch(r"\w+", name) \
                        and module.__name__ != "__main__":
                    self.primitives.setdefault(module.__name__, set()).add(name)
                    return name
        raise NotWritable(f"the primitive {primitive} has no name in a module")

    @staticmethod
    def atom(atom, names: Names) -> str:
        return _scalar(atom.value) if type(atom) is Literal else names(atom)

    def value(self, value, name: str) -> str:
        if isinstance(value, Program):
            inner = self.function(value, name)
            types = ", ".join(f"ArrayType({kind.shape}, {kind.dtype.name!r}, {kind.weak})"
                              for kind in value.input_types)
            return f"trace_closed({inner}, [{types}])"
        if isinstance(value, tuple):
            inner = ", ".join(self.value(item, name) for item in value)
            return f"({inner}{',' if len(value) == 1 else ''})"
        if isinstance(value, np.dtype):
            return f"np.dtype({value.name!r})"
        if isinstance(value, np.generic):
            return _scalar(value)
        if isinstance(value, np.ndarray):
            return f"np.array({value.tolist()!r}, {value.dtype.name!r})"
        if value is None or isinstance(value, (bool, int, float, complex, str, frozenset)):
            return repr(value)
        raise NotWritable(f"{name}={value!r} has no text")


def _scalar(value: np.generic) -> str:
    if value.dtype.kind == "f" and not np.isfinite(value):
        return f"np.{value.dtype.name}({str(float(value))!r})"
    return f"np.{value.dtype.name}({value.item()!r})".replace("np.bool(", "np.bool_(")
