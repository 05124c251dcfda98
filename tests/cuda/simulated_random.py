"""Numbers that are drawn until one is accepted, under the simulator: those of the CPU."""
from __future__ import annotations

import numpy as np
import pytest
from on_cuda import assert_same, compiled

import functrans as ft
from functrans import random

KEY = random.key(8)
PARAMETERS = np.array([0.0, 0.3, 2.0, 45.0, 1000.0], "float32")


@pytest.mark.parametrize("draw", (
    random.gamma, random.loggamma, random.poisson, lambda key, a: random.binomial(key, a, 0.3),
    lambda key, a: random.beta(key, a + 1, 2.0), lambda key, a: random.dirichlet(key, a + 1),
    lambda key, a: random.multinomial(key, 30, a / a.sum()),
    lambda key, a: ft.grad(lambda a: random.gamma(key, a + 1).sum())(a),
    lambda key, a: ft.vmap(random.gamma)(random.split(key, 5), a),
), ids="gamma loggamma poisson binomial beta dirichlet multinomial gradient vmap".split())
def test_numbers_are_those_of_the_cpu(draw):
    assert_same(draw, (KEY, PARAMETERS))


def test_each_thread_has_a_loop_of_its_own():
    text = compiled(lambda key, a: random.gamma(key, a), (KEY, PARAMETERS))[0].source()
    kernel, = [part for part in text.split("@cuda.jit") if "while True" in part]
    assert "for " not in kernel
