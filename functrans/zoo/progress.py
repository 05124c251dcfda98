"""A progress bar, and a line for each epoch.

In: where a run stands. Out: text on standard error: a bar that moves, where that is a terminal,
and a line an epoch. Imports the standard library only.
"""
from __future__ import annotations

import math
import sys
import time

_WIDTH = 20
_INTERVAL = 0.1                                  # seconds between two pictures of the bar


class Progress:
    """Shows how far a run is.

    epochs: of the whole run. batches: of an epoch; None if nobody knows. stream: standard error by
    default.
    """

    def __init__(self, epochs: int, batches: int | None = None, stream=None):
        self.epochs, self.batches = epochs, batches
        self.stream = stream or sys.stderr
        self._moving = getattr(self.stream, "isatty", lambda: False)()
        self._shown = -math.inf
        self._length = 0

    def step(self, epoch: int, batch: int, loss: float):
        """After a step: moves the bar, but not more often than one can see."""
        if self._moving and time.monotonic() - self._shown > _INTERVAL:
            self._shown = time.monotonic()
            self._draw(f"{self._epoch(epoch)} {self._bar(batch)} loss {loss:.4g}")

    def epoch(self, epoch: int, numbers: dict):
        """After an epoch: a line that stays."""
        shown = "  ".join(f"{name.replace('_', ' ')} {value:.4g}"
                          for name, value in numbers.items())
        if self._moving:
            self._draw("")
        print(f"{self._epoch(epoch)}  {shown}", file=self.stream, flush=True)

    def _epoch(self, epoch: int) -> str:
        width = len(str(self.epochs))
        return f"epoch {epoch + 1:{width}}/{self.epochs}"

    def _bar(self, batch: int) -> str:
        if not self.batches:
            return f"batch {batch}"
        done = _WIDTH * batch // self.batches
        return f"[{'=' * done}{' ' * (_WIDTH - done)}] {batch}/{self.batches}"

    def _draw(self, text: str):
        """Writes over the line that is there."""
        self.stream.write("\r" + text.ljust(self._length) + ("" if text else "\r"))
        self.stream.flush()
        self._length = len(text)
