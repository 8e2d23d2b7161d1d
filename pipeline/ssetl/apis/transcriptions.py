"""OpenAI's audio transcriptions, streamed: `transcript.text.delta` and its like.

One row per event, of choice 0 where it carries text. `transcript.text.done` repeats the text; that is no
content again.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_members, error_of
from ssetl.apis.members import candidate, count, counted, inner, known, text
from ssetl.apis.row import Api, Chunk, Row, Usage

_DELTA: Final = "transcript.text.delta"
_DONE: Final = "transcript.text.done"


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    return (text(chunk, "type") or "").startswith("transcript.text.")


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    return [
        candidate(
            content=text(chunk, "delta") if chunk.get("type") == _DELTA else None,
            usage=_usage(inner(chunk, "usage")),
            error_type=error_type,
            error_message=error_message,
        )
    ]


def _usage(usage: Chunk) -> Usage | None:
    return counted(
        input_tokens=count(usage, "input_tokens"),
        output_tokens=count(usage, "output_tokens"),
        total_tokens=count(usage, "total_tokens"),
        audio_input_tokens=count(inner(usage, "input_token_details"), "audio_tokens"),
    )


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    if row.content is not None:
        return {"type": _DELTA, "delta": row.content}
    if row.usage is not None:
        return {"type": _DONE, "usage": {"type": "tokens", **_counts(row.usage)}}
    return error_members(row)


def _counts(usage: Usage) -> Chunk:
    return known(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        total_tokens=usage.total_tokens,
        input_token_details=known(audio_tokens=usage.audio_input_tokens) or None,
    )


TRANSCRIPTIONS: Final = Api(
    name="audio.transcriptions",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    ends=lambda chunk, _type: chunk.get("type") == _DONE,
)
"""OpenAI's audio transcriptions."""
