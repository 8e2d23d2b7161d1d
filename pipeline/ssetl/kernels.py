"""The functions of Arrow that an ingest needs.

`import pyarrow.compute` makes a Python function of each of some three hundred, which takes 40 ms: half of
what DuckDB takes to start. Here they are called by their names. Places are whole numbers, all of them valid.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import pyarrow as pa
from pyarrow._compute import MatchSubstringOptions, SortOptions, TakeOptions, call_function

Array = Any
"""An Arrow array. The stubs of pyarrow have no type for one of any values that its functions take."""

Numbers = Any
"""A numpy array, as a buffer or as values of an Arrow array: the stubs of both do not know each other."""

_TRUSTED: Final = TakeOptions(boundscheck=False)


def array(kind: pa.DataType, count: int, *buffers: Numbers) -> Array:
    """An array without nulls on numpy arrays or bytes, which are not copied."""
    return pa.Array.from_buffers(kind, count, [None, *map(pa.py_buffer, buffers)])


def take(values: Array, places: Array) -> Array:
    """The values at these places, or the rows of a table."""
    return call_function("take", [values, places], _TRUSTED)


def equal(left: Array, right: Array) -> Array:
    """Whether values are equal; one may be a scalar."""
    return call_function("equal", [left, right])


def dictionary(values: Array) -> Array:
    """The same values, as a dictionary of the different ones and places in it."""
    return call_function("dictionary_encode", [values])


def joined(pieces: Sequence[Array]) -> Array:
    """Texts put together, row by row; a scalar is in all rows."""
    return call_function("binary_join_element_wise", [*pieces, pa.scalar("")])


def order(rows: pa.Table) -> Array:
    """The places of rows in the order of their values, column after column; nulls last."""
    keys: list[tuple[str, Literal["ascending"]]] = [(name, "ascending") for name in rows.column_names]
    return call_function("sort_indices", [rows], SortOptions(sort_keys=keys))


def matches(text: memoryview | bytes, pattern: str) -> bool:
    """Whether a regular expression (RE2) matches somewhere in a text."""
    texts = pa.array([text], pa.binary())
    found: Array = call_function("match_substring_regex", [texts], MatchSubstringOptions(pattern))
    return bool(found[0].as_py())
