"""Pieces of models and methods: attention, embeddings, clustering."""
from __future__ import annotations

from benchmarks.data import integers, normal, tensors
from benchmarks.row import row

HEADS = (8, 8, 128, 64)         # batch, heads, positions, features
_B, _H, _T, _D = HEADS
_PRODUCTS = 2 * 2 * _B * _H * _T * _T * _D


def attention(lib, q, k, v):
    """Causal attention of all heads."""
    scores = q @ lib.numpy.swapaxes(k, -1, -2) * _D ** -0.5
    mask = lib.numpy.tril(lib.numpy.ones((_T, _T), bool))
    return lib.nn.softmax(lib.numpy.where(mask, scores, -1e30)) @ v


def _heads():
    return [normal(*HEADS, seed=k) for k in range(3)]


@row("attention forward, 8 x 8 heads, 128 x 64", flops=_PRODUCTS)
def attention_forward(lib):
    return lib.jit(lambda q, k, v: attention(lib, q, k, v)), lib.arrays(*_heads())


@attention_forward.torch
def _(torch):
    attend = torch.nn.functional.scaled_dot_product_attention
    return lambda q, k, v: attend(q, k, v, is_causal=True), tensors(*_heads())


@row("attention gradient, 8 x 8 heads, 128 x 64", flops=3 * _PRODUCTS, tolerance=1e-3)
def attention_gradient(lib):
    def loss(q, k, v):
        return (attention(lib, q, k, v) ** 2).sum()
    return lib.jit(lib.grad(loss, (0, 1, 2))), lib.arrays(*_heads())


@attention_gradient.torch
def _(torch):
    heads = tensors(*_heads(), grad=True)
    attend = torch.nn.functional.scaled_dot_product_attention

    def run():
        return torch.autograd.grad((attend(*heads, is_causal=True) ** 2).sum(), heads)
    return run, ()


POINTS, CENTRES, FEATURES = 20_000, 32, 16


@row("k-means step, 20,000 points, 32 centres", tolerance=1e-3,
     flops=2 * POINTS * CENTRES * FEATURES)
def k_means(lib):
    def step(points, centres):
        distances = (centres ** 2).sum(1) - 2 * points @ centres.T
        nearest = lib.numpy.argmin(distances, 1)
        sums = lib.numpy.zeros_like(centres).at[nearest].add(points)
        counts = lib.numpy.zeros(CENTRES, points.dtype).at[nearest].add(1)
        return sums / lib.numpy.maximum(counts, 1)[:, None]
    return lib.jit(step), lib.arrays(*_cloud())


def _cloud():
    return normal(POINTS, FEATURES), normal(CENTRES, FEATURES, seed=1)


@k_means.torch
def _(torch):
    def step(points, centres):
        distances = (centres ** 2).sum(1) - 2 * points @ centres.T
        nearest = torch.argmin(distances, 1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        counts = torch.bincount(nearest, minlength=CENTRES)
        return sums / counts.clamp(min=1)[:, None]
    return step, tensors(*_cloud())


TABLE = (10_000, 256)


@row("gradient of an embedding, 2,048 of 10,000 x 256", bytes=4 * TABLE[0] * TABLE[1])
def embedding(lib):
    def loss(table, words, weights):
        return (table[words] * weights).sum()
    return lib.jit(lib.grad(loss)), lib.arrays(normal(*TABLE), *_words())


def _words():
    return integers(TABLE[0], 2048), normal(2048, TABLE[1], seed=1)


@embedding.torch
def _(torch):
    table, = tensors(normal(*TABLE), grad=True)
    words, weights = tensors(*_words())

    def run():
        loss = (torch.nn.functional.embedding(words, table) * weights).sum()
        return torch.autograd.grad(loss, table)[0]
    return run, ()
