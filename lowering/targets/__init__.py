"""What executes: `reference` (NumPy, equation by equation), `cpu` (numba kernels), `cuda`."""
