"""Rows to Arrow: every column of the schema, typed, and nothing added."""

from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given

from reading import CAPTURE_ID, DONE, choice, chunk, data, read_file, role, usage
from ssetl import schema, tables
from ssetl.apis.row import Row, ToolCall, Usage
from ssetl.streams import Placed
from strategies import ANY_BODY

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BODY = (
    b": t 2026-03-02T09:16:01Z\n"
    + role()
    + data(chunk("a", [choice(0, content="A"), choice(1, tool_calls=[CALL])], unheard="of"))
    + usage()
    + DONE
    + b"GET /\n"
)


def placed(row: Row) -> Placed:
    return Placed(
        stream_id="s",
        event_index=7,
        offset=0,
        received_at=None,
        since_request=None,
        since_previous=None,
        since_content=None,
        comments_before=0,
        type=None,
        api="unknown",
        rows=[row],
    )


def test_each_table_has_the_columns_of_the_schema() -> None:
    capture = read_file(BODY)
    chunks = tables.chunks([(CAPTURE_ID, capture.placed)])
    assert chunks.cast(schema.CHUNKS).schema.equals(schema.CHUNKS, check_metadata=True)
    assert [field.metadata for field in chunks.schema] == [field.metadata for field in schema.CHUNKS]
    assert tables.streams(capture.streams).schema.equals(schema.STREAMS, check_metadata=True)
    assert tables.rejects([(CAPTURE_ID, capture.rejects)]).schema.equals(schema.REJECTS, check_metadata=True)


def test_streams_may_come_as_rows_and_as_columns() -> None:
    rows = read_file(BODY).streams
    lived = {"stream_id": ["a", "b"], "finish_reasons": [["stop"], [None]]}
    table = tables.streams(rows, [lived, {"stream_id": ["c"]}])
    assert table.slice(0, len(rows)).equals(tables.streams(rows))
    told = [(each["stream_id"], each["finish_reasons"], each["api"]) for each in table.to_pylist()]
    assert told[len(rows) :] == [("a", ["stop"], None), ("b", [None], None), ("c", None, None)]


def test_tables_may_be_empty() -> None:
    for table in (
        tables.chunks([(CAPTURE_ID, [])]),
        tables.streams([]),
        tables.rejects([(CAPTURE_ID, [])]),
        tables.captures([]),
    ):
        assert table.num_rows == 0
    assert tables.captures([]).schema == schema.CAPTURES


def test_chunks_have_a_row_per_event_and_choice() -> None:
    table = tables.chunks([(CAPTURE_ID, read_file(BODY).placed)]).to_pylist()
    columns = ("event_index", "choice_position", "choice_index", "role", "content", "output_tokens")
    assert [tuple(row[name] for name in columns) for row in table] == [
        (0, 0, 0, "assistant", "", None),
        (1, 0, 0, None, "A", None),
        (1, 1, 1, None, None, None),
        (2, 0, None, None, None, 2),
    ]
    assert table[2]["tool_calls"] == [{"index": 0, "id": "call_1", "name": "f", "arguments": "{}"}]
    assert [row["tool_calls"] for row in (*table[:2], table[3])] == [None] * 3
    assert [row["extra"] for row in table] == [None, '{"unheard":"of"}', None, None]
    assert {row["capture_id"] for row in table} == {CAPTURE_ID}
    assert table[0]["received_at"].isoformat() == "2026-03-02T09:16:01+00:00"
    assert table[0]["byte_offset"] == BODY.index(b"data:")


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (Row(usage=Usage(cached_input_tokens=0)), "cached_input_tokens", 0),
        (Row(usage=Usage(input_tokens=2**63 - 1)), "input_tokens", 2**63 - 1),
        (Row(), "input_tokens", None),
        (Row(tool_calls=()), "tool_calls", []),
        (
            Row(tool_calls=(ToolCall(),)),
            "tool_calls",
            [{"index": None, "id": None, "name": None, "arguments": None}],
        ),
        (Row(choice_index=-(2**31)), "choice_index", -(2**31)),
        (Row(content="\0\ufffd\U0001f600"), "content", "\0\ufffd\U0001f600"),
    ],
)
def test_unknown_is_null_and_never_zero_or_empty(row: Row, column: str, value: Any) -> None:
    assert tables.chunks([(CAPTURE_ID, [placed(row)])]).to_pylist()[0][column] == value


def test_streams_keep_their_order() -> None:
    rows = read_file(role("b") + role("a")).streams
    found = tables.streams(rows).column("response_id").to_pylist()
    assert found == [row["response_id"] for row in rows] == ["b", "a"]


def test_streams_of_a_part_are_in_the_order_in_which_they_started() -> None:
    starts = [(3, "b", 0), (None, "b", 1), (1, "b", 2), (1, "a", 1), (1, "a", 0), (None, "a", 2)]
    [row] = read_file(role()).streams
    rows = [
        row | {"started_at": at, "capture_id": capture_id, "ordinal": ordinal}
        for at, capture_id, ordinal in starts
    ]
    batches = [tables.streams(rows[:2]), tables.streams([]), tables.streams(rows[2:])]
    found = tables.by_start(batches)
    assert found.schema == schema.STREAMS
    assert list(zip(found["capture_id"].to_pylist(), found["ordinal"].to_pylist(), strict=True)) == [
        ("a", 0), ("a", 1), ("b", 2), ("b", 0), ("a", 2), ("b", 1),
    ]  # fmt: skip


def test_rejects_keep_a_sample_of_the_bytes() -> None:
    [reject] = tables.rejects([(CAPTURE_ID, read_file(BODY).rejects)]).to_pylist()
    assert reject == {
        "capture_id": CAPTURE_ID,
        "exchange_index": 0,
        "byte_offset": len(BODY) - 6,
        "length": 6,
        "line": BODY.count(b"\n"),
        "reason": "log_line",
        "sample": b"GET /",
    }


@given(ANY_BODY)
def test_whatever_was_read_can_be_written(body: bytes) -> None:
    capture = read_file(body)
    table = pl.from_arrow(pa.Table.from_batches([tables.chunks([(CAPTURE_ID, capture.placed)])]))
    assert table.height == capture.counts["chunks"]
    assert tables.streams(capture.streams).num_rows == capture.counts["streams"]
    assert tables.rejects([(CAPTURE_ID, capture.rejects)]).num_rows == capture.counts["rejects"]
