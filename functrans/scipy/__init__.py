"""SciPy's functions on arrays and tracers: `special`, `stats`, `linalg`.

Names and arguments are SciPy's; every transformation applies. Imported at first use. Imports
`numpy`, `nn`.
"""
from functrans.scipy import linalg, special, stats

__all__ = ["linalg", "special", "stats"]
