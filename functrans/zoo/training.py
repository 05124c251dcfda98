"""The training loop that people expect: `zoo.fit`.

In: a loss, parameters, data, an optimizer. Out: a `Run`: trained parameters and a history. What a
step does is one jitted function; all else here is bookkeeping on the host. Imports `api`, `tree`,
`optim`, `random`, `zoo.data`, `zoo.saving` and what shows the progress.
"""
from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from functrans import optim, random, stop_gradient, tree
from functrans import numpy as fnp
from functrans.api.grad import grad, value_and_grad
from functrans.api.jit import jit
from functrans.errors import ArgumentError
from functrans.optim.precision import LossScalingState
from functrans.zoo import curves
from functrans.zoo.data import Batches, Ragged
from functrans.zoo.events import Writer
from functrans.zoo.progress import Progress
from functrans.zoo.saving import Saver, non_finite_loss


@dataclass
class Run:
    """Where a training run stands.

    params: the parameters. state: that of the optimizer. carry: what the loss hands from batch to
    batch. history: lists of one number each epoch: "epoch", "step", "seconds", "loss",
    "validation_loss" and metrics. step: how many were taken. epoch, batch: which comes next.
    stopped: why the run ended before its last epoch: "patience", "callback", or "".
    best_params, best_loss: of the best epoch so far, where there is patience.
    """
    params: Any
    state: Any
    carry: Any = None
    history: dict = field(default_factory=dict)
    step: int = 0
    epoch: int = 0
    batch: int = 0
    stopped: str = ""
    best_params: Any = None
    best_loss: float = math.inf
    waited: int = 0                              # epochs since the best one
    losses: float = 0.0                          # of the steps of this epoch, added up
    seconds: float = 0.0


def fit(loss: Callable, params, data, optimizer, epochs: int, *, batch_size: int = 32, key=None,
        carry=None, validation=None, metrics: dict | None = None, patience: int | None = None,
        checkpoints=None, checkpoint_every: int | None = None, keep: int = 3, resume: bool = True,
        callbacks: Sequence[Callable] = (), step_callbacks: Sequence[Callable] = (),
        progress: bool = True, tensorboard=None, plot=None) -> Run:
    """Trains parameters: for each batch of each epoch one step of the optimizer.

    loss: `loss(params, batch)` gives a scalar. If it has a parameter named `key`, each step gives
        it another key there (validation gives none: let it be None by default). With `carry`
        it is called with `carry=` and returns (scalar, next carry).
    params: a pytree of arrays. data: `data.Batches`; or arrays and `data.Ragged` in tuples or
        dicts, one row for each example, which are shuffled and batched; or what can be iterated
        anew for each epoch and gives batches: a list of them, for example.
    optimizer: of `optim`. Where it scales the loss (`dynamic_loss_scaling`), that is done here.
    epochs: how often the data are gone through, in all, those before a resumption included.
    batch_size: for data that are not batches yet. key: for shuffling and the loss.
    carry: the first of what is handed from batch to batch within an epoch, as the state of a
        recurrent model, so that gradients are truncated at the batch.
    validation: data as above, on which the loss is computed after each epoch. metrics: names and
        functions `(params, batch)` to a scalar, computed there too: means over examples.
    patience: ends the run after so many epochs without a smaller loss (of validation, if there
        is one), and returns the best parameters.
    checkpoints: a folder. A checkpoint is written after each epoch, and every `checkpoint_every`
        steps: in safetensors with the extra `io`, in NumPy's format without; the last `keep`
        stay. It holds parameters, the optimizer's state, carry, key, history and the place in the
        data, so that a run that was killed goes on, if `resume`, as if nothing had been.
    callbacks: functions of the `Run`, called after each epoch; one that returns True ends it.
    step_callbacks: the same after each step, with the loss of the step as a second argument.
    progress: whether to show a bar. tensorboard: a folder for event files. plot: a PNG file for
        the learning curves (extra `examples`).
    Returns the `Run`: `.params`, `.history`.
    Raises NonFiniteError (a FloatingPointError) when the loss is not finite: it names the step,
    the first parameter that is not finite or has no finite gradient, and the last checkpoint.

    >>> import numpy as np, functrans as ft
    >>> x = np.linspace(-1, 1, 20, dtype="float32")
    >>> def loss(params, batch):
    ...     x, y = batch
    ...     return ((params["a"] * x + params["b"] - y) ** 2).mean()
    >>> run = ft.zoo.fit(loss, {"a": 0.0, "b": 0.0}, (x, 2 * x + 1), ft.optim.adam(0.1), epochs=200,
    ...                  progress=False)
    >>> round(float(run.params["a"]), 2), round(float(run.params["b"]), 2)
    (2.0, 1.0)
    """
    if metrics and validation is None:
        raise ArgumentError("fit: metrics are computed on validation data; give validation=")
    params = tree.map(fnp.asarray, params)
    run = Run(params, optimizer.init(params), carry)
    run.best_params = params if patience is not None else None
    saver = Saver(checkpoints, keep, checkpoint_every)
    key = saver.restore(run, random.key(0) if key is None else key, resume)
    data_key, loss_key = random.split(key)
    data, validation = _as_batches(data, batch_size, data_key), _as_batches(validation, batch_size)
    stepper = _Stepper(loss, optimizer, loss_key, carry is not None)
    judge = _Judge(loss, metrics or {}, validation, carry)
    shown = Progress(epochs, _length(data)) if progress else None
    writer = None if tensorboard is None else Writer(tensorboard)
    hooks = _Hooks(saver, key, shown, writer, callbacks, step_callbacks)
    try:
        while run.epoch < epochs and not run.stopped:
            _run_epoch(run, data, stepper, judge, carry, patience, hooks)
    finally:
        if writer is not None:
            writer.close()
    if plot is not None and run.history:
        curves.save_curves(run.history, plot)
    run.params = run.params if patience is None else run.best_params
    return run


def _run_epoch(run: Run, data, stepper, judge, carry, patience, hooks):
    start = time.monotonic()
    if not run.batch:
        run.carry, run.losses = carry, 0.0
    with closing(_epoch(data, run.epoch, run.batch)) as batches:
        for batch in batches:
            value = stepper.step(run, batch, hooks.saver)
            hooks.after_step(run, value)
            if run.stopped:
                return
    if not run.batch:
        raise ArgumentError(f"fit: epoch {run.epoch} has no batches. Data that are iterated must "
                            "start anew each time: a list, data.Batches, but not a generator")
    numbers = {"loss": run.losses / run.batch, **judge.judge(run.params)}
    run.seconds += time.monotonic() - start
    _record(run, numbers)
    _wait(run, numbers, patience)
    run.epoch, run.batch = run.epoch + 1, 0
    hooks.after_epoch(run, numbers)


def _record(run: Run, numbers: dict):
    places = {"epoch": run.epoch, "step": run.step, "seconds": run.seconds}
    for name, value in {**places, **numbers}.items():
        run.history.setdefault(name, []).append(value)


def _wait(run: Run, numbers: dict, patience: int | None):
    """Keeps the best parameters, and ends a run that does not get better."""
    if patience is None:
        return
    value = numbers.get("validation_loss", numbers["loss"])
    if value < run.best_loss:
        run.best_loss, run.best_params, run.waited = value, run.params, 0
        return
    run.waited += 1
    if run.waited >= patience:
        run.stopped = "patience"


# ---- the step ----

class _Stepper:
    """Takes steps: the one jitted function of a run."""

    def __init__(self, loss: Callable, optimizer, key, carried: bool):
        self.loss, self.optimizer = loss, optimizer
        self.key = key if _takes_key(loss) else None
        self.carried = carried
        self.jitted = jit(self._compute)

    def step(self, run: Run, batch, saver: Saver) -> float:
        """One step; the loss before it."""
        extras = self._extras(run)
        params, state, value, carry = self.jitted(run.params, run.state, batch, extras)
        value = float(value)
        if not math.isfinite(value):
            raise non_finite_loss(run, value, batch, self._gradient(run, batch, extras), saver)
        run.params, run.state, run.carry = params, state, carry
        run.step, run.batch, run.losses = run.step + 1, run.batch + 1, run.losses + value
        return value

    def _extras(self, run: Run) -> dict:
        extras = {"carry": run.carry} if self.carried else {}
        if self.key is not None:
            extras["key"] = random.fold_in(self.key, run.step)
        return extras

    def _compute(self, params, state, batch, extras):
        scale = _scale_of(state)

        def scaled(params):
            value, carry = _split(self.loss(params, batch, **extras), self.carried)
            return value * scale, (value, carry)
        (_, (value, carry)), gradients = value_and_grad(scaled, has_aux=True)(params)
        updates, state = self.optimizer.update(gradients, state, params)
        return optim.apply_updates(params, updates), state, value, carry

    def _gradient(self, run: Run, batch, extras):
        return jit(grad(lambda params: _split(self.loss(params, batch, **extras),
                                                    self.carried)[0]))(run.params)


def _takes_key(loss: Callable) -> bool:
    try:
        return "key" in inspect.signature(loss).parameters
    except (TypeError, ValueError):
        return False


def _split(result, carried: bool) -> tuple:
    """(value, carry) of what a loss returned."""
    if not carried:
        return result, None
    if not (isinstance(result, (tuple, list)) and len(result) == 2):
        raise ArgumentError("fit: with carry= the loss returns a pair (scalar, next carry), got "
                            f"{type(result).__name__}")
    return result[0], stop_gradient(result[1])


def _scale_of(state):
    """The factor of the loss that the optimizer asks for."""
    nodes = tree.leaves(state, is_leaf=lambda node: isinstance(node, LossScalingState))
    scales = any(isinstance(node, LossScalingState) for node in nodes)
    return optim.loss_scale(state) if scales else 1


# ---- validation ----

class _Judge:
    """Computes the loss and metrics on validation data."""

    def __init__(self, loss: Callable, metrics: dict, validation, carry):
        self.data, self.carry = validation, carry
        self.loss = jit(loss)
        self.metrics = {name: jit(metric) for name, metric in metrics.items()}

    def judge(self, params) -> dict:
        """Means by name; nothing without validation data."""
        if self.data is None:
            return {}
        totals: dict = {}
        carry, count = self.carry, 0
        with closing(_epoch(self.data, 0, 0)) as batches:
            for batch, weight in zip(batches, _sizes(self.data)):
                values, carry = self._values(params, batch, carry)
                for name, value in values.items():
                    totals[name] = totals.get(name, 0.0) + weight * float(value)
                count += weight
        if not count:
            raise ArgumentError(
                "fit: the validation data have no batches; they must start anew each "
                "time: a list, data.Batches, but not a generator")
        return {f"validation_{name}": total / count for name, total in totals.items()}

    def _values(self, params, batch, carry) -> tuple:
        carried = self.carry is not None
        extras = {"carry": carry} if carried else {}
        value, carry = _split(self.loss(params, batch, **extras), carried)
        metrics = {name: metric(params, batch) for name, metric in self.metrics.items()}
        return {"loss": value, **metrics}, carry


def _sizes(data) -> Iterable[int]:
    """How many examples each batch has, where that is known."""
    if isinstance(data, Batches):
        return [len(rows) for rows in data.plan(0)]
    return iter(lambda: 1, 0)


# ---- data ----

def _as_batches(data, batch_size: int, key=None):
    """Data as something that gives batches: arrays are batched, all else does so by itself."""
    if data is None or isinstance(data, Batches) or hasattr(data, "epoch"):
        return data
    leaves = tree.leaves(data)
    arrays = leaves and all(isinstance(leaf, Ragged) or hasattr(leaf, "shape") for leaf in leaves)
    if arrays and (not isinstance(data, list) or isinstance(data[0], Ragged)):
        return Batches(data, batch_size, key=key)
    return data


def _epoch(data, number: int, start: int) -> Iterator:
    """The batches of an epoch from `start` on, as a generator."""
    if hasattr(data, "epoch"):
        yield from data.epoch(number, start)
    else:
        yield from islice(iter(data), start, None)


def _length(data) -> int | None:
    try:
        return len(data)
    except TypeError:
        return None


# ---- what happens beside ----

@dataclass
class _Hooks:
    """All that looks at a run while it goes on."""
    saver: Saver
    key: Any
    progress: Progress | None
    writer: Writer | None
    callbacks: Sequence[Callable]
    step_callbacks: Sequence[Callable]

    def after_step(self, run: Run, value: float):
        if self.progress is not None:
            self.progress.step(run.epoch, run.batch, value)
        if self.writer is not None:
            self.writer.scalar("loss", value, run.step)
        self._call(self.step_callbacks, run, value)
        if self.saver.is_due(run.step):
            self.saver.save(run, self.key)

    def after_epoch(self, run: Run, numbers: dict):
        if self.progress is not None:
            self.progress.epoch(run.epoch - 1, numbers)
        for name, value in numbers.items():
            if self.writer is not None and name != "loss":
                self.writer.scalar(name, value, run.step)
        if self.writer is not None:
            self.writer.flush()
        self._call(self.callbacks, run)
        self.saver.save(run, self.key)

    @staticmethod
    def _call(callbacks: Sequence[Callable], *arguments):
        if any([callback(*arguments) is True for callback in callbacks]):
            arguments[0].stopped = "callback"
