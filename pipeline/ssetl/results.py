"""Results in batches: gathered to batches of a good size, or held whole, within a bound.

The limits of a DuckDB session do not cover the rows that have left it.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa

from ssetl.errors import ResultTooLarge

BATCH_ROWS: Final = 65_536
"""Rows of a batch, unless they are large."""

BATCH_BYTES: Final = 64 << 20
"""A batch that has grown to this is whole, however few its rows are."""


def gathered(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in the same order, small batches put together."""
    together: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        if together and (rows + batch.num_rows > BATCH_ROWS or size + batch.nbytes > BATCH_BYTES):
            yield from _together(together)
            together, rows, size = [], 0, 0
        together.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
    if together:
        yield from _together(together)


def _together(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    return pa.Table.from_batches(batches).combine_chunks().to_batches()


def held(batches: pa.RecordBatchReader, limit: int, purpose: str) -> pa.Table:
    """All rows at once.

    Args:
        batches: the result.
        limit: bytes of Arrow data that it may have.
        purpose: what so much of it is too much for, and what is not.

    Raises:
        ResultTooLarge: it has more. Nothing after that was read.
    """
    taken = []
    rows = size = 0
    for batch in batches:
        taken.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if size > limit:
            raise ResultTooLarge(
                f"the first {rows:,} rows take {size >> 20:,} MiB; {limit >> 20:,} MiB is the limit of"
                f" {purpose}. Narrow it with WHERE, select fewer or shorter columns, or aggregate more."
            )
    return pa.Table.from_batches(taken, batches.schema)
