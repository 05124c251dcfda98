"""functrans's plugin for pytest: the fixture `ft_target`, markers, `--ft-thorough`, short reports.

pytest loads it in every run where functrans is installed, so it is installed as a module by
itself, beside the package, and imports pytest alone; what it does is in
functrans/testing/plugin.py, which is imported when a test asks for it.
"""
from __future__ import annotations

import os
import sys

import pytest

_MARKERS = (
    "ft_targets(*names): the targets that the fixture ft_target gives a test, such as 'cpu'",
    "ft_gradient: a test that functrans.testing.gradient_test made",
)


def pytest_addoption(parser):
    group = parser.getgroup("functrans")
    group.addoption("--ft-thorough", action="store_true", default=False,
                    help="gradient tests try twenty times as many examples")
    group.addoption("--ft-target", action="append", default=[], metavar="NAME",
                    help="the fixture ft_target gives this target only; may be repeated")


def pytest_configure(config):
    for line in _MARKERS:
        config.addinivalue_line("markers", line)
    if config.getoption("--ft-thorough"):
        os.environ["FUNCTRANS_TESTING_THOROUGH"] = "1"       # for processes of pytest-xdist, too


def pytest_generate_tests(metafunc):
    if "ft_target" in metafunc.fixturenames:
        from functrans.testing.plugin import targets_for
        marker = metafunc.definition.get_closest_marker("ft_targets")
        metafunc.parametrize("ft_target", indirect=True, argvalues=targets_for(
            () if marker is None else marker.args, metafunc.config.getoption("--ft-target")))


@pytest.fixture
def ft_target(request):
    """The name of a target, for which `jit` compiles in this test; the test runs once for each.

    Targets that this machine does not have are skipped.
    """
    from functrans.testing.plugin import using_target
    with using_target(request.param):
        yield request.param


def pytest_assertrepr_compare(op, left, right):
    if "functrans" not in sys.modules or op not in ("==", "!="):
        return None
    from functrans.testing.plugin import comparison
    return comparison(op, left, right)
