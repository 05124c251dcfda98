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

_CALL_SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
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
PUSH = 12           # [x, x, x, x]            stack, element, bytes, list of blocks
RESERVE = 13        # [x, x, x, x]            stack, count of elements, bytes, list of blocks
ELEMENT = 14        # [register, x, x, x, x]  address of an element: stack, index, bytes, zeros
STORE = 15          # [x, x]                  the int64 at address x = x

# A stack in memory: address of its elements, how many there are, how many fit.
STACK_WORDS = 4

_I64, _I32, _I8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)


def _write_reserve(module: ir.Module) -> ir.Function:
    """`void reserve(stack, capacity, bytes, list)`: a larger block, with the elements copied.

    Blocks are chained into a list, from which they are freed when the call is over.
    """
    pointer = _I64.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [pointer, _I64, _I64, pointer])
    function = ir.Function(module, kind, "functrans_reserve")
    function.linkage = "internal"
    stack, capacity, size, blocks = function.args
    malloc = ir.Function(module, ir.FunctionType(_I8.as_pointer(), [_I64]), "malloc")
    move = module.declare_intrinsic("llvm.memcpy.p0.p0.i64", (), ir.FunctionType(
        ir.VoidType(), [_I8.as_pointer(), _I8.as_pointer(), _I64, ir.IntType(1)]))
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    total = builder.add(builder.mul(capacity, size), _I64(64))
    block = builder.bitcast(builder.call(malloc, [total]), pointer)
    builder.store(builder.load(blocks), block)                       # the one before
    builder.store(builder.ptrtoint(block, _I64), blocks)
    data = builder.add(builder.ptrtoint(block, _I64), _I64(64))
    count = builder.load(builder.gep(stack, [_I64(1)]))
    bytes_ = [builder.inttoptr(value, _I8.as_pointer()) for value in (data, builder.load(stack))]
    builder.call(move, [*bytes_, builder.mul(count, size), ir.IntType(1)(0)])
    builder.store(data, stack)
    builder.store(capacity, builder.gep(stack, [_I64(2)]))
    builder.ret_void()
    return function


def _write_free(module: ir.Module):
    """`void functrans_free(list)`: gives all blocks of a list back."""
    pointer = _I64.as_pointer()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer]), "functrans_free")
    free = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I8.as_pointer()]), "free")
    blocks, = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    loop, body, done = (function.append_basic_block(name) for name in ("loop", "body", "done"))
    builder.branch(loop)
    builder.position_at_end(loop)
    block = builder.load(blocks)
    builder.cbranch(builder.icmp_signed("==", block, _I64(0)), done, body)
    builder.position_at_end(body)
    address = builder.inttoptr(block, pointer)
    builder.store(builder.load(address), blocks)
    builder.call(free, [builder.bitcast(address, _I8.as_pointer())])
    builder.branch(loop)
    builder.position_at_end(done)
    builder.ret_void()


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
        self.reserver = _write_reserve(module)
        _write_free(module)
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
                             (ZERO, self.zero), (LOAD, self.load), (PUSH, self.push),
                             (RESERVE, self.reserve), (ELEMENT, self.element),
                             (STORE, self.store)):
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

    def store(self):
        target = self.address(_I64)
        self.builder.store(self.operand(), target)

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

    # ---- stacks ----

    def push(self):
        """Appends an element; the block doubles where it is full."""
        stack, element = self.address(_I64), self.address()
        size, blocks = self.operand(), self.address(_I64)
        count_at = self.builder.gep(stack, [_I64(1)])
        capacity = self.builder.load(self.builder.gep(stack, [_I64(2)]))
        count = self.builder.load(count_at)
        with self.builder.if_then(self.builder.icmp_signed(">=", count, capacity)):
            larger = self.builder.add(self.builder.mul(capacity, _I64(2)), _I64(16))
            self.builder.call(self.reserver, [stack, larger, size, blocks])
        place = self.builder.add(self.builder.load(stack), self.builder.mul(count, size))
        pointer = _I8.as_pointer()
        move = self._intrinsic("llvm.memcpy.p0.p0.i64", [pointer, pointer, _I64, ir.IntType(1)])
        self.builder.call(move, [self.builder.inttoptr(place, pointer), element, size,
                                 ir.IntType(1)(0)])
        self.builder.store(self.builder.add(count, _I64(1)), count_at)

    def reserve(self):
        """Makes a stack of a known number of elements, which are written later."""
        stack, count = self.address(_I64), self.operand()
        size, blocks = self.operand(), self.address(_I64)
        self.builder.store(_I64(0), stack)
        self.builder.store(_I64(0), self.builder.gep(stack, [_I64(1)]))
        self.builder.call(self.reserver, [stack, count, size, blocks])
        self.builder.store(count, self.builder.gep(stack, [_I64(1)]))

    def element(self):
        """The address of an element; of zeros, if the stack has none."""
        target, stack = self.register(), self.address(_I64)
        index, size, zeros = self.operand(), self.operand(), self.operand()
        count = self.builder.load(self.builder.gep(stack, [_I64(1)]))
        place = self.builder.add(self.builder.load(stack), self.builder.mul(index, size))
        empty = self.builder.icmp_signed("==", count, _I64(0))
        self.builder.store(self.builder.select(empty, zeros, place), target)

    # ---- calls ----

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
    function.free = ctypes.CFUNCTYPE(None, ctypes.c_int64)(
        library.get_pointer_to_function("functrans_free"))
    return function
