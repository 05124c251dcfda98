"""The update rules of optimizers as published, on one NumPy array: what `optim` is compared with.

Each is `rule(t, parameter, gradient, memory) -> step`, where t counts from 1 and `memory` is a dict
that is empty before the first step; the parameter moves by `-learning_rate * step`.
"""
from __future__ import annotations

import numpy as np


def sgd(t, p, g, memory):
    return g


def heavy_ball(decay, nesterov=False):
    """Sutskever et al. 2013, as PyTorch and Optax write it."""
    def rule(t, p, g, memory):
        memory["m"] = g + decay * memory.get("m", 0)
        return g + decay * memory["m"] if nesterov else memory["m"]
    return rule


def adagrad(initial, eps):
    """Duchi et al. 2011."""
    def rule(t, p, g, memory):
        memory["v"] = memory.get("v", initial) + g * g
        return g / np.sqrt(memory["v"] + eps)
    return rule


def adadelta(rho, eps, weight_decay=0.0):
    """Zeiler 2012, algorithm 1, of a loss with weight_decay / 2 * p**2 added."""
    def rule(t, p, g, memory):
        g = g + weight_decay * p
        memory["v"] = rho * memory.get("v", 0) + (1 - rho) * g * g
        step = np.sqrt(memory.get("x", 0) + eps) / np.sqrt(memory["v"] + eps) * g
        memory["x"] = rho * memory.get("x", 0) + (1 - rho) * step * step
        return step
    return rule


def rmsprop(decay, eps, initial=0.0, inside=True, centered=False, corrected=False):
    """Tieleman, Hinton 2012; centered: Graves 2013."""
    def rule(t, p, g, memory):
        memory["v"] = decay * memory.get("v", initial) + (1 - decay) * g * g
        memory["m"] = decay * memory.get("m", 0) + (1 - decay) * g
        scale = 1 - decay ** t if corrected else 1
        v = memory["v"] / scale - (memory["m"] / scale) ** 2 * centered
        return g / (np.sqrt(v + eps) if inside else np.sqrt(v) + eps)
    return rule


def _moments(g, memory, b1, b2):
    memory["m"] = b1 * memory.get("m", 0) + (1 - b1) * g
    memory["v"] = b2 * memory.get("v", 0) + (1 - b2) * g * g
    return memory["m"], memory["v"]


def adam(b1=0.9, b2=0.999, eps=1e-8, eps_root=0.0, weight_decay=0.0):
    """Kingma, Ba 2015, algorithm 1; weight_decay: Loshchilov, Hutter 2019."""
    def rule(t, p, g, memory):
        m, v = _moments(g, memory, b1, b2)
        m, v = m / (1 - b1 ** t), v / (1 - b2 ** t)
        return m / (np.sqrt(v + eps_root) + eps) + weight_decay * p
    return rule


def nadam(b1=0.9, b2=0.999, eps=1e-8, weight_decay=0.0):
    """Dozat 2016, with a constant b1."""
    def rule(t, p, g, memory):
        m, v = _moments(g, memory, b1, b2)
        ahead = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1 ** t)
        return ahead / (np.sqrt(v / (1 - b2 ** t)) + eps) + weight_decay * p
    return rule


def adamax(b1=0.9, b2=0.999, eps=1e-8):
    """Kingma, Ba 2015, algorithm 2."""
    def rule(t, p, g, memory):
        m, _ = _moments(g, memory, b1, b2)
        memory["u"] = np.maximum(b2 * memory.get("u", 0), np.abs(g) + eps)
        return m / (1 - b1 ** t) / memory["u"]
    return rule


def amsgrad(b1=0.9, b2=0.999, eps=1e-8):
    """Reddi et al. 2018, with the unbiased means of Adam."""
    def rule(t, p, g, memory):
        m, v = _moments(g, memory, b1, b2)
        memory["most"] = np.maximum(memory.get("most", 0), v / (1 - b2 ** t))
        return m / (1 - b1 ** t) / (np.sqrt(memory["most"]) + eps)
    return rule


def radam(b1=0.9, b2=0.999, eps=1e-8, threshold=5.0):
    """Liu et al. 2020, algorithm 2."""
    def rule(t, p, g, memory):
        m, v = _moments(g, memory, b1, b2)
        m, v = m / (1 - b1 ** t), v / (1 - b2 ** t)
        longest = 2 / (1 - b2) - 1
        length = longest - 2 * t * b2 ** t / (1 - b2 ** t)
        if length < threshold:
            return m
        r = np.sqrt((length - 4) * (length - 2) * longest
                    / ((longest - 4) * (longest - 2) * length))
        return r * m / (np.sqrt(v) + eps)
    return rule


def lion(b1=0.9, b2=0.99, weight_decay=0.0):
    """Chen et al. 2023, program 1."""
    def rule(t, p, g, memory):
        old = memory.get("m", 0)
        memory["m"] = b2 * old + (1 - b2) * g
        return np.sign(b1 * old + (1 - b1) * g) + weight_decay * p
    return rule


def lamb(b1=0.9, b2=0.999, eps=1e-6, weight_decay=0.0):
    """You et al. 2020, algorithm 2, with the identity for phi."""
    inner = adam(b1, b2, eps, weight_decay=weight_decay)

    def rule(t, p, g, memory):
        step = inner(t, p, g, memory)
        return np.linalg.norm(p) / np.linalg.norm(step) * step
    return rule
