"""Native code: kernels compiled by LLVM, BLAS and LAPACK of NumPy's library, and the runner."""
