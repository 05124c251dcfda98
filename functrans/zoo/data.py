"""Data for training: batches, shuffled with a key, made while the last one is being used; text.

    batches = data.Batches((x, labels), 32, key=ft.random.key(1))
    for x, labels in batches: ...                        # each loop is the next epoch

    batches = data.Batches((data.Ragged(sentences), labels), 32, key=key)
    for (tokens, lengths), labels in batches: ...        # tokens: (time, 32), in buckets

The order of an epoch is a function of the key and of its number, so that a run that was stopped
goes on in the middle of an epoch with the batches that it would have had. In: arrays, lists. Out:
NumPy arrays. Imports `random`, `zoo.sequences`, `zoo.vocabulary`.
"""
from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from functrans import random, tree
from functrans.errors import ArgumentError, ShapeError
from functrans.zoo import sequences
from functrans.zoo.vocabulary import (UNKNOWN, Vocabulary, char_vocabulary, letter_trigrams,
                                      trigram_ids, word_vocabulary, words)

__all__ = ["Batches", "Ragged", "UNKNOWN", "Vocabulary", "char_vocabulary", "letter_trigrams",
           "prefetched", "split", "trigram_ids", "word_vocabulary", "words"]


class Ragged:
    """Sequences of different lengths, as a part of the data of `Batches`.

    rows: arrays (time, ...), alike but for time. boundaries: sizes to pad to; see
    `sequences.bucket`. value: what they are padded with. In a batch they become a pair: values
    (time, batch, ...) and lengths (batch,).
    """

    def __init__(self, rows: Iterable, boundaries: Sequence[int] | None = None, value=0):
        self.rows = [np.asarray(row) for row in rows]
        self.boundaries, self.value = boundaries, value
        self.lengths = np.array([len(row) for row in self.rows], np.int64)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, chosen) -> Ragged | tuple:
        """The rows of an array of indices, as a part of the data."""
        return Ragged([self.rows[k] for k in chosen], self.boundaries, self.value)

    def batch(self, chosen) -> tuple[np.ndarray, np.ndarray]:
        """The rows of an array of indices as one batch: (values, lengths)."""
        return tuple(sequences.gather(self.rows, chosen, self.boundaries, self.value)[:2])

    def __repr__(self):
        return f"<Ragged: {len(self)} sequences>"


class Batches:
    """Batches of examples, epoch after epoch.

    data: a pytree of arrays with one row for each example, and of `Ragged`. batch_size: examples
    of a batch. key: shuffles, each epoch in another way; without it the order is that of the
    data. drop_remainder: leaves out what does not fill a batch at the end. prefetch: how many
    batches are made ahead, in another thread.

    With `Ragged` data a batch has sequences of one bucket, by the lengths of the first `Ragged`.

    Raises ValueError for no data, for parts of different lengths, and for a batch size below 1.

    >>> import numpy as np, functrans as ft
    >>> batches = ft.zoo.data.Batches((np.arange(5), np.arange(5) ** 2), 2)
    >>> [(x.tolist(), y.tolist()) for x, y in batches]
    [([0, 1], [0, 1]), ([2, 3], [4, 9]), ([4], [16])]
    """

    def __init__(self, data, batch_size: int, *, key=None, drop_remainder: bool = False,
                 prefetch: int = 2):
        if batch_size < 1:
            raise ArgumentError(f"Batches: batch_size must be at least 1, got {batch_size}")
        self.data = tree.map(lambda leaf: leaf if isinstance(leaf, Ragged) else np.asarray(leaf),
                             data)
        self.size = _common_length(self.data)
        self.batch_size, self.key = batch_size, key
        self.drop_remainder, self.prefetch = drop_remainder, prefetch
        self._next_epoch = 0

    def __len__(self):
        """The number of batches of an epoch; of ragged data, of epoch 0."""
        if self._ragged() is not None:
            return len(self.plan(0))
        full, rest = divmod(self.size, self.batch_size)
        return full + bool(rest and not self.drop_remainder)

    def __iter__(self) -> Iterator:
        """The batches of the next epoch."""
        self._next_epoch += 1
        return self.epoch(self._next_epoch - 1)

    def epoch(self, number: int, start: int = 0) -> Iterator:
        """The batches of an epoch, from batch `start` on."""
        rows = self.plan(number)[start:]
        return prefetched((self.batch(chosen) for chosen in rows), self.prefetch)

    def batch(self, chosen) -> object:
        """The examples of an array of indices, as one batch."""
        return tree.map(lambda leaf: leaf.batch(chosen) if isinstance(leaf, Ragged)
                        else leaf[chosen], self.data)

    def plan(self, epoch: int) -> list[np.ndarray]:
        """Which examples go into each batch of an epoch."""
        order_key, batch_key = (None, None) if self.key is None else \
            random.split(random.fold_in(self.key, epoch))
        order, ragged = _order(order_key, self.size), self._ragged()
        if ragged is None:
            rows = [order[start:start + self.batch_size]
                    for start in range(0, self.size, self.batch_size)]
        else:
            planned = sequences.plan(ragged.lengths, self.batch_size, ragged.boundaries, order)
            rows = [planned[k] for k in _order(batch_key, len(planned))]
        return [chosen for chosen in rows
                if len(chosen) == self.batch_size or not self.drop_remainder]

    def _ragged(self) -> Ragged | None:
        return next((leaf for leaf in tree.leaves(self.data) if isinstance(leaf, Ragged)), None)

    def __repr__(self):
        return f"<Batches: {self.size} examples, {self.batch_size} a batch>"


def _order(key, size: int) -> np.ndarray:
    return np.arange(size) if key is None else np.asarray(random.permutation(key, size))


def _common_length(data) -> int:
    """The number of examples, which all parts have."""
    sizes = {}
    for path, leaf in tree.leaves_with_path(data):
        name = f"data{tree.keystr(path)}"
        if isinstance(leaf, np.ndarray) and not leaf.ndim:
            raise ShapeError(f"Batches: {name} is a scalar; each part has one row for each example")
        sizes.setdefault(len(leaf), name)
    if not sizes:
        raise ArgumentError("Batches: there are no data")
    if len(sizes) > 1:
        shown = ", ".join(f"{size} in {name}" for size, name in sizes.items())
        raise ShapeError(f"Batches: the numbers of examples differ: {shown}")
    return next(iter(sizes))


def split(data, fraction: float, key=None) -> tuple:
    """Data in two parts, to train with and to test with: (1 - fraction, fraction) of it.

    data: as of `Batches`. fraction: between 0 and 1. key: shuffles before; without it the second
    part is the end of the data.

    >>> import numpy as np, functrans as ft
    >>> train, test = ft.zoo.data.split((np.arange(10), np.arange(10)), 0.2)
    >>> test[0].tolist()
    [8, 9]
    """
    if not 0 <= fraction <= 1:
        raise ArgumentError(f"split: fraction must be between 0 and 1, got {fraction}")
    data = tree.map(lambda leaf: leaf if isinstance(leaf, Ragged) else np.asarray(leaf), data)
    size = _common_length(data)
    order, first = _order(key, size), size - math.floor(size * fraction + 0.5)
    return _rows(data, order[:first]), _rows(data, order[first:])


def _rows(data, chosen: np.ndarray):
    return tree.map(lambda leaf: leaf[chosen], data)


def prefetched(items: Iterator, count: int = 2) -> Iterator:
    """The same items, made up to `count` ahead in another thread.

    An error in making one is raised where it would have come. With a count of 0 nothing is made
    ahead.

    >>> import functrans as ft
    >>> list(ft.zoo.data.prefetched(iter(range(3))))
    [0, 1, 2]
    """
    if not count:
        yield from items
        return
    end = object()
    with ThreadPoolExecutor(1, "functrans prefetch") as pool:
        ahead = deque(pool.submit(next, items, end) for _ in range(count))
        while (item := ahead.popleft().result()) is not end:
            ahead.append(pool.submit(next, items, end))
            yield item
