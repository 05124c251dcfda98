"""What `custom_jvp`, `custom_vjp` and `custom_vmap` share: arguments, and checking rules.

In: a function and a call of it. Out: `Call`, its arguments as leaves. Imports `tree`, `trace`,
`control`, `api.calls`, `api.compare`.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper

import numpy as np

from functrans import tree
from functrans.api.calls import (
    FlatFunction,
    as_input,
    as_result,
    as_value,
    check_callable,
    function_name,
    leaf_names,
)
from functrans.api.compare import require_same_types
from functrans.array import ArrayBase
from functrans.control.closures import Closure
from functrans.control.custom_rules import traced_call
from functrans.errors import ArgumentError, CustomRuleError, MissingRuleError
from functrans.ir.type import ArrayType
from functrans.primitives.basic import type_of_value
from functrans.primitives.elementwise import convert
from functrans.trace import EVAL, current


class CustomFunction:
    """A function with a rule of its own. Subclasses say which, and how it is bound.

    nondiff_argnums, nondiff_argnames: arguments that are handed to function and rules as they are.
    """

    who = "a custom function"

    def __init__(self, fun: Callable, nondiff_argnums: int | Sequence[int] = (),
                 nondiff_argnames: str | Sequence[str] = ()):
        check_callable(fun, self.who)
        self.fun = fun
        self.name = function_name(fun)
        self.nondiff_argnums = _positions(self.who, fun, nondiff_argnums, nondiff_argnames)
        update_wrapper(self, fun, updated=())

    def __get__(self, instance, owner=None):
        return self if instance is None else partial(self, instance)

    def __repr__(self):
        return f"<{self.who} {self.name}>"

    def _require_rule(self, rule, method: str):
        if rule is None:
            raise MissingRuleError(f"the {self.who} function {self.name} has no rule yet: give it "
                                   f"one with {self.name}.{method}")

    def _run(self, bind: Callable, make_rule: Callable, rules: Sequence[Callable], args: tuple,
             kwargs: dict):
        """Calls the function: as it is, or as an equation that carries its rule.

        make_rule(call, closure) gives the rule; rules are the user's functions.
        """
        args = resolve_keywords(self.fun, args, kwargs, self.who)
        if current() is EVAL:
            return self.fun(*args)
        call = Call(self, args)
        closure = Closure(*rules, call.static)
        program, operands, fixed = traced_call(call.flat, call.inputs, closure, self.name,
                                               call.names)
        call.out_types = program.output_types
        outs = bind(program, operands, make_rule(call, closure), len(closure.tracers), fixed,
                    self.name)
        return tree.unflatten(call.out_tree, outs)


def _positions(who: str, fun: Callable, numbers, names) -> tuple:
    """Positions of arguments that are given by number or name."""
    found = [numbers] if hasattr(numbers, "__index__") else list(numbers)
    if not all(hasattr(number, "__index__") for number in found):
        raise ArgumentError(f"{who}: nondiff_argnums must be an int or a tuple of ints, got "
                            f"{numbers!r}")
    names = [names] if isinstance(names, str) else list(names)
    parameters = list(inspect.signature(fun).parameters) if names else []
    for name in names:
        if name not in parameters:
            raise ArgumentError(f"{who}: nondiff_argnames names {name!r}, but "
                                f"{function_name(fun)} has the arguments {', '.join(parameters)}")
    found += [parameters.index(name) for name in names]
    return tuple(dict.fromkeys(int(number) for number in found))


def resolve_keywords(fun: Callable, args: tuple, kwargs: dict, who: str) -> tuple:
    """The arguments of a call by position, defaults included, as rules take them."""
    try:
        bound = inspect.signature(fun).bind(*args, **kwargs)
    except ValueError:                                    # a function without a signature
        if not kwargs:
            return args
        raise
    bound.apply_defaults()
    if bound.kwargs:
        raise ArgumentError(
            f"{who} {function_name(fun)}: the keyword arguments {', '.join(bound.kwargs)} have no "
            "position, and rules take arguments by position; let the function take them as plain "
            "arguments, or bind them with functools.partial")
    return bound.args


class Call:
    """One call of a custom function: its arguments as leaves, and what came out.

    static: the arguments that are not differentiated, in the order of nondiff_argnums.
    """

    def __init__(self, custom: CustomFunction, args: tuple):
        count = len(args)
        numbers = [self._position(custom, number, count) for number in custom.nondiff_argnums]
        self.custom = custom
        self.count = count
        self.numbers = dict(zip(numbers, (args[k] for k in numbers)))
        self.static = tuple(self.numbers.values())
        own = tuple(arg for k, arg in enumerate(args) if k not in self.numbers)
        leaves, self.in_tree = tree.flatten(own)
        self.names = leaf_names(custom.fun, [None if k in self.numbers else arg
                                             for k, arg in enumerate(args)], {})
        self.inputs = [as_input(leaf, name, f"{custom.who} {custom.name}")
                       for leaf, name in zip(leaves, self.names, strict=True)]
        self.types = [leaf.type for leaf in self.inputs]
        self.flat = FlatFunction(self._function, tree.structure((own, {})), who=custom.who)
        self.out_types: tuple = ()

    @staticmethod
    def _position(custom: CustomFunction, number: int, count: int) -> int:
        if not -count <= number < count:
            raise ArgumentError(f"{custom.who} {custom.name}: nondiff_argnums names argument "
                                f"{number}, but it was called with {count}")
        return number % count

    def _function(self, *own):
        return self.custom.fun(*self.whole(own))

    def whole(self, own: Sequence) -> list:
        """All arguments, from those that are differentiated."""
        rest = iter(own)
        return [self.numbers[k] if k in self.numbers else next(rest) for k in range(self.count)]

    @property
    def out_tree(self):
        return self.flat.out_tree

    def arguments(self, leaves: Sequence) -> tuple:
        """The arguments that are differentiated, from leaves."""
        return tree.unflatten(self.in_tree, leaves)

    def results(self, out, rule: Callable, what: str = "an output") -> list:
        """Leaves of the output that a rule gave, which must be as the function's own."""
        leaves, out_tree = tree.flatten(out)
        values = fitted([as_value(leaf) for leaf in leaves], self.out_types)
        require_same_types(
            self.out_types, self.out_tree, [type_of_value(value) for value in values], out_tree,
            f"{self.custom.who} {self.custom.name}: its rule {function_name(rule)} gives {what} "
            "unlike that of the function", "the function", "the rule")
        return values

    def error(self, text: str) -> CustomRuleError:
        return CustomRuleError(f"{self.custom.who} {self.custom.name}: {text}")


def fitted(values: Sequence, types: Sequence[ArrayType]) -> list:
    """Arrays, of which weak ones take the dtypes of `types`."""
    pairs = zip(values, types) if len(values) == len(types) else ()
    fit = [convert(value, kind.dtype) if _gives_way(value, kind) else value
           for value, kind in pairs]
    return [as_result(value) for value in fit or values]


def _gives_way(value, kind: ArrayType) -> bool:
    own = type_of_value(value)
    weak = own.weak or not isinstance(value, ArrayBase)
    return weak and own.dtype != kind.dtype and np.can_cast(own.dtype, kind.dtype, "same_kind")
