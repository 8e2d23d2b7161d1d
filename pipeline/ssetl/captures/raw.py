"""Plain text: server-sent events or NDJSON just as they came, of one response or of many.

Read block by block: memory does not grow with the file. What is neither is told by the framing.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from ssetl.captures.container import Exchanges, Reader
from ssetl.captures.exchange import Exchange, Piece, Read

BLOCK: Final = 16 << 20
"""Bytes of a piece: many events, so that they can be read together."""

SSE: Final = "sse"
NDJSON: Final = "ndjson"
CONTAINERS: Final = (SSE, NDJSON)
"""Names of the containers whose bytes are the body of their one exchange."""


def exchange(container: str, body: Iterable[Piece]) -> Exchange:
    """The one exchange of a raw file; in NDJSON, each line is an event."""
    return Exchange(body, single=False, ndjson=container == NDJSON)


def read(container: str, reader: Reader) -> Exchanges:
    """One exchange: the file."""
    yield exchange(container, _pieces(reader))


def whole(exchanges: Exchanges) -> bytes:
    """The bytes of a raw file, given as what it holds."""
    bodies = (each.body for each in exchanges if isinstance(each, Exchange))
    return b"".join(piece.data for body in bodies for piece in body if isinstance(piece, Read))


def _pieces(reader: Reader) -> Iterator[Read]:
    parts: list[bytes] = []
    size = 0
    while data := reader.read(BLOCK - size):
        parts.append(data)
        size += len(data)
        if size == BLOCK:
            yield Read(_joined(parts))
            size = 0
    if parts:
        yield Read(_joined(parts))


def _joined(parts: list[bytes]) -> bytes:
    """All parts; the list lets go of them, so that they are not kept beside what they have become."""
    data = b"".join(parts)
    parts.clear()
    return data
