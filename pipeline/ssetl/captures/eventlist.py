"""A JSON list of events, or of envelopes around events, at the top of a document or one or two levels down.

So write exporters of proxies (`entries` with `timestamp`, `direction` and `parsed`), debug recorders and
programs that dump what they received. Each direction of a proxy is an exchange of its own: both sides
carry the same response, and it must not be counted in one stream twice.
"""

from collections.abc import Iterator
from typing import Any, Final

from ssetl.captures import bodies, shapes
from ssetl.captures.documents import Schema
from ssetl.captures.envelopes import Envelope, instant, recognise_values
from ssetl.captures.exchange import Exchange, Gap, Payload, Piece

_DEPTH: Final = 2
_LOOK_AT: Final = 400  # elements of a list
_SIDES: Final = ("direction", "leg")


def _matches(value: Any) -> bool:
    if isinstance(value, list):  # of events: one response as JSON, which the framing takes apart
        return recognise_values(value[:_LOOK_AT]) is not None
    return _list_in(value) is not None


def _list_in(value: Any, depth: int = 0) -> list[Any] | None:
    """The first list that holds events or envelopes around them."""
    if isinstance(value, list):
        some = value[:_LOOK_AT]
        events = sum(shapes.is_event(each) for each in some)
        return value if events * 2 > len(some) or recognise_values(some) else None
    if not isinstance(value, dict) or depth > _DEPTH or shapes.is_event(value):
        return None
    found = (_list_in(member, depth + 1) for member in value.values())
    return next((each for each in found if each is not None), None)


def _exchanges(document: Any) -> Iterator[Exchange]:
    elements = _list_in(document) or []
    envelope = recognise_values(elements[:_LOOK_AT])
    if envelope is None:
        yield Exchange(_events(elements), single=True)
        return
    sides: dict[str, list[Any]] = {}
    for element in elements:
        sides.setdefault(_side(element), []).append(element)
    for each in sides.values():
        yield Exchange(_unwrapped(each, envelope), single=False, ndjson=True)


def _side(element: Any) -> str:
    members = element if isinstance(element, dict) else {}
    return next((str(members[name]) for name in _SIDES if name in members), "")


def _events(elements: list[Any]) -> Iterator[Piece]:
    offset = 0
    for element in elements:
        text = bodies.json_text(element)
        yield Payload(text, offset, len(text), bare=True)
        offset += len(text)


def _unwrapped(elements: list[Any], envelope: Envelope) -> Iterator[Piece]:
    offset = 0
    for element in elements:
        whole = bodies.json_text(element)
        payload = element
        for name in envelope.path:
            payload = payload.get(name) if isinstance(payload, dict) else None
        if isinstance(payload, dict):
            at = instant(element.get(envelope.time)) if envelope.time and envelope.timed else None
            yield Payload(bodies.json_text(payload), offset, len(whole), received_at=at)
        else:
            yield Gap(offset, len(whole), "log_line")  # without a sample: it may be a request
        offset += len(whole)


SCHEMA = Schema("event-list", _matches, _exchanges)
