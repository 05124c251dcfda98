"""Linear algebra on the last two axes: NumPy's `linalg`, and the standard's linalg extension.

Any leading axes are a batch. Called on arrays, a function raises `LinAlgError` where NumPy's would;
under a transformation (and so under `jit`) a matrix on which the method fails gives NaN, and the
others of its batch their results. float16 and bfloat16 are refused, as by NumPy; integers are
computed as default floats.
"""
from numpy.linalg import LinAlgError

from functrans.numpy.linalg.decompositions import (
                                                   cholesky,
                                                   eig,
                                                   eigh,
                                                   eigvals,
                                                   eigvalsh,
                                                   qr,
                                                   svd,
                                                   svdvals,
)
from functrans.numpy.linalg.norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from functrans.numpy.linalg.powers import expm, matrix_power, multi_dot
from functrans.numpy.linalg.products import cross, diagonal, outer, trace
from functrans.numpy.linalg.systems import (
                                                   det,
                                                   inv,
                                                   lstsq,
                                                   pinv,
                                                   slogdet,
                                                   solve,
                                                   solve_triangular,
                                                   tensorinv,
                                                   tensorsolve,
)
from functrans.numpy.manipulation import matrix_transpose
from functrans.numpy.products import matmul, tensordot, vecdot

__all__ = [
    "LinAlgError", "cholesky", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals",
    "eigvalsh", "expm", "inv", "lstsq", "matmul", "matrix_norm", "matrix_power", "matrix_rank",
    "matrix_transpose", "multi_dot", "norm", "outer", "pinv", "qr", "slogdet", "solve",
    "solve_triangular", "svd", "svdvals", "tensordot", "tensorinv", "tensorsolve", "trace",
    "vecdot", "vector_norm",
]
