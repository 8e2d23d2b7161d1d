"""What a container gives: exchanges, each with a decoded body in pieces.

Containers know files; they know nothing of APIs, streams or Parquet.
"""

from collections.abc import Iterable

import msgspec

from ssetl.lines import Line, Lines


class Read(msgspec.Struct, frozen=True):
    """Bytes of a body as one read gave them; any cut will do.

    `received_at` (microseconds since 1970) is when this read was made, if the container knows.
    """

    data: bytes
    received_at: int | None = None


class Payload(msgspec.Struct, frozen=True):
    """One event that needs no framing any more: a JSON text and where it stands in the body.

    `bare` marks an event whose format has no frame of its own (an element of a JSON array, say), so that
    an error object among them is an error outside of the events.
    """

    text: bytes
    offset: int
    size: int
    type: str | None = None
    received_at: int | None = None
    bare: bool = False


class Gap(msgspec.Struct, frozen=True):
    """Bytes of a body between events that carry nothing: brackets, commas, frame headers.

    `reason` None counts them as blank; else they are a reject.
    """

    offset: int
    size: int
    reason: str | None = None
    sample: bytes = b""
    line: int = 1


Piece = Read | Line | Lines | Payload | Gap


class Exchange(msgspec.Struct, frozen=True):
    """One HTTP exchange of a capture, and what the container knows of it.

    Args:
        body: pieces in order; their offsets count in the decoded body.
        single: whether the body is one response (then it is one stream, whatever its ids do) or a raw
            file in which several may follow each other or interleave.
        http_status, url, request_id, request_model: as recorded; None where the container is silent.
            `url` carries no credentials.
        started_at: when the exchange began by the container's word, microseconds since 1970.
        request_sent_at: the same, where the container means just that instant.
        ndjson: whether JSON outside of `data:` is an event even if no API knows it.
        clock: `arrival`, or `arrival_read` if one `received_at` may stand for several events.
    """

    body: Iterable[Piece]
    single: bool = True
    http_status: int | None = None
    url: str | None = None
    request_id: str | None = None
    request_model: str | None = None
    started_at: int | None = None
    request_sent_at: int | None = None
    ndjson: bool = False
    clock: str = "arrival"


class Leftover(msgspec.Struct, frozen=True):
    """Bytes of a container that are no exchange, and why: a row of `rejects`, offsets in the file.

    They are not kept, not even the first of them: they may be those of a request.
    """

    offset: int
    size: int
    reason: str
    line: int = 1
