"""The functions of Arrow that an ingest needs.

`import pyarrow.compute` makes a Python function of each of some three hundred, which takes 40 ms: half of
what DuckDB takes to start; so do methods of arrays, `cast` and `filter` among them. Here the functions are
called by their names. Places are whole numbers within bounds, texts may be chunked.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from pyarrow._compute import (
    CastOptions,
    MatchSubstringOptions,
    ReplaceSubstringOptions,
    SetLookupOptions,
    SortOptions,
    TakeOptions,
    call_function,
)

Array = Any
"""An Arrow array. The stubs of pyarrow have no type for one of any values that its functions take."""

Numbers = Any
"""A numpy array, as a buffer or as values of an Arrow array: the stubs of both do not know each other."""

_TRUSTED: Final = TakeOptions(boundscheck=False)


def array(
    kind: pa.DataType, count: int, *buffers: Numbers, valid: Numbers = None, inside: Array = None
) -> Array:
    """An array on numpy arrays or bytes, which are not copied.

    Args:
        kind: its type.
        count: its length.
        buffers: its buffers, but for the first.
        valid: which values are not null, as `bits` tells it; None if all.
        inside: what it lists, if it is one of lists.
    """
    first = None if valid is None else pa.py_buffer(valid)
    children = None if inside is None else [inside]
    return pa.Array.from_buffers(kind, count, [first, *map(pa.py_buffer, buffers)], children=children)


def bits(mask: Numbers) -> Numbers:
    """A mask as Arrow has it; None if nothing is masked."""
    return None if mask.all() else np.packbits(mask, bitorder="little")


def numbers(values: Numbers) -> Array:
    """The numbers of a numpy array, not copied. `pa.array` imports what numpy has for masked arrays."""
    return array(pa.from_numpy_dtype(values.dtype), len(values), np.ascontiguousarray(values))


def whole(texts: Array) -> Array:
    """All texts behind each other as one binary text, not copied.

    Not by a memoryview, from which `pa.array` takes one as well: it never lets go of the memory.
    """
    _, offsets, data = texts.buffers()
    borders = np.zeros(2, np.int32)
    if len(texts):
        borders[:] = np.frombuffer(offsets, np.int32, len(texts) + 1, 4 * texts.offset)[[0, -1]]
    return array(pa.binary(), 1, borders, data or b"")


def write(texts: Array, byte: int) -> None:
    """Write a byte over the first one of each text, of texts that a function has made for us."""
    _, offsets, data = texts.buffers()
    first = np.frombuffer(offsets, np.int32, len(texts), 4 * texts.offset)
    np.frombuffer(data, np.uint8)[first] = byte


def take(values: Array, places: Array) -> Array:
    """The values at these places, or the rows of a table; null where a place is null."""
    return call_function("take", [values, places], _TRUSTED)


def equal(left: Array, right: Array) -> Array:
    """Whether values are equal; one may be a scalar."""
    return call_function("equal", [left, right])


def dictionary(values: Array) -> Array:
    """The same values, as a dictionary of the different ones and places in it."""
    return call_function("dictionary_encode", [values])


def unique(values: Array) -> Array:
    """The different values."""
    return call_function("unique", [values])


def joined(pieces: Sequence[Array]) -> Array:
    """Texts put together, row by row; a scalar is in all rows."""
    return call_function("binary_join_element_wise", [*pieces, pa.scalar("")])


def order(rows: pa.Table) -> Array:
    """The places of rows in the order of their values, column after column; nulls last."""
    keys: list[tuple[str, Literal["ascending"]]] = [(name, "ascending") for name in rows.column_names]
    return call_function("sort_indices", [rows], SortOptions(sort_keys=keys))


def cast(values: Array, kind: pa.DataType) -> Array:
    """The same values as another type: a dictionary of texts as texts, or texts as a dictionary.

    Raises:
        ArrowInvalid, ArrowNotImplementedError: that type does not hold them.
    """
    return call_function("cast", [values], CastOptions.safe(kind))


def is_among(values: Array, texts: Sequence[str]) -> Array:
    """Whether values are one of these texts; a null is none."""
    return call_function("is_in", [values], SetLookupOptions(pa.array(texts, pa.string())))


def is_any(mask: Array) -> bool:
    """Whether anything in a mask is true."""
    found: Array = call_function("any", [mask])
    return bool(found.as_py())


def chosen(mask: Array, these: Array, others: Array) -> Array:
    """`these` where a mask is true, `others` where it is false."""
    return call_function("if_else", [mask, these, others])


def matching(values: Array, pattern: str) -> Array:
    """Whether a regular expression (RE2) matches somewhere in values; null where they are."""
    return call_function("match_substring_regex", [values], MatchSubstringOptions(pattern))


def without(values: Array, pattern: str) -> Array:
    """Values without what a regular expression (RE2) matches."""
    return call_function("replace_substring_regex", [values], ReplaceSubstringOptions(pattern, ""))


def where(values: Array, mask: Array) -> Array:
    """The values where a mask is true."""
    return call_function("filter", [values, mask])


def replaced(values: Array, mask: Array, by: Array) -> Array:
    """Values, but where a mask is true the next one of others, and null where it is null."""
    return call_function("replace_with_mask", [values, mask, by])


def matches(texts: Array, pattern: str) -> bool:
    """Whether a regular expression (RE2) matches somewhere in texts."""
    return is_any(matching(texts, pattern))
