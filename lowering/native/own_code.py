"""Machine code that this package writes itself: made once on a machine, kept in the cache.

In: the name of a module of this folder that writes LLVM's text. Out: addresses of its functions.
Imports `machine`, `cache`.
"""
from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from threading import RLock

from lowering.native import machine
from lowering.native.cache import Stored

_lock = RLock()
_compiled: dict[str, tuple] = {}


def functions(name: str, writer: str, symbols: tuple, cache, *arguments, sources: tuple = (),
              settings: tuple = ()) -> tuple:
    """The addresses of `symbols` in what `writer` gives, "module.function" of this folder.

    name: under which it is kept. sources: the modules that the text follows from; settings: what
    else it follows from, besides the processor.
    """
    with _lock:
        found = _compiled.get(name)
        if found is None:
            key = f"{name}_{_digest(sources, settings)}"
            found = _compiled[name] = _make(key, writer, symbols, cache, arguments)
    return found


def _make(key: str, writer: str, symbols: tuple, cache, arguments: tuple) -> tuple:
    stored, _ = cache.load(key) if cache else (None, "")
    if stored is None:
        module, _, function = writer.partition(".")
        write = getattr(import_module(f"lowering.native.{module}"), function)
        stored = Stored(machine.assemble(write(*arguments)), symbols)
        if cache:
            cache.save(key, stored)
    return machine.load(stored.code, *stored.symbols)


def _digest(sources: tuple, settings: tuple) -> str:
    folder = Path(__file__).parent
    parts = [(folder / f"{name}.py").read_bytes() for name in sources]
    return hashlib.sha256(b"".join([*parts, repr(settings).encode()])).hexdigest()[:16]
