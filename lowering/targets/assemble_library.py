"""Calls of library routines in the runner's table.

In: steps of the plan. Out: their table, written by an `Assembler`. Imports `library`, `native`,
`targets.assemble`.
"""
from __future__ import annotations

import numpy as np

from functrans.ir.library import Routine
from lowering.library import LibraryCalls, Moving, Scratch
from lowering.native import blas, lapack
from lowering.native.runner import ADD, CALL, SET
from lowering.targets.assemble import Assembler, assembles
from lowering.targets.assemble_products import packer, words


@assembles(LibraryCalls)
def assemble_library(assembler: Assembler, step: LibraryCalls):
    """All routines for one matrix after the other."""
    moving = {argument.view: argument.stride for _, arguments in step.calls
              for argument in arguments if isinstance(argument, Moving)}
    if step.count == 1:
        _write_calls(assembler, step, {view: assembler.view(view) for view in moving})
        return
    registers = {view: assembler.new_register() for view in moving}
    for view, register in registers.items():
        assembler.write(SET, register, *assembler.view(view))

    def body():
        _write_calls(assembler, step, {view: (register, 0)
                                       for view, register in registers.items()})
        for view, register in registers.items():
            assembler.write(ADD, register, -1, moving[view])
    assembler.loop(step.count, body)


def _write_calls(assembler: Assembler, step: LibraryCalls, operands: dict):
    for call, arguments in step.calls:
        letters = sum(isinstance(argument, str) for argument in arguments)
        address = blas.library().address(lapack.routine_name(call))
        assembler.begin_call(CALL, len(arguments) + letters, address)
        for argument in arguments:
            _write_argument(assembler, call, argument, operands)
        for _ in range(letters):
            assembler.write(-1, 1)                  # lengths of the letters, for Fortran


def _write_argument(assembler: Assembler, call: Routine, argument, operands: dict):
    if isinstance(argument, Moving):
        assembler.write(*operands[argument.view])
    elif isinstance(argument, Scratch):
        assembler.write(*assembler.view(argument.view))
    elif isinstance(argument, str):
        assembler.by_address(assembler.constant(ord(argument)))
    elif isinstance(argument, (int, np.integer)):
        assembler.by_address(assembler.constant(packer(blas.library().integer)(int(argument))))
    else:
        assembler.by_address(assembler.constant(*words(call.dtype.type(argument))))
