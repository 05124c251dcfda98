"""What a namespace of the array API standard says of itself (version 2024.12).

In: nothing. Out: devices, dtypes, defaults, capabilities. Imports `config`, `device`,
`numpy.creation`.
"""
from __future__ import annotations

import numpy as np

from functrans.config import default_float, default_int
from functrans.device import CPU, Device
from functrans.errors import ArgumentError
from functrans.numpy.creation import check_device

API_VERSION = "2024.12"
_VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")

_BY_KIND = {
    "bool": ("bool",),
    "signed integer": ("int8", "int16", "int32", "int64"),
    "unsigned integer": ("uint8", "uint16", "uint32", "uint64"),
    "real floating": ("float32", "float64"),
    "complex floating": ("complex64", "complex128"),
}
_BY_KIND["integral"] = _BY_KIND["signed integer"] + _BY_KIND["unsigned integer"]
_BY_KIND["numeric"] = (_BY_KIND["integral"] + _BY_KIND["real floating"]
                       + _BY_KIND["complex floating"])
_ALL = _BY_KIND["bool"] + _BY_KIND["numeric"]


class NamespaceInfo:
    """What `functrans.numpy.__array_namespace_info__()` gives.

    >>> import functrans.numpy as fnp
    >>> fnp.__array_namespace_info__().default_device()
    cpu:0
    """

    def capabilities(self) -> dict:
        """What not every namespace can do; without jit, all of it."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        """The device on which arrays are made."""
        return CPU

    def devices(self) -> list[Device]:
        """The devices on which arrays can be."""
        return [CPU]

    def default_dtypes(self, *, device=None) -> dict:
        """The dtypes of Python numbers, and of indices."""
        if device is not None:
            check_device(device)
        real = default_float()
        return {"real floating": real, "complex floating": np.result_type(real, np.complex64),
                "integral": default_int(), "indexing": np.dtype(np.int64)}

    def dtypes(self, *, device=None, kind=None) -> dict:
        """The standard's dtypes by name: all, or those of a kind or a tuple of kinds."""
        if device is not None:
            check_device(device)
        return {name: np.dtype(name) for name in _names(kind)}


def _names(kind) -> tuple:
    if kind is None:
        return _ALL
    if isinstance(kind, tuple):
        chosen = {name for part in kind for name in _names(part)}
        return tuple(name for name in _ALL if name in chosen)
    if kind not in _BY_KIND:
        raise ArgumentError(f"dtypes: kind must be one of {', '.join(_BY_KIND)}, got {kind!r}")
    return _BY_KIND[kind]


def check_api_version(version: str | None):
    """Raises ValueError for a version of the standard that is not provided."""
    if version is not None and version not in _VERSIONS:
        raise ArgumentError(f"version {version!r} of the array API standard is not provided; there "
                            f"are {', '.join(_VERSIONS)}")
