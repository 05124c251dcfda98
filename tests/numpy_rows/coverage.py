"""docs/coverage.md: each name of NumPy's, and what can be done with it here, found by trying.

    PYTHONPATH=tests:. python -m numpy_rows.coverage        writes the page
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path

import numpy as np

import functrans as ft
from numpy_rows import ROWS, Row, laws

PAGE = Path(__file__).parent.parent.parent / "docs" / "coverage.md"
COLUMNS = ("eval", "jit", "jvp", "vjp", "vmap")
YES, NONE, NO = "yes", "-", "no"

# What there is in NumPy and not here, by reason.
ABSENT = {
    "Dates, text, records and objects are no numbers":
        "busday_count busday_offset busdaycalendar bytes_ character datetime64 datetime_as_string "
        "datetime_data flexible fromregex is_busday isnat object_ recarray record str_ timedelta64 "
        "typename void",
    "Extended precision exists on some machines only":
        "clongdouble complex256 float128 longdouble",
    "Subclasses and iterators of ndarray":
        "asmatrix bmat broadcast flatiter matrix memmap nditer nested_iters poly1d ufunc",
    "Questions about NumPy itself, and its settings":
        "ScalarType get_include getbufsize geterrcall info little_endian mintypecode sctypeDict "
        "setbufsize seterrcall show_config show_runtime test typecodes",
    "Deprecated in NumPy": "row_stack",
}


def absent() -> set[str]:
    return {name for names in ABSENT.values() for name in names.split()}


def numpy_names() -> list[str]:
    """NumPy's public names: of its main namespace, numpy.linalg and numpy.fft."""
    main = [name for name in dir(np) if not name.startswith("_")
            and not inspect.ismodule(getattr(np, name))]
    return sorted(main) + [f"{part}.{name}" for part in ("linalg", "fft")
                           for name in sorted(getattr(np, part).__all__)]


def _attribute(module, name: str):
    for part in name.split("."):
        module = getattr(module, part)
    return module


def rows_of(name: str) -> list[Row]:
    return [row for row in ROWS if row.name == name]


# ---- trying ----

def flags(name: str) -> list[str]:
    """Each column for a name: whether it works for at least one of its rows."""
    rows = rows_of(name)
    return [_evaluated(rows), _each(rows, lambda row: row.jit, _jit),
            _each(rows, lambda row: row.grad, laws.check_jvp),
            _each(rows, lambda row: row.grad, laws.check_vjp),
            _each(rows, lambda row: row.batched, _vmap)]


def _calls(row: Row, values: int = 1) -> list:
    return laws.typical_calls(row, 2, values)


def _evaluated(rows) -> str:
    for row in rows:
        for call, in _calls(row):
            with laws.silent():
                laws.assert_close(laws.ours(row, call), laws.theirs(row, call), row.ulp, row.dtype)
    return YES


def _each(rows, wanted: Callable, check: Callable) -> str:
    """yes if a row that allows it does it; "-" if there is nothing to do; no if none allows it."""
    allowed = [row for row in rows if wanted(row)]
    if not allowed:
        return NONE if all(_has_no_arrays(row) for row in rows) else NO
    for row in allowed:
        for lanes in _calls(row, 2):
            if check(row, lanes if check is _vmap else lanes[0]):
                return YES
    return NONE


def _has_no_arrays(row: Row) -> bool:
    """Whether there is nothing that could be traced, or differentiated: no array comes out."""
    call = _calls(row)[0][0]
    result = laws.ours(row, call)
    return not any(hasattr(leaf, "dtype") and hasattr(leaf, "weak_type")
                   for leaf in ft.tree.leaves(laws._plain(result)))


def _jit(row: Row, call) -> bool:
    return laws.check_jit(row, call)


def _vmap(row: Row, lanes) -> bool:
    return laws.check_vmap(row, lanes)


def note(name: str) -> str:
    """Why some of its uses cannot be traced."""
    reasons = dict.fromkeys(row.why for row in rows_of(name) if row.why)
    return "; ".join(reasons)


# ---- the page ----

def line(name: str) -> str:
    return f"| `{name}` | {' | '.join(flags(name))} | {note(name)} |"


def listed() -> list[str]:
    """NumPy's names that have rows, then ours that NumPy does not have."""
    names = [name for name in numpy_names() if rows_of(name)]
    extra = sorted({row.name for row in ROWS} - set(numpy_names()))
    return names + extra


def values() -> list[str]:
    """Constants, types and settings: NumPy's own objects, with nothing to run."""
    return [name for name in numpy_names() if name not in absent() and not rows_of(name)]


HEAD = """# Coverage of NumPy

What can be done with each function of `numpy`, `numpy.linalg` and `numpy.fft` in `functrans.numpy`.
The page is written by trying: `PYTHONPATH=tests:. python -m numpy_rows.coverage`. Each function is
compared with NumPy's (**eval**), compiled and compared with itself (**jit**), differentiated
forwards and compared with finite differences (**jvp**), backwards and compared with forwards
(**vjp**), mapped and compared with a loop (**vmap**). "-": there is nothing to differentiate or to
trace, since the result is integer, constant or no array. "no": the note says why. What asks for
values works outside of `jit` and of the mapped axis of `vmap`, under `grad` too.

There are {count} functions, and {constants} constants, types and settings.

| function | {columns} | note |
|---|{rule}---|
"""


def page() -> str:
    names, constants = listed(), values()
    head = HEAD.format(count=len(names), constants=len(constants), columns=" | ".join(COLUMNS),
                       rule="---|" * len(COLUMNS))
    parts = [head + "\n".join(map(line, names)),
             "## Constants, types, settings\n\nThese are NumPy's own.",
             ", ".join(f"`{name}`" for name in constants), "## Not provided"]
    for reason, text in ABSENT.items():
        parts.append(f"{reason}: " + ", ".join(f"`{name}`" for name in text.split()) + ".")
    return "\n\n".join(parts) + "\n"


def main():
    with ft.config.override(default_float="float64"):
        PAGE.write_text(page())


if __name__ == "__main__":
    main()
