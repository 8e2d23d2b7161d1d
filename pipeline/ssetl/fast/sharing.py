"""One large file read by two processes: a helper takes some segments, rows stay in the order of the file.

A segment begins where, as far as one can see, no stream is open, so that it can be read without what comes
before it. Whether that was so shows when what comes before it has been read: only then is it taken over.
Where it was not, or where the helper has died, all that follows is read by one process.
"""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import chain, cycle, groupby, pairwise
from typing import Final

import msgspec
import pyarrow as pa

from ssetl import tables
from ssetl.captures.container import Source
from ssetl.captures.exchange import Exchange
from ssetl.captures.raw import BLOCK
from ssetl.copies import can_copy
from ssetl.fast.block import Block
from ssetl.fast.helper import Helper, Segment, Told
from ssetl.fast.reading import Reading
from ssetl.fast.remarks import remark
from ssetl.fast.stamps import without_stamps
from ssetl.fast.templates import Templates
from ssetl.kernels import Array
from ssetl.streams import Capture

WORTH: Final = 64 << 20
"""Bytes of a file from which on a helper is worth its start."""

FIRST: Final = 2 << 20
"""Bytes that are read before a helper is started: it begins with what has been learned from them."""

SEGMENT: Final = BLOCK
"""Most bytes of a segment."""

WINDOW: Final = 1 << 20
"""Bytes in which a place to cut is looked for."""

_TURNS: Final = (False, True, True)  # who reads a segment; true: the helper, as this process writes, too
_AHEAD: Final = 3  # segments that the helper is asked for before the first of them is needed
_EVENT: Final = 64 << 10  # bytes in which the event behind a cut must end
_TRIES: Final = 16  # places in a window that are looked at
_COMMENTS: Final = 8  # lines that may stand before an event and tell times or nothing


def is_worth_it(size: int) -> bool:
    """Whether a file of so many bytes is read by two processes, if it can be."""
    return size >= WORTH and can_copy()


def read(reading: Reading, exchange: Exchange, source: Source) -> Generator[None, None, int]:
    """Read a file from its beginning, as far as it can be shared; give how far that was."""
    yield from _read(reading, source, 0, FIRST)
    if reading.capture.closed_bytes < FIRST - WINDOW:
        return FIRST  # streams are too long, or lie in each other
    capture_id, templates = reading.capture.capture_id, reading.templates

    def read_segment(start: int, end: int) -> Segment | None:
        return _segment(Reading(_Numbered(capture_id), exchange, templates), source, start, end)

    spans = pairwise(chain((FIRST,), _cuts(templates, source)))
    # Two for a start: until there is something to write, both have the same to do.
    turns = zip(chain((False,), cycle(_TURNS)), spans, strict=False)
    coming: deque[tuple[bool, tuple[int, int]]] = deque()
    place = FIRST
    try:
        helper = Helper(read_segment, source.descriptor)
    except OSError:  # no room for two
        return place
    with helper:
        while True:
            while sum(is_helpers for is_helpers, _ in coming) < _AHEAD and (turn := next(turns, None)):
                is_helpers, span = turn
                is_helpers &= span[1] < source.size  # where the file ends, a stream may be open
                coming.append((is_helpers and helper.ask(*span), span))
            if not coming:
                return place
            is_helpers, (start, end) = coming.popleft()
            if not is_helpers:
                yield from _read(reading, source, start, end)
            elif (segment := helper.fetch()) and reading.is_at_rest:
                _take_over(reading, segment, start, end)
                source.passed(end - start)
                yield
            else:
                return place
            place = end


def _read(reading: Reading, source: Source, start: int, end: int) -> Iterator[None]:
    for piece, block in reading.pieces(source.reads(start, end), start):
        yield from reading.take(piece, block)


def _cuts(templates: Templates, source: Source) -> Iterator[int]:
    """Places to cut at behind what is read first, and the end of the file; fewer where there are none."""
    place = FIRST
    while place + SEGMENT < source.size:
        end = place + SEGMENT
        cut = _cut(templates, source, end - WINDOW // 8, end) or _cut(templates, source, end - WINDOW, end)
        if cut is None:
            return
        yield cut
        place = cut
    yield source.size


def _cut(templates: Templates, source: Source, first: int, end: int) -> int | None:
    """The last place between two where an event begins that is likely to be the first of a stream."""
    window = source.at(first, end - first)
    text, behind = (templates.terminator, True) if templates.terminator else (templates.opening, False)
    place = len(window)
    for _ in range(_TRIES):
        if not text or (place := window.rfind(text, 0, place)) <= 0:
            break
        cut = place + len(text) if behind else _before_comments(window, place)
        events, _ = without_stamps(Block(window[cut : cut + _EVENT]), begins=True)
        event = next((n for n in range(events.whole) if not remark(events.unit(n))), None)
        # What is no event (another terminator, say) may belong to the stream before it.
        if event is not None and events.is_alone(event) and templates.find(events.unit(event)):
            return first + cut
    return None


def _before_comments(window: bytes, place: int) -> int:
    """Where the comments begin that stand right before a line: they may tell when it came."""
    for _ in range(_COMMENTS):
        before = window.rfind(b"\n", 0, max(place - 1, 0)) + 1
        if not before or not window.startswith(b":", before):
            break
        place = before
    return place


class _Numbered(Capture):
    """The capture that a segment is: its streams are called by their numbers."""

    def stream_ids(self, _index: int, ordinals: range) -> list[str]:
        return list(map(str, ordinals))


def _segment(reading: Reading, source: Source, start: int, end: int) -> Segment | None:
    """Read a segment; None if it does not end where all of its streams have."""
    capture, streams, parser = reading.capture, reading.streams, reading.parser
    parser.skip(start, 0)
    streams.pass_over(start)
    streams.go_on(capture.next_exchange())  # that of the streams before, whichever that is
    for _ in _read(reading, source, start, end):
        pass
    if streams.size != end or not reading.is_at_rest:
        return None
    streams.settle()
    reading.gather()
    capture.counts["exchanges"] -= 1  # the first one is counted where it begins
    capture.tally.update(parser.tally)
    told = Told(
        lines=parser.lines,
        filled=streams.filled,
        closed=capture.closed_bytes,
        tally=dict(capture.tally),
        counts=dict(capture.counts),
        rejects=capture.rejects,
    )
    return Segment(
        told, capture.batches, [*capture.stream_batches, tables.streams(capture.streams, capture.lived)]
    )


def _take_over(reading: Reading, segment: Segment, start: int, end: int) -> None:
    """Add a segment to what has been read before it, all of whose streams have ended."""
    capture, told = reading.capture, segment.told
    reading.streams.settle()
    reading.gather()
    first, exchange = capture.counts["streams"], capture.counts["exchanges"] - 1
    streams = [_behind(batch, first, exchange) for batch in segment.streams]
    names = _names(capture, streams, first)
    capture.batches += [_renamed(batch, names) for batch in segment.chunks]
    capture.stream_batches += [_named(batch, names, first) for batch in streams]
    lines = reading.parser.lines
    capture.rejects += [
        msgspec.structs.replace(
            reject,
            line=reject.line and reject.line + lines,
            exchange_index=(reject.exchange_index or 0) + exchange,
        )
        for reject in told.rejects
    ]
    capture.tally.update(told.tally)
    capture.counts.update(told.counts)
    capture.closed_bytes = max(capture.closed_bytes, told.closed)
    reading.parser.skip(end - start, told.lines)
    reading.streams.pass_over(end, told.filled)
    reading.streams.go_on(capture.counts["exchanges"] - 1)


def _renamed(batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch:
    """Rows of `chunks`, their streams called by their ids."""
    place = batch.schema.names.index("stream_id")
    numbers: Array = batch.column(place)
    called = [names[int(number)] for number in numbers.dictionary.to_pylist()]
    renamed = pa.DictionaryArray.from_arrays(numbers.indices, pa.array(called, pa.string()), safe=False)
    return batch.set_column(place, batch.schema.field(place), renamed)


def _behind(batch: pa.RecordBatch, first: int, exchange: int) -> pa.RecordBatch:
    """Rows of `streams` that come behind so many, their exchanges being counted from one on."""
    for name, more in (("ordinal", first), ("exchange_index", exchange)):
        place = batch.schema.names.index(name)
        field = batch.schema.field(place)
        batch = batch.set_column(place, field, pa.array(_numbers(batch, name, more), field.type))
    return batch


def _numbers(batch: pa.RecordBatch, name: str, more: int = 0) -> list[int]:
    """The numbers of a column, each so much more."""
    column: Array = batch.column(name)
    return [number + more for number in column.to_pylist()]


def _names(capture: Capture, streams: Sequence[pa.RecordBatch], first: int) -> list[str]:
    """The ids of streams that come behind so many, by their ordinals."""
    exchanges = dict[int, int]()
    for batch in streams:
        exchanges.update(zip(_numbers(batch, "ordinal"), _numbers(batch, "exchange_index"), strict=True))
    names: list[str] = []
    for exchange, some in groupby(range(first, first + len(exchanges)), exchanges.__getitem__):
        ordinals = list(some)
        names += capture.stream_ids(exchange, range(ordinals[0], ordinals[-1] + 1))
    return names


def _named(batch: pa.RecordBatch, names: list[str], first: int) -> pa.RecordBatch:
    """Rows of `streams` with their ids."""
    place = batch.schema.names.index("stream_id")
    ids = [names[number] for number in _numbers(batch, "ordinal", -first)]
    return batch.set_column(place, batch.schema.field(place), pa.array(ids, pa.string()))
