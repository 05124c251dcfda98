"""One update of Adam on many small arrays."""
from __future__ import annotations

from benchmarks.data import normal, tensors
from benchmarks.row import row

COUNT = 100
B1, B2, RATE, EPSILON = 0.9, 0.999, 1e-3, 1e-8


def _arrays():
    return [[normal(64, 32, seed=COUNT * part + k, scale=1.0 if part < 2 else 0.1)
             for k in range(COUNT)] for part in range(4)]


def _state():
    """Parameters, gradients, first and second moments (squares, so not negative)."""
    parameters, slopes, first, second = _arrays()
    return parameters, slopes, first, [v * v for v in second]


@row("Adam on 100 arrays of 64 x 32", bytes=4 * 7 * COUNT * 64 * 32, tolerance=1e-3)
def adam(lib):
    def one(p, g, m, v, m_scale, v_scale):
        m, v = B1 * m + (1 - B1) * g, B2 * v + (1 - B2) * g * g
        return p - RATE * m * m_scale / (lib.numpy.sqrt(v * v_scale) + EPSILON), m, v

    def update(parameters, slopes, first, second, step):
        scales = 1 / (1 - B1 ** step), 1 / (1 - B2 ** step)
        results = [one(*each, *scales) for each in zip(parameters, slopes, first, second)]
        return list(zip(*results))[0]
    return lib.jit(update), (*lib.arrays(*_state()), 7.0)


@adam.torch
def _(torch):
    parameters, slopes, first, second = (tensors(*part) for part in _state())

    def update():
        m = torch._foreach_lerp(first, slopes, 1 - B1)
        v = torch._foreach_mul(second, B2)
        torch._foreach_addcmul_(v, slopes, slopes, 1 - B2)
        bottom = torch._foreach_sqrt(torch._foreach_div(v, 1 - B2 ** 7))
        torch._foreach_add_(bottom, EPSILON)
        return torch._foreach_addcdiv(parameters, m, bottom, -RATE / (1 - B1 ** 7))
    return update, ()
