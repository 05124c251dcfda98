"""The same checks, for functions of JAX and of PyTorch."""
from __future__ import annotations

import numpy as np
import pytest

from functrans import extras
from functrans.errors import MissingExtraError
from functrans.testing import (
    GradientError,
    check_grads,
    check_jit,
    check_jvp,
    check_vjp,
    check_vmap,
)
from functrans.testing.adapters import adapter

# PyTorch warns of itself when it is imported in part.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")


def test_libraries_by_name(monkeypatch):
    with pytest.raises(ValueError, match="'functrans', 'jax', 'torch'"):
        adapter("tensorflow")

    def missing(module):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    monkeypatch.setattr(extras, "import_module", missing)
    for name in ("jax", "torch"):
        with pytest.raises(MissingExtraError, match=rf"functrans\[{name}\]"):
            adapter(name)


# ---- JAX ----

def test_jax():
    jnp = pytest.importorskip("jax.numpy")
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3)))
    check_grads(lambda d, n: jnp.tanh(d["w"]).sum() * n, ({"w": x}, 2), order=1,
                library="jax")
    check_grads(lambda z: z * z.conj(), (x[0] + 1j * x[1],), order=1, library="jax")
    check_grads(jnp.exp, (x[0].astype(jnp.bfloat16),), order=1, library="jax")
    check_jvp(jnp.sin, (1.0,), library="jax")
    check_vmap(lambda x: jnp.sin(x).sum(), (x,), library="jax")
    check_jit(lambda x: x @ x.T, (x,), library="jax")


def test_jax_that_is_wrong():
    jax = pytest.importorskip("jax")

    @jax.custom_vjp
    def square(x):
        return x * x
    square.defvjp(lambda x: (x * x, x), lambda x, ct: (ct * x * 2.02,))
    with pytest.raises(GradientError, match="1% off"):
        check_grads(lambda p: square(p["w"]), ({"w": np.ones(3, np.float32)},), modes="rev",
                    library="jax")


# ---- PyTorch ----

@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_torch(torch):
    x = torch.tensor(np.random.default_rng(0).normal(size=(2, 3)).astype("float32"))
    check_grads(lambda d, n: torch.tanh(d["w"]).sum() * n, ({"w": x}, 2), library="torch")
    check_grads(lambda z: (z * z.conj()).real, (torch.complex(x[0], x[1]),), order=1,
                library="torch")
    check_grads(torch.exp, (x[0].bfloat16(),), order=1, library="torch")
    check_vjp(torch.sin, (x,), library="torch")
    check_vmap(lambda x: torch.sin(x).sum(), (x,), library="torch")


def test_torch_that_is_wrong(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, ct):
            return ct * ctx.saved_tensors[0] * 2.02
    with pytest.raises(GradientError, match="1% off"):
        check_grads(Square.apply, (torch.ones(3),), modes="rev", library="torch")
