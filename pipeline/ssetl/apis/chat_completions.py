"""Chat Completions, in the dialects of the servers that speak it.

One row per element of `choices`; an event without choices is one row whose `choice_index` is null. What
a dialect does its own way ends in the same columns: reasoning under its many names, content as a list of
parts, usage in `x_groq` or in a choice, legacy `function_call`. A cumulative `message` beside the delta
(Perplexity, Writer) is no content; it stays in `extra`.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ssetl.apis.envelope import event_row, event_skeleton
from ssetl.apis.members import as_text, choice_rows, elements, inner, joined, known, objects, position, text
from ssetl.apis.row import Api, Chunk, Json, Row, ToolCall
from ssetl.jsontext import decode, encode

_REASONING: Final = ("reasoning_content", "reasoning", "reasoning_text")
"""Names under which a delta carries reasoning as one text, the commonest first."""

_MAY_REASON: Final = frozenset({*_REASONING, "reasoning_details"})


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    named = chunk.get("object")
    if type(named) is str and named:
        return named.startswith("chat.completion")
    choices = chunk.get("choices")
    if type(choices) is not list:
        return False
    if not choices:
        return "prompt_filter_results" in chunk or "usage" in chunk
    return type(choices[0]) is dict and ("delta" in choices[0] or "message" in choices[0])


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    return choice_rows(event_row(chunk, event_type), elements(chunk, "choices"), _of_choice)


def _of_choice(event: Row, choice: Json) -> Row:
    """The row of one choice; without an index of its own it is choice 0."""
    if type(choice) is not dict:
        return replace(event, choice_index=0)
    delta, logprobs = inner(choice, "delta"), choice.get("logprobs")
    return replace(
        event,
        choice_index=position(choice, "index") or 0,
        role=text(delta, "role"),
        content=_content(delta),
        refusal=text(delta, "refusal"),
        reasoning=_reasoning(delta),
        tool_calls=_tool_calls(delta),
        finish_reason=text(choice, "finish_reason"),
        logprobs=None if logprobs is None else encode(logprobs),
    )


def _content(delta: Chunk) -> str | None:
    """The text of the answer; of a list of parts, those that are text."""
    if type(delta.get("content")) is not list:
        return text(delta, "content")
    parts = objects(delta, "content")
    return joined([text(part, "text") for part in parts if part.get("type") == "text"])


def _reasoning(delta: Chunk) -> str | None:
    """The text of the reasoning, once, though it may stand there under several names."""
    if not _MAY_REASON & delta.keys() and type(delta.get("content")) is not list:
        return None
    texts = [text(delta, name) for name in _REASONING]
    texts.append(
        joined([text(part, "text") or text(part, "summary") for part in objects(delta, "reasoning_details")])
    )
    texts += [_thinking(part) for part in objects(delta, "content") if part.get("type") == "thinking"]
    found = [each for each in texts if each is not None]
    return next(filter(None, found), "" if found else None)


def _thinking(part: Chunk) -> str | None:
    """The text of a thinking part, which Mistral writes as a list of text parts."""
    return joined([text(part, "thinking"), *(text(each, "text") for each in objects(part, "thinking"))])


def _tool_calls(delta: Chunk) -> tuple[ToolCall, ...] | None:
    """Tool calls, or the one legacy function call: it has neither index nor id."""
    calls = delta.get("tool_calls")
    if type(calls) is list:
        return tuple([_tool_call(call) if type(call) is dict else ToolCall() for call in calls])
    function = delta.get("function_call")
    return (_function(function),) if type(function) is dict else None


def _tool_call(call: Chunk) -> ToolCall:
    if "function" not in call and "custom" in call:
        custom = inner(call, "custom")
        return ToolCall(
            position(call, "index"), text(call, "id"), text(custom, "name"), text(custom, "input")
        )
    function = _function(inner(call, "function"))
    return replace(function, index=position(call, "index"), id=text(call, "id"))


def _function(function: Chunk) -> ToolCall:
    return ToolCall(name=text(function, "name"), arguments=as_text(function.get("arguments")))


def _skeleton(rows: Sequence[Row]) -> Chunk:
    choices = [] if rows[0].choice_index is None else [_choice_members(row) for row in rows]
    return event_skeleton(rows, "chat.completion.chunk", choices)


def _choice_members(row: Row) -> Chunk:
    return {
        "index": row.choice_index,
        "delta": {
            "role": row.role,
            "content": row.content,
            "refusal": row.refusal,
            _REASONING[0]: row.reasoning,
            **_call_members(row.tool_calls),
        },
        "logprobs": None if row.logprobs is None else decode(row.logprobs.encode()),
        "finish_reason": row.finish_reason,
    }


def _call_members(calls: tuple[ToolCall, ...] | None) -> Chunk:
    if calls is None:
        return {}
    if len(calls) == 1 and calls[0].index is None and calls[0].id is None:
        return {"function_call": known(name=calls[0].name, arguments=calls[0].arguments)}
    return {"tool_calls": [_call(call) for call in calls]}


def _call(call: ToolCall) -> Chunk:
    function = known(name=call.name, arguments=call.arguments)
    return {"index": call.index, "id": call.id, "type": "function" if call.id else None, "function": function}


CHAT_COMPLETIONS: Final = Api(
    name="chat.completions",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    listed="choices",
)
"""OpenAI's Chat Completions, and the many servers that offer the same."""
