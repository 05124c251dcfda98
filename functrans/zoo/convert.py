"""Parameters to and from PyTorch's state dicts: its names, its gate order, its transposed weights.

    params = convert.from_torch_state_dict("lstm", module.state_dict())
    module.load_state_dict(convert.to_torch_state_dict("lstm", params))

Both ways and back give the same numbers, bit by bit. In: pytrees of parameters, or dicts of
tensors (NumPy arrays do as well). Out: the other. PyTorch itself is imported only where tensors
are made. Imports `array`, `errors`.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from functrans.array import as_array
from functrans.errors import ArgumentError, StructureError
from functrans.extras import require


def from_torch_state_dict(kind: str, state_dict: Mapping, prefix: str = ""):
    """Parameters from a PyTorch module's state dict.

    kind: "rnn", "gru", "lstm", "embedding", or "mlp" for a Sequential of Linear layers and
    activations without parameters. state_dict: names to tensors or arrays. prefix: of the names
    that belong to the model, "encoder." for example; others are left alone if there is one.
    Raises ValueError for another kind, StructureError (a ValueError) for names that are missing
    or not understood.

    >>> import numpy as np, functrans as ft
    >>> state = {"weight_ih_l0": np.ones((4, 3)), "weight_hh_l0": np.ones((4, 4))}
    >>> params = ft.zoo.convert.from_torch_state_dict("rnn", state)
    >>> params[0]["forward"]["input_weight"].shape
    (3, 4)
    """
    reader, _ = _kind(kind)
    own = {name[len(prefix):]: _as_numpy(value) for name, value in state_dict.items()
           if name.startswith(prefix)}
    names = dict(own)
    params = reader(names)
    if names:
        raise StructureError(f"from_torch_state_dict({kind!r}): these names are not understood: "
                             f"{', '.join(prefix + name for name in names)}")
    return params


def to_torch_state_dict(kind: str, params, prefix: str = "", tensors: bool = True) -> dict:
    """A PyTorch state dict from parameters, for `module.load_state_dict`.

    kind, prefix: as above. tensors: False gives NumPy arrays, and does not need PyTorch.
    PyTorch has two biases where one would do; where parameters have one, the second is 0.
    Raises ValueError for what PyTorch's modules do not have, as peepholes; MissingExtraError
    without PyTorch.

    >>> import functrans as ft
    >>> params = ft.zoo.lstm.init(ft.random.key(0), inputs=3, hidden=4)
    >>> sorted(ft.zoo.convert.to_torch_state_dict("lstm", params, tensors=False))
    ['bias_hh_l0', 'bias_ih_l0', 'weight_hh_l0', 'weight_ih_l0']
    """
    _, writer = _kind(kind)
    arrays = {prefix + name: np.array(value) for name, value in writer(params).items()}
    return {name: _tensor(value) for name, value in arrays.items()} if tensors else arrays


def _kind(kind: str) -> tuple[Callable, Callable]:
    try:
        return _KINDS[kind]
    except KeyError:
        raise ArgumentError(f"kind must be one of {', '.join(_KINDS)}, got {kind!r}") from None


def _as_numpy(value) -> np.ndarray:
    """A tensor of PyTorch, on any device, or anything that NumPy takes."""
    for method in ("detach", "cpu"):
        value = getattr(value, method, lambda value=value: value)()
    return np.asarray(value)


def _tensor(value: np.ndarray):
    return require("torch", "torch").from_numpy(value)


# ---- recurrent models ----

_SUFFIXES = {"forward": "", "backward": "_reverse"}
# Ours, PyTorch's, and whether the matrix is transposed.
_FIELDS = (("input_weight", "weight_ih", True), ("recurrent_weight", "weight_hh", True),
           ("bias", "bias_ih", False), ("recurrent_bias", "bias_hh", False),
           ("projection", "weight_hr", True))


def _read_recurrent(names: dict) -> tuple:
    layers = []
    while f"weight_ih_l{len(layers)}" in names:
        layers.append(_read_layer(names, len(layers)))
    if not layers:
        raise StructureError("from_torch_state_dict: there is no weight_ih_l0; the names are "
                             f"{', '.join(names) or 'none'} (say prefix= for a part of a model)")
    return tuple(layers)


def _read_layer(names: dict, number: int) -> dict:
    found = {}
    for direction, suffix in _SUFFIXES.items():
        if f"weight_ih_l{number}{suffix}" in names:
            found[direction] = _read_cell(names, f"_l{number}{suffix}")
    return found


def _read_cell(names: dict, suffix: str) -> dict:
    if "weight_hh" + suffix not in names:
        raise StructureError(f"from_torch_state_dict: there is weight_ih{suffix} but no "
                             f"weight_hh{suffix}")
    cell = {}
    for field, torch_name, transposed in _FIELDS:
        value = names.pop(torch_name + suffix, None)
        if value is not None:
            cell[field] = as_array(value.T if transposed else value)
    return cell


def _write_recurrent(params) -> dict:
    state = {}
    for number, layer in enumerate(params):
        for direction, cell in layer.items():
            suffix = f"_l{number}{_SUFFIXES[direction]}"
            state |= {name + suffix: value for name, value in _write_cell(cell).items()}
    return state


def _write_cell(cell: dict) -> dict:
    unknown = cell.keys() - {field for field, _, _ in _FIELDS}
    if unknown:
        raise ArgumentError(f"PyTorch's modules have no {', '.join(sorted(unknown))}")
    if "bias" in cell and "recurrent_bias" not in cell:
        cell = {**cell, "recurrent_bias": np.zeros_like(np.asarray(cell["bias"]))}
    return {name: np.asarray(cell[field]).T if transposed else np.asarray(cell[field])
            for field, name, transposed in _FIELDS if field in cell}


# ---- others ----

def _read_embedding(names: dict) -> dict:
    if "weight" not in names:
        raise StructureError(f"from_torch_state_dict: there is no weight among {list(names)}")
    return {"weight": as_array(names.pop("weight"))}


def _write_embedding(params: dict) -> dict:
    return {"weight": np.asarray(params["weight"])}


def _read_mlp(names: dict) -> tuple:
    numbers = sorted({int(name.split(".")[0]) for name in names if name[:1].isdigit()})
    layers = []
    for number in numbers:
        weight = names.pop(f"{number}.weight")
        bias = names.pop(f"{number}.bias", np.zeros(len(weight), weight.dtype))
        layers.append({"weight": as_array(weight.T), "bias": as_array(bias)})
    return tuple(layers)


def _write_mlp(params) -> dict:
    """As of Sequential(Linear, activation, Linear, ...): a Linear at each even number."""
    state = {}
    for number, layer in enumerate(params):
        state[f"{2 * number}.weight"] = np.asarray(layer["weight"]).T
        state[f"{2 * number}.bias"] = np.asarray(layer["bias"])
    return state


_RECURRENT = (_read_recurrent, _write_recurrent)
_KINDS = {"rnn": _RECURRENT, "gru": _RECURRENT, "lstm": _RECURRENT,
          "embedding": (_read_embedding, _write_embedding), "mlp": (_read_mlp, _write_mlp)}
