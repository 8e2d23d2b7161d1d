"""Anthropic's Messages: `message_start`, content blocks in pieces, `message_delta`, `message_stop`.

One row per event, of choice 0 where it says something of the message. The index of a content block is the
index of its tool call. Usage grows: the input counts come with `message_start`, the output counts with
`message_delta`.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_members, error_of
from ssetl.apis.members import as_text, candidate, count, counted, inner, known, position, text
from ssetl.apis.row import Api, Chunk, Row, ToolCall, Usage

_EVENTS: Final = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    }
)


def _matches(chunk: Chunk, event_type: str | None) -> bool:
    kind = chunk.get("type")
    if kind == "ping":
        return event_type == "ping"
    if kind == "error":
        # Responses has errors of the same shape, but numbers its events.
        return type(chunk.get("error")) is dict and "sequence_number" not in chunk
    return type(kind) is str and kind in _EVENTS


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    message, delta, block = inner(chunk, "message"), inner(chunk, "delta"), inner(chunk, "content_block")
    usage = inner(message, "usage") or inner(chunk, "usage")
    return [
        candidate(
            response_id=text(message, "id"),
            response_model=text(message, "model"),
            service_tier=text(usage, "service_tier"),
            role=text(message, "role"),
            # A block mostly starts empty; what it starts with is the first piece of its text.
            content=text(block, "text") or text(delta, "text"),
            reasoning=text(block, "thinking") or text(delta, "thinking"),
            tool_calls=_tool_calls(chunk, block, delta),
            finish_reason=text(delta, "stop_reason"),
            usage=_usage(usage),
            error_type=error_type,
            error_message=error_message,
        )
    ]


def _tool_calls(chunk: Chunk, block: Chunk, delta: Chunk) -> tuple[ToolCall, ...] | None:
    index, piece = position(chunk, "index"), text(delta, "partial_json")
    if piece is not None:
        return (ToolCall(index=index, arguments=piece),)
    if (text(block, "type") or "").endswith("tool_use"):
        return (ToolCall(index, text(block, "id"), text(block, "name"), as_text(block.get("input") or None)),)
    return None


def _usage(usage: Chunk) -> Usage | None:
    return counted(
        input_tokens=count(usage, "input_tokens"),
        output_tokens=count(usage, "output_tokens"),
        cached_input_tokens=count(usage, "cache_read_input_tokens"),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    if error := error_members(row):
        return {"type": "error", **error}
    if row.response_id is not None:
        return {"type": "message_start", "message": _message(row)}
    if row.finish_reason is not None or row.usage is not None:
        return {"type": "message_delta", "delta": {"stop_reason": row.finish_reason}, "usage": _counts(row)}
    if row.tool_calls:
        return _block_of_call(row.tool_calls[0])
    if row.content is not None:
        return _piece(0, {"type": "text_delta", "text": row.content})
    if row.reasoning is not None:
        return _piece(0, {"type": "thinking_delta", "thinking": row.reasoning})
    return {}


def _message(row: Row) -> Chunk:
    return {
        "id": row.response_id,
        "type": "message",
        "role": row.role,
        "model": row.response_model,
        "content": [],
        "usage": _counts(row),
    }


def _counts(row: Row) -> Chunk:
    usage = row.usage or Usage()
    return known(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_input_tokens=usage.cached_input_tokens,
        service_tier=row.service_tier,
    )


def _block_of_call(call: ToolCall) -> Chunk:
    if call.name is None and call.id is None:
        return _piece(call.index, {"type": "input_json_delta", "partial_json": call.arguments})
    block: Chunk = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    return {"type": "content_block_start", "index": call.index, "content_block": block}


def _piece(index: int | None, delta: Chunk) -> Chunk:
    return {"type": "content_block_delta", "index": index, "delta": delta}


MESSAGES: Final = Api(
    name="messages",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    starts=lambda chunk, _type: chunk.get("type") == "message_start",
    ends=lambda chunk, _type: chunk.get("type") == "message_stop",
    adds_usage=True,
)
"""Anthropic's Messages, on its own servers, Vertex, Bedrock and Azure."""
