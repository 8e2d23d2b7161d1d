"""Parameters of reports: how they are declared, and how a text becomes a value.

A declaration reads `since TIMESTAMPTZ = NULL  what it does`. Types are those of `TYPES`. A time is an ISO
8601 date or date and time, in UTC if it names no zone, or a while before now: `30m`, `12h`, `7d`, `2w`.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from ssetl.errors import BadParameter, ReportError

Value: TypeAlias = bool | int | float | str | dt.date | None
"""What a query parameter may be; a datetime is a date, too."""


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a report: its name, type (a key of `TYPES`), default value and what it does."""

    name: str
    type: str
    default: Value
    text: str


def declaration(text: str, place: str) -> Parameter:
    """The parameter that a header line declares; `place` is the line's file and number.

    Raises:
        ReportError: the line is no declaration.
    """
    match = _DECLARATION.fullmatch(text)
    if not match:
        raise ReportError(f"{place}: expected `-- param: NAME TYPE = DEFAULT  text`, found {text!r}.")
    name, type_, default, description = match.groups()
    if type_.upper() not in TYPES:
        raise ReportError(f"{place}: parameter types are {', '.join(TYPES)}; found {type_}.")
    parameter = Parameter(name, type_.upper(), None, description or "")
    if default.upper() == "NULL":
        return parameter
    try:
        value = convert(parameter, _unquoted(default))
    except BadParameter as error:
        raise ReportError(f"{place}: default: {error}") from None
    return msgspec.structs.replace(parameter, default=value)


def convert(parameter: Parameter, value: Value) -> Value:
    """`value` in the type of `parameter`; texts are parsed, None stays None.

    Raises:
        BadParameter: it has no such type.
    """
    if value is None:
        return None
    read, expected = TYPES[parameter.type]
    try:
        return read(value)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise BadParameter(f"parameter {parameter.name} expects {expected}, found {value!r}.") from None


def is_utf8(text: str) -> bool:
    """Whether a text is one; an argument of the command line may hold any bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(value: Value) -> dt.datetime:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if isinstance(value, str):
        ago = _AGO.fullmatch(value.strip())
        if ago:
            return dt.datetime.now(dt.UTC) - int(ago[1]) * _WHILES[ago[2]]
        value = dt.datetime.fromisoformat(value.strip())
    if not isinstance(value, dt.datetime):
        raise TypeError
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not is_utf8(value):
        raise ValueError
    return value


def _whole(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def _number(value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    return float(value)


def _boolean(value: Value) -> bool:
    return {"true": True, "false": False}[str(value).strip().lower()]


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'") if text.startswith("'") else text


_AGO: Final = re.compile(r"(\d+)([mhdw])")
_WHILES: Final = {
    "m": dt.timedelta(minutes=1),
    "h": dt.timedelta(hours=1),
    "d": dt.timedelta(days=1),
    "w": dt.timedelta(weeks=1),
}
_DECLARATION: Final = re.compile(
    r"([a-z_][a-z0-9_]*)\s+(\w+)\s*=\s*('(?:[^']|'')*'|\S+)(?:\s+(.*))?", re.IGNORECASE
)

TYPES: Final[Mapping[str, tuple[Callable[[Value], Value], str]]] = {
    "TIMESTAMPTZ": (_time, "a time such as 2025-04-21, 2025-04-21T03:21:59Z or 7d"),
    "VARCHAR": (_text, "a text in UTF-8"),
    "INTEGER": (_whole, "a whole number"),
    "DOUBLE": (_number, "a number"),
    "BOOLEAN": (_boolean, "true or false"),
}
"""By type: how a value or its text is read, and what errors call it."""
