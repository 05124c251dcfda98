"""The CUDA target: kernels for numba.cuda, on a GPU or in numba's simulator.

The text of the whole Program is written to a file and imported: it is what runs. Without a GPU and
without the simulator it can still be read, and compiled.

In: a Program. Out: `CudaExecutable`. Imports `pipeline`, `cuda`, `source`.
"""
from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from functrans.ir.program import Program
from lowering.cuda import driver, reports, runtime
from lowering.cuda.donation import donations, free_to_take, in_place
from lowering.cuda.emit import CudaText
from lowering.cuda.lanes import cuda_loop_kernel
from lowering.cuda.listing import make_cuda_listing, signature
from lowering.cuda.parts import parts
from lowering.cuda.products import is_for_library, is_product, product_kernels
from lowering.cuda.rows import emit_part
from lowering.cuda.sorting import sort_kernels
from lowering.cuda.stretches import in_stretches
from lowering.cuda.together import together
from lowering.emit import emit
from lowering.errors import CompilerMissing, DeviceMissing, IndexOutOfBounds
from lowering.loops import Kernel, Load, Store
from lowering.nest import build_nest
from lowering.pipeline import Emitters, make_plan, optimize
from lowering.plan import Choose, Product, Repeat
from lowering.source import FOLDER, as_function, load, module_text, save


def compile_for_cuda(program: Program, donated: tuple = (), cache_folder=None, watch=None,
                     graphs: bool = True, products: str = "own") -> CudaExecutable:
    """Optimizes and plans a Program, and writes its text."""
    optimized = optimize(program, watch, routines=False)
    plan = make_plan(optimized, EMITTERS if products == "own" else WITH_LIBRARY)
    executable = CudaExecutable(optimized, plan, cache_folder, donated, graphs)
    executable.make_ready()
    return executable


# ---- kernels ----

def _cluster(kernel: Kernel) -> list:
    if any(_is_stack(s) for s in kernel.statements):
        return [emit(build_nest(kernel))]            # the host keeps stacks
    texts = _texts(parts(kernel))
    return _texts(parts(kernel, in_pieces=False)) if None in texts else texts


def _texts(parts: list) -> list:
    """The kernels of parts; None for those that cannot be taken in pieces."""
    texts = []
    for part in parts:
        if part.points:
            texts.append(emit_part(part))
            if texts[-1] is not None:
                texts[-1].in_place = in_place(part, texts[-1])
    return texts


def _is_stack(statement) -> bool:
    return isinstance(statement, (Load, Store)) \
        and not isinstance(statement.place.view.dtype, np.dtype)


def _together(step: Repeat | Choose):
    """A step with inner plans as one kernel, if that is possible; or in kernels of many steps."""
    found = together(step)
    if found is None and isinstance(step, Repeat):
        found = in_stretches(step)
    return found or step


EMITTERS = Emitters(_cluster, sort_kernels, cuda_loop_kernel, product_kernels, is_product,
                    epilogues=True, together=_together)


def _by_library(product: Product) -> list | None:
    """The kernels of a product, or None for one that is the library's."""
    return None if is_for_library(product) else product_kernels(product)


WITH_LIBRARY = replace(EMITTERS, product=_by_library, epilogues=False)


# ---- the whole ----

class CudaExecutable:
    """A Program for a device. `path`: the file with its text."""

    def __init__(self, program: Program, plan, folder=None, donated: tuple = (),
                 graphs: bool = True):
        self.program = program
        self.plan = plan
        self.records: tuple = ()        # of kernels that were made ready for it
        given = donations(plan, donated)
        self._given = tuple(given.values())         # inputs whose memory outputs can take
        self._listing = make_cuda_listing(program, plan, given, graphs)
        self._folder = Path(folder or tempfile.gettempdir()) / FOLDER

    @cached_property
    def path(self) -> Path:
        """The file with the text, and beside it those of long constants."""
        name = re.sub(r"\W", "_", self.program.name or "program")
        path = save(self._listing.text, self._folder, name)
        for file, data in self._listing.files.items():
            _save_array(path.parent / file, data)
        return path

    @cached_property
    def module(self):
        """The text, imported."""
        return load(self.path)

    def make_ready(self):
        """Has the kernels on the device, if there is one: compiled, or read from disk."""
        if not driver.available():
            return
        try:
            driver.pool()
            made = [getattr(self.module, name).kernel.make_ready(kernel.text)
                    for name, kernel in self._listing.kernels.items()]
        except (DeviceMissing, CompilerMissing):
            return                      # who runs it is told
        self.records = tuple(filter(None, made))

    def run(self, arrays: Sequence) -> list:
        """The outputs, arrays of the device, for arrays of the host or of the device.

        It does not wait for them. An index out of bounds is an error where someone waits for them,
        or for what is computed from them.
        """
        before = reports.reports_of(arrays)
        if not before:
            return self._launch(arrays)
        with reports.reading(before):
            outs = self._launch(arrays)
        reports.follow(outs, before)
        return outs

    def _launch(self, arrays: Sequence) -> list:
        own = dict(hosts=self._listing.hosts, failure=self._failure)
        if not self._given:
            return self.module.run(*arrays, **own)
        free = free_to_take(arrays, self._given)
        try:
            return self.module.run(*arrays, **own, free=free)
        except BaseException:
            reports.lose([arrays[place] for place in free])
            raise

    def _failure(self, index: int, code: int, size: int, line: str) -> IndexOutOfBounds:
        location, size = self._listing.checks[code]
        return IndexOutOfBounds(index, size, location, self.program)

    # ---- looking inside ----

    def source(self) -> str:
        """The text that runs."""
        return self._listing.text

    @cached_property
    def kernels(self) -> dict[str, driver.Kernel]:
        """Its kernels, each once, by their names in the text."""
        runtime.know_math()
        return {name: _kernel(name, text) for name, text in self._listing.kernels.items()}

    def ptx(self, capability: tuple = (9, 0)) -> str:
        """The PTX of all kernels, one after the other. Needs no device."""
        return "\n".join(f"// {name}\n{kernel.ptx(capability)}"
                         for name, kernel in self.kernels.items())

    def cubin_report(self, capability: tuple = (9, 0)) -> list:
        """Registers, shared memory and spills of each kernel. Needs no device."""
        return [kernel.report(capability) for kernel in self.kernels.values()]


def _kernel(name: str, text: CudaText) -> driver.Kernel:
    driver.numba_cuda()
    function = as_function(f"from numba import cuda\n\n{module_text(text.text, runtime)}",
                           f"<functrans {name}>")
    function.__name__ = name
    return driver.Kernel(function, signature(text.parameters))


def _save_array(path: Path, data: np.ndarray):
    if not path.exists():
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npy")
        with os.fdopen(handle, "wb") as file:
            np.save(file, data)
        os.replace(temporary, path)
