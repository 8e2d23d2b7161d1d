"""Typed looks into chunks: a member of the wrong type is null here, and the patch keeps it as it is.

Nothing in this module raises, whatever JSON it is given.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from ssetl.apis.row import Chunk, Json, Row, Usage
from ssetl.jsontext import NotJson, decode, encode

INT32: Final = (-(1 << 31), (1 << 31) - 1)
"""What the columns `choice_index` and `tool_calls.index` can hold."""

INT64: Final = (-(1 << 63), (1 << 63) - 1)
"""What the columns of token counts can hold."""

MILLISECONDS_ABOVE: Final = 10**11
"""A `created` above this is in milliseconds: as seconds it would lie beyond the year 5138."""

LAST_SECOND: Final = 253_402_300_799
"""The last second of the year 9999, where calendars of most tools end."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NUMBERS: Final = (int, float)
_NOTHING: Final[Chunk] = {}
_OF_CHOICE: Final = ("content", "reasoning", "refusal", "tool_calls", "finish_reason", "role")


def text(owner: Chunk, key: str) -> str | None:
    """The member `key`, if it is a string."""
    value = owner.get(key)
    return value if type(value) is str else None


def count(owner: Chunk, key: str) -> int | None:
    """The member `key`, if it is a whole number that an int64 column can hold; 12.0 is one."""
    value = owner.get(key)
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and INT64[0] <= value <= INT64[1] else None


def position(owner: Chunk, key: str) -> int | None:
    """The member `key`, if it is an integer that an int32 column can hold."""
    value = owner.get(key)
    return value if type(value) is int and INT32[0] <= value <= INT32[1] else None


def inner(owner: Chunk, key: str) -> Chunk:
    """The member `key`, if it is an object, else an empty one. Not to be changed."""
    value = owner.get(key)
    return value if type(value) is dict else _NOTHING


def elements(owner: Chunk, key: str) -> list[Json]:
    """The member `key`, if it is a list, else an empty one. Not to be changed."""
    value = owner.get(key)
    return value if type(value) is list else []


def objects(owner: Chunk, key: str) -> list[Chunk]:
    """The objects among the elements of the list `key`."""
    return [element for element in elements(owner, key) if type(element) is dict]


def first(*values: int | None) -> int | None:
    """The first that is known."""
    return next((value for value in values if value is not None), None)


def joined(texts: list[str | None]) -> str | None:
    """The strings of `texts` as one; None if there is none."""
    found = [each for each in texts if each is not None]
    return "".join(found) if found else None


def epoch(owner: Chunk, key: str) -> int | None:
    """Microseconds since 1970 of a member in seconds, or in milliseconds above `MILLISECONDS_ABOVE`."""
    value: Json = owner.get(key)
    if type(value) not in _NUMBERS or not 0 < value <= LAST_SECOND * 1000:
        return None
    microseconds: int = round(value * (1_000_000 if value <= MILLISECONDS_ABOVE else 1000))
    return microseconds


def instant(owner: Chunk, key: str) -> int | None:
    """Microseconds since 1970 of an ISO 8601 member, UTC if it names no zone; finer digits are cut."""
    value = owner.get(key)
    if type(value) is not str:
        return None
    try:
        when = datetime.fromisoformat(value)
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return (when - _EPOCH) // _MICROSECOND


def seconds(created_at: int | None) -> int | None:
    """The opposite of `epoch`, for a member in seconds."""
    return None if created_at is None else created_at // 1_000_000


def iso(created_at: int | None) -> str | None:
    """The opposite of `instant`, written as Go does: UTC, `Z`, no trailing zeros."""
    if created_at is None:
        return None
    when = (_EPOCH + timedelta(microseconds=created_at)).replace(tzinfo=None).isoformat()
    return (when.rstrip("0") if "." in when else when) + "Z"


def known(**members: Any) -> Chunk:
    """The members that are not None."""
    return {key: value for key, value in members.items() if value is not None}


def as_text(value: Json) -> str | None:
    """A string as it is, null as None, anything else as JSON."""
    return value if value is None or type(value) is str else encode(value)


def from_text(value: str | None) -> Json:
    """The opposite of `as_text`, mostly: the value of a JSON text, and any other text as it is."""
    try:
        return None if value is None else decode(value.encode())
    except NotJson:
        return value


def counted(**counts: int | None) -> Usage | None:
    """Usage with these counts, or None if not one of them is known."""
    return Usage(**counts) if any(value is not None for value in counts.values()) else None


def choice_rows(event: Row, choices: list[Json], of_choice: Callable[[Row, Json], Row]) -> list[Row]:
    """One row per choice, or the row of the event where there is none.

    `of_choice` adds to a row what a choice says. What stands on the first row only is gone from the others.
    """
    if not choices:
        return [event]
    rows = [of_choice(event, choices[0])]
    if len(choices) > 1:
        event = replace(event, usage=None, error_type=None, error_message=None)
        rows += [of_choice(event, choice) for choice in choices[1:]]
    return rows


def candidate(**columns: Any) -> Row:
    """A row of an API with a single choice: of choice 0 if it says anything of it, else of none."""
    about = any(columns.get(column) is not None for column in _OF_CHOICE)
    return Row(choice_index=0 if about else None, **columns)
