"""Recurrent models against PyTorch's, with the same weights: values and gradients."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import nn, random
from functrans.zoo import convert, gru, lstm, rnn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported")

TIME, BATCH, INPUTS, HIDDEN = 7, 3, 4, 5
MODELS = {"lstm": (lstm, torch.nn.LSTM), "gru": (gru, torch.nn.GRU), "rnn": (rnn, torch.nn.RNN)}
CASES = [
    ("lstm", {}), ("lstm", {"num_layers": 2, "bidirectional": True}),
    ("lstm", {"num_layers": 2, "proj_size": 3}), ("lstm", {"bias": False, "batch_first": True}),
    ("lstm", {"proj_size": 2, "bidirectional": True}),
    ("gru", {}), ("gru", {"num_layers": 2, "bidirectional": True}),
    ("gru", {"bias": False, "batch_first": True}),
    ("rnn", {"bidirectional": True}), ("rnn", {"num_layers": 3, "nonlinearity": "relu"}),
]


def _peer(kind: str, options: dict, dtype):
    torch.manual_seed(0)
    return MODELS[kind][1](INPUTS, HIDDEN, **options).to(dtype)


def _inputs(options: dict, dtype) -> np.ndarray:
    shape = (BATCH, TIME, INPUTS) if options.get("batch_first") else (TIME, BATCH, INPUTS)
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def _states(kind: str, module, dtype):
    """First states as PyTorch's modules take them."""
    rows = module.num_layers * (2 if module.bidirectional else 1)
    generator = np.random.default_rng(1)
    shapes = [(rows, BATCH, getattr(module, "proj_size", 0) or HIDDEN), (rows, BATCH, HIDDEN)]
    return [generator.normal(size=shape).astype(dtype)
            for shape in shapes[:2 if kind == "lstm" else 1]]


def _ours(kind: str, options: dict, params, x, states):
    own = {"batch_first": options.get("batch_first", False)}
    if options.get("nonlinearity") == "relu":
        own["activation"] = nn.relu
    state = lstm.State(*states) if kind == "lstm" else states[0]
    outputs, last = MODELS[kind][0].apply(params, x, state, **own)
    return outputs, list(last) if kind == "lstm" else [last]


def _theirs(kind: str, module, x, states):
    tensors = [torch.tensor(state, requires_grad=True) for state in states]
    x = torch.tensor(x, requires_grad=True)
    outputs, last = module(x, tuple(tensors) if kind == "lstm" else tensors[0])
    return x, tensors, outputs, list(last) if kind == "lstm" else [last]


def _weighted(arrays, library):
    """A loss that sees each number, each with another weight."""
    return sum((array * library.cos(array + 0.3)).sum() * (k + 1)
               for k, array in enumerate(arrays))


@pytest.mark.parametrize("kind, options", CASES, ids=str)
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-5), ("float64", 1e-12)])
def test_values_and_gradients_equal_those_of_torch(kind, options, dtype, tolerance):
    module = _peer(kind, options, getattr(torch, dtype))
    params = convert.from_torch_state_dict(kind, module.state_dict())
    x, states = _inputs(options, dtype), _states(kind, module, dtype)

    def loss(params, x, states):
        outputs, last = _ours(kind, options, params, x, states)
        return _weighted([outputs, *last], fnp), (outputs, last)

    gradient = ft.jit(ft.grad(loss, argnums=(0, 1, 2), has_aux=True))
    (params_grad, x_grad, states_grad), (outputs, last) = gradient(params, x, states)
    their_x, their_states, their_outputs, their_last = _theirs(kind, module, x, states)
    _weighted([their_outputs, *their_last], torch).backward()

    def same(ours, theirs):
        theirs = theirs.detach().numpy()
        np.testing.assert_allclose(ours, theirs, rtol=tolerance,
                                   atol=tolerance * max(1, np.abs(theirs).max()))
    for ours, theirs in zip([outputs, *last], [their_outputs, *their_last], strict=True):
        same(ours, theirs)
    same(x_grad, their_x.grad)
    for ours, theirs in zip(states_grad, their_states, strict=True):
        same(ours, theirs.grad)
    ours = convert.to_torch_state_dict(kind, params_grad)
    for name, parameter in module.named_parameters():
        same(ours[name].numpy(), parameter.grad)


@pytest.mark.parametrize("kind, options", CASES, ids=str)
def test_state_dicts_make_the_round_trip(kind, options):
    state = _peer(kind, options, torch.float32).state_dict()
    back = convert.to_torch_state_dict(kind, convert.from_torch_state_dict(kind, state))
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)


@pytest.mark.parametrize("kind", MODELS)
def test_our_parameters_load_into_torch(kind):
    params = MODELS[kind][0].init(random.key(0), INPUTS, HIDDEN, 2, bidirectional=True)
    state = convert.to_torch_state_dict(kind, params, prefix="model.")
    module = torch.nn.ModuleDict({"model": MODELS[kind][1](INPUTS, HIDDEN, 2, bidirectional=True)})
    module.load_state_dict(state)
    x = _inputs({}, "float32")
    ours, _ = MODELS[kind][0].apply(params, x)
    theirs, _ = module["model"](torch.tensor(x))
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-5)
    back = convert.from_torch_state_dict(kind, {**state, "other": 1}, prefix="model.")
    for name, value in params[0]["forward"].items():
        np.testing.assert_array_equal(back[0]["forward"][name], value)


def test_lengths_equal_packed_sequences():
    module = _peer("lstm", {"num_layers": 2, "bidirectional": True}, torch.float64)
    params = convert.from_torch_state_dict("lstm", module.state_dict())
    x, lengths = _inputs({}, "float64"), [7, 4, 1]
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), lengths)
    theirs, (h, c) = module(packed)
    theirs, _ = torch.nn.utils.rnn.pad_packed_sequence(theirs)
    outputs, state = lstm.apply(params, x, lengths=np.array(lengths))
    for a, b in ((outputs, theirs), (state.h, h), (state.c, c)):
        np.testing.assert_allclose(a, b.detach().numpy(), atol=1e-12)


def test_an_mlp_and_an_embedding():
    module = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    state = module.state_dict()
    params = convert.from_torch_state_dict("mlp", state)
    x = np.ones((4, 3), np.float32)
    hidden = fnp.maximum(x @ params[0]["weight"] + params[0]["bias"], 0)
    np.testing.assert_allclose(hidden @ params[1]["weight"] + params[1]["bias"],
                               module(torch.tensor(x)).detach().numpy(), atol=1e-6)
    back = convert.to_torch_state_dict("mlp", params)
    assert all(torch.equal(back[name], state[name]) for name in state)
    table = torch.nn.Embedding(6, 2).state_dict()
    back = convert.to_torch_state_dict(
        "embedding", convert.from_torch_state_dict("embedding", table))
    assert torch.equal(back["weight"], table["weight"])


def test_names_that_do_not_fit_are_named():
    state = _peer("lstm", {}, torch.float32).state_dict()
    with pytest.raises(ValueError, match="not understood: stray"):
        convert.from_torch_state_dict("lstm", {**state, "stray": np.zeros(1)})
    with pytest.raises(ValueError, match="no weight_ih_l0"):
        convert.from_torch_state_dict("lstm", {"a": np.zeros(1)})
    with pytest.raises(ValueError, match="no weight_hh_l0"):
        convert.from_torch_state_dict("lstm", {"weight_ih_l0": np.zeros((4, 1))})
    with pytest.raises(ValueError, match="kind must be one of rnn, gru, lstm"):
        convert.from_torch_state_dict("transformer", state)
    with pytest.raises(ValueError, match="no peepholes"):
        convert.to_torch_state_dict("lstm", lstm.init(random.key(0), 2, 3, peepholes=True))
