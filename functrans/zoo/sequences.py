"""Sequences of different lengths: padding, bucketing, packing; and windows of long ones.

    for batch in sequences.pack(sentences, batch_size=32):
        outputs, state = lstm.apply(params, batch.values, lengths=batch.lengths)

A batch is as long as the bucket of its longest sequence. Lengths are data, and sizes are run-time
integers of the compiled code: so all lengths share one compilation, and each bucket is traced
once. Packing works on the host, with NumPy; `mask`, `last` and `reverse` are for use inside
models.

Imports `numpy`.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from functrans import numpy as fnp
from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.promotion import as_arraylike


class Packed(NamedTuple):
    """A batch of sequences, padded.

    values: (time, batch, ...). lengths: (batch,), int64. indices: (batch,), which of the given
    sequences these are.
    """
    values: np.ndarray
    lengths: np.ndarray
    indices: np.ndarray


# ---- on the host ----

def bucket(length: int, boundaries: Sequence[int] | None = None) -> int:
    """The number of steps that a sequence is padded to.

    length: at least 0. boundaries: the sizes there are, in any order. By default multiples of 8
    up to 64, and then each at most a quarter larger than the one before, 80, 96, 120 ...: so that
    less than 8 steps, or a fifth, are padding, and a corpus needs few sizes.
    Raises ValueError for a length beyond the last boundary.

    >>> import functrans as ft
    >>> ft.zoo.sequences.bucket(50), ft.zoo.sequences.bucket(50, [20, 100])
    (56, 100)
    """
    if boundaries is None:
        size = 8
        while size < length:
            size += max(8, size // 4 // 8 * 8)
        return size
    fitting = [size for size in boundaries if size >= length]
    if not fitting:
        raise ArgumentError(f"bucket: a sequence of length {length} is longer than the last of the "
                            f"boundaries {sorted(boundaries)}")
    return min(fitting)


def pad(sequences: Sequence, length: int | None = None, value=0,
        batch_first: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of different lengths as one array, and their lengths.

    sequences: arrays of shape (time, ...), alike but for time. length: of the result, the longest
    by default. value: what the rest is filled with.
    Returns an array (length, batch, ...), or (batch, length, ...) if batch_first, and int64
    lengths.
    Raises ShapeError (a ValueError) for sequences that differ in more than time, ValueError for
    none, or for one that is longer than `length`.

    >>> import functrans as ft
    >>> values, lengths = ft.zoo.sequences.pad([[1, 2, 3], [4]], batch_first=True)
    >>> values.tolist(), lengths.tolist()
    ([[1, 2, 3], [4, 0, 0]], [3, 1])
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    _check_alike(arrays)
    lengths = np.array([len(array) for array in arrays], np.int64)
    size = int(lengths.max()) if length is None else int(length)
    if lengths.max() > size:
        raise ArgumentError(
            f"pad: sequence {int(lengths.argmax())} has {lengths.max()} steps, more "
            f"than length={size}")
    padded = np.full((len(arrays), size, *arrays[0].shape[1:]), value, np.result_type(*arrays))
    for row, array in zip(padded, arrays):
        row[:len(array)] = array
    return padded if batch_first else np.ascontiguousarray(padded.swapaxes(0, 1)), lengths


def _check_alike(arrays: Sequence[np.ndarray]):
    if not arrays:
        raise ArgumentError("pad: there are no sequences")
    for number, array in enumerate(arrays):
        if not array.ndim or array.shape[1:] != arrays[0].shape[1:]:
            raise ShapeError(f"pad: sequence {number} has shape {array.shape}, sequence 0 has "
                             f"{arrays[0].shape}; they may differ in their first size only")


def plan(lengths, batch_size: int, boundaries: Sequence[int] | None = None,
         order: Sequence[int] | None = None) -> list[np.ndarray]:
    """Which sequences go together: for each batch the indices of sequences of one bucket.

    lengths: of all sequences. batch_size: of all batches but the last of a bucket. order: of the
    sequences, a permutation; batches come in the order in which they are full.

    >>> import functrans as ft
    >>> ft.zoo.sequences.plan([3, 30, 5, 31, 4], 2)
    [array([0, 2]), array([1, 3]), array([4])]
    """
    if batch_size < 1:
        raise ArgumentError(f"plan: batch_size must be at least 1, got {batch_size}")
    waiting: dict[int, list[int]] = {}
    batches = []
    for index in range(len(lengths)) if order is None else order:
        rows = waiting.setdefault(bucket(int(lengths[index]), boundaries), [])
        rows.append(int(index))
        if len(rows) == batch_size:
            batches.append(np.array(rows))
            rows.clear()
    rest = [np.array(rows) for size, rows in sorted(waiting.items()) if rows]
    return batches + rest


def pack(sequences: Sequence, batch_size: int, boundaries: Sequence[int] | None = None,
         value=0) -> Iterator[Packed]:
    """Batches of sequences of similar length; see `plan` and `pad`.

    >>> import functrans as ft
    >>> [batch.values.shape for batch in ft.zoo.sequences.pack([[1] * 9, [2], [3]], 2)]
    [(8, 2), (16, 1)]
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    for rows in plan([len(array) for array in arrays], batch_size, boundaries):
        yield gather(arrays, rows, boundaries, value)


def gather(arrays: Sequence[np.ndarray], rows, boundaries: Sequence[int] | None = None,
           value=0) -> Packed:
    """The sequences of `rows` as a batch that is as long as their bucket."""
    chosen = [arrays[row] for row in rows]
    size = bucket(max(len(array) for array in chosen), boundaries)
    values, lengths = pad(chosen, size, value)
    return Packed(values, lengths, np.asarray(rows))


def unpack(values, lengths) -> list[np.ndarray]:
    """The sequences of a batch (time, batch, ...), without what they were padded with.

    >>> import functrans as ft
    >>> [row.tolist() for row in ft.zoo.sequences.unpack([[1, 4], [2, 0]], [2, 1])]
    [[1, 2], [4]]
    """
    values = np.asarray(values)
    return [values[:length, lane] for lane, length in enumerate(np.asarray(lengths))]


def windows(tokens, batch_size: int, steps: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (inputs, targets) that read a long sequence in `batch_size` parallel streams.

    tokens: a sequence of shape (n, ...). Lane k of each window goes on where lane k of the window
    before it ended, so that the state can be carried along: truncated backpropagation through
    time. Targets are the inputs one step later. All windows are of shape (steps, batch_size, ...);
    what does not fill one at the end is left out.
    Raises ValueError if there are too few tokens for one window.

    Williams, Peng, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories" (1990).

    >>> import functrans as ft
    >>> for x, y in ft.zoo.sequences.windows(range(9), 2, 2):
    ...     print(x.tolist(), y.tolist())
    [[0, 4], [1, 5]] [[1, 5], [2, 6]]
    [[2, 6], [3, 7]] [[3, 7], [4, 8]]
    """
    tokens = np.asarray(tokens)
    stream = (len(tokens) - 1) // batch_size
    if stream < steps:
        raise ArgumentError(
            f"windows: {len(tokens)} tokens are too few for {batch_size} streams of "
            f"{steps} steps")
    rows = [tokens[shift:shift + stream * batch_size].reshape(batch_size, stream,
                                                              *tokens.shape[1:])
            for shift in (0, 1)]
    inputs, targets = (np.ascontiguousarray(row.swapaxes(0, 1)) for row in rows)
    return ((inputs[start:start + steps], targets[start:start + steps])
            for start in range(0, stream - steps + 1, steps))


# ---- inside models ----

def mask(lengths, steps: int):
    """True where a sequence goes on: booleans of shape (steps, batch).

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.zoo.sequences.mask(fnp.array([2, 1]), 3).tolist()
    [[True, True], [True, False], [False, False]]
    """
    lengths = as_arraylike(lengths, "mask")
    return fnp.arange(steps).reshape(-1, *[1] * lengths.ndim) < lengths


def mean(values, lengths):
    """The mean over the steps that sequences have: of (time, batch, ...), an array (batch, ...).

    A sequence without steps gives 0. The other steps may hold anything, NaN too.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.zoo.sequences.mean(fnp.array([[2.0], [4.0], [9.0]]), fnp.array([2]))
    Array([3.], dtype=float32)
    """
    values, lengths = as_arraylike(values, "mean"), as_arraylike(lengths, "mean")
    alive = mask(lengths, values.shape[0])
    alive = alive.reshape(*alive.shape, *[1] * (values.ndim - alive.ndim))
    count = fnp.maximum(lengths, 1).astype(values.dtype)
    return fnp.where(alive, values, 0).sum(0) / count.reshape(
        *lengths.shape, *[1] * (values.ndim - 1 - lengths.ndim))


def last(values, lengths):
    """The last step of each sequence: of (time, batch, ...), an array (batch, ...).

    Lengths are at least 1.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.zoo.sequences.last(fnp.array([[1, 5], [2, 0]]), fnp.array([2, 1]))
    Array([2, 5], dtype=int64)
    """
    values, lengths = as_arraylike(values, "last"), as_arraylike(lengths, "last")
    places = (lengths - 1).reshape(1, *lengths.shape, *[1] * (values.ndim - 1 - lengths.ndim))
    return fnp.take_along_axis(values, places, 0)[0]


def reverse(values, lengths):
    """Each sequence from its end to its start; what comes after the end stays where it is.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> ft.zoo.sequences.reverse(fnp.array([[1, 5], [2, 6], [3, 0]]), fnp.array([3, 2])).tolist()
    [[3, 6], [2, 5], [1, 0]]
    """
    values, lengths = as_arraylike(values, "reverse"), as_arraylike(lengths, "reverse")
    steps = fnp.expand_dims(fnp.arange(values.shape[0]), tuple(range(1, lengths.ndim + 1)))
    places = fnp.where(steps < lengths, lengths - 1 - steps, steps)
    places = places.reshape(*places.shape, *[1] * (values.ndim - places.ndim))
    return fnp.take_along_axis(values, places, 0)
