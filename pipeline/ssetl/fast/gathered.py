"""Texts and lists put together from several arrays, in runs: what lies together there is copied together."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from ssetl import kernels
from ssetl.fast.block import Bits, Mask, Places
from ssetl.kernels import Array

_WORTH: Final = 8
"""Rows of a run on average; shorter ones are copied value by value."""


def gathered(arrays: Sequence[Array], places: Places, filled: Mask, valid: Bits) -> Array:
    """The values at some places of some arrays of one type: texts, or lists.

    Args:
        arrays: the arrays; those with values have no nulls among them.
        places: the places; an array's begin one behind the place that would follow the array before it.
        filled: whether there is a text or a list that is not empty.
        valid: which values are not null, as `kernels.bits` tells it.
    """
    offsets = [_offsets(array) for array in arrays]
    firsts = np.cumsum([0, *map(len, offsets)])
    borders = np.concatenate(offsets)
    spots = places[filled]
    last = np.flatnonzero(np.diff(spots) != 1)
    if len(spots) < _WORTH * len(last):
        return _one_by_one(arrays, places, firsts)
    begins = spots[np.concatenate(([0], last + 1))] if len(spots) else spots
    ends = spots[np.append(last, len(spots) - 1)] + 1 if len(spots) else spots
    owners = np.searchsorted(firsts, begins, side="right") - 1
    pieces = list(zip(owners.tolist(), borders[begins].tolist(), borders[ends].tolist(), strict=True))
    lengths = np.diff(borders, append=0)[places]
    lengths[~filled] = 0
    out = np.zeros(len(places) + 1, np.int32)
    np.cumsum(lengths, out=out[1:])
    kind = arrays[0].type
    if pa.types.is_list(kind):
        children = [arrays[owner].values.slice(start, end - start) for owner, start, end in pieces]
        inside = pa.concat_arrays(children) if children else arrays[0].values[:0]
        return kernels.array(kind, len(places), out, valid=valid, inside=inside)
    data = [memoryview(array.buffers()[2] or b"") for array in arrays]
    joined = b"".join([data[owner][start:end] for owner, start, end in pieces])
    return kernels.array(kind, len(places), out, joined, valid=valid)


def _offsets(array: Array) -> Places:
    return np.frombuffer(array.buffers()[1], np.int32, len(array) + 1, array.offset * 4)


def _one_by_one(arrays: Sequence[Array], places: Places, firsts: Places) -> Array:
    owners = np.searchsorted(firsts, places, side="right") - 1
    return kernels.take(pa.concat_arrays(arrays), kernels.numbers(places - owners))
