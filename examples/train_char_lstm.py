"""Trains an LSTM to write Python, character by character, on the standard library's own source.

    python examples/train_char_lstm.py [--epochs 4] [--hidden 256] [--short] ...

One file in twenty is held out. The score is the bits that a character of a held-out file costs,
beside an interpolated 5-gram's. After each epoch the network writes a few lines. A run that is
stopped goes on where it was, with `--checkpoints folder`.

For a model of text that is to be good and not to be understood, this is the wrong tool: take a
pretrained transformer.
"""
from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import standard_library

import functrans as ft
from functrans import zoo

VOCABULARY = 128                                # characters, the rarest are unknown


# ---- text ----

def load(short: bool, count: int | None = None) -> tuple:
    """(vocabulary, characters to learn from, held-out characters): arrays of numbers.

    count: of characters of each, at most.
    """
    learn, held_out = standard_library.in_two_parts(standard_library.modules(60 if short else None))
    text, rest = ("\n".join(text for _, text in part) for part in (learn, held_out))
    if short:
        text, rest = text[:120_000], rest[:12_000]
    text, rest = text[:count], rest[:count]
    vocabulary = zoo.data.char_vocabulary(text, VOCABULARY)
    return vocabulary, vocabulary.encode(text), vocabulary.encode(rest)


# ---- the baseline ----

class NGrams:
    """Counts of contexts of 0 to n-1 characters, interpolated by Witten and Bell's rule.

    P_m(x | last m) = (count(last m, x) + kinds(last m) P_{m-1}(x | last m-1))
                      / (count(last m) + kinds(last m))

    where kinds is the number of different characters that came after. Witten, Bell, "The
    zero-frequency problem" (IEEE Transactions on Information Theory, 1991).
    """

    def __init__(self, order: int, size: int):
        self.order, self.size = order, size

    def fit(self, text: np.ndarray) -> NGrams:
        self.tables = [self._count(self._contexts(text, m), text) for m in range(self.order)]
        return self

    def _contexts(self, text: np.ndarray, m: int) -> np.ndarray:
        """The last m characters before each one, as one number; 0 stands before the text."""
        padded = np.concatenate([np.zeros(m, np.int64), text])
        numbers = np.zeros(len(text), np.int64)
        for k in range(m):
            numbers = numbers * self.size + padded[k:k + len(text)]
        return numbers

    def _count(self, contexts: np.ndarray, text: np.ndarray) -> tuple:
        pairs, counts = np.unique(contexts * self.size + text, return_counts=True)
        own, first, kinds = np.unique(pairs // self.size, return_index=True, return_counts=True)
        return pairs, counts, own, np.add.reduceat(counts, first), kinds

    def probabilities(self, text: np.ndarray) -> np.ndarray:
        """Of each character after those before it."""
        chances = np.full(len(text), 1 / self.size)
        for m, (pairs, counts, own, totals, kinds) in enumerate(self.tables):
            contexts = self._contexts(text, m)
            count = _found(pairs, counts, contexts * self.size + text)
            total, kind = _found(own, totals, contexts), _found(own, kinds, contexts)
            seen = total > 0
            chances[seen] = ((count + kind * chances) / np.maximum(total + kind, 1))[seen]
        return chances

    def bits(self, text: np.ndarray) -> float:
        """Bits that a character costs."""
        return -np.log2(self.probabilities(text)).mean()


def _found(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The values of keys, 0 for those that are not there; keys are sorted."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], 0)


# ---- the network ----

def loss(params, batch, carry):
    """Of a window, and the state after it: gradients are truncated at its start."""
    return zoo.lstm_lm.loss(params, *batch, carry)


def first_state(options) -> zoo.lstm.State:
    shape = (options.layers, options.batch, options.hidden)
    return zoo.lstm.State(*[np.zeros(shape, np.float32)] * 2)


def make_optimizer(options, steps: int):
    rate = ft.optim.warmup_cosine_decay_schedule(
        0.0, options.learning_rate, min(200, steps // 10), steps, options.learning_rate / 100)
    return ft.optim.chain(ft.optim.clip_by_global_norm(1.0), ft.optim.adam(rate))


@ft.jit
def held_out_loss(params, inputs, targets, carry):
    return zoo.lstm_lm.loss(params, inputs, targets, carry)


def bits(params, text: np.ndarray, options, lanes: int = 16) -> float:
    """Bits that a character costs, in long windows with the state carried along."""
    shape = (options.layers, lanes, options.hidden)
    carry, losses = zoo.lstm.State(*[np.zeros(shape, np.float32)] * 2), []
    for inputs, targets in zoo.sequences.windows(text, lanes, options.steps):
        value, carry = held_out_loss(params, inputs, targets, carry)
        losses.append(float(value))
    return np.mean(losses) / math.log(2)


sample = ft.jit(zoo.lstm_lm.sample, static_argnames="steps")


def write(params, vocabulary, seed: int, length: int = 240) -> str:
    """Some lines that the network makes up."""
    prompt = vocabulary.encode("\ndef ")[:, None]
    text = sample(params, ft.random.key(seed), prompt, steps=length, temperature=0.7)
    return "def " + vocabulary.decode(np.asarray(text)[:, 0])


# ---- the program ----

def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=4, help="passes over the text")
    parser.add_argument("--hidden", type=int, default=256, help="units of a layer")
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--features", type=int, default=64, help="numbers of a character's vector")
    parser.add_argument("--batch", type=int, default=64, help="streams that are read side by side")
    parser.add_argument("--steps", type=int, default=64, help="characters of a window")
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoints", type=Path, help="folder to save to and to go on from")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output",
                        help="folder for the picture")
    parser.add_argument("--device", default="cpu", help='"cpu" or "cuda"')
    parser.add_argument("--characters", type=int, help="learn from so many characters only")
    parser.add_argument("--sample", type=int, default=240, help="characters that it makes up")
    parser.add_argument("--short", action="store_true", help="a small network on a little text")
    options = parser.parse_args(arguments)
    if options.short:
        options.hidden, options.features, options.batch, options.steps = 64, 16, 16, 32
    return options


def main(arguments=None):
    options = parse(arguments)
    with ft.default_device(options.device):
        train(options)


def train(options):
    """Trains and tells of it, on the default device."""
    vocabulary, text, rest = load(options.short, options.characters)
    print(f"{len(text):,} characters to learn from, {len(rest):,} held out, of "
          f"{len(vocabulary)} kinds")
    baseline = NGrams(5, len(vocabulary)).fit(text).bits(rest)
    print(f"interpolated 5-gram: {baseline:.3f} bits a character")
    params = zoo.lstm_lm.init(ft.random.key(options.seed), len(vocabulary), options.features,
                              options.hidden, options.layers)
    windows = list(zoo.sequences.windows(text, options.batch, options.steps))
    print(f"LSTM: {sum(leaf.size for leaf in ft.tree.leaves(params)):,} parameters, "
          f"{options.epochs} epochs of {len(windows)} steps\n")
    start, processor = time.perf_counter(), time.process_time()

    def report(run):
        score = bits(run.params, rest, options)
        run.history.setdefault("held_out_bits", []).append(score)
        words = write(run.params, vocabulary, run.epoch, options.sample)
        print(f"after {run.step} steps, {time.perf_counter() - start:.0f} s: {score:.3f} bits a "
              f"character\n{_indented(words)}\n", flush=True)
    run = zoo.fit(loss, params, windows, make_optimizer(options, options.epochs * len(windows)),
                  options.epochs, carry=first_state(options), callbacks=[report],
                  checkpoints=options.checkpoints, checkpoint_every=500,
                  plot=options.output / "char_lstm.png")
    print(f"bits a character of held-out files\n  functrans LSTM       "
          f"{run.history['held_out_bits'][-1]:.3f}\n  interpolated 5-gram  {baseline:.3f}\n"
          f"in {time.perf_counter() - start:.0f} s, of which the processors worked "
          f"{time.process_time() - processor:.0f} s")


def _indented(text: str) -> str:
    return "\n".join("    " + line for line in text.splitlines())


if __name__ == "__main__":
    main()
