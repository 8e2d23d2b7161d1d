"""A body to frames: which framing a body has is told by its bytes, never by a header or a name.

Server-sent events, NDJSON and log lines are read line by line by `sse.Parser`; a JSON array of chunks and
the binary event streams of AWS are taken apart into payloads first.
"""

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import Final

import msgspec

from ssetl import apis, eventstream
from ssetl.apis.row import Chunk
from ssetl.captures.exchange import Gap, Payload, Piece, Read
from ssetl.lines import MAX_SAMPLE, Line, Lines
from ssetl.sse import Bare, Event, Frame, Parser, Reject

BLOCK: Final = 1 << 20
"""Bytes of a body that become frames at a time."""

MAX_ELEMENTS: Final = 1 << 20
"""Elements of a JSON array that are looked at; what follows is a reject."""

_BLANK: Final = b" \t\r\n"
_BETWEEN: Final = re.compile(r"[ \t\r\n,]*")  # what stands between the elements of an array
_BEHIND: Final = b" \t\r\n,]"

_MAX_HEAD: Final = 4096  # bytes that are looked at, should they be blank

# Only where an element ends is asked of this decoder: long numbers are not worth its time.
_scan: Final = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode


def frames(body: Iterable[Piece], tally: Counter[str], *, whole: bool) -> Iterator[list[Frame]]:
    """The frames of a body, piece by piece; bytes that no frame carries are added to `tally`.

    Args:
        body: its pieces, in order.
        tally: bytes by kind.
        whole: whether the body is one response, so that it may be a JSON array or a binary stream.

    """
    parser = event_parser()
    for piece in _told_apart(body) if whole else body:
        yield from frames_of(piece, parser)
    yield parser.close()
    tally.update(parser.tally)


def event_parser() -> Parser:
    """A parser for the bodies of all APIs."""
    return Parser(apis.decode_data, text_types=apis.TEXT_EVENTS)


def frames_of(piece: Piece, parser: Parser) -> Iterator[list[Frame]]:
    """The frames that a piece of a body completes; bytes that no frame carries go to the parser's tally."""
    if isinstance(piece, Read):
        for start in range(0, len(piece.data), BLOCK):
            yield parser.feed(piece.data[start : start + BLOCK], piece.received_at)
    elif isinstance(piece, Line):
        yield parser.line(piece)
    elif isinstance(piece, Lines):
        yield from map(parser.line, piece)
    elif isinstance(piece, Payload):
        yield [*parser.interrupt(), _decoded(piece)]
    elif piece.reason is None:
        parser.tally["blank"] += piece.size
    else:
        unread = Reject(piece.offset, piece.size, piece.line, piece.reason, piece.sample, unread=True)
        yield [*parser.interrupt(), unread]


def _decoded(piece: Payload) -> Frame:
    try:
        value = apis.decode_data(piece.text, piece.type)
    except ValueError as why:
        return Reject(piece.offset, piece.size, 1, str(why), piece.text[:MAX_SAMPLE])
    if piece.bare:
        return Bare(value, piece.offset, piece.size, 1, piece.text[:MAX_SAMPLE], piece.received_at)
    return Event(value, piece.type, piece.offset, piece.size, piece.received_at)


def _told_apart(body: Iterable[Piece]) -> Iterable[Piece]:
    """The pieces of one response; those of a JSON array or a binary stream already taken apart."""
    pieces = iter(body)
    head: list[Piece] = []
    start = b""
    for piece in pieces:
        head.append(piece)
        if not isinstance(piece, Read):
            break
        start += piece.data
        if len(start.lstrip(_BLANK)) >= eventstream.PRELUDE or len(start) >= _MAX_HEAD:
            break
    binary = eventstream.is_event_stream(start)
    if not binary and not start.lstrip(_BLANK).startswith(b"["):
        return chain(head, pieces)
    every = [*head, *pieces]
    reads = [piece for piece in every if isinstance(piece, Read)]
    text = b"".join([read.data for read in reads])
    found = eventstream.payloads(text) if binary else _elements(text)
    if found is None:
        return every
    return chain(_stamped(found, reads), [piece for piece in every if not isinstance(piece, Read)])


def _elements(text: bytes) -> Iterator[Payload | Gap] | None:
    """The elements of a JSON array of chunks, or of one that is an error; None if it is neither.

    What follows the last element that is whole, in an array that was cut or damaged, is a gap.
    """
    spans, ended_by = _spans(text)
    values = (value for start, end in spans if (value := _value(text[start:end])) is not None)
    first: Chunk = next(values, {})
    streamed = any(apis.recognise(value, None) for value in chain((first,), values))
    if not streamed and apis.error_of(first) is None:
        return None
    return _taken_apart(text, spans, ended_by, bare=not streamed)


def _value(text: bytes) -> Chunk | None:
    try:
        return apis.decode_data(text, None)
    except ValueError:
        return None  # a reject, once it is known that this is an array of chunks


def _taken_apart(
    text: bytes, spans: Sequence[tuple[int, int]], ended_by: str, *, bare: bool
) -> Iterator[Payload | Gap]:
    before = 0
    for start, end in spans:
        yield Gap(before, start - before)
        yield Payload(text[start:end], start, end - start, bare=bare)
        before = end
    rest = text[before:]
    yield Gap(before, len(rest), ended_by if rest.strip(_BEHIND) else None, rest[:MAX_SAMPLE])


def _spans(text: bytes) -> tuple[list[tuple[int, int]], str]:
    """Where the elements of a JSON array begin and end, as far as they are whole; and why no further."""
    readable = text.decode("latin-1")  # so that one character is one byte
    spans: list[tuple[int, int]] = []
    end = text.index(b"[") + 1
    while (gap := _BETWEEN.match(readable, end)) and len(spans) < MAX_ELEMENTS:
        try:
            _, end = _scan(readable, gap.end())
        except ValueError:
            return spans, "unfinished_json"
        except RecursionError:
            return spans, "nested_too_deeply"
        spans.append((gap.end(), end))
    return spans, "too_many_values"


def _stamped(pieces: Iterable[Payload | Gap], reads: Sequence[Read]) -> Iterator[Piece]:
    """The pieces, each payload with the time of the read that completed it."""
    ends = list(accumulate(len(read.data) for read in reads))
    for piece in pieces:
        if isinstance(piece, Gap):
            yield piece
        else:
            read = reads[bisect_left(ends, piece.offset + piece.size)]
            yield msgspec.structs.replace(piece, received_at=read.received_at)
