"""The laws of rows for compiled code: a sample; all in the thorough profile."""
from __future__ import annotations

import pytest
from compiled_laws import hold, tried


@pytest.mark.parametrize("law, row, case, dtype", tried(share=50))
def test_laws_of_compiled_rows(law, row, case, dtype):
    hold(law, row, case, dtype, "cpu")
