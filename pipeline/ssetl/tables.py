"""Placed events, streams and rejects to Arrow: one function per table, columns as in `schema`."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import pyarrow as pa

from ssetl import schema
from ssetl.apis.row import Row, Usage
from ssetl.streams import Placed, Rejected

_ROW_COLUMNS: Final = (
    "response_id",
    "created_at",
    "response_model",
    "service_tier",
    "system_fingerprint",
    "choice_index",
    "role",
    "content",
    "refusal",
    "reasoning",
    "finish_reason",
    "logprobs",
    "error_type",
    "error_message",
    "extra",
)
_PLACED_COLUMNS: Final = {
    "stream_id": "stream_id",
    "event_index": "event_index",
    "byte_offset": "offset",
    "received_at": "received_at",
    "since_request_us": "since_request",
    "since_previous_us": "since_previous",
    "since_content_us": "since_content",
    "comments_before": "comments_before",
    "event_type": "type",
    "api": "api",
}
_NO_USAGE: Final = Usage()


def chunks(found: Iterable[tuple[str, Sequence[Placed]]]) -> pa.RecordBatch:
    """Rows of `chunks`, one per event and choice; `found` gives the events of each capture_id."""
    rows: list[Row] = []
    events: list[Placed] = []
    positions: list[int] = []
    capture_ids: list[str] = []
    for capture_id, placed in found:
        for event in placed:
            for position, row in enumerate(event.rows):
                rows.append(row)
                events.append(event)
                positions.append(position)
        capture_ids += [capture_id] * (len(rows) - len(capture_ids))
    columns: dict[str, Sequence[Any]] = {
        "capture_id": capture_ids,
        "choice_position": positions,
        "tool_calls": [_tool_calls(row) for row in rows],
    }
    for name, attribute in _PLACED_COLUMNS.items():
        columns[name] = list(map(attrgetter(attribute), events))
    for name in _ROW_COLUMNS:
        columns[name] = list(map(attrgetter(name), rows))
    usages = [row.usage or _NO_USAGE for row in rows]
    for field in schema.USAGE:
        columns[field.name] = list(map(attrgetter(field.name), usages))
    return _batch(schema.CHUNKS, columns)


def streams(rows: Sequence[Mapping[str, object]]) -> pa.RecordBatch:
    """Rows of `streams`, in the order in which they are given."""
    return _batch(schema.STREAMS, {name: [row[name] for row in rows] for name in schema.STREAMS.names})


def by_start(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Rows of `streams` in the order in which they started, those of unknown start last."""
    rows = pa.Table.from_batches(batches, schema.STREAMS)
    return rows.sort_by([("started_at", "ascending"), ("capture_id", "ascending"), ("ordinal", "ascending")])


def rejects(found: Sequence[tuple[str, Sequence[Rejected]]]) -> pa.RecordBatch:
    """Rows of `rejects`; `found` gives those of each capture_id."""
    rows = [row for _, rejected in found for row in rejected]
    columns: dict[str, Sequence[Any]] = {
        "capture_id": [capture_id for capture_id, rejected in found for _ in rejected]
    }
    for name in schema.REJECTS.names[1:]:
        columns[name] = list(map(attrgetter(name), rows))
    return _batch(schema.REJECTS, columns)


def captures(rows: Iterable[Mapping[str, object]]) -> pa.RecordBatch:
    """Rows of `captures`."""
    listed = list(rows)
    return _batch(schema.CAPTURES, {name: [row[name] for row in listed] for name in schema.CAPTURES.names})


def _batch(table: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> pa.RecordBatch:
    arrays = [pa.array(columns[field.name], field.type) for field in table]
    return pa.RecordBatch.from_arrays(arrays, schema=table)


def _tool_calls(row: Row) -> list[dict[str, Any]] | None:
    if row.tool_calls is None:
        return None
    return [
        {"index": call.index, "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in row.tool_calls
    ]
