"""Ollama's own API: JSON lines from `/api/chat` and `/api/generate`, each with the server's clock.

One row per line, of choice 0. `created_at` is exact to the microsecond here; where the server writes
nanoseconds, `extra` keeps them.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_of
from ssetl.apis.members import (
    as_text,
    candidate,
    count,
    counted,
    from_text,
    inner,
    instant,
    iso,
    known,
    objects,
    position,
    text,
)
from ssetl.apis.row import Api, Chunk, Row, ToolCall, Usage


def _matches_chat(chunk: Chunk, _event_type: str | None) -> bool:
    return type(chunk.get("done")) is bool and type(chunk.get("message")) is dict


def _matches_generate(chunk: Chunk, _event_type: str | None) -> bool:
    return type(chunk.get("done")) is bool and type(chunk.get("response")) is str


def _columns_of_chat(chunk: Chunk, event_type: str | None) -> list[Row]:
    return [_row(chunk, event_type, inner(chunk, "message"), "content")]


def _columns_of_generate(chunk: Chunk, event_type: str | None) -> list[Row]:
    return [_row(chunk, event_type, chunk, "response")]


def _row(chunk: Chunk, event_type: str | None, answer: Chunk, content: str) -> Row:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    return candidate(
        created_at=instant(chunk, "created_at"),
        response_model=text(chunk, "model"),
        role=text(answer, "role"),
        content=text(answer, content),
        reasoning=text(answer, "thinking"),
        tool_calls=_tool_calls(answer),
        finish_reason=text(chunk, "done_reason"),
        usage=_usage(chunk),
        error_type=error_type,
        error_message=error_message,
    )


def _tool_calls(answer: Chunk) -> tuple[ToolCall, ...] | None:
    calls = objects(answer, "tool_calls")
    return tuple([_tool_call(call, inner(call, "function")) for call in calls]) or None


def _tool_call(call: Chunk, function: Chunk) -> ToolCall:
    index, arguments = position(function, "index"), as_text(function.get("arguments"))
    return ToolCall(index, text(call, "id"), text(function, "name"), arguments)


def _usage(chunk: Chunk) -> Usage | None:
    return counted(input_tokens=count(chunk, "prompt_eval_count"), output_tokens=count(chunk, "eval_count"))


def _skeleton_of_chat(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    calls = [_call(call) for call in row.tool_calls or ()] or None
    message = known(role=row.role, content=row.content, thinking=row.reasoning, tool_calls=calls)
    return {**_around(row), "message": message or None}


def _skeleton_of_generate(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    return {**_around(row), "response": row.content, "thinking": row.reasoning}


def _around(row: Row) -> Chunk:
    usage = row.usage or Usage()
    return {
        "model": row.response_model,
        "created_at": iso(row.created_at),
        "done": None if row.choice_index is None else row.finish_reason is not None,
        "done_reason": row.finish_reason,
        "prompt_eval_count": usage.input_tokens,
        "eval_count": usage.output_tokens,
        # As an error Ollama sends a text and nothing else.
        "error": row.error_message,
    }


def _call(call: ToolCall) -> Chunk:
    function = known(index=call.index, name=call.name, arguments=from_text(call.arguments))
    return known(id=call.id, function=function)


def _ends(chunk: Chunk, _event_type: str | None) -> bool:
    return chunk.get("done") is True


OLLAMA_CHAT: Final = Api(
    name="ollama.chat",
    matches=_matches_chat,
    columns=_columns_of_chat,
    skeleton=_skeleton_of_chat,
    ends=_ends,
    stamped=True,
)
"""Ollama's `/api/chat`."""

OLLAMA_GENERATE: Final = Api(
    name="ollama.generate",
    matches=_matches_generate,
    columns=_columns_of_generate,
    skeleton=_skeleton_of_generate,
    ends=_ends,
    stamped=True,
)
"""Ollama's `/api/generate`."""
