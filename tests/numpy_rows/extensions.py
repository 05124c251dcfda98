"""Rows: numpy.linalg and numpy.fft, one or two calls each (their own tests go further)."""
from __future__ import annotations

import numpy as np

import functrans.numpy as fnp
from numpy_rows.base import row
from numpy_rows.draw import Draw, call


def _of(path: str) -> dict:
    """Ours and NumPy's function of a dotted name."""
    package, name = path.split(".")
    return dict(function=getattr(getattr(fnp, package), name),
                reference=getattr(getattr(np, package), name))


def _regular(d: Draw, shape=None) -> np.ndarray:
    """Matrices far from singular."""
    shape = d.choice([(3, 3), (2, 3, 3)]) if shape is None else shape
    x = d.array("wide", shape, "unit")
    return x + 3 * np.eye(shape[-1], dtype=x.dtype)


def _definite(d: Draw) -> np.ndarray:
    x = _regular(d)
    return x @ np.swapaxes(x, -1, -2)


def _add(path: str, arguments, **options):
    row(path, arguments, **{**_of(path), "ulp": 1e4, **options})


def _values_of(path: str, choose):
    """What of a decomposition is determined, sign and order apart."""
    pair = _of(path)
    return {key: lambda *args, f=f: choose(f(*args)) for key, f in pair.items()}


# ---- linalg ----
for _name in ("det", "inv", "pinv", "slogdet", "cond"):
    _add(f"linalg.{_name}", lambda d: call(_regular(d)))
_add("linalg.cholesky", lambda d: call(_definite(d)))
_add("linalg.eigvalsh", lambda d: call(_definite(d)), ulp=1e5)
row("linalg.eigh", lambda d: call(_definite(d)), ulp=1e5,
    **_values_of("linalg.eigh", lambda r: r[0]))
for _name, _choose in (("eig", lambda r: r[0]), ("eigvals", lambda r: r)):
    row(f"linalg.{_name}", lambda d: call(_definite(d)), ulp=1e5, grad=False, dtype=False,
        **_values_of(f"linalg.{_name}", lambda r, c=_choose: np.sort(np.asarray(c(r)).real)),
        jit=False, batched=False, why="its order is not determined; no derivative")
row("linalg.svd", lambda d: call(_regular(d)), ulp=1e5, **_values_of("linalg.svd", lambda r: r[1]))
_add("linalg.svdvals", lambda d: call(_regular(d)), ulp=1e5)
row("linalg.qr", lambda d: call(_regular(d)), ulp=1e5,
    **_values_of("linalg.qr", lambda r: r[0] @ r[1]))
_add("linalg.solve", lambda d: call(x := _regular(d), d.array(x.dtype, x.shape)))
_add("linalg.lstsq", lambda d: call(_regular(d, (3, 3)), d.array("float64", (3,)), -1),
     ulp=1e5, dtype=False, batched=False, why="lstsq has no batches in NumPy")
_add("linalg.norm", lambda d: call(d.array("wide", (2, 3)),
                                   d.choice([None, 1, np.inf, "fro", 2]),
                                   d.choice([None, (0, 1)]), d.flag()))
_add("linalg.norm", lambda d: call(d.array("wide", (2, 3)), d.choice([None, 1, np.inf, 3, 0]),
                                   d.choice([0, 1, -1])))
_add("linalg.vector_norm", lambda d: call(d.array("wide", (2, 3)), axis=d.choice([None, 0])))
_add("linalg.matrix_norm", lambda d: call(_regular(d), ord=d.choice(["fro", 1, 2, "nuc"])))
_add("linalg.matrix_power", lambda d: call(_regular(d), d.integer(-2, 3)))
_add("linalg.matrix_rank", lambda d: call(_regular(d)))
_add("linalg.multi_dot", lambda d: call([d.array("wide", s) for s in ((2, 3), (3, 4), (4, 2))]))
_add("linalg.tensorinv", lambda d: call(_regular(d, (6, 6)).reshape(6, 2, 3), 1))
_add("linalg.tensorsolve", lambda d: call(_regular(d, (6, 6)).reshape(2, 3, 6), d.array("float64",
                                                                                       (2, 3))))
_add("linalg.cross", lambda d: call(x := d.array("wide", (2, 3)), d.array(x.dtype, (2, 3))))
_add("linalg.outer", lambda d: call(d.array("wide", (3,)), d.array("wide", (2,))))
_add("linalg.diagonal", lambda d: call(_regular(d), offset=d.integer(-1, 1)))
_add("linalg.trace", lambda d: call(_regular(d)))
_add("linalg.matrix_transpose", lambda d: call(_regular(d)))
_add("linalg.matmul", lambda d: call(x := _regular(d), d.array(x.dtype, (3, 2))))
_add("linalg.vecdot", lambda d: call(x := d.array("wide", (2, 3)), d.array(x.dtype, (2, 3))))
_add("linalg.tensordot", lambda d: call(x := d.array("wide", (2, 3)), d.array(x.dtype, (3, 2)),
                                        axes=1))

# ---- fft ----
_WIDE = ("float64", "complex128")
for _name in ("fft", "ifft"):
    _add(f"fft.{_name}", lambda d: call(d.array(d.choice(_WIDE), (2, 4)), d.choice([None, 3, 6]),
                                        d.choice([-1, 0]), d.choice([None, "ortho", "forward"])))
for _name in ("fft2", "ifft2", "fftn", "ifftn"):
    _add(f"fft.{_name}", lambda d: call(d.array(d.choice(_WIDE), (3, 4))))
for _name in ("rfft", "ihfft"):
    _add(f"fft.{_name}", lambda d: call(d.array("float64", (2, 4)), d.choice([None, 3, 6])))
for _name in ("rfft2", "rfftn"):
    _add(f"fft.{_name}", lambda d: call(d.array("float64", (3, 4))))
for _name in ("irfft", "hfft"):
    _add(f"fft.{_name}", lambda d: call(d.array("complex128", (2, 4)), d.choice([None, 5])))
for _name in ("irfft2", "irfftn"):
    _add(f"fft.{_name}", lambda d: call(d.array("complex128", (3, 4))))
for _name in ("fftfreq", "rfftfreq"):
    _add(f"fft.{_name}", lambda d: call(d.integer(2, 5), d.choice([1.0, 0.5])))
for _name in ("fftshift", "ifftshift"):
    _add(f"fft.{_name}", lambda d: call(x := d.array("any", low=1), d.axes(x)))
