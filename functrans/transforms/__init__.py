"""Transformations: walks over a Program that yield a Program (or values, in `Eval`)."""
