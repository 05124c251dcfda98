"""The command `python -m benchmarks.gpu`: functrans, JAX and PyTorch on a GPU, in one run.

    python -m benchmarks.gpu [words that choose rows] [--quick] [--output folder]

Writes `benchmarks/results/<device>.json` and `.md`: seconds of each row, the ratio of the best
peer's to ours, and the least that the device needs: bytes over the bandwidth of its own copying,
flops over the speed of cuBLAS (through PyTorch, where that is installed).

`--tiny` tries the command itself on small sizes under numba's simulator, without a GPU; its numbers
say nothing of a GPU, and are not kept.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("functrans", "jax", "torch", "torch compiled")
TINY = {"NUMBA_ENABLE_CUDASIM": "1", "FUNCTRANS_BENCH_TINY": "1", "JAX_PLATFORMS": "cpu"}


def parse(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu",
                                     description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", help="words; rows whose name has one")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--tiny", action="store_true", help="small sizes, under the simulator")
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--output", type=Path, help="folder for the results")
    parser.add_argument("--list", action="store_true", help="prints the rows and ends")
    return parser.parse_args(arguments)


def prepare(options):
    """Sets the environment of this process and those of the libraries, before they start."""
    from benchmarks.machine import UNSET
    for name in UNSET:
        os.environ.pop(name, None)
    os.environ["FUNCTRANS_BENCH_DEVICE"] = "cuda"
    os.environ["FUNCTRANS_BENCH_ROWS"] = "benchmarks.gpu_rows"
    os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"        # they share the device
    if options.tiny:
        os.environ.update(TINY)
    else:
        os.environ.pop("NUMBA_ENABLE_CUDASIM", None)
        os.environ.setdefault("JAX_PLATFORMS", "cuda")


def main(arguments=None):
    options = parse(arguments)
    prepare(options)
    import benchmarks.families  # noqa: F401  (registers the rows)
    from benchmarks import gpu_rows
    rows = [name for name in gpu_rows.NAMES
            if not options.rows or any(word in name for word in options.rows)]
    if options.list:
        print("\n".join(rows))
        return
    device = the_device()
    found = measure(rows, options)
    report(device, found, options)


def the_device():
    """What is known of the GPU. Exits with a sentence where there is none."""
    from functrans.jit import device_driver
    status = device_driver().status()
    if not status.devices:
        sys.exit("there is no GPU here: " + "; ".join(status.missing)
                 + "\n--tiny tries this command under the simulator")
    return status


def measure(names: list[str], options) -> tuple:
    """(lines, limits) of the rows."""
    from benchmarks import libraries, table
    from benchmarks.__main__ import _progress
    from benchmarks.harness import Harness, Settings
    from benchmarks.row import ROWS
    settings = Settings(1, 0.0, 1) if options.tiny else Settings(3, 0.05) if options.quick \
        else Settings()
    wanted = [name for name in options.libraries if name.split()[0] in libraries.installed()]
    lines = []
    with Harness(settings, wanted) as harness:
        limits = device_limits(harness, wanted)
        for name in names:
            line = harness.measure(ROWS[name])
            lines.append(line)
            _progress(table.cells(line, limits, LIBRARIES), line)
    return lines, limits, settings


def device_limits(harness, names: list[str]) -> tuple[float, float]:
    """(flops a second, bytes a second) of the device; no limit where nothing can measure it."""
    bandwidth = harness.worker("functrans").ask("call", "benchmarks.gpu", "copy_bandwidth")
    peak = harness.worker("torch").ask("call", "benchmarks.gpu", "product_speed") \
        if "torch" in names else float("inf")
    return peak, bandwidth


# ---- asked for in the processes of the libraries ----

def copy_bandwidth() -> float:
    """Bytes read and written a second, by copies from the device's memory to itself."""
    from functrans.jit import device_driver
    from benchmarks.gpu_rows import sized
    driver = device_driver()
    size = sized(2 ** 30, 2 ** 12)
    source, target = driver.empty_bytes(size), driver.empty_bytes(size)

    def copy():
        driver.copy(target, 0, source, 0, size)
    return 2 * size / _seconds(copy, driver.synchronize, sized(10, 1))


def product_speed() -> float:
    """Flops a second of large float32 products by cuBLAS, as PyTorch calls it (no TF32)."""
    import torch

    from benchmarks.gpu_rows import sized
    size = sized(8192, 64)
    a = torch.ones(size, size)

    def wait():
        if torch.cuda.is_available():
            torch.cuda.synchronize()
    return 2 * size ** 3 / _seconds(lambda: a @ a, wait, sized(5, 1))


def _seconds(work: Callable, wait: Callable, count: int) -> float:
    """Of one of `count` pieces of work, the best of a few rounds after one to warm up."""
    def once():
        start = time.perf_counter()
        for _ in range(count):
            work()
        wait()
        return (time.perf_counter() - start) / count
    once()
    return min(once() for _ in range(5))


# ---- results ----

def report(status, found: tuple, options):
    """Prints the table, and writes both files."""
    lines, limits, settings = found
    record = recorded(status, lines, limits, settings)
    text = page(record, lines, limits)
    print("\n" + text)
    folder = options.output or (None if options.tiny else RESULTS)
    if folder is None:
        print("\nthe simulator's numbers are not kept; --output keeps them")
        return
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", record["device"]).strip("-").lower()
    (folder / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
    (folder / f"{name}.md").write_text(text + "\n")
    print(f"\nwritten: {folder / name}.json and .md")


def recorded(status, lines: list, limits: tuple, settings) -> dict:
    """All that was found, for the file."""
    from benchmarks import machine
    device = status.devices[0]
    return {
        "device": device.name, "memory": device.memory, "capability": list(device.capability),
        "simulated": status.simulated, "driver": status.driver,
        "versions": {**dict(text.split(" ", 1) for text in machine._versions()),
                     "numba-cuda": status.numba_cuda, "NVVM": status.nvvm,
                     "nvJitLink": status.nvjitlink},
        "host": machine.description()[0], "date": time.strftime("%Y-%m-%d"),
        "flops_a_second": _finite(limits[0]), "bytes_a_second": limits[1],
        "rounds": settings.rounds, "seconds_of_a_round": settings.seconds,
        "rows": [row_record(line, limits) for line in lines]}


def row_record(line, limits: tuple) -> dict:
    from benchmarks.table import floor_seconds
    floor, ours = floor_seconds(line.row, limits), line.seconds("functrans")
    return {"name": line.row.name, "flops": line.row.flops, "bytes": line.row.bytes,
            "seconds": {name: line.seconds(name) for name in line.times},
            "rounds": line.times, "best_peer_over_ours": line.ratio(),
            "of_the_device": floor / ours if floor and ours else None,
            "problems": line.problems}


def _finite(value: float) -> float | None:
    return value if value != float("inf") else None


def page(record: dict, lines: list, limits: tuple) -> str:
    """The table as Markdown, with what it was measured on."""
    from benchmarks import table
    driver = record["driver"] and ".".join(map(str, record["driver"]))
    speed = f"{limits[0] / 1e12:.1f} TFLOP/s of float32 products by cuBLAS, " \
        if record["flops_a_second"] else ""
    warning = ["**Numba's simulator: nothing here is a time of a GPU.**"] \
        if record["simulated"] else []
    head = [f"# {record['device']}", "", *warning,
            f"- driver for CUDA {driver}, compute capability "
            f"{'.'.join(map(str, record['capability']))}, {record['date']}",
            "- " + ", ".join(f"{name} {version}" for name, version
                             in record["versions"].items() if version),
            f"- host: {record['host']}",
            f"- floors: {speed}{limits[1] / 1e9:.1f} GB/s of copying within the device; "
            f"{record['rounds']} rounds of {record['seconds_of_a_round']} s"]
    return table.text(lines, limits, head, LIBRARIES)


if __name__ == "__main__":
    main()
