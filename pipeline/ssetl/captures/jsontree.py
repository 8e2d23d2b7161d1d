"""JSON documents: the values of a text, and of a damaged text those that are whole."""

import json
import re
from typing import Any, Final

from ssetl import jsontext
from ssetl.captures.documents import EXCHANGE_LISTS, MAX_VALUES, Loaded

_BLANK: Final = re.compile(r"[ \t\n\r\ufeff]*")
_MAX_DEPTH: Final = 3  # of the objects around a list of exchanges
_extent = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)


def load(text: bytes) -> Loaded:
    """The values of a JSON text: one, or several that follow each other."""
    if jsontext.holds_more(text, MAX_VALUES):
        return Loaded([], 0, "too_many_values")
    try:
        return Loaded([jsontext.decode(text.removeprefix(b"\xef\xbb\xbf"), max_values=MAX_VALUES)], len(text))
    except jsontext.NotJson as why:
        return _salvage(text.decode("utf-8", "surrogateescape"), str(why))


def elements(text: bytes) -> list[tuple[int, int]]:
    """Where the whole elements of a JSON array begin and end in `text`."""
    chars = text.decode("latin-1")  # one character per byte: JSON's own characters are ASCII
    return _elements(chars, chars.find("[") + 1)[0]


def _salvage(text: str, reason: str) -> Loaded:
    values: list[Any] = []
    at = _skip_blank(text, 0)
    end = 0
    while at < len(text):
        after = _whole(text, at)
        if after is None:
            value, after = _partial(text, at, 0)
            values += [] if value is None else [value]
            return Loaded(values, _size(text, end if value is None else after), reason)
        values.append(_decode(text, at, after))
        end = after
        at = _skip_blank(text, after)
    return Loaded(values, _size(text, len(text)), None if values else reason)


def _partial(text: str, at: int, depth: int) -> tuple[Any, int]:
    """What is whole of the damaged value at `at`, and where that ends; None if it holds no exchange list."""
    if text[at] == "[":
        found, end = _elements(text, at + 1)
        return [_decode(text, *each) for each in found], end
    members: dict[str, Any] = {}
    end = at + 1
    while member := _member(text, end, first=not members):
        name, value_at = member
        after = _whole(text, value_at)
        if after is not None:
            members[name] = _decode(text, value_at, after)
            end = after
            continue
        opening = text[value_at : value_at + 1]
        if (opening == "{" and depth < _MAX_DEPTH) or (opening == "[" and name in EXCHANGE_LISTS):
            value, after = _partial(text, value_at, depth + 1)
            if value is not None:
                return members | {name: value}, after
        break
    return (members if EXCHANGE_LISTS & members.keys() else None), end


def _member(text: str, at: int, *, first: bool) -> tuple[str, int] | None:
    """Name of the next member of an object, and where its value begins; None if there is none."""
    at = _skip_blank(text, at)
    if not first:
        if text[at : at + 1] != ",":
            return None
        at = _skip_blank(text, at + 1)
    end = _whole(text, at) if text[at : at + 1] == '"' else None
    if end is None:
        return None
    colon = _skip_blank(text, end)
    if text[colon : colon + 1] != ":":
        return None
    return str(_decode(text, at, end)), _skip_blank(text, colon + 1)


def _elements(text: str, at: int) -> tuple[list[tuple[int, int]], int]:
    found: list[tuple[int, int]] = []
    end = at
    while True:
        at = _skip_blank(text, at)
        after = _whole(text, at)
        if after is None:
            return found, end
        found.append((at, after))
        end = after
        at = _skip_blank(text, after)
        if text[at : at + 1] != ",":
            return found, (at + 1 if text[at : at + 1] == "]" else end)
        at += 1


def _whole(text: str, at: int) -> int | None:
    """Where the value that begins at `at` ends; None if none does, or it is not whole."""
    try:
        return _extent.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return None


def _decode(text: str, start: int, end: int) -> Any:
    try:
        return jsontext.decode(text[start:end].encode("utf-8", "surrogateescape"), max_values=MAX_VALUES)
    except jsontext.NotJson:
        return None


def _skip_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _size(text: str, end: int) -> int:
    return len(text[:end].encode("utf-8", "surrogateescape"))
