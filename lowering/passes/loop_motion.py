"""Work that need not be done step by step leaves its loop.

- What depends on constants alone is computed once, before the loop.
- A product of a slice and a constant is one large product for all steps, before the loop.
- A sum of products, `total = total + a.T @ b` in each step, is one product after the loop, over
  the stacked a and b. So is the sum of a stacked value.
- A product that is only stacked is computed after the loop, from its stacked operand.

In: a Program. Out: one that gives the same values, up to the order of sums. Imports
`functrans.ir`, `passes`.
"""
from __future__ import annotations

from dataclasses import dataclass

from functrans.ir import primitive as kernels
from functrans.ir.program import Equation, Literal, Program, Var
from functrans.ir.rewrite import dead_code, uses
from functrans.ir.type import ArrayType
from lowering.passes.internal import ADD, RESHAPE, SUM, TRANSPOSE, apply, reapplied

MAX_STACKED = 1 << 29       # bytes of a value that is stacked only for a product after the loop
MAX_GROWTH = 16             # how much larger than the product its operands may be, each step
CHEAP = 3                   # elementwise work up to this cost stays where it is used

_LIGHT = (kernels.Broadcast, kernels.Transpose, kernels.Reshape, kernels.Slice, kernels.Iota,
          kernels.Pad, kernels.Concatenate, kernels.Gather, kernels.DynamicSlice)


def move_out_of_loops(program: Program) -> Program:
    """Moves work out of each scan of a Program."""
    if not any(_is_loop(equation) for equation in program.equations):
        return program
    equations: list = []
    for equation in program.equations:
        equations += _Loop(equation).moved() if _is_loop(equation) else [equation]
    return program.replace(equations=equations)


def _is_loop(equation: Equation) -> bool:
    return isinstance(equation.kernel, kernels.Scan) and equation.kernel.length > 1


@dataclass(eq=False, slots=True)
class _Carry:
    """A carried value: its variable in the body, start, result of the body, final value."""
    var: Var
    start: object
    result: object
    final: Var


class _Loop:
    """A scan taken apart, with what was moved `before` and `after` it."""

    def __init__(self, equation: Equation):
        kernel = equation.kernel
        body = kernel.body
        first, second = kernel.constants, kernel.constants + kernel.carries
        self.equation = equation
        self.length = kernel.length
        self.before: list[Equation] = []
        self.after: list[Equation] = []
        self.body = list(body.equations)
        self.fixed = dict(zip(body.inputs[:first], equation.inputs[:first]))
        self.slices = dict(zip(body.inputs[second:], equation.inputs[second:]))
        self.outer = dict(self.fixed)              # invariant values, as seen from outside
        self.light: dict[Var, Equation] = {}       # invariant ones that are computed inside
        self.carries = [_Carry(*parts) for parts in zip(
            body.inputs[first:second], equation.inputs[first:second],
            body.outputs, equation.outputs)]
        self.rows = list(zip(body.outputs[kernel.carries:], equation.outputs[kernel.carries:]))

    def moved(self) -> list[Equation]:
        """The equations in place of the scan."""
        self._hoist_invariant()
        self._hoist_reshapes()
        self._hoist_products()
        self._sink_sums()
        self._sink_rows()
        return [*self.before, self._rebuilt(), *self.after]

    def _results(self) -> list:
        return [*(carry.result for carry in self.carries), *(atom for atom, _ in self.rows)]

    def _rebuilt(self) -> Equation:
        """The scan, without what nothing reads."""
        inputs = [*self.fixed, *(carry.var for carry in self.carries), *self.slices]
        body = dead_code(self.equation.params["body"].replace(
            inputs=inputs, equations=self.body, outputs=self._results(), names=None))
        used = uses(body)
        fixed = [var for var in self.fixed if var in used]
        slices = [var for var in self.slices if var in used]
        carried = [carry.var for carry in self.carries]
        params = {**self.equation.params, "body": body.replace(inputs=[*fixed, *carried, *slices]),
                  "constants": len(fixed), "carries": len(carried)}
        operands = (*(self.fixed[var] for var in fixed),
                    *(carry.start for carry in self.carries),
                    *(self.slices[var] for var in slices))
        outputs = (*(carry.final for carry in self.carries), *(out for _, out in self.rows))
        return self.equation.replace(inputs=operands, params=params, outputs=outputs)

    # ---- before the loop ----

    def _hoist_invariant(self):
        """What depends on constants alone; relabelings stay, as they cost nothing."""
        kept = []
        for equation in self.body:
            if equation.effect or not all(map(self._is_invariant, equation.inputs)):
                kept.append(equation)
            elif _is_light(equation):
                kept.append(equation)
                self.light.update((var, equation) for var in equation.outputs)
            else:
                self._compute_before(equation)
                self.fixed.update((var, self.outer[var]) for var in equation.outputs)
        self.body = kept

    def _is_invariant(self, atom) -> bool:
        return type(atom) is Literal or atom in self.outer or atom in self.light

    def _outside(self, atom):
        """An invariant value, outside of the loop."""
        if type(atom) is Literal:
            return atom
        if atom not in self.outer:
            self._compute_before(self.light[atom])
        return self.outer[atom]

    def _compute_before(self, equation: Equation):
        inputs = tuple(map(self._outside, equation.inputs))
        outputs = tuple(Var(var.type) for var in equation.outputs)
        self.before.append(equation.replace(inputs=inputs, outputs=outputs))
        self.outer.update(zip(equation.outputs, outputs))

    def _hoist_reshapes(self):
        """Reshapes of slices are slices of the reshaped array."""
        kept = []
        for equation in self.body:
            operand = equation.inputs[0] if equation.inputs else None
            if isinstance(equation.kernel, kernels.Reshape) and operand in self.slices:
                out, = equation.outputs
                whole = apply(RESHAPE, (self.slices[operand],),
                              {"shape": (self.length, *out.type.shape)}, equation.location)
                self.before.append(whole)
                self.slices[out] = whole.outputs[0]
            else:
                kept.append(equation)
        self.body = kept

    def _hoist_products(self):
        """Products of a slice and a constant."""
        kept = []
        for equation in self.body:
            moved = self._hoisted_product(equation)
            kept += [equation] if moved is None else moved
        self.body = kept

    def _hoisted_product(self, equation: Equation) -> list[Equation] | None:
        kernel = equation.kernel
        if not _is_plain_product(kernel):
            return None
        lhs, rhs = equation.inputs
        if lhs in self.slices and self._is_invariant(rhs):
            place, operands = 0, (self.slices[lhs], self._outside(rhs))
        elif rhs in self.slices and self._is_invariant(lhs):
            place, operands = 1, (self._outside(lhs), self.slices[rhs])
        else:
            return None
        stacked = _stacked_product(equation, kernel, operands, place)
        if stacked.outputs[0].type.nbytes > MAX_STACKED:
            return None
        self.before.append(stacked)
        return self._read_slice(stacked.outputs[0], equation, place)

    def _read_slice(self, stack: Var, equation: Equation, place: int) -> list[Equation]:
        """The equations that give a step's product from the stacked one."""
        result = equation.outputs[0]
        if place == 0:
            self.slices[result] = stack
            return []
        part = Var(ArrayType(stack.type.shape[1:], stack.type.dtype))
        self.slices[part] = stack
        free = result.type.ndim - (equation.inputs[0].type.ndim
                                   - len(equation.kernel.contract[0]))
        perm = (*range(free, result.type.ndim), *range(free))
        return [Equation(TRANSPOSE, (part,), {"perm": perm}, (result,), equation.location)]

    # ---- after the loop ----

    def _sink_sums(self):
        """Carries that only sum up products, then those that sum up what is stacked anyway."""
        for sink in (self._summed_product, self._summed_rows):
            self.carries = [carry for carry in self.carries if not self._sink_sum(carry, sink)]

    def _sink_sum(self, carry: _Carry, sink) -> bool:
        """Whether a carry left the loop, as its start and `sink` of what is added to it."""
        defined = self._definitions()
        add = defined.get(carry.result)
        if add is None or not _is_sum(add.kernel) or carry.var not in add.inputs:
            return False
        used = self._uses()
        left, right = add.inputs
        term = right if left is carry.var else left
        summed = defined.get(term) if type(term) is Var else None
        if summed is None or any(used[var] != 1 for var in (carry.var, carry.result, term)):
            return False
        total = sink(summed)
        if total is None:
            return False
        self.after.append(total)
        self.after.append(add.replace(inputs=(carry.start, total.outputs[0]),
                                      outputs=(carry.final,)))
        return True

    def _summed_product(self, equation: Equation) -> Equation | None:
        kernel = equation.kernel
        if not _is_plain_product(kernel):
            return None
        if any(map(self._is_invariant, equation.inputs)):
            return None
        grown = sum(atom.type.size for atom in equation.inputs if not self._is_stacked(atom))
        if grown > MAX_GROWTH * max(equation.outputs[0].type.size, 1):
            return None
        stacks = [self._stack(atom) for atom in equation.inputs]
        if None in stacks:
            return None
        contract = tuple((0, *(k + 1 for k in dims)) for dims in kernel.contract)
        return reapplied(equation, tuple(stacks), {"contract": contract, "batch": ((), ())})

    def _summed_rows(self, equation: Equation) -> Equation | None:
        kernel = equation.kernel
        if not isinstance(kernel, kernels.Reduce) or kernel.combine != SUM \
                or not self._is_stacked(equation.inputs[0]):
            return None
        axes = (0, *(k + 1 for k in kernel.axes))
        return reapplied(equation, (self._stack(equation.inputs[0]),), {"axes": axes})

    def _sink_rows(self):
        """Products with a constant that are only stacked."""
        defined, used = self._definitions(), self._uses()
        for number, (atom, out) in enumerate(self.rows):
            equation = defined.get(atom) if type(atom) is Var else None
            if equation is None or used[atom] != 1 or not _is_plain_product(equation.kernel):
                continue
            fixed = [self._is_invariant(operand) for operand in equation.inputs]
            if sum(fixed) == 1:
                self._sink_row(number, equation, fixed.index(False), out)
        self.rows = [row for row in self.rows if row is not None]

    def _sink_row(self, number: int, equation: Equation, place: int, out: Var):
        stack = self._stack(equation.inputs[place])
        if stack is None:
            return
        other = self._outside(equation.inputs[1 - place])
        operands = (stack, other) if place == 0 else (other, stack)
        product = _stacked_product(equation, equation.kernel, operands, place)
        if place == 0:
            self.after.append(product.replace(outputs=(out,)))
        else:
            free = stack.type.ndim - 1 - len(equation.kernel.contract[1])
            perm = (0, *range(free + 1, out.type.ndim), *range(1, free + 1))
            self.after += [product, Equation(TRANSPOSE, product.outputs, {"perm": perm}, (out,),
                                             equation.location)]
        self.rows[number] = None

    # ---- the values of all steps ----

    def _is_stacked(self, atom) -> bool:
        return atom in self.slices or any(row is not None and row[0] is atom for row in self.rows)

    def _stack(self, atom) -> object | None:
        """The variable outside that holds a value of the body for all steps."""
        if atom in self.slices:
            return self.slices[atom]
        for row in self.rows:
            if row is not None and row[0] is atom:
                return row[1]
        kind = ArrayType((self.length, *atom.type.shape), atom.type.dtype)
        if kind.nbytes > MAX_STACKED:
            return None
        out = Var(kind)
        self.rows.append((atom, out))
        return out

    def _definitions(self) -> dict:
        return {var: equation for equation in self.body for var in equation.outputs}

    def _uses(self) -> dict:
        return uses(dead_code(Program((), self.body, self._results())))


# ---- kinds of equations ----

def _is_light(equation: Equation) -> bool:
    kernel = equation.kernel
    return isinstance(kernel, _LIGHT) or \
        isinstance(kernel, kernels.Elementwise) and kernel.cost <= CHEAP


def _is_plain_product(kernel) -> bool:
    return isinstance(kernel, kernels.Contract) and not kernel.batch[0] and kernel.contract[0] != ()


def _is_sum(kernel) -> bool:
    return isinstance(kernel, kernels.Elementwise) and kernel.expr == ADD


def _stacked_product(equation: Equation, kernel, operands: tuple, place: int) -> Equation:
    """The product for all steps; operand `place` is stacked. The steps come first.

    Where the right operand is stacked, the operands change places: the result of each step is
    transposed.
    """
    contract = [tuple(dims) for dims in kernel.contract]
    contract[place] = tuple(k + 1 for k in contract[place])
    if place == 1:
        operands, contract = operands[::-1], contract[::-1]
    return reapplied(equation, operands, {"contract": tuple(contract), "batch": ((), ())})

