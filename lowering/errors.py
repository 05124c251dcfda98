"""Errors that compiled code, devices and compilers report. Imports nothing."""
from __future__ import annotations


class IndexOutOfBounds(IndexError):
    """An index outside of an array, found by a kernel; `location` is the user's line, `program`
    what was run."""

    def __init__(self, index: int, size: int, location, program=None):
        super().__init__(f"index {index} is out of bounds for an axis of size {size}")
        self.index, self.size, self.location = index, size, location
        self.program = program


class KernelFailure(Exception):
    """A kernel that could not be compiled. reproduction: a script that tries it again."""

    def __init__(self, module: str, types: tuple):
        super().__init__(f"a kernel of the types {', '.join(types)} could not be compiled")
        self.reproduction = (f"{module}\n\nfrom lowering.native.numba_target import "
                             f"compile_function\n\ncompile_function(kernel, {types!r})\n")


class DeviceMissing(RuntimeError):
    """There is no device of the kind that was asked for; the message says what is missing."""


class DeviceFailure(RuntimeError):
    """A call of the driver failed."""


class NotRecordable(RuntimeError):
    """What a Program does cannot be recorded as a graph of launches."""


class OutOfDeviceMemory(MemoryError):
    """The memory of a device does not suffice; the message says who holds it."""


class CompilerMissing(ImportError):
    """What compiles kernels for a device is not installed."""


class ArchiveError(ValueError):
    """An archive of kernels is damaged, or for another machine."""
