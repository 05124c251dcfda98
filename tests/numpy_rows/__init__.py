"""The table of functrans.numpy: one row for each function, by topic.

Tests, and the page docs/coverage.md, run every row.
"""
from numpy_rows import (creation, data, elementwise, extensions, general, grids, indexing,  # noqa: F401
                        manipulation, products, reductions)
from numpy_rows.base import ROWS, Row  # noqa: F401
from numpy_rows.draw import Call, Draw, typical  # noqa: F401
