"""Kernels that differ in sizes alone: their text is not made again, and is what it would be."""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from lowering import pipeline, recipes
from lowering.followed import Followed, NotFollowed, Trail


@pytest.fixture
def made(monkeypatch):
    """The kernels whose text is asked for, with a memory that starts empty; how many were made."""
    kernels, texts = [], []
    monkeypatch.setattr(recipes, "_recipes", {})
    write = recipes._emitted
    monkeypatch.setattr(recipes, "_emitted", lambda kernel: texts.append(kernel) or write(kernel))

    def compared(kernel):
        found = recipes.kernel_text(kernel)
        expected = write(kernel)[0]
        for one, other in zip(found.parameters, expected.parameters, strict=True):
            assert (one.name, one.kind, one.dtype) == (other.name, other.kind, other.dtype)
            if one.kind == "pointer":
                assert one.value.buffer is other.value.buffer
                assert one.value.offset == other.value.offset
            else:
                assert one.value == other.value and type(one.value) is type(other.value)
        for name in ("text", "checks", "split", "locations"):
            assert getattr(found, name) == getattr(expected, name), name
        kernels.append(kernel)
        return found
    monkeypatch.setattr(pipeline, "kernel_text", compared)
    return kernels, texts


def ones(*shape):
    return np.ones(shape, np.float32)


PROGRAMS = {
    "softmax": lambda n: (lambda x: ft.nn.softmax(x * 3.5), ones(n, n + 1)),
    "mean": lambda n: (lambda x: ((x - x.mean(0)) ** 2).mean(), ones(n, 7)),
    "transposed": lambda n: (lambda x: fnp.tanh(x.T) + x[:, :1].T + fnp.flip(x.T, 1), ones(n, 6)),
    "padded": lambda n: (lambda x: fnp.pad(x, ((1, 2), (0, 0)))[::2] * 2.25, ones(n, 4)),
    "indexed": lambda n: (lambda x: x[fnp.arange(n) // 2] + fnp.arange(n)[:, None], ones(n, 3)),
    "scattered": lambda n: (lambda x: fnp.zeros(n).at[fnp.arange(n) % 3].add(x), ones(n)),
    "summed": lambda n: (lambda x: (fnp.cumsum(x, 0) * n).sum(1) / 1.7, ones(n, 5)),
    "complex": lambda n: (lambda x: (x * (0.3 + 0.7j * n)).real, ones(n)),
    "counted": lambda n: (lambda x: x * n + fnp.int32(17), np.ones(n, np.int32)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_texts_and_parameters_are_what_they_would_be(name, made):
    kernels, _ = made
    for size in (5, 6, 7, 64, 65, 5, 2, 1, 4096):
        function, x = PROGRAMS[name](size)
        jitted = ft.jit(function)
        with ft.config.override(target="reference"):
            expected = ft.jit(function)(x)
        np.testing.assert_allclose(jitted(x), expected, rtol=1e-4, atol=1e-5)
    assert kernels


def test_a_third_size_makes_no_text(made):
    kernels, texts = made
    f = ft.jit(lambda x: ft.nn.softmax(x * 3.5 / x.shape[0]))
    for size in (10, 11):
        f(ones(size, 7))
    already, asked = len(texts), len(kernels)
    for size in (12, 13, 50):
        f(ones(size, 7))
    assert len(texts) == already and len(kernels) > asked


def test_what_compares_otherwise_is_another_recipe(made):
    f = ft.jit(lambda x, y: x.T + y)                    # wide or tall: another order of loops?
    for shape in ((10, 20), (11, 21), (21, 11), (9, 9), (12, 22)):
        f(ones(*shape), ones(*shape[::-1]))
    assert all(len(known) <= recipes.MAX_RECIPES for known in recipes._recipes.values())


def test_many_structures_are_forgotten(made, monkeypatch):
    monkeypatch.setattr(recipes, "MAX_STRUCTURES", 2)
    for function in (lambda x: x + 1, lambda x: x * 2, lambda x: x - 3, lambda x: -x):
        ft.jit(function)(ones(4))
    assert len(recipes._recipes) <= 2


# ---- numbers that are followed ----

def test_formulas_and_conditions():
    trail = Trail()
    a, b = trail.numbers([6, 4])
    total = 2 * (a + b * 3 - 1) / 2 - (-b) + (5 - a)
    assert abs(b - a).value == 2 and (a > b) and not a == 7 and a
    again = recipes._function(total.formula)
    for n in ([6, 4], [10, 3]):
        assert again(n) == 2 * (n[0] + n[1] * 3 - 1) / 2 + n[1] + (5 - n[0])
    fits = recipes._function(trail.condition())
    assert fits([6, 4]) and fits([8, 5]) and not fits([4, 6]) and not fits([7, 4])
    assert not fits([0, -1])


def test_a_number_equals_itself_without_condition():
    trail = Trail()
    a, = trail.numbers([3])
    assert a == a and trail.condition() == "True" and recipes._function("True")([9])


@pytest.mark.parametrize("use", [hash, int, float, str, repr, range, lambda a: f"{a}",
                                 lambda a: [0, 1, 2, 3][a], lambda a: {a: 1}])
def test_what_cannot_be_followed_is_refused(use):
    number = Followed(2, "n[0]", Trail())
    with pytest.raises((NotFollowed, TypeError)):
        use(number)
