"""What tests of the core share: events as bytes, and what captures become of bytes."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import pytest

from ssetl.captures.exchange import Exchange, Piece, Read
from ssetl.interleaved import read_interleaved
from ssetl.response import read_response
from ssetl.streams import Capture

DONE = b"data: [DONE]\n\n"
CAPTURE_ID = "12" * 16


def table(names: str, cases: dict[str, Any]) -> pytest.MarkDecorator:
    """A test with one case per entry: what the case is about, and the values of the arguments."""
    return pytest.mark.parametrize(names, list(cases.values()), ids=list(cases))


def chunk(
    response_id: str | None = "a", choices: Sequence[dict[str, Any]] = (), **members: Any
) -> dict[str, Any]:
    """A chunk of Chat Completions."""
    named = {} if response_id is None else {"id": response_id}
    return {**named, "object": "chat.completion.chunk", "choices": list(choices), **members}


def choice(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    """An element of `choices`."""
    return {"index": index, "delta": delta, "finish_reason": finish}


def data(value: Any) -> bytes:
    """A value as an event of one data line."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def role(response_id: str | None = "a", index: int = 0) -> bytes:
    """The event that begins a choice."""
    return data(chunk(response_id, [choice(index, role="assistant", content="")]))


def text(content: str, response_id: str | None = "a", index: int = 0) -> bytes:
    """An event with a piece of the answer."""
    return data(chunk(response_id, [choice(index, content=content)]))


def finish(response_id: str | None = "a", reason: str = "stop", index: int = 0) -> bytes:
    """The event that ends a choice."""
    return data(chunk(response_id, [choice(index, reason)]))


def usage(response_id: str | None = "a", output_tokens: int = 2) -> bytes:
    """The event that tells usage and nothing else."""
    counts = {"prompt_tokens": 5, "completion_tokens": output_tokens, "total_tokens": 5 + output_tokens}
    return data(chunk(response_id, usage=counts))


def frame(payload: bytes, **headers: Any) -> bytes:
    """A frame of an AWS event stream, by the specification.

    Prelude (length, length of the headers, checksum), headers, payload, checksum.
    """
    packed = b"".join(_header(f":{name.replace('_', '-')}", value) for name, value in headers.items())
    prelude = struct.pack("!II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + packed + payload
    return message + struct.pack("!I", zlib.crc32(message))


def _header(name: str, value: Any) -> bytes:
    if isinstance(value, bool):
        packed = b"\x00" if value else b"\x01"
    elif isinstance(value, int):
        packed = b"\x04" + struct.pack("!i", value)
    elif isinstance(value, bytes):  # its type and itself, as they are
        packed = value
    else:
        packed = b"\x07" + struct.pack("!H", len(value)) + value.encode()
    return bytes([len(name)]) + name.encode() + packed


def read_file(*pieces: bytes | Piece, ndjson: bool = False) -> Capture:
    """What a raw file with these bytes becomes."""
    return _read(Exchange(_body(pieces), single=False, ndjson=ndjson))


def read_body(*pieces: bytes | Piece, **known: Any) -> Capture:
    """What one response with this body becomes; `known` is what the container knows of the exchange."""
    return _read(Exchange(_body(pieces), **known))


def contents(capture: Capture) -> dict[int, str]:
    """The text of each stream, by its ordinal."""
    ordinals = {stream["stream_id"]: stream["ordinal"] for stream in capture.streams}
    found = dict.fromkeys(sorted(ordinals.values()), "")
    for event in capture.placed:
        found[ordinals[event.stream_id]] += "".join(row.content or "" for row in event.rows)
    return found


def streams(capture: Capture, *columns: str) -> list[Any]:
    """These columns of each stream, in the order in which the streams began: tuples, or values of one."""
    ordered = sorted(capture.streams, key=lambda stream: stream["ordinal"])
    if len(columns) == 1:
        return [stream[columns[0]] for stream in ordered]
    return [tuple(stream[column] for column in columns) for stream in ordered]


def _body(pieces: Iterable[bytes | Piece]) -> list[Piece]:
    return [Read(piece) if isinstance(piece, bytes) else piece for piece in pieces]


def _read(exchange: Exchange) -> Capture:
    capture = Capture(CAPTURE_ID)
    for _ in (read_response if exchange.single else read_interleaved)(capture, exchange):
        pass
    return capture
