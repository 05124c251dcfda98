"""Texts that are compared with what is made today; FUNCTRANS_GOLDEN=write writes them anew.

In: a file, with each text below its name in brackets. Out: texts by name.
"""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

only_when_writing = pytest.mark.skipif(os.environ.get("FUNCTRANS_GOLDEN") != "write",
                                       reason="texts are compared")


def read_texts(path: Path) -> dict[str, str]:
    parts = re.split(r"^\[(\w+)\]\n", path.read_text(), flags=re.M)[1:]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2])}


def write_texts(path: Path, names: Iterable[str], text_of: Callable[[str], str]):
    path.write_text("\n\n".join(f"[{name}]\n{text_of(name)}" for name in names) + "\n")
