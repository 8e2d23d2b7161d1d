"""The binary event streams of AWS. Frames are built here by the specification, not by botocore."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import frame, table
from ssetl.captures.exchange import Gap, Payload
from ssetl.eventstream import is_event_stream, payloads


def resealed(message: bytes) -> bytes:
    """A message with the checksums that belong to it."""
    prelude = message[:8] + struct.pack("!I", zlib.crc32(message[:8]))
    body = prelude + message[12:-4]
    return body + struct.pack("!I", zlib.crc32(body))


EVENT = frame(b'{"a":1}', message_type="event", event_type="chunk")


@table(
    "message, found",
    {
        "an event": (EVENT, ("chunk", b'{"a":1}')),
        "an exception": (
            frame(b'{"message":"slow"}', message_type="exception", exception_type="throttlingException"),
            ("throttlingException", b'{"message":"slow"}'),
        ),
        "an error, which has headers only": (
            frame(b"", message_type="error", error_code="InternalError", error_message="oh"),
            ("error", b'{"code":"InternalError","message":"oh"}'),
        ),
        "no headers": (frame(b"{}"), (None, b"{}")),
        "a type that is no text": (frame(b"{}", event_type=7), (None, b"{}")),
    },
)
def test_a_frame_is_a_payload(message: bytes, found: tuple[str | None, bytes]) -> None:
    assert is_event_stream(message)
    [payload] = payloads(message)
    assert payload == Payload(found[1], 0, len(message), found[0])


def test_a_frame_without_payload_carries_nothing() -> None:
    assert list(payloads(frame(b"", event_type="initial-response"))) == [Gap(0, 47)]


def test_frames_follow_each_other() -> None:
    size = len(EVENT)
    assert list(payloads(EVENT * 3)) == [Payload(b'{"a":1}', at * size, size, "chunk") for at in range(3)]


@table(
    "damaged",
    {
        "cut in the prelude": EVENT[:7],
        "cut in the payload": EVENT[:-6],
        "payload changed": EVENT[:-6] + b"!" + EVENT[-5:],
        "prelude changed": EVENT[:1] + b"\x01" + EVENT[2:],
        "length zero": resealed(bytes(8) + EVENT[8:]),
        "shorter than a frame": resealed(struct.pack("!II", 12, 0) + EVENT[8:]),
        "headers longer than the frame": resealed(EVENT[:4] + struct.pack("!I", 5000) + EVENT[8:]),
        "a header of no known type": frame(b"{}", event_type=b"\x0f"),
        "a header that was cut": frame(b"{}", event_type=b"\x05\x00"),
        "a header that is no UTF-8": frame(b"{}", event_type=b"\x07\x00\x01\xff"),
        "text": b"data: {}\n\n",
    },
)
def test_what_follows_a_damaged_frame_is_one_gap(damaged: bytes) -> None:
    size = len(EVENT)
    first, *rest = payloads(EVENT + damaged + EVENT)
    assert first == Payload(b'{"a":1}', 0, size, "chunk")
    behind = damaged + EVENT
    assert rest == [Gap(size, len(behind), "damaged_frame", behind)]


@pytest.mark.parametrize("head", [b"", b"data: {}\n\n", EVENT[:11], bytes(12), b"[" + EVENT])
def test_text_is_no_event_stream(head: bytes) -> None:
    assert not is_event_stream(head)


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=4), st.data())
def test_each_byte_is_of_one_piece_whatever_is_damaged(texts: list[bytes], data: st.DataObject) -> None:
    body = bytearray(b"".join(frame(text, event_type="chunk") for text in texts))
    for _ in range(data.draw(st.integers(0, 2))):
        body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(0, 255))
    found = list(payloads(bytes(body[: data.draw(st.integers(0, len(body)))])))
    assert [piece.offset for piece in found] == [sum(p.size for p in found[:n]) for n in range(len(found))]
    good = [piece.text for piece in found if isinstance(piece, Payload)]
    assert good == texts[: len(good)]
