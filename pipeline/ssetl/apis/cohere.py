"""Cohere's Chat, version 1 (`event_type` members) and 2 (`type` members, nested deltas).

One row per event, of choice 0 where it says something of the answer. A tool plan is reasoning. The
closing `stream-end` repeats the answer; that is no content again and stays in `extra`.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_of
from ssetl.apis.members import (
    as_text,
    candidate,
    count,
    counted,
    first,
    inner,
    known,
    objects,
    position,
    text,
)
from ssetl.apis.row import Api, Chunk, Row, ToolCall, Usage

_V1: Final = frozenset(
    {
        "stream-start",
        "text-generation",
        "tool-calls-generation",
        "tool-calls-chunk",
        "citation-generation",
        "search-queries-generation",
        "search-results",
        "stream-end",
    }
)
_V2: Final = frozenset(
    {
        "message-start",
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "citation-end",
        "message-end",
    }
)


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    return text(chunk, "event_type") in _V1 or text(chunk, "type") in _V2


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    delta, response = inner(chunk, "delta"), inner(chunk, "response")
    message = inner(delta, "message")
    content = inner(message, "content")
    spoken = text(chunk, "event_type") == "text-generation"
    return [
        candidate(
            response_id=text(chunk, "id") or text(chunk, "generation_id") or text(response, "response_id"),
            role=text(message, "role"),
            content=text(chunk, "text") if spoken else text(content, "text"),
            reasoning=text(content, "thinking") or text(message, "tool_plan") or None,
            tool_calls=_tool_calls(chunk, message),
            finish_reason=text(delta, "finish_reason") or text(chunk, "finish_reason"),
            usage=_usage(inner(delta, "usage")) or _usage(inner(response, "meta")),
            error_type=error_type,
            error_message=error_message or text(delta, "error"),
        )
    ]


def _tool_calls(chunk: Chunk, message: Chunk) -> tuple[ToolCall, ...] | None:
    index = position(chunk, "index")
    if call := inner(message, "tool_calls"):
        function = inner(call, "function")
        arguments = text(function, "arguments")
        return (ToolCall(index, text(call, "id"), text(function, "name"), arguments),)
    if piece := inner(chunk, "tool_call_delta"):
        arguments = text(piece, "parameters")
        return (ToolCall(position(piece, "index"), None, text(piece, "name"), arguments),)
    if text(chunk, "event_type") != "tool-calls-generation":
        return None
    calls = objects(chunk, "tool_calls")
    return tuple(
        [ToolCall(name=text(call, "name"), arguments=as_text(call.get("parameters"))) for call in calls]
    )


def _usage(usage: Chunk) -> Usage | None:
    tokens, billed = inner(usage, "tokens"), inner(usage, "billed_units")
    return counted(
        input_tokens=first(count(tokens, "input_tokens"), count(billed, "input_tokens")),
        output_tokens=first(count(tokens, "output_tokens"), count(billed, "output_tokens")),
        cached_input_tokens=count(usage, "cached_tokens"),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    if row.error_type is not None or row.error_message is not None:
        return {"message": row.error_message}
    if row.response_id is not None:
        return {"type": "message-start", "id": row.response_id, "delta": {"message": {"role": row.role}}}
    if row.finish_reason is not None:
        usage = None if row.usage is None else _counts(row.usage)
        return {"type": "message-end", "delta": {"finish_reason": row.finish_reason, "usage": usage}}
    if row.tool_calls:
        return _of_call(row.tool_calls[0])
    if row.reasoning is not None:
        return {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": row.reasoning}}}
    if row.content is not None:
        return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": row.content}}}}
    return {}


def _counts(usage: Usage) -> Chunk:
    tokens = known(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens)
    return known(tokens=tokens or None, cached_tokens=usage.cached_input_tokens)


def _of_call(call: ToolCall) -> Chunk:
    named = call.id is not None or call.name is not None
    function = known(name=call.name, arguments=call.arguments)
    calls = known(id=call.id, type="function" if named else None, function=function)
    kind = "tool-call-start" if named else "tool-call-delta"
    return {"type": kind, "index": call.index, "delta": {"message": {"tool_calls": calls}}}


def _starts(chunk: Chunk, _event_type: str | None) -> bool:
    return chunk.get("event_type") == "stream-start" or chunk.get("type") == "message-start"


def _ends(chunk: Chunk, _event_type: str | None) -> bool:
    return chunk.get("event_type") == "stream-end" or chunk.get("type") == "message-end"


COHERE_CHAT: Final = Api(
    name="cohere.chat",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    starts=_starts,
    ends=_ends,
)
"""Cohere's Chat, both versions."""
