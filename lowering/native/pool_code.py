"""The code that runs a kernel in parts on several threads, as LLVM's intermediate representation.

`split` cuts the outermost loop of a kernel: each piece gets pointers that are moved along, and its
own length of the loop. `work` is what a thread of the pool does: wait, take pieces, say so.
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
    take = _Take(module, call).write()
    _Work(module, call, take).write()
    _Split(module, call, take).write()
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

    def semaphore(self, name: str, words, place):
        """`sem_wait` or `sem_post` on a semaphore of the pool; what it returns."""
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(_I32, [_I8.as_pointer()]), name)
        address = self.builder.bitcast(self.word(words, place), _I8.as_pointer())
        return self.builder.call(function, [address])

    def wait(self, words, place):
        """Waits; a signal to the process does not end it."""
        again, done = (self.function.append_basic_block(name) for name in ("wait", "waited"))
        self.builder.branch(again)
        self.builder.position_at_end(again)
        status = self.semaphore("sem_wait", words, place)
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


class _Take(_Code):
    """`void functrans_take(pool, part)`: runs pieces of the job in hand until none is left.

    part: 0 for the caller, then the threads' numbers: each has scratch memory of its own.
    """

    def __init__(self, module: ir.Module, call: ir.Function):
        super().__init__(module, ir.FunctionType(ir.VoidType(), [_WORDS, _I64]),
                         "functrans_take", call)
        self.function.linkage = "internal"

    def write(self) -> ir.Function:
        builder = self.builder
        words, part = self.function.args
        self.own = builder.alloca(_I64, pool.MAX_ARGUMENTS)
        self.record = builder.inttoptr(self.read(words, pool.RECORD), _WORDS)
        length, piece = self.read(words, pool.LENGTH), self.read(self.record, pool.PIECE)
        following, run, done = (self.function.append_basic_block(name)
                                for name in ("next", "run", "done"))
        builder.branch(following)
        builder.position_at_end(following)
        number = builder.atomic_rmw("add", self.word(words, pool.NEXT), _I64(1), "monotonic")
        begin = builder.mul(number, piece)
        builder.cbranch(builder.icmp_signed("<", begin, length), run, done)
        builder.position_at_end(run)
        left = builder.sub(length, begin)
        left = builder.select(builder.icmp_signed("<", left, piece), left, piece)
        self.move(words, begin, part)
        builder.store(left, self.word(self.own, self.read(self.record, pool.EXTENT)))
        builder.call(self.part, [self.read(words, pool.FUNCTION), self.own])
        builder.branch(following)
        builder.position_at_end(done)
        builder.ret_void()
        return self.function

    def move(self, words, begin, part):
        """Arguments of our own: those of the job, moved along."""
        builder = self.builder

        def one(k):
            place = builder.mul(k, _I64(2))
            along = self.read(self.record, builder.add(place, _I64(pool.MOVES)))
            aside = self.read(self.record, builder.add(place, _I64(pool.MOVES + 1)))
            value = self.read(words, builder.add(k, _I64(pool.ARGUMENTS)))
            value = builder.add(value, builder.add(builder.mul(along, begin),
                                                   builder.mul(aside, part)))
            builder.store(value, self.word(self.own, k))
        self.loop(self.read(self.record, pool.COUNT), one)


class _Work(_Code):
    """`void functrans_work(pool, number)`: what a thread does for good.

    It enters a job that is not closed, and so is counted. A job that it finds closed, as it woke
    too late, it leaves alone.
    """

    def __init__(self, module: ir.Module, call: ir.Function, take: ir.Function):
        super().__init__(module, ir.FunctionType(ir.VoidType(), [_I64, _I64]), "functrans_work",
                         call)
        self.take = take

    def write(self):
        builder = self.builder
        address, number = self.function.args
        words = builder.inttoptr(address, _WORDS)
        sleep, enter, attempt, work = (self.function.append_basic_block(name)
                                       for name in ("sleep", "enter", "attempt", "work"))
        builder.branch(sleep)
        builder.position_at_end(sleep)
        self.wait(words, _start(builder, number))
        builder.branch(enter)
        builder.position_at_end(enter)
        state = builder.load_atomic(self.word(words, pool.STATE), "monotonic", 8)
        closed = builder.icmp_signed(">=", state, _I64(pool.CLOSED))
        builder.cbranch(closed, sleep, attempt)
        builder.position_at_end(attempt)
        pair = builder.cmpxchg(self.word(words, pool.STATE), state, builder.add(state, _I64(1)),
                               "acq_rel", "monotonic")
        builder.cbranch(builder.extract_value(pair, 1), work, enter)
        builder.position_at_end(work)
        builder.call(self.take, [words, number])
        before = builder.atomic_rmw("sub", self.word(words, pool.STATE), _I64(1), "acq_rel")
        with builder.if_then(builder.icmp_signed("==", before, _I64(pool.CLOSED + 1))):
            self.semaphore("sem_post", words, pool.DONE)
        builder.branch(sleep)


def _start(builder: ir.IRBuilder, number):
    """The word of the semaphore that wakes a thread."""
    place = builder.mul(builder.sub(number, _I64(1)), _I64(pool.SEMAPHORE_WORDS))
    return builder.add(place, _I64(pool.START))


class _Split(_Code):
    """`int functrans_split(function, arguments)`; the first argument is the record of the cut."""

    def __init__(self, module: ir.Module, call: ir.Function, take: ir.Function):
        super().__init__(module, ir.FunctionType(_I32, [_I64, _WORDS]), "functrans_split", call)
        self.take = take

    def write(self):
        builder = self.builder
        self.callee, given = self.function.args
        self.record_at = self.read(given, 0)
        self.record = builder.inttoptr(self.record_at, _WORDS)
        self.arguments = self.word(given, 1)
        self.pool = builder.inttoptr(self.read(self.record, pool.POOL), _WORDS)
        ask, set_ = (self.read(self.record, place) for place in (pool.ASK, pool.SET))
        with builder.if_else(builder.icmp_signed("!=", ask, _I64(0))) as (blas, kernel):
            with blas:
                self.with_one_thread_of_blas(ask, set_, self.run)
            with kernel:
                self.run()
        builder.ret(_I32(0))

    def run(self):
        """In pieces, if the pool is ours now; alone, if another thread is using it."""
        builder = self.builder
        pair = builder.cmpxchg(self.pool, _I64(0), _I64(1), "acq_rel", "monotonic")
        with builder.if_else(builder.extract_value(pair, 1)) as (together, alone):
            with together:
                self.run_together()
            with alone:
                builder.call(self.part, [self.callee, self.arguments])

    def run_together(self):
        builder = self.builder
        self.open()
        workers = self.read(self.pool, pool.WORKERS)
        self.loop(workers, lambda index: self.semaphore(
            "sem_post", self.pool, _start(builder, builder.add(index, _I64(1)))))
        builder.call(self.take, [self.pool, _I64(0)])
        inside = builder.atomic_rmw("or", self.word(self.pool, pool.STATE), _I64(pool.CLOSED),
                                    "acq_rel")
        with builder.if_then(builder.icmp_signed("!=", inside, _I64(0))):
            self.wait(self.pool, pool.DONE)
        builder.store_atomic(_I64(0), self.pool, "release", 8)

    def open(self):
        """Writes the job down, and lets the threads in."""
        builder = self.builder
        length = self.read(self.arguments, self.read(self.record, pool.EXTENT))
        for place, value in ((pool.NEXT, _I64(0)), (pool.FUNCTION, self.callee),
                             (pool.RECORD, self.record_at), (pool.LENGTH, length)):
            builder.store(value, self.word(self.pool, place))
        self.loop(self.read(self.record, pool.COUNT), lambda k: builder.store(
            self.read(self.arguments, k),
            self.word(self.pool, builder.add(k, _I64(pool.ARGUMENTS)))))
        builder.store_atomic(_I64(0), self.word(self.pool, pool.STATE), "release", 8)


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
