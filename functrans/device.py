"""Devices: where arrays live, and the questions to which only `functrans.elsewhere` has answers.

Imports nothing of functrans.
"""
from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True)
class Device:
    """A place that holds arrays and runs kernels, such as `cpu:0` or `cuda:0`."""

    platform: str
    id: int = 0

    @property
    def device_kind(self) -> str:
        """What the device calls itself."""
        return "cpu" if self.platform == "cpu" else elsewhere.name()

    def memory_stats(self) -> dict | None:
        """Bytes: `bytes_in_use`, `peak_bytes_in_use`, `bytes_kept` (freed, for the next request),
        `bytes_limit`, and `held`, a dict that says by whom. None for the CPU."""
        return None if self.platform == "cpu" else elsewhere.memory_stats()

    def synchronize_all_activity(self):
        """Waits for all that was launched on it. Raises what went wrong and was not told before,
        though its results may be gone."""
        if self.platform != "cpu":
            elsewhere.synchronize()

    def __repr__(self):
        return f"{self.platform}:{self.id}"

    def __str__(self):
        return repr(self)


CPU = Device("cpu")
CUDA = Device("cuda")

_NAMES = {"cpu": CPU, "cpu:0": CPU, "cuda": CUDA, "cuda:0": CUDA, "gpu": CUDA, "gpu:0": CUDA}


def device_named(device) -> Device | None:
    """The device that a user means by a name or by itself; None for what is none."""
    return _NAMES.get(str(device).lower())


KNOWN = "'cpu', 'cuda'"

#: Where what has no operands elsewhere is computed, if that was said; see `ft.default_device`.
default_place: ContextVar[Device | None] = ContextVar("functrans_default_device", default=None)


class Elsewhere:
    """What is done with arrays that are not in the memory of the host.

    `active` is False until there is such an array, or a default device: until then nobody needs to
    ask. The functions come from `functrans.elsewhere`, which is imported when the first is needed.
    """

    __slots__ = ("active", "adopt", "as_device", "bind", "call", "call_there", "dlpack",
                 "from_dlpack", "interface", "is_idle", "made_again", "made_on",
                 "memory_stats", "name", "place_new", "put", "read", "synchronize", "wait")

    def __init__(self):
        self.active = False

    def __getattr__(self, name):
        if name not in self.__slots__:
            raise AttributeError(name)
        import_module("functrans.elsewhere").install()
        return object.__getattribute__(self, name)


elsewhere = Elsewhere()
