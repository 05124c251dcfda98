"""Trees in files: whole or not at all, bit by bit."""
from __future__ import annotations

import os

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans import optim, random
from functrans.errors import MissingExtraError, StructureError
from functrans.zoo import checkpoint, lstm

SUFFIXES = [".npz", pytest.param(".safetensors", marks=pytest.mark.skipif(
    not __import__("importlib.util").util.find_spec("safetensors"), reason="no safetensors"))]


def _same(a, b):
    assert ft.tree.structure(a) == ft.tree.structure(b)
    for x, y in zip(ft.tree.leaves(a), ft.tree.leaves(b)):
        assert type(x) is type(y)
        x, y = np.asarray(x), np.asarray(y)
        assert x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_trees_make_the_round_trip(tmp_path, suffix):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    params = lstm.init(random.key(0), 2, 3, 2, bidirectional=True)
    values = {"params": params, "state": optim.adam(0.1).init(params), "key": random.key(3),
              "numbers": [1, 2.5, True, 3j], "odd": (np.array([np.nan, -0.0]), None, fnp.zeros(0)),
              "complex": np.array([[1 + 2j]]), "scalar": np.array(2j, "complex64"),
              "half": fnp.ones((2, 3), "float16"), "bytes": np.ones((5, 1), "uint8"),
              "brain": np.array([1.5, 2], ml_dtypes.bfloat16), "turned": np.ones((2, 3)).T}
    path = tmp_path / f"deep/er/model{suffix}"
    checkpoint.save(path, values, {"step": 3, "best": 0.1 + 0.2, "inf": float("inf")})
    like = ft.tree.map(lambda leaf: leaf * 0 if isinstance(leaf, ft.Array) else leaf, values)
    found, notes = checkpoint.load(path, like)
    _same(found, values)
    assert notes == {"step": 3, "best": 0.1 + 0.2, "inf": float("inf")}
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_array_and_names_that_meet(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    checkpoint.save(path, fnp.ones(3))
    _same(checkpoint.load(path, fnp.zeros(3))[0], fnp.ones(3))
    values = {"a/b": np.ones(1), "a": {"b": np.zeros(1)}}
    checkpoint.save(path, values)
    _same(checkpoint.load(path, values)[0], values)


def test_weak_types_stay(tmp_path):
    weak = ft.jit(lambda x: x * 2)(1.0)
    assert weak.weak_type
    checkpoint.save(tmp_path / "a.npz", {"x": weak})
    assert checkpoint.load(tmp_path / "a.npz", {"x": weak})[0]["x"].weak_type


def test_files_that_do_not_fit(tmp_path):
    path = tmp_path / "a.npz"
    checkpoint.save(path, {"layers": [fnp.ones(3)], "b": fnp.ones(2)})
    with pytest.raises(StructureError, match=r"layers/0 is f32\[3\], expected f32\[4\]"):
        checkpoint.load(path, {"layers": [fnp.ones(4)], "b": fnp.ones(2)})
    with pytest.raises(StructureError, match=r"b is f32\[2\], expected f64\[2\]"):
        checkpoint.load(path, {"layers": [fnp.ones(3)], "b": np.ones(2)})
    with pytest.raises(StructureError, match="(?s)not in the file: c.*only in the file: b"):
        checkpoint.load(path, {"layers": [fnp.ones(3)], "c": fnp.ones(2)})
    with pytest.raises(ValueError, match="ends in .npz or .safetensors, got 'a.pickle'"):
        checkpoint.save(tmp_path / "a.pickle", {})


def test_safetensors_need_the_extra(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
    monkeypatch.setattr("functrans.extras.import_module", missing)
    with pytest.raises(MissingExtraError, match=r"functrans\[io\]"):
        checkpoint.save(tmp_path / "a.safetensors", {"x": fnp.ones(1)})


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    checkpoint.save(path, {"x": fnp.ones(2)})

    def fail(*_):
        raise OSError("no space left")
    for function in ("fsync", "replace"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="no space"):
            patch.setattr(os, function, fail)
            checkpoint.save(path, {"x": fnp.zeros(2)})
        assert os.listdir(tmp_path) == ["a.npz"]
        _same(checkpoint.load(path, {"x": fnp.zeros(2)})[0], {"x": fnp.ones(2)})


# ---- folders ----

def test_a_folder_keeps_the_last_and_clears_drafts(tmp_path):
    folder = checkpoint.Folder(tmp_path / "run", keep=2)
    assert folder.load_last({"x": fnp.ones(1)}) is None
    for step in (5, 10, 900, 1000):
        folder.save(step, {"x": fnp.full(1, step, "float32")}, {"step": step})
        (folder.path / ".step-000000007.npz.99.tmp").touch()
    folder.save(1001, {"x": fnp.ones(1)}, {"step": 1001})
    assert sorted(os.listdir(folder.path)) == ["step-000001000.npz", "step-000001001.npz"]
    path, values, notes = folder.load_last({"x": fnp.zeros(1)})
    assert (path.name, float(values["x"][0]), notes) == ("step-000001001.npz", 1, {"step": 1001})


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 nothing", None])
def test_a_damaged_file_is_passed_over(tmp_path, suffix, damage):
    folder = checkpoint.Folder(tmp_path, suffix=suffix)
    folder.save(1, {"x": fnp.ones(100)}, {})
    last = folder.save(2, {"x": fnp.zeros(100)}, {})
    content = last.read_bytes()
    last.write_bytes(content[:len(content) - 200] if damage is None else damage)
    with pytest.warns(UserWarning, match="step-000000002.* cannot be read"):
        path, values, _ = folder.load_last({"x": fnp.zeros(100)})
    assert path.stem == "step-000000001" and float(values["x"][0]) == 1


def test_a_folder_with_another_tree_raises(tmp_path):
    folder = checkpoint.Folder(tmp_path)
    folder.save(1, {"x": fnp.ones(1)}, {})
    with pytest.raises(StructureError, match="not in the file: y"):
        folder.load_last({"y": fnp.ones(1)})
