"""Optimizers: chains of transformations, under the names that papers gave them.

Each takes a learning rate, which is a number, an array of shape () or a schedule, and gives a
`GradientTransformation` whose updates are to be added to the parameters. Defaults are Optax's.

    params = ft.optim.apply_updates(params, updates)

Imports `optim`'s transformations.
"""
from __future__ import annotations

from functrans.optim.adam import scale_by_adam, scale_by_adamax, scale_by_amsgrad, scale_by_radam
from functrans.optim.adaptive import (
    scale_by_adadelta,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
)
from functrans.optim.base import GradientTransformation, chain, identity
from functrans.optim.masking import add_decayed_weights
from functrans.optim.means import scale_by_lion, trace
from functrans.optim.scaling import scale_by_learning_rate, scale_by_trust_ratio


def sgd(learning_rate, momentum=None, nesterov: bool = False,
        accumulator_dtype=None) -> GradientTransformation:
    """Gradient descent: -learning_rate * g; with `momentum`, g is replaced by its `trace`.

    momentum: the decay of the trace. nesterov: whether it looks one step ahead.

    >>> import functrans as ft
    >>> optimizer = ft.optim.sgd(0.5)
    >>> optimizer.update(3.0, optimizer.init(1.0))[0]
    Array(-1.5, dtype=float32, weak_type=True)
    """
    memory = identity() if momentum is None else trace(momentum, nesterov, accumulator_dtype)
    return chain(memory, scale_by_learning_rate(learning_rate))


def momentum(learning_rate, decay=0.9, nesterov: bool = False,
             accumulator_dtype=None) -> GradientTransformation:
    """Gradient descent with momentum: `sgd(learning_rate, momentum=decay)`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.momentum(0.5)
    >>> optimizer.update(3.0, optimizer.init(1.0))[0]
    Array(-1.5, dtype=float32)
    """
    return sgd(learning_rate, decay, nesterov, accumulator_dtype)


def adagrad(learning_rate, initial_accumulator_value=0.1, eps=1e-7) -> GradientTransformation:
    """Adagrad (Duchi, Hazan, Singer, 2011): see `scale_by_rss`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.adagrad(0.5, 0.0, 0.0)
    >>> optimizer.update(3.0, optimizer.init(1.0))[0]
    Array(-0.5, dtype=float32)
    """
    return chain(scale_by_rss(initial_accumulator_value, eps),
                 scale_by_learning_rate(learning_rate))


def adadelta(learning_rate=1.0, rho=0.9, eps=1e-6, weight_decay=0.0,
             weight_decay_mask=None) -> GradientTransformation:
    """Adadelta (Zeiler, 2012): see `scale_by_adadelta`.

    weight_decay, weight_decay_mask: what `add_decayed_weights` adds to the gradients before.

    >>> import functrans as ft
    >>> optimizer = ft.optim.adadelta(0.5)
    >>> optimizer.update(0.0, optimizer.init(1.0), 1.0)[0]
    Array(-0., dtype=float32)
    """
    return chain(add_decayed_weights(weight_decay, weight_decay_mask), scale_by_adadelta(rho, eps),
                 scale_by_learning_rate(learning_rate))


def rmsprop(learning_rate, decay=0.9, eps=1e-8, initial_scale=0.0, eps_in_sqrt: bool = True,
            centered: bool = False, momentum=None, nesterov: bool = False,
            bias_correction: bool = False) -> GradientTransformation:
    """RMSProp (Tieleman, Hinton, 2012): see `scale_by_rms`.

    centered: whether the mean of the gradients is taken off; see `scale_by_stddev`.
    momentum, nesterov: of the scaled steps; see `trace`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.rmsprop(0.5, decay=0.75, eps=0.0)
    >>> optimizer.update(3.0, optimizer.init(1.0))[0]
    Array(-1., dtype=float32)
    """
    adaptive = scale_by_stddev if centered else scale_by_rms
    return chain(adaptive(decay, eps, initial_scale, eps_in_sqrt, bias_correction),
                 scale_by_learning_rate(learning_rate),
                 identity() if momentum is None else trace(momentum, nesterov))


def adam(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, mu_dtype=None, *,
         nesterov: bool = False) -> GradientTransformation:
    """Adam (Kingma, Ba, 2015): see `scale_by_adam`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.adam(0.5)
    >>> optimizer.update(-2.0, optimizer.init(1.0))[0]
    Array(0.5, dtype=float32)
    """
    return chain(scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
                 scale_by_learning_rate(learning_rate))


def adamw(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, mu_dtype=None,
          weight_decay=1e-4, mask=None, *, nesterov: bool = False) -> GradientTransformation:
    """Adam with decoupled weight decay: -learning_rate * (u of Adam + weight_decay * parameter).

    weight_decay: a number or a schedule. mask: which parameters decay; see `masked`.

    Loshchilov, Hutter, "Decoupled weight decay regularization" (ICLR 2019), with the schedule
    multiplier and the learning rate in one.

    >>> import functrans as ft
    >>> optimizer = ft.optim.adamw(0.5, weight_decay=1.0)
    >>> optimizer.update(3.0, optimizer.init(1.0), 1.0)[0]
    Array(-1., dtype=float32)
    """
    return chain(scale_by_adam(b1, b2, eps, eps_root, mu_dtype, nesterov=nesterov),
                 add_decayed_weights(weight_decay, mask), scale_by_learning_rate(learning_rate))


def nadam(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0,
          mu_dtype=None) -> GradientTransformation:
    """Adam with Nesterov momentum (Dozat, 2016): see `scale_by_adam`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.nadam(0.5)
    >>> optimizer.update(0.0, optimizer.init(1.0))[0]
    Array(-0., dtype=float32)
    """
    return adam(learning_rate, b1, b2, eps, eps_root, mu_dtype, nesterov=True)


def nadamw(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, mu_dtype=None,
           weight_decay=1e-4, mask=None) -> GradientTransformation:
    """`adamw` with Nesterov momentum.

    >>> import functrans as ft
    >>> optimizer = ft.optim.nadamw(0.5, weight_decay=1.0)
    >>> optimizer.update(0.0, optimizer.init(1.0), 1.0)[0]
    Array(-0.5, dtype=float32)
    """
    return adamw(learning_rate, b1, b2, eps, eps_root, mu_dtype, weight_decay, mask,
                 nesterov=True)


def adamax(learning_rate, b1=0.9, b2=0.999, eps=1e-8) -> GradientTransformation:
    """Adamax (Kingma, Ba, 2015): see `scale_by_adamax`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.adamax(0.5)
    >>> optimizer.update(3.0, optimizer.init(1.0))[0]
    Array(-0.5, dtype=float32)
    """
    return chain(scale_by_adamax(b1, b2, eps), scale_by_learning_rate(learning_rate))


def amsgrad(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0,
            mu_dtype=None) -> GradientTransformation:
    """AMSGrad (Reddi, Kale, Kumar, 2018): see `scale_by_amsgrad`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.amsgrad(0.5)
    >>> optimizer.update(-2.0, optimizer.init(1.0))[0]
    Array(0.5, dtype=float32)
    """
    return chain(scale_by_amsgrad(b1, b2, eps, eps_root, mu_dtype),
                 scale_by_learning_rate(learning_rate))


def radam(learning_rate, b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0,
          threshold=5.0) -> GradientTransformation:
    """Rectified Adam (Liu et al., 2020): see `scale_by_radam`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.radam(0.5)
    >>> optimizer.update(3.0, optimizer.init(1.0))[0]
    Array(-1.5, dtype=float32)
    """
    return chain(scale_by_radam(b1, b2, eps, eps_root, threshold),
                 scale_by_learning_rate(learning_rate))


def lion(learning_rate, b1=0.9, b2=0.99, mu_dtype=None, weight_decay=1e-3,
         mask=None) -> GradientTransformation:
    """Lion (Chen et al., 2023): see `scale_by_lion`, `add_decayed_weights`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.lion(0.5, weight_decay=1.0)
    >>> optimizer.update(3.0, optimizer.init(1.0), 1.0)[0]
    Array(-1., dtype=float32)
    """
    return chain(scale_by_lion(b1, b2, mu_dtype), add_decayed_weights(weight_decay, mask),
                 scale_by_learning_rate(learning_rate))


def lamb(learning_rate, b1=0.9, b2=0.999, eps=1e-6, eps_root=0.0, weight_decay=0.0,
         mask=None) -> GradientTransformation:
    """LAMB (You et al., 2020): `adamw`, scaled for each leaf by `scale_by_trust_ratio`.

    >>> import functrans as ft
    >>> optimizer = ft.optim.lamb(0.5)
    >>> optimizer.update(0.0, optimizer.init(1.0), 1.0)[0]
    Array(-0., dtype=float32)
    """
    return chain(scale_by_adam(b1, b2, eps, eps_root), add_decayed_weights(weight_decay, mask),
                 scale_by_trust_ratio(), scale_by_learning_rate(learning_rate))
