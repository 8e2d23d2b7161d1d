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

_CHUNKS: Final = pa.schema(
    [
        field.with_type(pa.dictionary(pa.int32(), pa.string())) if field.name in REPEATED else field
        for field in schema.CHUNKS
    ]
)


def chunks(found: Sequence[tuple[str, Sequence[Placed]]]) -> pa.RecordBatch:
    """Rows of `chunks`, one per event and choice; `found` gives the events of each capture_id."""
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
    calls = columns.pop("tool_calls", [])
    if any(each is not None for each in calls):
        columns["tool_calls"] = [_tool_calls(each) for each in calls]
    return _batch(_CHUNKS, columns, len(rows))


def streams(rows: Sequence[Mapping[str, object]]) -> pa.RecordBatch:
    """Rows of `streams`, in the order in which they are given."""
    columns = {name: [row[name] for row in rows] for name in schema.STREAMS.names}
    return _batch(schema.STREAMS, columns, len(rows))


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


def _tool_calls(calls: Sequence[ToolCall] | None) -> list[dict[str, Any]] | None:
    return None if calls is None else [msgspec.structs.asdict(call) for call in calls]
