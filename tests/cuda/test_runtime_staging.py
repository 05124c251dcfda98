"""Large copies by way of locked memory, on a device that does all as late as it may."""
from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest

from lowering.cuda import staging
from lowering.cuda.staging import BLOCKS, PIECE, Staging

STREAM = "stream"


class LateDevice:
    """Copies are made when someone waits for an event behind them, in their order."""

    def __init__(self):
        self.waiting, self.kept, self.waits, self.events = [], [], 0, {}

    def call(self, name, *arguments):
        return getattr(self, f"_{name}")(*arguments)

    def _cuMemHostAlloc(self, size, flags):
        self.kept.append(ctypes.create_string_buffer(size))
        return ctypes.addressof(self.kept[-1])

    def _cuEventCreate(self, flags):
        assert flags == 2
        return len(self.kept)

    def _copy(self, target, source, size, stream):
        assert stream == STREAM and 0 < size <= PIECE
        self.waiting.append((target, source, size))
    _cuMemcpyHtoDAsync = _cuMemcpyDtoHAsync = _copy

    def _cuEventRecord(self, event, stream):
        assert stream == STREAM
        self.waiting.append(event)
        self.events[event] = self.events.get(event, 0) + 1

    def _cuEventSynchronize(self, event):
        """All up to where the event was recorded last."""
        self.waits += 1
        while event in self.waiting:
            self._step()

    def _step(self):
        job = self.waiting.pop(0)
        if isinstance(job, tuple):
            ctypes.memmove(*job)

    def finish(self):
        while self.waiting:
            self._step()


@pytest.fixture
def device():
    return LateDevice()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Pieces of 64 bytes, so that there are many."""
    monkeypatch.setattr(staging, "PIECE", 64)


def data(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, count).astype(np.uint8)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 64 * BLOCKS, 64 * BLOCKS + 1, 1000])
def test_what_is_copied_arrives(device, count):
    through, there = Staging(device.call, 2), np.zeros(count, np.uint8)
    sent = data(count)
    through.to_device(there.ctypes.data, sent.ctypes.data, count, STREAM)
    expected = sent.copy()
    sent[:] = 0                                  # it has been read
    back = np.zeros(count, np.uint8)
    through.to_host(back.ctypes.data, there.ctypes.data, count, STREAM)
    np.testing.assert_array_equal(back, expected)
    np.testing.assert_array_equal(there, expected)


def test_the_host_goes_on_while_there_are_blocks(device):
    through, sent = Staging(device.call, 2), data(64 * BLOCKS)
    there = np.zeros_like(sent)
    through.to_device(there.ctypes.data, sent.ctypes.data, sent.size, STREAM)
    assert not there.any() and sum(isinstance(job, tuple) for job in device.waiting) == BLOCKS
    device.finish()
    np.testing.assert_array_equal(there, sent)


def test_one_copy_after_the_other(device):
    """Blocks of a copy that is still under way are not written to."""
    through = Staging(device.call, 2)
    sent = [data(count) for count in (100, 333, 5, 64, 700)]
    there = [np.zeros_like(array) for array in sent]
    for source, target in zip(sent, there):
        through.to_device(target.ctypes.data, source.ctypes.data, source.size, STREAM)
    back = np.zeros(333, np.uint8)
    through.to_host(back.ctypes.data, there[1].ctypes.data, 333, STREAM)
    device.finish()
    for source, target in zip(sent, there):
        np.testing.assert_array_equal(target, source)
    np.testing.assert_array_equal(back, sent[1])


def test_threads_take_turns(device):
    through, failures = Staging(device.call, 2), []

    def work(count):
        sent = data(count)
        there, back = np.zeros_like(sent), np.zeros_like(sent)
        for _ in range(10):
            through.to_device(there.ctypes.data, sent.ctypes.data, count, STREAM)
            through.to_host(back.ctypes.data, there.ctypes.data, count, STREAM)
            if not np.array_equal(back, sent):
                failures.append(count)
    threads = [threading.Thread(target=work, args=(200 + k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
