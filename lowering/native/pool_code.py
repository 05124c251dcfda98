"""The code that runs a kernel in parts on several threads, as LLVM's intermediate representation.

`split` cuts the outermost loop of a kernel: each part gets pointers that are moved along, and its
own length of the loop. `work` is what a thread of the pool does: wait for a part, run it, say so.
`alone` calls a routine of BLAS while BLAS may use one thread. `products` calls one again and again.

In: nothing. Out: the text of a module. Imports llvmlite, `pool`.
"""
from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from lowering.native import pool

_I64, _I32, _I8 = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_WORDS = _I64.as_pointer()
_ASK = ir.FunctionType(_I32, []).as_pointer()
_SET = ir.FunctionType(ir.VoidType(), [_I32]).as_pointer()


def write_pool() -> str:
    """The module with `functrans_split`, `_work`, `_alone` and `_products`."""
    module = ir.Module("functrans_pool")
    call = _write_call(module)
    _Work(module, call).write()
    _Split(module, call).write()
    _Alone(module, call).write()
    _write_products(module)
    return str(module)


def _write_call(module: ir.Module) -> ir.Function:
    """`void call(function, arguments)`: with as many arguments as a part may have.

    A callee does not look at parameters that it does not have.
    """
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I64, _WORDS]),
                           "functrans_part")
    function.linkage = "internal"
    callee, arguments = function.args
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    kind = ir.FunctionType(_I32, [_I64] * pool.MAX_ARGUMENTS)
    values = [builder.load(builder.gep(arguments, [_I64(k)])) for k in range(pool.MAX_ARGUMENTS)]
    builder.call(builder.inttoptr(callee, kind.as_pointer()), values)
    builder.ret_void()
    return function


class _Code:
    """A function in the making."""

    def __init__(self, module: ir.Module, kind: ir.FunctionType, name: str, call: ir.Function):
        self.module, self.part = module, call
        self.function = ir.Function(module, kind, name)
        self.builder = ir.IRBuilder(self.function.append_basic_block("entry"))

    def word(self, base, place):
        place = place if isinstance(place, ir.Value) else _I64(place)
        return self.builder.gep(base, [place])

    def read(self, base, place):
        return self.builder.load(self.word(base, place))

    def semaphore(self, name: str, job, place: int):
        """`sem_wait` or `sem_post` on a semaphore of a job; what it returns."""
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(_I32, [_I8.as_pointer()]), name)
        address = self.builder.bitcast(self.word(job, place), _I8.as_pointer())
        return self.builder.call(function, [address])

    def wait(self, job, place: int):
        """Waits; a signal to the process does not end it."""
        again, done = (self.function.append_basic_block(name) for name in ("wait", "waited"))
        self.builder.branch(again)
        self.builder.position_at_end(again)
        status = self.semaphore("sem_wait", job, place)
        self.builder.cbranch(self.builder.icmp_signed("==", status, _I32(0)), done, again)
        self.builder.position_at_end(done)

    def loop(self, count, body: Callable):
        """`for index in range(count): body(index)`."""
        _write_loop(self.builder, count, body)

    def with_one_thread_of_blas(self, ask, set_, body: Callable):
        """`body()` while BLAS may use one thread.

        Who finds it at one leaves it there. So where two callers meet, one of them may get one
        thread more or less than it would; the number at the end is the one before.
        """
        builder = self.builder
        count = builder.call(builder.inttoptr(ask, _ASK), [])
        several = builder.icmp_signed(">", count, _I32(1))
        with builder.if_then(several):
            builder.call(builder.inttoptr(set_, _SET), [_I32(1)])
        body()
        with builder.if_then(several):
            builder.call(builder.inttoptr(set_, _SET), [count])


def _write_loop(builder: ir.IRBuilder, count, body: Callable):
    before, function = builder.block, builder.function
    head, inside, done = (function.append_basic_block(name) for name in ("loop", "body", "done"))
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(_I64)
    index.add_incoming(_I64(0), before)
    builder.cbranch(builder.icmp_signed("<", index, count), inside, done)
    builder.position_at_end(inside)
    body(index)
    index.add_incoming(builder.add(index, _I64(1)), builder.block)
    builder.branch(head)
    builder.position_at_end(done)


def _write_products(module: ir.Module):
    """`int functrans_products(count, routine, strides, arguments...)`.

    Calls the routine count times; after each call its arguments move by the strides.
    """
    kinds = [_I64] * (pool.PRODUCT_HEAD + pool.PRODUCT_ARGUMENTS)
    function = ir.Function(module, ir.FunctionType(_I32, kinds), "functrans_products")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    count, routine, strides, *arguments = function.args
    words = builder.inttoptr(strides, _WORDS)
    moves = [builder.load(builder.gep(words, [_I64(k)])) for k in range(len(arguments))]
    kind = ir.FunctionType(_I32, [_I64] * len(arguments))
    callee = builder.inttoptr(routine, kind.as_pointer())

    def call(index):
        builder.call(callee, [builder.add(argument, builder.mul(index, move))
                              for argument, move in zip(arguments, moves)])
    _write_loop(builder, count, call)
    builder.ret(_I32(0))


class _Work(_Code):
    """`void functrans_work(job)`: runs the parts that it is given, for good."""

    def __init__(self, module: ir.Module, call: ir.Function):
        super().__init__(module, ir.FunctionType(ir.VoidType(), [_WORDS]), "functrans_work", call)

    def write(self):
        job, = self.function.args
        head = self.function.append_basic_block("next")
        self.builder.branch(head)
        self.builder.position_at_end(head)
        self.wait(job, pool.START)
        self.builder.call(self.part, [self.read(job, pool.FUNCTION),
                                      self.word(job, pool.ARGUMENTS)])
        self.semaphore("sem_post", job, pool.DONE)
        self.builder.branch(head)


class _Split(_Code):
    """`int functrans_split(function, arguments)`; the first argument is the record of the cut."""

    def __init__(self, module: ir.Module, call: ir.Function):
        super().__init__(module, ir.FunctionType(_I32, [_I64, _WORDS]), "functrans_split", call)

    def write(self):
        builder = self.builder
        self.callee, given = self.function.args
        self.record = builder.inttoptr(self.read(given, 0), _WORDS)
        self.arguments = self.word(given, 1)
        self.pool = builder.inttoptr(self.read(self.record, pool.POOL), _WORDS)
        self.extent = self.read(self.record, pool.EXTENT)
        self.length = self.read(self.arguments, self.extent)
        ask, set_ = (self.read(self.record, place) for place in (pool.ASK, pool.SET))
        with builder.if_else(builder.icmp_signed("!=", ask, _I64(0))) as (blas, kernel):
            with blas:
                self.with_one_thread_of_blas(ask, set_, self.run)
            with kernel:
                self.run()
        builder.ret(_I32(0))

    def run(self):
        builder = self.builder
        taken = self.take()
        alone, together, done = (self.function.append_basic_block(name)
                                 for name in ("alone", "together", "end"))
        builder.cbranch(taken, together, alone)
        builder.position_at_end(alone)
        builder.call(self.part, [self.callee, self.arguments])
        builder.branch(done)
        builder.position_at_end(together)
        self.run_together()
        builder.branch(done)
        builder.position_at_end(done)

    def take(self):
        """Whether the pool is ours now: another thread may be using it, then we run alone."""
        pair = self.builder.cmpxchg(self.pool, _I64(0), _I64(1), "acq_rel", "monotonic")
        return self.builder.extract_value(pair, 1)

    def run_together(self):
        builder = self.builder
        workers = self.read(self.pool, pool.WORKERS)
        parts = builder.add(workers, _I64(1))
        chunk = builder.sdiv(builder.add(self.length, workers), parts)
        self.loop(workers, lambda number: self.hand_out(number, chunk))
        shorter = builder.icmp_signed("<", self.length, chunk)
        builder.store(builder.select(shorter, self.length, chunk),
                      self.word(self.arguments, self.extent))
        builder.call(self.part, [self.callee, self.arguments])
        self.loop(workers, lambda number: self.wait(self.job(number), pool.DONE))
        builder.fence("release")
        builder.store(_I64(0), self.pool)

    def job(self, number):
        place = self.builder.mul(number, _I64(pool.JOB_WORDS))
        return self.word(self.pool, self.builder.add(place, _I64(pool.JOBS)))

    def hand_out(self, number, chunk):
        """A part for a thread: the arguments moved along, the length of the loop its own."""
        builder, job = self.builder, self.job(number)
        part = builder.add(number, _I64(1))
        begin = builder.mul(part, chunk)
        left = builder.sub(self.length, begin)
        left = builder.select(builder.icmp_signed("<", left, chunk), left, chunk)
        left = builder.select(builder.icmp_signed("<", left, _I64(0)), _I64(0), left)
        count = self.read(self.record, pool.COUNT)

        def move(k):
            place = builder.mul(k, _I64(2))
            along = self.read(self.record, builder.add(place, _I64(pool.MOVES)))
            aside = self.read(self.record, builder.add(place, _I64(pool.MOVES + 1)))
            value = builder.add(self.read(self.arguments, k),
                                builder.add(builder.mul(along, begin),
                                            builder.mul(aside, part)))
            builder.store(value, self.word(job, builder.add(k, _I64(pool.ARGUMENTS))))

        self.loop(count, move)
        builder.store(left, self.word(job, builder.add(self.extent, _I64(pool.ARGUMENTS))))
        builder.store(self.callee, self.word(job, pool.FUNCTION))
        self.semaphore("sem_post", job, pool.START)


class _Alone(_Code):
    """`int functrans_alone(function, arguments)`; the first argument is the addresses of how
    BLAS's number of threads is asked for and set.
    """

    def __init__(self, module: ir.Module, call: ir.Function):
        super().__init__(module, ir.FunctionType(_I32, [_I64, _WORDS]), "functrans_alone", call)

    def write(self):
        builder = self.builder
        callee, given = self.function.args
        record = builder.inttoptr(self.read(given, 0), _WORDS)
        self.with_one_thread_of_blas(
            self.read(record, 0), self.read(record, 1),
            lambda: builder.call(self.part, [callee, self.word(given, 1)]))
        builder.ret(_I32(0))
