"""What was compiled, why, and how long it took.

Imports `jit`.
"""
from __future__ import annotations

from functrans.jit import compilations, describe_compilation


class CompileReport(list):
    """Compilations in order; printed, one after the other with their kernels.

    Each has `name` (of the function), `reason`, `seconds` and `kernels`; a kernel has `name`,
    `seconds`, `origin` ("compiled" or "disk"), `reason` and `text`.
    """

    @property
    def kernels(self) -> list:
        """The kernels of all of them."""
        return [kernel for record in self for kernel in record.kernels]

    @property
    def compiled(self) -> list:
        """The kernels that were compiled; the others were on disk."""
        return [kernel for kernel in self.kernels if kernel.origin == "compiled"]

    def __repr__(self):
        seconds = sum(record.seconds for record in self)
        programs = "1 Program" if len(self) == 1 else f"{len(self)} Programs"
        head = (f"{programs} made executable in {seconds:.2f} s: {len(self.compiled)} kernels "
                f"compiled, {len(self.kernels) - len(self.compiled)} read from disk")
        return "\n".join([head, *map(describe_compilation, self)])


def explain_compiles(clear: bool = False) -> CompileReport:
    """What this process has compiled so far: for each Program its function, why, how long.

    clear: whether to forget them, so that the next call tells only what came after.
    Returns a list with a readable `repr`; see `CompileReport`. A Program whose kernels are all in
    the process already, for a new batch size say, has none.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> f = ft.jit(lambda x: x * 2)
    >>> _ = ft.explain_compiles(clear=True); _ = f(fnp.ones(3)); _ = f(fnp.ones(4))
    >>> [record.reason for record in ft.explain_compiles()]
    ['the first call', 'x is f32[4], was f32[3]']
    """
    report = CompileReport(compilations)
    if clear:
        compilations.clear()
    return report
