"""docs/cuda.md: its Python blocks run, and the kernels that it shows are those that are made.

`NUMBA_ENABLE_CUDASIM=1 python tests/cuda/simulated_docs.py` writes the kernels into the page.
"""
from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent / "docs" / "cuda.md"
BLOCK = re.compile(r"^```(python|py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def results(block: str, scope: dict) -> tuple[str, list]:
    """(what a block prints, (promise, value) of expressions with a comment behind them)."""
    lines, found, printed = block.split("\n"), [], io.StringIO()
    for node in ast.parse(block).body:
        code = compile(ast.Module([node], []), "example.py", "exec")
        comment = lines[node.end_lineno - 1].encode()[node.end_col_offset:].decode().strip()
        if isinstance(node, ast.Expr) and comment.startswith("#"):
            value = eval(compile(ast.Expression(node.value), "example.py", "eval"), scope)
            found.append((comment[1:].strip(), repr(value)))
            continue
        with contextlib.redirect_stdout(printed):
            exec(code, scope)
    return printed.getvalue(), found


def remember_source(block: str):
    """Errors and kernels quote the lines of the block that runs."""
    import linecache
    linecache.cache["example.py"] = (len(block), None, block.splitlines(True), "example.py")


def walk(text: str):
    """(kind, block, what was printed before it, promises that were kept or not) of all blocks."""
    scope, printed = {"__name__": "page"}, ""
    for kind, block in BLOCK.findall(text):
        if kind == "py":
            yield block, printed.strip() + "\n", []
            continue
        remember_source(block)
        printed, found = results(block, scope)
        yield None, None, found


def test_the_page_shows_what_is_made():
    shown = 0
    for block, printed, promises in walk(PAGE.read_text()):
        for promise, value in promises:
            assert value == promise
        if block is not None:
            assert block == printed, f"run `python {Path(__file__).name}` to write the page anew"
            shown += 1
    assert shown >= 3


def write():
    """Puts what the blocks print into the page."""
    text = PAGE.read_text()
    printed = iter([printed for block, printed, _ in walk(text) if block is not None])
    PAGE.write_text(BLOCK.sub(
        lambda found: found.group() if found.group(1) == "python"
        else f"```py\n{next(printed)}```", text))


if __name__ == "__main__":
    write()
