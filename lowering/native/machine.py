"""Machine code in memory: from LLVM's text to object code, from object code to addresses.

Imports llvmlite only: a process that finds all its kernels on disk never imports numba.
"""
from __future__ import annotations

import struct
from functools import cache
from threading import RLock

import llvmlite.binding as llvm

_lock = RLock()


def processor() -> str:
    """What decides the machine code that this machine can run."""
    return "|".join((llvm.get_process_triple(), llvm.get_host_cpu_name(),
                     llvm.get_host_cpu_features().flatten()))


@cache
def _target_machine(effort: int = 2):
    """What writes machine code. effort: 0 is a fifth of the time of 2, for code that hardly
    depends on it."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=effort,
        reloc="default", codemodel="jitdefault", jit=True)


@cache
def _engine():
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())


def assemble(text: str) -> bytes:
    """The object code of a module in LLVM's text, of which only memory becomes registers."""
    with _lock:
        machine = _target_machine(0)
        module = llvm.parse_assembly(text)
        builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options())
        passes = llvm.create_new_function_pass_manager()
        passes.add_sroa_pass()
        passes.add_simplify_cfg_pass()
        for function in module.functions:
            if not function.is_declaration:
                passes.run(function, builder)
        return machine.emit_object(module)


def optimize(text: str) -> bytes:
    """The object code of a module in LLVM's text, optimized for this machine as far as it goes."""
    with _lock:
        machine = _target_machine()
        module = llvm.parse_assembly(text)
        module.triple, module.data_layout = llvm.get_process_triple(), _data_layout()
        options = llvm.create_pipeline_tuning_options(speed_level=3)
        options.loop_vectorization, options.slp_vectorization = True, False
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
        return machine.emit_object(module)


@cache
def _data_layout() -> str:
    return str(_target_machine().target_data)


def load(code: bytes, *symbols: str) -> tuple[int, ...]:
    """The addresses of functions in object code, which stays in memory for good.

    What it refers to must be there: see `missing`.
    """
    with _lock:
        engine = _engine()
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        return tuple(map(engine.get_function_address, symbols))


def missing(names) -> bool:
    """Whether a name that object code refers to is not to be found in this process."""
    _engine()                                   # opens the process's own symbols
    return any(llvm.address_of_symbol(name) is None for name in names)


def define(name: str, address: int):
    """Lets object code refer to a function by name."""
    llvm.add_symbol(name, address)


# ---- what object code refers to ----

_ELF64 = b"\x7fELF\x02\x01"
_SYMBOL_TABLE = 2


def undefined_symbols(code: bytes) -> list[str] | None:
    """The names that object code expects elsewhere; None if it is not in the ELF format."""
    if not code.startswith(_ELF64):
        return None
    start, = struct.unpack_from("<Q", code, 40)
    size, count = struct.unpack_from("<HH", code, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", code, start + k * size) for k in range(count)]
    names = []
    for _, kind, _, _, offset, length, link, *_ in sections:
        if kind == _SYMBOL_TABLE:
            strings = sections[link][4]
            names += _undefined(code, offset, length, strings)
    return names


def _undefined(code: bytes, offset: int, length: int, strings: int):
    """Names of the symbols of a table that belong to no section."""
    for place in range(offset + 24, offset + length, 24):       # the first entry is empty
        name, _, _, section = struct.unpack_from("<IBBH", code, place)
        if section == 0 and name:
            yield code[strings + name:code.index(b"\0", strings + name)].decode()
