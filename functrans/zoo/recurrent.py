"""What the recurrent models share: a cell, run over time, in layers and in both directions.

In: parameters as `init_layers` makes them, sequences. Out: outputs, last states. The product of
the input and its weights is one matrix product for all steps, before the loop; the loop's body
has the recurrent product and the elementwise part, which is one kernel.

Imports `numpy`, `random`, `nn`, `lax`.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from functrans import lax
from functrans import numpy as fnp
from functrans import random
from functrans.errors import ArgumentError, DtypeError, ShapeError
from functrans.ir.type import is_integer
from functrans.nn.normalization import dropout as drop
from functrans.numpy.promotion import as_arraylike, promote_inexact

DIRECTIONS = ("forward", "backward")


@dataclass(frozen=True, slots=True)
class Cell:
    """One recurrent step.

    name: of the model, for messages. sections: how many gates and candidates the affine maps
    give, side by side. states: the names of the arrays of state; the first is the output.
    stepper(params) -> step(affine, state) -> state: `affine` is the product of the input and its
    weights, `state` a tuple of arrays. What does not change from step to step is computed in
    `stepper`, so outside the loop.
    """
    name: str
    sections: int
    states: tuple[str, ...]
    stepper: Callable


def total_bias(params: dict):
    """The biases of the input and of the recurrent product together; None without any."""
    biases = [params[name] for name in ("bias", "recurrent_bias") if name in params]
    return None if not biases else biases[0] if len(biases) == 1 else biases[0] + biases[1]


def plus(x, bias):
    """x + bias, or x if there is no bias."""
    return x if bias is None else x + bias


# ---- parameters ----

def init_layers(name: str, key, inputs: int, outputs: int, layers: int, bidirectional: bool,
                make: Callable) -> tuple:
    """For each layer a dict with the parameters of its directions.

    make(key, inputs) -> parameters of one direction. outputs: of one direction, the inputs of the
    next layer. Raises ValueError unless there is a layer.
    """
    if layers < 1:
        raise ArgumentError(f"{name}.init: layers must be at least 1, got {layers}")
    directions = DIRECTIONS[:2 if bidirectional else 1]
    keys = random.split(key, (layers, len(directions)))
    sizes = [inputs] + [outputs * len(directions)] * (layers - 1)
    return tuple({direction: make(one, size) for direction, one in zip(directions, row)}
                 for row, size in zip(keys, sizes))


def init_weights(key, inputs: int, recurrent: int, width: int, initializer: Callable | None,
                 dtype) -> dict:
    """The two weights: (inputs, width) and (recurrent, width)."""
    input_key, recurrent_key = random.split(key)
    initializer = initializer or uniform_by_size(recurrent)
    return {"input_weight": initializer(input_key, (inputs, width), dtype),
            "recurrent_weight": initializer(recurrent_key, (recurrent, width), dtype)}


def uniform_by_size(hidden: int) -> Callable:
    """An initializer: uniform numbers between -bound and bound = 1 / sqrt(hidden)."""
    bound = 1 / math.sqrt(hidden)

    def initialize(key, shape, dtype=None):
        return random.uniform(key, shape, dtype, -bound, bound)
    return initialize


# ---- running ----

def run(cell: Cell, params: Sequence, x, state: Sequence | None, lengths, batch_first: bool,
        dropout: float, key) -> tuple:
    """Outputs, and the last state: a tuple of arrays of shape (layers * directions, ..., width).

    See `lstm.apply` for the arguments; `state` is a tuple of such arrays here.
    """
    x, = promote_inexact(as_arraylike(x, f"{cell.name}.apply"))
    _check_input(cell, params, x)
    _check_dropout(cell, dropout, key, len(params))
    flipped = batch_first and x.ndim > 2
    x = fnp.swapaxes(x, 0, 1) if flipped else x
    alive = _alive(cell, x, lengths)
    if alive is not None:
        x = fnp.where(fnp.expand_dims(alive, -1), x, 0)          # what is there may be anything
    x, last = _run_layers(cell, params, x, _starts(cell, params, x, state), alive, dropout, key)
    return fnp.swapaxes(x, 0, 1) if flipped else x, last


def _run_layers(cell, params, x, starts, alive, dropout, key):
    ends = []
    for number, layer in enumerate(params):
        if number and dropout:
            x = drop(random.fold_in(key, number), x, dropout)
        outputs = []
        for direction in _directions(layer):
            rows, end = _run_direction(cell, layer[direction], x, starts[len(ends)], alive,
                                       direction == "backward")
            outputs.append(rows)
            ends.append(end)
        x = outputs[0] if len(outputs) == 1 else fnp.concatenate(outputs, -1)
    return x, tuple(fnp.stack(arrays) for arrays in zip(*ends))


def _run_direction(cell: Cell, params: dict, x, state: tuple, alive, reverse: bool):
    """One direction of one layer: outputs, last state."""
    affine = x @ params["input_weight"]
    dtype = fnp.result_type(affine, *state, params["recurrent_weight"])
    state = tuple(value.astype(dtype) for value in state)
    step = cell.stepper(params)
    body = _plain_body(step) if alive is None else _stopping_body(step)
    xs = affine if alive is None else (affine, alive)
    end, outputs = lax.scan(body, state, xs, reverse=reverse)
    return outputs, end


def _plain_body(step: Callable) -> Callable:
    def body(state, affine):
        state = step(affine, state)
        return state, state[0]
    return body


def _stopping_body(step: Callable) -> Callable:
    """A lane whose sequence is over keeps its state, and gives zeros."""
    def body(state, slices):
        affine, alive = slices
        alive = fnp.expand_dims(alive, -1)
        new = step(affine, state)
        kept = tuple(fnp.where(alive, after, before) for after, before in zip(new, state))
        return kept, fnp.where(alive, new[0], 0)
    return body


def run_step(cell: Cell, params: Sequence, x, state: Sequence | None) -> tuple:
    """One step of all layers: the output, and the state after it. See `lstm.step`."""
    x, = promote_inexact(as_arraylike(x, f"{cell.name}.step"))
    if any("backward" in layer for layer in params):
        raise ArgumentError(f"{cell.name}.step: a bidirectional model needs the whole sequence; "
                            "use apply")
    _check_input(cell, params, x, 1)
    starts = _starts(cell, params, fnp.expand_dims(x, 0), state)
    ends = []
    for layer, start in zip(params, starts):
        inner = layer["forward"]
        end = cell.stepper(inner)(x @ inner["input_weight"], start)
        ends.append(end)
        x = end[0]
    return x, tuple(fnp.stack(arrays) for arrays in zip(*ends))


# ---- states ----

def _directions(layer: dict) -> list[str]:
    return [name for name in DIRECTIONS if name in layer]


def _flat(params: Sequence) -> list[dict]:
    """The parameters of all layers and directions, in the order of the state's first axis."""
    return [layer[direction] for layer in params for direction in _directions(layer)]


def _widths(cell: Cell, params: dict) -> list[int]:
    """The width of each array of state: of the output, and of what is inside."""
    outputs, affine = params["recurrent_weight"].shape
    return [outputs] + [affine // cell.sections] * (len(cell.states) - 1)


def state_shapes(cell: Cell, params: Sequence, batch: tuple) -> list[tuple]:
    """The shapes of the arrays of state."""
    runs = _flat(params)
    return [(len(runs), *batch, width) for width in _widths(cell, runs[0])]


def _starts(cell: Cell, params: Sequence, x, state) -> list[tuple]:
    """The first state of each layer and direction."""
    shapes = state_shapes(cell, params, x.shape[1:-1])
    if state is None:
        dtype = fnp.result_type(x, params[0]["forward"]["recurrent_weight"])
        one = tuple(fnp.zeros(shape[1:], dtype) for shape in shapes)
        return [one] * shapes[0][0]
    arrays = [as_arraylike(value, f"{cell.name}: state.{name}")
              for name, value in zip(cell.states, state, strict=True)]
    for name, array, shape in zip(cell.states, arrays, shapes):
        if array.shape != shape:
            raise ShapeError(f"{cell.name}: the state {name} must have shape {shape}, that is "
                             f"(layers * directions, batch, size), got {array.type}")
    return list(zip(*arrays))


# ---- checks ----

def _check_input(cell: Cell, params: Sequence, x, axes: int = 2):
    inputs = params[0]["forward"]["input_weight"].shape[0]
    if x.ndim < axes or x.shape[-1] != inputs:
        shape = f"(time, ..., {inputs})" if axes == 2 else f"(..., {inputs})"
        raise ShapeError(f"{cell.name}: x must have shape {shape}, the last size that of "
                         f"params[0]['forward']['input_weight'], got {x.type}")


def _check_dropout(cell: Cell, rate, key, layers: int):
    if rate and layers > 1 and key is None:
        raise ArgumentError(
            f"{cell.name}.apply: dropout={rate} needs key=, a new one for each call")


def _alive(cell: Cell, x, lengths):
    """For each step and lane, whether the sequence goes on; None without lengths."""
    if lengths is None:
        return None
    lengths = as_arraylike(lengths, f"{cell.name}.apply")
    if not is_integer(lengths.dtype):
        raise DtypeError(f"{cell.name}.apply: lengths must be integers, got {lengths.type}")
    if lengths.shape != x.shape[1:-1]:
        raise ShapeError(f"{cell.name}.apply: lengths must have shape {x.shape[1:-1]}, one for "
                         f"each sequence, got {lengths.type}")
    steps = fnp.arange(x.shape[0], dtype=np.int64)
    return steps.reshape(-1, *[1] * lengths.ndim) < lengths.astype(np.int64)
