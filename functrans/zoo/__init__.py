"""Models as pairs of plain functions: `init` makes a pytree of parameters, `apply` uses it.

    params = ft.zoo.mlp.init(ft.random.key(0), (64, 128, 10))
    logits = ft.zoo.mlp.apply(params, x)

Each module is one model. Imports `numpy`, `random`, `nn`.
"""
from functrans.zoo import mlp

__all__ = ["mlp"]
