"""Attention: values, weighted by how well their keys fit a query.

In: queries, keys, values as arrays. Out: an array like the queries. Imports `numpy`,
`nn.normalization`.
"""
from __future__ import annotations

import math

import numpy as np

import functrans.numpy as fnp
from functrans.errors import ArgumentError, DtypeError, ShapeError
from functrans.ir.type import is_bool, is_float
from functrans.nn.normalization import logsumexp, softmax
from functrans.numpy.promotion import as_arraylike, broadcasts_to, promote_types


def dot_product_attention(query, key, value, bias=None, mask=None, *, scale=None,
                          is_causal: bool = False, query_seq_lengths=None,
                          key_value_seq_lengths=None, local_window_size=None,
                          implementation: str | None = None, return_residual: bool = False):
    """softmax(scale * query key^T + bias) value, for each head: (batch, target, heads, size).

    query: (batch, target, heads, size), or without batch. key, value: (batch, source, key heads,
        size), the key heads a divisor of the heads: each serves as many of them.
    bias: added to the logits; mask: booleans, which of them count; both broadcast to
        (batch, heads, target, source).
    scale: of the logits, 1 / sqrt(size) unless given. is_causal: whether a target sees only sources
        up to its own place. local_window_size: how many places before and after its own it sees:
        a number or a pair.
    query_seq_lengths, key_value_seq_lengths: (batch,) integers: how many places count. Targets
        behind give 0.
    implementation: None or "xla"; there is one here. return_residual: whether the logsumexp of the
        logits, (batch, target, heads), is returned too.
    A target that sees nothing gives the mean of all values. Logits and weights of half precision
    are computed in float32.
    Source: Vaswani and others, "Attention is all you need" (arXiv:1706.03762), section 3.2; shared
    key heads: Ainslie and others (arXiv:2305.13245).
    Raises ValueError for shapes that do not fit.

    >>> import functrans as ft, functrans.numpy as fnp
    >>> x = fnp.ones((1, 4, 2, 8))
    >>> ft.nn.dot_product_attention(x, x, x, is_causal=True).shape
    (1, 4, 2, 8)
    """
    if implementation not in (None, "xla"):
        raise ArgumentError(f"dot_product_attention: implementation={implementation!r} is not "
                            "available; leave it out")
    query, key, value = (as_arraylike(x, "dot_product_attention") for x in (query, key, value))
    shape = query.shape
    query, key, value = (x if x.ndim == 4 else x[None] for x in (query, key, value))
    _check(query, key, value)
    logits = _logits(query, key, bias, scale)
    seen = _seen(logits.shape, mask, is_causal, query_seq_lengths, key_value_seq_lengths,
                 local_window_size)
    if seen is not None:
        logits = fnp.where(seen, logits, -0.7 * float(np.finfo(logits.dtype).max))
    out = _weighted(softmax(logits), value)
    if query_seq_lengths is not None:
        out = fnp.where(_before(query_seq_lengths, out.shape[1])[:, :, None, None], out, 0)
    out = out.reshape(shape)
    if not return_residual:
        return out
    residual = fnp.swapaxes(logsumexp(logits, axis=-1), 1, 2)
    return out, residual.reshape(shape[:-1])


def _check(query, key, value):
    shown = f"got query {query.type}, key {key.type}, value {value.type}"
    if not query.dtype == key.dtype == value.dtype or not is_float(query.dtype):
        raise DtypeError(f"dot_product_attention takes floats of one dtype, {shown}")
    if query.ndim != 4 or key.ndim != 4 or key.shape != value.shape:
        raise ShapeError("dot_product_attention takes (batch, places, heads, size), the same for "
                         f"key and value, {shown}")
    if (query.shape[0], query.shape[3]) != (key.shape[0], key.shape[3]) \
            or query.shape[2] % max(key.shape[2], 1):
        raise ShapeError("dot_product_attention: query and key must have the same batch and size, "
                         f"and the key's heads must divide the query's, {shown}")


def _logits(query, key, bias, scale):
    """(batch, heads, target, source), at least in float32."""
    batch, target, heads, size = query.shape
    shared = key.shape[2]
    wide = promote_types(query.dtype, np.dtype(np.float32))
    grouped = query.reshape(batch, target, shared, heads // shared, size).astype(wide)
    logits = fnp.einsum("btkgh,bskh->bkgts", grouped, key.astype(wide))
    logits = logits.reshape(batch, heads, target, key.shape[1])
    logits = logits * (1 / math.sqrt(size) if scale is None else scale)
    if bias is None:
        return logits
    return logits + _fitting(as_arraylike(bias, "bias"), logits.shape, "bias").astype(wide)


def _fitting(x, shape: tuple, what: str):
    if not broadcasts_to(x.shape, shape):
        raise ShapeError(f"dot_product_attention: {what} {x.type} must broadcast to (batch, heads, "
                         f"target, source) = {shape}")
    return x


def _seen(shape: tuple, mask, is_causal: bool, targets, sources, window):
    """Which logits count, or None: all."""
    masks = []
    if mask is not None:
        mask = _fitting(as_arraylike(mask, "mask"), shape, "mask")
        if not is_bool(mask.dtype):
            raise DtypeError(f"dot_product_attention: mask must be boolean, got {mask.type}; "
                             "numbers are added as bias")
        masks.append(mask)
    ahead = np.arange(shape[3])[None, :] - np.arange(shape[2])[:, None]     # source after target
    if is_causal:
        masks.append(ahead <= 0)
    if window is not None:
        before, after = (window, window) if isinstance(window, int) else window
        masks.append((ahead >= -before) & (ahead <= after))
    if targets is not None:
        masks.append(_before(targets, shape[2])[:, None, :, None])
    if sources is not None:
        masks.append(_before(sources, shape[3])[:, None, None, :])
    seen = None
    for one in masks:
        seen = one if seen is None else fnp.logical_and(seen, one)
    return seen


def _before(lengths, size: int):
    """(batch, size): whether a place counts."""
    return fnp.arange(size)[None, :] < as_arraylike(lengths, "lengths")[:, None]


def _weighted(weights, value):
    """(batch, target, heads, size) of weights (batch, heads, target, source)."""
    batch, heads, target, source = weights.shape
    shared = value.shape[2]
    grouped = weights.reshape(batch, shared, heads // shared, target, source)
    out = fnp.einsum("bkgts,bskh->btkgh", grouped.astype(value.dtype), value)
    return out.reshape(batch, target, heads, value.shape[3])
