"""Looking into functions: while they run, at their derivatives, at their compiled code.

`ft.debug.print` and `ft.debug.callback` work under `jit`, `grad`, `vmap` and in loops, in the order
of the program. The tools are imported when they are first used.
"""
from importlib import import_module

from functrans.api.callbacks import debug_callback as callback
from functrans.api.callbacks import debug_print as print

# Names of the tools, and the modules in this folder that they are in.
TOOLS = {"debug_key_reuse": "switches", "debug_nans": "switches", "explain_grad": "ledger",
         "profile": "profiling", "visualize": "pages"}

__all__ = ["callback", "print", *TOOLS]


def __getattr__(name: str):
    if name in TOOLS:
        return getattr(import_module(f"{__name__}.{TOOLS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
