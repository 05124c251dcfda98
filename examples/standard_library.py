"""Real text that every Python has: the source of its own standard library, for other examples.

A module, not a program. In: the folder of the running Python. Out: (path, text) of its modules,
in two parts: to learn from, and held out.
"""
from __future__ import annotations

import sysconfig
import zlib
from pathlib import Path

# Packages of tests, and files that are tables more than text.
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test", "encodings",
            "pydoc_data", "__pycache__"}


def modules(most: int | None = None) -> list[tuple[str, str]]:
    """(path, text) of the modules, in a fixed order that is not that of the alphabet.

    path: within the library, with slashes. most: how many at most.
    """
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = [path for path in root.rglob("*.py")
             if not LEFT_OUT.intersection(path.relative_to(root).parts)]
    named = {path.relative_to(root).as_posix(): path for path in paths}
    chosen = sorted(named, key=lambda name: zlib.crc32(name.encode()))[:most]
    return [(name, named[name].read_text("utf-8", "replace")) for name in chosen]


def in_two_parts(items: list, part: int = 20) -> tuple[list, list]:
    """(to learn from, held out): one of `part` items is held out, whole."""
    return ([item for k, item in enumerate(items) if k % part],
            [item for k, item in enumerate(items) if k % part == 0])
