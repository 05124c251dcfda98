"""Learning curves as a picture, with the extra `examples` (matplotlib).

In: a history, as `zoo.fit` returns it. Out: a PNG file. Imports `extras`.
"""
from __future__ import annotations

from pathlib import Path

from functrans.extras import require


def save_curves(history: dict, path, title: str = ""):
    """Draws the numbers of a history over the epochs: losses on the left, all else on the right.

    history: lists by name, of one number each epoch. path: of the PNG.
    Raises MissingExtraError without matplotlib.
    """
    figure_class = require("matplotlib.figure", "examples").Figure
    names = [name for name in history if name not in ("epoch", "step", "seconds")]
    losses = [name for name in names if name.endswith("loss")]
    others = [name for name in names if name not in losses]
    panels = [part for part in (losses, others) if part]
    figure = figure_class(figsize=(5.5 * len(panels), 4), layout="constrained")
    for number, part in enumerate(panels):
        _panel(figure.add_subplot(1, len(panels), number + 1), history, part)
    figure.suptitle(title)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _panel(axes, history: dict, names: list[str]):
    epochs = [number + 1 for number in history["epoch"]]
    for name in names:
        axes.plot(epochs, history[name], label=name.replace("_", " "), marker=".",
                  linestyle="--" if name.startswith("validation") else "-")
    axes.set_xlabel("epoch")
    axes.set_xlim(left=1, right=max([*epochs, 2]))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
