"""The rows of a block as columns: the ordinary code makes each different row once, then they are gathered."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ssetl import kernels, schema, tables
from ssetl.fast.bulk import Bulk
from ssetl.fast.reader import Counted
from ssetl.kernels import Array
from ssetl.streams import Placed

Numbers = np.ndarray[tuple[int], np.dtype[np.signedinteger]]


def chunks(
    bulk: Bulk, counted: Counted, placed: Sequence[Placed], units: Sequence[int], capture_id: str
) -> pa.RecordBatch:
    """Rows of `chunks` for the events of a block, in the order in which they came.

    Args:
        bulk: the events that matched.
        counted: those of them that were counted, and where.
        placed: all others.
        units: the unit at which each of those was placed.
        capture_id: id of the capture.
    """
    lengths = [len(event.rows) for event in placed]
    single = np.repeat(np.array(units, np.int64), lengths)
    # Both are ascending, and no unit is in both.
    order = np.argsort(np.concatenate((single, counted.units)), kind="stable") if placed else None

    def merged(of_single: Numbers, of_counted: Numbers) -> Array:
        if order is None:
            return kernels.numbers(of_counted)
        return kernels.numbers(np.concatenate((of_single, of_counted))[order])

    different = tables.chunks([(capture_id, [*placed, *bulk.samples()])])
    first_row = np.arange(len(single))
    rows = bulk.row[counted.units].astype(np.int64) + len(single)
    gathered = merged(first_row, rows)
    names = {stream_id: code for code, stream_id in enumerate(counted.stream_ids)}
    streams = [names.setdefault(event.stream_id, len(names)) for event in placed]
    indexes = [event.event_index for event in placed]
    offsets = [event.offset for event in placed]
    told = {
        "stream_id": pa.DictionaryArray.from_arrays(
            merged(np.repeat(np.array(streams, np.int32), lengths), counted.stream),
            pa.array(list(names), pa.string()),
        ),
        "event_index": merged(np.repeat(np.array(indexes, np.int32), lengths), counted.index),
        "byte_offset": merged(np.repeat(np.array(offsets, np.int64), lengths), bulk.offsets(counted.units)),
    }
    for name in {name for match in bulk.matches for name in match.columns}:
        texts, places = bulk.column(name, counted.units, rows, len(different))
        told[name] = kernels.take(pa.concat_arrays([different[name], *texts]), merged(first_row, places))
    return pa.RecordBatch.from_arrays(
        [told[name] if name in told else _gather(different[name], gathered) for name in schema.CHUNKS.names],
        schema=different.schema,
    )


def _gather(column: Array, rows: Array) -> Array:
    if column.null_count == len(column):
        return pa.nulls(len(rows), column.type)
    if isinstance(column, pa.DictionaryArray) and len(column.dictionary) == 1 and not column.null_count:
        same = kernels.numbers(np.zeros(len(rows), np.int32))
        return pa.DictionaryArray.from_arrays(same, column.dictionary, safe=False)
    return kernels.take(column, rows)
