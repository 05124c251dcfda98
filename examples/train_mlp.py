"""Trains a multilayer perceptron on the handwritten digits that come with scikit-learn.

    python examples/train_mlp.py [--epochs 100] [--show-ir] [--show-kernels] ...

1,797 real scans of 8x8 pixels; a fifth of them is held out. One jitted function makes a training
step: it shifts and blurs the images, differentiates the loss and moves the parameters. Two
pictures are left in the output folder: the learning curves, and predictions on held-out digits.
"""
from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import functrans as ft
import functrans.numpy as fnp
from functrans.extras import require

SIDE = 8                                      # pixels of a side of an image
CLASSES = 10


# ---- data ----

def load_digits(key, count: int | None = None):
    """(train images, train labels, test images, test labels), shuffled; pixels from 0 to 1.

    Images are arrays of shape (n, 64), labels of shape (n,). count: of both together, if not all.
    """
    digits = require("sklearn.datasets", "examples").load_digits()
    images = (digits.data / digits.data.max()).astype("float32")
    order = np.asarray(ft.random.permutation(key, len(images)))[:count]
    test, train = np.split(order, [len(order) // 5])
    return images[train], digits.target[train], images[test], digits.target[test]


def baselines(data) -> dict[str, float]:
    """The accuracy of two classical methods of scikit-learn on the same split."""
    linear = require("sklearn.linear_model", "examples").LogisticRegression(max_iter=2000)
    neighbours = require("sklearn.neighbors", "examples").KNeighborsClassifier(3)
    images, labels, test_images, test_labels = data
    return {name: model.fit(images, labels).score(test_images, test_labels)
            for name, model in (("logistic regression", linear), ("3 neighbours", neighbours))}


def augment(key, images, noise=0.1):
    """Images moved sideways by up to one pixel, with noise: a new variant at each step."""
    offset_key, noise_key = ft.random.split(key)
    offsets = ft.random.randint(offset_key, (len(images),), 0, 3)
    wide = fnp.pad(images.reshape(-1, SIDE, SIDE), ((0, 0), (0, 0), (1, 1)))
    window = ft.vmap(lambda image, left: ft.lax.dynamic_slice(image, (0, left), (SIDE, SIDE)))
    moved = window(wide, offsets).reshape(images.shape)
    return moved + noise * ft.random.normal(noise_key, images.shape)


# ---- the training step ----

def loss_of(params, images, labels):
    logits = ft.zoo.mlp.apply(params, images)
    return ft.nn.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def make_step(optimizer):
    """One step, jitted: (params, state, key, images, labels) -> (params, state, loss)."""
    @ft.jit
    def step(params, state, key, images, labels):
        loss, gradients = ft.value_and_grad(loss_of)(params, augment(key, images), labels)
        updates, state = optimizer.update(gradients, state, params)
        return ft.optim.apply_updates(params, updates), state, loss
    return step


@ft.jit
def accuracy(params, images, labels):
    predictions = fnp.argmax(ft.zoo.mlp.apply(params, images), axis=-1)
    return (predictions == labels).mean()


class Training:
    """Parameters on their way: `run` is one pass over the data, `history` what it was like."""

    def __init__(self, options, data):
        self.images, self.labels, self.test_images, self.test_labels = data
        self.key = ft.random.key(options.seed)
        self.batch = min(options.batch_size, len(self.images))
        self.steps = len(self.images) // self.batch
        rate = ft.optim.cosine_decay_schedule(options.learning_rate, options.epochs * self.steps)
        optimizer = ft.optim.adamw(rate, weight_decay=1e-2)
        self.params = ft.zoo.mlp.init(self.key, (SIDE * SIDE, *options.hidden, CLASSES))
        self.state = optimizer.init(self.params)
        self.step = make_step(optimizer)
        self.history = {"loss": [], "train": [], "test": []}

    def first_arguments(self):
        """What the first step is called with."""
        return (self.params, self.state, self.key, self.images[:self.batch],
                self.labels[:self.batch])

    def run(self, epoch: int):
        key = ft.random.fold_in(self.key, epoch)
        order = np.asarray(ft.random.permutation(key, len(self.images)))
        losses = []
        for number in range(self.steps):
            chosen = order[number * self.batch:(number + 1) * self.batch]
            self.params, self.state, loss = self.step(
                self.params, self.state, ft.random.fold_in(key, number), self.images[chosen],
                self.labels[chosen])
            losses.append(float(loss))
        self.history["loss"].append(np.mean(losses))
        self.history["train"].append(float(accuracy(self.params, self.images, self.labels)))
        self.history["test"].append(
            float(accuracy(self.params, self.test_images, self.test_labels)))


# ---- pictures ----

BLUE, ORANGE, GREY, RED, GREEN = "#2563a8", "#d97706", "#8a8f98", "#c2292e", "#2f855a"


def pyplot():
    """Matplotlib, drawing into files, in our style."""
    require("matplotlib", "examples").use("Agg")
    plt = require("matplotlib.pyplot", "examples")
    plt.rcParams.update({"figure.dpi": 130, "font.size": 10, "axes.titlesize": 11,
                         "axes.spines.top": False, "axes.spines.right": False,
                         "axes.grid": True, "grid.alpha": 0.25,
                         "figure.constrained_layout.use": True})
    return plt


def draw_learning_curves(history: dict, others: dict, path: Path):
    """The loss by epoch, and errors on a logarithmic scale, beside those of the baselines."""
    plt = pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8))
    epochs = np.arange(1, len(history["loss"]) + 1)
    left.semilogy(epochs, history["loss"], color=BLUE)
    left.set(title="Training loss (augmented images)", xlabel="epoch", ylabel="cross entropy")
    for name, color in (("train", BLUE), ("test", ORANGE)):
        right.plot(epochs, 100 * (1 - np.array(history[name])), color=color,
                   label=f"MLP, {name}: {100 * (1 - history[name][-1]):.1f}%")
    for (name, score), style in zip(others.items(), ("--", ":")):
        right.axhline(100 * (1 - score), color=GREY, linestyle=style, linewidth=1.2,
                      label=f"{name}, test: {100 * (1 - score):.1f}%")
    right.set(title="Scans read wrongly", xlabel="epoch", ylabel="error (%)")
    right.set_yscale("symlog", linthresh=0.5)
    right.set_yticks([0, 0.5, 1, 2, 5, 10, 20, 50], ["0", "0.5", "1", "2", "5", "10", "20", "50"])
    right.set_ylim(0, 100)
    right.legend(frameon=False, fontsize=9)
    figure.savefig(path)
    plt.close(figure)


def draw_predictions(training: Training, path: Path, count: int = 40):
    """Held-out digits, wrong ones first, each with what the network says and how surely."""
    plt = pyplot()
    images, labels = training.test_images, training.test_labels
    chances = np.asarray(ft.nn.softmax(ft.zoo.mlp.apply(training.params, images)))
    guesses = chances.argmax(-1)
    order = np.argsort(guesses == labels, kind="stable")[:count]
    figure, axes = plt.subplots(-(-len(order) // 10), 10, figsize=(10, 5.4), squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, index in zip(axes.flat, order):
        right = guesses[index] == labels[index]
        axis.imshow(images[index].reshape(SIDE, SIDE), cmap="gray_r", vmin=0, vmax=1)
        title = f"{guesses[index]}  {chances[index].max():.0%}"
        axis.set_title(title if right else f"{title}\nis {labels[index]}",
                       color=GREEN if right else RED, fontsize=9)
    wrong = int((guesses != labels).sum())
    figure.suptitle(f"What the network reads on held-out scans: {len(labels) - wrong} of "
                    f"{len(labels)} right; the {wrong} wrong ones first")
    figure.savefig(path)
    plt.close(figure)


# ---- the program ----

def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=100, help="passes over the data")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hidden", type=int, nargs="*", default=[256, 128],
                        help="sizes of the hidden layers")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help='"cpu" or "cuda"')
    parser.add_argument("--scans", type=int, help="use so many scans only")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "output",
                        help="folder for the pictures")
    parser.add_argument("--show-ir", action="store_true",
                        help="print the Program of the training step, as traced and optimized")
    parser.add_argument("--show-kernels", action="store_true",
                        help="print the kernels of the training step")
    options = parser.parse_args(arguments)
    for name in ("epochs", "batch_size"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def show(training: Training, options):
    """Prints what the training step became."""
    lowered = training.step.lower(*training.first_arguments())
    if options.show_ir:
        print(lowered.as_text())
    if options.show_kernels:
        print(lowered.source())


def main(arguments=None):
    options = parse(arguments)
    progress = require("tqdm", "examples").trange
    pyplot()                                   # says so at once if it is missing
    data = load_digits(ft.random.key(options.seed), options.scans)
    with ft.default_device(options.device):
        training = train(options, data, progress)
    report(training, baselines(data), options)


def train(options, data, progress) -> Training:
    """All epochs, on the default device."""
    training = Training(options, data)
    if options.show_ir or options.show_kernels:
        show(training, options)
    start = time.perf_counter()
    with progress(options.epochs, desc="training", unit="epoch") as bar:
        for epoch in bar:
            training.run(epoch)
            bar.set_postfix(loss=f"{training.history['loss'][-1]:.4f}",
                            test=f"{training.history['test'][-1]:.2%}", refresh=False)
    training.seconds = time.perf_counter() - start
    return training


def report(training: Training, others: dict, options):
    """Prints scores and draws the pictures."""
    size = sum(leaf.size for leaf in ft.tree.leaves(training.params))
    print(f"{len(training.images)} scans to learn from, {len(training.test_images)} held out; "
          f"{size:,} parameters")
    print(f"{options.epochs * training.steps} steps in {training.seconds:.1f} s\n\naccuracy on "
          f"held-out scans\n  functrans MLP        {training.history['test'][-1]:.2%}")
    for name, score in others.items():
        print(f"  {name:<20} {score:.2%}   (scikit-learn)")
    options.output.mkdir(parents=True, exist_ok=True)
    curves, samples = (options.output / f"mlp_{name}.png" for name in ("learning", "predictions"))
    draw_learning_curves(training.history, others, curves)
    draw_predictions(training, samples)
    print(f"\npictures: {curves}\n          {samples}")


if __name__ == "__main__":
    main()
