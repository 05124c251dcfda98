"""The few switches, each with an environment variable.

    ft.config.update("default_float", "float64")
    with ft.config.override(target="reference"): ...

| name               | environment                  | default   | meaning                        |
|--------------------|------------------------------|-----------|--------------------------------|
| `default_float`    | `FUNCTRANS_DEFAULT_FLOAT`    | `float32` | dtype of Python floats         |
| `default_int`      | `FUNCTRANS_DEFAULT_INT`      | `int64`   | dtype of Python ints           |
| `target`           | `FUNCTRANS_TARGET`           | `cpu`     | what `jit` compiles for; below |
| `debug`            | `FT_DEBUG`                   | `0`       | what is printed, 0 to 4; below |
| `cache_dir`        | `FUNCTRANS_CACHE_DIR`        | by system | folder of kernels, or none     |
| `cache_limit`      | `FUNCTRANS_CACHE_LIMIT`      | `1G`      | bytes that it may take: `500M` |
| `threads`          | `FUNCTRANS_THREADS`          | `0`       | of large kernels; 0: all       |
| `compiler`         | `FUNCTRANS_COMPILER`         | `direct`  | of kernels for `cpu`; below    |
| `graphs`           | `FUNCTRANS_GRAPHS`           | `True`    | launches on a GPU are replayed |
| `products`         | `FUNCTRANS_PRODUCTS`         | `own`     | on a GPU; or `cublas`          |
| `check`            | `FUNCTRANS_CHECK`            | `False`   | check Programs after passes    |
| `debug_nans`       | `FUNCTRANS_DEBUG_NANS`       | `False`   | raise where a NaN is made      |
| `debug_key_reuse`  | `FUNCTRANS_DEBUG_KEY_REUSE`  | `False`   | raise where a key is reused    |
| `while_trip_limit` | `FUNCTRANS_WHILE_TRIP_LIMIT` | `0`       | steps to a loop's error; 0: no |
| `tracebacks`       | `FUNCTRANS_TRACEBACKS`       | `folded`  | `full`: with ours              |

Targets: `cpu`; `cuda` (see docs/cuda.md); `reference`, which evaluates equation by equation with
NumPy; `interpret`, the kernels of `cpu` in plain Python (see `functrans.interpret`).

Kernels are functions that `numba.njit` takes as they are. The compiler `direct` translates the
small part of Python that they are written in straight to LLVM's code, and hands what is beyond it
to numba; `numba` has numba compile them all. The results are the same; numba takes two to three
times as long.

`debug` prints to stderr: 1 what is compiled, why and how long it took; 2 Programs after each pass,
too; 3 the text of the kernels, too; 4 each run of compiled code, too, with its time.

Imports NumPy only.
"""
from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np


def _cache_folder() -> Path:
    """The platform's folder for caches."""
    if os.name == "nt":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
        return Path(base) / "functrans" / "cache"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "functrans"


def _choice(*allowed):
    def parse(value):
        name = value if isinstance(value, str) else np.dtype(value).name
        if name not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return name
    return parse


def _flag(value) -> bool:
    if isinstance(value, str):
        if value.lower() in ("1", "true", "yes", "on"):
            return True
        if value.lower() in ("", "0", "false", "no", "off"):
            return False
        raise ValueError("must be true or false")
    return bool(value)


def _folder(value) -> Path | None:
    """A folder; an empty text or None for none at all."""
    return Path(value) if value not in (None, "") else None


def _count(value) -> int:
    count = int(value)
    if count < 0:
        raise ValueError("must not be negative")
    return count


def _bytes(value) -> int:
    """A number of bytes: 5000, "300K", "500M", "2G"."""
    text = str(value).strip().upper()
    factor = {"K": 2 ** 10, "M": 2 ** 20, "G": 2 ** 30}.get(text[-1:], 1)
    count = int(text[:-1] if factor > 1 else text) * factor
    if count < 0:
        raise ValueError("must not be negative")
    return count


_SWITCHES = {
    "default_float": ("FUNCTRANS_DEFAULT_FLOAT", _choice("float32", "float64"), "float32"),
    "default_int": ("FUNCTRANS_DEFAULT_INT", _choice("int32", "int64"), "int64"),
    "target": ("FUNCTRANS_TARGET", _choice("cpu", "reference", "interpret", "cuda"), "cpu"),
    "debug": ("FT_DEBUG", int, 0),
    "cache_dir": ("FUNCTRANS_CACHE_DIR", _folder, None),
    "cache_limit": ("FUNCTRANS_CACHE_LIMIT", _bytes, 2 ** 30),
    "threads": ("FUNCTRANS_THREADS", _count, 0),
    "compiler": ("FUNCTRANS_COMPILER", _choice("direct", "numba"), "direct"),
    "graphs": ("FUNCTRANS_GRAPHS", _flag, True),
    "products": ("FUNCTRANS_PRODUCTS", _choice("own", "cublas"), "own"),
    "check": ("FUNCTRANS_CHECK", _flag, False),
    "debug_nans": ("FUNCTRANS_DEBUG_NANS", _flag, False),
    "debug_key_reuse": ("FUNCTRANS_DEBUG_KEY_REUSE", _flag, False),
    "while_trip_limit": ("FUNCTRANS_WHILE_TRIP_LIMIT", _count, 0),
    "tracebacks": ("FUNCTRANS_TRACEBACKS", _choice("folded", "full"), "folded"),
}


_KEY = "key"        # not a switch: those on which Programs depend, together
KEYED = ("default_float", "default_int", "target", "debug_nans", "debug_key_reuse",
         "while_trip_limit", "debug >= 4")


def _keyed(values: dict) -> dict:
    """Switches with their key, which every call of a jitted function asks for."""
    values[_KEY] = (*(values[name] for name in KEYED[:-1]), values["debug"] >= 4)
    return values


class Config:
    """The switches, as attributes. `update` sets one for good, `override` for a block."""

    def __init__(self):
        self.__dict__["_values"] = ContextVar("functrans_config", default=None)
        self.__dict__["_base"] = _keyed({name: self._initial(name) for name in _SWITCHES})
        self.__dict__["_listeners"] = {}

    @staticmethod
    def _initial(name):
        variable, parse, default = _SWITCHES[name]
        text = os.environ.get(variable)
        if text is None:
            return _cache_folder() if name == "cache_dir" else default
        return _parsed(name, text, f"environment variable {variable}")

    def _current(self) -> dict:
        return self._values.get() or self._base

    @property
    def key(self) -> tuple:
        """The switches on which traced Programs depend, for keys of caches."""
        return self._current()[_KEY]

    def __getattr__(self, name):
        try:
            return self._current()[name]
        except KeyError:
            raise AttributeError(_unknown(name)) from None

    def __setattr__(self, name, value):
        self.update(name, value)

    def update(self, name: str, value):
        """Sets a switch for this process (or for the surrounding `override` block)."""
        values = self._current()
        known = _known(name)
        values[known] = _parsed(known, value, "config.update")
        _keyed(values)
        self._tell({known: values[known]})

    @contextmanager
    def override(self, **values):
        """Sets switches for the duration of a `with` block, in this thread or task only."""
        changed = {_known(name): _parsed(name, value, "config.override")
                   for name, value in values.items()}
        token = self._values.set(_keyed({**self._current(), **changed}))
        self._tell(changed)
        try:
            yield self
        finally:
            self._values.reset(token)

    def listen(self, name: str, function: Callable):
        """Has `function(value)` called with the value of a switch: now, and whenever it is set."""
        self._listeners.setdefault(_known(name), []).append(function)
        function(getattr(self, name))

    def _tell(self, changed: dict):
        for name, value in changed.items():
            for function in self._listeners.get(name, ()):
                function(value)

    def __repr__(self):
        values = self._current()
        lines = (f"    {name} = {values[name]}" for name in _SWITCHES)
        return "functrans.config\n" + "\n".join(lines)


def _unknown(name) -> str:
    return f"no switch named {name!r}; there are {', '.join(_SWITCHES)}"


def _known(name: str) -> str:
    if name not in _SWITCHES:
        raise AttributeError(_unknown(name))
    return name


def _parsed(name: str, value, source: str):
    try:
        return _SWITCHES[name][1](value)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{source}: {name} = {value!r}: {error}") from None


config = Config()


def default_float() -> np.dtype:
    return _DTYPES[config.key[0]]


def default_int() -> np.dtype:
    return _DTYPES[config.key[1]]


_DTYPES = {name: np.dtype(name) for name in ("float32", "float64", "int32", "int64")}
