"""The values of a result: as Python has them, and as text."""

import datetime as dt
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa

Cell = Any
"""One value of a row, as Python has it."""


def rows(batch: pa.RecordBatch) -> Iterator[tuple[Cell, ...]]:
    """The rows of a batch as Python values; what is no finite number is None."""
    return zip(*map(values, batch.columns), strict=True)


def texts(batch: pa.RecordBatch, guard: Callable[[str], str]) -> Iterator[tuple[str | None, ...]]:
    """The rows of a batch as texts, see `plain`; null stays None."""
    return zip(*(_texts(column, guard) for column in batch.columns), strict=True)


def _texts(column: "pa.Array[Any]", guard: Callable[[str], str]) -> list[str | None]:
    # Column by column, for most columns of a wide table are numbers, or null throughout.
    if pa.types.is_integer(column.type):
        return column.cast(pa.string()).to_pylist()
    return [None if cell is None else plain(cell, guard) for cell in values(column)]


def values(column: "pa.Array[Any]") -> list[Cell]:
    """The cells of a column as Python values; what is no finite number is None."""
    if column.null_count == len(column):
        return [None] * len(column)
    try:
        cells = column.to_pylist()
    except (ValueError, OverflowError):  # a time that Python's datetime cannot hold
        return column.cast(pa.string()).to_pylist()
    if pa.types.is_floating(column.type):
        return [cell if cell is not None and math.isfinite(cell) else None for cell in cells]
    return cells


_encoder: Final = msgspec.json.Encoder(decimal_format="number")


def encode(value: Any) -> bytes:
    """`value` as JSON: ISO 8601 times, base64 for bytes, null for what is no finite number."""
    return _encoder.encode(value)


def plain(cell: Cell, text: Callable[[str], str] = str) -> str:
    """A value as one text: ISO 8601 times, JSON for lists and structs, base64 for bytes, "" for null.

    Texts, and what was made a text, go through `text`.
    """
    if isinstance(cell, str):
        return text(cell)
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case int():
            return str(cell)
        case float():
            return repr(cell)
        case dt.datetime():
            return cell.isoformat().replace("+00:00", "Z")
        case list() | dict():
            return text(encode(cell).decode())
        case _:
            return text(encode(cell).decode().strip('"'))


def is_number(type_: pa.DataType) -> bool:
    """Whether values of the type are numbers."""
    return pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_decimal(type_)
