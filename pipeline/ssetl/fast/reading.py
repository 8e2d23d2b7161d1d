"""A raw file while it is read: each block goes the fast way or the ordinary one, whichever suits it.

Both ways use the same parser and the same `OpenStreams`, so that a file may change from one to the other
with every block.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ssetl import tables
from ssetl.captures.exchange import Exchange, Gap, Piece, Read
from ssetl.fast import columns, stamped
from ssetl.fast.block import Block
from ssetl.fast.bulk import Bulk
from ssetl.fast.reader import BlockReader
from ssetl.fast.remarks import without_remarks
from ssetl.fast.stamped import Entry, Stamped, matches_of
from ssetl.fast.stamps import without_stamps
from ssetl.fast.templates import Templates
from ssetl.framing import event_parser, frames_of
from ssetl.interleaved import OpenStreams
from ssetl.lines import Lines
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
        return self.parser.is_idle and self.streams.is_at_rest

    def pieces(
        self, body: Iterable[Piece], offset: int = 0
    ) -> Iterator[tuple[Sequence[Piece], Block | None]]:
        """The pieces of a body from an offset on, and those that may go the fast way as blocks.

        The lines of a log come together, for one is no block.
        """
        place: int | None = offset  # as long as all of the body came as reads
        lines: list[Entry] = []
        size = count = 0
        for piece in self.streams.watched(body):
            if isinstance(piece, Entry):
                lines.append(piece)
                size += piece.size
                count += len(piece) if isinstance(piece, Lines) else 1
                if size < stamped.TOGETHER and count < stamped.MOST:
                    continue
            if lines:
                yield lines, _stamped(lines, size)
                lines, size, count = [], 0, 0
            if isinstance(piece, Entry):
                place = None
                continue
            block = None
            if not isinstance(piece, Read):
                place = None
            elif place is not None:
                if piece.received_at is None and len(piece.data) >= MIN_BLOCK:
                    block = Block(piece.data, place)
                place += len(piece.data)
            yield [piece], block if block is not None and block.is_plain else None
        if lines:
            yield lines, _stamped(lines, size)

    def take(self, pieces: Sequence[Piece], block: Block | None) -> Iterator[None]:
        """Read pieces; pause now and then so that the capture can be emptied."""
        bulk, left_out = (None, Counter[str]()) if block is None else self._bulk(block)
        if bulk is not None and int((bulk.match >= 0).sum()) * WORTH >= len(bulk.match):
            self._read(bulk)
            self.capture.tally.update(left_out)
            pieces = [piece for piece in pieces if isinstance(piece, Gap) and not piece.reason]
            yield
        for piece in pieces:
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

    def _bulk(self, block: Block) -> tuple[Bulk, Counter[str]]:
        """A block and what its units match, and the bytes by kind that were left out of it."""
        if block.by_line or isinstance(block, Stamped):
            return Bulk(block, matches_of(block, self.templates)), Counter()
        begins = self.parser.is_idle
        stamped, stamps = without_stamps(block, begins=begins)
        rest, remarks = without_remarks(stamped, begins=begins)
        return Bulk(rest, self.templates.match(rest)), remarks + Counter(comment=int(stamps.sum()))

    def _read(self, bulk: Bulk) -> None:
        self.gather()
        capture = self.capture
        reader = BlockReader(bulk, self.templates, capture, self.streams, self.parser)
        reader.read()
        counted = reader.counted()
        capture.tally.update(bulk.tally(counted.units))
        single, capture.placed = capture.placed, []
        capture.batches.append(columns.chunks(bulk, counted, single, reader.placed, capture.capture_id))


def _stamped(lines: Sequence[Entry], size: int) -> Block | None:
    """Lines of a log as a block, if they may be one; those that tell nothing are none of it."""
    telling = [line for line in lines if not isinstance(line, Gap) or line.reason is not None]
    if size < MIN_BLOCK or not telling:
        return None
    block = Stamped(telling)
    return block if block.is_plain else None
