"""Application logs that hold an event stream somewhere in their lines: `DEBUG chunk: data: {…}`.

The leads, the texts between the line's start and the event, are learned from the first lines of a file: they
are those that stand before something that is certainly an event. Only lines with one of them give events. Of
leads that show the same events, only the commonest counts, so that a log which shows each event twice does
not count it twice. Words with a digit in a lead may differ from line to line, and so may its blanks.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from ssetl import jsontext
from ssetl.captures import shapes

_MAX_LEAD: Final = 1000  # bytes; more is content
_MAX_LEADS: Final = 64
_VARYING: Final = re.compile(rb"[\w-]*[0-9][\w-]*")
_BLANKS: Final = re.compile(rb" +")
_OBJECT: Final = re.compile(rb'\{\s*"')
_ADDED: Final = ("choices", "candidates", "delta", "message", "response")
_AGAIN: Final = 0.8  # share of a lead's events that others have shown: not all, some are not parsed
_TRIES: Final = 3  # objects of one line that are looked at
_QUOTED: Final = {
    b'"': re.compile(rb'((?:[^"\\]++|\\.)*+)"'),
    b"'": re.compile(rb"((?:[^'\\]++|\\.)*+)'"),
}
_extent = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)

Lead = re.Pattern[bytes]
"""What may stand before the event in a line."""


def recognise(lines: Sequence[bytes]) -> Lead | None:
    """The leads of a log, or None if its lines hold no event, or hold it at their start."""
    shown: dict[bytes, list[_Shown]] = {}
    for number, line in enumerate(lines):
        for at in _candidates(line):
            payload = _payload(line[:at], line[at:])
            event = None if payload is None else _event_in(payload)
            if event is not None:
                lead = _VARYING.sub(b"\x00", _BLANKS.sub(b" ", line[:at]))
                shown.setdefault(lead, []).append(_Shown(number, event.get("id"), _texts(event)))
                break
    found: list[bytes] = []
    known: list[_Shown] = []
    for lead, events in sorted(shown.items(), key=lambda item: -len(item[1])):
        if not lead.strip() and not found:
            return None
        if len(found) < _MAX_LEADS and (not found or _are_others(events, known)):
            found.append(lead)
            known = sorted([*known, *events])
    # The longest first: another one may begin like it.
    return re.compile(b"|".join(map(_pattern, sorted(found, key=len, reverse=True)))) if found else None


class _Shown(NamedTuple):
    """An event of a log: its line, its id, and what it says."""

    line: int
    id: object
    texts: tuple[str, ...]


def _are_others(events: Sequence[_Shown], known: Sequence[_Shown]) -> bool:
    """Whether events are others than those that are known.

    Loggers show an event once more in their own way, with members added, left out or in another order. But
    they do not give it another id, and what they show says the same in the same order.
    """
    ids = {event.id for event in events} - {None}
    if ids and ids.isdisjoint(event.id for event in known):
        return True
    said = [event.texts for event in events if event.texts]
    before = [event.texts for event in known]
    again = place = 0
    for texts in said:
        if texts in before[place:]:
            place = before.index(texts, place) + 1
            again += 1
    return again < len(said) * _AGAIN


def _pattern(lead: bytes) -> bytes:
    *parts, last = lead.split(b"\x00")
    pattern = b"".join(_literal(part) + rb"[\w-]++" for part in parts[:-1])
    if parts:  # what varies may stand right before the event, and its letters be followed by others
        pattern += _literal(parts[-1]) + (rb"[\w-]++" if last else rb"[\w-]+?(?=data:|\{)")
    return pattern + _literal(last)


def _literal(part: bytes) -> bytes:
    return re.escape(part).replace(rb"\ ", b" ++")


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


def _event_in(payload: bytes) -> dict[str, Any] | None:
    """The event of a payload, an empty one if it is the terminator; None if it is no event."""
    if payload.startswith(b"data:"):
        text = payload.removeprefix(b"data:").strip()
        return {} if text == b"[DONE]" else shapes.object_in(text)
    return shapes.event_in(payload)


def _texts(event: dict[str, Any]) -> tuple[str, ...]:
    """The texts in what an event adds, without their order."""
    added = next((event[name] for name in _ADDED if name in event), event)
    return tuple(sorted(_strings(added)))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)
