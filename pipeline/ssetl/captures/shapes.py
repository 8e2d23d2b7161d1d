"""Whether text or JSON looks like an event of an LLM API: evidence, used to recognise containers.

The judgement here decides only where events are looked for; what an event is, the framing and the API
modules decide.
"""

import re
from typing import Any, Final

from ssetl import jsontext

_FIELDS: Final = (b"data:", b"event:", b"id:", b"retry:", b": ")
_DATA: Final = re.compile(rb"data: ?(?:\{|\[DONE\])")
_OBJECTS: Final = ("chat.completion", "text_completion", "response.", "thread.", "response")
_SAYING: Final = frozenset({"delta", "text", "content", "token", "usage"})
_NAMES: Final = ("type", "event", "event_type")
_TYPES: Final = (
    "response.",
    "message_",
    "content_block_",
    "transcript.",
    "speech.audio.",
    "conversation.item.",
    "interaction.",
)


def is_sse(line: bytes) -> bool:
    """Whether a line is a field or a comment of an event stream."""
    return line.startswith(_FIELDS)


def data_at(text: bytes) -> int:
    """Where the first data line with JSON, or the terminator, begins in a text; -1: nowhere."""
    found = _DATA.search(text)
    return found.start() if found else -1


def event_in(text: bytes) -> dict[str, Any] | None:
    """The event that a JSON text is, or None."""
    value = object_in(text)
    return value if is_event(value) else None


def object_in(text: bytes) -> dict[str, Any] | None:
    """The object that a JSON text is, or None."""
    if not text.startswith(b"{"):
        return None
    try:
        value: dict[str, Any] = jsontext.decode(text)
    except jsontext.NotJson:
        return None
    return value


def is_event(value: Any) -> bool:
    """Whether a JSON value has the shape of an event of an API that is known to stream."""
    if not isinstance(value, dict):
        return False
    kind, name = value.get("object"), value.get("type")
    return (
        (isinstance(kind, str) and kind.startswith(_OBJECTS))
        or (isinstance(name, str) and name.startswith(_TYPES))
        or isinstance(value.get("choices"), list)
        or isinstance(value.get("candidates"), list)
        or (isinstance(value.get("done"), bool) and ("message" in value or "response" in value))
        or ("event_type" in value and ("is_finished" in value or "text" in value))
        or (isinstance(value.get("token"), dict) and "generated_text" in value)
        or (name == "error" and "error" in value)
    )


def may_stream(value: Any) -> bool:
    """Whether a line of JSON could be an event of some API: a metric or a log message could not."""
    return (
        is_event(value) or may_be_event(value) or (isinstance(value, dict) and not _SAYING.isdisjoint(value))
    )


def may_be_event(value: Any) -> bool:
    """Whether a JSON value could be an event of an API that nobody knows."""
    return isinstance(value, dict) and any(isinstance(value.get(name), str) for name in _NAMES)
