"""The way into the runner from Python, as LLVM's intermediate representation.

In: a module with the runner. Out: the function `functrans_enter` in it. Imports llvmlite, `runner`,
`layout`.
"""
from __future__ import annotations

from llvmlite import ir

from lowering.native import layout
from lowering.native import runner as op

_I64, _I32, _I8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)


class EntryWriter:
    """Builds `PyObject *functrans_enter(PyObject *table, PyObject *arrays)`; see `Runner.entry`.

    It puts the arrays' addresses into registers on the stack, lets go of the interpreter's lock,
    runs, and looks at what the run has left in temporary memory, the last of the arrays.
    """

    def __init__(self, module: ir.Module, run: ir.Function):
        self.module, self.run = module, run
        self.object = _I8.as_pointer()
        self.array_type = None              # the address of NumPy's type
        self.function = ir.Function(module, ir.FunctionType(self.object, [self.object] * 2),
                                    "functrans_enter")
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))

    def write(self):
        table, arrays = self.function.args
        builder = self.builder
        record = builder.inttoptr(self.python("PyLong_AsLongLong", _I64, table),
                                  _I64.as_pointer())
        code, registers = self.words(builder.load(record)), self.make_registers(record)
        self.array_type = builder.load(builder.gep(record, [_I64(2)]))
        memory = self.load_addresses(arrays, registers)
        thread = self.python("PyEval_SaveThread", self.object)
        status = builder.sext(builder.call(self.run, [code, registers]), _I64)
        self.python("PyEval_RestoreThread", ir.VoidType(), thread)
        self.leave(self.outcome(status, memory))

    def python(self, name: str, returns: ir.Type, *arguments):
        """A call of Python's C interface."""
        function = self.module.globals.get(name)
        if function is None:
            kind = ir.FunctionType(returns, [argument.type for argument in arguments])
            function = ir.Function(self.module, kind, name)
        return self.builder.call(function, arguments)

    def words(self, address):
        return self.builder.inttoptr(address, _I64.as_pointer())

    def make_registers(self, record):
        """Registers on the stack, all zero."""
        count = self.builder.load(self.builder.gep(record, [_I64(1)]))
        registers = self.builder.alloca(_I64, count)
        fill = self.module.declare_intrinsic("llvm.memset.p0.i64", (), ir.FunctionType(
            ir.VoidType(), [_I8.as_pointer(), _I8, _I64, ir.IntType(1)]))
        target = self.builder.bitcast(registers, _I8.as_pointer())
        self.builder.call(fill, [target, _I8(0), self.builder.mul(count, _I64(8)),
                                 ir.IntType(1)(0)])
        return registers

    def load_addresses(self, arrays, registers):
        """The loop over the arrays; returns the address of the last one's data."""
        count = self.python("PyList_Size", _I64, arrays)
        first = self.builder.block
        loop, body, done = (self.function.append_basic_block(name)
                            for name in ("arrays", "array", "loaded"))
        self.builder.branch(loop)
        self.builder.position_at_end(loop)
        index, last = self.builder.phi(_I64), self.builder.phi(_I64)
        self.builder.cbranch(self.builder.icmp_signed("<", index, count), body, done)
        self.builder.position_at_end(body)
        address = self.data_address(self.python("PyList_GetItem", self.object, arrays, index))
        self.builder.store(address, self.builder.gep(registers, [index]))
        for phi, start, following in ((index, _I64(0), self.builder.add(index, _I64(1))),
                                      (last, _I64(0), address)):
            phi.add_incoming(start, first)
            phi.add_incoming(following, self.builder.block)
        self.builder.branch(loop)
        self.builder.position_at_end(done)
        return last

    def data_address(self, array):
        """The address of an array's elements; leaves the function if it is none, or has gaps."""
        kind = self.field(array, layout.TYPE_OFFSET, _I64)
        self.require(kind, self.array_type)
        flags = self.field(array, layout.FLAGS_OFFSET, _I32)
        self.require(self.builder.and_(flags, _I32(layout.CONTIGUOUS)), _I32(layout.CONTIGUOUS))
        return self.field(array, layout.DATA_OFFSET, _I64)

    def require(self, value, expected):
        with self.builder.if_then(self.builder.icmp_signed("!=", value, expected)):
            self.leave(_I64(op.NOT_READY))

    def field(self, array, offset: int, kind: ir.Type):
        place = self.builder.gep(array, [_I64(offset)])
        return self.builder.load(self.builder.bitcast(place, kind.as_pointer()))

    def outcome(self, status, memory):
        """What `enter` returns: the status, or what the run has left in memory."""
        builder = self.builder
        head = self.words(memory)
        error, blocks = (builder.load(builder.gep(head, [_I64(place // 8)]))
                         for place in (op.ERROR, op.BLOCKS))
        zero = _I64(0)
        left = builder.select(builder.icmp_signed("==", blocks, zero), _I64(op.DONE),
                              _I64(op.BLOCKS_LEFT))
        found = builder.select(builder.icmp_signed("==", error, zero), left,
                               _I64(op.INDEX_ERROR))
        return builder.select(builder.icmp_signed("==", status, zero), found, status)

    def leave(self, number):
        self.builder.ret(self.python("PyLong_FromLong", self.object, number))
