"""Columns of `chunks` that hold the same in all rows: most do, so they are told and not passed on."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

from ssetl import kernels, tables
from ssetl.kernels import Array, Numbers

Value = str | int | None
"""What such a column holds: null, zero, or a text of a dictionary."""

Uniform = dict[str, Value]
"""Such columns by name."""

_KEPT: Final = "byte_offset"  # a batch of no columns would have no rows


def zeros(count: int) -> Numbers:
    """At least so many zeros of 64 bits, shared by all who ask. Not to be written to."""
    return _zeros(1 << count.bit_length())


@lru_cache(maxsize=4)
def _zeros(count: int) -> Numbers:
    found = np.zeros(count, np.int64)
    found.flags.writeable = False
    return found


def column(kind: pa.DataType, count: int, value: Value) -> Array:
    """So many times the same: null in any column, a text in a dictionary, or zero."""
    valid = zeros(count) if value is None else None
    if isinstance(kind, pa.DictionaryType):
        places = kernels.array(kind.index_type, count, zeros(count), valid=valid)
        texts = pa.array([] if value is None else [value], kind.value_type)
        return pa.DictionaryArray.from_arrays(places, texts, safe=False)
    inside = pa.nulls(0, kind.value_type) if isinstance(kind, pa.ListType) else None
    buffers = [zeros(count + 1)] * (2 if pa.types.is_string(kind) else 1)
    return kernels.array(kind, count, *buffers, valid=valid, inside=inside)


def without(batches: Sequence[pa.RecordBatch]) -> tuple[Uniform, list[pa.RecordBatch]]:
    """The columns that are the same in all rows of all batches, and the batches without them."""
    uniform: Uniform = {}
    for name in batches[0].schema.names:
        first, *others = (_told(batch.column(name)) for batch in batches)
        if first is not None and all(other == first for other in others) and name != _KEPT:
            [uniform[name]] = first
    rest = [batch.drop_columns(list(uniform)) for batch in batches]
    if not all(batch.schema.equals(rest[0].schema, check_metadata=True) for batch in rest):
        # They are passed on with one schema, and what one of them is known to be, the others are not.
        known = pa.schema([tables.CHUNKS.field(name) for name in rest[0].schema.names])
        rest = [pa.RecordBatch.from_arrays(batch.columns, schema=known) for batch in rest]
    return uniform, rest


def completed(batch: pa.RecordBatch, uniform: Uniform) -> pa.RecordBatch:
    """A batch with the columns that it was passed on without."""
    fields = [field if field.name in uniform else batch.schema.field(field.name) for field in tables.CHUNKS]
    arrays = [
        column(field.type, batch.num_rows, uniform[field.name])
        if field.name in uniform
        else batch.column(field.name)
        for field in fields
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _told(values: Array) -> tuple[Value] | None:
    """What all values are; None if they differ, or cannot be told."""
    if values.null_count == len(values):
        return (None,)
    if values.null_count:
        return None
    if pa.types.is_dictionary(values.type):
        return (values.dictionary[0].as_py(),) if len(values.dictionary) == 1 else None
    if not (pa.types.is_integer(values.type) or pa.types.is_timestamp(values.type)):
        return None
    size = values.type.bit_width // 8
    data = np.frombuffer(values.buffers()[1], np.uint8)[values.offset * size :][: len(values) * size]
    return None if data.any() else (0,)
