"""What executes: `reference` (NumPy, equation by equation) and `cpu` (numba kernels)."""
