"""The cells of one column as texts for people, in one manner: as many decimals, the same precision of time.

Columns go in and come out as Arrow, for a result may have millions of cells and most are numbers, ids and
times, which Arrow writes out without a Python object for each.
"""

from collections.abc import Callable
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc

from ssetl.cells import Cell, plain, values
from ssetl.inert import printable

Column = Any
"""A pyarrow.ChunkedArray: its stubs do not know what the kernels take and give."""

UNKNOWN: Final = "\N{EN DASH}"
"""Stands for null, and for what is no finite number."""

_NOT_NARROW: Final = f"[^ -~{UNKNOWN}]"


def column_texts(column: Column) -> Column:
    """A text for each cell, none of them null, and harmless on a terminal."""
    if column.null_count == len(column):
        return pa.chunked_array([pa.repeat(UNKNOWN, len(column))])
    return _texts(column).fill_null(UNKNOWN)


def texts_of(column: Column) -> list[str]:
    """The same as a list."""
    return cast("list[str]", column_texts(column).to_pylist())


def is_narrow(texts: Column) -> bool:
    """Whether all characters take one column of a terminal: told at once, and true of most columns.

    If so, there is none either that could steer it.
    """
    return not pc.any(pc.match_substring_regex(texts, _NOT_NARROW)).as_py()


def _texts(column: Column) -> Column:
    type_ = column.type
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return column.cast(pa.string())
    if pa.types.is_floating(type_):
        return _decimals(column)
    if pa.types.is_timestamp(type_) and type_.tz in (None, "UTC"):
        return _times(column)
    if pa.types.is_string(type_) and is_narrow(column):
        return column
    if pa.types.is_list(type_) and pa.types.is_string(type_.value_type):
        joined = _each(column, _joined)
        return joined if is_narrow(joined) else _each(joined, printable)
    return _each(column, lambda cell: plain(cell, printable))


def _decimals(column: Column) -> Column:
    finite = pc.if_else(pc.is_finite(column), column, None)
    largest = pc.max(pc.abs(finite)).as_py() or 0
    form = f"%.{1 if largest >= 100 else 2 if largest >= 10 else 3}f"
    return _each(finite, form.__mod__)


def _times(column: Column) -> Column:
    instants = column.cast(pa.timestamp(column.type.unit))
    whole = pc.floor_temporal(instants, unit="second")
    if pc.all(pc.equal(whole, instants)).as_py():
        texts = whole.cast(pa.timestamp("s")).cast(pa.string())
    else:
        texts = pc.floor_temporal(instants, unit="millisecond").cast(pa.timestamp("ms")).cast(pa.string())
    return texts if column.type.tz is None else pc.binary_join_element_wise(texts, "Z", "")


def _each(column: Column, text: Callable[[Cell], str]) -> Column:
    return pa.chunked_array(
        [[None if cell is None else text(cell) for cell in values(chunk)] for chunk in column.chunks],
        pa.string(),
    )


def _joined(elements: list[str | None]) -> str:
    return ", ".join([UNKNOWN if element is None else element for element in elements])
