"""Keys and bits: published vectors of threefry2x32, and the bits of JAX where it is installed.

JAX's bits for a key depend on a switch of its own, `jax_threefry_partitionable`; what is compared
is its default, True.
"""
from __future__ import annotations

import numpy as np
import pytest

import functrans as ft
import functrans.numpy as fnp
from functrans.primitives.random import threefry2x32
from functrans.random import (PRNGKey, bits, clone, fold_in, key, key_data, key_impl, split,
                              wrap_key_data)

SEEDS = (0, 1, 42, 2**31, 2**32 - 1, -1, 2**40 + 3, 2**63 - 1)
SHAPES = ((), (3, 4), (0, 3))

# Random123's known answers for threefry2x32 with 20 rounds: key, counter, result.
KNOWN = (
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6b200159, 0x99ba4efe)),
    ((0xffffffff, 0xffffffff), (0xffffffff, 0xffffffff), (0x1cb996fc, 0xbb002be7)),
    ((0x13198a2e, 0x03707344), (0x243f6a88, 0x85a308d3), (0xc4923a9c, 0x483df7a0)),
)


@pytest.mark.parametrize("words, counter, expected", KNOWN)
@pytest.mark.parametrize("run", (lambda f: f, ft.jit))
def test_threefry_gives_the_published_answers(words, counter, expected, run):
    operands = [fnp.array(np.array([word], np.uint32)) for word in (*words, *counter)]
    high, low = run(threefry2x32)(*operands)
    assert (int(high[0]), int(low[0])) == expected


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    assert jax.config.jax_threefry_partitionable
    return jax


@pytest.mark.parametrize("seed", SEEDS)
def test_keys_are_those_of_jax(jax, seed):
    with jax.enable_x64(True):
        mine, theirs = key(seed), jax.random.PRNGKey(seed)
        np.testing.assert_array_equal(mine, theirs)
        for number in (2, 5, (2, 3)):
            np.testing.assert_array_equal(split(mine, number), jax.random.split(theirs, number))
        for data in (0, 1, 7, 2**31 - 1, 2**32 - 1):
            np.testing.assert_array_equal(fold_in(mine, data), jax.random.fold_in(theirs, data))


@pytest.mark.parametrize("dtype", ("uint8", "uint16", "uint32", "uint64"))
def test_bits_are_those_of_jax(jax, dtype):
    with jax.enable_x64(True):
        for shape in SHAPES:
            mine = np.asarray(bits(key(42), shape, dtype))
            theirs = np.asarray(jax.random.bits(jax.random.PRNGKey(42), shape, dtype))
            np.testing.assert_array_equal(mine, theirs, strict=True)


def test_bits_of_a_seed_do_not_change():
    """The same on every machine and in every version, JAX or not."""
    assert key(1234).tolist() == [0, 1234]
    assert split(key(0)).tolist() == [[1797259609, 2579123966], [928981903, 3453687069]]
    assert bits(key(0), (3,)).tolist() == [4070199207, 4202968722, 1427181096]
    assert fold_in(key(0), 3).tolist() == [2467461003, 3840466878]


def test_every_shape_starts_with_the_same_bits():
    """An element depends on its row-major number alone."""
    flat = bits(key(3), (24,))
    np.testing.assert_array_equal(bits(key(3), (4, 6)).reshape(24), flat)
    np.testing.assert_array_equal(bits(key(3), (2, 3)).reshape(6), flat[:6])


def test_compiled_and_mapped_bits_are_the_same():
    keys = split(key(7), 3)
    expected = np.stack([np.asarray(bits(one, (4,))) for one in keys])
    np.testing.assert_array_equal(ft.vmap(lambda one: bits(one, (4,)))(keys), expected)
    np.testing.assert_array_equal(ft.jit(ft.vmap(lambda one: bits(one, (4,))))(keys), expected)


def test_fold_in_takes_traced_numbers():
    steps = fnp.arange(3)
    expected = np.stack([np.asarray(fold_in(key(0), step)) for step in range(3)])
    np.testing.assert_array_equal(ft.jit(ft.vmap(lambda step: fold_in(key(0), step)))(steps),
                                  expected)


def test_key_data_and_back():
    keys = split(key(0), 4)
    np.testing.assert_array_equal(wrap_key_data(key_data(keys)), keys)


def test_the_generator_has_a_name():
    name = key_impl(key(3))
    for made in (key(3, impl=name), PRNGKey(3, impl=name), wrap_key_data(key(3), impl=name),
                 clone(key(3))):
        np.testing.assert_array_equal(made, key(3))
    np.testing.assert_array_equal(ft.jit(clone)(key(3)), key(3))


def test_a_clone_has_not_been_used():
    with ft.config.override(debug_key_reuse=True):
        one = key(3)
        bits(one)
        bits(clone(one))
        ft.jit(lambda one: bits(one) + bits(clone(one)))(clone(one))
        with pytest.raises(ft.errors.KeyReuseError):
            bits(one)


@pytest.mark.parametrize("call, error, text", (
    (lambda: key(0, impl="rbg"), ValueError, "no generator 'rbg'"),
    (lambda: wrap_key_data(key(0), impl="philox"), ValueError, "threefry2x32"),
    (lambda: key_impl(fnp.zeros(2)), TypeError, "takes keys"),
    (lambda: split(fnp.zeros(2)), TypeError, "takes keys"),
    (lambda: bits(split(key(0))), ValueError, "takes one key"),
    (lambda: bits(key(0), (2,), "int32"), ValueError, "unsigned"),
    (lambda: bits(key(0), (-1,)), ValueError, "negative"),
    (lambda: bits(key(0), 2.5), TypeError, "shape must be"),
    (lambda: fold_in(key(0), 2**32), OverflowError, "32 bits"),
    (lambda: fold_in(key(0), fnp.arange(2)), TypeError, "one integer"),
    (lambda: key(1.5), TypeError, "seed"),
))
def test_misuse_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()
