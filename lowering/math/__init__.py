from . import exponential, logarithm, trigonometric, inverse_trigonometric, hyperbolic, power
from .registry import FUNCTIONS, install_on_cpu
globals().update(FUNCTIONS)
install_on_cpu()
