"""The legacy Completions API: text without a conversation.

One row per element of `choices`, its `text` in the column `content`.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from ssetl.apis.envelope import event_row, event_skeleton
from ssetl.apis.members import choice_rows, elements, position, text
from ssetl.apis.row import Api, Chunk, Json, Row
from ssetl.jsontext import decode, encode


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    named = chunk.get("object")
    if type(named) is str and named:
        return named == "text_completion"
    choices = elements(chunk, "choices")
    return bool(choices) and type(choices[0]) is dict and type(choices[0].get("text")) is str


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    return choice_rows(event_row(chunk, event_type), elements(chunk, "choices"), _of_choice)


def _of_choice(event: Row, choice: Json) -> Row:
    """The row of one choice; without an index of its own it is choice 0."""
    if type(choice) is not dict:
        return replace(event, choice_index=0)
    logprobs = choice.get("logprobs")
    return replace(
        event,
        choice_index=position(choice, "index") or 0,
        content=text(choice, "text"),
        finish_reason=text(choice, "finish_reason"),
        logprobs=None if logprobs is None else encode(logprobs),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    choices = [] if rows[0].choice_index is None else [_choice_members(row) for row in rows]
    return event_skeleton(rows, "text_completion", choices)


def _choice_members(row: Row) -> Chunk:
    return {
        "index": row.choice_index,
        "text": row.content,
        "logprobs": None if row.logprobs is None else decode(row.logprobs.encode()),
        "finish_reason": row.finish_reason,
    }


COMPLETIONS: Final = Api(
    name="completions",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    listed="choices",
)
"""OpenAI's legacy Completions, and the servers that offer the same."""
