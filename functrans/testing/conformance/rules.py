"""Which cells of the matrix ask which rule of functrans's primitives; and what happens without it.

    python -m functrans.testing conformance --rules

runs the kit once and writes down which rules each cell calls, then takes away one rule after the
other, and runs cells that call it: one of them must turn red. So no rule can be lost without the
kit noticing. Imports `matrix` and functrans's primitives.
"""
from __future__ import annotations

import functools
import pkgutil
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from importlib import import_module

from functrans import control, primitives
from functrans.ir.primitive import Primitive
from functrans.testing.conformance.checks import COLUMNS
from functrans.testing.conformance.libraries import library
from functrans.testing.conformance.matrix import FAILED, Cell, Matrix, run, run_cell
from functrans.testing.conformance.table import all_operations

# Rules that results depend on. Others make Programs smaller (prune) or readable (show).
RULES = ("infer", "evaluate", "jvp", "transpose", "batch", "linearize", "kernel")


def all_primitives() -> dict[str, Primitive]:
    """Every primitive of functrans, by name."""
    found = {}
    for package in (primitives, control):
        for info in pkgutil.iter_modules(package.__path__):
            module = import_module(f"{package.__name__}.{info.name}")
            found.update((value.name, value) for value in vars(module).values()
                         if isinstance(value, Primitive))
    return found


def rules() -> list[tuple[str, str]]:
    """(primitive, rule) of each rule that there is, but for primitives that speak of lanes or of
    Python: those are asked by operations of their own, within other transformations."""
    return [(name, rule) for name, primitive in all_primitives().items()
            if name not in AROUND for rule in RULES if getattr(primitive, rule) is not None]


# Primitives of which some rules are used only inside of another transformation.
AROUND = frozenset({
    "psum", "all_gather", "psum_scatter", "ppermute", "all_to_all", "axis_index", "pure_callback",
    "io_callback", "debug_callback", "custom_jvp", "custom_vjp", "custom_vmap", "custom_pull"})

_NO_TANGENT = "its operands are integers or truths, which have no tangent"
# Rules that nothing can call, and why.
UNREACHED = {
    **{(name, "jvp"): _NO_TANGENT for name in (
        "and", "or", "xor", "not", "shift_left", "shift_right_arithmetic", "shift_right_logical",
        "population_count", "count_leading_zeros", "gcd", "pivot_order", "threefry2x32", "use_key",
        "reduce_and", "reduce_or")},
    **{("iota", name): "it has no operands" for name in ("jvp", "batch")},
    **{(name, "kernel"): "it says that compiled code has no formula, and asks NumPy" for name in (
        "igamma", "igammac", "betainc", "betainc_slope", "zeta",
        "bessel_i0e", "bessel_i1e", "fft", "bitcast")},
    ("eig", "jvp"): "it is there to say that there is no derivative"}


@contextmanager
def replaced(primitive: Primitive, name: str, rule: Callable | None):
    """Within this block a primitive has another rule of this name."""
    original = getattr(primitive, name)
    object.__setattr__(primitive, name, rule)
    try:
        yield
    finally:
        object.__setattr__(primitive, name, original)


class Recorder:
    """Within this block, `seen` gathers (primitive, rule) of each rule that is called."""

    def __init__(self):
        self.seen: set = set()
        self._originals: list = []

    def __enter__(self):
        for primitive in all_primitives().values():
            for name in RULES:
                rule = getattr(primitive, name)
                if rule is not None:
                    self._originals.append((primitive, name, rule))
                    object.__setattr__(primitive, name, self._watched(primitive, name, rule))
        return self

    def __exit__(self, *exception):
        for original in self._originals:
            object.__setattr__(*original)

    def _watched(self, primitive: Primitive, name: str, rule: Callable) -> Callable:
        key = (primitive.name, name)

        @functools.wraps(rule)
        def watched(*args, **params):
            self.seen.add(key)
            return rule(*args, **params)
        return watched


def recorded(columns: Iterable[str] = tuple(COLUMNS), most: int = 6) -> tuple[Matrix, dict]:
    """A quick run, and (primitive, rule) -> cells (operation, dtype, column) that call it, at most
    `most` of them."""
    found: dict = {}
    with Recorder() as recorder:
        def gather(cell: tuple, found_there: Cell):
            for key in recorder.seen:
                cells = found.setdefault(key, [])
                if len(cells) < most:
                    cells.append(cell)
            recorder.seen.clear()
        return run("functrans", quick=True, columns=columns, watch=gather), found


def without(primitive: str, rule: str, cells: Iterable[tuple]) -> tuple[tuple, Cell] | None:
    """The first of some cells that fails if a primitive lacks a rule; None if all pass."""
    adapter, table = library("functrans"), all_operations()
    with replaced(all_primitives()[primitive], rule, None):
        for name, dtype, column in cells:
            cell = run_cell(adapter, table[name], dtype, column)
            if cell.state == FAILED:
                return (name, dtype, column), cell
    return None
