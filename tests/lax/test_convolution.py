"""Convolutions: by their definition, as a sum over places, and by JAX."""
from __future__ import annotations

import numpy as np
import pytest
from lax_oracle import follows_all, normal, same

import functrans as ft
import functrans.numpy as fnp
from functrans import lax


def plain(lhs, rhs, strides, pads):
    """The definition, for (batch, channels, height, width) and (out, in, height, width)."""
    lhs = np.pad(lhs, ((0, 0), (0, 0), *pads))
    (n, _, h, w), (out, _, kh, kw) = lhs.shape, rhs.shape
    rows, columns = (h - kh) // strides[0] + 1, (w - kw) // strides[1] + 1
    result = np.zeros((n, out, rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * strides[0], j * strides[1]
            piece = lhs[:, :, top:top + kh, left:left + kw]
            result[:, :, i, j] = np.einsum("nchw,ochw->no", piece, rhs)
    return result


def test_definition():
    lhs, rhs = normal(2, 3, 7, 6), normal(4, 3, 3, 2, seed=1)
    pads = ((1, 0), (2, 1))
    same(lax.conv_general_dilated(lhs, rhs, (2, 1), pads), plain(lhs, rhs, (2, 1), pads))
    same(lax.conv(lhs, rhs, (1, 1), "VALID"), plain(lhs, rhs, (1, 1), ((0, 0), (0, 0))))
    same(lax.conv(lhs, rhs, (2, 2), "SAME"), plain(lhs, rhs, (2, 2), ((1, 1), (0, 0))))


CASES = [
    ((2, 3, 7), (4, 3, 3), (2,), dict(padding="SAME")),
    ((2, 3, 7), (4, 3, 3), (2,), dict(padding="SAME_LOWER")),
    ((2, 3, 7), (4, 3, 2), (1,), dict(padding=[(-1, 2)], rhs_dilation=(2,))),
    ((2, 3, 4), (4, 3, 3), (2,), dict(padding=[(1, -2)], lhs_dilation=(3,))),
    ((1, 5, 6, 4), (3, 2, 4, 6), (2, 1), dict(
        padding="SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))),
    ((5, 4, 6, 2), (2, 3, 3, 4), (1, 2), dict(
        padding=[(1, 1), (0, 1)], dimension_numbers=("HCNW", "WHOI", "CWHN"))),
    ((2, 6, 5, 5), (4, 3, 2, 2), (1, 1), dict(padding="VALID", feature_group_count=2)),
    ((2, 4, 5), (8, 1, 2), (1,), dict(padding="VALID", feature_group_count=4)),
    ((4, 3, 5, 5), (6, 3, 2, 2), (2, 1), dict(padding="SAME", batch_group_count=2)),
    ((1, 2, 4, 3, 4), (2, 2, 2, 2, 2), (1, 2, 1), dict(padding="SAME")),
    ((2, 3), (4, 3), (), dict(padding="VALID")),
    ((2, 3, 2), (4, 3, 5), (1,), dict(padding="VALID")),
    ((0, 3, 4), (4, 3, 2), (1,), dict(padding="VALID")),
]
CASES[4] = ((1, 5, 4, 6), (3, 2, 6, 4), (2, 1), CASES[4][3])
CASES[5] = ((5, 4, 2, 6), (3, 2, 5, 4), (1, 2), CASES[5][3])


@pytest.mark.parametrize("lhs, rhs, strides, options", CASES, ids=str)
def test_general(jax, lhs, rhs, strides, options):
    x, kernel = normal(*lhs), normal(*rhs, seed=1)
    wanted = jax.lax.conv_general_dilated(x, kernel, strides, **options)
    same(lax.conv_general_dilated(x, kernel, strides, **options), wanted)


@pytest.mark.parametrize("options", [
    dict(padding="SAME", rhs_dilation=(2, 1)),
    dict(padding=[(1, 2), (0, -1)], lhs_dilation=(1, 2), feature_group_count=2)], ids=str)
def test_transformations(options):
    x, kernel = normal(1, 2, 4, 3), normal(2, 2, 2, 2, seed=1)
    kernel = kernel[:, :2 // options.get("feature_group_count", 1)]
    follows_all(lambda x, k: lax.conv_general_dilated(x, k, (2, 1), **options), x, kernel, order=2)


@pytest.mark.parametrize("options", [
    dict(padding="SAME"), dict(padding="VALID"), dict(padding=[(1, 2), (0, 1)]),
    dict(padding=[(1, 0), (0, 1)], use_consistent_padding=True),
    dict(padding="SAME", rhs_dilation=(2, 1)), dict(padding="VALID", transpose_kernel=True)],
    ids=str)
@pytest.mark.parametrize("strides", [(1, 1), (2, 3), (4, 1)], ids=str)
def test_transposed(jax, strides, options):
    x, kernel = normal(2, 4, 5, 3), normal(3, 2, 3, 3, seed=1)
    same(lax.conv_transpose(x, kernel, strides, **options),
         jax.lax.conv_transpose(x, kernel, strides, **options))


@pytest.mark.parametrize("size", [6, 7])
def test_the_transposed_convolution_is_the_adjoint(size):
    x, kernel = normal(1, size, 2), normal(3, 2, 5, seed=1)
    numbers = ("NWC", "WIO", "NWC")

    def forward(x):
        return lax.conv_general_dilated(x, kernel, (2,), "VALID", dimension_numbers=numbers)
    ct = normal(*forward(x).shape, seed=2)
    wanted, = ft.vjp(forward, x)[1](fnp.asarray(ct))
    found = lax.conv_transpose(ct, kernel, (2,), "VALID", dimension_numbers=numbers,
                               transpose_kernel=True)
    same(found, np.asarray(wanted)[:, :found.shape[1]])


@pytest.mark.parametrize("options", [
    dict(padding="VALID"), dict(padding="SAME", rhs_dilation=(1, 2)),
    dict(padding=[(1, 0), (0, 2)], lhs_dilation=(2, 1),
         dimension_numbers=("NHWC", "HWIO", "NHWC"))], ids=str)
def test_patches(jax, options):
    x = normal(2, 4, 5, 3)
    same(lax.conv_general_dilated_patches(x, (2, 3), (1, 2), **options),
         jax.lax.conv_general_dilated_patches(x, (2, 3), (1, 2), **options))


def test_other_dtypes():
    x, kernel = np.arange(6, dtype=np.int8).reshape(1, 1, 6) * 20, np.ones((1, 1, 3), np.int8)
    wide = lax.conv(x, kernel, (1,), "VALID", preferred_element_type=np.int32)
    same(wide, np.array([[[60, 120, 180, 240]]], np.int32))
    z = normal(1, 2, 5) + 1j * normal(1, 2, 5, seed=3)
    same(lax.conv(z, normal(3, 2, 2) + 0j, (1,), "VALID").real,
         lax.conv(z.real, normal(3, 2, 2), (1,), "VALID"))


def test_dimension_numbers_and_shapes(jax):
    for strings in (("NHWC", "HWIO", "NHWC"), ("NCWH", "OIHW", "HWNC")):
        found = lax.conv_dimension_numbers((1, 2, 3, 4), (5, 6, 7, 8), strings)
        wanted = jax.lax.conv_dimension_numbers((1, 2, 3, 4), (5, 6, 7, 8), strings)
        assert tuple(found) == (wanted.lhs_spec, wanted.rhs_spec, wanted.out_spec)
        assert lax.conv_dimension_numbers((1, 2, 3, 4), (5, 6, 7, 8), found) is found
    assert lax.conv_general_shape_tuple((1, 9, 8, 3), (3, 3, 3, 5), (2, 1), "SAME", (
        "NHWC", "HWIO", "NHWC")) == (1, 5, 8, 5)


ONE = np.ones((1, 2, 5))


@pytest.mark.parametrize("kernel, options, message", [
    (np.ones((3, 1, 2)), {}, "has 2 channels, but the kernel .* takes 1"),
    (np.ones((3, 2, 2), np.float32), {}, "one dtype"),
    (np.ones((3, 2)), {}, "equally many dimensions"),
    (np.ones((3, 2, 2)), dict(padding="FULL"), "'SAME', 'SAME_LOWER' or 'VALID'"),
    (np.ones((3, 2, 2)), dict(padding=[(0, 0)] * 2), "a pair .* for each of the 1 axes"),
    (np.ones((3, 2, 2)), dict(lhs_dilation=(2,)), "lax.conv_transpose"),
    (np.ones((3, 2, 2)), dict(window_strides=(0,)), "window_strides must be positive"),
    (np.ones((3, 2, 2)), dict(window_strides=(1, 1)), "must have 1 entries"),
    (np.ones((3, 1, 2)), dict(feature_group_count=2), "must divide the output channels"),
    (np.ones((3, 2, 2)), dict(dimension_numbers=("NCW", "OIH", "NCW")), "must name N, C, H"),
    (np.ones((3, 2, 2)), dict(padding=[(-4, -4)]), "takes more away"),
], ids=str)
def test_what_does_not_fit_is_said(kernel, options, message):
    options = {"window_strides": (1,), "padding": "VALID", **options}
    with pytest.raises((TypeError, ValueError), match=message):
        lax.conv_general_dilated(ONE, kernel, **options)
