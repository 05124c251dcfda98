"""Stacks at the border of compiled code: arrays of objects outside, records of addresses inside.

In: an executable, arrays. Out: arrays. Imports NumPy only.
"""
from __future__ import annotations

import ctypes

import numpy as np

WORDS = 4                      # of a stack's record: address, count, capacity, unused


def run_with_stacks(executable, arrays) -> list:
    """A call of which inputs or outputs are stacks."""
    alive: list = []
    inputs = [_to_records(array, kind, alive) if is_stack(kind) else np.ascontiguousarray(array)
              for array, kind in zip(arrays, executable.plan.input_types)]
    outputs = [np.zeros((*kind.shape, WORDS), np.int64) if is_stack(kind)
               else np.empty(kind.shape, kind.dtype) for kind in executable.plan.output_types]
    memory = executable.run_and_keep(inputs, outputs)
    results = [_from_records(out, kind) if is_stack(kind) else out
               for out, kind in zip(outputs, executable.plan.output_types)]
    executable.release(memory)
    return results


def is_stack(kind) -> bool:
    return not isinstance(kind.dtype, np.dtype)


def _to_records(array: np.ndarray, kind, alive: list) -> np.ndarray:
    """Records of the arrays in an array of objects, which `alive` keeps."""
    element = kind.dtype.element
    records = np.zeros((*array.shape, WORDS), np.int64)
    for place in np.ndindex(*array.shape):
        elements = array[place]
        data = _to_records(elements, element, alive) if is_stack(element) else \
            np.ascontiguousarray(elements)
        alive.append(data)
        records[place][:3] = data.ctypes.data, len(elements), len(elements)
    return records


def _from_records(records: np.ndarray, kind) -> np.ndarray:
    """Copies of what records point to, as an array of objects."""
    element = kind.dtype.element
    shape = records.shape[:-1]
    out = np.empty(shape, object)
    for place in np.ndindex(*shape):
        address, count = records[place][:2].tolist()
        if is_stack(element):
            inner = _copied(address, (count, *element.shape, WORDS), np.int64)
            out[place] = _from_records(inner, element)
        else:
            out[place] = _copied(address, (count, *element.shape), element.dtype)
    return out


def _copied(address: int, shape: tuple, dtype) -> np.ndarray:
    """An array with what lies at an address."""
    values = np.empty(shape, dtype)
    if values.size:
        ctypes.memmove(values.ctypes.data, address, values.nbytes)
    return values
