"""The runner: a native loop that walks a table of steps, so that no Python runs between kernels.

A plan is assembled into `code`, a read-only table of int64 that every call shares; what differs
from call to call (addresses of inputs, results and temporary memory, loop counters) stands in
`registers`, a small table of its own for each call. An operand is a pair `(register, value)`: it
means `registers[register] + value`, or `value` alone where `register` is negative.

The runner knows nothing of kernels but their addresses: all their parameters are integers and
pointers, which every calling convention passes alike. A new Program is a new table, not a
compilation. Imports llvmlite and numba only.
"""
from __future__ import annotations

import ctypes
from functools import cache

from llvmlite import ir
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

_CALL_SIZES = (8, 16, 32, 64)
MAX_PARAMETERS = _CALL_SIZES[-1]

# Operations. In brackets: what follows in the table; `x` is an operand (two numbers).
END = 0             # []                      the end; returns 0
CALL = 1            # [count, function, x..]  calls a function, whatever it returns
SET = 2             # [register, x]           register = x
ADD = 3             # [register, x]           register += x
SWAP = 4            # [register, register]    exchanges two registers
JUMP = 5            # [place]                 goes on at a place in the table
JUMP_UNLESS_LESS = 6    # [register, x, place]    unless register < x
JUMP_IF_ZERO = 7    # [x, place]              if the byte at address x is zero
COPY = 8            # [x, x, x]               target, source, count of bytes
ZERO = 9            # [x, x]                  target, count of bytes
LOAD = 10           # [register, x]           register = the int64 at address x
CHECKED_CALL = 11   # [count, function, x..]  calls; returns at once what is not zero

_I64, _I32, _I8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)


def _write_caller(module: ir.Module) -> ir.Function:
    """`int call(function, count, arguments)`: calls with at least `count` of the arguments.

    A callee does not look at parameters that it does not have, so a few sizes of call serve
    all counts.
    """
    pointer = _I64.as_pointer()
    caller = ir.Function(module, ir.FunctionType(_I32, [_I64, _I64, pointer]), "functrans_call")
    caller.linkage = "internal"
    function, count, arguments = caller.args
    builder = ir.IRBuilder(caller.append_basic_block("entry"))
    for size in _CALL_SIZES:
        fits = caller.append_basic_block(f"call{size}")
        larger = caller.append_basic_block(f"more{size}")
        builder.cbranch(builder.icmp_signed("<=", count, _I64(size)), fits, larger)
        builder.position_at_end(fits)
        kind = ir.FunctionType(_I32, [_I64] * size)
        values = [builder.load(builder.gep(arguments, [_I64(k)])) for k in range(size)]
        builder.ret(builder.call(builder.inttoptr(function, kind.as_pointer()), values))
        builder.position_at_end(larger)
    builder.ret(_I32(-1))
    return caller


class _Writer:
    """Builds the function `int run(int64* code, int64* registers)`, block by block."""

    def __init__(self, module: ir.Module):
        self.module = module
        self.caller = _write_caller(module)
        pointer = _I64.as_pointer()
        self.function = ir.Function(module, ir.FunctionType(_I32, [pointer, pointer]),
                                    "functrans_run")
        self.code, self.registers = self.function.args
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.place = self.builder.alloca(_I64)
        self.arguments = self.builder.alloca(_I64, MAX_PARAMETERS)
        self.counter = self.builder.alloca(_I64)
        self.builder.store(_I64(0), self.place)
        self.head = self.function.append_basic_block("head")
        self.builder.branch(self.head)

    def write(self):
        self.builder.position_at_end(self.head)
        operation = self.next()
        default = self.function.append_basic_block("end")
        switch = self.builder.switch(operation, default)
        self.builder.position_at_end(default)
        self.builder.ret(_I32(0))
        for number, emit in ((CALL, self.call), (CHECKED_CALL, self.checked_call),
                             (SET, self.set), (ADD, self.add), (SWAP, self.swap),
                             (JUMP, self.jump), (JUMP_UNLESS_LESS, self.jump_unless_less),
                             (JUMP_IF_ZERO, self.jump_if_zero), (COPY, self.copy),
                             (ZERO, self.zero), (LOAD, self.load)):
            block = self.function.append_basic_block(emit.__name__)
            switch.add_case(_I64(number), block)
            self.builder.position_at_end(block)
            emit()
            if not self.builder.block.is_terminated:
                self.builder.branch(self.head)

    # ---- reading the table ----

    def next(self):
        """The number at the current place; the place moves on."""
        place = self.builder.load(self.place)
        self.builder.store(self.builder.add(place, _I64(1)), self.place)
        return self.builder.load(self.builder.gep(self.code, [place]))

    def register(self):
        return self.builder.gep(self.registers, [self.next()])

    def operand(self):
        register, value = self.next(), self.next()
        constant = self.builder.icmp_signed("<", register, _I64(0))
        safe = self.builder.select(constant, _I64(0), register)
        base = self.builder.load(self.builder.gep(self.registers, [safe]))
        return self.builder.add(self.builder.select(constant, _I64(0), base), value)

    def address(self, kind=_I8):
        return self.builder.inttoptr(self.operand(), kind.as_pointer())

    # ---- operations ----

    def set(self):
        target = self.register()
        self.builder.store(self.operand(), target)

    def add(self):
        target = self.register()
        self.builder.store(self.builder.add(self.builder.load(target), self.operand()), target)

    def swap(self):
        first, second = self.register(), self.register()
        a, b = self.builder.load(first), self.builder.load(second)
        self.builder.store(a, second)
        self.builder.store(b, first)

    def load(self):
        target = self.register()
        self.builder.store(self.builder.load(self.address(_I64)), target)

    def jump(self):
        self.builder.store(self.next(), self.place)

    def _jump_if(self, condition):
        target = self.next()
        place = self.builder.load(self.place)
        self.builder.store(self.builder.select(condition, target, place), self.place)

    def jump_unless_less(self):
        value = self.builder.load(self.register())
        self._jump_if(self.builder.icmp_signed(">=", value, self.operand()))

    def jump_if_zero(self):
        flag = self.builder.load(self.address())
        self._jump_if(self.builder.icmp_signed("==", flag, _I8(0)))

    def _intrinsic(self, name: str, kinds: list):
        return self.module.declare_intrinsic(name, (), ir.FunctionType(ir.VoidType(), kinds))

    def copy(self):
        pointer = _I8.as_pointer()
        move = self._intrinsic("llvm.memmove.p0.p0.i64",
                               [pointer, pointer, _I64, ir.IntType(1)])
        target, source, count = self.address(), self.address(), self.operand()
        self.builder.call(move, [target, source, count, ir.IntType(1)(0)])

    def zero(self):
        pointer = _I8.as_pointer()
        fill = self._intrinsic("llvm.memset.p0.i64", [pointer, _I8, _I64, ir.IntType(1)])
        target, count = self.address(), self.operand()
        self.builder.call(fill, [target, _I8(0), count, ir.IntType(1)(0)])

    def call(self):
        self.builder.call(self.caller, self._call_arguments())

    def checked_call(self):
        status = self.builder.call(self.caller, self._call_arguments())
        stop = self.function.append_basic_block("stop")
        good = self.builder.icmp_signed("==", status, _I32(0))
        self.builder.cbranch(good, self.head, stop)
        self.builder.position_at_end(stop)
        self.builder.ret(status)

    def _call_arguments(self) -> list:
        count, function = self.next(), self.next()
        self._collect(count)
        start = self.builder.gep(self.arguments, [_I64(0)])
        return [function, count, start]

    def _collect(self, count):
        """The loop `for k in range(count): arguments[k] = operand`."""
        loop = self.function.append_basic_block("collect")
        body = self.function.append_basic_block("collect_one")
        after = self.function.append_basic_block("collected")
        self.builder.store(_I64(0), self.counter)
        self.builder.branch(loop)
        self.builder.position_at_end(loop)
        index = self.builder.load(self.counter)
        self.builder.cbranch(self.builder.icmp_signed("<", index, count), body, after)
        self.builder.position_at_end(body)
        self.builder.store(self.operand(), self.builder.gep(self.arguments, [index]))
        self.builder.store(self.builder.add(index, _I64(1)), self.counter)
        self.builder.branch(loop)
        self.builder.position_at_end(after)


@cache
def runner():
    """The compiled runner: `run(address of code, address of registers) -> status`.

    Called through ctypes, it lets other Python threads run meanwhile.
    """
    with global_compiler_lock:
        return _compile()


def _compile():
    library = cpu_target.target_context.codegen().create_library("functrans_runner")
    module = library.create_ir_module("functrans_runner")
    _Writer(module).write()
    library.add_ir_module(module)
    library.finalize()
    address = library.get_pointer_to_function("functrans_run")
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, ctypes.c_int64)(address)
    function.library = library              # keeps the code alive
    return function
