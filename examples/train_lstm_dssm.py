"""Trains an LSTM-DSSM to find the function that a docstring describes.

    python examples/train_lstm_dssm.py [--epochs 4] [--hidden 192] [--short] ...

A query is the first paragraph of a docstring in the standard library, a document is what the body
of that function names: variables, attributes, functions, in the order of the text. Both are words,
and words are bags of hashed letter trigrams. Whole files are held out; there, each query ranks all
documents. NDCG@1 and @10 say how near the top its own is, 1 being always the first; beside them
stand those of two simpler things: the cosine of bags of trigrams, which learns nothing but how rare
a trigram is, and the plain DSSM, which does not know the order of words.

Some thousands of pairs are little. Where there are no more, and words are shared by both sides,
counting words is the right tool; and with the whole world's text at hand, a pretrained encoder.
"""
from __future__ import annotations

import argparse
import ast
import re
import time
import warnings
from pathlib import Path

import numpy as np
import standard_library

import functrans as ft
from functrans import zoo

BUCKETS = 4096                                  # of hashed trigrams
WIDTH = 12                                      # trigrams of a word at most
SHORTEST = 3                                    # words of a query or document
QUERY, DOCUMENT = (8, 16, 24), (16, 48)         # sizes of batches, in words


# ---- pairs ----

def words(text: str) -> list[str]:
    """Words in small letters; names are taken apart: `readLine_2` is read, line."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text)
    return [part.lower() for part in parts if len(part) > 1]


def pairs_of(text: str) -> list[tuple[list[str], list[str]]]:
    """(query, document) of each function of a module that has both."""
    with warnings.catch_warnings(action="ignore"):          # of odd escapes in old modules
        module = ast.parse(text)
    found = []
    for node in ast.walk(module):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            pair = _query(node), _document(node)
            if min(map(len, pair)) >= SHORTEST:
                found.append(pair)
    return found


def _query(node) -> list[str]:
    first, *_ = (ast.get_docstring(node) or "").split("\n\n")
    return words(first)[:QUERY[-1]]


def _document(node) -> list[str]:
    """What the body names, without the function's own name and without the docstring."""
    names = []
    for statement in node.body[1:]:
        for inner in ast.walk(statement):
            names += [getattr(inner, part) for part in ("id", "attr", "arg")
                      if isinstance(getattr(inner, part, None), str)]
    return words(" ".join(name for name in names if name != "self"))[:DOCUMENT[-1]]


def load(short: bool) -> tuple[list, list]:
    """Pairs to learn from, and held-out pairs, of other files. Queries are all different."""
    modules = standard_library.modules(80 if short else None)
    seen, parts = set(), []
    for part in standard_library.in_two_parts(modules, 8):
        pairs = []
        for _, text in part:
            for query, document in pairs_of(text):
                if tuple(query) not in seen:
                    seen.add(tuple(query))
                    pairs.append((query, document))
        parts.append(pairs)
    return parts[0], parts[1]


def trigrams(sentences: list[list[str]]) -> list[np.ndarray]:
    """For each sentence the hashed trigrams of its words: (words, WIDTH)."""
    return [zoo.data.trigram_ids(sentence, BUCKETS, WIDTH) for sentence in sentences]


# ---- measures ----

def ndcg(scores: np.ndarray, most: int) -> float:
    """Of queries whose own document is the only right one, and has their number.

    The gain at rank r is 1 / log2(1 + r), if r is not beyond `most`; equal scores share ranks.
    """
    own = np.diag(scores)[:, None]
    ranks = (scores > own).sum(1) + ((scores == own).sum(1) + 1) / 2
    return np.where(ranks <= most, 1 / np.log2(1 + ranks), 0).mean()


def cosines(queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """Of each query with each document."""
    units = [rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
             for rows in (queries, documents)]
    return units[0] @ units[1].T


def bags(rows: list[np.ndarray]) -> np.ndarray:
    """How often each trigram is in a sentence: (sentences, BUCKETS)."""
    return np.array([np.bincount(row[row >= 0], minlength=BUCKETS) for row in rows], float)


def counted(learn: tuple, held_out: tuple) -> np.ndarray:
    """The baseline: cosines of bags of trigrams, rare ones counting more.

    Weights are the logarithms of inverse document frequencies. Sparck Jones, "A statistical
    interpretation of term specificity" (1972).
    """
    frequency = (bags(learn[1]) > 0).mean(0)
    weights = -np.log(np.maximum(frequency, 1 / len(learn[1])))
    return cosines(*(bags(rows) * weights for rows in held_out))


# ---- two networks, each a pair of functions ----

def lstm_tower(options) -> tuple:
    """(init, encode) of the LSTM-DSSM."""
    def init(key):
        return zoo.lstm_dssm.init(key, BUCKETS, options.features, options.hidden)

    def encode(params, sentences):
        return zoo.lstm_dssm.encode(params, *sentences)
    return init, encode


def plain_tower(options) -> tuple:
    """(init, encode) of the DSSM: the bag of all trigrams, and two layers. Huang et al., 2013."""
    def init(key):
        first, second = ft.random.split(key)
        return {"embedding": zoo.embedding.init(first, BUCKETS, options.hidden),
                "mlp": zoo.mlp.init(second, (options.hidden, options.hidden, options.hidden))}

    def encode(params, sentences):
        ids = sentences[0].swapaxes(0, 1).reshape(sentences[0].shape[1], -1)
        bag = ft.nn.tanh(zoo.embedding.bag(params["embedding"], ids))
        return zoo.mlp.apply(params["mlp"], bag, ft.nn.tanh, ft.nn.tanh)
    return init, encode


def train(tower: tuple, learn: tuple, options, name: str):
    """Trained parameters."""
    init, encode = tower

    def loss(params, batch, key):
        queries, documents = (encode(params, part) for part in batch)
        chosen = documents[zoo.lstm_dssm.candidates(key, options.batch, options.unclicked)]
        scores = ft.nn.cosine_similarity(queries[:, None], chosen)
        return zoo.lstm_dssm.loss(scores, options.gamma)
    data = (zoo.data.Ragged(learn[0], QUERY, -1), zoo.data.Ragged(learn[1], DOCUMENT, -1))
    batches = zoo.data.Batches(data, options.batch, key=ft.random.key(1), drop_remainder=True)
    rate = ft.optim.cosine_decay_schedule(options.learning_rate, options.epochs * len(batches))
    optimizer = ft.optim.chain(ft.optim.clip_by_global_norm(1.0), ft.optim.adam(rate))
    return zoo.fit(loss, init(ft.random.key(options.seed)), batches, optimizer, options.epochs,
                   key=ft.random.key(2), plot=options.output / f"{name}.png").params


def learnt(tower: tuple, params, held_out: tuple) -> np.ndarray:
    """Cosines of all held-out queries and documents."""
    encode = ft.jit(tower[1])
    return cosines(*(np.asarray(encode(params, zoo.sequences.pad(rows, sizes[-1], -1)))
                     for rows, sizes in zip(held_out, (QUERY, DOCUMENT))))


# ---- the program ----

def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=4, help="passes over the pairs")
    parser.add_argument("--hidden", type=int, default=192, help="numbers of a sentence's vector")
    parser.add_argument("--features", type=int, default=128, help="numbers of a word's vector")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--unclicked", type=int, default=127, help="other documents of a query")
    parser.add_argument("--gamma", type=float, default=20.0, help="the smoothing factor")
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output",
                        help="folder for the pictures")
    parser.add_argument("--short", action="store_true", help="small networks on a few files")
    options = parser.parse_args(arguments)
    if options.short:
        options.hidden, options.features, options.epochs = 24, 16, 2
        options.batch, options.unclicked = 64, 16
    return options


def main(arguments=None):
    options = parse(arguments)
    learn, held_out = (tuple(map(trigrams, zip(*part))) for part in load(options.short))
    print(f"{len(learn[0]):,} functions to learn from, {len(held_out[0]):,} held out; each "
          f"held-out docstring ranks the {len(held_out[0]):,} held-out bodies\n")
    rows = {"bag of trigrams, cosine": (counted(learn, held_out), 0.0)}
    for name, tower in (("DSSM", plain_tower(options)), ("LSTM-DSSM", lstm_tower(options))):
        start = time.process_time()
        params = train(tower, learn, options, name.lower().replace("-", "_"))
        rows[f"functrans {name}"] = (learnt(tower, params, held_out), time.process_time() - start)
    print(f"{'':26}{'NDCG@1':>8}{'NDCG@10':>9}{'processor time':>17}")
    for name, (scores, seconds) in rows.items():
        print(f"{name:26}{ndcg(scores, 1):8.3f}{ndcg(scores, 10):9.3f}{seconds:15.0f} s")


if __name__ == "__main__":
    main()
