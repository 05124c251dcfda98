"""`python -m functrans doctor`: what is installed, where, and what is missing.

Out: text. Imports `config`, `jit`, `device`; it raises nothing, whatever the machine is like.
"""
from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata

from functrans.config import config
from functrans.jit import blas_path, cached_files, device_driver

# Extras, and the package that each brings.
EXTRAS = {"bfloat16": "ml_dtypes", "io": "safetensors", "tb": "tensorboard", "torch": "torch"}


def report() -> str:
    """The whole report, a line for each fact."""
    parts = (("versions", _versions), ("machine", _machine), ("BLAS", _blas), ("cache", _cache),
             ("devices", _devices), ("extras", _extras))
    return "\n".join(f"{title + ':':<10}{line}" if number == 0 else f"{'':<10}{line}"
                     for title, part in parts for number, line in enumerate(_tried(part)))


def _tried(part: Callable) -> list[str]:
    """The lines of a part; what went wrong where they cannot be had."""
    try:
        return list(part())
    except Exception as error:
        return [f"could not be found out: {type(error).__name__}: {error}"]


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _versions():
    import functrans
    yield (f"functrans {functrans.__version__}, Python {sys.version.split()[0]}, "
           f"NumPy {_version('numpy')}, numba {_version('numba') or 'missing'}, "
           f"llvmlite {_version('llvmlite') or 'missing'}")
    if _version("numba") is None:
        yield "missing: numba, which compiles kernels: pip install numba"


def _machine():
    yield (f"{platform.system()} {platform.release()}, {platform.machine()}, "
           f"{os.cpu_count()} cores")


def _blas():
    path = blas_path()
    yield path or "none was found; products are slow: pip install scipy-openblas32"
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS"):
        if os.environ.get(name):
            yield f"{name} is {os.environ[name]}" \
                + ("; without it products may be faster" if name.endswith("CORETYPE") else "")


def _cache():
    if not config.cache_dir:
        yield "none: each process compiles its kernels (config.cache_dir)"
        return
    files = cached_files()
    size = sum(size for _, size, _ in files) / 2 ** 20
    yield str(config.cache_dir)
    if not config.cache_dir.exists():
        yield "not there yet: it is made when the first kernel is compiled"
    elif not os.access(config.cache_dir, os.W_OK):
        yield "cannot be written to: each process compiles its kernels; set FUNCTRANS_CACHE_DIR"
    else:
        yield f"{len(files)} files, {size:.1f} MiB of at most {config.cache_limit / 2 ** 20:.0f}"


def _devices():
    status = device_driver().status()
    yield "cpu:0"
    for device in status.devices:
        memory = "" if device.memory is None else f", {device.memory / 2 ** 30:.0f} GiB"
        used = "" if device.number == 0 else "; not used: CUDA_VISIBLE_DEVICES chooses"
        yield (f"cuda:{device.number}  {device.name}{memory}, compute capability "
               f"{'.'.join(map(str, device.capability))}{used}")
    from functrans.api.devices import found_versions
    for name, version in found_versions(status).items():
        yield f"found: {name} {version}"
    for sentence in status.missing:
        yield f"missing: {sentence}"


def _extras():
    for extra, package in EXTRAS.items():
        version = _version(package)
        yield (f"{extra}: {package} {version}" if version else
               f"{extra}: {package} is not installed: pip install 'functrans[{extra}]'")
