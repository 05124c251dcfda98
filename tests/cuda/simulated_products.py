"""Products with what is computed of their results, in one kernel, under the simulator."""
from __future__ import annotations

import numpy as np
import pytest
from on_cuda import assert_same, compiled, cuda_texts

import functrans as ft
import functrans.numpy as fnp
from functrans import lax
from functrans.nn import gelu, relu
from lowering.cuda import driver, products
from lowering.errors import IndexOutOfBounds


def floats(*shape, dtype="float64"):
    return fnp.array(np.random.default_rng(len(shape)).normal(size=shape), dtype=dtype)


def activated(x):
    return fnp.tanh(x), x > 0


X, W, B, ROWS = floats(35, 20), floats(20, 66), floats(66), floats(35)
XS, WS = floats(2, 34, 20), floats(2, 20, 33)
LONG, PLACES = floats(1030, 33), fnp.arange(66) * 7 % 66
# name -> (function, arguments); all of them are one kernel
EPILOGUES = {
    "bias and activation": (lambda x, w, b: fnp.tanh(x @ w + b), X, W, B),
    "bias and a light activation": (lambda x, w, b: relu(x @ w + b), X, W, B),
    "a thread for each element": (lambda x, w, b: fnp.tanh(x @ w + b), X[:3], W[:, :5], B[:5]),
    "a vector": (lambda x, w: 1 / (1 + fnp.exp(-(x @ w[:, 0]))), X, W),
    "a bias of rows": (lambda x, w, b: gelu(x @ w + b[:, None]), X, W, ROWS),
    "no broadcast": (lambda x, w: fnp.exp(-(x @ w)), X, W),
    "a residual": (lambda x, w, b: x + fnp.tanh(x @ w.T @ w + b), W.T, X, B[:20]),
    "two results": (lambda x, w, b: activated(x @ w + b), X, W, B),
    "a transposed result": (lambda x, w, b: fnp.tanh(x @ w + b).T * 2, X, W, B),
    "rows in two dimensions": (lambda x, w, b: fnp.sin(x @ w + b[:, None]), XS, W, floats(34)),
    "a batch": (lambda x, w, b: fnp.tanh(x @ w + b), XS, WS, floats(33)),
    "a batch with its own bias": (lambda x, w, b: relu(x @ w + b[:, None]), XS, WS,
                                  floats(2, 33)),
    "a batch of two dimensions": (
        lambda x, w: relu(fnp.einsum("abij,bajk->abik", x, w) * fnp.arange(2)[:, None, None]),
        floats(2, 2, 33, 5), floats(2, 2, 5, 34)),
    "a mask": (lambda x, w: fnp.where(fnp.arange(35)[:, None] >= fnp.arange(66), x @ w, -1.0),
               X, W),
    "a gathered bias": (lambda x, w, b, k: (x @ w + b[k]) * 0.5, X, W, B, PLACES),
    "float16": (lambda x, w, b: fnp.tanh(x @ w + b), *(v.astype("float16") for v in (X, W, B))),
    "integers": (lambda x, w: fnp.maximum(x @ w, 3) - 1, *((3 * v).astype("int8")
                                                             for v in (X, W))),
    "complex": (lambda x, w, b: (x @ w + b) * 1j, X + 1j, W - 2j, B),
}


def launches(function, args) -> int:
    return len(list(compiled(function, args)[0].plan.launches()))


WIDE = ("bias and activation", "bias and a light activation", "a transposed result", "a batch",
        "float16")


@pytest.mark.parametrize("name", WIDE)
def test_where_there_are_many_tiles_they_are_large(name, monkeypatch):
    monkeypatch.setattr(products, "MANY_TILES", 1)
    function, *args = EPILOGUES[name]
    if args[0].dtype == "float64":
        args = [arg.astype("float32") for arg in args]
    assert "(16, 129)" in compiled(function, args)[0].source()
    assert_same(function, args)
    monkeypatch.setattr(products, "MANY_TILES", 2)
    assert ("(16, 129)" in compiled(function, args)[0].source()) == (name == "a batch")


X16, W16 = X.astype("bfloat16"), W.astype("bfloat16")
PROLOGUES = {
    "sums in float32": (lambda x, w: lax.dot(x, w, preferred_element_type="float32"), X16, W16),
    "few elements": (lambda x, w: lax.dot(x, w, preferred_element_type="float32"), X16[:3],
                     W16[:, :2]),
    "one operand": (lambda x, w: x.astype("float64") @ w, X.astype("float32"), W),
    "a scale": (lambda x, w: (x * 0.37) @ w.T, X, W.T),
    "transposed": (lambda x, w: x.astype("float32").T @ w.astype("float32").T, X16.T, W16.T),
    "a batch": (lambda x, w: lax.batch_matmul(x.astype("float64"), w), XS.astype("float32"), WS),
    "the same twice": (lambda x: (x.astype("float32") @ x.astype("float32").T), X16),
    "and an epilogue": (lambda x, w, b: fnp.tanh(
        lax.dot(x, w, preferred_element_type="float32") + b).astype("bfloat16"), X16, W16,
        B.astype("float32")),
}


@pytest.mark.parametrize("name", PROLOGUES)
def test_little_work_on_an_operand_is_done_where_it_is_read(name):
    function, *args = PROLOGUES[name]
    assert launches(function, args) == 1
    assert_same(function, args)


NO_PROLOGUES = {
    "much work": (lambda x, w: fnp.tanh(x) @ w, X, W),
    "two arrays": (lambda x, w: (x + x[:1]) @ w, X, W),
    "used elsewhere": (lambda x, w: ((x * 2) @ w, x * 2), X, W),
    "an epilogue": (lambda x, w: relu(x @ w) @ w.T, X, W),
}


@pytest.mark.parametrize("name", NO_PROLOGUES)
def test_more_work_on_an_operand_is_a_kernel_of_its_own(name):
    function, *args = NO_PROLOGUES[name]
    assert launches(function, args) == 2
    assert_same(function, args)


@pytest.mark.parametrize("name", EPILOGUES)
def test_what_is_computed_of_a_product_alone_is_its_epilogue(name):
    function, *args = EPILOGUES[name]
    before = 1 if name == "a residual" else 0                  # the product within the product
    assert launches(function, args) == 1 + before
    assert_same(function, args)


def test_the_epilogue_of_a_product_in_pieces_belongs_to_their_sum():
    def function(x, b):
        return activated(0.1 * (x.T @ x) + b)
    args = (LONG, B[:33])
    (first, _), (second, _) = cuda_texts(compiled(function, args)[0])
    assert "tile0" in first and "tanh" not in first and "tanh(" in second
    assert_same(function, args)


def test_of_two_products_one_has_an_epilogue():
    def function(x, w, h, u, b):
        return fnp.tanh(x @ w + h @ u + b)
    args = (X, W, X[:, :7], W[:7], B)
    assert launches(function, args) == 2
    assert_same(function, args)


def test_what_reads_an_epilogue_is_a_kernel_that_reads_its_result():
    """As on the way back through a layer: the slopes of a bias are sums of those of its result."""
    def back(ct, w, y):
        slopes = (ct @ w.T) * (1 - y * y)
        return slopes, slopes.sum(0), slopes.sum(1)
    args = (X, W.T, floats(35, 66))
    first, *rest = (text for text, _ in cuda_texts(compiled(back, args)[0]))
    assert "y0[row * columns + column] = " in first and len(rest) == 2
    assert all("y0[" in text and "x0" not in text and "t0" not in text for text in rest)
    assert_same(back, args)

    def half(ct, w, y):
        slopes = (ct @ w.T) * y
        return slopes, slopes.sum(0)
    args = tuple(arg.astype("float16") for arg in args)        # sums of what was not rounded
    assert launches(half, args) == 3
    assert_same(half, args)


NO_EPILOGUES = {
    "read twice": (lambda x, w: (fnp.tanh(x @ w), (x @ w).sum(0)), X, W[:, :35]),
    "another order": (lambda x, w: (x @ w) + (x @ w).T, X, W[:, :35]),
    "a part": (lambda x, w: fnp.tanh((x @ w)[1:]), X, W),
    "a result of its own": (lambda x, w: (x @ w, fnp.tanh(x @ w)), X, W),
    "rows and columns mixed": (lambda x, w: fnp.tanh((x @ w).reshape(66, 35).T + 1), X, W),
    "a softmax": (lambda x, w: ft.nn.softmax(x @ w), X, W),
}


@pytest.mark.parametrize("name", NO_EPILOGUES)
def test_what_is_more_than_that_is_a_kernel_of_its_own(name):
    function, *args = NO_EPILOGUES[name]
    assert launches(function, args) > 1
    assert_same(function, args, ulp=1000)


def test_epilogues_in_loops():
    def function(w, u, b, xs):
        def step(h, x):
            h = fnp.tanh(x @ w + h @ u + b)
            return h, h * 2
        return lax.scan(step, fnp.zeros((3, 40), xs.dtype), xs)
    args = (floats(20, 40), floats(40, 40), floats(40), floats(5, 3, 20))
    assert_same(function, args, ulp=1000)
    assert_same(ft.grad(lambda *args: function(*args)[1].sum()), args, ulp=4000)


def test_an_index_outside_in_an_epilogue_is_reported():
    function, *args, places = EPILOGUES["a gathered bias"]
    executable, operands = compiled(function, (*args, places + 1))
    executable.run(operands)
    with pytest.raises(IndexOutOfBounds, match="index 66 .* size 66"):
        driver.synchronize()


def test_a_layer_is_one_kernel_and_a_network_has_one_for_each_layer():
    def network(params, x):
        for w, b in params:
            x = relu(x @ w + b)
        return x
    params = [(floats(a, b), floats(b)) for a, b in ((20, 64), (64, 40), (40, 33))]
    assert launches(network, (params, X)) == 3
    assert_same(network, (params, X), ulp=1000)


def test_heavy_epilogues_are_not_repeated_for_each_sum():
    heavy, light = (cuda_texts(compiled(function, args)[0])[0][0] for function, *args in
                    (EPILOGUES["bias and activation"], EPILOGUES["bias and a light activation"]))
    assert "acc[k] = acc[k + 1]" in heavy and "acc[k + 1]" not in light
