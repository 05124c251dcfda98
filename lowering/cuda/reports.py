"""What runs on a device report of themselves, to those who wait for their results.

A launch does not wait, so an index outside of an array is found out later. A run that looks for
such has a `Report`; the arrays that it gave, and those that are computed from them, know it.
Whoever waits for an array looks at the reports that it depends on and at no others, the earliest
first; an array whose computation failed raises each time. What failed and was never read, as its
arrays are gone, is told by `raise_unread`.

In: what looks at the record of a run. Out: `Report`s, errors. Imports
`lowering.errors`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock

from lowering.errors import DeviceFailure

MOST = 256              # runs of which nothing is known, before the host looks at the first

_lock = RLock()
_open: dict = {}        # reports that nobody has looked at, in the order of the runs
_unread: dict = {}      # those that failed, and whose error was never raised


class Report:
    """Whether a run failed, once that is known.

    look: called once; waits for the device, and gives what makes the error, or None. before:
    reports of the runs whose results this one reads.
    """

    __slots__ = ("look", "before", "failed", "make_error")

    def __init__(self, look: Callable | None, before: tuple = ()):
        self.look = look
        self.before = before
        self.failed: Report | None = None       # the first run that failed: this, or one before it
        self.make_error: Callable | None = None

    def is_fine(self) -> bool:
        """Whether it is known that all went well."""
        return self.look is None and self.failed is None

    def settle(self):
        """Looks at the record, after those of the runs before."""
        waiting = [self]
        while waiting:
            report = waiting[-1]
            earlier = [other for other in report.before if other.look is not None]
            if not earlier:
                waiting.pop()._settle_itself()
            waiting += earlier

    def _settle_itself(self):
        if self.look is None:
            return
        self.failed = next(filter(None, (other.failed for other in self.before)), None)
        if self.failed is None:
            self.make_error = self.look()
            if self.make_error is not None:
                self.failed = self
                _unread[self] = None
        self.look, self.before = None, ()
        _open.pop(self, None)


def new_report(look: Callable) -> Report:
    """The report of a run that was just launched."""
    report = Report(look)
    with _lock:
        _open[report] = None
        if len(_open) > MOST:
            for early in list(_open)[:MOST // 2]:
                early.settle()
    return report


def reports_of(arrays: Iterable) -> tuple:
    """The reports on which arrays depend, without those that are known to be fine."""
    found: dict = {}
    for array in arrays:
        for report in getattr(array, "reports", ()):
            if not report.is_fine():
                found[report] = None
    return tuple(found)


def follow(outs: Iterable, before: tuple):
    """The results of a run depend on what it read: they have its report, or those before."""
    for out in outs:
        own = getattr(out, "reports", None)
        if own:
            for report in own:
                report.before = before
        elif own is not None:
            out.reports = before


def raise_failed(reports: Iterable[Report]):
    """Raises the error of the first that failed. The device has run, or is waited for."""
    with _lock:
        for report in reports:
            report.settle()
        failed = next((report.failed for report in reports if report.failed), None)
    if failed is not None:
        _unread.pop(failed, None)
        raise failed.make_error()


def lose(arrays: Iterable):
    """Whoever reads these arrays is told that they are no more."""
    for array in arrays:
        if hasattr(array, "reports"):
            report = Report(None)
            report.failed, report.make_error = report, _lost
            array.reports = (report,)


def _lost() -> DeviceFailure:
    return DeviceFailure("the memory of this array was donated to a call that failed, and may be "
                         "overwritten: do not donate what is to be tried again")


def raise_unread():
    """Raises what the first run reported that failed and was not read; the others are done with.
    """
    with _lock:
        for report in list(_open):
            report.settle()
        failed = list(_unread)
        _unread.clear()
    if failed:
        raise failed[0].make_error()


_running: ContextVar[tuple] = ContextVar("functrans_running", default=())


@contextmanager
def reading(before: tuple):
    """Within this block, a run whose operands depend on these reports is launched."""
    token = _running.set(before)
    try:
        yield
    finally:
        _running.reset(token)


def before_host_reads():
    """Raises if what the host is about to read, in the midst of a run, comes of a failed one: it
    would decide upon numbers that mean nothing."""
    before = _running.get()
    if before:
        _running.set(())
        raise_failed(before)
