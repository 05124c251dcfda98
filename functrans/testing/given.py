"""A derivative that the user hands over, in place of the library's.

In: a library, a function, and `f_jvp(args, tangents)` or `f_vjp(*args)`. Out: an Adapter whose
forward or reverse mode is that. Imports `adapters.base`.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

from functrans.testing.adapters.base import Adapter
from functrans.testing.subject import INEXACT


class GivenRule:
    """As the library, but for `jvp` and `vjp`, which work on whole arguments."""

    def __init__(self, library: Adapter, f: Callable, rule: Callable, args: tuple):
        self.library = library
        self.f = f
        self.rule = rule
        self.args = args

    def __getattr__(self, name: str):
        return getattr(self.library, name)

    def _moves(self, leaf) -> bool:
        return self.library.dtype(leaf) in INEXACT

    def _whole(self, tree, some: Sequence, constant: Callable):
        """A pytree with `some` as the leaves that have a derivative."""
        rest = iter(some)
        return self.library.with_leaves(tree, [next(rest) if self._moves(leaf) else constant(leaf)
                                               for leaf in self.library.leaves(tree)])

    def _some(self, like, tree) -> tuple:
        """The leaves of a pytree where `like` has those that have a derivative."""
        return tuple(leaf for leaf, other in zip(self.library.leaves(tree),
                                                 self.library.leaves(like), strict=True)
                     if self._moves(other))

    def _zeros(self, arg):
        """What None stands for: no cotangent of a whole argument."""
        return self.library.with_leaves(arg, [leaf * 0 for leaf in self.library.leaves(arg)])

    def jvp(self, function: Callable, points: Sequence, tangents: Sequence) -> tuple:
        args = self._whole(self.args, points, lambda leaf: leaf)
        out, moved = self.rule(args, self._whole(self.args, tangents, self.library.no_tangent))
        return self._some(out, out), self._some(out, moved)

    def vjp(self, function: Callable, points: Sequence) -> tuple:
        args = self._whole(self.args, points, lambda leaf: leaf)
        out, pull = self.rule(*args)

        def pulled(cotangents: Sequence) -> tuple:
            cts = pull(self._whole(out, cotangents, self.library.no_tangent))
            return self._some(self.args, tuple(self._zeros(arg) if ct is None else ct
                                               for arg, ct in zip(args, cts, strict=True)))
        return self._some(out, out), pulled

    def culprit(self, subject, mode: str, options) -> None:
        return None
