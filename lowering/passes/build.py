"""From a cluster to the statements of its kernel.

In: a cluster and the state of fusion. Out: `Kernel`. Imports `functrans.ir`, `passes`, `loops`.
"""
from __future__ import annotations

import numpy as np

from functrans.ir import primitive as kernels
from functrans.ir.program import Literal
from lowering.loops import Constant, Cumulate, Index, Kernel, Load, Map, Pick, Place, Reduce, Store
from lowering.passes.access import identity, through
from lowering.passes.cluster import Cluster, Member
from lowering.passes.domains import contract_layout, reduced_dims
from lowering.passes.fuse import Fuser
from lowering.passes.internal import SUM
from lowering.views import View

NONE = frozenset()
LAST = np.int64(np.iinfo(np.int64).max)


def _extreme(dtype: np.dtype, sign: int):
    """The largest (or, for -1, the smallest) value of a dtype."""
    if dtype.kind == "b":
        return np.bool_(sign > 0)
    if dtype.kind in "iu":
        return dtype.type(np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min)
    return dtype.type(sign * np.inf)


# How the best value is found, and what is never better: by the test of one value against another.
_BEST = {"({0} < {acc})": ("min_step({acc}, {0})", lambda dtype: _extreme(dtype, 1)),
         "({0} > {acc})": ("max_step({acc}, {0})", lambda dtype: _extreme(dtype, -1))}
# A NaN is the best value wherever there is one.
_IS_BEST = "({2} if ({0} == {1}) | ({0} != {0}) else {3})"


def build_kernel(cluster: Cluster, fuser: Fuser) -> Kernel:
    """The kernel of a cluster."""
    builder = _Builder(cluster, fuser)
    for member in cluster.members:
        builder.member(member)
    for var, view in cluster.stores:
        builder.store(var, view)
    return Kernel(builder.needed(), cluster.axes(fuser.axes.find))


class _Builder:
    """The statements so far; equal reads are one statement."""

    def __init__(self, cluster: Cluster, fuser: Fuser):
        self.cluster = cluster
        self.fuser = fuser
        self.find = fuser.axes.find
        self.statements: list = []
        self.results: dict = {}             # variable -> statement, for members
        self.known: dict = {}               # (what, access) -> statement
        self.location = None

    def add(self, statement):
        statement.location = self.location
        self.statements.append(statement)
        return statement

    # ---- members ----

    def member(self, member: Member):
        equation, kernel = member.equation, member.equation.kernel
        self.location = equation.location
        domain = tuple(None if axis is None else self.find(axis) for axis in member.domain)
        if isinstance(kernel, (kernels.Scatter, kernels.DynamicUpdate)):
            self._update(member, kernel, domain)
            return
        over = frozenset(domain[k] for k in reduced_dims(kernel, len(domain))
                         if domain[k] is not None)
        access = identity([2 if axis is not None else 1 for axis in domain], domain)
        statement = self._compute(equation, kernel, access, over, domain)
        if isinstance(kernel, kernels.Elementwise) and kernel.outputs > 1:
            for number, var in enumerate(equation.outputs):
                self.results[var] = self._pick(statement, number, var)
        else:
            self.results[equation.outputs[0]] = statement

    def _pick(self, statement, number: int, var):
        return self.add(Pick([statement], var.type.dtype, statement.axes, number=number))

    def _compute(self, equation, kernel, access: tuple, over: frozenset, domain: tuple):
        """The statement for an equation's value at `access` over its domain."""
        dtype = equation.outputs[0].type.dtype
        if isinstance(kernel, kernels.Reduce):
            value = self.value(equation.inputs[0], access)
            if not over:                                  # axes of size one
                return self._map("{0}", [value], dtype, 0)
            return self.add(Reduce([value], dtype, value.result_axes | over, over=over,
                                   init=kernel.init, combine=kernel.combine))
        if isinstance(kernel, kernels.ArgReduce):
            if not over:
                return self._constant(dtype.type(0), dtype)
            return self._place_of_best(equation, kernel, access, over)
        if isinstance(kernel, kernels.Contract):
            return self._sum_of_products(equation, kernel, access, over)
        if isinstance(kernel, kernels.Cumulate):
            values = [self.value(atom, access) for atom in equation.inputs]
            along = domain[kernel.axis]
            axes = frozenset().union(*(value.result_axes for value in values))
            if along is None:
                return self._one_step(values, kernel, dtype)
            return self.add(Cumulate(values, dtype, axes | {along}, along=along,
                                     init=kernel.init, combine=kernel.combine))
        return self.result(equation, kernel, access)

    def _place_of_best(self, equation, kernel, access: tuple, over: frozenset):
        """The best value, then the first place that has it: both loops can be vectorised."""
        value = self.value(equation.inputs[0], access)
        axes = value.result_axes | over
        combine, worst = _BEST[kernel.better]
        best = self.add(Reduce([value], value.dtype, axes, over=over, init=worst(value.dtype),
                               combine=combine))
        axis, = over
        index = self.add(Index([], LAST.dtype, over, axis=axis))
        last = self._constant(LAST, LAST.dtype)
        place = self.add(Map([value, best, index, last], LAST.dtype, axes, expr=_IS_BEST))
        return self.add(Reduce([place], LAST.dtype, axes, over=over, init=LAST,
                               combine="min_step({acc}, {0})"))

    def _one_step(self, values: list, kernel, dtype):
        """A running result along an axis of size one."""
        start = self.add(Constant([], dtype, value=kernel.init))
        expr = kernel.combine.replace("{acc}", f"{{{len(values)}}}")
        return self._map(expr, [*values, start], dtype)

    def _sum_of_products(self, equation, kernel, access: tuple, over: frozenset):
        factors = [self.value(atom, tuple(access[k] for k in layout))
                   for layout, atom in zip(contract_layout(equation, kernel), equation.inputs)]
        dtype = equation.outputs[0].type.dtype
        product = self._map("({0} * {1})", factors, dtype)
        if not over:                                      # nothing to sum, or axes of size one
            return product
        return self.add(Reduce([product], dtype, product.result_axes | over, over=over,
                               init=dtype.type(0), combine=SUM))

    def _map(self, expr: str, inputs: list, dtype, cost: int = 1, outputs: int = 1):
        axes = NONE.union(*(value.result_axes for value in inputs)) if inputs else NONE
        return self.add(Map(inputs, dtype, axes, expr=expr, cost=cost, outputs=outputs))

    # ---- values ----

    def value(self, atom, access: tuple):
        """The statement that gives a value at an access."""
        if type(atom) is Literal:
            return self._constant(atom.value, atom.type.dtype)
        if atom in self.results and self._is_own(atom, access):
            return self.results[atom]
        key = (atom, access)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._read(atom, access)
        return found

    def _is_own(self, var, access: tuple) -> bool:
        """Whether an access to a member's result is index by index."""
        axes = self.cluster.placed.get(var)
        return axes is not None and all(
            axis is None or entry == (self.find(axis), 0, 1)
            for axis, entry in zip(axes, access))

    def _constant(self, value, dtype):
        key = (dtype, repr(value))
        if key not in self.known:
            self.known[key] = self.add(Constant([], dtype, value=value))
        return self.known[key]

    def _read(self, var, access: tuple):
        if var in self.cluster.recomputed:
            equation = self.fuser.definitions[var]
            reader, self.location = self.location, equation.location
            statement = self.result(equation, equation.kernel, access, var)
            self.location = reader
            if len(equation.outputs) > 1:
                return self._pick(statement, equation.outputs.index(var), var)
            return statement
        return self._load(self.fuser.views[var], access)

    def result(self, equation, kernel, access: tuple, var=None):
        """The value of an equation that is computed where it is read."""
        var = var or equation.outputs[0]
        dtype = var.type.dtype
        if isinstance(kernel, kernels.Elementwise):
            inputs = [self.value(atom, access if atom.type.shape else ())
                      for atom in equation.inputs]
            return self._map(kernel.expr, inputs, dtype, kernel.cost, kernel.outputs)
        if isinstance(kernel, kernels.Iota):
            axis, start, step = access[kernel.axis]
            axes = NONE if axis is None else frozenset([axis])
            return self.add(Index([], dtype, axes, axis=axis, start=start, step=step))
        if isinstance(kernel, kernels.Pad):
            return self._padded(equation, kernel, access)
        if isinstance(kernel, kernels.DynamicSlice):
            return self._dynamic_slice(equation, kernel, access)
        if isinstance(kernel, kernels.Gather):
            return self._gather(equation, kernel, access)
        operand = equation.inputs[0]
        if type(operand) is Literal:
            return self.value(operand, ())
        inner = through(kernel, operand.type.shape, var.type.shape, access)
        if inner is not None:
            return self.value(operand, inner)
        view, _ = self.fuser.in_memory(operand)
        return self._load(view.reshaped(var.type.shape), access)

    # ---- reading memory ----

    def _load(self, view: View, access: tuple, **extra):
        place = self._place(view, access)
        return self._load_at(place, [], **extra)

    def _load_at(self, place: Place, inputs: list, otherwise=None):
        axes = frozenset(place.coefficients) | frozenset(guard[0] for guard in place.guards
                                                         if guard[0] is not None)
        axes = axes.union(*(value.result_axes for value in inputs))
        return self.add(Load(inputs, place.view.dtype, axes, place=place, otherwise=otherwise))

    def _place(self, view: View, access: tuple) -> Place:
        place = Place(view, view.offset, {})
        for entry, stride in zip(access, view.strides, strict=True):
            self._add_entry(place, entry, stride)
        return place

    def _add_entry(self, place: Place, entry: tuple, stride: int):
        axis, start, step = entry
        place.offset += start * stride
        if axis is not None and step * stride:
            place.coefficients[axis] = place.coefficients.get(axis, 0) + step * stride

    def _padded(self, equation, kernel, access: tuple):
        operand, value = equation.inputs
        view, _ = self.fuser.in_memory(operand)
        otherwise = self.value(value, ())
        place = Place(view, view.offset, {})
        for k, (axis, start, step) in enumerate(access):
            low, gap, size = kernel.low[k], kernel.interior[k] + 1, view.shape[k]
            whole_axis = low <= 0 and kernel.high[k] <= 0 and gap == 1
            if whole_axis:
                self._add_entry(place, (axis, start - low, step), view.strides[k])
            else:
                place.guards.append((axis, start, step, low, gap, size, view.strides[k]))
        return self._load_at(place, [otherwise], otherwise=0)

    def _dynamic_slice(self, equation, kernel, access: tuple):
        operand, *starts = equation.inputs
        view, _ = self.fuser.in_memory(operand)
        place = self._place(view, access)
        inputs = self._dynamic_starts(place, view, starts, kernel.sizes)
        return self._load_at(place, inputs)

    def _dynamic_starts(self, place: Place, view: View, starts, sizes) -> list:
        """Starts known at run time: clamped, and added to the place."""
        inputs = []
        for k, start in enumerate(starts):
            last = view.shape[k] - sizes[k]
            if last > 0:
                place.dynamic.append((len(inputs), view.strides[k], last + 1, "clip"))
                inputs.append(self.value(start, ()))
        return inputs

    def _gather(self, equation, kernel, access: tuple):
        operand, *indices = equation.inputs
        view, _ = self.fuser.in_memory(operand)
        count, lead = len(indices), kernel.batch_dims
        rank = len(indices[0].type.shape)
        place = Place(view, view.offset, {})
        for k in range(lead):
            self._add_entry(place, access[k], view.strides[k])
        for k, entry in enumerate(access[rank:]):
            self._add_entry(place, entry, view.strides[lead + count + k])
        inputs = self._indices(place, view, indices, access[:rank], lead, kernel.mode)
        otherwise = None
        if kernel.mode == "drop":
            otherwise = len(inputs)
            inputs.append(self._constant(view.dtype.type(0), view.dtype))
        return self._load_at(place, inputs, otherwise=otherwise)

    def _indices(self, place: Place, view: View, indices, access, lead: int, mode: str) -> list:
        inputs = []
        for k, index in enumerate(indices):
            place.dynamic.append((k, view.strides[lead + k], view.shape[lead + k], mode))
            inputs.append(self.value(index, access))
        return inputs

    # ---- writing memory ----

    def store(self, var, view: View):
        axes = self.cluster.placed[var]
        axes = tuple(None if axis is None else self.find(axis) for axis in axes)
        access = identity(view.shape, axes)
        value = self.results[var]
        self.location = value.location
        place = self._place(view, access)
        every = frozenset(axis for axis in axes if axis is not None)
        self.add(Store([value], view.dtype, every | value.result_axes, place=place))

    def _update(self, member: Member, kernel, domain: tuple):
        equation = member.equation
        target = self.fuser.views[equation.outputs[0]]
        access = identity([2 if axis is not None else 1 for axis in domain], domain)
        value = self.value(equation.inputs[1], access)
        place = Place(target, target.offset, {})
        if isinstance(kernel, kernels.DynamicUpdate):
            place = self._place(target, access)
            sizes = equation.inputs[1].type.shape
            inputs = self._dynamic_starts(place, target, equation.inputs[2:], sizes)
        else:
            lead, indices = kernel.batch_dims, equation.inputs[2:]
            rank = len(indices[0].type.shape)
            for k in range(lead):
                self._add_entry(place, access[k], target.strides[k])
            for k, entry in enumerate(access[rank:]):
                self._add_entry(place, entry, target.strides[lead + len(indices) + k])
            inputs = self._indices(place, target, indices, access[:rank], lead, kernel.mode)
        # A place's dynamic indices are counted among the inputs behind the value.
        place.dynamic = [(number + 1, *rest) for number, *rest in place.dynamic]
        every = frozenset(axis for axis in domain if axis is not None)
        self.add(Store([value, *inputs], target.dtype, every, place=place,
                       combine=kernel.combine))

    # ---- what is needed ----

    def needed(self) -> list:
        """The statements that some store needs, in order."""
        live: set = set()
        for statement in reversed(self.statements):
            if isinstance(statement, Store) or id(statement) in live:
                live.add(id(statement))
                live.update(id(value) for value in statement.inputs)
        return [statement for statement in self.statements if id(statement) in live]

