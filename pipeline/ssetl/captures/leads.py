"""Application logs that hold an event stream somewhere in their lines: `DEBUG chunk: data: {…}`.

The lead, the text between the line's start and the event, is learned from the first lines of a file: it is
the one that most often stands before something that is certainly an event. Only lines with that lead give
events, so that a log which shows each event twice does not count it twice. Numbers in a lead may differ.
"""

import ast
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ssetl import jsontext
from ssetl.captures import shapes

_MAX_LEAD: Final = 1000  # bytes; more is content
_NUMBER: Final = re.compile(rb"(?:0x)?[0-9a-fA-F-]*[0-9][0-9a-fA-F-]*")
_OBJECT: Final = re.compile(rb'\{\s*"')
_TRIES: Final = 3  # objects of one line that are looked at
_QUOTED: Final = {
    b'"': re.compile(rb'((?:[^"\\]++|\\.)*+)"'),
    b"'": re.compile(rb"((?:[^'\\]++|\\.)*+)'"),
}
_extent = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)

Lead = re.Pattern[bytes]
"""What stands before the event in a line."""


def recognise(lines: Sequence[bytes]) -> Lead | None:
    """The lead of a log, or None if its lines hold no event, or hold it at their start."""
    votes: Counter[bytes] = Counter()
    for line in lines:
        for at in _candidates(line):
            payload = _payload(line[:at], line[at:])
            if payload is not None and _is_event(payload):
                votes[_NUMBER.sub(b"\x00", line[:at])] += 1
                break
    if not votes:
        return None
    [(lead, _)] = votes.most_common(1)
    if not lead:
        return None
    return re.compile(rb"(?:0x)?+[0-9a-fA-F-]++".join(re.escape(part) for part in lead.split(b"\x00")))


def extract(lead: Lead, line: bytes) -> bytes | None:
    """What a line holds behind the lead: a line of an event stream, or JSON. None if it has no such lead."""
    found = lead.match(line)
    return None if found is None else _payload(line[: found.end()], line[found.end() :])


def _candidates(line: bytes) -> list[int]:
    line = line[:_MAX_LEAD]
    data = shapes.data_at(line)
    objects = [found.start() for found, _ in zip(_OBJECT.finditer(line), range(_TRIES), strict=False)]
    return [data] if data >= 0 else objects


def _payload(lead: bytes, rest: bytes) -> bytes | None:
    quote = lead[-1:]
    if quote in _QUOTED:
        return _unquoted(quote, rest)
    if rest.startswith(b"{"):
        if jsontext.holds_more(rest, jsontext.MAX_VALUES):
            return None
        text = rest.decode("utf-8", "surrogateescape")
        try:
            end = _extent.raw_decode(text)[1]
        except (ValueError, RecursionError):
            return None
        return text[:end].encode("utf-8", "surrogateescape")
    return rest


def _unquoted(quote: bytes, rest: bytes) -> bytes | None:
    """The text of a quoted string that began just before: as JSON and Go or as Python writes it."""
    found = _QUOTED[quote].match(rest)
    if found is None:
        return None
    try:
        if quote == b'"':
            text = jsontext.decode(b'"' + found[1] + b'"')
        else:
            text = ast.literal_eval("b'" + found[1].decode("latin-1") + "'")
    except (jsontext.NotJson, ValueError, SyntaxError, MemoryError):
        return None
    return text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")


def _is_event(payload: bytes) -> bool:
    if payload.startswith(b"data:"):
        text = payload.removeprefix(b"data:").strip()
        return text == b"[DONE]" or _is_json(text)
    return shapes.event_in(payload) is not None


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(jsontext.decode(text), dict)
    except jsontext.NotJson:
        return False
