"""The table of operations, by topic. A new operation is a line in a file beside this one."""
from __future__ import annotations

from functools import cache

from functrans.testing.conformance.operation import Table
from functrans.testing.conformance.table import (control, elementwise, linear, reductions, shapes,
                                                 special)


@cache
def all_operations() -> dict:
    """Every operation by its name, in the order of the matrix."""
    table = Table()
    for topic in (elementwise, special, shapes, reductions, linear, control):
        topic.add_to(table)
    return table.operations
