"""Recurrent models: sequences of different lengths, carried state, options, errors."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import functrans as ft
import functrans.numpy as fnp
from functrans import nn, random
from functrans.zoo import gru, lstm, rnn, sequences

MODELS = {"lstm": lstm, "gru": gru, "rnn": rnn}


def _random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def _params(kind="lstm", seed=0, **options):
    """Parameters without zeros among them, so that nothing goes unnoticed."""
    options = {"inputs": 3, "hidden": 4, "dtype": "float64", **options}
    params = MODELS[kind].init(random.key(0), **options)
    generator = np.random.default_rng(seed)
    return ft.tree.map(lambda p: fnp.asarray(generator.normal(size=p.shape) * 0.5), params)


def _close(ours, expected, tolerance=1e-12):
    leaves, others = ft.tree.leaves(ours), ft.tree.leaves(expected)
    for a, b in zip(leaves, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


# ---- lengths ----

def _loss(kind, params, x, **options):
    outputs, state = MODELS[kind].apply(params, x, **options)
    return sum((leaf * fnp.cos(leaf + k)).sum()
               for k, leaf in enumerate([outputs, *ft.tree.leaves(state)]))


def _loss_one_by_one(kind, params, x, lengths):
    return sum(_loss(kind, params, x[:int(length), lane]) for lane, length in enumerate(lengths))


@pytest.mark.parametrize("kind", MODELS)
@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), bidirectional=st.booleans(),
       layers=st.integers(1, 2))
def test_ragged_batches_equal_one_sequence_after_the_other(kind, lengths, bidirectional, layers):
    params = _params(kind, layers=layers, bidirectional=bidirectional)
    x = _random(7, len(lengths), 3)
    whole = ft.value_and_grad(lambda p: _loss(kind, p, x, lengths=np.array(lengths)))
    apart = ft.value_and_grad(lambda p: _loss_one_by_one(kind, p, x, lengths))
    _close(whole(params), apart(params), 1e-9)


def test_state_is_that_at_the_true_end_and_outputs_are_zero_beyond():
    params, x = _params(), _random(6, 2, 3)
    outputs, state = lstm.apply(params, x, lengths=[2, 6])
    short, short_state = lstm.apply(params, x[:2, :1])
    _close(outputs[:2, :1], short)
    _close((state.h[:, :1], state.c[:, :1]), tuple(short_state))
    assert not np.asarray(outputs)[2:, 0].any()


def test_a_sequence_without_steps_keeps_its_first_state():
    params, x = _params(), _random(3, 2, 3)
    start = lstm.State(_random(1, 2, 4, seed=1), _random(1, 2, 4, seed=2))
    _, state = lstm.apply(params, x, start, lengths=[0, 3])
    _close((state.h[:, 0], state.c[:, 0]), (start.h[:, 0], start.c[:, 0]))


@pytest.mark.parametrize("kind", MODELS)
def test_padding_may_hold_anything(kind):
    params, x = _params(kind, layers=2, bidirectional=True), _random(5, 2, 3)
    dirty = x.copy()
    dirty[3:, 0] = np.nan
    gradient = ft.jit(ft.grad(lambda p, x: _loss(kind, p, x, lengths=[3, 5]), argnums=(0, 1)))
    params_grad, x_grad = gradient(params, dirty)
    _close(params_grad, gradient(params, x)[0])
    assert not np.asarray(x_grad)[3:, 0].any()


def test_lengths_are_data_and_sizes_do_not_compile():
    from lowering.native.compile import records
    params = _params(layers=2)
    step = ft.jit(ft.grad(lambda p, x, lengths: _loss("lstm", p, x, lengths=lengths)))
    step(params, _random(8, 4, 3), np.array([8, 1, 3, 5]))
    kernels = len(records)
    for lengths in ([1, 2, 3, 4], [8, 8, 8, 8]):
        step(params, _random(8, 4, 3), np.array(lengths))
    assert step.traces == 1
    step(params, _random(16, 4, 3), np.array([16, 9, 3, 5]))
    step(params, _random(24, 5, 3), np.array([24, 9, 3, 5, 1]))
    assert step.traces == 3
    assert len(records) == kernels


@pytest.mark.parametrize("kind", MODELS)
def test_gradients_of_each_sequence_by_vmap(kind):
    params, x, lengths = _params(kind), _random(6, 3, 3), np.array([2, 6, 4])
    slope = ft.grad(lambda p, x, n: _loss(kind, p, x, lengths=n))
    each = ft.jit(ft.vmap(slope, (None, 1, 0)))(params, x, lengths)
    alone = [ft.grad(lambda p, row=x[:length, lane]: _loss(kind, p, row))(params)
             for lane, length in enumerate(lengths)]
    _close(each, ft.tree.map(lambda *leaves: fnp.stack(leaves), *alone), 1e-9)


def test_second_derivatives_equal_differences_of_gradients():
    params, x = _params(), _random(4, 2, 3)
    slope = ft.jit(ft.grad(lambda p: _loss("lstm", p, x, lengths=[4, 2])))
    direction = ft.tree.map(fnp.ones_like, params)
    _, second = ft.jvp(slope, (params,), (direction,))
    sides = [slope(ft.tree.map(lambda p, step=step: p + step, params)) for step in (1e-5, -1e-5)]
    _close(second, ft.tree.map(lambda a, b: (a - b) / 2e-5, *sides), 1e-7)


# ---- carried state ----

@pytest.mark.parametrize("kind", MODELS)
def test_windows_with_carried_state_equal_one_pass(kind):
    params, x = _params(kind, layers=2), _random(6, 2, 3)
    outputs, last = MODELS[kind].apply(params, x)
    first, state = MODELS[kind].apply(params, x[:4])
    second, state = MODELS[kind].apply(params, x[4:], state)
    _close((first, second, state), (outputs[:4], outputs[4:], last))


def test_truncated_gradients_stop_at_the_window():
    params, x = _params(), _random(6, 2, 3)

    def truncated(params):
        _, state = lstm.apply(params, x[:4])
        return lstm.apply(params, x[4:], ft.stop_gradient(state))[0].sum()
    state = lstm.apply(params, x[:4])[1]
    alone = ft.grad(lambda p: lstm.apply(p, x[4:], state)[0].sum())(params)
    _close(ft.grad(truncated)(params), alone)
    whole = ft.grad(lambda p: lstm.apply(p, x)[0][4:].sum())(params)
    assert np.abs(np.asarray(whole[0]["forward"]["bias"] - alone[0]["forward"]["bias"])).max() > .01


@pytest.mark.parametrize("kind", MODELS)
def test_steps_equal_a_pass(kind):
    params, x = _params(kind, layers=2), _random(4, 2, 3)
    state, rows = None, []
    for row in x:
        output, state = MODELS[kind].step(params, row, state)
        rows.append(output)
    _close((fnp.stack(rows), state), MODELS[kind].apply(params, x))


# ---- options ----

def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_peepholes_and_projection_as_in_the_equations():
    params, x = _params(peepholes=True, projection=2), _random(5, 3, 3)
    cell = {name: np.asarray(value) for name, value in params[0]["forward"].items()}
    h, c, rows = np.zeros((3, 2)), np.zeros((3, 4)), []
    for row in x:
        affine = row @ cell["input_weight"] + h @ cell["recurrent_weight"] + cell["bias"]
        i, f, g, o = np.split(affine, 4, -1)
        before = c
        c = _sigmoid(f + cell["peepholes"][1] * before) * before \
            + _sigmoid(i + cell["peepholes"][0] * before) * np.tanh(g)
        h = _sigmoid(o + cell["peepholes"][2] * c) * np.tanh(c) @ cell["projection"]
        rows.append(h)
    outputs, state = ft.jit(lstm.apply)(params, x)
    _close((outputs, *state), (np.stack(rows), h[None], c[None]))


def test_first_parameters():
    params = lstm.init(random.key(1), 3, 5, 2, bidirectional=True, projection=2, peepholes=True)
    shapes = ft.tree.map(lambda p: p.shape, params[1]["backward"])
    assert shapes == {"input_weight": (4, 20), "recurrent_weight": (2, 20), "bias": (20,),
                      "peepholes": (3, 5), "projection": (5, 2)}
    assert np.asarray(params[0]["forward"]["bias"]).tolist() == [0] * 5 + [1] * 5 + [0] * 10
    weight = np.asarray(params[0]["forward"]["input_weight"])
    assert weight.dtype == np.float32 and np.abs(weight).max() <= 2 ** -.5 and weight.std() > .2
    assert (weight != np.asarray(params[0]["backward"]["input_weight"])).all()
    bare = gru.init(random.key(1), 3, 5, bias=False, initializer=nn.initializers.ones)
    assert bare[0]["forward"].keys() == {"input_weight", "recurrent_weight"}
    assert (np.asarray(bare[0]["forward"]["input_weight"]) == 1).all()


@pytest.mark.parametrize("kind", MODELS)
def test_any_axes_stand_in_the_place_of_batch(kind):
    params, x = _params(kind), _random(4, 2, 3, 3)
    apply = MODELS[kind].apply
    outputs, state = apply(params, x, lengths=np.array([[4, 2, 1], [3, 4, 2]]))
    flat, flat_state = apply(params, x.reshape(4, 6, 3), lengths=np.array([4, 2, 1, 3, 4, 2]))
    _close(outputs.reshape(4, 6, 4), flat)
    _close(ft.tree.leaves(state)[0].reshape(1, 6, 4), ft.tree.leaves(flat_state)[0])
    mapped = ft.vmap(lambda x: apply(params, x), in_axes=1, out_axes=(1, 1))(x[:, 0])
    _close(mapped, apply(params, x[:, 0]))
    turned, _ = apply(params, x[:, 0].swapaxes(0, 1), batch_first=True)
    _close(turned, apply(params, x[:, 0])[0].swapaxes(0, 1))


def test_dropout_between_layers():
    params = _params(layers=2)
    bottom, top = params[:1], params[1:]
    x, key = _random(50, 8, 3), random.key(3)
    outputs, state = lstm.apply(params, x, dropout=0.25, key=key)
    middle, first = lstm.apply(bottom, x)
    dropped = nn.dropout(random.fold_in(key, 1), middle, 0.25)
    expected, second = lstm.apply(top, dropped)
    _close((outputs, state.h), (expected, fnp.concatenate([first.h, second.h])))
    assert .7 < (np.asarray(dropped) != 0).mean() < .8
    _close(lstm.apply(bottom, x, dropout=0.25)[0], middle)      # nothing comes after one layer


def test_dtypes_meet():
    params = _params(dtype="float64")
    narrow = ft.tree.map(lambda p: p.astype("float32"), params)
    x = _random(3, 2, 3)
    assert lstm.apply(params, x.astype("float32"))[0].dtype == np.float64
    assert lstm.apply(narrow, x.astype("float32"))[0].dtype == np.float32
    assert lstm.apply(narrow, x)[0].dtype == np.float64
    state = lstm.State(np.zeros((1, 2, 4), "float32"), np.zeros((1, 2, 4), "float32"))
    assert lstm.apply(params, x, state)[1].h.dtype == np.float64


# ---- errors ----

@pytest.mark.parametrize("arguments, options, message", [
    ((_random(4, 2, 5),), {}, r"lstm: x must have shape \(time, ..., 3\).*got"),
    ((_random(3),), {}, r"x must have shape \(time, ..., 3\)"),
    ((_random(4, 2, 3), lstm.State(_random(1, 3, 4), _random(1, 2, 4))), {},
     r"the state h must have shape \(1, 2, 4\)"),
    ((_random(4, 2, 3),), {"lengths": [1, 2, 3]}, r"lengths must have shape \(2,\)"),
    ((_random(4, 2, 3),), {"lengths": [1.0, 2.0]}, "lengths must be integers"),
])
def test_arguments_that_do_not_fit(arguments, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        lstm.apply(_params(), *arguments, **options)


def test_options_that_do_not_fit():
    with pytest.raises(ValueError, match="dropout=0.5 needs key="):
        lstm.apply(_params(layers=2), _random(4, 2, 3), dropout=0.5)
    with pytest.raises(ValueError, match="layers must be at least 1"):
        lstm.init(random.key(0), 3, 4, 0)
    with pytest.raises(ValueError, match="bidirectional model needs the whole sequence"):
        lstm.step(_params(bidirectional=True), _random(2, 3))


# ---- sequences ----

@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=12), size=st.integers(1, 5))
def test_packing_loses_nothing(lengths, size):
    rows = [np.arange(length * 2).reshape(length, 2) + 100 * k for k, length in enumerate(lengths)]
    seen = {}
    for batch in sequences.pack(rows, size):
        steps, lanes = batch.values.shape[:2]
        assert lanes <= size and steps == sequences.bucket(int(batch.lengths.max()))
        assert all(sequences.bucket(int(length)) == steps for length in batch.lengths)
        seen |= dict(zip(batch.indices.tolist(),
                         sequences.unpack(batch.values, batch.lengths), strict=True))
    assert sorted(seen) == list(range(len(rows)))
    assert all(np.array_equal(seen[k], row) for k, row in enumerate(rows))


def test_buckets_waste_little():
    sizes = sorted({sequences.bucket(length) for length in range(1, 1001)})
    assert len(sizes) < 25 and all(size % 8 == 0 for size in sizes)
    assert all(sequences.bucket(n) - n < max(8, 0.26 * n) for n in range(1, 1001))
    with pytest.raises(ValueError, match="length 50 is longer than the last"):
        sequences.bucket(50, [40, 20])


@given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=4), seed=st.integers(0, 9))
def test_last_mean_and_reverse_equal_a_loop(lengths, seed):
    values, own = _random(6, len(lengths), 2, seed=seed), np.array(lengths)
    lanes = [values[:length, lane] for lane, length in enumerate(lengths)]
    _close(sequences.last(values, own), np.stack([lane[-1] for lane in lanes]))
    _close(sequences.mean(values, own), np.stack([lane.mean(0) for lane in lanes]))
    turned = np.asarray(sequences.reverse(values, own))
    for lane, row in enumerate(lanes):
        _close(turned[:len(row), lane], row[::-1])
        _close(turned[len(row):, lane], values[len(row):, lane])


def test_windows_go_on_where_the_last_one_ended():
    tokens = np.arange(1, 101)
    pairs = list(sequences.windows(tokens, 3, 4))
    assert len(pairs) == 8 and all(x.shape == (4, 3) for x, _ in pairs)
    for lane in range(3):
        stream = np.concatenate([x[:, lane] for x, _ in pairs])
        assert (np.diff(stream) == 1).all()
    assert all((y == x + 1).all() for x, y in pairs)
    with pytest.raises(ValueError, match="too few"):
        sequences.windows(tokens, 30, 4)
    with pytest.raises(ValueError, match="sequence 1 has shape"):
        sequences.pad([np.zeros((2, 3)), np.zeros((2, 4))])
    with pytest.raises(ValueError, match="sequence 1 has 5 steps, more than length=4"):
        sequences.pad([np.zeros(2), np.zeros(5)], 4)
