"""Text to numbers: vocabularies of characters and of words, and hashed letter trigrams.

    vocabulary = data.char_vocabulary(texts)
    ids = vocabulary.encode("def f(x):")
    text = vocabulary.decode(ids)

In: strings. Out: NumPy integers, and back. Imports NumPy and the standard library only.
"""
from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from functrans.errors import ArgumentError

UNKNOWN = "<unk>"


class Vocabulary:
    """A number for each of a list of tokens.

    tokens: strings, all different; the number of one is its place. split: from a text to its
    tokens. joint: what stands between tokens when they become a text again. Tokens that are not
    in the list get the number of `UNKNOWN`, if that is one of them.
    """

    def __init__(self, tokens: Sequence[str], split: Callable = list, joint: str = ""):
        self.tokens = tuple(tokens)
        self.split, self.joint = split, joint
        self._ids = {token: number for number, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            doubles = [token for token, times in Counter(self.tokens).items() if times > 1]
            raise ArgumentError(f"Vocabulary: these tokens are there more than once: {doubles[:5]}")
        self._unknown = self._ids.get(UNKNOWN)

    def __len__(self):
        return len(self.tokens)

    def __contains__(self, token):
        return token in self._ids

    def __repr__(self):
        return f"<Vocabulary of {len(self)} tokens: {' '.join(map(repr, self.tokens[:6]))} ...>"

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's tokens: int64, (n,).

        Raises ValueError for a token that has none, where there is no number for unknown ones.
        """
        tokens = self.split(text)
        numbers = [self._ids.get(token, self._unknown) for token in tokens]
        if None in numbers:
            raise ArgumentError(f"the vocabulary has no {tokens[numbers.index(None)]!r}, and no "
                                f"{UNKNOWN!r} for what it does not have")
        return np.array(numbers, np.int64)

    def decode(self, ids) -> str:
        """The text of numbers."""
        return self.joint.join(self.tokens[number] for number in np.asarray(ids).tolist())


def words(text: str) -> list[str]:
    """The words of a text: letters, digits and underscores; and each other sign by itself.

    >>> import functrans as ft
    >>> ft.zoo.data.words("return x_1+2")
    ['return', 'x_1', '+', '2']
    """
    return re.findall(r"\w+|[^\w\s]", text)


def char_vocabulary(texts: str | Iterable[str], size: int | None = None,
                    unknown: bool = True) -> Vocabulary:
    """The characters of texts, from the most frequent on.

    texts: one or several. size: how many tokens at most. unknown: whether there is one for what
    has none, the first.

    >>> import functrans as ft
    >>> vocabulary = ft.zoo.data.char_vocabulary("banana")
    >>> vocabulary.encode("nab").tolist(), vocabulary.decode([2, 1, 3])
    ([2, 1, 3], 'nab')
    """
    return _most_frequent(texts, size, unknown, list, "")


def word_vocabulary(texts: str | Iterable[str], size: int | None = None, unknown: bool = True,
                    split: Callable = words) -> Vocabulary:
    """The words of texts, from the most frequent on; see `char_vocabulary`.

    split: from a text to its words.

    >>> import functrans as ft
    >>> vocabulary = ft.zoo.data.word_vocabulary("a rose is a rose is a rose", size=3)
    >>> vocabulary.tokens, vocabulary.encode("a rose is red").tolist()
    (('<unk>', 'a', 'rose'), [1, 2, 0, 0])
    """
    return _most_frequent(texts, size, unknown, split, " ")


def _most_frequent(texts, size, unknown: bool, split: Callable, joint: str) -> Vocabulary:
    counts: Counter = Counter()
    for text in [texts] if isinstance(texts, str) else texts:
        counts.update(split(text))
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    return Vocabulary(([UNKNOWN] if unknown else []) + ranked[:_room(size, unknown)], split, joint)


def _room(size: int | None, unknown: bool) -> int | None:
    return None if size is None else max(size - unknown, 0)


# ---- letter trigrams ----

def letter_trigrams(word: str) -> list[str]:
    """The trigrams of a word, with a mark at its start and its end.

    Huang et al., "Learning deep structured semantic models for web search using clickthrough
    data" (CIKM 2013).

    >>> import functrans as ft
    >>> ft.zoo.data.letter_trigrams("good")
    ['#go', 'goo', 'ood', 'od#']
    """
    marked = f"#{word}#"
    return [marked[start:start + 3] for start in range(max(len(marked) - 2, 1))]


def trigram_ids(tokens: Sequence[str], buckets: int, width: int | None = None) -> np.ndarray:
    """For each word the buckets of its letter trigrams: int64, (words, width).

    tokens: words. buckets: of the hash, which is the same in each process. width: trigrams of a
    word at most; those of longer words are left out from the end on. By default as many as the
    longest word has. What is not used is -1, which `embedding.bag` leaves out.

    >>> import functrans as ft
    >>> ft.zoo.data.trigram_ids(["cat", "is"], buckets=1000).shape
    (2, 3)
    """
    rows = [[zlib.crc32(part.encode()) % buckets for part in letter_trigrams(token)][:width]
            for token in tokens]
    width = width or max(map(len, rows), default=1)
    ids = np.full((len(rows), width), -1, np.int64)
    for target, row in zip(ids, rows):
        target[:len(row)] = row
    return ids
