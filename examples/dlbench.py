"""The rows FCN5 and LSTM of a survey of deep-learning software, here: functrans, JAX, PyTorch.

    python examples/dlbench.py [--batches 64 128] [--threads 1 2] [--short]

For each batch size and number of threads the milliseconds of one training step: forwards,
backwards and, for FCN5, the step of gradient descent. FCN5 is 784-2048-4096-1024-10 with sigmoids;
LSTM a language model of 10,000 words, embedding 256, two layers of 256, 32 steps. All libraries get
the same numbers, and their results are compared. They take turns, each in a process of its own,
kept on as many cores as there are threads. A library that is not installed is left out.

The survey: Shi, Wang, Xu, Chu, "Benchmarking state-of-the-art deep learning software tools" (arXiv
1608.07249). On hardware like this, deep learning of this size is for trying things out: a graphics
card does the same steps some ten to a hundred times as fast.
"""
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import machine  # noqa: E402
from benchmarks.data import dense, integers, normal, tensors  # noqa: E402
from benchmarks.families.recurrent import lstm, lstm_weights, torch_lstm  # noqa: E402
from benchmarks.harness import Harness, Settings  # noqa: E402
from benchmarks.row import ROWS, row  # noqa: E402

BATCHES = (16, 32, 64, 128, 256, 342, 512, 1024)
SIZES = (784, 2048, 4096, 1024, 10)
VOCABULARY, FEATURES, LAYERS, STEPS = 10_000, 256, 2, 32


# ---- FCN5 ----

def fcn5_loss(lib, layers, x, labels):
    """Mean cross entropy; layers are pairs (weight, bias)."""
    if lib.name == "functrans":
        from functrans.zoo import fcn5
        return fcn5.loss([dict(zip(("weight", "bias"), layer)) for layer in layers], x, labels)
    for weight, bias in layers[:-1]:
        x = lib.nn.sigmoid(x @ weight + bias)
    logits = x @ layers[-1][0] + layers[-1][1]
    chosen = lib.numpy.take_along_axis(logits, labels[:, None], 1)[:, 0]
    return (lib.nn.logsumexp(logits, -1) - chosen).mean()


def fcn5_row(batch: int, sizes: tuple = SIZES, name: str = "FCN5"):
    examples = normal(batch, sizes[0]), integers(sizes[-1], batch)

    @row(f"dlbench {name}, batch {batch}", tolerance=1e-3)
    def train(lib):
        def step(layers, x, labels):
            value, slopes = lib.value_and_grad(
                lambda layers: fcn5_loss(lib, layers, x, labels))(layers)
            return value, lib.tree_map(lambda p, slope: p - 0.01 * slope, layers, slopes)
        return lib.jit(step), lib.arrays(dense(*sizes), *examples)

    @train.torch
    def _(torch):
        layers = [tensors(*layer, grad=True) for layer in dense(*sizes)]
        parameters = [p for layer in layers for p in layer]
        given, labels = tensors(*examples)

        def step():
            x = given
            for weight, bias in layers[:-1]:
                x = torch.sigmoid(torch.addmm(bias, x, weight))
            logits = torch.addmm(layers[-1][1], x, layers[-1][0])
            value = torch.nn.functional.cross_entropy(logits, labels)
            slopes = torch.autograd.grad(value, parameters)
            with torch.no_grad():
                return value, torch._foreach_add(parameters, slopes, alpha=-0.01)
        return step, ()


# ---- LSTM ----

def lstm_loss(lib, weights, words, following):
    """Mean cross entropy of the words that follow."""
    if lib.name == "functrans":
        return _zoo_loss(lib, weights, words, following)
    x = weights["embedding"][words]
    for layer in weights["layers"]:
        x = lstm(lib, layer, x)
    logits = (x @ weights["out"]).reshape(-1, weights["out"].shape[1])
    chosen = lib.numpy.take_along_axis(logits, following.reshape(-1, 1), 1)[:, 0]
    return (lib.nn.logsumexp(logits, -1) - chosen).mean()


def _zoo_loss(lib, weights, words, following):
    from functrans.zoo import lstm_lm
    layers = tuple({"forward": {"input_weight": layer["wx"], "recurrent_weight": layer["wh"],
                                "bias": layer["b"]}} for layer in weights["layers"])
    output = {"weight": weights["out"], "bias": lib.numpy.zeros(weights["out"].shape[1])}
    params = {"embedding": {"weight": weights["embedding"]}, "lstm": layers, "output": output}
    return lstm_lm.loss(params, words, following)[0]


def lstm_row(batch: int, vocabulary: int = VOCABULARY, features: int = FEATURES,
             steps: int = STEPS, name: str = "LSTM"):
    def weights():
        return {"embedding": normal(vocabulary, features, scale=0.1),
                "layers": [lstm_weights(features, features, seed=10 * k)
                           for k in range(1, LAYERS + 1)],
                "out": normal(features, vocabulary, seed=5, scale=features ** -0.5)}
    text = [integers(vocabulary, steps, batch, seed=seed) for seed in (0, 1)]

    @row(f"dlbench {name}, batch {batch}", tolerance=1e-3)
    def train(lib):
        def loss(weights, words, following):
            return lstm_loss(lib, weights, words, following)
        return lib.jit(lib.value_and_grad(loss)), lib.arrays(weights(), *text)

    @train.torch
    def _(torch):
        own = weights()
        layer = torch_lstm(torch, own["layers"])
        embedding, out = tensors(own["embedding"], own["out"], grad=True)
        words, following = tensors(*text)

        def step():
            x = layer(torch.nn.functional.embedding(words, embedding))[0]
            logits = (x @ out).reshape(-1, vocabulary)
            value = torch.nn.functional.cross_entropy(logits, following.reshape(-1))
            first, *slopes, last = torch.autograd.grad(
                value, [embedding, *layer.parameters(), out])
            ours = [part for k in range(0, len(slopes), 4)
                    for part in (slopes[k + 2], slopes[k + 1].T, slopes[k].T)]
            return value, first, *ours, last
        return step, ()


# The processes of the libraries import this file and find the rows.
for _batch in BATCHES:
    fcn5_row(_batch)
    lstm_row(_batch)
fcn5_row(8, (20, 30, 10), "small FCN5")
lstm_row(4, 50, 8, 5, "small LSTM")


# ---- the program ----

def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 128, 342],
                        choices=BATCHES, metavar="N", help=f"of {', '.join(map(str, BATCHES))}")
    parser.add_argument("--threads", type=int, nargs="+", help="1 and all cores by default")
    parser.add_argument("--short", action="store_true", help="tiny networks, a moment each")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse(arguments)
    machine.clean_environment()
    threads = options.threads or sorted({1, machine.cores()})
    names = [f"dlbench {name}, batch {batch}" for name in ("FCN5", "LSTM")
             for batch in options.batches]
    settings = Settings(rounds=5, seconds=0.3)
    if options.short:
        names = ["dlbench small FCN5, batch 8", "dlbench small LSTM, batch 4"]
        settings = Settings(rounds=2, seconds=0.02)
    print("\n".join(machine.description()) + "\n\nmilliseconds of a training step\n")
    print(f"{'':32}{'threads':>8}{'functrans':>12}{'jax':>12}{'torch':>12}{'best peer/ours':>16}")
    everywhere = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    for count in threads:
        measure(names, count, settings)
        if everywhere:
            os.sched_setaffinity(0, everywhere)


def measure(names: list[str], threads: int, settings: Settings):
    """Prints the rows for a number of threads."""
    machine.use_cores(threads)
    with Harness(settings) as harness:
        for name in names:
            line = harness.measure(ROWS[name])
            cells = [line.seconds(library) for library in ("functrans", "jax", "torch")]
            shown = "".join(f"{'-' if seconds is None else f'{1e3 * seconds:.2f}':>12}"
                            for seconds in cells)
            ratio = line.ratio()
            print(f"{name:32}{threads:8}{shown}{'-' if ratio is None else f'{ratio:.2f}':>16}",
                  flush=True)
            for library, problem in line.problems.items():
                print(f"    {library}: {problem.strip()}", file=sys.stderr)


if __name__ == "__main__":
    main()
