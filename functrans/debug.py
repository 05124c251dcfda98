"""Looking into traced functions while they run: `ft.debug.print`, `ft.debug.callback`.

Both work under `jit`, `grad`, `vmap` and in loops, in the order of the program.
"""
from functrans.api.callbacks import debug_callback as callback
from functrans.api.callbacks import debug_print as print

__all__ = ["callback", "print"]
