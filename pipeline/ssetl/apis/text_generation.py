"""Hugging Face's Text Generation Inference: one token per event.

One row per event, of choice 0. Special tokens (end of text) are no content: `generated_text` of the last
event leaves them out, too.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_members, error_of
from ssetl.apis.members import candidate, count, counted, inner, known, text
from ssetl.apis.row import Api, Chunk, Row, Usage


def _matches(chunk: Chunk, _event_type: str | None) -> bool:
    return type(inner(chunk, "token").get("text")) is str


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    token, details = inner(chunk, "token"), inner(chunk, "details")
    return [
        candidate(
            content=None if token.get("special") is True else text(token, "text"),
            finish_reason=text(details, "finish_reason"),
            usage=counted(
                input_tokens=count(details, "input_length"),
                output_tokens=count(details, "generated_tokens"),
            ),
            error_type=error_type,
            error_message=error_message,
        )
    ]


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    usage = row.usage or Usage()
    details = known(
        finish_reason=row.finish_reason,
        generated_tokens=usage.output_tokens,
        input_length=usage.input_tokens,
    )
    return {
        "token": None if row.content is None else {"text": row.content, "special": False},
        "details": details or None,
        **error_members(row),
    }


def _ends(chunk: Chunk, _event_type: str | None) -> bool:
    return type(chunk.get("generated_text")) is str


TEXT_GENERATION: Final = Api(
    name="text_generation",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    ends=_ends,
)
"""Hugging Face's Text Generation Inference."""
