"""Trains an LSTM to tell which package of the standard library a line of code comes from.

    python examples/train_lstm_classifier.py [--epochs 5] [--hidden 96] [--short] ...

Lines are sequences of words and signs, of all lengths: a batch holds lines of one bucket, each lane
stops at its own end, and all buckets share one compilation. A word is the sum of the vectors of its
letter trigrams, so that names which were never seen say something too. No line is in both parts of
the data. Beside the network's accuracy stands that of naive Bayes on letter trigrams.

On a task like this, where words give the answer away, counting is most of what can be done: naive
Bayes takes a second. What the network has over it is little, and costs minutes.
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import standard_library

import functrans as ft
import functrans.numpy as fnp
from functrans import zoo

PACKAGES = ("asyncio", "ctypes", "distutils", "email", "http", "idlelib", "lib2to3",
            "multiprocessing", "tkinter", "unittest", "xml")
SHORTEST, LONGEST = 16, 100                     # characters of a line
BUCKETS, WIDTH = 1 << 14, 12                    # of hashed trigrams; trigrams of a word
LENGTHS = (4, 6, 8, 10, 12, 16, 20, 28, 40)     # words of a line, rounded up


# ---- data ----

def load(most: int, seed: int) -> tuple:
    """(lines, the numbers of their packages, names of packages), shuffled.

    most: lines of a package at most. A line that several packages have is left out.
    """
    owners: dict[str, set] = {}
    for path, text in standard_library.modules():
        package = path.partition("/")[0]
        for line in map(str.strip, text.splitlines()):
            if package in PACKAGES and SHORTEST <= len(line) <= LONGEST:
                owners.setdefault(line, set()).add(package)
    names = sorted({package for own in owners.values() for package in own})
    rows = [[line for line in sorted(owners) if owners[line] == {name}] for name in names]
    generator = np.random.default_rng(seed)
    pairs = [(line, number) for number, own in enumerate(rows)
             for line in generator.permutation(own)[:most]]
    order = generator.permutation(len(pairs))
    return [str(pairs[k][0]) for k in order], np.array([pairs[k][1] for k in order]), names


# ---- the baseline ----

class NaiveBayes:
    """Classes by the letter trigrams of a line, each counted as if by itself."""

    def __init__(self, smoothing: float = 0.1):
        self.smoothing = smoothing

    def fit(self, lines: list[str], labels: np.ndarray) -> NaiveBayes:
        self.index = {part: k for k, part in enumerate(sorted(
            {part for line in lines for part in zoo.data.letter_trigrams(line)}))}
        counts = np.full((labels.max() + 1, len(self.index)), self.smoothing)
        for line, label in zip(lines, labels):
            np.add.at(counts[label], self._numbers(line), 1)
        self.scores = np.log(counts / counts.sum(1, keepdims=True))
        self.prior = np.log(np.bincount(labels) / len(labels))
        return self

    def _numbers(self, line: str) -> list[int]:
        return [self.index[part] for part in zoo.data.letter_trigrams(line) if part in self.index]

    def predict(self, lines: list[str]) -> np.ndarray:
        return np.array([(self.prior + self.scores[:, self._numbers(line)].sum(1)).argmax()
                         for line in lines])


# ---- the network ----

def loss(params, batch, key=None):
    (tokens, lengths), labels = batch
    rate = 0.0 if key is None else 0.4
    scores = zoo.seq_classifier.apply(params, tokens, lengths, pool="mean", dropout=rate, key=key)
    return ft.nn.softmax_cross_entropy_with_integer_labels(scores, labels).mean()


def accuracy(params, batch):
    (tokens, lengths), labels = batch
    scores = zoo.seq_classifier.apply(params, tokens, lengths, pool="mean")
    return (fnp.argmax(scores, -1) == labels).mean()


def batches(lines, labels, options, key=None) -> zoo.data.Batches:
    rows = [zoo.data.trigram_ids(zoo.data.words(line)[:LENGTHS[-1]], BUCKETS, WIDTH)
            for line in lines]
    rows = zoo.data.Ragged(rows, LENGTHS[-3:] if options.short else LENGTHS, -1)
    return zoo.data.Batches((rows, labels), options.batch, key=key)


# ---- the program ----

def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=5, help="passes over the data")
    parser.add_argument("--hidden", type=int, default=96, help="units of each direction")
    parser.add_argument("--features", type=int, default=64, help="numbers of a word's vector")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lines", type=int, default=4000, help="of a package at most")
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoints", type=Path, help="folder to save to and to go on from")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output",
                        help="folder for the picture")
    parser.add_argument("--short", action="store_true", help="a small network on a few lines")
    options = parser.parse_args(arguments)
    if options.short:
        options.lines, options.hidden, options.features, options.epochs = 150, 24, 16, 3
    return options


def main(arguments=None):
    options = parse(arguments)
    lines, labels, names = load(options.lines, options.seed)
    first = len(lines) // 5
    print(f"{len(lines) - first:,} lines of {len(names)} packages to learn from, {first:,} held "
          f"out: {', '.join(names)}")
    begin = time.perf_counter()
    bayes = NaiveBayes().fit(lines[first:], labels[first:])
    counted = (bayes.predict(lines[:first]) == labels[:first]).mean()
    print(f"naive Bayes on letter trigrams: {counted:.1%}, in {time.perf_counter() - begin:.1f} s")
    params = zoo.seq_classifier.init(ft.random.key(options.seed), BUCKETS, options.features,
                                     options.hidden, len(names))
    train = batches(lines[first:], labels[first:], options, ft.random.key(1))
    test = batches(lines[:first], labels[:first], options)
    rate = ft.optim.cosine_decay_schedule(options.learning_rate, options.epochs * len(train))
    optimizer = ft.optim.chain(ft.optim.clip_by_global_norm(1.0), ft.optim.adam(rate))
    begin, processor = time.perf_counter(), time.process_time()
    run = zoo.fit(loss, params, train, optimizer, options.epochs, key=ft.random.key(2),
                  validation=test, metrics={"accuracy": accuracy}, checkpoints=options.checkpoints,
                  plot=options.output / "lstm_classifier.png")
    print(f"trained in {time.perf_counter() - begin:.0f} s, of which the processors worked "
          f"{time.process_time() - processor:.0f} s\n\naccuracy on held-out lines\n"
          f"  functrans LSTM         {run.history['validation_accuracy'][-1]:.1%}\n"
          f"  naive Bayes, trigrams  {counted:.1%}\n"
          f"  the largest class      {np.bincount(labels[first:]).max() / len(labels[first:]):.1%}")


if __name__ == "__main__":
    main()
