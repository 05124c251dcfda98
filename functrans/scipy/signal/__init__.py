"""Convolutions, spectra and trends of sampled signals: SciPy's names and arguments.

Imports `numpy`, `lax`.
"""
from functrans.scipy.signal.convolution import (convolve, convolve2d, correlate, correlate2d,
                                                fftconvolve)
from functrans.scipy.signal.fourier import istft, stft
from functrans.scipy.signal.spectra import csd, welch
from functrans.scipy.signal.trends import detrend

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "csd", "detrend", "fftconvolve",
           "istft", "stft", "welch"]
