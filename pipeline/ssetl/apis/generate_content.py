"""Google's generateContent: Gemini and Vertex, as SSE, as elements of a JSON array, and Live.

One row per element of `candidates`. Parts marked `thought` are reasoning, other text is content; function
calls and code to execute are tool calls, which come whole and without an index. The Python SDK dumps the
same in snake_case, Code Assist wraps it in `response`, and Live sends `serverContent`: their rows are the
same, and `extra` tells the difference.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ssetl.apis.error import error_members, error_of
from ssetl.apis.members import (
    as_text,
    choice_rows,
    count,
    counted,
    elements,
    first,
    from_text,
    inner,
    instant,
    iso,
    joined,
    known,
    objects,
    position,
    text,
)
from ssetl.apis.row import Api, Chunk, Json, Row, ToolCall, Usage

_OF_LIVE: Final = ("serverContent", "setupComplete", "sessionResumptionUpdate")
_OF_CHUNK: Final = ("usageMetadata", "promptFeedback")
_BESIDE: Final = ("modelVersion", "responseId", "candidates")
_OF_CANDIDATE: Final = ("content", "finishReason", "finish_reason")


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    if any(type(chunk.get(name)) is dict for name in _OF_LIVE):
        return True
    body = _body(chunk)
    if any(type(body.get(name)) is dict for name in _OF_CHUNK) and any(name in body for name in _BESIDE):
        return True
    candidates = objects(body, "candidates")
    return bool(candidates) and any(name in candidates[0] for name in _OF_CANDIDATE)


def _body(chunk: Chunk) -> Chunk:
    """The chunk itself, or what Code Assist wrapped."""
    wrapped = inner(chunk, "response")
    return wrapped if "candidates" in wrapped and "candidates" not in chunk else chunk


def _either(owner: Chunk, camel: str, snake: str) -> str:
    """The one of two spellings of a member that `owner` has."""
    return snake if snake in owner else camel


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    event, candidates = _event(chunk, event_type), elements(_body(chunk), "candidates")
    return choice_rows(event, candidates, _of_candidate) if candidates else [_of_live(event, chunk)]


def _event(chunk: Chunk, event_type: str | None) -> Row:
    body = _body(chunk)
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    return Row(
        response_id=text(body, _either(body, "responseId", "response_id")),
        created_at=instant(body, _either(body, "createTime", "create_time")),
        response_model=text(body, _either(body, "modelVersion", "model_version")),
        usage=_usage(inner(body, _either(body, "usageMetadata", "usage_metadata"))),
        error_type=error_type,
        error_message=error_message,
    )


def _of_candidate(event: Row, each: Json) -> Row:
    """The row of one candidate; without an index of its own it is choice 0."""
    if type(each) is not dict:
        return replace(event, choice_index=0)
    content = inner(each, "content")
    return replace(
        _with_parts(event, objects(content, "parts")),
        choice_index=position(each, "index") or 0,
        role=text(content, "role"),
        finish_reason=text(each, _either(each, "finishReason", "finish_reason")),
    )


def _with_parts(row: Row, parts: list[Chunk]) -> Row:
    return replace(
        row,
        content=joined([text(part, "text") for part in parts if part.get("thought") is not True]),
        reasoning=joined([text(part, "text") for part in parts if part.get("thought") is True]),
        tool_calls=tuple([call for part in parts if (call := _tool_call(part)) is not None]) or None,
    )


def _tool_call(part: Chunk) -> ToolCall | None:
    if function := inner(part, _either(part, "functionCall", "function_call")):
        return _of_function(function)
    named = _either(part, "executableCode", "executable_code")
    if code := inner(part, named):
        return ToolCall(None, text(code, "id"), named, text(code, "code"))
    return None


def _of_function(function: Chunk) -> ToolCall:
    return ToolCall(None, text(function, "id"), text(function, "name"), as_text(function.get("args")))


def _of_live(event: Row, chunk: Chunk) -> Row:
    """The row of a Live message, which speaks of one answer; of a spoken one, the transcript."""
    content = inner(chunk, "serverContent")
    said = _with_parts(event, objects(inner(content, "modelTurn"), "parts"))
    if said.content is None:
        said = replace(said, content=text(inner(content, "outputTranscription"), "text"))
    if calls := objects(inner(chunk, "toolCall"), "functionCalls"):
        said = replace(said, tool_calls=tuple([_of_function(call) for call in calls]))
    about = said.content is not None or said.reasoning is not None or said.tool_calls is not None
    return replace(said, choice_index=0) if about else said


def _usage(usage: Chunk) -> Usage | None:
    def named(*names: str) -> int | None:
        return first(*[count(usage, name) for name in names])

    def audio(*names: str) -> int | None:
        for name in names:
            for detail in objects(usage, name):
                if detail.get("modality") == "AUDIO":
                    return first(count(detail, "tokenCount"), count(detail, "token_count"))
        return None

    return counted(
        input_tokens=named("promptTokenCount", "prompt_token_count"),
        output_tokens=named("candidatesTokenCount", "responseTokenCount", "candidates_token_count"),
        total_tokens=named("totalTokenCount", "total_token_count"),
        cached_input_tokens=named("cachedContentTokenCount", "cached_content_token_count"),
        reasoning_output_tokens=named("thoughtsTokenCount", "thoughts_token_count"),
        audio_input_tokens=audio("promptTokensDetails", "prompt_tokens_details"),
        audio_output_tokens=audio(
            "candidatesTokensDetails", "responseTokensDetails", "candidates_tokens_details"
        ),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    return {
        "candidates": None if row.choice_index is None else [_members(each) for each in rows],
        "usageMetadata": None if row.usage is None else _counts(row.usage),
        "modelVersion": row.response_model,
        "createTime": iso(row.created_at),
        "responseId": row.response_id,
        **error_members(row),
    }


def _members(row: Row) -> Chunk:
    parts: list[Chunk] = []
    if row.reasoning is not None:
        parts.append({"text": row.reasoning, "thought": True})
    if row.content is not None:
        parts.append({"text": row.content})
    parts += [{"functionCall": _function(call)} for call in row.tool_calls or ()]
    content = known(parts=parts or None, role=row.role)
    return {"content": content or None, "finishReason": row.finish_reason, "index": row.choice_index}


def _function(call: ToolCall) -> Chunk:
    return known(id=call.id, name=call.name, args=from_text(call.arguments))


def _counts(usage: Usage) -> Chunk:
    return known(
        promptTokenCount=usage.input_tokens,
        candidatesTokenCount=usage.output_tokens,
        totalTokenCount=usage.total_tokens,
        cachedContentTokenCount=usage.cached_input_tokens,
        thoughtsTokenCount=usage.reasoning_output_tokens,
    )


def _ends(chunk: Chunk, _event_type: str | None) -> bool:
    return inner(chunk, "serverContent").get("turnComplete") is True


GENERATE_CONTENT: Final = Api(
    name="generate_content",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    listed="candidates",
    ends=_ends,
)
"""Google's generateContent: Gemini, Vertex, Code Assist and Live."""
