"""What is said when a tracer is asked for what it does not have, or outlives its trace.

In: tracers (of which this module knows the attributes, but not the class). Out: errors that name
the user's lines. Imports `ir`, `locations` and `errors`.
"""
from __future__ import annotations

from functrans.errors import ConcretizationError, NotDifferentiableError, TracerLeakError
from functrans.ir.program import Var
from functrans.locations import describe, user_location

_FLOW = ("Use lax.cond, lax.while_loop or where(condition, x, y) in place of Python's if, while, "
         "and, or;\nor make the argument static: static_argnums of jit, None in in_axes of vmap.")
_NUMBER = ("Keep it an array: x.astype(int) in place of int(x), functrans.numpy.sin in place of "
           "math.sin;\nor return it from the function, and convert it outside.")
_NUMPY = ("NumPy's functions are traced when they are called on it: np.sin(x), np.stack([x, y]). "
          "In place of\nnp.array([x, y]) write functrans.numpy.array([x, y]).")
_OUTSIDE = "Return it from the function, and convert it outside; print(x) shows its type."
_SHAPE = ("What decides a shape or a place in a Python sequence must be known while tracing: take "
          "it from\nx.shape, make the argument static (static_argnums), or index an array: "
          "functrans.numpy.array(items)[i].")

# What to do instead, by what was asked for.
_HINTS = {"bool()": _FLOW, "float()": _NUMBER, "int()": _NUMBER, "complex()": _NUMBER,
          "np.asarray()": _NUMPY, "format()": _OUTSIDE, ".item()": _OUTSIDE,
          ".tolist()": _OUTSIDE, ".tobytes()": _OUTSIDE}


def no_value(tracer, purpose: str) -> ConcretizationError:
    """A value was needed that there is none of while tracing.

    purpose: what for, such as `bool()`; advice may follow in brackets.
    """
    what, _, advice = purpose.partition(" (")
    hint = _HINTS.get(purpose, _SHAPE) if not advice else advice[:1].upper() + advice[1:-1] + "."
    return ConcretizationError(
        f"{what} needs the value of a traced array, which has none under "
        f"{_name(tracer.trace)}.\n"
        f"  at:    {describe(user_location())}\n"
        f"  value: {_origin(tracer)}{_dependence(tracer)}\n{hint}")


def cut_off(tracer, trace) -> ConcretizationError:
    """NumPy asked for the elements of a value that a derivative depends on."""
    return ConcretizationError(
        f"np.asarray() would cut a traced array off from the derivative that {_name(trace)} "
        "computes.\n"
        f"  at:    {describe(user_location())}\n"
        f"  value: {_origin(tracer)}{_dependence(tracer)}\n"
        f"{_NUMPY}\nWhere no derivative is wanted, say so: np.asarray(stop_gradient(x)).")


def leaked(tracer) -> TracerLeakError:
    """A tracer was used outside the call that traced it."""
    return TracerLeakError(
        f"a value traced by {_name(tracer.trace)} was used outside of it.\n"
        f"  value:   {_origin(tracer)}\n"
        f"  used at: {describe(user_location())}\n"
        "It only stands for a value while the function is traced, and must not be kept in a "
        "global, an attribute\nor a list. Return it from the function instead.")


def not_linear() -> NotDifferentiableError:
    """A function that is to be transposed is not linear."""
    return NotDifferentiableError(
        "the function is not linear in its inputs, so it has no transpose.\n"
        f"  at: {describe(user_location())}\n"
        "linear_transpose takes linear functions; for the derivative of another, use vjp or grad. "
        "The rule of a custom_jvp function must be linear in its tangents.")


def _name(trace) -> str:
    return trace.name or "a transformation"


def _origin(tracer) -> str:
    """`f32[3], made at train.py:12, in loss: x * 2`, or which argument it is."""
    trace, atom = tracer.trace, tracer.atom
    for equation in trace.equations:
        if atom in equation.outputs:
            return f"{tracer.type}, made at {describe(equation.location)}"
    name = next((name for var, name in zip(trace.inputs, trace.input_names)
                 if var is atom and name), None)
    what = f"the argument {name} of the function called" if name else "made"
    return f"{tracer.type}, {what} at {describe(trace.location)}"


def _dependence(tracer) -> str:
    """The arguments that a value is computed from, as a sentence."""
    trace, needed = tracer.trace, {tracer.atom}
    if any(var is tracer.atom for var in trace.inputs):
        return ""
    for equation in reversed(trace.equations):
        if any(var in needed for var in equation.outputs):
            needed.update(atom for atom in equation.inputs if type(atom) is Var)
    names = [name for var, name in zip(trace.inputs, trace.input_names)
             if var in needed and name]
    return f"\n  it depends on {', '.join(names)}" if names else ""
