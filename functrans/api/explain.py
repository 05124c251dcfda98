"""What was compiled, why, and how long it took; which calls were traced anew, and why.

Imports `jit`, `api.misses`.
"""
from __future__ import annotations

from functrans.errors import ArgumentError
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


class MissReport(list):
    """Calls that were traced, in order; printed, a line for each, and how often each function was.

    Each has `name` (of the function), `reason`, `differences`, `known`, `kept` and `location`
    (`file` and `line` of the call). A difference from the nearest known call has `argument` (by
    path), `kind`, `now` and `before`; its kind is "shape", "dtype", "weak type", "structure",
    "static value", "switch" or "named axes".
    """

    @property
    def retraces(self) -> list:
        """Those of functions that had been traced before."""
        return [miss for miss in self if miss.known]

    def __repr__(self):
        calls = "1 call was traced" if len(self) == 1 else f"{len(self)} calls were traced"
        head = f"{calls}, {len(self.retraces)} of them of functions that had been traced before"
        return "\n".join([head, *map(str, self)])


def explain_cache_misses(fun=None, clear: bool = False) -> MissReport:
    """Which calls of jitted functions were traced in this process, and why.

    fun: a jitted function, to hear of its calls alone; by default, of all.
    clear: whether to forget what is told, so that the next call tells only what came after.
    Returns a list with a readable `repr`; see `MissReport`. The reason compares the call with the
    nearest of the latest known ones: which argument's shape, dtype, weak type or structure, which
    static value, which switch was another. A function that is jitted again and again, by `jit`
    in a loop say, is told by its first calls.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> f = ft.jit(lambda x, n: x ** n, static_argnums=1)
    >>> _ = f(fnp.ones(3), 2), f(fnp.ones(3), 2), f(fnp.ones(4), 2), f(fnp.ones(4), 3)
    >>> for miss in ft.explain_cache_misses(f): print(miss.reason)
    the first call
    x is f32[4], was f32[3]
    static n is 3, was 2
    """
    from functrans.api.misses import misses
    if fun is not None and not hasattr(fun, "_misses"):
        raise ArgumentError(f"explain_cache_misses takes a jitted function, got {fun!r}: give it "
                            "the result of ft.jit, or nothing")
    found = misses if fun is None else fun._misses
    report = MissReport(found)
    if clear:
        found.clear()
    return report
