"""Amazon Bedrock: ConverseStream events, and the frames of InvokeModelWithResponseStream.

ConverseStream names its events outside of their JSON (the frame's `:event-type`, or a member around them
as the SDKs give them). One row per event, of choice 0 where it says something of the answer; the index of
a content block is the index of its tool call.

InvokeModelWithResponseStream carries events of other APIs in base64: `unwrap` gives those.
"""

import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_of
from ssetl.apis.members import candidate, count, counted, inner, known, position, text
from ssetl.apis.row import Api, Chunk, Row, ToolCall, Usage
from ssetl.jsontext import decode

FRAME: Final = "amazon-bedrock-frame"
"""Member of an unwrapped chunk that holds what else its frame held (padding)."""

_FRAME_MEMBERS: Final = frozenset({"bytes", "p"})
_EVENTS: Final = frozenset(
    {
        "messageStart",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    }
)


def unwrap(chunk: Chunk) -> Chunk:
    """The event inside `{"bytes": base64, …}`, with the rest of the frame as its member `FRAME`.

    A chunk that is no such frame, or holds no JSON object, is given back as it is.
    """
    wrapped = chunk.get("bytes")
    if type(wrapped) is not str or not chunk.keys() <= _FRAME_MEMBERS:
        return chunk
    try:
        event = decode(b64decode(wrapped, validate=True))
    except (binascii.Error, ValueError):
        return chunk
    if type(event) is not dict or FRAME in event:
        return chunk
    return {**event, FRAME: {key: member for key, member in chunk.items() if key != "bytes"}}


def _matches(chunk: Chunk, event_type: str | None) -> bool:
    kind, event = _named(chunk, event_type)
    # Other servers have events of that name as well.
    return kind in _EVENTS and (kind != "metadata" or ("usage" in event and "metrics" in event))


def _named(chunk: Chunk, event_type: str | None) -> tuple[str | None, Chunk]:
    """Name and members of the event, which SDKs wrap in its name."""
    if len(chunk) == 1 and (wrapped := _EVENTS & chunk.keys()):
        [name] = wrapped
        return name, inner(chunk, name)
    return event_type, chunk


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    _, event = _named(chunk, event_type)
    delta = inner(event, "delta")
    return [
        candidate(
            role=text(event, "role"),
            content=text(delta, "text"),
            reasoning=text(inner(delta, "reasoningContent"), "text"),
            tool_calls=_tool_calls(event, delta),
            finish_reason=text(event, "stopReason"),
            usage=_usage(inner(event, "usage")),
            error_type=error_type,
            error_message=error_message,
        )
    ]


def _tool_calls(event: Chunk, delta: Chunk) -> tuple[ToolCall, ...] | None:
    index = position(event, "contentBlockIndex")
    if start := inner(inner(event, "start"), "toolUse"):
        return (ToolCall(index=index, id=text(start, "toolUseId"), name=text(start, "name")),)
    if piece := inner(delta, "toolUse"):
        return (ToolCall(index=index, arguments=text(piece, "input")),)
    return None


def _usage(usage: Chunk) -> Usage | None:
    return counted(
        input_tokens=count(usage, "inputTokens"),
        output_tokens=count(usage, "outputTokens"),
        total_tokens=count(usage, "totalTokens"),
        cached_input_tokens=count(usage, "cacheReadInputTokens"),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    if row.tool_calls:
        return _of_call(row.tool_calls[0])
    if row.content is not None:
        return {"contentBlockIndex": 0, "delta": {"text": row.content}}
    if row.reasoning is not None:
        return {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": row.reasoning}}}
    usage = None if row.usage is None else _counts(row.usage)
    return known(role=row.role, stopReason=row.finish_reason, usage=usage, message=row.error_message)


def _of_call(call: ToolCall) -> Chunk:
    if call.id is None and call.name is None:
        return {"contentBlockIndex": call.index, "delta": {"toolUse": {"input": call.arguments}}}
    tool = known(toolUseId=call.id, name=call.name)
    return {"contentBlockIndex": call.index, "start": {"toolUse": tool}}


def _counts(usage: Usage) -> Chunk:
    return known(
        inputTokens=usage.input_tokens,
        outputTokens=usage.output_tokens,
        totalTokens=usage.total_tokens,
        cacheReadInputTokens=usage.cached_input_tokens,
    )


CONVERSE_STREAM: Final = Api(
    name="bedrock.converse_stream",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    starts=lambda chunk, event_type: _named(chunk, event_type)[0] == "messageStart",
    ends=lambda chunk, event_type: _named(chunk, event_type)[0] == "metadata",
)
"""Amazon Bedrock's ConverseStream."""
