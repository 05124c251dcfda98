"""Pages of documentation: Python blocks run, and what stands behind an expression is its value.

In: a page, or a function with examples. Out: an assertion that fails where it says what is not so.
"""
from __future__ import annotations

import ast
import doctest
import linecache
import re
from pathlib import Path

import numpy as np


def blocks_of(text: str) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def promises(block: str) -> dict:
    """The comments behind expressions, by the number of their last line."""
    found = {}
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            line = block.split("\n")[node.end_lineno - 1].encode()[node.end_col_offset:].decode()
            if "#" in line and not _is_print(node):
                found[node.end_lineno] = line.partition("#")[2].strip()
    return found


def _is_print(node: ast.Expr) -> bool:
    return isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "print"


class Recorder(ast.NodeTransformer):
    """Has each promised expression recorded: `expression` becomes `record(line, expression)`."""

    def __init__(self, lines):
        self.lines = lines

    def visit_Expr(self, node):
        if node.end_lineno in self.lines:
            node.value = ast.Call(ast.Name("record", ast.Load()),
                                  [ast.Constant(node.end_lineno), node.value], [])
        return node


def run_block(block: str, name: str, scope: dict) -> dict:
    """Runs a block; the values of the expressions with promises, by line."""
    wanted = promises(block)
    scope["record"] = (found := {}).__setitem__
    linecache.cache[name] = len(block), None, block.splitlines(keepends=True), name
    parsed = ast.fix_missing_locations(Recorder(wanted).visit(ast.parse(block)))
    exec(compile(parsed, name, "exec"), scope)
    return found


def run_page(page: Path) -> tuple[dict, int]:
    """Runs all blocks of a page in one scope; the scope, and how many promises were kept."""
    scope, checked = {"__name__": "page"}, 0
    for number, block in enumerate(blocks_of(page.read_text())):
        found = run_block(block, f"{page.name} block {number}", scope)
        for line, text in promises(block).items():
            assert_same(repr(found[line]), text)
            checked += 1
    return scope, checked


_FLOAT = re.compile(r"-?\d+\.\d*(?:e[+-]?\d+)?")


def assert_same(got: str, wanted: str):
    """Equal texts, but for spaces and for the last digits of floats: machines round differently."""
    assert _FLOAT.sub("#", got).replace(" ", "") == _FLOAT.sub("#", wanted).replace(" ", "")
    np.testing.assert_allclose([float(number) for number in _FLOAT.findall(got)],
                               [float(number) for number in _FLOAT.findall(wanted)], rtol=1e-5)


def run_examples(name: str, function, flags: int = 0):
    """Runs the examples in a function's documentation, of which there must be one."""
    tests = doctest.DocTestFinder(recurse=False).find(function, name, module=False, globs={})
    assert tests and tests[0].examples, f"{name} has no example"
    assert doctest.DocTestRunner(optionflags=flags).run(tests[0]).failed == 0
