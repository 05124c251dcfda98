"""Errors that compiled code reports. Imports nothing."""
from __future__ import annotations


class IndexOutOfBounds(IndexError):
    """An index outside of an array, found by a kernel; `location` is the user's line."""

    def __init__(self, index: int, size: int, location):
        super().__init__(f"index {index} is out of bounds for an axis of size {size}")
        self.index, self.size, self.location = index, size, location
