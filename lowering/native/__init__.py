"""Native code: kernels compiled by numba, BLAS and LAPACK of NumPy's library, and the runner."""
