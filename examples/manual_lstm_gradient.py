"""The gradient of an LSTM by hand, and by `grad`: two short formulas, a longer one, and checks.

    python examples/manual_lstm_gradient.py [--steps 50] [--short]

The LSTM has no forget gate. With W the recurrent weights of its input gate and r(t-1) = y(t-1)
what they multiply:

    i(t) = sigmoid(Wx_i x(t) + W   r(t-1) + b_i)         input gate
    g(t) = tanh   (Wx_g x(t) + R_g r(t-1) + b_g)         candidate, yg(t)
    o(t) = sigmoid(Wx_o x(t) + R_o r(t-1) + b_o)         output gate
    c(t) = c(t-1) + i(t) * g(t)
    y(t) = o(t) * tanh(c(t))

1. If W is seen to act through the input gate alone, and r is taken as given, dy(t)/dW is a sum
   over all steps so far, or a recursion that replaces it. `grad` with the recurrent paths stopped
   gives the same.
2. W acts through r as well: on all three gates of all later steps. The full gradient, derived by
   hand, is a recursion from the last step to the first. Plain `grad` gives the same.
3. Operations are counted: the sum takes T^2 of them, the recursions T.
4. A wrong sign in a formula does not get past the comparison.

docs/manual-lstm-gradient.md derives all of it.
"""
from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import functrans as ft
import functrans.numpy as fnp

TOLERANCE = 1e-12


# ---- the LSTM, in functrans ----

def init(seed: int, inputs: int, hidden: int) -> dict:
    """Random parameters, float64: weights (hidden, inputs) and (hidden, hidden), biases."""
    generator = np.random.default_rng(seed)
    shapes = {"Wx": (hidden, inputs), "R": (hidden, hidden), "b": (hidden,)}
    return {f"{kind}_{gate}": generator.normal(size=shape) / np.sqrt(shape[-1])
            for kind, shape in shapes.items() for gate in "igo"}


def outputs(params: dict, x, stopped: bool = False):
    """y(1) ... y(T) for inputs x(1) ... x(T): arrays of shape (T, hidden) and (T, inputs).

    stopped: whether what goes round, r(t-1) = y(t-1), counts as a constant.
    """
    def gate(name, x, r):
        return params[f"Wx_{name}"] @ x + params[f"R_{name}"] @ r + params[f"b_{name}"]

    def step(state, x):
        c, y = state
        r = ft.stop_gradient(y) if stopped else y
        c = c + ft.nn.sigmoid(gate("i", x, r)) * fnp.tanh(gate("g", x, r))
        y = ft.nn.sigmoid(gate("o", x, r)) * fnp.tanh(c)
        return (c, y), y
    zeros = fnp.zeros(params["b_i"].shape, params["b_i"].dtype)
    return ft.lax.scan(step, (zeros, zeros), x)[1]


def gradient(params: dict, x, v, stopped: bool):
    """The derivative of the sum of v(t) * y(t) with respect to W = R_i, by `grad`."""
    def total(weights, params, x, v):
        return (v * outputs({**params, "R_i": weights}, x, stopped)).sum()
    return ft.grad(total)(params["R_i"], params, x, v)


gradient = ft.jit(gradient, static_argnames="stopped")


# ---- the same in NumPy: all values of a pass forwards ----

@dataclass
class Pass:
    """Values of all steps, (T, hidden); `r` is what the recurrent matrices multiply."""
    i: np.ndarray
    g: np.ndarray
    o: np.ndarray
    c: np.ndarray
    y: np.ndarray
    r: np.ndarray

    @property
    def a(self) -> np.ndarray:
        """dy(t)/dc(t)."""
        return self.o * (1 - np.tanh(self.c) ** 2)

    @property
    def b(self) -> np.ndarray:
        """dc(t) by what the sigmoid of the input gate is taken of."""
        return self.g * self.i * (1 - self.i)


def forward(params: dict, x: np.ndarray) -> Pass:
    """One step after the other."""
    def gate(name, x, r):
        return params[f"Wx_{name}"] @ x + params[f"R_{name}"] @ r + params[f"b_{name}"]

    c = y = np.zeros_like(params["b_i"])
    rows = []
    for row in x:
        r = y
        i, o = (1 / (1 + np.exp(-gate(name, row, r))) for name in "io")
        g = np.tanh(gate("g", row, r))
        c = c + i * g
        y = o * np.tanh(c)
        rows.append((i, g, o, c, y, r))
    return Pass(*(np.array(column) for column in zip(*rows)))


# ---- by hand ----

class Count:
    """Products that count the multiplications they take."""

    def __init__(self):
        self.multiplications = 0

    def times(self, a, b):
        """a * b, element by element."""
        product = a * b
        self.multiplications += product.size
        return product

    def outer(self, a, b):
        """The matrix of all products."""
        return self.times(a[:, None], b[None, :])

    def matvec(self, matrix, vector):
        """matrix @ vector."""
        self.multiplications += matrix.size
        return matrix @ vector


def by_sum(values: Pass, count: Count) -> np.ndarray:
    """dy(t)/dW = sum over k <= t of [a(t) b(k)] r(k-1)^T, for all t: (T, hidden, hidden).

    Row j of a matrix is about y_j and the weights W_j that lead to its input gate; others do not
    act on it directly.
    """
    slopes = []
    for t in range(len(values.y)):
        terms = [count.outer(count.times(values.a[t], values.b[k]), values.r[k])
                 for k in range(t + 1)]
        slopes.append(np.sum(terms, 0))
    return np.array(slopes)


def by_recursion(values: Pass, count: Count) -> np.ndarray:
    """dy(t)/dW = diag(a(t)) [dc(t-1)/dW + b(t) r(t-1)^T]; the bracket is dc(t)/dW."""
    slope_c, slopes = np.zeros((values.y.shape[1],) * 2), []
    for t in range(len(values.y)):
        slope_c = slope_c + count.outer(values.b[t], values.r[t])
        slopes.append(count.times(values.a[t][:, None], slope_c))
    return np.array(slopes)


def in_full(params: dict, values: Pass, v: np.ndarray, count: Count) -> np.ndarray:
    """The derivative of the sum of v(t) * y(t), through all paths: from the last step back.

    ct_y, ct_c, ct_i, ct_g, ct_o are the derivatives by y(t), by c(t) and by what the sigmoids and
    the tanh are taken of.
    """
    ct_r = ct_c = np.zeros_like(params["b_i"])
    slope = np.zeros_like(params["R_i"])
    for t in reversed(range(len(values.y))):
        i, g, o, tanh_c = values.i[t], values.g[t], values.o[t], np.tanh(values.c[t])
        ct_y = v[t] + ct_r
        ct_c = ct_c + count.times(ct_y, values.a[t])
        ct_i = count.times(ct_c, values.b[t])
        ct_g = count.times(ct_c, i * (1 - g * g))
        ct_o = count.times(ct_y, tanh_c * o * (1 - o))
        ct_r = count.matvec(params["R_i"].T, ct_i) + count.matvec(params["R_g"].T, ct_g) \
            + count.matvec(params["R_o"].T, ct_o)
        slope = slope + count.outer(ct_i, values.r[t])
    return slope


# ---- comparisons ----

def weighted(slopes: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The derivative of the sum of v(t) * y(t), from those of all y(t)."""
    return (v[:, :, None] * slopes).sum(0)


FORMULAS: dict[str, tuple[Callable, bool]] = {
    "sum over k": (lambda params, values, v, count: weighted(by_sum(values, count), v), True),
    "recursion": (lambda params, values, v, count: weighted(by_recursion(values, count), v), True),
    "full, backwards": (in_full, False),
}


def compare(name: str, params: dict, x: np.ndarray, v: np.ndarray) -> tuple[float, int]:
    """The relative error of a formula against `grad`, and its multiplications.

    Raises AssertionError for an error above the tolerance.
    """
    formula, stopped = FORMULAS[name]
    count = Count()
    ours = formula(params, forward(params, x), v, count)
    expected = np.asarray(gradient(params, x, v, stopped=stopped))
    error = np.abs(ours - expected).max() / (np.abs(expected).max() or 1.0)
    assert error <= TOLERANCE, f"{name}: off by {error:.1e} from grad at T={len(x)}"
    return error, count.multiplications


def problem(steps: int, seed: int = 0, inputs: int = 3, hidden: int = 5) -> tuple:
    """(params, x, v) for a number of steps."""
    generator = np.random.default_rng((seed, steps))
    return (init(seed, inputs, hidden), generator.normal(size=(steps, inputs)),
            generator.normal(size=(steps, hidden)))


def with_a_wrong_sign(values: Pass, count: Count) -> np.ndarray:
    """The recursion, with dc(t-1)/dW - b(t) r(t-1)^T."""
    slope_c, slopes = np.zeros((values.y.shape[1],) * 2), []
    for t in range(len(values.y)):
        slope_c = slope_c - count.outer(values.b[t], values.r[t])
        slopes.append(count.times(values.a[t][:, None], slope_c))
    return np.array(slopes)


# ---- the program ----

def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=50, help="the longest sequence")
    parser.add_argument("--short", action="store_true", help="sequences of up to 8 steps")
    options = parser.parse_args(arguments)
    longest = 8 if options.short else options.steps
    print("relative error against grad (float64), and multiplications\n\n   T" +
          "".join(f"{name:>26}" for name in FORMULAS))
    for steps in range(1, longest + 1):
        cells = [compare(name, *problem(steps)) for name in FORMULAS]
        if steps in (1, 2, 5) or steps % 10 == 0 or steps == longest:
            print(f"{steps:4}" + "".join(f"{error:15.1e}{count:11,}" for error, count in cells))
    show_growth(longest)
    show_difference(longest)
    show_wrong_sign()


def show_growth(longest: int):
    """How the multiplications of a sequence twice as long compare."""
    print("\ntwice the steps, times as many multiplications:")
    for name in FORMULAS:
        short, long = (compare(name, *problem(steps))[1] for steps in (longest, 2 * longest))
        print(f"  {name:<16} {long / short:.2f}")


def show_difference(longest: int):
    """How much of the gradient the direct path is."""
    params, x, v = problem(longest)
    direct, full = (np.asarray(gradient(params, x, v, stopped=flag)) for flag in (True, False))
    cosine = (direct * full).sum() / np.sqrt((direct ** 2).sum() * (full ** 2).sum())
    print(f"\nthe direct path is not the gradient: at T={longest} the cosine between the two is "
          f"{cosine:.3f},\nand their lengths are {np.sqrt((direct ** 2).sum()):.3f} and "
          f"{np.sqrt((full ** 2).sum()):.3f}")


def show_wrong_sign():
    """What the comparison says to a wrong sign."""
    FORMULAS["with a wrong sign"] = (
        lambda params, values, v, count: weighted(with_a_wrong_sign(values, count), v), True)
    try:
        compare("with a wrong sign", *problem(5))
    except AssertionError as error:
        print(f"\na planted error is caught: {error}")
    finally:
        del FORMULAS["with a wrong sign"]


if __name__ == "__main__":
    main()
