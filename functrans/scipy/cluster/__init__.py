"""Clusters of observations: `vq`. Imports `numpy`.
"""
from functrans.scipy.cluster import vq

__all__ = ["vq"]
