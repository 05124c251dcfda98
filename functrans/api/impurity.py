"""Functions that are not pure: what `jit` would silently do otherwise than the function.

A jitted function runs as Python when it is traced, and then no more. So what it keeps of traced
values outside of itself has no value, and what it reads from outside stays as it was. Both are
noticed here, with a warning: the first when it has been traced, the second when it is called again
and a global or a variable of a surrounding function has another value than it had then.

What is looked at are numbers, strings, arrays and small containers of them, not functions, classes
and modules; and not what the function itself changes while it is traced (counters, tables of
results), but for texts, floats and arrays that it appends to a list, as to a log. Calls are looked
at for a while only, so that they cost what they did.

In: functions. Out: warnings. Imports `locations`, `trace`, `control.callbacks`.
"""
from __future__ import annotations

import dis
import functools
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from types import CellType, CodeType, FunctionType, MethodType, ModuleType

import numpy as np

from functrans.array import Array
from functrans.control.callbacks import HostFunction
from functrans.errors import ImpureFunctionWarning
from functrans.ir.program import Location, Program, inner_programs
from functrans.locations import describe, is_internal, warn_user
from functrans.trace import Tracer

# Calls of which each is looked at, and the last one that is, of those between with a power of two.
EACH, LAST = 8, 256

_FUNCTIONS, _ITEMS, _ELEMENTS = 40, 64, 256        # how many are looked at
_NUMBERS = (bool, int, float, complex, str, bytes, np.generic, type(None))
_CONTAINERS = (list, dict, set, deque)
_PASSIVE = (type, ModuleType, FunctionType, MethodType, CodeType, np.ndarray, Array, *_NUMBERS)
_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLOSURE", "LOAD_CLASSDEREF")
_STORES = ("STORE_GLOBAL", "STORE_DEREF")
_MISSING = object()


# ---- what a function can see ----

def _functions(fun, skipped: frozenset = frozenset()) -> list[FunctionType]:
    """The Python functions that a call may run, as far as they are the user's own.

    Those that are reached through closures, and through globals of the same module, but not
    through those whose code is `skipped`.
    """
    found, waiting = {}, [fun]
    while waiting and len(found) < _FUNCTIONS:
        value = waiting.pop()
        if isinstance(value, functools.partial):
            waiting.append(value.func)
        elif isinstance(value, MethodType):
            waiting.append(value.__func__)
        elif isinstance(value, FunctionType) and id(value) not in found \
                and value.__code__ not in skipped:
            found[id(value)] = value
            waiting += [other for _, _, other in _variables(value)
                        if isinstance(other, FunctionType) and
                        getattr(other, "__globals__", None) is value.__globals__]
            waiting += [other for cell, _, other in _variables(value) if type(cell) is CellType]
            waiting += [value.__wrapped__] if hasattr(value, "__wrapped__") else []
        elif not isinstance(value, type) and isinstance(
                getattr(value, "__wrapped__", None), FunctionType):
            waiting.append(value.__wrapped__)              # a jitted one
    return [value for value in found.values() if not is_internal(value.__code__.co_filename)]


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A code and those of the functions that it defines."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _read_names(function: FunctionType, skipped: frozenset) -> set:
    """The names that a function's own code reads, without the code that is `skipped`."""
    return {instruction.argval for code in _codes(function.__code__) if code not in skipped
            for instruction in dis.get_instructions(code)
            if instruction.opname in _LOADS and instruction.opname != "LOAD_CLOSURE"}


def _callbacks(program: Program) -> frozenset:
    """The codes of what a Program calls at each run: they read what there is then."""
    found: set = set()
    for equation in program.equations:
        host = equation.params.get("callback")
        if isinstance(host, HostFunction):
            for cell in getattr(host.function, "__closure__", None) or ():
                for function in _functions(_content(cell, "")):
                    found.update(_codes(function.__code__))
        for inner in inner_programs(equation):
            found |= _callbacks(inner)
    return frozenset(found)


def _variables(function: FunctionType) -> Iterator[tuple]:
    """(where it is, its name, its value) of globals and closed-over variables."""
    names = {name for code in _codes(function.__code__) for name in code.co_names}
    for name in names & function.__globals__.keys():
        yield function.__globals__, name, function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        yield cell, name, _content(cell, name)


def _content(place, name: str):
    if type(place) is not CellType:
        return place.get(name, _MISSING)
    try:
        return place.cell_contents
    except ValueError:                                 # not bound yet
        return _MISSING


# ---- values ----

def _copy(value):
    """Of a value that can change in place, what is needed to see that it has; else itself."""
    if isinstance(value, np.ndarray) and value.size <= _ELEMENTS:
        return value.copy()
    if isinstance(value, (list, tuple)) and len(value) <= _ITEMS:
        return [*map(_copy_item, value)]
    if isinstance(value, dict) and len(value) <= _ITEMS:
        return {key: _copy_item(item) for key, item in value.items()}
    return value


def _copy_item(value):
    return value.copy() if isinstance(value, np.ndarray) and value.size <= _ELEMENTS else value


def _is_data(value, depth: int = 0) -> bool:
    """Whether a value is something that a compiled function would take for a constant."""
    if isinstance(value, Tracer):
        return False
    if isinstance(value, (*_NUMBERS, Array, np.ndarray)):
        return True
    if depth < 2 and type(value) in (list, tuple, dict) and 0 < len(value) <= _ITEMS:
        items = value.values() if type(value) is dict else value
        return all(_is_data(item, depth + 1) for item in items)
    return False


def _same(a, b) -> bool:
    """Whether two values are equal; other entries of a container do not count."""
    if a is b and not isinstance(a, np.ndarray):
        return True
    if isinstance(a, (Array, np.ndarray)) or isinstance(b, (Array, np.ndarray)):
        return _same_arrays(a, b)
    if type(a) is dict and type(b) is dict:
        return all(key not in b or _same(item, b[key]) for key, item in a.items())
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return all(map(_same, a, b))
    try:
        return bool(type(a) is type(b) and a == b) or (a != a and b != b)
    except Exception:                                  # comparing says nothing
        return True


def _looks_same(old, new) -> bool:
    """As `_same`; so it is if an object refuses to be looked at."""
    try:
        return _same(old, new)
    except Exception:
        return True


def _same_arrays(a, b) -> bool:
    if isinstance(a, Tracer) or isinstance(b, Tracer):
        return True
    try:
        a, b = np.asarray(a), np.asarray(b)
        return a is b or a.dtype == b.dtype and np.array_equal(
            a, b, equal_nan=a.dtype.kind in "fc")
    except Exception:                                  # donated, say
        return True


def _kept_tracers(value) -> list:
    """The tracers that a value holds: itself, an item, an attribute."""
    if isinstance(value, Tracer):
        return [value]
    if isinstance(value, (dict, list, tuple, set, deque)):
        items = _latest(value)
    elif isinstance(value, _PASSIVE) or value is _MISSING:
        return []
    else:
        items = list(getattr(value, "__dict__", {}).values())
    return [tracer for item in items for tracer in _inside(item)]


def _latest(value, count: int = _ITEMS) -> list:
    """The last items of a container, however large it is; of a set, some."""
    if isinstance(value, dict):
        value = value.values()
    return list(islice(value if isinstance(value, (set, frozenset)) else reversed(value), count))


def _inside(item) -> list:
    if isinstance(item, Tracer):
        return [item]
    if isinstance(item, (list, tuple)):
        return [part for part in item[-_ITEMS:] if isinstance(part, Tracer)]
    if isinstance(item, dict):
        return [part for part in _latest(item) if isinstance(part, Tracer)]
    return []


# ---- a traced function ----

class Surroundings:
    """What a function reads and writes around it, from before it was traced.

    fun: the function; who: what is said of it, "jit of f".
    """

    def __init__(self, fun: Callable, who: str):
        self.fun = fun
        self.who = who
        try:
            self.functions = _functions(fun)
        except Exception:                    # as below
            self.functions = []
        self.variables = {(id(place), name): (place, name) for function in self.functions
                          for place, name, _ in _variables(function)}
        owner = getattr(fun, "__self__", None)
        self.owner = None if isinstance(owner, (type, ModuleType)) else owner
        self.before = {key: self._state(*variable) for key, variable in self.variables.items()}
        self.own_before = self._state({"": self.owner}, "")[-1]
        self.known: dict = {}
        self.done = False                    # whether runs need not be watched any more
        self._calls = 0

    def _state(self, place, name: str) -> tuple:
        """(value, its content, its size, the tracers in it)."""
        value = _content(place, name)
        try:
            content = _copy(value) if type(value) in (list, dict) else None
            size = len(value) if isinstance(value, _CONTAINERS) else 0
            return value, content, size, _tracer_ids(value)
        except Exception:                    # an object of somebody's that refuses to be looked at
            return value, None, 0, set()

    def settle(self, program: Program) -> bool:
        """Called after the trace: warns of tracers that were kept; whether there is more to watch.
        """
        if self._state({"": self.owner}, "")[-1] - self.own_before:
            self._warn_kept("self", None)
        for key, (place, name) in self.variables.items():
            value, content, size, tracers = self._state(place, name)
            old, old_content, old_size, old_tracers = self.before[key]
            if tracers - old_tracers:
                self._warn_kept(name, value)
            elif value is old and _is_log(value, old_size):
                self._warn_logged(name, value)
            unchanged = value is old and size == old_size and _same(old_content, content)
            if unchanged and _is_data(value):
                self.known[key] = value, _copy(value)
        self.before = self.own_before = None
        if self.known and (skipped := _callbacks(program)):
            self._forget_callbacks(skipped)
        return bool(self.known)

    def _forget_callbacks(self, skipped: frozenset):
        """What only callbacks read is not looked at."""
        read = {(id(place), name) for function in _functions(self.fun, skipped)
                for names in [_read_names(function, skipped)]
                for place, name, _ in _variables(function) if name in names}
        self.known = {key: value for key, value in self.known.items() if key in read}

    def probe(self, compiled, entry) -> Probe:
        """What runs in the place of an executable as long as there is something to look at."""
        return Probe(compiled, entry)

    def look(self):
        """Called at each run until `done`: checks at some of the first ones."""
        self._calls = calls = self._calls + 1
        if calls <= EACH or not calls & (calls - 1):
            self.check()
        self.done = calls >= LAST or not self.known

    def check(self):
        """Called at another call: warns, once for each, of variables that have changed."""
        for key, (value, content) in list(self.known.items()):
            place, name = self.variables[key]
            now = _content(place, name)
            if now is value and isinstance(now, (*_NUMBERS, Array)):
                continue
            if now is _MISSING or _looks_same(content, now):
                self.known[key] = now, content
                continue
            if self.known.pop(key, None) is not None:      # another thread may have told it
                self._warn_changed(name, content, now)

    # ---- telling ----

    def _warn_kept(self, name: str, value):
        where = f"an attribute of {name}" if isinstance(getattr(value, "__dict__", None), dict) \
            or value is None else f"{name!r}, outside of it"
        if isinstance(value, Tracer):
            where = f"the variable {name!r}, outside of it"
        warn_user(ImpureFunctionWarning(
            f"{self.who}: the function keeps a traced value in {where}. It does so while it is "
            "traced, not at\neach call, and what is kept stands for no number.\n"
            f"{self._line(name, writes=True)}"
            "Return the value from the function; or hand it over at each call: "
            f"ft.debug.callback({_method(name, value)}, value)."))

    def _warn_logged(self, name: str, value):
        warn_user(ImpureFunctionWarning(
            f"{self.who}: the function appends to {name!r}, outside of it. It does so while it is "
            f"traced, not at each call.\n{self._line(name, writes=True)}"
            "Do so outside of the jitted function; or at each call: "
            f"ft.debug.callback({_method(name, value)}, ...)."))

    def _warn_changed(self, name: str, old, new):
        line = self._line(name)
        if not line:                                   # only an attribute is called so
            return
        warn_user(ImpureFunctionWarning(
            f"{self.who}: {name!r} was {_brief(old)} when the function was traced, and is "
            f"{_brief(new)} now; compiled code goes on with the old value.\n{line}"
            "Pass it as an argument; if it changes seldom, as one of static_argnums, which traces "
            "anew for each value."))

    def _line(self, name: str, writes: bool = False) -> str:
        """The line of the user's that reads the variable, or changes it."""
        places = [(code, instruction) for function in self.functions
                  for code in _codes(function.__code__)
                  for instruction in dis.get_instructions(code)
                  if instruction.argval == name
                  and (instruction.opname in _LOADS + _STORES
                       or name == "self" and instruction.opname == "LOAD_FAST")]
        if writes:
            places.sort(key=lambda place: not _changes(*place))
        if not places:
            return ""
        code, instruction = places[0]
        line = instruction.positions.lineno if instruction.positions else code.co_firstlineno
        return f"  at: {describe(Location(code, line))}\n"


def _changes(code: CodeType, instruction) -> bool:
    """Whether an instruction stands in a line that stores, or calls a method."""
    if instruction.opname in _STORES:
        return True
    line = instruction.positions.lineno
    return any(other.opname in ("STORE_SUBSCR", "STORE_ATTR", "LOAD_METHOD")
               or other.opname == "LOAD_ATTR" and other.argval in ("append", "add", "extend")
               for other in dis.get_instructions(code)
               if other.positions and other.positions.lineno == line)


def _tracer_ids(value) -> set:
    return {id(tracer) for tracer in _kept_tracers(value) if tracer.trace.closed}


def _method(name: str, value) -> str:
    if isinstance(value, (list, deque)):
        return f"{name}.append"
    return f"{name}.add" if isinstance(value, set) else "function"


def _is_log(value, size: int) -> bool:
    """Whether a list has got texts, floats or arrays; other things count calls."""
    return isinstance(value, (list, deque)) and any(
        isinstance(item, (str, float, np.floating, np.ndarray, Array))
        for item in _latest(value, max(len(value) - size, 0)))


def _brief(value) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


class Probe:
    """An executable whose first runs look at what the function reads from around it.

    entry: what runs it; it gets the executable alone when enough has been looked at.
    """

    def __init__(self, compiled, entry):
        self._compiled = compiled
        self._entry = entry

    def run(self, arrays) -> list:
        self._entry.around.look()
        if self._entry.around.done:
            self._entry.run = self._compiled
        return self._compiled.run(arrays)

    def __getattr__(self, name):
        return getattr(self._compiled, name)
