"""Rows of Python values to zstd Parquet, in batches: what the peers that decode in Python have in common."""

from collections.abc import Iterable
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

_COLUMNS = pa.schema(
    [
        ("response_id", pa.string()),
        ("created_at", pa.timestamp("s", tz="UTC")),
        ("response_model", pa.string()),
        ("service_tier", pa.string()),
        ("system_fingerprint", pa.string()),
        ("choice_index", pa.int32()),
        ("role", pa.string()),
        ("content", pa.string()),
        ("refusal", pa.string()),
        ("finish_reason", pa.string()),
        ("input_tokens", pa.int64()),
        ("output_tokens", pa.int64()),
        ("total_tokens", pa.int64()),
        ("cached_input_tokens", pa.int64()),
    ]
)
_BATCH = 1 << 16


def write(path: str, rows: Iterable[tuple[object, ...]]) -> None:
    """Write rows with the columns above, as tuples."""
    rows = iter(rows)
    with pq.ParquetWriter(path, _COLUMNS, compression="zstd") as writer:
        while batch := list(islice(rows, _BATCH)):
            columns = zip(*batch, strict=True)
            arrays = [pa.array(values, field.type) for values, field in zip(columns, _COLUMNS, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=_COLUMNS))
