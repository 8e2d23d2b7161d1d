"""Events of an API that nobody knows: counted and timed, each whole in `extra`."""

from collections.abc import Sequence
from typing import Final

from ssetl.apis.error import error_of
from ssetl.apis.row import Api, Chunk, Row


def _columns(chunk: Chunk, event_type: str | None) -> list[Row]:
    error_type, error_message = error_of(chunk, event_type) or (None, None)
    return [Row(error_type=error_type, error_message=error_message)]


def _skeleton(_rows: Sequence[Row]) -> Chunk:
    return {}


UNKNOWN: Final = Api(
    name="unknown", matches=lambda _chunk, _type: False, columns=_columns, skeleton=_skeleton
)
"""The API of events that no other API claims."""
