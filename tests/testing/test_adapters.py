"""The same checks, for functions of JAX and of PyTorch: right ones pass, wrong ones are named."""
from __future__ import annotations

import shutil

import numpy as np
import pytest

from functrans import extras
from functrans.errors import MissingExtraError
from functrans.testing import (
    AgreementError,
    GradientError,
    check_grads,
    check_jit,
    check_jvp,
    check_linearize,
    check_vjp,
    check_vmap,
)
from functrans.testing.adapters import adapter

# PyTorch warns of itself when it is imported in part.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
VALUES = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
SLOPES = [check_jvp, check_vjp, check_linearize]


def test_libraries_by_name(monkeypatch):
    with pytest.raises(ValueError, match="'functrans', 'jax', 'torch'"):
        adapter("tensorflow")

    def missing(module):
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    monkeypatch.setattr(extras, "import_module", missing)
    for name in ("jax", "torch"):
        with pytest.raises(MissingExtraError, match=rf"functrans\[{name}\]"):
            adapter(name)


def says(raised, *parts: str):
    """Whether the message has all of these, among them the smallest arguments."""
    message = str(raised.value)
    assert all(part in message for part in (*parts, "smallest failing input")), message


# ---- JAX ----

@pytest.fixture(scope="module")
def jax():
    return pytest.importorskip("jax")


@pytest.fixture(scope="module")
def wrong_square(jax):
    """The derivative is off by 1%, and so is the rule for lanes."""
    @jax.custom_jvp
    def square(x):
        return x * x

    @square.defjvp
    def _(primals, tangents):
        return square(*primals), 2.02 * primals[0] * tangents[0]
    return square


def test_jax(jax):
    jnp = jax.numpy
    x = jnp.asarray(VALUES)
    check_grads(lambda d, n: jnp.tanh(d["w"]).sum() * n, ({"w": x}, 2), order=1,
                library="jax")
    check_grads(lambda z: z * z.conj(), (x[0] + 1j * x[1],), order=1, library="jax")
    check_grads(jnp.exp, (x[0].astype(jnp.bfloat16),), order=1, library="jax")
    check_jvp(jnp.sin, (1.0,), library="jax")
    check_vmap(lambda x, y: {"a": jnp.sin(x) @ y}, (x, x[0]), (0, None), library="jax")
    check_jit(lambda x: (x @ x.T, [x > 0]), (x,), library="jax")


@pytest.mark.parametrize("check", SLOPES)
def test_slopes_of_jax(jax, wrong_square, check):
    x = jax.numpy.asarray(VALUES)
    check(jax.numpy.sin, (x,), library="jax")
    with pytest.raises(GradientError) as raised:
        check(wrong_square, (x,), library="jax")
    says(raised, "1% off", "[[1.]] (float32[1,1])")


def test_slopes_that_are_given_of_jax(jax):
    x, sin = jax.numpy.asarray(VALUES), jax.numpy.sin

    def steeper(x):
        return sin(x) * 1.01
    check_vjp(sin, lambda x: jax.vjp(sin, x), (x,), library="jax")
    check_jvp(sin, lambda xs, ts: jax.jvp(sin, xs, ts), (x,), library="jax")
    with pytest.raises(GradientError, match="1% off"):
        check_vjp(sin, lambda x: jax.vjp(steeper, x), (x,), library="jax")
    with pytest.raises(GradientError, match="1% off"):
        check_jvp(sin, lambda xs, ts: jax.jvp(steeper, xs, ts), (x,), library="jax")


def test_values_of_jax_that_differ(jax):
    x = jax.numpy.asarray(VALUES)
    with pytest.raises(AgreementError) as raised:
        check_jit(lambda x: x * (2.02 if isinstance(x, jax.core.Tracer) else 2), (x,),
                  library="jax")
    says(raised, "jit(<lambda>) differs", "[[1.]] (float32[1,1])")

    @jax.custom_batching.custom_vmap
    def square(x):
        return x * x

    @square.def_vmap
    def _(axis_size, in_batched, x):
        return x * x * 1.01, True
    with pytest.raises(AgreementError) as raised:
        check_vmap(square, (x,), library="jax")
    says(raised, "vmap(square) differs", "[[1.]] (float32[1,1])")


def test_random_keys_of_jax(jax, wrong_square):
    """They are arguments and results, and are cut like other arrays."""
    def noisy(x, key):
        return x * jax.random.normal(key, x.shape)
    x, key = jax.numpy.asarray(VALUES), jax.random.key(0)
    check_grads(noisy, (x, key), order=1, library="jax")
    check_vmap(noisy, (x, jax.random.split(key)), library="jax")
    check_jit(jax.random.split, (key,), library="jax")
    with pytest.raises(GradientError) as raised:
        check_grads(lambda x, key: wrong_square(x) * jax.random.normal(key, x.shape), (x, key),
                    order=1, library="jax")
    says(raised, "1% off", "key = ", "(float32[1,1])")
    with pytest.raises(AgreementError, match="result"):
        check_jit(lambda k: jax.random.split(k, 2)[int(isinstance(k, jax.core.Tracer))], (key,),
                  library="jax")


def test_jax_that_is_wrong(jax):
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


@pytest.fixture(scope="module")
def wrong(torch):
    """Derivatives and lanes are off by 1%."""
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, ct):
            return ct * ctx.saved_tensors[0] * 2.02

        @staticmethod
        def jvp(ctx, tangent):
            return tangent * ctx.saved_tensors[0] * 2.02

        @staticmethod
        def vmap(info, in_dims, x):
            return x * x * 1.01, in_dims[0]
    return Square.apply


def test_torch(torch):
    x = torch.tensor(VALUES)
    check_grads(lambda d, n: torch.tanh(d["w"]).sum() * n, ({"w": x}, 2), library="torch")
    check_grads(lambda z: (z * z.conj()).real, (torch.complex(x[0], x[1]),), order=1,
                library="torch")
    check_grads(torch.exp, (x[0].bfloat16(),), order=1, library="torch")
    check_vmap(lambda x, y: {"a": torch.sin(x) @ y}, (x, x[0]), (0, None), library="torch")


@pytest.mark.parametrize("check", SLOPES)
def test_slopes_of_torch(torch, wrong, check):
    x = torch.tensor(VALUES)
    check(torch.sin, (x,), library="torch")
    with pytest.raises(GradientError) as raised:
        check(wrong, (x,), library="torch")
    says(raised, "1% off", "[[1.]] (float32[1,1])")


def test_numbers_and_numpy_arrays_for_torch(torch):
    """They are tensors where a derivative is asked for."""
    check_linearize(lambda a: torch.as_tensor(a).sin(), (1.5,), library="torch")
    check_grads(lambda a, b: a * b, (1.5, VALUES), order=1, library="torch")


def test_slopes_that_are_given_of_torch(torch):
    x = torch.tensor(VALUES)
    jvp, vjp = torch.func.jvp, torch.func.vjp

    def steeper(x):
        return torch.sin(x) * 1.01
    check_vjp(torch.sin, lambda x: vjp(torch.sin, x), (x,), library="torch")
    check_jvp(torch.sin, lambda xs, ts: jvp(torch.sin, xs, ts), (x,), library="torch")
    with pytest.raises(GradientError, match="1% off"):
        check_vjp(torch.sin, lambda x: vjp(steeper, x), (x,), library="torch")
    with pytest.raises(GradientError, match="1% off"):
        check_jvp(torch.sin, lambda xs, ts: jvp(steeper, xs, ts), (x,), library="torch")


def test_lanes_of_torch_that_differ(torch, wrong):
    with pytest.raises(AgreementError) as raised:
        check_vmap(wrong, (torch.tensor(VALUES),), library="torch")
    says(raised, "vmap(apply) differs", "[[1.]] (float32[1,1])")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.filterwarnings("ignore")           # PyTorch's own, of what it compiles
def test_compiled_code_of_torch(torch):
    x = torch.tensor(VALUES)
    check_jit(lambda x: {"a": torch.tanh(x) @ x.T, "b": [x.sum(), (x > 0).sum()]}, (x,),
              library="torch")
    with pytest.raises(AgreementError) as raised:
        check_jit(lambda x: x * (2.02 if torch.compiler.is_compiling() else 2), (x,),
                  library="torch")
    says(raised, "jit(<lambda>) differs")


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
