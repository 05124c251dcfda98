"""One measurement in a process of its own: the time of an import, and of the first call.

    python -m benchmarks.fresh "tiny function" jax

Prints a line of JSON: seconds of the import, and of the first call. Nothing is imported before the
clock starts but the standard library.
"""
from __future__ import annotations

import json
import sys
import time


def main(name: str, library: str):
    from benchmarks.libraries import load
    start = time.perf_counter()
    loaded = load(library)
    imported = time.perf_counter() - start
    import benchmarks.families  # noqa: F401  (registers the rows)
    from benchmarks.row import ROWS
    call, arguments = ROWS[name].maker(library)(getattr(loaded, "module", loaded))
    start = time.perf_counter()
    loaded.wait(call(*arguments))
    print(json.dumps([imported, time.perf_counter() - start]))


if __name__ == "__main__":
    main(*sys.argv[1:])
