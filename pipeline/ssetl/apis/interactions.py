"""Google's Interactions: `interaction.*` and `step.*` events.

One row per event, of choice 0 where it says something of the answer. Usage stands on steps as well, as it
is at that moment.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_members, error_of
from ssetl.apis.members import as_text, candidate, count, counted, inner, instant, iso, known, position, text
from ssetl.apis.row import Api, Chunk, Row, ToolCall, Usage

_THOUGHT: Final = "thought_summary"


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    kind = text(chunk, "event_type") or ""
    return kind.startswith("interaction.") or (kind.startswith("step.") and "index" in chunk)


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    interaction, delta = inner(chunk, "interaction"), inner(chunk, "delta")
    kind = text(delta, "type") or ""
    usage = inner(interaction, "usage") or inner(inner(chunk, "metadata"), "usage")
    return [
        candidate(
            response_id=text(interaction, "id") or text(chunk, "interaction_id"),
            created_at=instant(interaction, "created"),
            response_model=text(interaction, "model"),
            service_tier=text(interaction, "service_tier"),
            content=text(delta, "text") if kind == "text" else None,
            reasoning=text(inner(delta, "content"), "text") if kind == _THOUGHT else None,
            tool_calls=_tool_calls(kind, chunk, delta),
            finish_reason=_finish_reason(interaction),
            usage=_usage(usage),
            error_type=error_type,
            error_message=error_message,
        )
    ]


def _tool_calls(kind: str, chunk: Chunk, delta: Chunk) -> tuple[ToolCall, ...] | None:
    if not kind.endswith("_call"):
        return None
    name, arguments = text(delta, "name") or kind, as_text(delta.get("arguments"))
    return (ToolCall(position(chunk, "index"), text(delta, "id"), name, arguments),)


def _finish_reason(interaction: Chunk) -> str | None:
    status = text(interaction, "status")
    return None if status == "in_progress" else status


def _usage(usage: Chunk) -> Usage | None:
    return counted(
        input_tokens=count(usage, "total_input_tokens"),
        output_tokens=count(usage, "total_output_tokens"),
        total_tokens=count(usage, "total_tokens"),
        cached_input_tokens=count(usage, "total_cached_tokens"),
        reasoning_output_tokens=count(usage, "total_thought_tokens"),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    usage = None if row.usage is None else _counts(row.usage)
    if row.content is not None:
        return {**_delta(1, {"type": "text", "text": row.content}), "metadata": usage and {"usage": usage}}
    if row.reasoning is not None:
        content = {"type": "text", "text": row.reasoning}
        return {**_delta(0, {"type": _THOUGHT, "content": content}), "metadata": usage and {"usage": usage}}
    if row.response_id is None:
        return error_members(row)
    kind = "interaction.created" if row.finish_reason is None else "interaction.completed"
    interaction = {
        "id": row.response_id,
        "status": row.finish_reason or "in_progress",
        "object": "interaction",
        "model": row.response_model,
        "service_tier": row.service_tier,
        "created": iso(row.created_at),
        "usage": usage,
    }
    return {"event_type": kind, "interaction": interaction}


def _counts(usage: Usage) -> Chunk:
    return known(
        total_input_tokens=usage.input_tokens,
        total_output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        total_cached_tokens=usage.cached_input_tokens,
        total_thought_tokens=usage.reasoning_output_tokens,
    )


def _delta(index: int, delta: Chunk) -> Chunk:
    return {"index": index, "delta": delta, "event_type": "step.delta"}


INTERACTIONS: Final = Api(
    name="interactions",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    starts=lambda chunk, _type: chunk.get("event_type") == "interaction.created",
    ends=lambda chunk, _type: chunk.get("event_type") == "interaction.completed",
)
"""Google's Interactions."""
