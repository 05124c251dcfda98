"""Who may know whom: the rooms of the house, and the import statements that keep to their order.

A room imports from rooms above it in `LAYERS`, or from its own. What is imported inside of a
function counts too, but for the few cases in `LATE`.
"""
from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent

LAYERS = (
    {"config", "device", "errors", "silence", "ir"},
    {"locations", "tree", "extras"},
    {"array", "standing", "tracebacks", "tracing_errors"},
    {"trace"},
    {"primitives"},
    {"transforms", "nans", "fallback"},
    {"key_reuse"},
    {"jit"},
    {"placement"},
    {"elsewhere"},
    {"control"},
    {"numpy"},
    {"random", "api", "flatten_util"},
    {"lax", "debug", "nn"},
    {"dtypes", "image", "ops", "optim", "scipy", "tree_util", "typing", "functrans"},
    {"zoo", "doctor"},
    {"testing"},
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

# What is imported only when it is used, against the order.
LATE = {("errors", "locations"), ("api", "lax")}

OUTSIDE = {"functrans": {"numpy"}, "lowering": {"numpy", "numba", "llvmlite"}}

# Scripts that made tables of numbers, and what pytest loads by itself; no module imports them.
SCRIPTS = {"lowering/math/derive.py", "functrans/testing/entry/functrans_pytest.py"}


class Import(NamedTuple):
    """An import statement: in which file, at which line, of what, inside of a function or not."""
    file: str
    line: int
    module: str
    late: bool

    @property
    def source(self) -> str:
        return room(self.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__"))

    @property
    def target(self) -> str:
        return room(self.module)

    def __str__(self):
        return f"{self.file}:{self.line} imports {self.module}"


def room(module: str) -> str:
    """`functrans.numpy.linalg` is in the room `numpy`; a package itself has its own name."""
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "functrans" and rest else top


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def statements(tree: ast.AST, late: bool = False):
    """(statement, whether it is inside of a function), without those for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node, late
        inner = late or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from statements(node, inner)


def modules_of(node, package: str):
    """The modules that a statement names, in full."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        parent = package.split(".")[:len(package.split(".")) - node.level + 1]
        base = ".".join([*parent, *([base] if base else [])])
    for alias in node.names:
        whole = f"{base}.{alias.name}"
        yield whole if is_module(whole) else base


@cache
def imports(package: str) -> tuple[Import, ...]:
    """All imports of a package's files."""
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        file = path.relative_to(ROOT).as_posix()
        inside = ".".join(path.parent.relative_to(ROOT).parts)
        for node, late in statements(ast.parse(path.read_text())):
            found += [Import(file, node.lineno, module, late)
                      for module in modules_of(node, inside)]
    return tuple(found)


def is_ours(found: Import) -> bool:
    return found.module.partition(".")[0] in ("functrans", "lowering")


def is_allowed(found: Import) -> bool:
    """Whether a room of functrans may import another."""
    source, target = found.source, found.target
    if source == target or source in ("functrans", "__main__"):
        return True
    if found.late and (source, target) in LATE:
        return True
    return target in LEVEL and source in LEVEL and LEVEL[target] < LEVEL[source]


def test_imports_are_found():
    assert len(imports("functrans")) > 500 and len(imports("lowering")) > 100


def test_every_room_has_its_place():
    rooms = {path.stem for path in (ROOT / "functrans").iterdir()
             if path.suffix == ".py" or path.is_dir() and any(path.glob("*.py"))}
    assert rooms - {"__init__", "__main__", "__pycache__"} <= set(LEVEL)


def test_rooms_know_only_those_above_them():
    wrong = [str(found) for found in imports("functrans")
             if is_ours(found) and found.target != "lowering" and not is_allowed(found)]
    assert not wrong, "\n".join(wrong)


def test_exceptions_are_used():
    """One that nobody needs any more goes."""
    pairs = {(found.source, found.target) for found in imports("functrans") if is_ours(found)}
    assert pairs >= LATE


def test_lowering_knows_the_intermediate_representation_only():
    wrong = [str(found) for found in imports("lowering") if is_ours(found)
             and not found.module.startswith("lowering")
             and not found.module.startswith("functrans.ir")]
    assert not wrong, "\n".join(wrong)


def test_one_file_is_the_door():
    """It is opened when something is compiled, not when functrans is imported."""
    doors = [found for found in imports("functrans") if found.target == "lowering"]
    assert {found.file for found in doors} == {"functrans/jit.py"}
    assert all(found.late for found in doors)


@pytest.mark.parametrize("package", OUTSIDE)
def test_only_required_packages_are_imported_with_the_package(package):
    known = OUTSIDE[package] | set(sys.stdlib_module_names) | {"functrans", "lowering"}
    wrong = [str(found) for found in imports(package)
             if not found.late and found.module.partition(".")[0] not in known
             and found.file not in SCRIPTS]
    assert not wrong, "\n".join(wrong)
    scripts = {file.removesuffix(".py").replace("/", ".") for file in SCRIPTS}
    assert not [str(found) for found in imports(package) if found.module in scripts]


def test_lowering_never_asks_for_the_name_of_a_primitive():
    """It dispatches on kernel classes, so that a new primitive needs no change there."""
    asks = re.compile(r"primitive\.name\s*(==|!=|in\b|not in\b)|primitive\s+(is|==)\s+\w+_p\b")
    wrong = [f"{path.relative_to(ROOT)}: {match[0]}"
             for path in sorted((ROOT / "lowering").rglob("*.py"))
             for match in asks.finditer(path.read_text())]
    assert not wrong, "\n".join(wrong)


# ---- the test itself ----

@pytest.mark.parametrize("file, module, late, allowed", [
    ("functrans/primitives/shape.py", "functrans.trace", False, True),
    ("functrans/primitives/shape.py", "functrans.numpy.ufuncs", False, False),
    ("functrans/primitives/shape.py", "functrans.numpy.ufuncs", True, False),
    ("functrans/trace.py", "functrans.primitives", True, False),
    ("functrans/errors.py", "functrans.locations", True, True),
    ("functrans/errors.py", "functrans.locations", False, False),
    ("functrans/nn/losses.py", "functrans.zoo.mlp", True, False),
    ("functrans/numpy/linalg/common.py", "functrans.numpy.ufuncs", False, True),
])
def test_what_is_forbidden_is_noticed(file, module, late, allowed):
    assert is_allowed(Import(file, 1, module, late)) is allowed
