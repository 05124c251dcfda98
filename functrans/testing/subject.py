"""A function at a point, as the checks see it: from real vectors to real vectors.

In: a library's function and arguments. Out: `Subject`: values and derivatives at wide precision
(its shadow in float64) or at its own. Arguments and results without a derivative, integers among
them, are left out: they are constants here. Imports `layout`, `differences`, the adapters.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property

import numpy as np

from functrans.testing.adapters.base import Adapter
from functrans.testing.differences import LARGEST, Line, as_vector
from functrans.testing.layout import Layout, is_complex, wide

INEXACT = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")


class Subject:
    """function: from library arrays (the inexact leaves) to a list of all its results.

    points: their values in float64 or complex128. inputs: their Layout, with their own dtypes.
    text: what the function is, for messages. paths: of all results, once the function was called;
    it fills the list.
    """

    def __init__(self, library: Adapter, function: Callable, points: Sequence[np.ndarray],
                 inputs: Layout, text: str, originals: Sequence | None = None,
                 shadow: bool | None = None, paths: Sequence[str] | None = None):
        self.library = library
        self.function = function
        self.points = list(points)
        self.inputs = inputs
        self.text = text
        self.originals = originals
        self.paths = paths
        self._shadow = shadow
        self._lines: dict = {}

    # ---- arrays ----

    def arrays(self, values: Sequence[np.ndarray], wider: bool) -> list:
        """Library arrays of these values, of the wide dtypes or of their own."""
        if values is self.points and not wider and self.originals is not None:
            return list(self.originals)
        dtypes = [wide(dtype) if wider else dtype for dtype in self.inputs.dtypes]
        return [self.library.array(value, "complex128" if value.dtype.kind == "c" else dtype)
                if wider else self.library.array(value, dtype)
                for value, dtype in zip(values, dtypes)]

    def like_outputs(self, vector: np.ndarray, outs: Sequence) -> tuple:
        """Cotangents of some results, from the vector of all entries."""
        return tuple(self.library.array(part, self.library.dtype(out))
                     for part, out in zip(self.outputs.unpack(vector), outs, strict=True))

    def inexact(self, outs: Sequence) -> tuple:
        return tuple(out for out in outs if self.library.dtype(out) in INEXACT)

    def call(self, *arrays) -> tuple:
        """The function, with only those results that may have a derivative."""
        return self.inexact(self.function(*arrays))

    # ---- what is known of it ----

    @cached_property
    def narrow(self) -> bool:
        """Whether an argument is narrower than float64."""
        return any(dtype not in ("float64", "complex128") for dtype in self.inputs.dtypes)

    @cached_property
    def own(self) -> tuple:
        """(values, dtypes, names) of the results, at the arguments as they were given."""
        every = self.function(*self.arrays(self.points, False))
        outs = self.inexact(every)
        return ([self.library.numpy(out) for out in outs],
                tuple(self.library.dtype(out) for out in outs), self._result_names(every))

    def _result_names(self, every: Sequence) -> tuple:
        """By path, where paths are known; else by number."""
        if self.paths is not None:
            return tuple(f"result{path}" for path, out in zip(self.paths, every)
                         if self.inexact([out]))
        count = len(self.inexact(every))
        return tuple(f"result[{k}]" for k in range(count)) if count > 1 else ("result",) * count

    @cached_property
    def outputs(self) -> Layout:
        values, dtypes, names = self.own
        return Layout(tuple(value.shape for value in values), dtypes, names)

    @cached_property
    def shadowed(self) -> bool:
        """Whether the function works in float64: it takes such arguments, and gives results of
        the same shapes and kinds."""
        if not self.narrow:
            return True
        if self._shadow is not None:
            return self._shadow
        try:
            with self.library.shadow():
                outs = self.call(*self.arrays(self.points, True))
                dtypes = [self.library.dtype(out) for out in outs]
                shapes = tuple(self.library.numpy(out).shape for out in outs)
        except Exception:          # whatever a function raises at dtypes that it does not know
            return False
        return shapes == self.outputs.shapes and \
            [is_complex(d) for d in dtypes] == [is_complex(d) for d in self.outputs.dtypes]

    @cached_property
    def eps(self) -> float:
        """The relative precision of the values on which differences are taken."""
        if not self.shadowed:
            return self.library.eps([*self.inputs.dtypes, *self.outputs.dtypes])
        with self.library.shadow():
            outs = self.call(*self.arrays(self.points, True))
            return self.library.eps([self.library.dtype(out) for out in outs])

    def _context(self, wider: bool):
        """Where arrays of float64 are such, if they are wanted."""
        return self.library.shadow() if wider and self.narrow and self.shadowed else nullcontext()

    # ---- values and derivatives: vectors in, vectors out ----

    def values(self, points: Sequence[np.ndarray], wider: bool = True,
               imaginary: bool = False) -> np.ndarray:
        """All results, in one vector; complex if `imaginary` and any of them is."""
        with self._context(wider):
            outs = self.call(*self.arrays(points, wider and self.shadowed))
            return as_vector([self.library.numpy(out) for out in outs], imaginary)

    def line(self, direction: Sequence[np.ndarray], largest: float | None = None) -> Line:
        """The function along a line through the point; asked for twice, its values are known."""
        key = self.inputs.pack(direction).tobytes()
        if key not in self._lines:
            self._lines[key] = self._new_line(direction, largest)
        return self._lines[key]

    def _new_line(self, direction: Sequence[np.ndarray], largest: float | None) -> Line:
        def along(t):
            if isinstance(t, complex) and not (self.shadowed and self._is_real):
                raise TypeError("the complex step is for functions of real numbers in float64")
            return self.values([p + t * d for p, d in zip(self.points, direction)],
                               imaginary=isinstance(t, complex))
        return Line(along, self.eps, largest or LARGEST)

    @property
    def _is_real(self) -> bool:
        return not any(map(is_complex, (*self.inputs.dtypes, *self.outputs.dtypes)))

    def jvp(self, direction: Sequence[np.ndarray], wider: bool, points=None) -> np.ndarray:
        """The derivative along a direction, by the library's forward mode."""
        with self._context(wider):
            wider = wider and self.shadowed
            _, tangents = self.library.jvp(
                self.call, self.arrays(self.points if points is None else points, wider),
                self.arrays(direction, wider))
            return self.outputs.pack([self.library.numpy(t) for t in tangents])

    def vjp(self, weights: np.ndarray, wider: bool, points=None) -> list[np.ndarray]:
        """The cotangents of the inputs, by the library's reverse mode."""
        with self._context(wider):
            outs, pull = self.library.vjp(
                self.call, self.arrays(self.points if points is None else points,
                                       wider and self.shadowed))
            return [self.library.numpy(ct) for ct in pull(self.like_outputs(weights, outs))]

    def linear(self, direction: Sequence[np.ndarray], wider: bool) -> np.ndarray:
        """The derivative along a direction, by the library's linearize."""
        with self._context(wider):
            wider = wider and self.shadowed
            _, push = self.library.linearize(self.call, self.arrays(self.points, wider))
            tangents = push(*self.arrays(direction, wider))
            return self.outputs.pack([self.library.numpy(t) for t in tangents])

    def paired(self, cotangents: Sequence[np.ndarray], tangents: Sequence[np.ndarray]) -> float:
        """The pairing in which a transpose is one."""
        total = 0.0
        with np.errstate(all="ignore"):
            for ct, tangent in zip(cotangents, tangents, strict=True):
                ct = ct.conj() if self.library.conjugates else ct
                total += float(np.sum((ct * tangent).real))
        return total

    def weights_of(self, weights: np.ndarray) -> np.ndarray:
        """The factors of the real entries in the pairing with cotangents `weights`."""
        signs = [np.array([1.0, 1.0 if self.library.conjugates else -1.0])
                 if is_complex(dtype) else np.ones(1) for dtype in self.outputs.dtypes]
        whole = [np.tile(sign, int(np.prod(shape)))
                 for sign, shape in zip(signs, self.outputs.shapes)]
        return weights * np.concatenate([np.zeros(0), *whole])

    # ---- the next order ----

    def derivative(self, mode: str, direction, weights) -> Subject:
        """The function's derivative as a subject: along a direction, or of weighted results."""
        def forward(*arrays):
            tangents = self._tangents(direction, arrays)
            return self.library.jvp(self.call, arrays, tangents)[1]

        def reverse(*arrays):
            outs, pull = self.library.vjp(self.call, arrays)
            return pull(self.like_outputs(weights, outs))
        if mode == "rev":
            return Subject(self.library, reverse, self.points, self.inputs,
                           f"the vjp of {self.text}", self.originals)
        return Subject(self.library, forward, self.points, self.inputs, f"the jvp of {self.text}",
                       self.originals,
                       paths=[name.removeprefix("result") for name in self.outputs.names])

    def _tangents(self, direction, arrays) -> list:
        return [self.library.array(d, self.library.dtype(array))
                for d, array in zip(direction, arrays)]


def subject_of(library: Adapter, f: Callable, args: Sequence) -> Subject:
    """`f(*args)` as a subject; arguments that are no floats are constants of it."""
    leaves = library.leaves(tuple(args))
    kept = [k for k, leaf in enumerate(leaves) if library.dtype(leaf) in INEXACT]
    dtypes = tuple(library.dtype(leaves[k]) for k in kept)
    names = _names(library, f, args)
    points = [_held(library, leaves[k], dtype) for k, dtype in zip(kept, dtypes)]

    paths: list[str] = []

    def function(*arrays):
        every = list(leaves)
        for k, array in zip(kept, arrays):
            every[k] = array
        out = f(*library.with_leaves(tuple(args), every))
        if not paths:
            paths.extend(library.paths(out))
        return library.leaves(out)

    layout = Layout(tuple(p.shape for p in points), dtypes, tuple(names[k] for k in kept))
    text = getattr(f, "__name__", None) or getattr(
        getattr(f, "func", None), "__name__", type(f).__name__)
    return Subject(library, function, points, layout, text, [leaves[k] for k in kept],
                   paths=paths)


def _held(library: Adapter, leaf, dtype: str) -> np.ndarray:
    """The values of a leaf; of a Python number what the library makes of it, which is less."""
    values = library.numpy(leaf)
    is_number = isinstance(leaf, (int, float, complex))
    return library.numpy(library.array(values, dtype)) if is_number else values


def _names(library: Adapter, f: Callable, args: Sequence) -> list[str]:
    """For each leaf its path, by the name of the parameter: `params['w'][0]`."""
    names = []
    for name, arg in zip(parameter_names(f, len(args)), args):
        names += [name + path for path in library.paths(arg)]
    return names


def parameter_names(f: Callable, count: int) -> list[str]:
    """The names of the first positional parameters; `argument 2` where there is none."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = [p.name for p in parameters
                  if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [positional[k] if k < len(positional) else f"argument {k}" for k in range(count)]
