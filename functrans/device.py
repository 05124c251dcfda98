"""Devices: where arrays live.

Imports nothing of functrans.
"""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Device:
    """A place that holds arrays and runs kernels, such as `cpu:0`."""

    platform: str
    id: int = 0

    def __repr__(self):
        return f"{self.platform}:{self.id}"

    def __str__(self):
        return repr(self)


CPU = Device("cpu")
