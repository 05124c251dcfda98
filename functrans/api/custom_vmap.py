"""`custom_vmap`: a function with a rule of its own for vectorization.

Imports `tree`, `control.custom_vmap`, `api.custom_rules`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans import tree
from functrans.api.calls import as_value, check_callable, function_name
from functrans.api.custom_rules import Call, CustomFunction, fitted
from functrans.control.custom_vmap import VmapRule, bind_custom_vmap
from functrans.errors import StructureError
from functrans.ir.type import ArrayType
from functrans.primitives.basic import type_of_value


class custom_vmap(CustomFunction):
    """A function that `vmap` does not take apart: a rule says what it is for a batch.

    `def_vmap(rule)`: `rule(axis_size, in_batched, *args) -> (out, out_batched)`. args are the
    arguments, with the mapped axis in front where `in_batched`, a list of pytrees of booleans of
    the structure of the arguments, says so; `out_batched` says it of the output. The rule is
    called with tracers, and what it does may be mapped and differentiated. `vmap` of its
    forward derivative uses the derivative of the rule. Reverse mode takes the function itself
    apart, so `vmap(grad(f))` does not see the rule, while `grad(vmap(f))` does.
    Raises AttributeError if it is called before it has a rule; StructureError, with both sides,
    if the rule's output is unlike the function's.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> @ft.custom_vmap
    ... def double(x):
    ...     return 2 * x
    >>> @double.def_vmap
    ... def rule(axis_size, in_batched, x):
    ...     return 2 * x, in_batched[0]
    >>> ft.vmap(double)(fnp.ones(3))
    Array([2., 2., 2.], dtype=float32)
    """

    who = "custom_vmap"
    vmap_rule: Callable | None = None

    def __init__(self, fun: Callable):
        super().__init__(fun)

    def def_vmap(self, vmap_rule: Callable) -> Callable:
        """Sets the rule, and returns it; a decorator."""
        check_callable(vmap_rule, "def_vmap")
        self.vmap_rule = vmap_rule
        return vmap_rule

    def __call__(self, *args, **kwargs):
        self._require_rule(self.vmap_rule, "def_vmap")
        rule = self.vmap_rule
        return self._run(bind_custom_vmap,
                         lambda call, closure: VmapRule(_Flat(call, rule), closure),
                         (rule,), args, kwargs)


class _Flat:
    """The user's rule on leaves: (size, batched, values) -> (results, batched)."""

    def __init__(self, call: Call, rule: Callable):
        self.call = call
        self.rule = rule

    def __call__(self, size: int, batched: Sequence[bool], values: Sequence) -> tuple:
        call = self.call
        result = self.rule(size, list(call.arguments(batched)), *call.arguments(values))
        if not (isinstance(result, (tuple, list)) and len(result) == 2):
            raise call.error(f"its rule {function_name(self.rule)} must return a pair (out, "
                             f"out_batched), got {tree.structure(result)}")
        out, out_batched = result
        self._require_structure(out, "an output")
        flags = self._flags(out_batched)
        kinds = [kind.with_shape((size, *kind.shape)) if flag else kind
                 for kind, flag in zip(call.out_types, flags)]
        values = fitted([as_value(leaf) for leaf in tree.leaves(out)], kinds)
        for value, kind, (path, _) in zip(values, kinds, tree.leaves_with_path(out)):
            self._require_type(value, kind, tree.keystr(path) or "the value")
        return values, flags

    def _flags(self, out_batched) -> list:
        if isinstance(out_batched, bool):
            return [out_batched] * len(self.call.out_types)
        self._require_structure(out_batched, "out_batched")
        return [bool(flag) for flag in tree.leaves(out_batched)]

    def _require_structure(self, value, what: str):
        call = self.call
        if tree.structure(value) != call.out_tree:
            raise StructureError(
                f"custom_vmap {call.custom.name}: its rule {function_name(self.rule)} gives {what} "
                f"of another structure than the function:\n  the function: {call.out_tree}\n"
                f"  the rule:     {tree.structure(value)}")

    def _require_type(self, value, kind: ArrayType, path: str):
        own = type_of_value(value)
        if not own.matches(kind):
            raise StructureError(
                f"custom_vmap {self.call.custom.name}: its rule {function_name(self.rule)} gives "
                f"an output unlike the function's:\n  at {path}: expected {kind}, the rule gives "
                f"{own}")


def sequential_vmap(fun: Callable) -> custom_vmap:
    """A function that `vmap` calls for one lane after the other; a decorator.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.vmap(ft.sequential_vmap(lambda x: 2 * x))(fnp.ones(2))
    Array([2., 2.], dtype=float32)
    """
    function = custom_vmap(fun)

    @function.def_vmap
    def rule(axis_size, in_batched, *args):
        from functrans.lax import map as lax_map
        leaves, structure = tree.flatten(args)
        flags = tree.leaves(in_batched)
        mapped = [leaf for leaf, flag in zip(leaves, flags) if flag]

        def lane(own):
            rest = iter(own)
            whole = [next(rest) if flag else leaf for leaf, flag in zip(leaves, flags)]
            return fun(*tree.unflatten(structure, whole))
        out = lax_map(lane, mapped)
        return out, tree.map(lambda _: True, out)
    return function
