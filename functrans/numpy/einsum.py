"""`einsum`: sums of products in index notation, by pairs, in a good order.

Imports `numpy.promotion`, `numpy.products`, `primitives`.
"""
from __future__ import annotations

import numpy as np

from functrans.errors import ArgumentError, ShapeError
from functrans.numpy.products import contract
from functrans.numpy.promotion import as_arraylike, canonical_dtype, promote, promote_types
from functrans.numpy.ufunc import refuse_out
from functrans.primitives.basic import reduce_sum
from functrans.primitives.elementwise import convert, eq, select
from functrans.primitives.reduce import reduce_or
from functrans.primitives.shape import iota, reshape, transpose

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def einsum(subscripts, /, *operands, out=None, optimize="greedy", dtype=None, precision=None,
           preferred_element_type=None):
    """Sums of products in Einstein's notation, as `numpy.einsum`.

    subscripts: such as "ij,jk->ik"; "..." stands for axes that are broadcast. The order of the
    products is chosen by `numpy.einsum_path`. dtype: of the operands, before they are multiplied.
    preferred_element_type: of the result; a wider one is computed in. precision: of no effect.

    >>> import functrans.numpy as fnp
    >>> fnp.einsum("ij,jk->ik", fnp.ones((2, 3)), fnp.ones((3, 4))).shape
    (2, 4)
    """
    refuse_out(out, "einsum")
    subscripts, operands = _interleaved(subscripts, operands)
    arrays = promote(*(as_arraylike(x, "einsum") for x in operands))
    if dtype is not None:
        arrays = [convert(x, canonical_dtype(dtype)) for x in arrays]
    if preferred_element_type is None:
        return _einsum(subscripts, arrays, optimize)
    preferred = canonical_dtype(preferred_element_type)
    wide = promote_types(arrays[0].dtype, preferred)
    return convert(_einsum(subscripts, [convert(x, wide) for x in arrays], optimize), preferred)


def _einsum(subscripts: str, arrays: list, optimize):
    """einsum of arrays of one dtype."""
    terms, output = _parse(subscripts, [x.ndim for x in arrays])
    _check_sizes(subscripts, terms, arrays)
    arrays, terms = _stretch(arrays, terms)
    path = _path(terms, output, arrays, optimize)
    for pair in path:
        chosen = sorted(pair, reverse=True)
        taken = [(arrays.pop(k), terms.pop(k)) for k in chosen][::-1]
        keep = set(output).union(*terms)
        array, term = _combine(taken, keep)
        arrays.append(array)
        terms.append(term)
    array, term = _alone(arrays[0], terms[0], set(output))
    return transpose(array, [term.index(letter) for letter in output])


def einsum_path(subscripts, /, *operands, optimize="greedy", einsum_call: bool = False) -> tuple:
    """The order of products that `einsum` would take, and a description of its cost.

    optimize: as in `numpy.einsum_path`, which finds it.

    >>> import functrans.numpy as fnp
    >>> fnp.einsum_path("ij,jk->ik", fnp.ones((2, 3)), fnp.ones((3, 4)))[0]
    ['einsum_path', (0, 1)]
    """
    subscripts, operands = _interleaved(subscripts, operands)
    dummies = [np.broadcast_to(np.float32(0), as_arraylike(x, "einsum_path").shape)
               for x in operands]
    return np.einsum_path(subscripts, *dummies, optimize=optimize, einsum_call=einsum_call)


def _interleaved(subscripts, operands):
    """The form `einsum(x, [0, 1], y, [1, 2], [0, 2])` as letters."""
    if isinstance(subscripts, str):
        return subscripts, operands
    items = [subscripts, *operands]
    arrays, lists = items[0:len(items) - len(items) % 2:2], items[1::2]
    text = ",".join(_letters(axes) for axes in lists[:len(arrays)])
    if len(items) % 2:
        text += "->" + _letters(items[-1])
    return text, arrays


def _letters(axes) -> str:
    return "".join("..." if k is Ellipsis else _LETTERS[k] for k in axes)


def _parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """One string of letters for each operand, and one for the result."""
    text = subscripts.replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ArgumentError(f"einsum: {subscripts!r} has {len(terms)} operands, got {len(ranks)}")
    free = [letter for letter in _LETTERS if letter not in text]
    dots = max((rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks)
                if "..." in term), default=0)
    ellipsis = "".join(free[:dots])
    filled = []
    for term, rank in zip(terms, ranks):
        count = rank - len(term.replace("...", ""))
        if count < 0 or (count and "..." not in term):
            raise ArgumentError(f"einsum: operand {term!r} of {subscripts!r} has {rank} axes")
        filled.append(term.replace("...", ellipsis[dots - count:]))
    if arrow:
        output = output.replace("...", ellipsis)
    else:
        letters = "".join(filled)
        once = sorted(k for k in set(letters) if letters.count(k) == 1 and k not in ellipsis)
        output = ellipsis + "".join(once)
    if len(set(output)) != len(output) or not set(output) <= set("".join(filled)):
        raise ArgumentError(f"einsum: the output of {subscripts!r} repeats an index, or has one "
                            "that no operand has")
    return filled, output


def _check_sizes(subscripts: str, terms, arrays):
    sizes: dict = {}
    for term, x in zip(terms, arrays):
        for letter, size in zip(term, x.shape):
            known = sizes.setdefault(letter, size)
            if size != known and 1 not in (size, known):
                raise ShapeError(f"einsum: index {letter!r} of {subscripts!r} has sizes {known} "
                                 f"and {size}")
            sizes[letter] = max(size, known)


def _stretch(arrays, terms):
    """Axes of size one that meet larger ones: dropped, so that the product broadcasts them."""
    sizes: dict = {}
    for term, x in zip(terms, arrays):
        for letter, size in zip(term, x.shape):
            sizes[letter] = max(size, sizes.get(letter, 1))
    kept_arrays, kept_terms = [], []
    for term, x in zip(terms, arrays):
        keep = [k for k, letter in enumerate(term) if x.shape[k] == sizes[letter]]
        if len(keep) < x.ndim:
            x = reshape(x, [x.shape[k] for k in keep])
            term = "".join(term[k] for k in keep)
        kept_arrays.append(x)
        kept_terms.append(term)
    return kept_arrays, kept_terms


def _path(terms, output: str, arrays, optimize) -> list:
    """Pairs of operands to combine, in order."""
    if len(terms) <= 2:
        return [tuple(range(len(terms)))] if len(terms) == 2 else []
    dummies = [np.broadcast_to(np.float32(0), x.shape) for x in arrays]
    method = "greedy" if optimize in (True, False, "auto") else optimize
    path = np.einsum_path(",".join(terms) + "->" + output, *dummies, optimize=method)[0][1:]
    if any(len(step) > 2 for step in path):
        return _left_to_right(len(terms))
    return path


def _left_to_right(count: int) -> list:
    return [(0, 1)] + [(0, remaining - 1) for remaining in range(count - 1, 1, -1)]


def _combine(taken, keep: set):
    """The product of two operands, summed over what nobody needs any more."""
    (a, left), (b, right) = taken
    a, left = _alone(a, left, keep | set(right))
    b, right = _alone(b, right, keep | set(left))
    shared = [k for k in left if k in right]
    batch = [k for k in shared if k in keep]
    summed = [k for k in shared if k not in keep]
    out = contract(a, b, ([left.index(k) for k in summed], [right.index(k) for k in summed]),
                   ([left.index(k) for k in batch], [right.index(k) for k in batch]))
    rest = [k for k in left if k not in shared] + [k for k in right if k not in shared]
    return out, "".join(batch + rest)


def _alone(x, term: str, keep: set):
    """One operand: diagonals of repeated indices, sums over those that nobody needs."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            x = _diagonal(x, first, second)
            term = term[:second] + term[second + 1:]
    axes = [k for k, letter in enumerate(term) if letter not in keep]
    return reduce_sum(x, axes), "".join(letter for letter in term if letter in keep)


def _diagonal(x, first: int, second: int):
    """The diagonal of two axes, in place of the first: off-diagonal zeros summed away."""
    on = eq(iota(np.int64, x.shape, first), iota(np.int64, x.shape, second))
    if x.dtype.kind == "b":
        return reduce_or(select(on, x, np.bool_(False)), (second,))
    return reduce_sum(select(on, x, x.dtype.type(0)), (second,))
