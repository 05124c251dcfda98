"""Inputs of the rows: the same numbers in every process.

In: shapes. Out: NumPy arrays, or PyTorch's tensors of them.
"""
from __future__ import annotations

import numpy as np


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """float32 numbers of a normal distribution."""
    numbers = np.random.default_rng(seed).standard_normal(shape, np.float32)
    return numbers * np.float32(scale)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0, seed: int = 0) -> np.ndarray:
    """float32 numbers between low and high."""
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def integers(high: int, *shape: int, seed: int = 0) -> np.ndarray:
    """int64 numbers from 0 up to, not including, high."""
    return np.random.default_rng(seed).integers(0, high, shape)


def dense(*sizes: int) -> list:
    """Weights and biases of layers of these sizes, as pairs."""
    return [(normal(m, n, seed=k, scale=m ** -0.5), np.zeros(n, np.float32))
            for k, (m, n) in enumerate(zip(sizes, sizes[1:]))]


def tensors(*arrays, grad: bool = False) -> list:
    """PyTorch's tensors of NumPy arrays."""
    import torch
    return [torch.tensor(array, requires_grad=grad) for array in arrays]
