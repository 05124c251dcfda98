"""`jit` for users' functions: signatures, caches, and looking at what was compiled.

In: a function of pytrees. Out: `Jitted`, a callable with `.lower(...)`. Imports `tree`, `trace`,
`jit`, `api.calls`.
"""
from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, partial, update_wrapper
from threading import RLock
from weakref import WeakSet

import numpy as np

from functrans import tree
from functrans.api.calls import (
    FlatFunction,
    as_input,
    check_callable,
    function_name,
    leaf_names,
    leaf_type,
)
from functrans.api.lowered import Lowered, give_up, target_name
from functrans.array import Array, ArrayBase
from functrans.config import config
from functrans.device import elsewhere
from functrans.errors import ArgumentError
from functrans.control.axes import named_axes
from functrans.ir.program import Program
from functrans.jit import call, executable, jit_p
from functrans.trace import EVAL, Tracer, bind, current, trace
from functrans.tracebacks import fold

_disabled: ContextVar[bool] = ContextVar("functrans_disable_jit", default=False)


@contextmanager
def disable_jit(disable: bool = True):
    """Within this block jitted functions run as plain Python, op by op (for debugging)."""
    token = _disabled.set(disable)
    try:
        yield
    finally:
        _disabled.reset(token)


def jit_is_disabled() -> bool:
    """Whether we are within `disable_jit()`."""
    return _disabled.get()


def jit(fun: Callable | None = None, *, static_argnums=(), static_argnames=(),
        donate_argnums=(), donate_argnames=(), device=None, inline: bool = False):
    """A function that runs `fun` as compiled kernels.

    fun: a pure function of arrays and pytrees. It is traced once for each combination of
        structures, shapes and dtypes; kernels are compiled once for each combination of
        ranks and dtypes.
    static_argnums, static_argnames: arguments that are Python values, not arrays; a new value
        (by `==` and hash) is a new trace.
    donate_argnums, donate_argnames: arguments whose memory may be used for results; they cannot
        be used afterwards.
    device: "cpu", "reference" or "cuda"; the configured target by default.
    Use it as `jit(f)`, as a decorator, or as a decorator with arguments.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> @ft.jit
    ... def f(x):
    ...     return fnp.tanh(x) * 2
    >>> f(fnp.zeros(2))
    Array([0., 0.], dtype=float32)
    """
    options = dict(static_argnums=static_argnums, static_argnames=static_argnames,
                   donate_argnums=donate_argnums, donate_argnames=donate_argnames,
                   device=device)
    if fun is None:
        return partial(jit, **options)
    check_callable(fun, "jit")
    return Jitted(fun, **options)


_every: WeakSet = WeakSet()              # all jitted functions


def clear_caches():
    """Has all jitted functions forget what they have traced and compiled.

    Machine code on disk stays; `python -m functrans cache clear` takes that.

    >>> import functrans as ft
    >>> ft.clear_caches()
    """
    for jitted in tuple(_every):
        jitted.clear_cache()


class _Entry:
    """One traced signature: the Program, what it captured, and how to put results together."""

    __slots__ = ("program", "captured", "out_tree", "run", "donated", "target", "reason", "names",
                 "around", "known")

    def __init__(self, program: Program, captured: Sequence, out_tree, donated, target, reason,
                 names: Sequence[str]):
        self.program = program
        self.captured = list(captured)
        self.out_tree = out_tree
        self.donated = donated
        self.target = target
        self.reason = reason                 # why it was traced
        self.names = names                   # of the leaves of its arguments
        self.run = None                      # the executable, once it is needed
        self.known: dict = {}                # executables by target, where devices are in use
        self.around = None                   # what the function reads from around it

    def make_ready(self):
        """Compiles; while the function may turn out to be impure, that is looked at."""
        self.run = executable(self.program, self.target, self.donated, self.reason)
        if self.around is not None:
            self.run = self.around.probe(self.run, self)


class Jitted:
    """A jitted function. Call it; or `lower` it to look at what would run."""

    def __init__(self, fun, static_argnums, static_argnames, donate_argnums, donate_argnames,
                 device):
        self._fun = fun
        self._name = function_name(fun)
        self._parameters = _parameters(fun)
        self._static_numbers, self._static_names = self._choice("static", static_argnums,
                                                                static_argnames)
        self._donated_numbers, self._donated_names = self._choice("donate", donate_argnums,
                                                                  donate_argnames)
        self._check_disjoint()
        self._device = target_name(device)
        elsewhere.active |= self._device == "cuda"
        self._cache: dict = {}
        self._latest = (None, None)          # the key and the entry of the latest call
        _every.add(self)
        self._misses: deque = deque(maxlen=1_000)   # why calls were traced, the latest ones
        self._lock = RLock()
        self.traces = 0                      # how often the function was traced
        update_wrapper(self, fun, updated=())

    def _choice(self, kind: str, numbers, names) -> tuple[frozenset, frozenset]:
        """Arguments named by position and by name: each means the other too."""
        numbers = _numbers(numbers, f"jit of {self._name}: {kind}_argnums")
        names = _strings(names, f"jit of {self._name}: {kind}_argnames")
        if self._parameters is None:
            return numbers, names
        positional, every, more, keywords = self._parameters
        for number in numbers:
            if not more and not -len(positional) <= number < len(positional):
                raise ArgumentError(f"jit of {self._name}: {kind}_argnums={number}, but it takes "
                                    f"{len(positional)} positional arguments")
        for name in names:
            if not keywords and name not in every:
                raise ArgumentError(f"jit of {self._name}: {kind}_argnames={name!r}, but its "
                                    f"arguments are {', '.join(every) or 'none'}")
        positions = {positional.index(name) for name in names if name in positional}
        named = {positional[k] for k in numbers if -len(positional) <= k < len(positional)}
        return numbers | positions, names | named

    def _check_disjoint(self):
        both = self._static_names & self._donated_names or \
            self._static_numbers & self._donated_numbers
        if both:
            raise ArgumentError(f"jit of {self._name}: argument {next(iter(both))!r} is both "
                                "static and donated; static arguments have no memory to give away")

    def __call__(self, *args, **kwargs):
        if _disabled.get():
            return self._fun(*args, **kwargs)
        try:
            entry, leaves = self._entry(args, kwargs)
            if current() is EVAL:
                every = entry.captured + leaves if entry.captured else leaves
                if elsewhere.active:
                    if entry.around is not None and not entry.around.done:
                        entry.around.look()
                    outs = elsewhere.call(entry.program, every, entry.target, entry.donated,
                                          entry.reason, entry.known, len(entry.captured))
                else:
                    if entry.run is None:
                        entry.make_ready()
                    outs = call(entry.run, entry.program, every)
                if entry.donated:
                    give_up(every, entry.donated)
            else:
                if entry.around is not None:
                    entry.around.check()
                inputs = [as_input(leaf, "an argument", "jit") for leaf in leaves]
                outs = bind(jit_p, *entry.captured, *inputs, program=entry.program,
                            name=self._name, target=self._device)
            return entry.out_tree.unflatten(outs)
        except Exception as error:
            fold(error)
            raise

    def __get__(self, instance, owner=None):
        return self if instance is None else partial(self, instance)

    # ---- signatures ----

    def _split_static(self, args: tuple, kwargs: dict):
        """(dynamic args, dynamic kwargs, key of the static ones)."""
        count = len(args)
        numbers = {k % count for k in self._static_numbers if -count <= k < count}
        names = self._static_names & kwargs.keys()
        static = (*((k, type(args[k]), args[k]) for k in sorted(numbers)),
                  *((k, type(kwargs[k]), kwargs[k]) for k in sorted(names)))
        for label, _, value in static:
            self._check_static(label, value)
        dynamic = tuple(None if k in numbers else arg for k, arg in enumerate(args))
        return dynamic, {k: v for k, v in kwargs.items() if k not in names}, static

    def _check_static(self, label, value):
        if isinstance(label, int) and self._parameters and label < len(self._parameters[0]):
            label = self._parameters[0][label]
        if isinstance(value, ArrayBase) or isinstance(value, np.ndarray):
            raise ArgumentError(f"jit of {self._name}: static argument {label!r} is an array; "
                                "static arguments are hashable Python values: pass it as a traced "
                                "argument, or as a number (int(x))")
        try:
            hash(value)
        except TypeError:
            raise ArgumentError(
                f"jit of {self._name}: static argument {label!r} is {value!r} of type "
                f"{type(value).__name__}, which is not hashable; use a tuple instead of a list, "
                "or a frozen dataclass") from None

    def _entry(self, args: tuple, kwargs: dict):
        static = None
        dynamic_args, dynamic_kwargs = args, kwargs
        if self._static_numbers or self._static_names:
            dynamic_args, dynamic_kwargs, static = self._split_static(args, kwargs)
        leaves, in_tree = _flatten(dynamic_args, dynamic_kwargs)
        try:
            types = tuple([leaf._type or leaf.type if type(leaf) is Array else _leaf_type(leaf)
                           for leaf in leaves])
        except TypeError:
            self._raise_bad_leaf(dynamic_args, dynamic_kwargs, leaves)
            raise
        key = (in_tree, types, static, config.key, named_axes())
        latest, entry = self._latest
        if key != latest:                    # comparing costs less than a hash
            entry = self._cache.get(key)
            if entry is None:
                entry = self._trace(key, args, kwargs, dynamic_args, dynamic_kwargs)
            else:
                self._latest = key, entry
        return entry, leaves

    def _raise_bad_leaf(self, args, kwargs, leaves):
        for leaf, name in zip(leaves, leaf_names(self._fun, args, kwargs)):
            leaf_type(leaf, name, f"jit of {self._name}")

    def _trace(self, key, args, kwargs, dynamic_args, dynamic_kwargs) -> _Entry:
        from functrans.api.impurity import Surroundings
        from functrans.api.misses import Signature, note_miss
        in_tree, types, *_ = key = Signature(*key)
        names = leaf_names(self._fun, dynamic_args, dynamic_kwargs)
        flat = FlatFunction(self._with_static(args, kwargs), in_tree, who="jit")
        around = Surroundings(self._fun, f"jit of {self._name}")
        with self._lock:
            self.traces += 1
            program, captured = trace(flat, types, f"jit of {self._name}", names)
            program = program.replace(name=self._name)
            donated = self._donated(len(captured), dynamic_args, dynamic_kwargs)
            kept = not any(isinstance(value, Tracer) for value in captured)
            reason = note_miss(self, key, names, kept)
            entry = _Entry(program, captured, flat.out_tree, donated, self._device, reason, names)
            entry.around = around if around.settle(program) else None
            if kept:
                self._cache[key] = entry
        return entry

    def _with_static(self, args: tuple, kwargs: dict) -> Callable:
        """The function of the dynamic arguments, the static ones put back in their places."""
        count = len(args)
        numbers = {k % count for k in self._static_numbers if -count <= k < count}
        fixed = {k: kwargs[k] for k in self._static_names & kwargs.keys()}

        def dynamic_function(*dynamic, **dynamic_kwargs):
            every = [args[k] if k in numbers else value for k, value in enumerate(dynamic)]
            return self._fun(*every, **dynamic_kwargs, **fixed)
        dynamic_function.__name__ = self._name
        return dynamic_function

    def _donated(self, captured: int, args: tuple, kwargs: dict) -> tuple:
        """Positions among the Program's inputs of the leaves of donated arguments."""
        if not self._donated_numbers and not self._donated_names:
            return ()
        positions, place = [], captured
        numbers = {k % len(args) for k in self._donated_numbers if -len(args) <= k < len(args)}
        parts = [(k in numbers, arg) for k, arg in enumerate(args)]
        parts += [(k in self._donated_names, kwargs[k]) for k in sorted(kwargs)]
        for flag, part in parts:
            count = len(tree.leaves(part))
            positions += range(place, place + count) if flag else ()
            place += count
        return tuple(positions)

    # ---- looking inside ----

    def trace(self, *args, **kwargs) -> Program:
        """The Program for these arguments (arrays or `ShapeDtypeStruct`s)."""
        return self._entry(args, kwargs)[0].program

    def traced(self, *args, **kwargs) -> tuple[Program, list]:
        """The Program for these arguments, and the values of its inputs."""
        entry, leaves = self._entry(args, kwargs)
        return entry.program, [*entry.captured, *leaves]

    def lower(self, *args, **kwargs) -> Lowered:
        """What would run for these arguments: see `Lowered`."""
        entry, _ = self._entry(args, kwargs)
        return Lowered(entry, self._name, *self._dynamic(args, kwargs))

    def _dynamic(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """The arguments that are not static."""
        numbers = {k % len(args) for k in self._static_numbers if -len(args) <= k < len(args)}
        return (tuple(arg for k, arg in enumerate(args) if k not in numbers),
                {k: value for k, value in kwargs.items() if k not in self._static_names})

    def eval_shape(self, *args, **kwargs):
        """The shapes and dtypes of the results, without computing them."""
        from functrans.api.inspect import as_structs
        entry, _ = self._entry(args, kwargs)
        return as_structs(entry.program.output_types, entry.out_tree)

    def clear_cache(self):
        """Forgets all traced signatures."""
        self._cache.clear()
        self._latest = (None, None)

    def _cache_size(self) -> int:
        return len(self._cache)

    def __repr__(self):
        return f"<jitted {self._name}>"


_ARRAYS = frozenset([Array])


def _flatten(args: tuple, kwargs: dict) -> tuple:
    """The leaves and the structure of arguments; plain arrays need not be looked through."""
    if not kwargs and _ARRAYS.issuperset(map(type, args)):
        return list(args), _structure_of_leaves(len(args))
    return tree.flatten((args, kwargs))


@lru_cache(maxsize=256)
def _structure_of_leaves(count: int):
    return tree.structure(((0,) * count, {}))


def _leaf_type(leaf):
    return leaf.type if hasattr(leaf, "type") and not isinstance(leaf, type) \
        else leaf_type(leaf, "an argument", "jit")


def _parameters(fun) -> tuple | None:
    """(names of positional parameters, of all, whether there is *args, **kwargs), if known."""
    try:
        parameters = inspect.signature(fun).parameters
    except (TypeError, ValueError):
        return None
    kinds = {name: parameter.kind for name, parameter in parameters.items()}
    starred = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    positional = [name for name, kind in kinds.items()
                  if kind in (inspect.Parameter.POSITIONAL_ONLY,
                              inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    every = [name for name, kind in kinds.items() if kind not in starred]
    return (positional, every, *(star in kinds.values() for star in starred))


def _numbers(numbers, what: str) -> frozenset:
    if numbers is None:
        return frozenset()
    given = numbers if isinstance(numbers, (tuple, list, set, frozenset)) else (numbers,)
    if not all(hasattr(number, "__index__") and not isinstance(number, bool)
               for number in given):
        raise ArgumentError(f"{what} must be an int or a sequence of ints, got {numbers!r}")
    return frozenset(int(number) for number in given)


def _strings(names, what: str) -> frozenset:
    given = (names,) if isinstance(names, str) else tuple(names or ())
    if not all(isinstance(name, str) for name in given):
        raise ArgumentError(f"{what} must be a string or a sequence of strings, got {names!r}")
    return frozenset(given)
