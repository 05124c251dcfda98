"""The code of the runner, as LLVM's intermediate representation.

In: nothing. Out: the text of modules, which `machine` turns into object code. Imports llvmlite,
`runner`, `entry_code`.
"""
from __future__ import annotations

from llvmlite import ir

from lowering.native import runner as op
from lowering.native.entry_code import EntryWriter

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
    for size in op.CALL_SIZES:
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
        self.reader = _write_reader(module)
        _write_free(module)
        pointer = _I64.as_pointer()
        self.function = ir.Function(module, ir.FunctionType(_I32, [pointer, pointer]),
                                    "functrans_run")
        self.code, self.registers = self.function.args
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))
        self.place = self.builder.alloca(_I64)
        self.arguments = self.builder.alloca(_I64, op.MAX_PARAMETERS)
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
        operations = (
            (op.CALL, self.call), (op.CHECKED_CALL, self.checked_call),
            (op.LARGE_CALL, self.large_call), (op.SET, self.set), (op.ADD, self.add),
            (op.SWAP, self.swap), (op.JUMP, self.jump),
            (op.JUMP_UNLESS_LESS, self.jump_unless_less), (op.JUMP_IF_ZERO, self.jump_if_zero),
            (op.COPY, self.copy), (op.ZERO, self.zero), (op.LOAD, self.load),
            (op.PUSH, self.push), (op.RESERVE, self.reserve), (op.ELEMENT, self.element),
            (op.STORE, self.store))
        for number, emit in operations:
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
        """The value of an operand, read by a function: it is called from many places."""
        place = self.builder.load(self.place)
        self.builder.store(self.builder.add(place, _I64(2)), self.place)
        return self.builder.call(self.reader, [self.builder.gep(self.code, [place]),
                                               self.registers])

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

    def large_call(self):
        """A checked call by a function that unpacks arguments: too many to be passed here."""
        count, unpacker, function = self.next(), self.next(), self.next()
        self._collect(count)
        kind = ir.FunctionType(_I32, [_I64, _I64.as_pointer()])
        start = self.builder.gep(self.arguments, [_I64(0)])
        self.check(self.builder.call(self.builder.inttoptr(unpacker, kind.as_pointer()),
                                     [function, start]))

    def call(self):
        self.builder.call(self.caller, self._call_arguments())

    def checked_call(self):
        self.check(self.builder.call(self.caller, self._call_arguments()))

    def check(self, status):
        """Ends the run with a status that is not zero."""
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


def _write_reader(module: ir.Module) -> ir.Function:
    """`int64 read(place, registers)`: the operand (register, value) at a place in the code."""
    pointer = _I64.as_pointer()
    function = ir.Function(module, ir.FunctionType(_I64, [pointer, pointer]), "functrans_read")
    function.linkage = "internal"
    place, registers = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    register, value = builder.load(place), builder.load(builder.gep(place, [_I64(1)]))
    constant = builder.icmp_signed("<", register, _I64(0))
    safe = builder.select(constant, _I64(0), register)
    base = builder.select(constant, _I64(0), builder.load(builder.gep(registers, [safe])))
    builder.ret(builder.add(base, value))
    return function


def write_runner() -> str:
    """The module with `functrans_enter` and `functrans_free`."""
    module = ir.Module("functrans_runner")
    writer = _Writer(module)
    writer.write()
    writer.function.linkage = "internal"
    EntryWriter(module, writer.function).write()
    return str(module)


def write_unpacker(count: int) -> str:
    """The module with `int functrans_unpack(function, arguments)`, which passes `count`."""
    module = ir.Module("functrans_unpacker")
    unpack = ir.Function(module, ir.FunctionType(_I32, [_I64, _I64.as_pointer()]),
                         "functrans_unpack")
    function, arguments = unpack.args
    builder = ir.IRBuilder(unpack.append_basic_block("entry"))
    values = [builder.load(builder.gep(arguments, [_I64(k)])) for k in range(count)]
    called = ir.FunctionType(_I32, [_I64] * count).as_pointer()
    builder.ret(builder.call(builder.inttoptr(function, called), values))
    return str(module)
