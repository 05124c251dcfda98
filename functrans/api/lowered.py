"""A jitted function, lowered for given types: what would run, to be looked at and called.

In: a traced signature. Out: texts, and a callable that is never traced again. Imports `tree`,
`jit`, `api.calls`.
"""
from __future__ import annotations

from contextlib import contextmanager

from functrans import tree
from functrans.api.calls import leaf_names, leaf_type
from functrans.array import Array, ArrayBase
from functrans.config import config
from functrans.device import device_named, elsewhere
from functrans.errors import ArgumentError
from functrans.ir.program import Program
from functrans.jit import call, device_errors, executable, executable_from_text


@contextmanager
def interpret():
    """Within this block the kernels of jitted functions run in plain Python, line by line.

    The values are those of compiled code, to rounding. A debugger stops in kernels, and tracebacks
    show their lines; `jit(f).lower(*args).compile().executable.path` is the file they are in.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> with ft.interpret():
    ...     ft.jit(lambda x: x * 2 + 1)(fnp.array([1.0, 2.0]))
    Array([3., 5.], dtype=float32)
    """
    with config.override(target="interpret"):
        yield


class Lowered:
    """A function, lowered for given types: its Program, passes, kernels.

    - `as_text()`: the Program as traced, and after the passes
    - `source()`: the kernels, as Python; `source("cuda")`: those for a GPU, which need not be there
    - `ptx()`, `cubin_report()`: the kernels for a GPU as PTX, and what their machine code takes
    - `compile()`: the executable, called with arrays

    >>> import functrans as ft, functrans.numpy as fnp
    >>> lowered = ft.jit(lambda x: fnp.sin(x) * 2).lower(ft.ShapeDtypeStruct((3,), "float32"))
    >>> lowered.compile()(fnp.zeros(3))
    Array([0., 0., 0.], dtype=float32)
    """

    def __init__(self, entry, name: str, args: tuple, kwargs: dict):
        self._entry = entry
        self._name = name
        self._structure = tree.structure((args, kwargs))

    @property
    def program(self) -> Program:
        """The Program as it was traced."""
        return self._entry.program

    @property
    def in_tree(self):
        """The structure of (args, kwargs), static arguments left out."""
        return self._structure

    @property
    def out_tree(self):
        """The structure of the result."""
        return self._entry.out_tree

    def _executable(self, target=None):
        return executable(self._entry.program, target or self._entry.target,
                          self._entry.donated, self._entry.reason)

    def as_text(self, stage: str | None = None) -> str:
        """The Program before and after the passes; `stage`: "traced" or "optimized" alone."""
        if stage not in (None, "traced", "optimized"):
            raise ArgumentError(f'stage must be "traced" or "optimized", got {stage!r}')
        texts = {"traced": repr(self._entry.program)}
        if stage != "traced":
            texts["optimized"] = repr(self._executable().program)
        if stage is not None:
            return texts[stage]
        return "\n\n".join(f"# {name}\n{text}" for name, text in texts.items())

    def source(self, target=None) -> str:
        """The kernels and what calls them, as a Python module.

        It runs by itself: saved to a file and imported, its `run(*arrays)` gives the outputs as
        NumPy arrays, so it can be stepped through.
        """
        return self._executable(target_name(target)).source()

    def ptx(self, cc: tuple = (9, 0)) -> str:
        """The PTX of the CUDA kernels, one after the other. Needs no GPU.

        cc: the compute capability: (9, 0) for an H100 or H200, (8, 0) for an A100, (7, 5) for a T4.
        Raises MissingExtraError where numba-cuda is not installed.
        """
        with device_errors():
            return self._executable("cuda").ptx(_capability(cc))

    def cubin_report(self, cc: tuple = (9, 0)) -> list:
        """What the machine code of each CUDA kernel takes: registers, shared memory, spills.

        cc: as for `ptx`. Returns a list of records with `kernel`, `registers` (for each thread),
        `shared` (bytes for each block), `stack`, `spill_stores`, `spill_loads` (bytes for each
        thread), `spills`, `size` (bytes of code). Needs no GPU.
        """
        with device_errors():
            return self._executable("cuda").cubin_report(_capability(cc))

    def compile(self) -> Compiled:
        """Compiles; the result is called with arrays of the same structure and types."""
        return Compiled(self, self._executable())

    def with_source(self, path) -> Compiled:
        """Runs a file with a copy of `source()`, which may have been edited, in plain Python."""
        return Compiled(self, executable_from_text(self.program, path))

    def __repr__(self):
        return f"<lowered {self._name}: {len(self.program.equations)} equations>"


class Compiled:
    """A compiled function for arguments of one structure, one shape and dtype each.

    Static arguments were given to `lower`, and are left out. Raises TypeError for others.
    """

    def __init__(self, lowered: Lowered, compiled):
        self._lowered = lowered
        self.executable = compiled
        self.in_tree, self.out_tree = lowered.in_tree, lowered.out_tree

    def __call__(self, *args, **kwargs):
        entry = self._lowered._entry
        leaves, structure = tree.flatten((args, kwargs))
        if structure != self.in_tree:
            raise ArgumentError(f"compiled {self._lowered._name} takes arguments of the structure "
                                f"{self.in_tree}, without static ones, got {structure}")
        self._check_types(leaves, args, kwargs)
        run = elsewhere.call_there if elsewhere.active else call
        every = [*entry.captured, *leaves]
        outs = run(self.executable, entry.program, every)
        give_up(every, entry.donated)
        return tree.unflatten(self.out_tree, outs)

    def _check_types(self, leaves: list, args: tuple, kwargs: dict):
        expected = self._lowered.program.input_types[-len(leaves):] if leaves else ()
        for number, (leaf, kind) in enumerate(zip(leaves, expected, strict=True)):
            given = leaf.type if isinstance(leaf, ArrayBase) else leaf_type(leaf, "", "jit")
            if not given.matches(kind):
                name = leaf_names(_anything, args, kwargs)[number]
                raise ArgumentError(f"compiled {self._lowered._name} takes {kind} for {name}, got "
                                    f"{given}; lower it again for other shapes and dtypes")

    def as_text(self, stage: str | None = None) -> str:
        """As `Lowered.as_text`."""
        return self._lowered.as_text(stage)

    def source(self) -> str:
        """As `Lowered.source`."""
        return self.executable.source()

    def __repr__(self):
        return f"<compiled {self._lowered._name}>"


def give_up(leaves: list, donated: tuple):
    """The donated ones of the leaves of a call have no value any more."""
    for place in donated:
        if type(leaves[place]) is Array:
            leaves[place].donate()


def target_name(device) -> str | None:
    """The target that a device, its name, or the name of a target means."""
    if device is None:
        return None
    name = str(getattr(device, "platform", device))
    known = device_named(name)
    return name if known is None else known.platform


def _capability(cc) -> tuple[int, int]:
    """(major, minor), of that or of a number such as 90."""
    major, minor = divmod(cc, 10) if isinstance(cc, int) else cc
    return int(major), int(minor)


def _anything(*args, **kwargs):
    """Stands for the function, whose signature static arguments have changed."""
