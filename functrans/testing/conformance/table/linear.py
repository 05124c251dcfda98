"""Products of matrices, linear algebra, Fourier transforms.

Factors are determined but for signs and phases: what is compared does not depend on these.
"""
from __future__ import annotations

from functools import partial

from functrans.testing.conformance.dtypes import COMPLEX, INEXACT, MATRICES, NUMBERS, WIDE
from functrans.testing.conformance.operation import Table


def size(xp, x):
    """The squares of the absolute values of elements."""
    return xp.real(x * xp.conj(x))


def symmetric(xp, x):
    return x + xp.conj(xp.swapaxes(x, -1, -2))


def _qr(xp, x):
    q, r = xp.qr(x)
    return size(xp, q), size(xp, r)


def _svd(xp, x):
    u, s, vh = xp.svd(x, full_matrices=False)
    return size(xp, u), s, size(xp, vh)


def _eigh(xp, x):
    w, v = xp.eigh(symmetric(xp, x))
    return w, size(xp, v)


def _slogdet(xp, x):
    sign, logarithm = xp.slogdet(x)
    return sign, logarithm


def add_to(table: Table):
    """Adds the operations of this file."""
    for family in (_products, _equations, _factors, _transforms):
        family(table)


def _products(table: Table):
    """Of vectors and matrices."""
    table.add("matmul", "mk kn", lambda xp, x, y: xp.matmul(x, y),
              "pmk pkn", lambda xp, x, y: xp.matmul(x, y),
              "mk k", lambda xp, x, y: xp.matmul(x, y), dtypes=NUMBERS, empty="k", ulp=64)
    table.add("dot", "n n", lambda xp, x, y: xp.dot(x, y), dtypes=NUMBERS, empty="n", ulp=64)
    table.add("outer", "m n", lambda xp, x, y: xp.outer(x, y), dtypes=NUMBERS, empty="m")
    table.add("tensordot", "mnk nkp", lambda xp, x, y: xp.tensordot(x, y, 2), dtypes=INEXACT,
              ulp=64)
    table.add("einsum", "pmn npm", lambda xp, x, y: xp.einsum("bij,jbi->ib", x, y),
              "mk nk", lambda xp, x, y: xp.einsum("ij,kj->ki", x, y), dtypes=INEXACT, ulp=64)


def _equations(table: Table):
    """Equations, inverses, determinants."""
    matrices = partial(_matrices, table)
    matrices("cholesky", "nn:definite", lambda xp, x: xp.cholesky(symmetric(xp, x)),
             "pmm:definite", lambda xp, x: xp.cholesky(symmetric(xp, x)))
    matrices("solve", "nn:dominant np", lambda xp, a, b: xp.solve(a, b),
             "pnn:dominant pnm", lambda xp, a, b: xp.solve(a, b))
    matrices("solve_triangular", "nn:dominant np",
             lambda xp, a, b: xp.solve_triangular(a, b, True),
             "nn:dominant np", lambda xp, a, b: xp.solve_triangular(a, b, False, transposed=True))
    matrices("lu_solve", "nn:dominant np", lambda xp, a, b: xp.lu_solve(a, b))
    matrices("inv", "nn:dominant", lambda xp, x: xp.inv(x))
    matrices("det", "nn", lambda xp, x: xp.det(x), "mkk", lambda xp, x: xp.det(x))
    matrices("slogdet", "nn", _slogdet)


def _factors(table: Table):
    """Products that a matrix is equal to, eigenvalues."""
    matrices = partial(_matrices, table)
    matrices("lu", "nn", lambda xp, x: xp.lu(x))
    matrices("qr", "nn", _qr, "kn", _qr, "mn", _qr)
    matrices("svd", "nn", _svd, "kn", _svd, "mn", _svd, dtypes=WIDE)
    matrices("svdvals", "kn", lambda xp, x: xp.svd(x, compute_uv=False))
    matrices("pinv", "kn", lambda xp, x: xp.pinv(x), dtypes=WIDE, ulp=2048)
    matrices("eigh", "nn", _eigh, "mkk", _eigh, dtypes=MATRICES, ulp=2048)
    matrices("eigvalsh", "nn", lambda xp, x: xp.eigvalsh(symmetric(xp, x)))
    matrices("eigvals", "nn:definite", lambda xp, x: xp.sort(xp.real(xp.eigvals(x)), 0),
             dtypes=WIDE, derivative=False)
    matrices("eig", "nn:definite", lambda xp, x: xp.sum(size(xp, xp.eig(x)[1]), 0),
             dtypes=WIDE, derivative=False)


def _matrices(table: Table, name: str, *cases, dtypes=MATRICES, ulp=512, **options):
    table.add(name, *cases, dtypes=dtypes, ulp=ulp, **options)


def _transforms(table: Table):
    """Fourier's."""
    def fourier(name, operands, function, dtypes):
        table.add(name, operands, function, dtypes=dtypes, ulp=64)

    fourier("fft", "mk", lambda xp, x: xp.fft(x), COMPLEX)
    fourier("ifft", "mk", lambda xp, x: xp.ifft(x, axis=0), COMPLEX)
    fourier("fft2", "mnk", lambda xp, x: xp.fft2(x, norm="ortho"), COMPLEX)
    fourier("rfft", "mk", lambda xp, x: xp.rfft(x), WIDE)
    fourier("irfft", "mn", lambda xp, x: xp.irfft(x, n=5), COMPLEX)
