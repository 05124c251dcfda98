"""What there is of CUDA on this machine, and what is missing. Nothing here raises or warns.

Out: `Status`. Imports the standard library; what it looks for, where it is installed.
"""
from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from importlib import metadata, util

OLDEST_DRIVER = (12, 0)


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """A device: its number, name, bytes of memory, and compute capability."""
    number: int
    name: str
    memory: int | None
    capability: tuple


@dataclass(frozen=True, slots=True)
class Status:
    """What was found: versions (None where there is none), devices, and sentences on the rest."""
    simulated: bool
    numba_cuda: str | None
    driver: tuple | None
    nvvm: str | None
    nvjitlink: str | None
    cublas: str | None
    devices: tuple
    missing: tuple


def how_to_install(driver: tuple | None = None) -> str:
    """The command that installs what compiles for CUDA, for a driver if there is one."""
    extra = "cuda12" if driver is not None and driver < (13, 0) else "cuda13"
    hint = "" if driver is not None else " (or 'functrans[cuda12]', for drivers before 580)"
    return f"Install it with: pip install 'functrans[{extra}]'{hint}"


def probe(simulated: bool = False) -> Status:
    """Looks at what is installed, and asks the driver for its devices."""
    package = version_of("numba-cuda")
    driver = _driver_version()
    compiler = _first("nvidia-nvvm", "nvidia-cuda-nvcc", "nvidia-cuda-nvcc-cu12")
    linker = _first("nvidia-nvjitlink", "nvidia-nvjitlink-cu12")
    cublas = _first("nvidia-cublas", "nvidia-cublas-cu12")
    devices, trouble = _devices(simulated, package, driver)
    missing = (*_missing(simulated, package, driver, compiler, linker), *trouble)
    return Status(simulated, package, driver, compiler, linker, cublas, devices, missing)


def _missing(simulated, package, driver, compiler, linker):
    if simulated:                       # that is part of numba
        return
    if package is None:
        yield f"numba-cuda is not installed. {how_to_install(driver)}"
    else:
        if compiler is None:
            yield f"NVVM, which compiles kernels, is not installed. {how_to_install(driver)}"
        if linker is None:
            yield f"nvJitLink, which assembles kernels, is not installed. {how_to_install(driver)}"
    if driver is None:
        yield ("there is no NVIDIA driver (libcuda) on this machine; it comes with the GPU's "
               "system software, not with pip")
    elif driver < OLDEST_DRIVER:
        yield (f"the NVIDIA driver is for CUDA {_dotted(driver)}, and must be for CUDA "
               f"{_dotted(OLDEST_DRIVER)} or later: update it")


def _devices(simulated: bool, package, driver) -> tuple[tuple, tuple]:
    """(devices, sentences on what went wrong)."""
    if simulated:
        from lowering.cuda.simulator import NAME, Simulator
        return (DeviceInfo(0, NAME, None, Simulator.capability),), ()
    if package is None or driver is None or driver < OLDEST_DRIVER:
        return (), ()
    try:
        return _ask_driver(), ()
    except Exception as error:              # whatever it is, it is told, and the CPU is used
        return (), (f"the NVIDIA driver gives no device: {error}",)


def _ask_driver() -> tuple:
    from cuda.bindings import driver

    from lowering.cuda.hardware import call, capability, device_name

    def ask(name, *arguments):
        return call(driver, name, *arguments)
    ask("cuInit", 0)
    handles = [ask("cuDeviceGet", number) for number in range(ask("cuDeviceGetCount"))]
    return tuple(DeviceInfo(number, device_name(ask, handle), ask("cuDeviceTotalMem", handle),
                            capability(driver, ask, handle))
                 for number, handle in enumerate(handles))


def _driver_version() -> tuple | None:
    """The version of CUDA that the driver is for, such as (13, 0)."""
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    version = ctypes.c_int(0)
    try:
        if ctypes.CDLL(name).cuDriverGetVersion(ctypes.byref(version)):
            return None
    except (OSError, AttributeError):
        return None
    return version.value // 1000, version.value % 1000 // 10


def version_of(package: str) -> str | None:
    """The version of a package that is installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _first(*packages: str) -> str | None:
    """The version of the first of these packages that is installed."""
    return next(filter(None, map(version_of, packages)), None)


def _dotted(version: tuple) -> str:
    return ".".join(map(str, version))


def is_installed() -> bool:
    """Whether numba-cuda is there, without importing it."""
    return util.find_spec("numba_cuda") is not None
