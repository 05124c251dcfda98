"""Checkpoints of training runs, and what is said when a loss is not finite.

In: a `Run`. Out: files that it can be restored from, errors. Imports `tree`, `zoo.checkpoint`,
`errors`.
"""
from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from functrans import tree
from functrans.errors import NonFiniteError
from functrans.random.keys import wrap_key_data
from functrans.zoo.checkpoint import Folder

_TREES = ("params", "state", "carry", "best_params")
_NOTES = ("history", "step", "epoch", "batch", "stopped", "best_loss", "waited", "losses",
          "seconds")


class Saver:
    """Writes and reads the checkpoints of a run; does nothing without a folder.

    folder: a path, or None. keep: how many to keep. every: steps between two checkpoints within
    an epoch, or None.
    """

    def __init__(self, folder, keep: int = 3, every: int | None = None):
        suffix = ".safetensors" if find_spec("safetensors") else ".npz"
        self.folder = None if folder is None else Folder(folder, keep, suffix)
        self.every = every
        self.last = None                         # the path of the last checkpoint

    def is_due(self, step: int) -> bool:
        """Whether it is time for a checkpoint after a step."""
        return bool(self.every) and step % self.every == 0

    def save(self, run, key):
        """Writes a checkpoint. Raises NonFiniteError rather than keep parameters with a NaN."""
        if self.folder is None:
            return
        bad = bad_paths(run.params)
        if bad:
            raise NonFiniteError(f"after step {run.step} the parameter params{bad[0]} is not "
                                 f"finite.{self.advice()}")
        notes = {name: getattr(run, name) for name in _NOTES}
        self.last = self.folder.save(run.step, self._values(run, key), notes)

    def restore(self, run, key, resume: bool):
        """Puts a run where the last checkpoint was; its key."""
        if self.folder is None or not resume:
            return key
        found = self.folder.load_last(self._values(run, key))
        if found is None:
            return key
        self.last, values, notes = found
        for name in _TREES:
            setattr(run, name, values[name])
        for name in _NOTES:
            setattr(run, name, notes[name])
        return values["key"]

    @staticmethod
    def _values(run, key) -> dict:
        return {"key": wrap_key_data(key), **{name: getattr(run, name) for name in _TREES}}

    def advice(self) -> str:
        """Where to go on from."""
        if self.last is None:
            return (" No checkpoint was written; checkpoints=folder would have kept what was good."
                    if self.folder is None else " No checkpoint has been written yet.")
        return f" The last good checkpoint is {self.last}."


def bad_paths(values) -> list[str]:
    """The paths of leaves that hold a number that is not finite."""
    return [tree.keystr(path) for path, leaf in tree.leaves_with_path(values) if _is_bad(leaf)]


def _is_bad(leaf) -> bool:
    array = np.asarray(leaf)
    return array.dtype.kind not in "biu" and not np.isfinite(array).all()


def non_finite_loss(run, value: float, batch, gradient, saver: Saver) -> NonFiniteError:
    """The error for a loss that is not finite, with the first place where it shows."""
    where = f"the loss is {value} in step {run.step + 1} (epoch {run.epoch + 1}, batch " \
            f"{run.batch + 1})"
    return NonFiniteError(f"{where}. {_first_sign(run.params, batch, gradient)}{saver.advice()} "
                          "A smaller learning rate or optim.clip_by_global_norm often helps.")


def _first_sign(params, batch, gradient) -> str:
    bad = bad_paths(params)
    if bad:
        return f"The first parameter that is not finite is params{bad[0]}, since the step before."
    inputs, slopes = bad_paths(batch), bad_paths(gradient)
    text = "All parameters are finite" + (f", but batch{inputs[0]} is not." if inputs else ".")
    if slopes:
        text += f" The first parameter whose gradient is not finite is params{slopes[0]}."
    return text
