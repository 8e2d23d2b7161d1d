"""The fast path: a raw file read block by block, many events at once where that gives the same.

`read_interleaved` does what `interleaved.read_interleaved` does, which stays the oracle. Both use the same
parser and the same `OpenStreams`, so that each block may go either way.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from ssetl import tables
from ssetl.captures.exchange import Exchange, Piece, Read
from ssetl.fast import columns
from ssetl.fast.ahead import ahead
from ssetl.fast.block import Block
from ssetl.fast.bulk import Bulk
from ssetl.fast.reader import BlockReader
from ssetl.fast.templates import Templates, is_bare
from ssetl.framing import event_parser, frames_of
from ssetl.interleaved import OpenStreams
from ssetl.sse import Parser
from ssetl.streams import Capture

MIN_BLOCK: Final = 64 << 10
"""Fewer bytes go the ordinary way: learning what they have in common would take longer."""

WORTH: Final = 8
"""A block goes the fast way if at least one in so many of its units can be counted."""


def read_interleaved(
    capture: Capture, exchange: Exchange, templates: Templates | None = None
) -> Iterator[None]:
    """Put what the file holds into `capture`; pause now and then so that it can be emptied.

    `templates` are those that bare captures share, used before or not.
    """
    streams = OpenStreams(capture, exchange)
    parser = event_parser()
    if templates is None or not is_bare(exchange):
        templates = Templates(exchange)
    for piece, block in ahead(_blocks(streams.watched(exchange.body))):
        bulk = None if block is None else Bulk(block, templates.match(block))
        if bulk is not None and len(bulk.order) * WORTH >= len(bulk.block.starts):
            _read(bulk, templates, capture, streams, parser)
            yield
        else:
            for frames in frames_of(piece, parser):
                for frame in frames:
                    streams.take(frame)
                yield
    for frame in parser.close():
        streams.take(frame)
    capture.tally.update(parser.tally)
    streams.close()


def _blocks(body: Iterable[Piece]) -> Iterator[tuple[Piece, Block | None]]:
    """The pieces of a body, and those that may go the fast way as blocks."""
    offset: int | None = 0  # in the body, as long as all of it came as reads
    for piece in body:
        block = None
        if not isinstance(piece, Read):
            offset = None
        elif offset is not None:
            if piece.received_at is None and len(piece.data) >= MIN_BLOCK:
                block = Block(piece.data, offset)
            offset += len(piece.data)
        yield piece, block if block is not None and block.is_plain else None


def _read(bulk: Bulk, templates: Templates, capture: Capture, streams: OpenStreams, parser: Parser) -> None:
    """Read a block."""
    before, capture.placed = capture.placed, []
    if before:
        capture.batches.append(tables.chunks([(capture.capture_id, before)]))
    reader = BlockReader(bulk, templates, capture, streams, parser)
    reader.read()
    counted = reader.counted()
    capture.tally.update(bulk.tally(counted.units))
    single, capture.placed = capture.placed, []
    capture.batches.append(columns.chunks(bulk, counted, single, reader.placed, capture.capture_id))
