"""From statements to loops: order of the axes, loops in stages, where values live in between.

The outermost axis is taken first. Statements that run along it are put into loops over it, the
others between them: what needs the finished result of a reduction over the axis belongs to a
later loop than the reduction. Within each loop the same is done for the next axis. So a softmax
becomes one loop over rows with three loops over columns inside.

A value that is read in a later loop than the one that computes it is computed again if that is
cheap, read back if it was stored, and kept in scratch memory otherwise.

In: `Kernel`. Out: a tree of `Loop` and statements, with `storage`. Imports `loops` only.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count

from lowering.loops import Axis, Cumulate, Index, Kernel, Load, Map, Place, Reduce, Store

CHEAP = 4             # the cost up to which a value is rather computed again than kept


@dataclass(eq=False, slots=True)
class Loop:
    """`tiled`: this loop and those in it, all over one axis, run tile by tile."""
    axis: Axis
    body: list
    tiled: bool = False


@dataclass(eq=False, slots=True)
class Step:
    """A statement in the tree. `key` is the identity of its value, `inputs` are keys."""
    key: int
    statement: object
    inputs: tuple

    @property
    def axes(self):
        return self.statement.axes


@dataclass(slots=True)
class Nest:
    """Loops of a kernel.

    scratch: key -> axes of the array that keeps a value; states: key -> axes of the array (or
    scalar) that keeps the state of a running result.
    """
    body: list
    axes: list
    scratch: dict = field(default_factory=dict)
    states: dict = field(default_factory=dict)


def build_nest(kernel: Kernel) -> Nest:
    """The loops of a kernel."""
    kernel = prepare_axes(kernel)
    return arrange(kernel, kernel.axes)


def arrange(kernel: Kernel, order: list, cheap: int = CHEAP) -> Nest:
    """Loops over the axes of `order`, from the outermost on; the indices on all others are known
    from the start.

    cheap: the cost up to which a value is rather computed again than kept.
    """
    keys = count()
    numbers = {id(statement): next(keys) for statement in kernel.statements}
    steps = [Step(numbers[id(statement)], statement,
                  tuple(numbers[id(value)] for value in statement.inputs))
             for statement in kernel.statements]
    body = _arrange(steps, order, frozenset(), keys, cheap)
    nest = Nest(body, kernel.axes)
    find_scratch(nest)
    return nest


# ---- axes ----

def prepare_axes(kernel: Kernel) -> Kernel:
    """Axes in the order of memory, neighbours that behave as one made one."""
    order = order_axes(kernel)
    statements = kernel.statements
    position = len(order) - 2
    while position >= 0:
        outer, inner = order[position:position + 2]
        if _collapsible(statements, outer, inner):
            statements, joined = _collapse(statements, outer, inner)
            order[position:position + 2] = [joined]
        position -= 1
    return Kernel(statements, order, kernel.name)


def _places(statements) -> Iterable[Place]:
    for statement in statements:
        if isinstance(statement, (Load, Store)):
            yield statement.place


def order_axes(kernel: Kernel) -> list[Axis]:
    """The axis with the larger stride outside, by majority of all accesses."""
    axes = [axis for axis in kernel.axes
            if any(axis in statement.axes for statement in kernel.statements)]
    if any(isinstance(statement, Store) and statement.place.dynamic
           for statement in kernel.statements):
        return axes                       # updates are written in the order of their indices
    wins = {axis: 0.0 for axis in axes}
    for statement in kernel.statements:
        if isinstance(statement, (Load, Store)):
            weight = 1.5 if isinstance(statement, Store) else 1.0
            strides = statement.place.coefficients
            for a in strides:
                for b in strides:
                    if abs(strides[a]) > abs(strides[b]):
                        wins[a] += weight
                        wins[b] -= weight
    return sorted(axes, key=lambda axis: -wins[axis])


def _collapsible(statements, outer: Axis, inner: Axis) -> bool:
    if outer.backward is not None or inner.backward is not None:
        return False
    for statement in statements:
        if (outer in statement.axes) != (inner in statement.axes):
            return False
        if isinstance(statement, Reduce) and \
                (outer in statement.over) != (inner in statement.over):
            return False
        if isinstance(statement, Index) and statement.axis in (outer, inner):
            return False
    return all(_place_collapsible(place, outer, inner) for place in _places(statements))


def _place_collapsible(place: Place, outer: Axis, inner: Axis) -> bool:
    if any(guard[0] in (outer, inner) for guard in place.guards):
        return False
    large, small = place.coefficients.get(outer, 0), place.coefficients.get(inner, 0)
    return large == small * inner.extent


def _collapse(statements, outer: Axis, inner: Axis):
    """The same statements on one axis in place of two."""
    joined = Axis(outer.extent * inner.extent)
    changed: dict = {}
    result = []
    for statement in statements:
        fields = {"inputs": [changed[id(value)] for value in statement.inputs]}
        if outer in statement.axes:
            fields["axes"] = statement.axes - {outer, inner} | {joined}
        if isinstance(statement, Reduce) and outer in statement.over:
            fields["over"] = statement.over - {outer, inner} | {joined}
        if isinstance(statement, (Load, Store)):
            fields["place"] = _collapsed_place(statement.place, outer, inner, joined)
        changed[id(statement)] = replace(statement, **fields)
        result.append(changed[id(statement)])
    return result, joined


def _collapsed_place(place: Place, outer: Axis, inner: Axis, joined: Axis) -> Place:
    coefficients = {axis: stride for axis, stride in place.coefficients.items()
                    if axis not in (outer, inner)}
    if inner in place.coefficients:
        coefficients[joined] = place.coefficients[inner]
    return replace(place, coefficients=coefficients)


# ---- stages ----

def _arrange(steps: list, order: list, wanted: frozenset, keys, limit: int) -> list:
    """The steps as a tree of loops over the axes of `order`.

    wanted: keys of values that are read elsewhere, and so must be computed here.
    """
    order = [axis for axis in order if any(axis in step.axes for step in steps)]
    if not order:
        return steps
    axis, rest = order[0], order[1:]
    inside = {step.key: step for step in steps}
    cheap = _cheap_steps(steps, axis, frozenset(order), inside, wanted, limit)
    stage = _stages(steps, axis, inside, cheap)
    stages: dict[int, list] = {}
    for step in steps:
        if step.key in stage:
            stages.setdefault(stage[step.key], []).append(step)
    stored = _stored(steps)
    groups = {number: _complete(group, axis, inside, cheap, stage, number, stored, keys)
              for number, group in sorted(stages.items())}
    body: list = []
    for number, group in groups.items():
        elsewhere = {key for other, others in groups.items() if other != number
                     for step in others for key in step.inputs}
        inner = _arrange(group, rest, wanted | elsewhere, keys, limit)
        body += [Loop(axis, inner)] if number % 2 else inner
    return body


def _cheap_steps(steps: list, axis: Axis, open_axes: frozenset, inside: dict,
                 wanted: frozenset, limit: int) -> dict:
    """The steps that each loop may repeat for itself, and what that costs: key -> cost.

    open_axes: `axis` and those inside it. What depends on none of them is computed before.
    """
    cost: dict = {}
    for step in steps:
        statement = step.statement
        if not isinstance(statement, (Load, Index, Map)) or not step.axes & open_axes \
                or isinstance(statement, Map) and statement.outputs > 1 or step.key in wanted:
            continue
        total = statement.cost if isinstance(statement, Map) else 1
        for key in step.inputs:
            if key in cost:
                total += cost[key]
            elif key in inside and axis in inside[key].statement.result_axes:
                total = limit + 3                      # it can only be read in its own loop
        if total <= limit or isinstance(statement, Load) and total <= limit + 2:
            cost[step.key] = total
    return cost


def _stages(steps: list, axis: Axis, inside: dict, cheap: dict) -> dict:
    """Odd stages are loops over `axis`, even ones lie between them."""
    stage: dict = {}
    reach: dict = {}                 # the stage at which a value can be read in a loop
    for step in steps:
        runs = axis in step.axes
        earliest = 1 if runs else 0
        for key in step.inputs:
            before = inside.get(key)
            if before is None:
                continue
            at = reach[key]
            if axis not in before.axes:
                need = at + 1 if runs else at
            elif _finishes(before.statement, axis):
                need = at + 2 if runs else at + 1
            else:
                need = at
            earliest = max(earliest, need)
        if earliest % 2 != runs:
            earliest += 1
        reach[step.key] = earliest
        if step.key not in cheap:
            stage[step.key] = earliest
    return stage


def _finishes(statement, axis: Axis) -> bool:
    """Whether a value is there only after the loop over `axis`."""
    return isinstance(statement, Reduce) and axis in statement.over


def _stored(steps: list) -> dict:
    """Values that are written to memory as they are: key -> place."""
    return {step.inputs[0]: step.statement.place for step in steps
            if isinstance(step.statement, Store) and not step.statement.combine
            and not step.statement.place.dynamic}


def _complete(group: list, axis: Axis, inside: dict, cheap: dict, stage: dict, number: int,
              stored: dict, keys) -> list:
    """A loop's steps with what they need of other loops: repeated, or read back."""
    result: list = []
    here: dict = {}                  # key of a value elsewhere -> key of it here

    def fetch(key: int) -> int:
        before = inside.get(key)
        if before is None:
            return key
        if key in here:
            return here[key]
        if key in cheap:
            return repeat(before)
        if axis not in before.statement.result_axes:
            return key
        if stage[key] != number and key in stored:
            return read_back(key, before)
        return key

    def repeat(step: Step) -> int:
        fresh = next(keys)
        here[step.key] = fresh
        inputs = tuple(fetch(key) for key in step.inputs)
        result.append(Step(fresh, step.statement, inputs))
        return fresh

    def read_back(key: int, step: Step) -> int:
        fresh = here[key] = next(keys)
        place = stored[key]
        result.append(Step(fresh, Load([], step.statement.dtype, frozenset(place.coefficients),
                                       place=place), ()))
        return fresh

    for step in group:
        inputs = tuple(fetch(key) for key in step.inputs)
        result.append(step if inputs == step.inputs
                      else Step(step.key, step.statement, inputs))
    return result


# ---- scratch ----

def find_scratch(nest: Nest):
    """Arrays for values that are read in another loop than the one that computes them."""
    made: dict[int, tuple] = {}
    reads: list = []

    def walk(body: list, path: tuple):
        for item in body:
            if isinstance(item, Loop):
                walk(item.body, (*path, item))
            else:
                made[item.key] = (path, item)
                reads.extend((key, path) for key in item.inputs)

    walk(nest.body, ())
    for path, step in made.values():
        depth, state = accumulator(step.statement, path)
        if isinstance(step.statement, Cumulate):
            nest.states[step.key] = state
        elif state:
            nest.scratch[step.key] = state
    for key, path in reads:
        maker_path, step = made[key]
        state = ()
        if isinstance(step.statement, Reduce):
            depth, state = accumulator(step.statement, maker_path)
            maker_path = maker_path[:depth]
        shared = _common(maker_path, path)
        axes = tuple(loop.axis for loop in maker_path[shared:]) + state
        if len(axes) > len(nest.scratch.get(key, ())):
            nest.scratch[key] = axes


def _common(a: tuple, b: tuple) -> int:
    """The number of loops that two paths share."""
    shared = 0
    for x, y in zip(a, b):
        if x is not y:
            break
        shared += 1
    return shared


def accumulator(statement, path: tuple) -> tuple[int, tuple]:
    """Where a reduction or running result has its state: before the loop of this depth, and one
    for each point of these axes."""
    if isinstance(statement, Cumulate):
        over = {statement.along}
    elif isinstance(statement, Reduce):
        over = statement.over
    else:
        return len(path), ()
    depth = next((k for k, loop in enumerate(path) if loop.axis in over), len(path))
    return depth, tuple(loop.axis for loop in path[depth:] if loop.axis not in over)
