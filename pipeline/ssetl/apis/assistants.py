"""OpenAI's Assistants: events of runs, steps and messages of a thread.

One row per event, of choice 0 where it carries text, a tool call or the end of the run. The completed
message repeats the text of its deltas; that is no content again and stays in `extra`.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.envelope import counted_usage, usage_members
from ssetl.apis.error import error_of
from ssetl.apis.members import candidate, epoch, inner, joined, known, objects, position, seconds, text
from ssetl.apis.row import Api, Chunk, Row, ToolCall

_ENDED: Final = frozenset({"completed", "incomplete", "failed", "cancelled", "expired", "requires_action"})
"""States of a run in which its stream ends."""


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    return (text(chunk, "object") or "").startswith("thread.")


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    is_run, delta = chunk.get("object") == "thread.run", inner(chunk, "delta")
    error = error_of(chunk, event_type) or error_of(known(error=chunk.get("last_error")))
    error_type, error_message = error or (None, None)
    return [
        candidate(
            response_id=text(chunk, "id" if is_run else "run_id"),
            created_at=epoch(chunk, "created_at") if is_run else None,
            response_model=text(chunk, "model"),
            content=_content(delta),
            tool_calls=_tool_calls(inner(delta, "step_details")),
            finish_reason=_finish_reason(chunk) if is_run else None,
            usage=counted_usage(chunk.get("usage")) if is_run else None,
            error_type=error_type,
            error_message=error_message,
        )
    ]


def _content(delta: Chunk) -> str | None:
    parts = objects(delta, "content")
    return joined([text(inner(part, "text"), "value") or text(part, "refusal") for part in parts])


def _tool_calls(details: Chunk) -> tuple[ToolCall, ...] | None:
    return tuple([_tool_call(call) for call in objects(details, "tool_calls")]) or None


def _tool_call(call: Chunk) -> ToolCall:
    kind = text(call, "type") or ""
    tool = inner(call, kind)
    name = text(tool, "name") if kind == "function" else kind or None
    written = text(tool, "arguments") or text(tool, "input")
    return ToolCall(position(call, "index"), text(call, "id"), name, written)


def _finish_reason(run: Chunk) -> str | None:
    status = text(run, "status")
    if status not in _ENDED:
        return None
    return text(inner(run, "incomplete_details"), "reason") or status


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    if row.content is not None:
        part = {"index": 0, "type": "text", "text": {"value": row.content}}
        return {"object": "thread.message.delta", "delta": {"content": [part]}}
    if row.tool_calls:
        calls = [_call(call) for call in row.tool_calls]
        details = {"type": "tool_calls", "tool_calls": calls}
        return {"object": "thread.run.step.delta", "delta": {"step_details": details}}
    if row.created_at is None:
        return known(run_id=row.response_id)
    return {
        "id": row.response_id,
        "object": "thread.run",
        "created_at": seconds(row.created_at),
        "model": row.response_model,
        "status": row.finish_reason,
        "usage": None if row.usage is None else usage_members(row.usage),
    }


def _call(call: ToolCall) -> Chunk:
    function = known(name=call.name, arguments=call.arguments)
    return {"index": call.index, "id": call.id, "type": "function", "function": function}


def _ends(chunk: Chunk, _event_type: str | None) -> bool:
    return chunk.get("object") == "thread.run" and _finish_reason(chunk) is not None


ASSISTANTS: Final = Api(
    name="assistants",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    starts=lambda _chunk, event_type: event_type == "thread.run.created",
    ends=_ends,
)
"""OpenAI's Assistants."""
