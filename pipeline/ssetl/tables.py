"""Placed events, streams and rejects to Arrow: one function per table, columns as in `schema`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from ssetl import kernels, schema
from ssetl.apis.row import Row, ToolCall, Usage
from ssetl.streams import Placed, Rejected

_PLACED_COLUMNS: Final = (
    "stream_id",
    "event_index",
    "byte_offset",
    "received_at",
    "since_request_us",
    "since_previous_us",
    "since_content_us",
    "comments_before",
    "event_type",
    "api",
)
"""Columns of the fields of `Placed`, in their order; its rows aside."""

_NO_USAGE: Final = Usage()

REPEATED: Final = frozenset(
    {
        "stream_id",
        "capture_id",
        "event_type",
        "api",
        "response_id",
        "response_model",
        "service_tier",
        "system_fingerprint",
        "role",
        "finish_reason",
    }
)
"""Columns of `chunks` that hold few different texts: dictionaries in memory, too."""

CHUNKS: Final = pa.schema(
    [
        field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name in REPEATED else field
        for field in schema.CHUNKS
    ]
)
"""The schema of rows of `chunks` in memory."""


def chunks(found: Sequence[tuple[str, Sequence[Placed]]]) -> pa.RecordBatch:
    """Rows of `chunks`, one per event and choice; `found` gives the events of each capture_id."""
    columns = chunk_columns(found)
    if "tool_calls" in columns:
        columns["tool_calls"] = calls(columns["tool_calls"])
    return _batch(CHUNKS, columns, len(columns["capture_id"]))


def chunk_columns(found: Sequence[tuple[str, Sequence[Placed]]]) -> dict[str, list[Any]]:
    """The columns of these rows, tool calls as they are in a `Row`; columns that are not told are null."""
    rows: list[Row] = []
    events: list[Placed] = []
    capture_ids: list[str] = []
    for capture_id, placed in found:
        rows += [row for event in placed for row in event.rows]
        events += [event for event in placed for _ in event.rows]
        capture_ids += [capture_id] * (len(rows) - len(capture_ids))
    columns: dict[str, list[Any]] = {
        "capture_id": capture_ids,
        "choice_position": [
            position for _, placed in found for event in placed for position in range(len(event.rows))
        ],
    }
    columns |= _columns(_PLACED_COLUMNS, events)
    columns |= _columns(Row.__struct_fields__, rows)
    if any(usages := columns.pop("usage", [])):
        columns |= _columns(Usage.__struct_fields__, [usage or _NO_USAGE for usage in usages])
    return columns


def streams(
    rows: Sequence[Mapping[str, object]], lived: Sequence[Mapping[str, list[Any]]] = ()
) -> pa.RecordBatch:
    """Rows of `streams`, in the order in which they are given; more of them, `lived`, as columns.

    Columns that are not told are null; `stream_id` is.
    """
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in schema.STREAMS.names}
    for some in lived:
        nothing = [None] * len(some["stream_id"])
        for name in columns:
            columns[name] += some.get(name, nothing)
    return _batch(schema.STREAMS, columns, len(columns["stream_id"]))


def by_start(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Rows of `streams` in the order in which they started, those of unknown start last."""
    rows = pa.Table.from_batches(batches, schema.STREAMS)
    ordered: pa.Table = kernels.take(
        rows, kernels.order(rows.select(["started_at", "capture_id", "ordinal"]))
    )
    return ordered


def rejects(found: Sequence[tuple[str, Sequence[Rejected]]]) -> pa.RecordBatch:
    """Rows of `rejects`; `found` gives those of each capture_id."""
    rows = [row for _, rejected in found for row in rejected]
    capture_ids = [capture_id for capture_id, rejected in found for _ in rejected]
    columns = {"capture_id": capture_ids, **_columns(Rejected.__struct_fields__, rows)}
    return _batch(schema.REJECTS, columns, len(rows))


def captures(rows: Sequence[Mapping[str, object]]) -> pa.RecordBatch:
    """Rows of `captures`."""
    columns = {name: [row[name] for row in rows] for name in schema.CAPTURES.names}
    return _batch(schema.CAPTURES, columns, len(rows))


def _columns(names: Sequence[str], structs: Sequence[msgspec.Struct]) -> dict[str, list[Any]]:
    """The values of the first fields of structs, by the name of the column; none if there are no structs."""
    fields = zip(*map(msgspec.structs.astuple, structs), strict=True)
    return {name: list(values) for name, values in zip(names, fields, strict=False)}


def _batch(table: pa.Schema, columns: Mapping[str, Sequence[Any]], count: int) -> pa.RecordBatch:
    """Columns that are not told are null."""
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(count, field.type)
        for field in table
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=table)


def calls(column: Sequence[Sequence[ToolCall] | None]) -> list[list[dict[str, Any]] | None]:
    """The column `tool_calls` as Arrow takes it."""
    return [each if each is None else [msgspec.structs.asdict(call) for call in each] for each in column]
