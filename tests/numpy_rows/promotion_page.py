"""docs/dtypes.md: its tables of promotion, written by asking.

    PYTHONPATH=tests:. python -m numpy_rows.promotion_page        writes them into the page
"""
from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans.ir.type import SHORT_NAMES

PAGE = Path(__file__).parent.parent.parent / "docs" / "dtypes.md"
DTYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
          "float16", "bfloat16", "float32", "float64", "complex64", "complex128")
NUMBERS = {"True": True, "1": 1, "1.0": 1.0, "1j": 1j}


def dtype(name: str) -> np.dtype:
    return np.dtype(fnp.bfloat16) if name == "bfloat16" else np.dtype(name)


def promoted(a: str, b: str) -> str:
    return fnp.promote_types(dtype(a), dtype(b)).name


def with_number(name: str, number) -> str:
    """The dtype of an array with a Python number added (bools: or-ed, in effect)."""
    return fnp.result_type(dtype(name), number).name


def _table(head: list, rows: list) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def arrays_table() -> str:
    short = [SHORT_NAMES[name] for name in DTYPES]
    return _table(["", *(f"**{name}**" for name in short)],
                  [[f"**{SHORT_NAMES[a]}**", *(SHORT_NAMES[promoted(a, b)] for b in DTYPES)]
                   for a in DTYPES])


def numbers_table() -> str:
    return _table(["", *(f"`{text}`" for text in NUMBERS)],
                  [[f"**{SHORT_NAMES[a]}**", *(SHORT_NAMES[with_number(a, value)]
                                               for value in NUMBERS.values())] for a in DTYPES])


def tables() -> dict[str, str]:
    with ft.config.override(default_float="float32"):
        return {"arrays": arrays_table(), "numbers": numbers_table()}


def filled(text: str) -> str:
    """The page with its tables, each between two comments, written anew."""
    for name, table in tables().items():
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- end -->)", rf"\1{table}\n\2", text,
                      flags=re.DOTALL)
    return text


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
