"""cuBLASLt as the tests have it: NumPy, and no patience with wrong layouts.

Its functions are those of NVIDIA's header, called through ctypes' own values.
"""
from __future__ import annotations

import ctypes
from itertools import count

import numpy as np

from lowering.cuda import cublas

OK, WRONG = 0, 7             # CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_INVALID_VALUE
DTYPES = {0: "float32", 1: "float64", 2: "float16", 14: "bfloat16"}
SIZES = {"desc": {cublas.TRANSA: 4, cublas.TRANSB: 4},
         "layout": {cublas.BATCH_COUNT: 4, cublas.STRIDED_BATCH_OFFSET: 8},
         "preference": {cublas.MAX_WORKSPACE_BYTES: 8, **dict.fromkeys(
             cublas.MIN_ALIGNMENT.values(), 4)}}
NEEDED = 1000                # bytes of workspace


class StandIn:
    """calls: the names of the functions that were called."""

    def __init__(self):
        self.made, self.calls, self.numbers = {}, [], count(1)

    def __getattr__(self, name):
        function = getattr(self, f"_{name}")

        def called(*arguments):
            self.calls.append(name)
            return function(*arguments)
        return called

    def _new(self, where, kind: str, **values) -> int:
        where._obj.value = next(self.numbers)
        self.made[where._obj.value] = {"kind": kind, "set": {}, **values}
        return OK

    def _set(self, of, attribute, value, size) -> int:
        found = self.made[of.value]
        if SIZES[found["kind"]].get(attribute.value) != size.value \
                or ctypes.sizeof(value._obj) != size.value:
            return WRONG
        found["set"][attribute.value] = value._obj.value
        return OK
    _cublasLtMatmulDescSetAttribute = _cublasLtMatrixLayoutSetAttribute = _set
    _cublasLtMatmulPreferenceSetAttribute = _set

    def _cublasLtCreate(self, where):
        return self._new(where, "handle")

    def _cublasLtMatmulDescCreate(self, where, compute, scale):
        if (compute.value, scale.value) not in ((68, 0), (70, 1)):
            return WRONG
        return self._new(where, "desc", scale=DTYPES[scale.value])

    def _cublasLtMatrixLayoutCreate(self, where, dtype, rows, columns, leading):
        if leading.value < rows.value or not rows.value * columns.value:
            return WRONG
        return self._new(where, "layout", dtype=DTYPES[dtype.value], rows=rows.value,
                         columns=columns.value, leading=leading.value)

    def _cublasLtMatmulPreferenceCreate(self, where):
        return self._new(where, "preference")

    def _cublasLtMatmulPreferenceDestroy(self, preference):
        del self.made[preference.value]
        return OK

    def _cublasLtMatmulAlgoGetHeuristic(self, handle, desc, a, b, c, d, preference, wanted, found,
                                        number):
        if self._shapes(desc, a, b, c) is None or wanted.value != 1:
            return WRONG
        chosen = self.made[preference.value]["set"]
        found._obj.algorithm.data[0] = min(chosen[k] for k in cublas.MIN_ALIGNMENT.values())
        found._obj.workspace = NEEDED
        assert chosen[cublas.MAX_WORKSPACE_BYTES] >= NEEDED
        number._obj.value = 1
        return OK

    def _shapes(self, desc, a, b, c):
        """(rows, columns, inner), if operands fit each other."""
        chosen = self.made[desc.value]["set"]
        a, b, c = (self.made[each.value] for each in (a, b, c))
        m, k = self._turned(a, chosen[cublas.TRANSA])
        inner, n = self._turned(b, chosen[cublas.TRANSB])
        same = len({each["dtype"] for each in (a, b, c)}) == 1 \
            and len({each["set"][cublas.BATCH_COUNT] for each in (a, b, c)}) == 1
        return (m, n, k) if same and (m, n, k) == (c["rows"], c["columns"], inner) else None

    def _turned(self, layout, operation):
        sizes = layout["rows"], layout["columns"]
        return sizes[::-1] if operation == cublas.OP_T else sizes

    def _cublasLtMatmul(self, handle, desc, alpha, a, la, b, lb, beta, c, lc, d, ld, algorithm,
                        workspace, size, stream):
        if self._shapes(desc, la, lb, lc) is None or size.value < NEEDED or not workspace.value \
                or (alpha._obj.value, beta._obj.value) != (1, 0) or c.value != d.value \
                or any(each.value % algorithm._obj.data[0] for each in (a, b, c)):
            return WRONG
        chosen = self.made[desc.value]["set"]
        left, right, out = (self._matrices(*each) for each in ((a, la), (b, lb), (c, lc)))
        if chosen[cublas.TRANSA]:
            left = left.swapaxes(1, 2)
        if chosen[cublas.TRANSB]:
            right = right.swapaxes(1, 2)
        wide = self.made[desc.value]["scale"]
        out[...] = (left.astype(wide) @ right.astype(wide)).astype(out.dtype)
        ctypes.memset(workspace.value, 0xA5, NEEDED)
        return OK

    def _matrices(self, address, layout) -> np.ndarray:
        """The batch that lies there, to be read and written."""
        found = self.made[layout.value]
        dtype = np.dtype(found["dtype"])
        number, stride = (found["set"][k] for k in (cublas.BATCH_COUNT,
                                                    cublas.STRIDED_BATCH_OFFSET))
        rows, columns, leading = found["rows"], found["columns"], found["leading"]
        last = (number - 1) * stride + (columns - 1) * leading + rows
        flat = np.frombuffer((ctypes.c_uint8 * (last * dtype.itemsize)).from_address(
            address.value), dtype)
        return np.lib.stride_tricks.as_strided(
            flat, (number, rows, columns),
            [step * dtype.itemsize for step in (stride, 1, leading)])
