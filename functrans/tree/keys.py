"""The steps of a path into a tree, and how a path is written.

Imports the standard library only.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SequenceKey:
    """A step into a tuple or list: `[0]`."""

    idx: int

    def __str__(self):
        return f"[{self.idx}]"


@dataclass(frozen=True)
class DictKey:
    """A step into a dict: `['name']`."""

    key: Any

    def __str__(self):
        return f"[{self.key!r}]"


@dataclass(frozen=True)
class GetAttrKey:
    """A step into an attribute: `.name`."""

    name: str

    def __str__(self):
        return f".{self.name}"


@dataclass(frozen=True)
class FlattenedIndexKey:
    """A step into child number `key` of a node whose class names no keys."""

    key: int

    def __str__(self):
        return f"[<flat index {self.key}>]"


def _plain(key) -> str:
    for name in ("key", "idx", "name"):
        if hasattr(key, name):
            return str(getattr(key, name))
    return str(key)


def keystr(keys, *, simple: bool = False, separator: str = "") -> str:
    """A path as text.

    Args:
      keys: the path, a sequence of keys, as `flatten_with_path` gives it.
      simple: writes the bare names, `layers`, instead of Python's, `['layers']`.
      separator: what stands between two steps.

    Returns:
      The text. The path of a tree that is one leaf is empty.

    Example:
      >>> from functrans import tree
      >>> (path, leaf), = tree.leaves_with_path({"layers": [7]})
      >>> tree.keystr(path), tree.keystr(path, simple=True, separator="/")
      ("['layers'][0]", 'layers/0')
    """
    return separator.join(map(_plain if simple else str, keys))


def place(path) -> str:
    """Where an error message says that something is."""
    return f"at {keystr(path)}" if path else "at the root"
