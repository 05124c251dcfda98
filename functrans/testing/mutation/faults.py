"""The hundred planted faults, over all families of primitives, each with a name.

In: nothing. Out: `FAULTS`. Imports `mutators`, and the kit's list of primitives.
"""
from __future__ import annotations

import functools
import re
from contextlib import contextmanager
from dataclasses import dataclass

from functrans.testing.conformance.rules import all_primitives, replaced
from functrans.testing.mutation import mutators

# primitive: rule.fault, the fault as a function of mutators.py, its operand as a number behind.
TABLE = """
add: jvp.missing1 batch.lanes
sub: jvp.term_sign1 transpose.sign
mul: jvp.missing0 jvp.swapped transpose.factor batch.operand1 kernel.sign
neg: jvp.factor transpose.percent
div: jvp.term_sign1 transpose.sign
guarded_mul: transpose.factor
remainder: jvp.missing1
abs: jvp.sign
copysign: jvp.factor
max: jvp.missing1 jvp.swapped
select: jvp.missing1 transpose.missing2 batch.operand0
convert: transpose.factor
real: transpose.sign
imag: transpose.factor
conj: transpose.conjugate
complex: jvp.missing1
exp: jvp.residual kernel.sign
log: jvp.residual
log2: jvp.percent
log1p: jvp.sign
sqrt: jvp.residual
cbrt: jvp.residual
pow: jvp.missing0 jvp.missing1 jvp.swapped
integer_pow: jvp.factor
sin: jvp.sign
cos: jvp.sign evaluate.percent
tan: jvp.residual
asin: jvp.constant
atan2: jvp.swapped
tanh: jvp.residual
logistic: jvp.percent
erf: jvp.percent
lgamma: jvp.factor
polygamma: jvp.percent
igamma: jvp.sign
ndtri: jvp.percent
broadcast: transpose.factor batch.lanes
reshape: transpose.order
transpose: transpose.order batch.lanes
reverse: transpose.ahead
slice: transpose.ahead kernel.direction
pad: transpose.swapped batch.lanes kernel.swapped
concatenate: transpose.missing1
reduce_sum: transpose.factor batch.lanes kernel.init
reduce_prod: jvp.percent
reduce_max: jvp.factor
cumsum: transpose.reverse jvp.reverse kernel.direction
cumprod: jvp.sign
linear_recurrence: transpose.reverse
dot_general: jvp.missing0 jvp.missing1 transpose.sign batch.operand0 batch.axis
gather: transpose.order batch.operand1
scatter_add: transpose.missing1 batch.lanes
scatter_set: jvp.missing1
dynamic_slice: transpose.factor
sort: jvp.sign
cholesky: jvp.factor
triangular_solve: jvp.missing0
solve: jvp.missing0 transpose.sign batch.lanes
qr: jvp.percent
eigh: jvp.sign
fft: transpose.conjugate
scan: linearize.sign transpose.factor batch.lanes
while: linearize.factor
cond: linearize.sign
checkpoint: linearize.factor
linear_solve: jvp.factor
"""


@dataclass(frozen=True)
class Fault:
    """A rule of a primitive, and what is done to it. name: all of that in one word."""
    primitive: str
    rule: str
    kind: str

    @property
    def name(self) -> str:
        return f"{self.primitive}.{self.rule}.{self.kind}"

    def wrong(self, rule):
        """The wrong rule in place of the right one; what is written on it stays."""
        base, place = re.fullmatch(r"(\D+)(\d*)", self.kind).groups()
        mutate = getattr(mutators, f"{self.rule}_{base}")
        made = mutate(rule, int(place)) if place else mutate(rule)
        return functools.wraps(rule)(made) if self.rule == "jvp" else made

    @contextmanager
    def planted(self):
        """Within this block the primitive has the wrong rule."""
        primitive = all_primitives()[self.primitive]
        with replaced(primitive, self.rule, self.wrong(getattr(primitive, self.rule))):
            yield


def _parse(table: str) -> tuple[Fault, ...]:
    found = []
    for line in table.strip().splitlines():
        primitive, _, faults = line.partition(": ")
        found += [Fault(primitive, *fault.split(".")) for fault in faults.split()]
    return tuple(found)


FAULTS = _parse(TABLE)
