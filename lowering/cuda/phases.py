"""Kernels as phases of a larger one: the same lines, for a grid of another size.

A thread or a block takes one piece of the work after the other, as far apart as there are threads
or blocks (a grid-stride loop):

    thread = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    threads = cuda.gridDim.x * cuda.blockDim.x
    for i in range(thread, n, threads):
        y0[i] = x0[i] + x1[i]

In: `CudaText`. Out: `Phase`, or None for what cannot be one. Imports `cuda.emit`.
"""
from __future__ import annotations

import math
import re
import textwrap
from dataclasses import dataclass, field, replace

import numpy as np

from lowering.cuda import emit
from lowering.cuda.emit import THREAD, CudaText
from lowering.kernel_text import INDENT, Parameter

THREADS = "cuda.gridDim.x * cuda.blockDim.x"
_BLOCKS = "range(cuda.blockIdx.x, blocks, cuda.gridDim.x)"
_FIRST = "cuda.blockIdx.x + cuda.threadIdx.x == 0"
_PLACE = re.compile(r"cuda\.(?!local\b)\w+")
_MEMORY = re.compile(r"\s*\w+ = cuda\.(?:shared|local)\.array\(.*\)$")
_READS = re.compile(r"\baligned\([^()]*\)|\bread_vector\(\w+")
_SHARED = re.compile(r"cuda\.shared\.array\(\(?([\d, ]+)\)?, (\w+)\)")


@dataclass(slots=True)
class Phase:
    """text: `def phase(...)`, of the `parameters`. checks, locations: as those of kernels.

    blocks: of work, for blocks of `block` threads. exact: whether blocks must be of that size.
    shared: bytes of shared memory. written: the names of pointers that it may write to.
    """
    text: str
    parameters: list
    locations: list
    checks: list
    blocks: int
    block: int
    exact: bool = False
    shared: int = 0
    written: frozenset = field(default_factory=frozenset)


def within_block(text: str) -> str:
    """The text of a phase whose work is all done by one block."""
    for place, of_block in ((THREAD, "cuda.threadIdx.x"), (THREADS, "cuda.blockDim.x"),
                            (_BLOCKS, "range(blocks)"), (_FIRST, "cuda.threadIdx.x == 0")):
        text = text.replace(place, of_block)
    return text


def phase_of(kernel: CudaText) -> Phase | None:
    """The phase that does what a kernel does."""
    text = kernel.text
    by_blocks = bool(_PLACE.search(text.replace(THREAD, "").replace(THREADS, "")))
    own = ("block", "blocks") if by_blocks else ("worker", "workers", "lane", "lanes")
    if any(re.search(rf"\b{name}\b", text) for name in ("return", *own)):
        return None
    lines = _body(kernel)
    return _by_blocks(kernel, lines) if by_blocks else _by_threads(kernel, lines)


def _body(kernel: CudaText) -> list:
    """(line, location) of what follows the kernel's head."""
    lines = kernel.text.splitlines()
    head = next(k for k, line in enumerate(lines) if line.endswith("):")) + 1
    locations = [*kernel.locations, *[None] * len(lines)]
    return list(zip(lines[head:], locations[head:]))


# ---- a thread for each piece of work ----

def _by_threads(kernel: CudaText, lines: list) -> Phase:
    if THREAD not in kernel.text:
        return _phase(kernel, _alone(lines))
    place, name, limit = _guarded(lines)
    if name is not None:
        loop = f"{INDENT}for {name} in range(thread, {limit}, threads):"
        return _phase(kernel, [*lines[:place], *_who("thread", "threads"),
                                     (loop, lines[place + 1][1]), *lines[place + 2:]])
    count = _arrays(lines)
    inner = [(INDENT + _of_worker(line), location) for line, location in lines[count:]]
    loop = [*lines[:count], *_who("lane", "lanes"),
            (f"{INDENT}for worker in range(lane, workers, lanes):", None)]
    workers = Parameter("workers", "integer", None, math.prod(kernel.grid) * kernel.block)
    return _phase(kernel, [*loop, *inner], workers)


def _of_worker(line: str) -> str:
    for place in (f"({THREAD})", THREAD):
        line = line.replace(place, "worker")
    return line.replace(THREADS, "workers")


def _arrays(lines: list) -> int:
    """How many of the first lines make arrays."""
    return next((k for k, (line, _) in enumerate(lines) if not _MEMORY.match(line)), len(lines))


def _who(thread: str, threads: str) -> list:
    return [(f"{INDENT}{thread} = {THREAD}", None), (f"{INDENT}{threads} = {THREADS}", None)]


def _alone(lines: list) -> list:
    """What one thread does by itself."""
    return [(f"{INDENT}if {_FIRST}:", None),
            *((INDENT + line, location) for line, location in lines)]


def _guarded(lines: list) -> tuple:
    """(place, name, limit) of `name = THREAD`, `if name < limit:` and nothing after that."""
    texts = [line for line, _ in lines]
    for place, line in enumerate(texts[:-1]):
        name = re.fullmatch(rf"{INDENT}(\w+) = {re.escape(THREAD)}", line)
        if name:
            guard = re.fullmatch(rf"{INDENT}if {name.group(1)} < (.+):", texts[place + 1])
            rest = texts[place + 2:]
            if guard and name.group(1) not in ("thread", "threads") \
                    and all(line.startswith(INDENT * 2) for line in rest) \
                    and not any(THREAD in line or THREADS in line for line in rest) \
                    and not any(re.search(r"\bthreads?\b", line) for line in texts):
                return place, name.group(1), guard.group(1)
            break
    return 0, None, None


# ---- a block for each piece of work ----

def _by_blocks(kernel: CudaText, lines: list) -> Phase | None:
    shared = _shared_bytes(kernel.text)
    if shared is None:
        return None
    count = _arrays(lines)
    names, unpack, numbers = _dimensions(kernel)
    inner = [(INDENT + _PLACE_IN_GRID.sub(lambda found: names[found.group()], line), location)
             for line, location in lines[count:]]
    body = [*lines[:count],
            (f"{INDENT}for block in {_BLOCKS}:", None),
            *((INDENT * 2 + line, None) for line in unpack), *inner,
            *([(f"{INDENT * 2}cuda.syncthreads()", None)] if shared else [])]
    phase = _phase(kernel, body, *numbers)
    return replace(phase, blocks=math.prod(kernel.grid), shared=shared,
                   exact="cuda.blockDim.x" not in kernel.text or kernel.block > emit.BLOCK)


_PLACE_IN_GRID = re.compile(r"cuda\.(?:blockIdx|gridDim)\.[xyz]")


def _dimensions(kernel: CudaText) -> tuple[dict, list, list]:
    """(names of indices and sizes of the grid, lines that find the indices, numbers)."""
    found = {word[5:] for word in _PLACE_IN_GRID.findall(kernel.text)}
    sizes = dict(zip("xyz", (*kernel.grid, 1, 1)))
    numbers = {"blocks": math.prod(kernel.grid)}
    if not any(word[-1] in "yz" for word in found):
        return {"cuda.blockIdx.x": "block", "cuda.gridDim.x": "blocks"}, [], _integers(numbers)
    names = {f"cuda.{what}.{axis}": f"{name}_{axis}" for axis in sizes
             for what, name in (("blockIdx", "block"), ("gridDim", "blocks"))}
    lines = ["block_x, block_y = block % blocks_x, block // blocks_x"]
    if "blockIdx.z" in found:
        lines = ["block_x, rest = block % blocks_x, block // blocks_x",
                 "block_y, block_z = rest % blocks_y, rest // blocks_y"]
    numbers |= {f"blocks_{axis}": n for axis, n in sizes.items()
                if any(f"blocks_{axis}" in line for line in lines) or f"gridDim.{axis}" in found}
    return names, lines, _integers(numbers)


def _integers(numbers: dict) -> list:
    return [Parameter(name, "integer", None, n) for name, n in numbers.items()]


def _shared_bytes(text: str) -> int | None:
    """Bytes of shared memory; None where a size is not known."""
    found = _SHARED.findall(text)
    if len(found) != text.count("cuda.shared.array("):
        return None
    return sum(math.prod(int(n) for n in shape.split(",") if n.strip()) * np.dtype(kind).itemsize
               for shape, kind in found)


# ---- both ----

def _phase(kernel: CudaText, body: list, *numbers: Parameter) -> Phase:
    parameters = [*kernel.parameters, *numbers]
    head = textwrap.wrap(f"def phase({', '.join(p.name for p in parameters)}):", 94,
                         subsequent_indent=INDENT * 2)
    text = "\n".join([*head, *(line for line, _ in body)]) + "\n"
    locations = [*[None] * len(head), *(place for _, place in body)]
    return Phase(text, parameters, locations, kernel.checks, kernel.grid[0], kernel.block,
                 written=_written(kernel))


def _written(kernel: CudaText) -> frozenset:
    """The pointers that are not only read: those that are assigned to, or handed on."""
    return frozenset(p.name for p in kernel.parameters if p.kind in ("pointer", "scratch")
                     and any(_writes(line, p.name) for line, _ in _body(kernel)))


def _writes(line: str, name: str) -> bool:
    line = _READS.sub("", line)
    if re.search(rf"\b{name}\b(?!\[)", line):
        return True
    targets, assigned, _ = line.partition(" = ")
    return bool(assigned) and re.search(rf"\b{name}\[", targets) is not None \
        or re.search(rf"^\s*{name}\[.*\] \S+= ", line) is not None
