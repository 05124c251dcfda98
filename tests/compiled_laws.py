"""The laws of rows, for rows whose functions are jitted: what a law transforms is then compiled."""
from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import test_laws
from cases import Case, Row

import functrans as ft

THOROUGH = os.environ.get("FUNCTRANS_TEST_PROFILE") == "thorough"
LAWS = (test_laws.test_batch_equals_a_loop, test_laws.test_jvp_agrees_with_finite_differences,
        test_laws.test_derivatives_of_narrow_dtypes_agree_with_wide_ones,
        test_laws.test_transpose_is_the_adjoint, test_laws.test_linear_operands_have_an_adjoint,
        test_laws.test_second_derivatives)


class _Jitted:
    """A row on a device."""

    def __init__(self, row: Row, device: str):
        self._row, self._device = row, device

    def function(self, case: Case) -> Callable:
        return ft.jit(self._row.function(case), device=self._device)

    def __getattr__(self, name):
        return getattr(self._row, name)


def hold(law: Callable, row: Row, case: Case, dtype: str, device: str):
    """Asserts a law of a row that is compiled for a device."""
    law(_Jitted(row, device), case, dtype)


def tried(share: int) -> list:
    """A law and what it is tried on: one in `share` of all, evenly from all rows; in the thorough
    profile all of them."""
    every = [pytest.param(law, *param.values, id=f"{law.__name__[5:]}-{param.id}")
             for law in LAWS for param in law.pytestmark[0].args[1]]
    every.sort(key=lambda param: param.values[1].name)
    return every[::1 if THOROUGH else share]
