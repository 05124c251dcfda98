"""Optimizers as pairs of pure functions: gradients in, updates out.

    optimizer = ft.optim.chain(ft.optim.clip_by_global_norm(1.0), ft.optim.adam(1e-3))
    state = optimizer.init(params)

    @ft.jit
    def step(params, state, batch):
        loss, gradients = ft.value_and_grad(loss_of)(params, batch)
        updates, state = optimizer.update(gradients, state, params)
        return ft.optim.apply_updates(params, updates), state, loss

Names, arguments and defaults are Optax's where it has them. Imports `numpy`, `lax`.
"""
from functrans.optim.adam import scale_by_adam, scale_by_adamax, scale_by_amsgrad, scale_by_radam
from functrans.optim.adaptive import (
    scale_by_adadelta,
    scale_by_rms,
    scale_by_rss,
    scale_by_stddev,
)
from functrans.optim.averaging import (
    averaged_params,
    incremental_update,
    params_ema,
    periodic_update,
)
from functrans.optim.base import (
    EmptyState,
    GradientTransformation,
    Schedule,
    apply_updates,
    chain,
    identity,
    set_to_zero,
    stateless,
)
from functrans.optim.clipping import clip, clip_by_block_rms, clip_by_global_norm, global_norm
from functrans.optim.conditions import MultiSteps, all_finite, apply_if_finite
from functrans.optim.injection import inject_hyperparams
from functrans.optim.masking import MaskedNode, add_decayed_weights, masked, multi_transform
from functrans.optim.means import ema, scale_by_lion, trace
from functrans.optim.optimizers import (
    adadelta,
    adagrad,
    adam,
    adamax,
    adamw,
    amsgrad,
    lamb,
    lion,
    momentum,
    nadam,
    nadamw,
    radam,
    rmsprop,
    sgd,
)
from functrans.optim.precision import (
    cast_floats,
    dynamic_loss_scaling,
    loss_scale,
    with_master_weights,
)
from functrans.optim.scaling import (
    scale,
    scale_by_learning_rate,
    scale_by_schedule,
    scale_by_trust_ratio,
)
from functrans.optim.schedules import (
    constant_schedule,
    cosine_decay_schedule,
    exponential_decay,
    join_schedules,
    linear_schedule,
    piecewise_constant_schedule,
    polynomial_schedule,
    sgdr_schedule,
    warmup_constant_schedule,
    warmup_cosine_decay_schedule,
    warmup_exponential_decay_schedule,
)

__all__ = [
    "EmptyState", "GradientTransformation", "MaskedNode", "MultiSteps", "Schedule", "adadelta",
    "adagrad", "adam", "adamax", "adamw", "add_decayed_weights", "all_finite", "amsgrad",
    "apply_if_finite", "apply_updates", "averaged_params", "cast_floats", "chain", "clip",
    "clip_by_block_rms", "clip_by_global_norm", "constant_schedule", "cosine_decay_schedule",
    "dynamic_loss_scaling", "ema", "exponential_decay", "global_norm", "identity",
    "incremental_update", "inject_hyperparams", "join_schedules", "lamb", "linear_schedule",
    "lion", "loss_scale", "masked", "momentum", "multi_transform", "nadam", "nadamw",
    "params_ema", "periodic_update", "piecewise_constant_schedule", "polynomial_schedule",
    "radam", "rmsprop", "scale", "scale_by_adadelta", "scale_by_adam", "scale_by_adamax",
    "scale_by_amsgrad", "scale_by_learning_rate", "scale_by_lion", "scale_by_radam",
    "scale_by_rms", "scale_by_rss", "scale_by_schedule", "scale_by_stddev",
    "scale_by_trust_ratio", "set_to_zero", "sgd", "sgdr_schedule", "stateless", "trace",
    "warmup_constant_schedule", "warmup_cosine_decay_schedule",
    "warmup_exponential_decay_schedule", "with_master_weights",
]
