"""Replicate: plain text in events named `output`, `logs`, `error` and `done`.

Their data is no JSON; `apis.decode_data` makes the chunk `{"text": …}` of it. One row per event, of
choice 0 where it is output or an end.
"""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_of
from ssetl.apis.members import candidate, text
from ssetl.apis.row import Api, Chunk, Row

TEXT_EVENTS: Final = frozenset({"output", "logs"})
"""Event types whose data is text."""


def _matches(chunk: Chunk, event_type: str | None) -> bool:
    return event_type in TEXT_EVENTS and chunk.keys() == {"text"}


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    return [
        candidate(
            content=text(chunk, "text") if event_type == "output" else None,
            finish_reason=text(chunk, "reason") if event_type == "done" else None,
            error_type=error_type,
            error_message=error_message,
        )
    ]


def _skeleton(rows: Sequence[Row]) -> Chunk:
    row = rows[0]
    return {"text": row.error_message if row.content is None else row.content, "reason": row.finish_reason}


REPLICATE: Final = Api(
    name="replicate",
    matches=_matches,
    columns=_columns,
    skeleton=_skeleton,
    ends=lambda _chunk, event_type: event_type == "done",
)
"""Replicate's prediction streams."""
