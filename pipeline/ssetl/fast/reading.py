"""A raw file while it is read: each block goes the fast way or the ordinary one, whichever suits it.

Both ways use the same parser and the same `OpenStreams`, so that a file may change from one to the other
with every block.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from ssetl import tables
from ssetl.captures.exchange import Exchange, Piece, Read
from ssetl.fast import columns
from ssetl.fast.block import Block
from ssetl.fast.bulk import Bulk
from ssetl.fast.reader import BlockReader
from ssetl.fast.templates import Templates
from ssetl.framing import event_parser, frames_of
from ssetl.interleaved import OpenStreams
from ssetl.streams import Capture

MIN_BLOCK: Final = 64 << 10
"""Fewer bytes go the ordinary way: learning what they have in common would take longer."""

WORTH: Final = 8
"""A block goes the fast way if at least one in so many of its units is of a template."""


class Reading:
    """What has been read of a file, and what it has become.

    Attributes:
        capture: what it becomes.
        streams: its streams.
        parser: the parser.
        templates: what is known of its events.
    """

    def __init__(self, capture: Capture, exchange: Exchange, templates: Templates) -> None:
        self.capture = capture
        self.streams = OpenStreams(capture, exchange)
        self.parser = event_parser()
        self.templates = templates

    @property
    def is_at_rest(self) -> bool:
        """Whether an event that comes next has nothing to do with what came before."""
        return self.parser.is_idle and self.streams.is_quiet

    def pieces(self, body: Iterable[Piece], offset: int = 0) -> Iterator[tuple[Piece, Block | None]]:
        """The pieces of a body from an offset on, and those that may go the fast way as blocks."""
        place: int | None = offset  # as long as all of the body came as reads
        for piece in self.streams.watched(body):
            block = None
            if not isinstance(piece, Read):
                place = None
            elif place is not None:
                if piece.received_at is None and len(piece.data) >= MIN_BLOCK:
                    block = Block(piece.data, place)
                place += len(piece.data)
            yield piece, block if block is not None and block.is_plain else None

    def take(self, piece: Piece, block: Block | None) -> Iterator[None]:
        """Read a piece; pause now and then so that the capture can be emptied."""
        bulk = None if block is None else Bulk(block, self.templates.match(block))
        if bulk is not None and int((bulk.match >= 0).sum()) * WORTH >= len(bulk.match):
            self._read(bulk)
            yield
        else:
            for frames in frames_of(piece, self.parser):
                for frame in frames:
                    self.streams.take(frame)
                yield

    def close(self) -> None:
        """The file has ended."""
        for frame in self.parser.close():
            self.streams.take(frame)
        self.capture.tally.update(self.parser.tally)
        self.streams.close()

    def gather(self) -> None:
        """Make rows of the events that were placed one by one: other rows come behind them."""
        capture = self.capture
        before, capture.placed = capture.placed, []
        if before:
            capture.batches.append(tables.chunks([(capture.capture_id, before)]))

    def _read(self, bulk: Bulk) -> None:
        self.gather()
        capture = self.capture
        reader = BlockReader(bulk, self.templates, capture, self.streams, self.parser)
        reader.read()
        counted = reader.counted()
        capture.tally.update(bulk.tally(counted.units))
        single, capture.placed = capture.placed, []
        capture.batches.append(columns.chunks(bulk, counted, single, reader.placed, capture.capture_id))
