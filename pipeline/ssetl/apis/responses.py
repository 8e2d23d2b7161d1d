"""OpenAI's Responses: typed events, of which the `.delta` ones carry new text.

One row per event, of choice 0 where it says something of the response. The `.done` events and the closing
response repeat the text of the deltas; that is no content again and stays in `extra`. Tool calls, hosted
ones included, have the `output_index` of their item as index.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_of
from ssetl.apis.members import (
    as_text,
    candidate,
    count,
    counted,
    epoch,
    inner,
    known,
    position,
    seconds,
    text,
)
from ssetl.apis.row import Api, Chunk, Row, ToolCall, Usage
from ssetl.jsontext import decode, encode

_CONTENT: Final = "response.output_text.delta"
_REFUSAL: Final = "response.refusal.delta"
_SUMMARY: Final = "response.reasoning_summary_text.delta"
_ARGUMENTS: Final = "response.function_call_arguments.delta"

_COLUMN: Final = {
    _CONTENT: "content",
    "response.text.delta": "content",
    "response.audio_transcript.delta": "content",
    "response.output_audio_transcript.delta": "content",
    _REFUSAL: "refusal",
    _SUMMARY: "reasoning",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary.delta": "reasoning",
    "response.reasoning.delta": "reasoning",
}
"""The column that the `delta` of an event belongs to."""

_PIECES: Final = frozenset(
    {
        _ARGUMENTS,
        "response.mcp_call_arguments.delta",
        "response.mcp_call.arguments.delta",
        "response.custom_tool_call_input.delta",
        "response.code_interpreter_call_code.delta",
        "response.shell_call_command.delta",
    }
)
"""Events whose `delta` is a piece of what a tool is called with."""

_ENDS: Final = frozenset(
    f"response.{status}" for status in ("completed", "incomplete", "failed", "cancelled", "done")
)


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    kind = chunk.get("type")
    return type(kind) is str and (
        kind.startswith("response.") or (kind == "error" and "sequence_number" in chunk)
    )


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    kind, response, item = text(chunk, "type") or "", inner(chunk, "response"), inner(chunk, "item")
    error = error_of(chunk, event_type) or error_of(known(error=response.get("error")))
    error_type, error_message = error or (None, None)
    column, logprobs = _COLUMN.get(kind), chunk.get("logprobs")
    pieces = {} if column is None else {column: text(chunk, "delta")}
    return [
        candidate(
            response_id=text(response, "id"),
            created_at=epoch(response, "created_at"),
            response_model=text(response, "model"),
            service_tier=text(response, "service_tier"),
            role=text(item, "role") if kind == "response.output_item.added" else None,
            tool_calls=_tool_calls(kind, chunk, item),
            finish_reason=_finish_reason(response) if kind in _ENDS else None,
            logprobs=encode(logprobs) if column == "content" and logprobs else None,
            usage=_usage(inner(response, "usage")),
            error_type=error_type,
            error_message=error_message,
            **pieces,
        )
    ]


def _tool_calls(kind: str, chunk: Chunk, item: Chunk) -> tuple[ToolCall, ...] | None:
    index = position(chunk, "output_index")
    if kind in _PIECES:
        return (ToolCall(index=index, arguments=text(chunk, "delta")),)
    named = text(item, "type") or ""
    if kind != "response.output_item.added" or not named.endswith("_call"):
        return None
    name = text(item, "name") or named
    given = item.get("arguments") or item.get("input") or item.get("code") or None
    return (ToolCall(index, text(item, "call_id") or text(item, "id"), name, as_text(given)),)


def _finish_reason(response: Chunk) -> str | None:
    return text(inner(response, "incomplete_details"), "reason") or text(response, "status")


def _usage(usage: Chunk) -> Usage | None:
    return counted(
        input_tokens=count(usage, "input_tokens"),
        output_tokens=count(usage, "output_tokens"),
        total_tokens=count(usage, "total_tokens"),
        cached_input_tokens=count(inner(usage, "input_tokens_details"), "cached_tokens"),
        reasoning_output_tokens=count(inner(usage, "output_tokens_details"), "reasoning_tokens"),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    if row.response_id is not None:
        return _of_response(row)
    if row.error_type is not None or row.error_message is not None:
        return {"type": "error", "code": row.error_type, "message": row.error_message}
    logprobs = [] if row.logprobs is None else decode(row.logprobs.encode())
    if row.content is not None:
        return {**_delta(_CONTENT, 0, row.content), "content_index": 0, "logprobs": logprobs}
    if row.refusal is not None:
        return {**_delta(_REFUSAL, 0, row.refusal), "content_index": 0}
    if row.reasoning is not None:
        return {**_delta(_SUMMARY, 0, row.reasoning), "summary_index": 0}
    if row.tool_calls:
        return _of_call(row.tool_calls[0])
    if row.role is not None:
        message = {"type": "message", "status": "in_progress", "content": [], "role": row.role}
        return {"type": "response.output_item.added", "output_index": 0, "item": message}
    return {}


def _of_response(row: Row) -> Chunk:
    status = row.finish_reason or "in_progress"
    response = {
        "id": row.response_id,
        "object": "response",
        "created_at": seconds(row.created_at),
        "status": status,
        "model": row.response_model,
        "service_tier": row.service_tier,
        "usage": None if row.usage is None else _counts(row.usage),
    }
    return {
        "type": "response.created" if row.finish_reason is None else f"response.{status}",
        "response": response,
    }


def _counts(usage: Usage) -> Chunk:
    return known(
        input_tokens=usage.input_tokens,
        input_tokens_details=known(cached_tokens=usage.cached_input_tokens) or None,
        output_tokens=usage.output_tokens,
        output_tokens_details=known(reasoning_tokens=usage.reasoning_output_tokens) or None,
        total_tokens=usage.total_tokens,
    )


def _of_call(call: ToolCall) -> Chunk:
    if call.id is None and call.name is None:
        return _delta(_ARGUMENTS, call.index, call.arguments)
    item = {
        "type": "function_call",
        "status": "in_progress",
        "arguments": call.arguments or "",
        "call_id": call.id,
        "name": call.name,
    }
    return {"type": "response.output_item.added", "output_index": call.index, "item": item}


def _delta(kind: str, output_index: int | None, delta: str | None) -> Chunk:
    return {"type": kind, "output_index": output_index, "delta": delta}


RESPONSES: Final = Api(
    name="responses",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    starts=lambda chunk, _type: chunk.get("type") == "response.created",
    ends=lambda chunk, _type: text(chunk, "type") in _ENDS,
)
"""OpenAI's Responses, and the servers that offer the same; the text events of Realtime, too."""
