"""Linear algebra with SciPy's names and arguments, over `functrans.numpy.linalg`.

Any leading axes are a batch. `overwrite_*`, `check_finite` and `debug` are accepted and change
nothing: arrays are immutable, and failures give NaN under transformations. Imports `api`, `numpy`,
`primitives`.
"""
from functrans.numpy.linalg import norm, pinv
from functrans.scipy.linalg.factors import (cho_factor, cho_solve, cholesky, det, eigh,
                                            eigh_tridiagonal, eigvalsh, hessenberg, inv, lu,
                                            lu_factor, lu_solve, polar, qr, solve,
                                            solve_triangular, svd, svdvals)
from functrans.scipy.linalg.functions import expm, expm_frechet
from functrans.scipy.linalg.patterns import (block_diag, circulant, companion, convolution_matrix,
                                             fiedler, fiedler_companion, hankel, leslie, toeplitz)
from functrans.scipy.linalg.schur import schur, solve_sylvester, sqrtm
from functrans.scipy.linalg.tables import (dft, hadamard, helmert, hilbert, invhilbert, invpascal,
                                           pascal)

__all__ = ["block_diag", "cho_factor", "cho_solve", "cholesky", "circulant", "companion",
           "convolution_matrix", "det", "dft", "eigh", "eigh_tridiagonal", "eigvalsh", "expm",
           "expm_frechet", "fiedler", "fiedler_companion", "hadamard", "hankel", "helmert",
           "hessenberg", "hilbert", "inv", "invhilbert", "invpascal", "leslie", "lu", "lu_factor",
           "lu_solve", "norm", "pascal", "pinv", "polar", "qr", "schur", "solve", "solve_sylvester",
           "solve_triangular", "sqrtm", "svd", "svdvals", "toeplitz"]
