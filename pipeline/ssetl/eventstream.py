"""The binary event streams of AWS (application/vnd.amazon.eventstream): body to payloads.

botocore knows the frames and their checksums; this module knows where they stand in the body.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ssetl.captures.exchange import Gap, Payload
from ssetl.lines import MAX_SAMPLE

PRELUDE: Final = 12
"""Bytes of a frame's prelude: total length, length of the headers, checksum."""

_MIN_FRAME: Final = PRELUDE + 4  # a frame without headers and payload has its own checksum still


def is_event_stream(head: bytes) -> bool:
    """Whether `head` begins with the prelude of a frame: its own checksum tells."""
    if len(head) < PRELUDE:
        return False
    return zlib.crc32(head[:8]) == int.from_bytes(head[8:PRELUDE])


def payloads(body: bytes) -> Iterator[Payload | Gap]:
    """The payload of each frame. What follows a damaged frame is one gap with a reason."""
    offset = 0
    while offset < len(body):
        length = int.from_bytes(body[offset : offset + 4])
        found = _frame(body[offset : offset + length])
        if found is None:
            rest = body[offset:]
            yield Gap(offset, len(rest), "damaged_frame", rest[:MAX_SAMPLE])
            return
        headers, payload = found
        if payload:
            yield Payload(payload, offset, length, _named(headers))
        elif headers.get(":message-type") == "error":  # an error of no model has headers only
            error = {"code": headers.get(":error-code"), "message": headers.get(":error-message")}
            yield Payload(msgspec.json.encode(error), offset, length, "error")
        else:
            yield Gap(offset, length)
        offset += length


def _frame(data: bytes) -> tuple[Mapping[str, Any], bytes] | None:
    """Headers and payload of one frame; None if it is damaged or cut."""
    from botocore.eventstream import EventStreamBuffer, ParserError  # noqa: PLC0415 - few captures need it

    if len(data) < _MIN_FRAME:
        return None
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    try:
        frame = buffer.next()
    except (ParserError, StopIteration, ValueError, KeyError, struct.error):
        return None
    return frame.headers, frame.payload


def _named(headers: Mapping[str, Any]) -> str | None:
    """The type of the event, or of the exception that it is."""
    name = headers.get(":exception-type") or headers.get(":event-type")
    return name if isinstance(name, str) else None
