"""Fusion: which equations are computed together in one kernel, and what is stored in memory.

Equations are taken in order. Relabelings (broadcast, transpose, slice ...) are never computed:
whoever reads them reads their operand elsewhere. An elementwise equation or a reduction joins the
kernel that computes its operands, if it reads them index by index and no cycle would arise.
Everything else is a step of its own, whose operands lie in memory.

In: a Program. Out: steps in order, each with the views that it reads and writes. Imports
`functrans.ir`, `passes`, `views`, `loops`, `steps`.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal, Program, Var
from functrans.ir.rewrite import uses
from lowering.loops import Axis
from lowering.passes.access import identity, through
from lowering.passes.cluster import (MAX_MEMBERS, MAX_STREAMS, Axes, Cluster, Member, direction,
                                     directions_agree)
from lowering.passes.domains import (RELABELINGS, contract_domain, is_library_product,
                                     operand_accesses, reduced_dims, relabeled)
from lowering.passes.internal import COPY, TRANSPOSE
from lowering.products import as_matrices
from lowering.views import Buffer, View, whole

_READ_ELSEWHERE = (*RELABELINGS, kernels.Iota, kernels.Pad)
CHEAP = 3                # an equation of at most this cost is rather computed twice than stored


@dataclass(eq=False, slots=True)
class Opaque:
    """A step that is no kernel of statements: a matrix product, a sort, a copy, a loop."""
    bit: int
    kind: str
    inputs: list          # views
    outputs: list         # views
    equation: Equation | None = None
    detail: object = None


@dataclass(eq=False, slots=True)
class Leaf:
    """A variable that an equation reads, through relabelings, at an access over its domain.

    view: whether it must lie in memory (its access cannot be said index by index).
    """
    var: Var
    access: tuple
    view: bool = False


class Fuser:
    """The state of the pass: where each variable is, and the steps so far."""

    def __init__(self, program: Program, is_product: Callable = is_library_product):
        self.program = program
        self.is_product = is_product                 # which contractions are steps of their own
        self.uses = uses(program)
        self.axes = Axes()
        self.steps: list = []                        # clusters and opaque steps, by number
        self.depends: list[int] = []                 # for each step the set of those before it
        self.virtual: dict[Var, Equation] = {}       # not computed: see its equation
        self.passed: set = set()                     # virtual ones on the way to leaves
        self.cluster_of: dict[Var, Cluster] = {}     # computed there
        self.views: dict[Var, View] = {}             # in memory
        self.makers: dict[Var, int] = {}             # the steps that write it
        self.definitions: dict[Var, Equation] = {}
        self.readers = _readers(program)
        self.output_slot = _output_slots(program)
        self.last_effect = 0                         # the set of the last step with an effect
        for number, var in enumerate(program.inputs):
            buffer = Buffer(var.type.dtype, var.type.size, "input", number)
            self.views[var] = whole(buffer, var.type.shape)
            self.makers[var] = 0

    # ---- the walk ----

    def run(self) -> Fuser:
        for equation in self.program.equations:
            for var in equation.outputs:
                self.definitions[var] = equation
            self.place(equation)
        self.place_outputs()
        return self

    def place(self, equation: Equation):
        kernel = equation.kernel
        if isinstance(kernel, _READ_ELSEWHERE) \
                or self._is_constant(equation, kernel) or self._is_cut_up(equation, kernel):
            self._make_virtual(equation)
        elif isinstance(kernel, (kernels.Gather, kernels.DynamicSlice)):
            if self.uses.get(equation.outputs[0], 0) <= 1:
                self._make_virtual(equation)
            else:
                self.join(equation)
        elif isinstance(kernel, (kernels.Elementwise, kernels.Reduce, kernels.ArgReduce,
                                 kernels.Cumulate)):
            self.join(equation)
        elif isinstance(kernel, kernels.Concatenate):
            self._concatenate(equation, kernel)
        elif isinstance(kernel, (kernels.Scatter, kernels.DynamicUpdate)):
            self._update(equation)
        elif isinstance(kernel, kernels.Contract):
            self._contract(equation, kernel)
        elif isinstance(kernel, kernels.Barrier):
            self._barrier(equation)
        elif isinstance(kernel, kernels.Constant):
            self._constant(equation.outputs[0], kernel.value)
        else:
            self._opaque(equation, type(kernel).__name__.lower())

    def _make_virtual(self, equation: Equation):
        for var in equation.outputs:
            self.virtual[var] = equation

    def _is_constant(self, equation: Equation, kernel) -> bool:
        """Whether an elementwise equation has no operands but literals, spread or not."""
        if not isinstance(kernel, kernels.Elementwise):
            return False
        return all(type(atom) is Literal or self._is_spread_literal(atom)
                   for atom in equation.inputs)

    def _is_spread_literal(self, var: Var) -> bool:
        equation = self.virtual.get(var)
        return equation is not None and all(
            type(atom) is Literal or self._is_spread_literal(atom) for atom in equation.inputs) \
            and not isinstance(equation.kernel, (kernels.Iota, kernels.Gather))

    def _is_cut_up(self, equation: Equation, kernel) -> bool:
        """Whether an equation is cheap and only slices of it are read, each element once."""
        if not isinstance(kernel, kernels.Elementwise) or kernel.cost > CHEAP:
            return False
        readers = self.readers.get(equation.outputs[0], [])
        return bool(readers) and equation.outputs[0] not in self.output_slot and all(
            reader is not None and isinstance(reader.kernel, kernels.Slice)
            for reader in readers)

    # ---- steps ----

    def _new_step(self, step):
        self.steps.append(step)
        self.depends.append(0)
        return step

    def new_cluster(self) -> Cluster:
        return self._new_step(Cluster(len(self.steps)))

    def add_dependencies(self, bit: int, before: int):
        """Step `bit` runs after the steps of the set `before`, and after all before those."""
        closure = before
        for number in _members(before):
            closure |= self.depends[number]
        closure &= ~(1 << bit)
        if closure & ~self.depends[bit]:
            self.depends[bit] |= closure
            for number, known in enumerate(self.depends):
                if known >> bit & 1:
                    self.depends[number] = known | self.depends[bit]

    def _opaque(self, equation: Equation, kind: str, detail=None) -> Opaque:
        """A step whose operands and results lie in memory."""
        inputs, before = [], 0
        for atom in equation.inputs:
            view, makers = self.in_memory(atom)
            inputs.append(view)
            before |= makers
        step = self._new_step(Opaque(len(self.steps), kind, inputs, [], equation, detail))
        if equation.effect:                          # effects happen in order
            before |= self.last_effect
            self.last_effect = 1 << step.bit
        self.add_dependencies(step.bit, before)
        for var in equation.outputs:
            step.outputs.append(self.allocate(var, 1 << step.bit))
        return step

    def _constant(self, var: Var, value):
        buffer = Buffer(var.type.dtype, var.type.size, "constant", data=value)
        self.views[var], self.makers[var] = whole(buffer, var.type.shape), 0

    def _barrier(self, equation: Equation):
        """The operands' memory under new names, to be read when all of it is written."""
        found = [self.in_memory(atom, contiguous=False) for atom in equation.inputs]
        makers = 0
        for _, own in found:
            makers |= own
        for var, (view, _) in zip(equation.outputs, found):
            self.views[var], self.makers[var] = view, makers

    def allocate(self, var: Var, makers: int) -> View:
        """Memory for a variable; the Program's own for its outputs."""
        slot = self.output_slot.get(var)
        buffer = Buffer(var.type.dtype, var.type.size) if slot is None else \
            Buffer(var.type.dtype, var.type.size, "output", slot)
        view = self.views[var] = whole(buffer, var.type.shape)
        self.makers[var] = makers
        return view

    # ---- memory ----

    def in_memory(self, atom, contiguous: bool = True) -> tuple[View, int]:
        """A view of a value, computed and stored if need be; and the steps that write it."""
        if type(atom) is Literal:
            return self._literal_in_memory(atom)
        if atom in self.views and (not contiguous or self.views[atom].is_contiguous()):
            return self.views[atom], self.makers[atom]
        if atom in self.cluster_of:
            return self.store(atom)
        found = self._view_through(atom)
        if found is not None and (not contiguous or found[0].is_contiguous()):
            return found
        self.join(self.virtual.pop(atom))
        return self.store(atom)

    def _literal_in_memory(self, literal: Literal) -> tuple[View, int]:
        var = Var(literal.type)
        equation = Equation(COPY, (literal,), {}, (var,))
        self.definitions[var] = equation
        self.join(equation)
        return self.store(var)

    def store(self, var: Var) -> tuple[View, int]:
        """Has the cluster that computes a variable write it to memory."""
        if var not in self.views:
            cluster = self.cluster_of[var]
            cluster.stores.append((var, self.allocate(var, 1 << cluster.bit)))
            cluster.streams.add(var)
        return self.views[var], self.makers[var]

    def _view_through(self, var: Var) -> tuple[View, int] | None:
        """A strided view of what a chain of relabelings reads, if there is one."""
        equation = self.virtual[var]
        kernel = equation.kernel
        if not isinstance(kernel, RELABELINGS) or type(equation.inputs[0]) is Literal:
            return None
        operand = equation.inputs[0]
        if operand in self.virtual:
            base = self._view_through(operand)
            if base is None and self.uses.get(operand, 0) > 1:
                base = self.in_memory(operand)
        elif isinstance(kernel, kernels.Broadcast) and operand not in self.views:
            return None
        else:
            base = self.in_memory(operand, contiguous=False)
        if base is None:
            return None
        view = relabeled(base[0], kernel, var.type.shape)
        return None if view is None else (view, base[1])

    # ---- reading ----

    def leaves(self, atom, access: tuple):
        """What an equation reads where it reads `atom` at `access`."""
        if type(atom) is Literal:
            return
        equation = self.virtual.get(atom)
        if equation is None:
            yield Leaf(atom, access)
            return
        self.passed.add(atom)
        kernel = equation.kernel
        if isinstance(kernel, kernels.Iota):
            return
        if isinstance(kernel, kernels.Elementwise):
            for operand in equation.inputs:
                yield from self.leaves(operand, access)
            return
        if isinstance(kernel, (kernels.Gather, kernels.DynamicSlice, kernels.Pad)):
            yield from self._indexed_leaves(equation, kernel, access)
            return
        operand = equation.inputs[0]
        if type(operand) is Literal:
            return
        inner = through(kernel, operand.type.shape, atom.type.shape, access)
        if inner is None:
            yield Leaf(operand, (), view=True)
        else:
            yield from self.leaves(operand, inner)

    def _indexed_leaves(self, equation: Equation, kernel, access: tuple):
        operand, *rest = equation.inputs
        if type(operand) is not Literal:
            yield Leaf(operand, (), view=True)
        for index in rest:
            shape = index.type.shape
            inner = access[:len(shape)] if isinstance(kernel, kernels.Gather) else ()
            yield from self.leaves(index, inner)

    def domain_shape(self, equation: Equation) -> tuple:
        kernel = equation.kernel
        if isinstance(kernel, (kernels.Reduce, kernels.ArgReduce)):
            return equation.inputs[0].type.shape
        if isinstance(kernel, (kernels.Scatter, kernels.DynamicUpdate)):
            return equation.inputs[1].type.shape
        if isinstance(kernel, kernels.Contract):
            return contract_domain(equation, kernel)
        return equation.outputs[0].type.shape

    def reads(self, equation: Equation) -> list[Leaf]:
        """All leaves of an equation, at accesses over its domain."""
        kernel = equation.kernel
        found: list = []
        domain = identity(self.domain_shape(equation))
        for atom, access in operand_accesses(equation, kernel, domain):
            if atom is None:
                found += self._indexed_leaves(equation, kernel, domain)
            elif access is None:
                found.append(Leaf(atom, (), view=True))
            else:
                found += self.leaves(atom, access)
        return found

    # ---- joining ----

    def join(self, equation: Equation) -> Cluster:
        """Puts an equation into the cluster that suits it, or into a new one."""
        shape = self.domain_shape(equation)
        self.passed = set()
        leaves = self.reads(equation)
        passed = self.passed
        cluster, domain = self._choose(equation, shape, leaves)
        if cluster is None:
            cluster, domain = self.new_cluster(), [None] * len(shape)
        cluster.recomputed |= passed
        self._complete(cluster, domain, shape, equation)
        member = Member(equation, tuple(domain))
        cluster.members.append(member)
        self._read(cluster, leaves)
        self._record(cluster, member)
        return cluster

    def _record(self, cluster: Cluster, member: Member):
        """The results of a new member are in its cluster now."""
        equation, kernel = member.equation, member.equation.kernel
        if isinstance(kernel, (kernels.Scatter, kernels.DynamicUpdate)):
            return
        over = reduced_dims(kernel, len(member.domain))
        dims = tuple(axis for k, axis in enumerate(member.domain) if k not in over)
        for var in equation.outputs:
            self.cluster_of[var] = cluster
            cluster.placed[var] = dims
            if var in self.output_slot:
                self.store(var)

    def _complete(self, cluster: Cluster, domain: list, shape: tuple, equation: Equation):
        """Axes for the dimensions that no operand decides: free ones of the cluster, or new."""
        taken = {self.axes.find(axis) for axis in domain if axis is not None}
        free = [axis for axis in cluster.axes(self.axes.find) if axis not in taken]
        kernel = equation.kernel
        along = kernel.axis if isinstance(kernel, kernels.Cumulate) else -1
        for dim, size in enumerate(shape):
            if size != 1 and domain[dim] is None:
                fits = next((axis for axis in free if axis.extent == size
                             and (dim != along or axis.backward in (None, kernel.reverse))), None)
                if fits is None:
                    fits = Axis(size)
                else:
                    free.remove(fits)
                domain[dim] = fits
            if dim == along and domain[dim] is not None:
                self.axes.find(domain[dim]).backward = kernel.reverse

    def _choose(self, equation: Equation, shape: tuple, leaves: list):
        """The cluster that an equation can join, several merged if they can be."""
        before = self._makers_of(leaves)
        candidates = self._candidates(leaves)
        chosen, domain = None, None
        for cluster in candidates:
            found = self._fits(cluster, equation, shape, leaves, before)
            if found is None:
                continue
            if chosen is None:
                chosen, domain = cluster, found
            elif self._mergeable(chosen, cluster, domain, found):
                self._merge(chosen, cluster, domain, found)
                before = self._makers_of(leaves)
        return chosen, domain

    def _candidates(self, leaves: list) -> list[Cluster]:
        """The clusters of the operands: those with loops before scalar ones, the latest first."""
        found = {self.cluster_of[leaf.var].bit: self.cluster_of[leaf.var]
                 for leaf in leaves if leaf.var in self.cluster_of and not leaf.view}
        return sorted(found.values(), key=lambda cluster: (not cluster.has_axes(), -cluster.bit))

    def _makers_of(self, leaves: list) -> int:
        before = 0
        for leaf in leaves:
            before |= self.makers.get(leaf.var, 0)
            if leaf.var in self.cluster_of:
                before |= 1 << self.cluster_of[leaf.var].bit
            elif leaf.view and leaf.var in self.virtual:
                before |= self._makers_of(list(self.leaves(leaf.var, identity(
                    leaf.var.type.shape))))
        return before

    def _fits(self, cluster: Cluster, equation: Equation, shape: tuple, leaves: list,
              before: int) -> list | None:
        """The axes that an equation's domain would have in a cluster; None if it cannot join."""
        if len(cluster.members) >= MAX_MEMBERS or len(cluster.streams) >= MAX_STREAMS:
            return None
        if not self._same_weight(cluster, equation, shape):
            return None
        for number in _members(before & ~(1 << cluster.bit)):
            if self.depends[number] >> cluster.bit & 1:
                return None                          # it would run before and after itself
        domain: list = [None] * len(shape)
        for leaf in leaves:
            if self._needs_memory_of(cluster, leaf):
                return None
            if not leaf.view and self.cluster_of.get(leaf.var) is cluster \
                    and not self._unify(cluster, leaf, domain, shape):
                return None
        return domain if self._direction_fits(equation, domain) else None

    def _same_weight(self, cluster: Cluster, equation: Equation, shape: tuple) -> bool:
        """Scalars are computed apart from arrays, unless nobody else reads them.

        So that kernels of the same structure are not kept apart by the scalar work of one.
        """
        if any(size != 1 for size in shape):
            return cluster.has_axes() or self._only_reader(cluster, equation)
        return True

    def _only_reader(self, cluster: Cluster, equation: Equation) -> bool:
        inside = {var for member in cluster.members for var in member.equation.outputs}
        for var in inside:
            if var in self.output_slot:
                return False
            for reader in self.readers.get(var, []):
                if reader is not equation and not any(out in inside for out in reader.outputs):
                    if not self._feeds_only(reader, equation):
                        return False
        return True

    def _feeds_only(self, reader: Equation, equation: Equation) -> bool:
        """Whether a relabeling is read by one equation alone."""
        return reader is not None and isinstance(reader.kernel, RELABELINGS) and all(
            after is equation or after is not None and self._feeds_only(after, equation)
            for after in self.readers.get(reader.outputs[0], [None]))

    def _needs_memory_of(self, cluster: Cluster, leaf: Leaf) -> bool:
        """Whether a leaf must lie in memory that the very cluster writes, all of it or a part."""
        if self.cluster_of.get(leaf.var) is cluster:
            return leaf.view
        if leaf.view and leaf.var in self.virtual:
            inner = self.leaves(leaf.var, identity(leaf.var.type.shape))
            return any(self.cluster_of.get(deep.var) is cluster or
                       self._needs_memory_of(cluster, deep) for deep in inner)
        return bool(self.makers.get(leaf.var, 0) >> cluster.bit & 1)

    def _unify(self, cluster: Cluster, leaf: Leaf, domain: list, shape: tuple) -> bool:
        """Lets the domain run along the axes of an operand that the cluster computes."""
        for entry, axis in zip(leaf.access, cluster.placed[leaf.var], strict=True):
            if axis is None:
                continue
            dim, start, step = entry
            axis = self.axes.find(axis)
            if dim is None or start != 0 or step != 1 or shape[dim] != axis.extent:
                return False                         # a part of it, or in another order
            known = domain[dim]
            if known is None:
                if axis in (other and self.axes.find(other) for other in domain):
                    return False                     # a diagonal
                domain[dim] = axis
            elif self.axes.find(known) is not axis:
                return False
        return True

    def _direction_fits(self, equation: Equation, domain: list) -> bool:
        wanted = direction(equation.kernel)
        if wanted is None:
            return True
        axis = domain[equation.kernel.axis]
        return axis is None or self.axes.find(axis).backward in (None, wanted)

    # ---- merging ----

    def _mergeable(self, a: Cluster, b: Cluster, domain: list, other: list) -> bool:
        if len(a.members) + len(b.members) > MAX_MEMBERS \
                or len(a.streams | b.streams) > MAX_STREAMS:
            return False
        if self.depends[a.bit] >> b.bit & 1 or self.depends[b.bit] >> a.bit & 1:
            return False
        for x, y in zip(domain, other):
            if x is not None and y is not None and not directions_agree(
                    self.axes.find(x), self.axes.find(y)):
                return False
        if any(x is not None and y is not None for x, y in zip(domain, other)):
            return True
        return not a.has_axes() and not b.has_axes()         # scalars, all of them

    def _merge(self, a: Cluster, b: Cluster, domain: list, other: list):
        """Moves all of b into a."""
        for dim, (x, y) in enumerate(zip(domain, other)):
            if x is not None and y is not None:
                domain[dim] = self.axes.union(x, y)
            elif y is not None:
                domain[dim] = y
        self._share_loops(a, b, domain)
        a.members += b.members
        a.stores += b.stores
        a.streams |= b.streams
        a.recomputed |= b.recomputed
        a.placed.update(b.placed)
        for var in b.placed:
            self.cluster_of[var] = a
        self.steps[b.bit] = None
        self._rename_step(b.bit, a.bit)

    def _share_loops(self, a: Cluster, b: Cluster, joining: list):
        """Loops of equal extent become one, where no member runs over both; nor the equation that
        is `joining`, whose domain runs over these axes."""
        others = b.axes(self.axes.find)
        domains = [{self.axes.find(axis) for axis in domain if axis is not None}
                   for domain in (joining, *(member.domain for member in (*a.members, *b.members)))]
        for x in a.axes(self.axes.find):
            for y in others:
                x, y = self.axes.find(x), self.axes.find(y)
                if x is not y and x.extent == y.extent and directions_agree(x, y) \
                        and not any(x in domain and y in domain for domain in domains):
                    self.axes.union(x, y)
                    domains = [{x if axis is y else axis for axis in domain}
                               for domain in domains]

    def _rename_step(self, old: int, new: int):
        for var, makers in self.makers.items():
            if makers >> old & 1:
                self.makers[var] = makers & ~(1 << old) | 1 << new
        before = self.depends[old]
        after = [number for number, known in enumerate(self.depends) if known >> old & 1]
        for number in after:
            self.depends[number] = self.depends[number] & ~(1 << old) | 1 << new
        self.depends[old] = 0
        self.add_dependencies(new, before)
        for number in after:                         # what ran after one runs after both
            self.depends[number] |= self.depends[new]

    # ---- what a cluster reads from outside ----

    def _read(self, cluster: Cluster, leaves: list):
        """Has all leaves that the cluster does not compute itself in memory."""
        for leaf in leaves:
            if not leaf.view and self.cluster_of.get(leaf.var) is cluster:
                continue
            if not leaf.view and self._cheaper_again(cluster, leaf.var):
                self.passed = {leaf.var}
                again = self._again(leaf.var)
                cluster.recomputed |= self.passed
                self._read(cluster, again)
                continue
            _, makers = self.in_memory(leaf.var, contiguous=leaf.view)
            cluster.streams.add(leaf.var)
            self.add_dependencies(cluster.bit, makers)

    def _cheaper_again(self, cluster: Cluster, var: Var) -> bool:
        """Whether a value of another cluster is better computed again than stored for us."""
        if var in self.views:
            return False
        kernel = self.definitions[var].kernel
        if not isinstance(kernel, kernels.Elementwise) or kernel.cost > CHEAP \
                or kernel.outputs > 1:
            return False
        return all(leaf.var in self.views and not leaf.view
                   and not self.makers[leaf.var] >> cluster.bit & 1
                   for leaf in self._again(var))

    def _again(self, var: Var) -> list[Leaf]:
        equation = self.definitions[var]
        access = identity(var.type.shape)
        return [leaf for atom in equation.inputs for leaf in self.leaves(atom, access)]

    # ---- equations that write parts ----

    def _concatenate(self, equation: Equation, kernel):
        """Each operand writes itself into its part of the result."""
        var = equation.outputs[0]
        target = self.allocate(var, 0)
        start, makers = 0, 0
        for atom in equation.inputs:
            size = atom.type.shape[kernel.axis]
            offsets = [0] * len(target.shape)
            offsets[kernel.axis] = start
            start += size
            if atom.type.size:
                part = target.sliced(offsets, [1] * len(offsets), atom.type.shape)
                makers |= 1 << self._write_part(atom, part)
        self.makers[var] = makers

    def _write_part(self, atom, part: View) -> int:
        """Has a value written to a view as well; the step that does it."""
        if type(atom) is Literal or atom not in self.cluster_of:
            copy = Var(atom.type)
            equation = Equation(COPY, (atom,), {}, (copy,))
            self.definitions[copy] = equation
            self.join(equation)
            atom = copy
        cluster = self.cluster_of[atom]
        cluster.stores.append((atom, part))
        cluster.streams.add((atom, part))
        return cluster.bit

    def _update(self, equation: Equation):
        """A copy of the operand, then a kernel that writes the updates into it."""
        operand = equation.inputs[0]
        var = equation.outputs[0]
        target = self.allocate(var, 0)
        first = self._write_start(operand, target)
        cluster = self.new_cluster()
        shape = self.domain_shape(equation)
        domain = [Axis(size) if size != 1 else None for size in shape]
        cluster.members.append(Member(equation, tuple(domain)))
        cluster.streams.add(var)
        self.passed = set()
        leaves = self.reads(equation)
        cluster.recomputed |= self.passed
        self._read(cluster, leaves)
        self.add_dependencies(cluster.bit, 1 << first)
        self.makers[var] = 1 << cluster.bit

    def _write_start(self, operand, target: View) -> int:
        """The step that fills the result of an update with its operand."""
        if type(operand) is not Literal and (operand in self.views or operand in self.cluster_of):
            view, makers = self.in_memory(operand)
            step = self._new_step(Opaque(len(self.steps), "copy", [view], [target]))
            self.add_dependencies(step.bit, makers)
            return step.bit
        if self._is_zero(operand):
            return self._new_step(Opaque(len(self.steps), "zero", [], [target])).bit
        return self._write_part(operand, target)

    def _is_zero(self, atom) -> bool:
        if type(atom) is Literal:
            return bool(atom.value == 0)
        equation = self.virtual.get(atom)
        return equation is not None and isinstance(equation.kernel, kernels.Broadcast) \
            and self._is_zero(equation.inputs[0])

    def _contract(self, equation: Equation, kernel):
        """Matrix products go to a library; the others are sums of products like any other."""
        if not self.is_product(equation, kernel):
            self.join(equation)
            return
        (lc, rc), (lb, rb) = kernel.contract, kernel.batch
        operands = [self._matrices(atom, batch, contracted) for atom, batch, contracted in
                    zip(equation.inputs, (lb, rb), (lc, rc))]
        step = self._new_step(Opaque(len(self.steps), "product", [m.view for m, _ in operands],
                                     [], equation, [m for m, _ in operands]))
        for _, makers in operands:
            self.add_dependencies(step.bit, makers)
        step.outputs.append(self.allocate(equation.outputs[0], 1 << step.bit))

    def _matrices(self, atom, batch: tuple, contracted: tuple):
        """An operand of a product as matrices (free by contracted), copied if need be."""
        free = [k for k in range(len(atom.type.shape)) if k not in batch and k not in contracted]
        view, makers = self.in_memory(atom, contiguous=False)
        found = as_matrices(view, batch, free, contracted)
        if found is None:
            order = (*batch, *free, *contracted)
            view, makers = self._copied_in_order(atom, order)
            split = (range(len(batch)), range(len(batch), len(batch) + len(free)),
                     range(len(batch) + len(free), len(order)))
            found = as_matrices(view, *map(list, split))
        return found, makers

    def _copied_in_order(self, atom, order: tuple) -> tuple[View, int]:
        """A contiguous copy of a value with its dimensions in another order."""
        shape = tuple(atom.type.shape[k] for k in order)
        copy = Var(atom.type.with_shape(shape))
        equation = Equation(TRANSPOSE, (atom,), {"perm": order}, (copy,))
        self.definitions[copy] = equation
        self.join(equation)
        return self.store(copy)

    # ---- outputs ----

    def place_outputs(self):
        """Has each output in memory of its own."""
        filled: set = set()
        for slot, atom in enumerate(self.program.outputs):
            view = self.views.get(atom) if type(atom) is Var else None
            if view is not None and view.buffer.role == "output" and view.buffer.index == slot:
                filled.add(slot)
        for slot, atom in enumerate(self.program.outputs):
            if slot not in filled and not self._is_alias(atom, slot):
                buffer = Buffer(atom.type.dtype, atom.type.size, "output", slot)
                self._fill_output(atom, whole(buffer, atom.type.shape))

    def _is_alias(self, atom, slot: int) -> bool:
        """Whether an output is a reshape of what was stored in its place already."""
        while type(atom) is Var and atom in self.virtual \
                and isinstance(self.virtual[atom].kernel, kernels.Reshape):
            atom = self.virtual[atom].inputs[0]
            if type(atom) is Var and self.output_slot.get(atom) == slot:
                if atom in self.cluster_of or atom in self.views:
                    view, _ = self.in_memory(atom)
                    return view.buffer.role == "output" and view.buffer.index == slot
        return False

    def _fill_output(self, atom, target: View):
        if atom.type.size == 0:
            return
        if type(atom) is Var and atom in self.views and self.views[atom].is_contiguous():
            step = self._new_step(Opaque(len(self.steps), "copy", [self.views[atom]], [target]))
            self.add_dependencies(step.bit, self.makers[atom])
        else:
            self._write_part(atom, target)


# ---- helpers ----

def _members(bits: int):
    """The numbers of the bits that are set."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


def _readers(program: Program) -> dict:
    """For each variable the equations that read it; None stands for the Program's output."""
    found: dict = {}
    for equation in program.equations:
        for atom in equation.inputs:
            if type(atom) is Var:
                found.setdefault(atom, []).append(equation)
    for atom in program.outputs:
        if type(atom) is Var:
            found.setdefault(atom, []).append(None)
    return found


def _output_slots(program: Program) -> dict:
    """The output that a variable is; or whose reshape is one, if it is none itself."""
    defined = {var: equation for equation in program.equations for var in equation.outputs}
    slots: dict = {}
    for slot, atom in enumerate(program.outputs):
        if type(atom) is Var and atom in defined:
            slots.setdefault(atom, slot)
    for atom, slot in list(slots.items()):
        while isinstance(defined[atom].kernel, kernels.Reshape):
            atom = defined[atom].inputs[0]
            if type(atom) is not Var or atom not in defined or atom in slots:
                break
            slots[atom] = slot
    return slots
