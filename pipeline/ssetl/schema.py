"""The four tables: the one place where columns are named, typed and described.

Every column is nullable; null means unknown, never zero. Timestamps are microseconds in UTC, durations
are whole microseconds. Column names follow OpenTelemetry GenAI where it has one, else the OpenAI API.
"""

import json
from typing import Final

import pyarrow as pa

from ssetl.version import SCHEMA_VERSION

TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
TOOL_CALL: Final = pa.struct(
    [("index", pa.int32()), ("id", pa.string()), ("name", pa.string()), ("arguments", pa.string())]
)
"""One tool call, or a piece of one: `arguments` of the pieces with one `index` join to a JSON text."""

_I32, _I64, _F64, _TEXT, _BOOL = pa.int32(), pa.int64(), pa.float64(), pa.string(), pa.bool_()


def _column(name: str, type_: pa.DataType, description: str) -> "pa.Field[pa.DataType]":
    return pa.field(name, type_, metadata={"description": description})


USAGE: Final = (
    _column("input_tokens", _I64, "Tokens of the prompt, as the server counted them."),
    _column("output_tokens", _I64, "Tokens of the response, as the server counted them."),
    _column("total_tokens", _I64, "The server's total; kept even if it is not input + output."),
    _column("cached_input_tokens", _I64, "Input tokens that came from the prompt cache."),
    _column("reasoning_output_tokens", _I64, "Output tokens spent on reasoning."),
    _column("audio_input_tokens", _I64, "Audio tokens of the prompt."),
    _column("audio_output_tokens", _I64, "Audio tokens of the response."),
    _column("accepted_prediction_tokens", _I64, "Predicted output tokens that were accepted."),
    _column("rejected_prediction_tokens", _I64, "Predicted output tokens that were rejected."),
)
"""Token counts; in `chunks` as reported on that event, in `streams` as they stand at the end."""

BYTE_KINDS: Final = ("event", "terminator", "comment", "blank", "field", "error", "reject", "skipped")
"""Each byte of a decoded body is of exactly one of these kinds."""

CAPTURES: Final = pa.schema(
    [
        _column("capture_id", _TEXT, "Hash of the decompressed bytes and of how often they came before."),
        _column("source_id", _TEXT, "Hash of the path of the source."),
        _column("path", _TEXT, "Absolute path of the source."),
        _column("source_offset", _I64, "First byte of the capture in the decompressed source."),
        _column("bytes", _I64, "Length of the capture, decompressed."),
        _column("container", _TEXT, "Format of the source: sse, ndjson, vcr, har, …"),
        _column("compression", _TEXT, "none, gzip, zstd, bzip2 or xz."),
        _column("exchanges", _I64, "HTTP exchanges found in the capture."),
        _column("skipped", _I64, "Exchanges left out: successful, and not streamed."),
        _column("streams", _I64, "Rows in streams."),
        _column("events", _I64, "Events of all streams."),
        _column("chunks", _I64, "Rows in chunks."),
        _column("rejects", _I64, "Rows in rejects."),
        _column("body_bytes", _I64, "Bytes of all decoded bodies; the sum of the columns that follow."),
        *(_column(f"{kind}_bytes", _I64, f"Body bytes of kind {kind}.") for kind in BYTE_KINDS),
        _column("closed_bytes", _I64, "Bytes of the capture up to which no stream was left open."),
        _column("copy_of", _TEXT, "The capture that holds the same bytes; this one gives no rows."),
        _column("ingested_at", TIMESTAMP, "Time of the plan that named this capture."),
        _column("ssetl_version", _TEXT, "Version of ssetl that read it."),
    ]
)

STREAMS: Final = pa.schema(
    [
        _column("stream_id", _TEXT, "Hash of capture_id, exchange_index and ordinal."),
        _column("capture_id", _TEXT, "Capture that holds the stream."),
        _column("ordinal", _I32, "Position of the stream in its capture, from 0."),
        _column("exchange_index", _I32, "Position of its exchange in the capture, from 0."),
        _column("api", _TEXT, "chat.completions, completions, responses, messages, …, unknown."),
        _column("provider", _TEXT, "Who served it, if the capture tells."),
        _column("url", _TEXT, "URL of the request, without query credentials."),
        _column("http_status", _I32, "HTTP status of the response."),
        _column("request_id", _TEXT, "x-request-id or trace id that the container knows."),
        _column("request_model", _TEXT, "Model that was asked for."),
        _column("response_id", _TEXT, "First non-empty id of its events."),
        _column("response_model", _TEXT, "Last non-empty model of its events."),
        _column("service_tier", _TEXT, "Last service tier that the server named."),
        _column("system_fingerprint", _TEXT, "First non-null fingerprint; null where absent."),
        _column("created_at", TIMESTAMP, "The server's `created`; often whole seconds."),
        _column("started_at", TIMESTAMP, "First known of request, container time, first event, created."),
        _column("started_at_source", _TEXT, "Which one: request, container, first_event, created."),
        _column("clock", _TEXT, "arrival, arrival_read (per network read), payload (server's), none."),
        _column("clock_steps", _I32, "How often the clock went backwards."),
        _column("request_sent_at", TIMESTAMP, "When the request was sent."),
        _column("first_event_at", TIMESTAMP, "Arrival of the first event of any kind."),
        _column("first_choices_at", TIMESTAMP, "First event with a choice, role-only included."),
        _column("first_content_at", TIMESTAMP, "First non-empty text of any kind, refusal included."),
        _column("first_token_at", TIMESTAMP, "First non-empty content, reasoning or tool-call text."),
        _column("first_answer_at", TIMESTAMP, "First non-empty content, refusal or tool-call text."),
        _column("first_output_at", TIMESTAMP, "First non-empty content or tool-call text."),
        _column("first_text_at", TIMESTAMP, "First non-empty content text."),
        _column("last_text_at", TIMESTAMP, "Last non-empty content text."),
        _column("last_token_at", TIMESTAMP, "Last non-empty content, reasoning or tool-call text."),
        _column("last_content_at", TIMESTAMP, "Last non-empty text of any kind, refusal included."),
        _column("last_choices_at", TIMESTAMP, "Arrival of the last event with a choice."),
        _column("last_event_at", TIMESTAMP, "Arrival of the last event of any kind."),
        _column("ended_at", TIMESTAMP, "Arrival of the last line, terminator included."),
        _column("time_to_first_event_us", _I64, "Request to first event."),
        _column("time_to_first_token_us", _I64, "Request to first content event, reasoning included."),
        _column("time_to_first_answer_us", _I64, "Request to first content event, reasoning excluded."),
        _column("duration_us", _I64, "Request to last content event."),
        _column("total_us", _I64, "Request to ended_at."),
        _column("time_per_output_token_us", _F64, "(last - first content) / (output_tokens - 1)."),
        _column("gap_p50_us", _F64, "Median gap between content events."),
        _column("gap_p95_us", _F64, "95th percentile of the gaps between content events."),
        _column("gap_p99_us", _F64, "99th percentile of the gaps between content events."),
        _column("gap_max_us", _I64, "Longest gap between content events."),
        _column("latency_reason", _TEXT, "Why time_to_first_token_us is null; null where it is known."),
        _column("events", _I64, "Events of the stream."),
        _column("choices_events", _I64, "Events with at least one choice."),
        _column("content_events", _I64, "Events with content, refusal, reasoning or tool-call text."),
        _column("choices", _I32, "Distinct choice indexes."),
        _column("finish_reasons", pa.list_(_TEXT), "Last finish reason of each choice, in choice order."),
        _column("tool_calls", _I32, "Tool calls of all choices."),
        _column("has_terminator", _BOOL, "Whether [DONE] came."),
        _column("outcome", _TEXT, "errored, completed, truncated or empty: the first that fits."),
        *USAGE,
        _column("usage_source", _TEXT, "reported, or absent."),
        _column("error_type", _TEXT, "Type or code of the error that ended the stream."),
        _column("error_message", _TEXT, "Message of that error."),
    ]
)

CHUNKS: Final = pa.schema(
    [
        _column("stream_id", _TEXT, "Stream of the event."),
        _column("capture_id", _TEXT, "Capture of the event."),
        _column("event_index", _I32, "Position of the event in its stream, from 0."),
        _column("choice_position", _I32, "Position of the choice in the event, from 0."),
        _column("byte_offset", _I64, "First byte of the event in the decoded body."),
        _column("received_at", TIMESTAMP, "Arrival, by the clock that streams.clock names."),
        _column("since_request_us", _I64, "Time since the request."),
        _column("since_previous_us", _I64, "Time since the previous event of the stream."),
        _column("since_content_us", _I64, "On a content event: time since the one before it in the stream."),
        _column("comments_before", _I32, "Comment lines (keep-alives) since the previous event."),
        _column("event_type", _TEXT, "The SSE `event:` field."),
        _column("api", _TEXT, "API that the event was read as."),
        _column("response_id", _TEXT, "`id` of the response, as on this event."),
        _column("created_at", TIMESTAMP, "`created` of this event; null where 0 or absent."),
        _column("response_model", _TEXT, "`model` of this event."),
        _column("service_tier", _TEXT, "`service_tier` of this event."),
        _column("system_fingerprint", _TEXT, "`system_fingerprint` of this event."),
        _column("choice_index", _I32, "`index` of the choice, 0 where absent; null: no choice."),
        _column("role", _TEXT, "`role` of the delta."),
        _column("content", _TEXT, "Text of the answer in this event."),
        _column("refusal", _TEXT, "Text of a refusal in this event."),
        _column("reasoning", _TEXT, "Text of the reasoning in this event."),
        _column("tool_calls", pa.list_(TOOL_CALL), "Tool calls, or pieces of them, in this event."),
        _column("finish_reason", _TEXT, "Why the choice ended, on the event that says so."),
        _column("logprobs", _TEXT, "Log probabilities, as JSON."),
        *USAGE,
        _column("error_type", _TEXT, "Type or code of an error in this event."),
        _column("error_message", _TEXT, "Message of that error."),
        _column("extra", _TEXT, "JSON merge patch: what no column gives back."),
    ]
)

REJECTS: Final = pa.schema(
    [
        _column("capture_id", _TEXT, "Capture that holds the bytes."),
        _column("exchange_index", _I32, "Exchange that holds them; null: outside of all."),
        _column("byte_offset", _I64, "First byte, in the decoded body of the exchange (or in the file)."),
        _column("length", _I64, "Number of bytes."),
        _column("line", _I64, "Line of the first byte, from 1, where the format has lines."),
        _column("reason", _TEXT, "Why the bytes are no event."),
        _column(
            "sample",
            pa.binary(),
            "Their first bytes, at most 1024, masked; of what is no part of a response only those before the"
            " first brace or quote; null where they may be of a request.",
        ),
    ]
)

TABLES: Final = {"captures": CAPTURES, "streams": STREAMS, "chunks": CHUNKS, "rejects": REJECTS}
"""Schema of each table by name, in the order in which readers care."""

CONTENT: Final = {
    "streams": ("error_message",),
    "chunks": ("content", "refusal", "reasoning", "logprobs", "error_message", "extra"),
    "rejects": ("sample",),
}
"""Columns that hold what people wrote, by table; beside them, the arguments of tool calls do."""


def footer(table: str) -> dict[str, str]:
    """Key-value metadata of each Parquet file of `table`: schema version and column descriptions."""
    described = {field.name: (field.metadata or {})[b"description"].decode() for field in TABLES[table]}
    return {
        "ssetl.schema_version": str(SCHEMA_VERSION),
        "ssetl.table": table,
        "ssetl.columns": json.dumps(described, ensure_ascii=False),
    }
