"""What is remembered of kernels that were made ready to run. Imports nothing."""
from __future__ import annotations

from dataclasses import dataclass

DISK, COMPILED = "disk", "compiled"


@dataclass(slots=True)
class Record:
    """One kernel that was made ready: when, how long it took, and where it came from.

    reason: why it was not found in this process or on disk.
    """
    name: str
    seconds: float
    origin: str
    reason: str
    text: str
