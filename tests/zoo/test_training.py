"""The training loop: what it computes, what it shows, how it stops and goes on."""
from __future__ import annotations

import io
import struct

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import nn, optim, random, zoo
from functrans.errors import NonFiniteError
from functrans.zoo.events import Writer, checksum, masked_checksum
from functrans.zoo.progress import Progress

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = X @ np.array([1, -2, 3], "float32") + 0.5
START = {"w": np.zeros(3, "float32"), "b": np.zeros((), "float32")}


def squares(params, batch):
    x, y = batch
    return ((x @ params["w"] + params["b"] - y) ** 2).mean()


def _fit(loss=squares, params=START, data=(X, Y), optimizer=None, epochs=3, **options):
    options = {"progress": False, "batch_size": 16, **options}
    return zoo.fit(loss, params, data, optimizer or optim.adam(0.1), epochs, **options)


def _same(a, b):
    for x, y in zip(ft.tree.leaves(a), ft.tree.leaves(b), strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.dtype == y.dtype and x.tobytes() == y.tobytes()


# ---- what it computes ----

def test_equals_a_loop_written_by_hand():
    batches = zoo.data.Batches((X, Y), 16, key=random.key(5))
    optimizer = optim.adamw(0.05)
    params, state = ft.tree.map(fnp.asarray, START), optimizer.init(START)
    means = []
    for epoch in range(3):
        losses = []
        for batch in batches.epoch(epoch):
            value, gradient = ft.value_and_grad(squares)(params, batch)
            updates, state = optimizer.update(gradient, state, params)
            params = optim.apply_updates(params, updates)
            losses.append(float(value))
        means.append(np.mean(losses))
    run = _fit(data=batches, optimizer=optimizer)
    for name in params:
        np.testing.assert_allclose(run.params[name], params[name], rtol=1e-5)
    np.testing.assert_allclose(run.history["loss"], means, rtol=1e-5)
    assert run.history["epoch"] == [0, 1, 2] and run.history["step"] == [3, 6, 9]
    assert type(run.history) is dict and run.step == 9 and run.stopped == ""


def test_validation_and_metrics_are_means_over_examples():
    def error(params, batch):
        return fnp.abs(batch[0] @ params["w"] + params["b"] - batch[1]).mean()
    run = _fit(validation=(X[:19], Y[:19]), metrics={"error": error})
    np.testing.assert_allclose(run.history["validation_loss"][-1],
                               squares(run.params, (X[:19], Y[:19])), rtol=1e-5)
    np.testing.assert_allclose(run.history["validation_error"][-1],
                               error(run.params, (X[:19], Y[:19])), rtol=1e-5)
    with pytest.raises(ValueError, match="give validation="):
        _fit(metrics={"error": error})


def test_the_loss_gets_a_new_key_each_step():
    seen = []

    def loss(params, batch, key=None):
        return squares(params, batch) + (0 if key is None else random.uniform(key) * 1e-3)
    _fit(loss, step_callbacks=[lambda run, value: seen.append(value)], optimizer=optim.sgd(0.0),
         data=[(X, Y)], epochs=4, validation=[(X, Y)])
    assert len(set(seen)) == 4 and max(seen) - min(seen) < 1e-3


def test_carry_goes_from_batch_to_batch_and_starts_anew_with_each_epoch():
    def loss(params, batch, carry):
        return params["w"] * batch + carry, carry + 2 * params["w"]
    seen = []
    run = _fit(loss, {"w": 1.0}, [10.0, 20.0, 30.0], optim.sgd(0.0), 2, carry=np.float32(0),
               step_callbacks=[lambda run, value: seen.append(value)], validation=[1.0, 1.0])
    assert seen == [10, 22, 34] * 2 and run.history["validation_loss"] == [2, 2]
    with pytest.raises(TypeError, match="returns a pair"):
        _fit(lambda params, batch, carry: params["w"], {"w": 1.0}, [1.0], carry=0.0)


def test_language_model_with_carried_state_is_truncated_at_the_batch():
    tokens = (np.arange(200) * 7 % 11 + np.arange(200) // 50) % 11
    windows = list(zoo.sequences.windows(tokens, 2, 8))
    params = zoo.lstm_lm.init(random.key(0), 11, 6, 8)

    def loss(params, batch, carry):
        return zoo.lstm_lm.loss(params, *batch, carry)
    start = zoo.lstm.State(*[np.zeros((1, 2, 8), np.float32)] * 2)
    run = _fit(loss, params, windows, optim.adam(0.02), 8, carry=start)
    assert run.history["loss"][-1] < 0.6 * run.history["loss"][0]


def test_scaled_losses_are_scaled_for_the_optimizer():
    optimizer = optim.dynamic_loss_scaling(optim.sgd(0.1), initial_scale=1024.0)
    plain = _fit(optimizer=optim.sgd(0.1))
    scaled = _fit(optimizer=optimizer)
    np.testing.assert_allclose(scaled.params["w"], plain.params["w"], rtol=1e-4)
    np.testing.assert_allclose(scaled.history["loss"], plain.history["loss"], rtol=1e-4)


def test_ragged_data():
    generator = np.random.default_rng(0)
    rows = [generator.integers(0, 5, length) for length in generator.integers(1, 20, 60)]
    labels = np.array([row[0] for row in rows])
    params = zoo.seq_classifier.init(random.key(0), 5, 8, 8, 5)

    def loss(params, batch):
        (tokens, lengths), labels = batch
        scores = zoo.seq_classifier.apply(params, tokens, lengths)
        return nn.softmax_cross_entropy_with_integer_labels(scores, labels).mean()
    run = _fit(loss, params, (zoo.data.Ragged(rows), labels), optim.adam(0.03), 12)
    assert run.history["loss"][-1] < 0.3 < 1.2 < run.history["loss"][0]


def test_a_generator_is_refused_in_its_second_epoch():
    with pytest.raises(ValueError, match="epoch 1 has no batches.*not a generator"):
        _fit(data=(batch for batch in [(X, Y)]), epochs=2)
    with pytest.raises(ValueError, match="validation data have no batches"):
        _fit(validation=(batch for batch in [(X, Y)]), epochs=2)


# ---- stopping ----

def test_patience_returns_the_best_parameters():
    best = []

    def watch(run):
        best.append((run.history["validation_loss"][-1], run.params))
    run = _fit(validation=(X, Y), epochs=50, patience=2, callbacks=[watch],
               optimizer=optim.sgd(optim.piecewise_constant_schedule(0.1, {12: 20.0})))
    losses = run.history["validation_loss"]
    place = int(np.argmin(losses))
    assert run.stopped == "patience" and len(losses) == place + 3 < 50
    _same(run.params, best[place][1])


def test_callbacks_end_a_run():
    run = _fit(epochs=50, callbacks=[lambda run: run.epoch == 4, lambda run: None])
    assert run.stopped == "callback" and run.epoch == 4
    run = _fit(epochs=50, step_callbacks=[lambda run, value: run.step == 5])
    assert run.stopped == "callback" and run.step == 5


# ---- numbers that are not finite ----

def test_nan_names_the_step_the_parameter_and_the_checkpoint(tmp_path):
    def loss(params, batch):
        x, y = batch
        return (fnp.sqrt(params["deep"]["w"]) * x).mean() + params["a"] * y.mean()
    params = {"a": np.float32(1), "deep": {"w": np.full(3, 0.25, "float32")}}
    batches = [(np.ones((2, 3), "float32"), np.ones(2, "float32"))] * 4
    with pytest.raises(NonFiniteError) as caught:
        _fit(loss, params, batches, optim.sgd(0.25), 9, checkpoints=tmp_path, checkpoint_every=1)
    assert isinstance(caught.value, FloatingPointError)
    text = str(caught.value)
    assert "the loss is nan in step 4 (epoch 1, batch 4)" in text
    assert "All parameters are finite." in text
    assert "first parameter whose gradient is not finite is params['deep']['w']" in text
    assert f"The last good checkpoint is {tmp_path / 'step-000000003'}" in text


def test_parameters_that_are_not_finite_are_found_and_not_saved(tmp_path):
    def roots(params, batch):
        return fnp.sqrt(params["w"]).sum() + params["v"].sum()
    params = {"v": np.ones(2, "float32"), "w": np.zeros(2, "float32")}
    with pytest.raises(NonFiniteError, match=r"(?s)in step 2 .*first parameter that is not finite "
                                             r"is params\['w'\], since.*No checkpoint was written"):
        _fit(roots, params, [0.0, 0.0], optim.sgd(1.0), 2)
    with pytest.raises(NonFiniteError, match=r"after step 1 the parameter params\['w'\] is not "
                                             r"finite. No checkpoint has been written yet"):
        _fit(roots, params, [0.0, 0.0], optim.sgd(1.0), 2, checkpoints=tmp_path,
             checkpoint_every=1)
    assert not list(tmp_path.iterdir())
    with pytest.raises(NonFiniteError, match=r"but batch\[1\] is not"):
        _fit(data=[(X, Y * np.nan)])


# ---- going on ----

class Killed(Exception):
    """In the place of a signal."""


def noisy(params, batch, key=None):
    return squares(params, batch) + (0 if key is None
                                     else (random.normal(key, (3,)) * params["w"]).sum() * 0.1)


@pytest.mark.parametrize("form", ["npz", "safetensors"])
def test_a_killed_run_goes_on_bit_by_bit(tmp_path, form, monkeypatch):
    if form == "npz":
        monkeypatch.setattr("functrans.zoo.saving.find_spec", lambda name: None)
    else:
        pytest.importorskip("safetensors")
    options = {"epochs": 4, "validation": (X[:9], Y[:9]), "patience": 10, "key": random.key(7),
               "checkpoint_every": 2}
    whole = _fit(noisy, **options)

    def killer(step):
        def kill(run, value):
            if run.step == step:
                raise Killed
        return kill
    for kill_at in range(1, 13):
        folder = tmp_path / str(kill_at)
        with pytest.raises(Killed):
            _fit(noisy, checkpoints=folder, step_callbacks=[killer(kill_at)], **options)
        assert all(path.suffix == f".{form}" for path in folder.glob("*"))
        saved = list(folder.glob("*"))
        own = {**options, "key": random.key(99)} if saved else options   # what is saved counts
        run = _fit(noisy, checkpoints=folder, **own)
        _same((run.params, run.state), (whole.params, whole.state))
        assert {**run.history, "seconds": 0} == {**whole.history, "seconds": 0}


def test_a_finished_run_stays_and_more_epochs_go_on(tmp_path):
    first = _fit(checkpoints=tmp_path)
    again = _fit(checkpoints=tmp_path)
    _same(again.params, first.params)
    assert again.history == first.history
    more = _fit(checkpoints=tmp_path, epochs=5)
    _same(more.params, _fit(epochs=5).params)
    anew = _fit(checkpoints=tmp_path, epochs=1, resume=False)
    assert anew.step == 3


# ---- what it shows ----

class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_a_line_an_epoch_and_a_bar_on_terminals(capsys):
    _fit(progress=True, validation=(X, Y))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and lines[1].startswith("epoch 2/3  loss ")
    assert "validation loss" in lines[1]
    stream = Terminal()
    bar = Progress(12, 40, stream)
    bar.step(1, 10, 0.25)
    bar.step(1, 11, 0.25)                                   # too soon to be seen
    bar.epoch(1, {"loss": 0.5})
    first, *rest = stream.getvalue().split("\r")[1:]
    assert first == "epoch  2/12 [=====               ] 10/40 loss 0.25"
    assert rest[0].isspace() and rest[1] == "epoch  2/12  loss 0.5\n"


def _events(path) -> list:
    """The records of an event file, read by the definition of the format."""
    content, records = path.read_bytes(), []
    while content:
        length, check = struct.unpack("<QI", content[:12])
        data, end = content[12:12 + length], content[12 + length:16 + length]
        assert check == masked_checksum(content[:8])
        assert end == struct.pack("<I", masked_checksum(data))
        records.append(data)
        content = content[16 + length:]
    return records


def test_event_files(tmp_path):
    assert checksum(b"\x00" * 32) == 0x8A9136AA                  # RFC 3720, B.4
    with Writer(tmp_path) as writer:
        writer.scalar("loss", 0.5, 300)
    first, second = _events(writer.path)
    assert first[9:] == b"\x1a\x0dbrain.Event:2"
    assert second[9:] == (b"\x10\xac\x02" b"\x2a\x0d" b"\x0a\x0b" b"\x0a\x04loss"
                          b"\x15" + struct.pack("<f", 0.5))


def test_tensorboard_reads_what_a_run_writes(tmp_path):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = _fit(tensorboard=tmp_path, validation=(X, Y))
    reader = accumulators.EventAccumulator(str(tmp_path))
    reader.Reload()
    steps = reader.Scalars("loss")
    assert [event.step for event in steps] == list(range(1, 10))
    np.testing.assert_allclose(np.mean([event.value for event in steps[-3:]]),
                               run.history["loss"][-1], rtol=1e-6)
    shown = [event.value for event in reader.Scalars("validation_loss")]
    np.testing.assert_allclose(shown, run.history["validation_loss"], rtol=1e-6)


def test_curves_are_a_picture(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "deep" / "curves.png"
    _fit(plot=path, validation=(X, Y), metrics={"zero": lambda params, batch: 0.0 * params["b"]})
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == (1320, 480)
