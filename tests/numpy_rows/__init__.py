"""The table of functrans.numpy: one row for each function, by topic.

Tests, and the page docs/coverage.md, run every row.
"""
# ruff: noqa: F401  (the imports are the content)
from numpy_rows import (creation, data, elementwise, extensions, general, grids, indexing,
                        manipulation, products, reductions)
from numpy_rows.base import ROWS, Row
from numpy_rows.draw import Call, Draw, typical
