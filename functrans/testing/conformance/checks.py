"""The questions that a cell of the matrix asks, one function for each column.

In: a `Probe`, an operation of a library with a dtype. Each check returns if the answer is right,
raises `Wrong` with what was got and what was expected, or `NoQuestion` where there is nothing to
ask; whatever else is raised counts as a crash. Imports NumPy only.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import numpy as np

from functrans.testing.conformance import differences
from functrans.testing.conformance.libraries.base import Library
from functrans.testing.conformance.namespace import NotOffered
from functrans.testing.conformance.operation import Case, Operation
from functrans.testing.conformance.reference import REFERENCE

LANES = 2
INEXACT_KINDS = "fc"
EDGES = (np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0)


class Wrong(Exception):
    """A result that is not what it should be."""


class NoQuestion(Exception):
    """The operation has nothing to ask in this column."""


def is_inexact(array) -> bool:
    return array.dtype.kind in INEXACT_KINDS


def widened(array: np.ndarray) -> np.ndarray:
    """In double precision, if it has a precision."""
    return array.astype({"f": np.float64, "c": np.complex128}.get(array.dtype.kind, array.dtype))


def as_tuple(out) -> tuple:
    return tuple(out) if isinstance(out, (tuple, list)) else (out,)


def expected(case: Case, arrays: Sequence[np.ndarray], native: bool = False) -> list[np.ndarray]:
    """NumPy's results, in double precision unless `native`."""
    arrays = arrays if native else map(widened, arrays)
    with np.errstate(all="ignore"):
        return [np.asarray(part) for part in as_tuple(case.function(REFERENCE, *arrays))]


class Probe:
    """One case of an operation, with values of one dtype, for a library."""

    def __init__(self, library: Library, operation: Operation, case: Case, dtype: str,
                 sizes: dict | None = None):
        self.library = library
        self.operation = operation
        self.case = case
        self.dtype = np.dtype(dtype)
        self.sizes = sizes
        self.seed = f"{operation.name} {operation.cases.index(case)}" \
            if case in operation.cases else operation.name
        self.arrays = case.arrays(dtype, self.seed, sizes)

    def lanes(self) -> list[list[np.ndarray]]:
        return [self.case.arrays(self.dtype.name, f"{self.seed} {lane}", self.sizes)
                for lane in range(LANES)]

    def function(self, *arrays) -> tuple:
        """The operation in the library's terms."""
        return as_tuple(self.case.function(self.library.names, *arrays))

    def expected(self, arrays: Sequence) -> list[np.ndarray]:
        """What the results should be."""
        return expected(self.case, arrays, self.operation.native)

    def given(self, arrays: Sequence) -> list:
        return [self.library.array(array) for array in arrays]

    def returned(self, values: Sequence) -> list[np.ndarray]:
        return [np.asarray(self.library.numpy(value)) for value in values]

    # ---- derivatives ----

    @cached_property
    def places(self) -> list[int]:
        """The operands in which a derivative is asked for."""
        if not self.operation.derivative or self.dtype.kind not in INEXACT_KINDS:
            raise NoQuestion
        found = [place for place, array in enumerate(self.arrays)
                 if is_inexact(array) and place not in self.operation.fixed]
        if not found or not any(map(is_inexact, expected(self.case, self.arrays))):
            raise NoQuestion
        return found

    def partial(self, function: Callable, every: Sequence, inexact: Callable) -> Callable:
        """The function of those operands alone, with only inexact results."""
        def restricted(*some):
            operands = list(every)
            for place, value in zip(self.places, some):
                operands[place] = value
            return tuple(part for part in function(*operands) if inexact(part))
        return restricted

    def smooth(self, every: Sequence | None = None) -> Callable:
        """In the library's terms."""
        every = self.given(self.arrays if every is None else every)
        kept = [is_inexact(part) for part in expected(self.case, self.arrays)]

        def restricted(*some):
            operands = list(every)
            for place, value in zip(self.places, some):
                operands[place] = value
            return tuple(part for part, keep in zip(self.function(*operands), kept) if keep)
        return restricted

    def exact(self, arrays: Sequence | None = None) -> Callable:
        """In NumPy's terms, in double precision."""
        arrays = [widened(array) for array in (self.arrays if arrays is None else arrays)]
        return self.partial(lambda *xs: expected(self.case, xs), arrays, is_inexact)

    def points(self, arrays: Sequence | None = None) -> list[np.ndarray]:
        arrays = self.arrays if arrays is None else arrays
        return [arrays[place] for place in self.places]

    def directions(self, like: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
        """Multiples of 1/8 below 1: exact in every dtype, and no step leaves the domain."""
        rng = np.random.default_rng(seed)

        def values(shape):
            return rng.integers(1, 8, shape) / 8 * rng.choice([-1, 1], shape)
        return [(values(array.shape) + (1j * values(array.shape) if array.dtype.kind == "c" else 0)
                 ).astype(array.dtype) for array in like]

    def results_like(self, arrays: Sequence | None = None) -> list[np.ndarray]:
        """Arrays with the shapes and dtypes of the inexact results."""
        arrays = self.arrays if arrays is None else arrays
        return [part.astype(_precision(part.dtype, self.result_dtype))
                for part in expected(self.case, arrays) if is_inexact(part)]

    @cached_property
    def result_dtype(self) -> np.dtype:
        """The dtype whose precision results have: that of the operands, but for conversions."""
        name = self.operation.name
        return np.dtype(name.split()[1]) if name.startswith("astype") else self.dtype

    def tolerance(self, error=0.0) -> Callable:
        """atol from the size of what is expected, and the oracle's own error."""
        eps = max(np.finfo(dtype).eps for dtype in (self.dtype, self.result_dtype)
                  if dtype.kind in INEXACT_KINDS)

        def of(size: float):
            return 8 * np.max(error, initial=0) + (self.operation.ulp * eps + 1e-9 * (
                np.max(error, initial=0) > 0)) * max(size, 1.0)
        return of


def _precision(dtype: np.dtype, like: np.dtype) -> np.dtype:
    """The dtype of this kind with the precision of another."""
    if like.kind not in INEXACT_KINDS:
        return dtype
    real = np.empty(0, like).real.dtype
    if dtype.kind == "c":
        return np.result_type(real, np.complex64)
    return real


# ---- comparing ----

def compare(got: Sequence[np.ndarray], wanted: Sequence[np.ndarray], probe: Probe, what: str,
            error=0.0):
    """Raises Wrong unless results have the shapes, the precision and the values expected."""
    if len(got) != len(wanted):
        raise Wrong(f"{what}: {len(got)} results, expected {len(wanted)}")
    for number, (part, right) in enumerate(zip(got, wanted)):
        where = f"{what}, result {number}" if len(wanted) > 1 else what
        _compare_kind(part, right, probe, where)
        _compare_values(part, right, probe, where, error)


def _compare_kind(part, right, probe: Probe, what: str):
    if part.shape != right.shape:
        raise Wrong(f"{what}: shape {part.shape}, expected {right.shape}")
    if not is_inexact(right):
        if part.dtype.kind not in ("iu" if right.dtype.kind in "iu" else right.dtype.kind):
            raise Wrong(f"{what}: dtype {part.dtype}, expected {right.dtype}")
        return
    wanted = _precision(right.dtype, probe.result_dtype)
    if part.dtype != wanted and probe.result_dtype.kind in INEXACT_KINDS:
        change = "narrowed" if part.dtype.itemsize < wanted.itemsize else "changed"
        raise Wrong(f"{what}: {change} to {part.dtype}, expected {wanted}")


def _compare_values(part, right, probe: Probe, what: str, error):
    if not is_inexact(right):
        wrong = np.asarray(part != right)
    else:
        wide, tolerance = widened(part), probe.tolerance(error)
        finite = np.isfinite(right)
        size = np.max(np.abs(right), initial=0, where=finite)
        with np.errstate(all="ignore"):
            wrong = np.where(finite, ~(np.abs(wide - right) <= tolerance(size)),
                             ~((wide == right) | np.isnan(wide) & np.isnan(right)))
    if wrong.any():
        place = tuple(int(k) for k in np.argwhere(wrong)[0])
        raise Wrong(f"{what}{list(place) if place else ''}: {part[place]}, expected "
                    f"{right[place]}")


# ---- columns ----

def check_eval(probe: Probe):
    """Values, shapes and precision are NumPy's."""
    got = probe.returned(probe.function(*probe.given(probe.arrays)))
    compare(got, probe.expected(probe.arrays), probe, "value")


def check_jit(probe: Probe):
    """Compiled code gives the same; so does the compiled gradient."""
    jitted, given = probe.library.jit(probe.function), probe.given(probe.arrays)
    compare(probe.returned(jitted(*given)), probe.expected(probe.arrays), probe, "value")
    left = probe.library.compiled_only_in_part(probe.operation, probe.function, given)
    if left:
        raise Wrong(f"compiled code goes back to Python for {left}")
    if "vjp" in probe.library.offers and _has_derivative(probe):
        _check_jitted_gradient(probe)


def _has_derivative(probe: Probe) -> bool:
    try:
        return bool(probe.places)
    except NoQuestion:
        return False


def _check_jitted_gradient(probe: Probe):
    count = len(probe.places)
    cotangents = probe.directions(probe.results_like(), 1)
    function = probe.smooth()

    def gradient(*values):
        return tuple(probe.library.vjp(function, values[:count], values[count:]))
    got = probe.library.jit(gradient)(*probe.given([*probe.points(), *cotangents]))
    _compare_gradient(probe, probe.returned(got), probe.arrays, cotangents, "compiled gradient")


def check_vmap(probe: Probe):
    """Mapping over each axis, of each operand and of all, equals a loop."""
    if not probe.case.operands:
        raise NoQuestion
    lanes = probe.lanes()
    for axes in _mapped_axes(probe.arrays):
        stacked = [lanes[0][k] if axis is None else np.stack([lane[k] for lane in lanes], axis)
                   for k, axis in enumerate(axes)]
        got = probe.returned(probe.library.vmap(probe.function, axes)(*probe.given(stacked)))
        for number in range(LANES):
            arrays = [lanes[0 if axis is None else number][k] for k, axis in enumerate(axes)]
            part = [_lane(value, number) for value in got]
            compare(part, probe.expected(arrays), probe, f"in_axes={axes}, lane {number}")
    if "vjp" in probe.library.offers and _has_derivative(probe):
        _check_mapped_gradient(probe, lanes)


def _lane(value: np.ndarray, number: int) -> np.ndarray:
    if value.ndim == 0 or value.shape[0] != LANES:
        raise Wrong(f"a result of shape {value.shape} has no mapped axis in front")
    return value[number]


def _mapped_axes(arrays: Sequence[np.ndarray]):
    """Each axis of each operand alone; all operands at once, over the first and the last."""
    count = len(arrays)
    for place, array in enumerate(arrays):
        for axis in range(array.ndim + 1):
            yield tuple(axis if k == place else None for k in range(count))
    if count > 1:
        yield (0,) * count
        yield tuple(array.ndim for array in arrays)


def _check_mapped_gradient(probe: Probe, lanes: list):
    """Gradients for all lanes, where the differentiated operands are mapped."""
    count = len(probe.places)
    cotangents = [probe.directions(probe.results_like(lane), 7 + k)
                  for k, lane in enumerate(lanes)]

    def gradient(*values):
        every, rest = values[:len(probe.arrays)], values[len(probe.arrays):]

        def function(*some):
            operands = list(every)
            for place, value in zip(probe.places, some):
                operands[place] = value
            kept = [is_inexact(part) for part in expected(probe.case, probe.arrays)]
            return tuple(part for part, keep in zip(probe.function(*operands), kept) if keep)
        return tuple(probe.library.vjp(function, [every[k] for k in probe.places], rest))[:count]

    stacked = [np.stack(parts) for parts in zip(*lanes)]
    stacked += [np.stack(parts) for parts in zip(*cotangents)]
    got = probe.returned(probe.library.vmap(gradient, (0,) * len(stacked))(*probe.given(stacked)))
    for number, lane in enumerate(lanes):
        _compare_gradient(probe, [_lane(value, number) for value in got], lane,
                          cotangents[number], f"mapped gradient, lane {number}")


@lru_cache(maxsize=64)
def _jacobian(case: Case, places: tuple, key: tuple, shapes: tuple, kinds: tuple):
    """Of the reference at a point; the same for all dtypes and columns."""
    arrays = [np.frombuffer(data, dtype).reshape(shape)
              for data, shape, dtype in zip(key, shapes, kinds)]
    kept = [is_inexact(part) for part in expected(case, arrays)]

    def function(*some):
        operands = list(arrays)
        for place, value in zip(places, some):
            operands[place] = value
        return [part for part, keep in zip(expected(case, operands), kept) if keep]
    return differences.jacobian(function, [arrays[place] for place in places])


def jacobian(probe: Probe, arrays: Sequence[np.ndarray]) -> tuple:
    wide = [np.array(widened(array), order="C") for array in arrays]
    return _jacobian(probe.case, tuple(probe.places), tuple(array.tobytes() for array in wide),
                     tuple(array.shape for array in wide), tuple(array.dtype for array in wide))


def check_jvp(probe: Probe):
    """The derivative along a direction is the limit of differences."""
    points, tangents = probe.points(), probe.directions(probe.points(), 2)
    got = probe.returned(probe.library.jvp(probe.smooth(), probe.given(points),
                                           probe.given(tangents)))
    matrix, error = jacobian(probe, probe.arrays)
    flat = differences.to_real(tangents)
    wanted = differences.from_real(matrix @ flat, probe.results_like())
    compare(got, wanted, probe, "tangent", error @ np.abs(flat))


def check_vjp(probe: Probe):
    """Each element of the gradient is the limit of differences."""
    cotangents = probe.directions(probe.results_like(), 3)
    got = probe.returned(probe.library.vjp(probe.smooth(), probe.given(probe.points()),
                                           probe.given(cotangents)))
    _compare_gradient(probe, got, probe.arrays, cotangents, "gradient")


def _compare_gradient(probe: Probe, got, arrays, cotangents, what: str):
    matrix, error = jacobian(probe, arrays)
    paired = _paired(probe, cotangents)
    points = [arrays[place] for place in probe.places]
    wanted = differences.from_real(matrix.T @ paired, points)
    if probe.library.pairing == "bilinear":
        wanted = [np.conj(part) for part in wanted]
    _compare_operands(probe, got, wanted, what, error.T @ np.abs(paired))


def _compare_operands(probe: Probe, got, wanted, what: str, error):
    """Gradients have the dtype of operands, whatever that of results is."""
    for number, part in enumerate(got):
        if is_inexact(part) and _precision(part.dtype, probe.dtype) != part.dtype:
            raise Wrong(f"{what}: dtype {part.dtype} for an operand of {probe.dtype}")
        where = f"{what}, operand {probe.places[number]}" if len(wanted) > 1 else what
        if part.shape != wanted[number].shape:
            raise Wrong(f"{where}: shape {part.shape}, expected {wanted[number].shape}")
        _compare_values(part, wanted[number], probe, where, error)


def _paired(probe: Probe, cotangents) -> np.ndarray:
    """Cotangents as the real vector whose product with a real tangent vector is meant."""
    if probe.library.pairing == "bilinear":
        return differences.conjugated(cotangents)
    return differences.to_real(cotangents)


def check_adjoint(probe: Probe):
    """Forward and reverse mode are adjoint to each other: the dot-product test."""
    points = probe.points()
    tangents, cotangents = probe.directions(points, 4), probe.directions(probe.results_like(), 5)
    function, given = probe.smooth(), probe.given(points)
    pushed = probe.returned(probe.library.jvp(function, given, probe.given(tangents)))
    pulled = probe.returned(probe.library.vjp(function, given, probe.given(cotangents)))
    for part in (*pushed, *pulled):
        if not np.all(np.isfinite(part)):
            raise Wrong("a derivative is not finite")
    left, scale = _product(probe, pushed, cotangents)
    right, other = _product(probe, pulled, tangents)
    bound = probe.tolerance()(max(scale, other))
    if not abs(left - right) <= bound:
        raise Wrong(f"<ct, jvp(t)> = {left:.9g}, <vjp(ct), t> = {right:.9g}")


def _product(probe: Probe, first, second) -> tuple[float, float]:
    first, second = (list(map(widened, part)) for part in (first, second))
    flat = _paired(probe, first)
    other = differences.to_real(second)
    return float(flat @ other), float(np.abs(flat) @ np.abs(other))


def check_second(probe: Probe):
    """Second derivatives, forward over forward and in all other orders, equal differences."""
    if not probe.operation.second:
        raise NoQuestion
    points, direction = probe.points(), probe.directions(probe.points(), 6)
    cotangents = probe.directions(probe.results_like(), 8)
    wanted, error = differences.second_derivative_along(
        probe.exact(), list(map(widened, points)), list(map(widened, direction)))
    paired = differences.conjugated(cotangents) if probe.library.pairing == "bilinear" \
        else differences.to_real(cotangents)
    value, bound = float(paired @ wanted), float(np.abs(paired) @ error)
    size = float(np.abs(paired) @ np.abs(wanted))
    asked = 0
    for name, got in _second_orders(probe, points, direction, cotangents):
        asked += 1
        tolerance = probe.tolerance(bound)(size) * 4
        if not abs(got - value) <= tolerance:
            raise Wrong(f"{name}: {got:.9g}, expected {value:.9g}")
    if not asked:
        raise NotOffered("neither forward nor reverse mode")


def _second_orders(probe: Probe, points, direction, cotangents):
    """(order of modes, <ct, second derivative along the direction twice>)."""
    library, function, given = probe.library, probe.smooth(), probe.given(points)
    along, back = probe.given(direction), probe.given(cotangents)

    def forward(*xs):
        return tuple(library.jvp(function, xs, along))

    def reverse(*xs):
        return tuple(library.vjp(function, xs, back))

    def total(values, others):
        return _product(probe, probe.returned(values), others)[0]

    if "jvp" in library.offers:
        yield "forward over forward", total(library.jvp(forward, given, along), cotangents)
    if probe.dtype.kind == "c" or "vjp" not in library.offers:
        return
    yield "reverse over reverse", total(library.vjp(reverse, given, along), direction)
    if "jvp" in library.offers:
        yield "forward over reverse", total(library.jvp(reverse, given, along), direction)
        yield "reverse over forward", total(library.vjp(forward, given, back), direction)


# ---- special values ----

def check_kinks(probe: Probe):
    """At kinks a slope is one of those between the slopes of both sides, in both modes."""
    if not probe.operation.kinks or probe.dtype.kind not in INEXACT_KINDS:
        raise NoQuestion
    if probe.dtype.kind == "c" and any(map(np.iscomplexobj, probe.expected(probe.arrays))):
        raise NoQuestion                       # a branch point: no slope is more right than another
    for point in probe.operation.kinks:
        arrays = [np.asarray(value, probe.dtype) for value in _fitted(probe, point)]
        _check_kink(probe, arrays, point)


def _fitted(probe: Probe, point) -> list:
    """Values of a point with as many axes as the first case's operands have."""
    return [np.asarray(value).reshape((1,) * (len(operand.dims) - np.ndim(value))
                                      + np.shape(value)) if np.ndim(value) else value
            for value, operand in zip(point, probe.case.operands)]


def _check_kink(probe: Probe, arrays, point):
    function = probe.smooth(arrays)
    exact = probe.exact(arrays)
    wide = [widened(array) for array in arrays]
    outputs = expected(probe.case, arrays)
    for number in range(sum(array.size for array in arrays)):
        unit = np.zeros(sum(array.size for array in arrays))
        unit[number] = 1
        direction = _unit(unit, arrays)
        sides = [differences.one_sided(exact, wide, list(map(widened, direction)), sign)
                 for sign in (1, -1)]
        low, high = np.fmin(*sides), np.fmax(*sides)
        if probe.dtype.kind == "c" or np.isnan(low).all():
            low, high = (np.full_like(low, bound) for bound in (-np.inf, np.inf))
        if "jvp" in probe.library.offers:
            pushed = probe.returned(probe.library.jvp(function, probe.given(arrays),
                                                      probe.given(direction)))
            _check_slopes(differences.to_real(pushed), low, high, probe,
                          f"forward mode at {point}, operand element {number}")
    if "vjp" in probe.library.offers and len(outputs) == 1 and outputs[0].size == 1:
        _check_pulled(probe, arrays, function, exact, wide, outputs, point)


def _check_pulled(probe: Probe, arrays, function, exact, wide, outputs, point):
    one = np.ones(outputs[0].shape, _precision(outputs[0].dtype, probe.dtype))
    pulled = differences.to_real(probe.returned(
        probe.library.vjp(function, probe.given(arrays), probe.given([one]))))
    if probe.dtype.kind == "c":
        low, high = (np.full(pulled.shape, bound) for bound in (-np.inf, np.inf))
    else:
        units = [_unit(row, arrays) for row in np.eye(len(pulled))]
        sides = [[differences.one_sided(exact, wide, list(map(widened, unit)), sign)[0]
                  for unit in units] for sign in (1, -1)]
        low, high = np.fmin(*sides), np.fmax(*sides)
    _check_slopes(pulled, low, high, probe, f"reverse mode at {point}")


def _unit(vector: np.ndarray, like) -> list[np.ndarray]:
    out, start = [], 0
    for array in like:
        out.append(vector[start:start + array.size].reshape(array.shape).astype(array.dtype))
        start += array.size
    return out


def _check_slopes(got, low, high, probe: Probe, what: str):
    margin = 1e-3 + 16 * float(np.finfo(probe.dtype).eps)
    with np.errstate(all="ignore"):
        inside = (got >= low - margin) & (got <= high + margin)
    if not inside.all():
        place = int(np.argmin(inside))
        between = f"{low[place]:.6g}" if low[place] == high[place] else \
            f"between {low[place]:.6g} and {high[place]:.6g}"
        raise Wrong(f"{what}: the slope is {got[place]:.6g}, expected {between}")


def check_edges(probe: Probe):
    """NaN, infinities and zeros give what they give NumPy; derivatives there have a limit."""
    if probe.dtype.kind != "f" or not (probe.operation.edges or probe.operation.limits):
        raise NoQuestion
    if probe.operation.edges:
        arrays = _edge_operands(probe)
        right = probe.expected(arrays)
        given = probe.given(arrays)
        compare(probe.returned(probe.function(*given)), right, probe, "value")
        if "jit" in probe.library.offers:
            got = probe.returned(probe.library.jit(probe.function)(*given))
            compare(got, right, probe, "compiled value")
    for point, slopes in probe.operation.limits:
        if "vjp" in probe.library.offers:
            _check_limit(probe, point, slopes)


def _edge_operands(probe: Probe) -> list[np.ndarray]:
    """All pairs of special values for elements; else one of them among usual values."""
    count = sum(is_inexact(array) for array in probe.arrays)
    if probe.operation.elementwise and count:
        grids = np.meshgrid(*[np.array(EDGES)] * count, indexing="ij")
        values = iter(grid.ravel().astype(probe.dtype) for grid in grids)
        size = len(EDGES) ** count
        return [next(values) if is_inexact(array) else np.resize(array.ravel(), size)
                for array in probe.arrays]
    arrays = [array.copy() for array in probe.arrays]
    first = arrays[0]
    flat = first.reshape(-1)
    flat[0] = np.nan
    flat[-1] = np.inf
    return arrays


def _check_limit(probe: Probe, point, slopes):
    arrays = [np.asarray(value, probe.dtype) for value in _fitted(probe, point)]
    outputs = expected(probe.case, arrays)
    ones = [np.ones(part.shape, _precision(part.dtype, probe.dtype)) for part in outputs]
    got = probe.returned(probe.library.vjp(probe.smooth(arrays), probe.given(arrays),
                                           probe.given(ones)))
    for number, (part, slope) in enumerate(zip(got, slopes)):
        if slope is not None:
            right = np.asarray(slope, np.float64).reshape(part.shape)
            _compare_values(part, right, probe, f"gradient at {point}, operand {number}", 0.0)


def check_empty(probe: Probe):
    """Arrays without elements: shapes, values of reductions over nothing, gradients."""
    if not probe.operation.empty:
        raise NoQuestion
    sizes = dict.fromkeys(probe.operation.empty, 0)
    empty = Probe(probe.library, probe.operation, probe.case, probe.dtype.name, sizes)
    if not any(set(operand.dims) & set(sizes) for operand in probe.case.operands):
        raise NoQuestion
    check_eval(empty)
    if _has_derivative(empty) and "vjp" in probe.library.offers:
        check_vjp(empty)


def check_scalar(probe: Probe):
    """0-d arrays: values and both derivatives."""
    if not probe.operation.elementwise:
        raise NoQuestion
    case = probe.case.without_axes()
    scalar = Probe(probe.library, probe.operation, case, probe.dtype.name)
    check_eval(scalar)
    if _has_derivative(scalar):
        for name, check in (("jvp", check_jvp), ("vjp", check_vjp)):
            if name in probe.library.offers:
                check(scalar)


# Column: the check, what of a library it needs, and whether every case is asked or the first.
COLUMNS = {
    "eval": (check_eval, ()), "jit": (check_jit, ("jit",)), "vmap": (check_vmap, ("vmap",)),
    "jvp": (check_jvp, ("jvp",)), "vjp": (check_vjp, ("vjp",)),
    "adjoint": (check_adjoint, ("jvp", "vjp")), "second": (check_second, ()),
    "kinks": (check_kinks, ()), "nan, inf": (check_edges, ()), "empty": (check_empty, ()),
    "0-d": (check_scalar, ())}
