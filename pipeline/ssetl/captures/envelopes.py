"""JSON lines that wrap events: a time member beside a payload member, `{"ts": …, "line": "data: {…}"}`.

Names differ from logger to logger, so the payload is recognised by what it holds: a line of an event
stream, or an object with the shape of an event, at the top or one level down. An object that is itself an
event is no envelope, whatever times it has.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ssetl import jsontext, times
from ssetl.captures import bodies, shapes

TIME_NAMES: Final = (
    "received_at", "receivedAt", "arrived_at", "arrival_time", "timestamp", "@timestamp", "ts", "time", "t",
    "datetime", "date", "timestamp_ms", "timestamp_us", "timestamp_ns", "time_ns", "epoch",
    "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "logged_at", "created_at", "asctime",
)  # fmt: skip
"""Members that hold the time of an envelope, the most telling first."""

PAYLOAD_NAMES: Final = frozenset(
    {"chunk", "event", "payload", "parsed", "data", "response", "message", "body"}
)
"""Members whose object, beside a time, is taken for an event even if its API is unknown."""

_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Payload(msgspec.Struct, frozen=True):
    """What an envelope holds: a text, or the JSON text of an object, and the time."""

    text: bytes
    is_object: bool
    at: int | None


class Envelope(msgspec.Struct, frozen=True):
    """One way of wrapping: where the payload is, and which member tells the time, if one does.

    `timed` tells whether its times are arrival times: they are not if they stand still.
    """

    path: tuple[str, ...]
    time: str | None
    timed: bool = True

    def unwrap(self, line: bytes) -> Payload | None:
        """What a line wraps; None if it is no such envelope or wraps nothing."""
        raw, stamp = self.members(line)
        if raw is None or raw[:1] not in (b'"', b"{"):
            return None
        at = None if stamp is None else times.parse_instant(stamp.decode("utf-8", "replace").strip('"'))
        if raw.startswith(b"{"):
            return Payload(raw, True, at)
        text = _value(raw)
        return Payload(text.encode("utf-8", "replace"), False, at) if isinstance(text, str) else None

    def members(self, line: bytes) -> tuple[bytes | None, bytes | None]:
        """The JSON of the payload and that of an arrival time, each if there is one."""
        members = _members(line)
        raw = members.get(self.path[0])
        for name in self.path[1:]:
            raw = None if raw is None else _members(raw).get(name)
        return raw, members.get(self.time) if self.time and self.timed else None


def recognise(lines: Sequence[bytes]) -> Envelope | None:
    """The envelope of a file's lines, or None.

    Args:
        lines: the first lines of the file, whole ones only, without any prefix.
    """
    return recognise_values([_value(line) for line in lines if line.startswith(b"{")])


def recognise_values(values: Sequence[Any]) -> Envelope | None:
    """The envelope of parsed lines, or of the elements of a list."""
    objects = [value for value in values if isinstance(value, dict)]
    bare = sum(shapes.is_event(value) for value in objects)
    votes = Counter(path for path in map(_path, objects) if path is not None)
    if not votes or bare > sum(votes.values()):
        return None
    [(path, _)] = votes.most_common(1)
    wrapping = [value for value in objects if value.get(path[0]) is not None]
    time = next((name for name in TIME_NAMES if _tells(name, wrapping)), None)
    if time is None:
        return None if any(map(shapes.may_be_event, wrapping)) else Envelope(path, None)
    return Envelope(path, time, times.advances([instant(value.get(time)) for value in wrapping]))


def instant(value: Any) -> int | None:
    """Microseconds of a time as JSON holds it: a number or a text, of any unit."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    return times.parse_instant(value if isinstance(value, str) else repr(value))


def _tells(name: str, values: Sequence[dict[str, Any]]) -> bool:
    known = sum(instant(value.get(name)) is not None for value in values)
    return known > 0 and known >= len(values) * 0.9


def _path(value: dict[str, Any]) -> tuple[str, ...] | None:
    """Where in an envelope the event is."""
    if shapes.is_event(value):
        return None
    for name, member in value.items():
        if _holds_event(member):
            return (name,)
        for inner_name, inner in member.items() if isinstance(member, dict) else ():
            if _holds_event(inner):
                return (name, inner_name)
    if shapes.may_be_event(value) or not any(instant(value.get(name)) for name in TIME_NAMES):
        return None
    return next(
        ((name,) for name in value if name in PAYLOAD_NAMES and shapes.may_be_event(value[name])), None
    )


def _holds_event(value: Any) -> bool:
    if isinstance(value, str):
        text = value.encode("utf-8", "replace")
        return shapes.data_at(text) >= 0 or shapes.event_in(text) is not None
    return shapes.is_event(value)


def _value(line: bytes) -> Any:
    try:
        return jsontext.decode(line)
    except jsontext.NotJson:
        return None


def _members(text: bytes) -> dict[str, bytes]:
    members = members_of(text)
    if members is not None:
        return members
    value = _value(text)
    found = value if isinstance(value, dict) else {}
    return {name: bodies.json_text(member) for name, member in found.items()}


def members_of(text: bytes) -> dict[str, bytes] | None:
    """The members of an object as they stand there; None if the text is no strict JSON or no object."""
    try:
        return {name: bytes(raw) for name, raw in _raw_members.decode(text).items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
