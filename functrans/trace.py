"""Two interpreters, evaluate and trace, and the tracers that flow through a traced function.

In: a function. Out: a Program. `bind` asks the current interpreter (one context variable):

- `Eval` runs the primitive now, on arrays.
- `Trace` appends an equation to the Program being built and returns a `Tracer`.

A Trace may be *valued*: then its tracers stand for values that the surrounding interpreter
can compute, and asking one for its value (`if x > 0`) computes it, once. What the function
reads from outside (arrays, tracers of a surrounding trace) becomes an extra input of the
Program: closure conversion. So nested transformations need no levels to be told apart.

Imports `ir`, `array`, `locations`, `tracing_errors` and `silence`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial

import numpy as np

from functrans.array import Array, ArrayBase, _numpy_view, array_repr, as_array, wrap
from functrans.errors import ArgumentError
from functrans.device import elsewhere
from functrans.ir.constant import constant
from functrans.ir.effects import without_effect
from functrans.ir.primitive import Linear, Primitive
from functrans.ir.program import Equation, Literal, Program, Var
from functrans.ir.type import ArrayType, is_inexact
from functrans.locations import located, user_location
from functrans.silence import restore, silence
from functrans.standing import stand_in
from functrans.tracing_errors import cut_off, leaked, no_value, not_linear


class Eval:
    """Runs primitives at once, on the arrays' data."""

    __slots__ = ()
    parent = None
    gives_values = True

    def bind(self, primitive: Primitive, args: Sequence, params: dict):
        if elsewhere.active:
            outs = elsewhere.bind(primitive, args, params)
            if outs is not None:
                return outs
        raw = []
        weak = False
        strong = not primitive.inherits_weak
        for arg in args:
            if type(arg) is Array:
                raw.append(arg._data)
                if arg._weak:
                    weak = True
                else:
                    strong = True
            else:
                raw.append(arg if isinstance(arg, np.generic) else _reject(arg, primitive))
        token = silence()
        try:
            out = primitive.evaluate(*raw, **params) if _watched is None \
                else _watched(primitive, raw, params)
        except Exception:
            problem = _type_error(primitive, args, params)
            if problem is not None:
                raise problem from None
            raise
        finally:
            restore(token)
        if primitive.multiple:
            return self._wrap_many(primitive, args, params, out)
        return _wrap(out, weak and not strong)

    def _wrap_many(self, primitive, args, params, outs):
        if primitive.inherits_weak:
            return tuple(_wrap(out, False) for out in outs)
        types = primitive.infer(*(_type(arg) for arg in args), **params)
        return tuple(wrap(out, kind) for out, kind in zip(outs, types, strict=True))


# Evaluates a primitive where someone watches; else None.
_watched: Callable | None = None
_watchers: list[Callable] = []


def watch_evaluations(function: Callable):
    """Has primitives evaluated by `function(evaluate, primitive, operands, params)`.

    evaluate(primitive, operands, params) is what would be done without it.
    """
    global _watched
    if function not in _watchers:
        _watchers.append(function)
        _watched = partial(function, _watched or _evaluate_primitive)


def is_watched() -> bool:
    """Whether someone watches evaluations."""
    return bool(_watchers)


def evaluate_watched(evaluate: Callable, primitive: Primitive, operands: Sequence, params: dict):
    """What `evaluate(primitive, operands, params)` gives; who watches sees it."""
    for function in _watchers:
        evaluate = partial(function, evaluate)
    return evaluate(primitive, operands, params)


def _evaluate_primitive(primitive: Primitive, operands: Sequence, params: dict):
    return primitive.evaluate(*operands, **params)


# Called with each Program that was traced.
_after_trace: list[Callable] = []


def watch_traces(function: Callable):
    """Has `function(program)` called with each Program when its trace is finished."""
    if function not in _after_trace:
        _after_trace.append(function)


def _wrap(out, weak: bool) -> Array:
    if type(out) is Array:
        return out
    if type(out) is not np.ndarray:
        out = np.asarray(out)
    return Array(out, weak and out.dtype.kind != "b")


def _type(arg) -> ArrayType:
    return arg.type if isinstance(arg, ArrayBase) else ArrayType((), arg.dtype)


def _type_error(primitive: Primitive, args: Sequence, params: dict) -> Exception | None:
    """What the infer rule has against the operands: it names types, where NumPy does not."""
    try:
        primitive.infer(*(_type(arg) for arg in args), **params)
    except Exception as error:
        return error
    return None


def _reject(arg, primitive):
    """The data of what stands in for a tracer; an error for anything else."""
    if isinstance(arg, Tracer):
        value = stand_in(arg)
        if value is None:
            raise leaked(arg)
        return value._data if type(value) is Array else value
    if isinstance(arg, Linear):
        raise not_linear()
    raise ArgumentError(f"{primitive} got {arg!r}: a {type(arg).__name__} is not an array")


EVAL = Eval()
_current: ContextVar = ContextVar("functrans_interpreter", default=EVAL)
current: Callable = _current.get


class using:
    """Within this block, `interpreter` is the current one."""

    __slots__ = ("interpreter", "token")

    def __init__(self, interpreter):
        self.interpreter = interpreter

    def __enter__(self):
        self.token = _current.set(self.interpreter)
        return self.interpreter

    def __exit__(self, *exception):
        _current.reset(self.token)


def bind(primitive: Primitive, *args, **params):
    """Applies a primitive in the current interpreter: the one door to all primitives.

    Arguments are arrays, tracers, or NumPy scalars; the latter become literals in Programs.
    """
    return _current.get().bind(primitive, args, params)


def is_usable(tracer: Tracer) -> bool:
    """Whether a tracer means something here and now."""
    interpreter = current()
    if stand_in(tracer) is not None or tracer.trace is interpreter:
        return True
    return interpreter is not EVAL and interpreter._inside(tracer.trace)


class Tracer(ArrayBase):
    """Stands for a value inside a traced function: a variable of the Program being built."""

    __slots__ = ("trace", "atom", "type")

    def __init__(self, trace: Trace, atom):
        self.trace = trace
        self.atom = atom
        self.type = atom.type

    @property
    def device(self):
        value = self.trace.known(self.atom)
        return getattr(value, "device", None)

    def _concrete(self, purpose: str) -> np.ndarray:
        value = stand_in(self)
        if value is None and self.trace.closed:
            raise leaked(self)
        value = self.trace.value(self.atom) if value is None else value
        if value is None:
            raise no_value(self, purpose)
        if isinstance(value, Tracer):
            return value._concrete(purpose)
        return value._concrete(purpose) if type(value) is Array else np.asarray(value)

    def block_until_ready(self):
        return self

    def __array__(self, dtype=None, copy=None):
        value = self._concrete("np.asarray()")
        self._check_uncut()
        return _numpy_view(value, dtype, copy)

    def _check_uncut(self):
        """Raises where a derivative would be lost: NumPy's arrays are constants to it."""
        value = self
        while isinstance(value, Tracer):
            trace, atom, value = value.trace, value.atom, stand_in(value)
            if value is None:
                if trace.carries_derivative(atom):
                    raise cut_off(self, trace)
                value = trace.value(atom)

    def __repr__(self):
        if not self.trace.closed:
            value = self.trace.value(self.atom)
            while isinstance(value, Tracer) and not value.trace.closed:
                value = value.trace.value(value.atom)
            if type(value) is Array or isinstance(value, np.generic):
                return array_repr("Tracer", np.asarray(value), self.type.weak)
        return f"Tracer<{self.type}>"

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        raise ArgumentError(f"{self!r} cannot be pickled: it stands for a value that is being "
                            f"traced by {self.trace.name}")


class Trace:
    """Builds a Program: each bound primitive becomes an equation.

    valued: whether the surrounding interpreter can compute values on demand (under `grad`),
    or there are none (under `jit`).
    preview: whether those values are only looked at, and the Program is run after; then
    its effects are left for that. Else effects happen at once.
    axis_name: the mapped axis of which one lane is traced, if it has a name.
    differentiates: whether a derivative with respect to its inputs is wanted.
    """

    def __init__(self, name: str = "", valued: bool = False, preview: bool = False,
                 axis_name=None, differentiates: bool = False):
        self.parent = current()
        self.name = name
        self.runs_effects = valued and not preview
        self.axis_name = axis_name
        self.differentiates = differentiates
        self.inputs: list[Var] = []
        self.input_names: list[str] = []
        self.equations: list[Equation] = []
        self.captured: dict[int, tuple[Var, object]] = {}
        self.closed = False
        self.location = user_location()
        self.values: dict[Var, object] | None = {} if valued else None
        self._evaluated = 0          # how many equations have been evaluated already

    # ---- building ----

    def new_input(self, type: ArrayType, name: str = "", value=None) -> Tracer:
        var = Var(type)
        self.inputs.append(var)
        self.input_names.append(name)
        if value is not None and self.values is not None:
            self.values[var] = value
        return Tracer(self, var)

    def bind(self, primitive: Primitive, args: Sequence, params: dict):
        atoms = tuple([arg.atom if type(arg) is Tracer and arg.trace is self
                       else self.atom(arg) for arg in args])
        inferred = primitive.infer(*[atom.type for atom in atoms], **params)
        if not primitive.multiple:
            if primitive.inherits_weak and _all_weak(atoms):
                inferred = _weakened(inferred)
            var = Var(inferred)
            self.equations.append(
                Equation(primitive, atoms, params, (var,), user_location()))
            return Tracer(self, var)
        outputs = tuple(Var(kind) for kind in inferred)
        equation = Equation(primitive, atoms, params, outputs, user_location())
        self.equations.append(equation)
        if self.runs_effects and equation.effect:
            self._catch_up()
        return tuple(Tracer(self, var) for var in outputs)

    def atom(self, value):
        """The variable or literal of this Program that stands for `value`."""
        if type(value) is Tracer:
            if value.trace is self:
                return value.atom
            standing = stand_in(value)
            if standing is not None:
                return self.atom(standing)
            if not self._inside(value.trace):
                raise leaked(value)
            if type(value.atom) is Literal:
                return value.atom
        elif isinstance(value, np.generic):
            return Literal(value, weak=value.dtype.kind != "b")
        elif isinstance(value, np.ndarray):
            return self._capture(value, as_array)
        elif type(value) is Linear:
            raise not_linear()
        elif type(value) is not Array:
            raise ArgumentError(f"{value!r} of type {type(value).__name__} is not an array")
        return self._capture(value)

    def _capture(self, value, convert=None):
        """Closure conversion: a value from outside becomes an extra input."""
        known = self.captured.get(id(value))
        if known is None:
            outer = value if convert is None else convert(value)
            var = Var(outer.type)
            known = self.captured[id(value)] = (var, outer, value)   # keeps `value` alive
            if self.values is not None:
                self.values[var] = outer
        return known[0]

    def _inside(self, outer: Trace) -> bool:
        """Whether this trace was opened within `outer`, which is still open."""
        if outer.closed:
            return False
        trace = self.parent
        while trace is not None and trace is not outer:
            trace = trace.parent
        return trace is outer

    def finish(self, outputs: Sequence) -> tuple[Program, list]:
        """Closes the trace: the Program, and the captured values, its first inputs."""
        atoms = [self.atom(output) for output in outputs]
        captured = list(self.captured.values())
        program = Program([var for var, *_ in captured] + self.inputs, self.equations, atoms,
                          self.name, [""] * len(captured) + self.input_names)
        for watcher in _after_trace:
            watcher(program)
        return program, [outer for _, outer, _ in captured]

    # ---- values ----

    @property
    def gives_values(self) -> bool:
        """Whether what is bound here may have a value."""
        return self.values is not None

    def known(self, atom):
        """The value of an atom in the surrounding interpreter, if it is known already."""
        if type(atom) is Literal:
            return atom.value
        return self.values.get(atom) if self.values is not None else None

    def value(self, atom):
        """The value of an atom, computed if need be; None if there is none."""
        found = self.known(atom)
        if found is None and self.values is not None:
            self._catch_up()
            found = self.values.get(atom)
        return found

    def carries_derivative(self, atom) -> bool:
        """Whether `atom` has a derivative with respect to the inputs that is wanted."""
        if not self.differentiates:
            return False
        needed = {atom}
        for equation in reversed(self.equations):
            if not getattr(equation.primitive.jvp, "is_zero", False) \
                    and any(var in needed and is_inexact(var.type.dtype)
                            for var in equation.outputs):
                needed.update(equation.inputs)
        return any(var in needed and is_inexact(var.type.dtype) for var in self.inputs)

    def _catch_up(self):
        """Evaluates the equations recorded so far in the surrounding interpreter."""
        with using(self.parent):
            while self._evaluated < len(self.equations):
                equation = self.equations[self._evaluated]
                self._evaluated += 1
                if self.axis_name is None or self.axis_name not in equation.axis_names:
                    self._evaluate(equation)

    def _evaluate(self, equation: Equation):
        inputs = [self.known(atom) for atom in equation.inputs]
        if any(value is None for value in inputs):
            return
        if equation.effect:
            equation = self._settle_effect(equation)
        if equation is not None:
            with located(equation.location):
                self.values.update(zip(equation.outputs, evaluate(equation, inputs), strict=True))

    def _settle_effect(self, equation: Equation) -> Equation | None:
        """What to evaluate of an equation with an effect, so that it happens once, and in order.

        One that happens now is remembered in `values`, for the walk over the Program. One that
        would have to happen again then, for the results on which its derivative depends, is left
        for that; so are all after it.
        """
        pure = without_effect(equation)
        if self.runs_effects and (pure is not None or _is_leaf(equation)):
            self.values[equation] = True
            return equation
        self.runs_effects = False
        return pure


def _is_leaf(equation: Equation) -> bool:
    """Whether an equation's effect is its own, not that of a Program in it."""
    return equation.primitive.effect and not equation.primitive.custom


def _all_weak(atoms) -> bool:
    found = False
    for atom in atoms:
        if type(atom) is Var:
            if not atom.type.weak:
                return False
            found = True
    return found


def _weakened(kind: ArrayType) -> ArrayType:
    return kind if kind.dtype.kind == "b" else ArrayType(kind.shape, kind.dtype, True)


def evaluate(equation: Equation, inputs: Sequence) -> Sequence:
    """Runs one equation on values in the current interpreter; always a sequence."""
    out = bind(equation.primitive, *inputs, **equation.params)
    return out if equation.primitive.multiple else (out,)


def run(program: Program, arguments: Sequence) -> list:
    """Runs a Program, equation by equation, in the current interpreter."""
    values = dict(zip(program.inputs, arguments, strict=True))

    def read(atom):
        return atom.value if type(atom) is Literal else values[atom]

    for equation in program.equations:
        with located(equation.location):
            outputs = evaluate(equation, [read(atom) for atom in equation.inputs])
        values.update(zip(equation.outputs, outputs, strict=True))
    return [read(atom) for atom in program.outputs]


def trace(function: Callable, types: Sequence[ArrayType], name: str = "",
          names: Sequence[str] = ()) -> tuple[Program, list]:
    """Traces `function(*tracers) -> values` without values.

    Returns the Program and the values that it captured from outside, its first inputs.
    """
    builder = Trace(name)
    names = names or [""] * len(types)
    with using(builder):
        try:
            tracers = [builder.new_input(kind, label)
                       for kind, label in zip(types, names, strict=True)]
            return builder.finish(function(*tracers))
        finally:
            builder.closed = True


class ClosedTrace(Trace):
    """A trace that takes nothing from around it: arrays are written into the Program."""

    def __init__(self, name: str = ""):
        super().__init__(name)
        self.constants: dict[int, tuple] = {}

    def _capture(self, value, convert=None):
        known = self.constants.get(id(value))
        if known is None:
            outer = value if convert is None else convert(value)
            if type(outer) is not Array:
                raise leaked(outer)
            atom = constant(outer._concrete("a constant"), outer.type, self.equations,
                            user_location())
            known = self.constants[id(value)] = (atom, value)       # keeps `value` alive
        return known[0]


def trace_closed(function: Callable, types: Sequence[ArrayType], name: str = "") -> Program:
    """Traces `function(*tracers) -> values` to a Program of these inputs and no others."""
    builder = ClosedTrace(name)
    with using(builder):
        try:
            return builder.finish(function(*map(builder.new_input, types)))[0]
        finally:
            builder.closed = True


def trace_at(function: Callable, inputs: Sequence, name: str = "",
             names: Sequence[str] = ()) -> tuple[Program, list]:
    """As `trace`, at values: Python may ask for them as far as they are known.

    The Program is run afterwards; what is asked for is a preview of that.
    """
    builder = Trace(name, valued=current().gives_values, preview=True)
    names = names or [""] * len(inputs)
    with using(builder):
        try:
            tracers = [builder.new_input(_type(value), label, value)
                       for value, label in zip(inputs, names, strict=True)]
            return builder.finish(function(*tracers))
        finally:
            builder.closed = True
