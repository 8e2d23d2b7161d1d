"""The events of one block, put into their streams: counted many at a time, or taken one by one.

As long as the stream of a lane is open and unfinished, all that the ordinary code would do with the events
of the lane is to count them. So they are counted many at a time: before anything else touches their stream,
and at the end of the block. All other units are special and are read in their place, one by one; where the
stream of a lane is not there, or has finished, the next event of the lane is special, too.
"""

from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from heapq import heappop, heappush
from typing import Final

import msgspec
import numpy as np

from ssetl import apis
from ssetl.fast.alone import Alone, alone
from ssetl.fast.block import Codes, Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.lives import flat_of
from ssetl.fast.template import Found, Template
from ssetl.fast.templates import Templates
from ssetl.interleaved import OpenStreams, is_akin
from ssetl.sse import TERMINATOR, Parser, Terminator
from ssetl.stream import Stream
from ssetl.streams import Capture

_NONE: Final[Places] = np.zeros(0, np.int64)
_LONGEST_TERMINATOR: Final = 64  # bytes of its line and blank line


class Counted(msgspec.Struct, frozen=True):
    """The units of a block whose events were counted many at a time.

    Args:
        units: the units, ascending.
        stream_ids: the different streams.
        stream: which of them each unit is of.
        index: its `event_index` there.
    """

    units: Places
    stream_ids: list[str]
    stream: Codes
    index: Codes


class _Span(msgspec.Struct, frozen=True):
    """Neighbours in a lane, by position in `Bulk.order`, that belong to one stream; `index` of the first."""

    first: int
    end: int
    stream_id: str
    index: int


class BlockReader:
    """Reads one block.

    Attributes:
        placed: the unit at which each event was placed in `capture.placed`.
    """

    def __init__(
        self,
        bulk: Bulk,
        templates: Templates,
        capture: Capture,
        streams: OpenStreams,
        parser: Parser,
    ) -> None:
        self.placed: list[int] = []
        self._block = bulk.block
        self._bulk = bulk
        self._templates = templates
        self._capture = capture
        self._streams = streams
        self._parser = parser
        self._lanes = range(len(bulk.lanes))
        self._ids = list(bulk.lanes)
        self._next = bulk.borders[:-1]  # by lane: the first that is not counted, by position in bulk.order
        self._stream: list[Stream | None] = [None for _ in self._lanes]  # by lane, if it can be counted
        self._stale: set[int] = set()  # lanes that may have another stream now
        self._due: list[int] = []  # units to take one by one, a heap
        self._spans: list[_Span] = []
        self._alone: dict[int, Alone] = {}  # by their first unit
        self._lived: list[tuple[Alone, str]] = []  # with their stream_id
        self._unit = -1  # the one that is read by itself, or was the last
        self._is_held = False  # whether the next one must be, too, whatever it is
        self._found: Counter[Template] = Counter()  # how many units were of which template
        self._parsed = 0  # bytes that the parser has read or left out

    def read(self) -> None:
        """Read all units."""
        count = len(self._block.starts)
        self._due = np.flatnonzero(self._bulk.lane < 0).tolist()
        terminators = self._block.same(self._templates.terminator) if self._templates.terminator else _NONE
        self._alone = {each.first: each for each in alone(self._bulk, terminators)}
        self._streams.before_close = self._count_stream
        self._stale.update(self._lanes)
        self._look_ahead()
        while self._due:
            unit = heappop(self._due)
            if unit <= self._unit or unit >= count or self._can_count(unit) or self._live(unit):
                continue
            self._go_to(unit)
            placed = len(self._capture.placed)
            self._take(unit)
            self.placed += [unit] * (len(self._capture.placed) - placed)
            self._look_ahead()
        self._go_to(count)
        self._count_lanes()
        self._streams.before_close = None
        self._leave_out(len(self._block.data))
        for template, times in self._found.items():
            for kind, size in template.reading.rest.items():
                self._capture.tally[kind] += times * size

    def counted(self) -> Counted:
        """What was not placed one by one."""
        stream, index = np.zeros((2, len(self._block.starts)), np.int32)
        counted = np.zeros(len(self._block.starts), np.bool_)
        names: dict[str, int] = {}
        for span in self._spans:
            units = self._bulk.order[span.first : span.end]
            counted[units] = True
            stream[units] = names.setdefault(span.stream_id, len(names))
            index[units] = np.arange(span.index, span.index + len(units))
        for each, stream_id in self._lived:
            counted[each.first : each.end] = True
            stream[each.first : each.end] = names.setdefault(stream_id, len(names))
            index[each.first : each.end] = np.arange(each.end - each.first)
        units = np.flatnonzero(counted)
        return Counted(units, list(names), stream[units], index[units])

    def _go_to(self, unit: int) -> None:
        """Be where the ordinary code would be before it reads a unit."""
        if unit > self._unit + 1:
            self._streams.current = self._stream[self._bulk.lane.item(unit - 1)]
        self._unit = unit

    def _can_count(self, unit: int) -> bool:
        """Whether a unit that was to be taken by itself need not: the stream of its lane is there by now."""
        lane = self._bulk.lane.item(unit)
        return lane >= 0 and self._stream[lane] is not None and not (self._is_held and unit == self._unit + 1)

    def _look_ahead(self) -> None:
        """See which lanes can be counted now; of the others, the next event is special."""
        for lane in self._stale:
            stream = self._streams.of(self._ids[lane]) if self._bulk.has_ids else self._streams.current
            if stream is None or stream.closed or stream.finished or not self._is_akin(stream):
                stream = None
                if self._next[lane] < self._bulk.borders[lane + 1]:
                    heappush(self._due, self._bulk.order.item(self._next[lane]))
            self._stream[lane] = stream
        self._stale.clear()
        self._is_held = not (self._streams.is_plain and self._parser.is_idle)
        if self._is_held:
            heappush(self._due, self._unit + 1)

    def _is_akin(self, stream: Stream) -> bool:
        return self._bulk.has_ids or is_akin(stream.api, self._bulk.api)

    def _take(self, unit: int) -> None:
        """Take one unit by itself."""
        lane = self._bulk.lane.item(unit)
        if not self._bulk.has_ids:
            self._count_lanes()
        if lane >= 0:
            self._count(lane)
            self._next[lane] += 1
        text = self._block.unit(unit)
        if self._is_held or not self._block.is_alone(unit):
            self._take_text(unit, text)
        elif terminator := terminator_in(text):
            self._templates.terminator = text
            self._take_terminator(unit, *terminator)
        elif found := self._templates.find(text):
            self._take_found(unit, found)
        else:
            self._take_text(unit, text)

    def _live(self, unit: int) -> bool:
        """Take the stream that begins with a unit, if it is alone and its shape tells what it becomes."""
        each = self._alone.get(unit)
        if each is None or self._is_held or not self._streams.is_quiet:
            return False
        life = self._templates.lives.of(each.shape, has_terminator=each.has_terminator)
        if life is None:
            return False
        bulk, row = self._bulk, dict(life.row)
        for told in life.told:
            at = each.runs[told.run + 1] - 1 if told.is_last else each.runs[told.run]
            match = bulk.matches[bulk.match.item(at)]
            row[told.column] = match.value(bulk.place.item(at), told.owner, told.field)
        for run, growth in life.grows.items():
            more = each.runs[run + 1] - each.runs[run] - 3
            for column, by in growth.items():
                row[column] += by * more
        self._lived.append((each, self._streams.live(row, each.end - each.first, self._end_of(each))))
        self._unit = each.end if each.has_terminator else each.end - 1
        lane = bulk.id_lane.item(each.first) if bulk.has_ids else 0
        self._next[lane] = bisect_left(bulk.order, each.end, self._next[lane], bulk.borders[lane + 1])
        return True

    def _end_of(self, each: Alone) -> int:
        """Where the line ends in the body that ends a stream; counts the bytes of a terminator."""
        last = each.end if each.has_terminator else each.end - 1
        start, end = self._block.starts.item(last), self._block.ends.item(last)
        if not each.has_terminator:
            template = each.shape[-1][0]
            return self._block.offset + end - template.rest + template.reading.offset
        line, rest = terminator_in(self._block.unit(last)) or (Terminator(0, 0), Counter[str]())
        self._capture.tally["terminator"] += line.size
        for kind, size in rest.items():
            self._capture.tally[kind] += size
        return self._block.offset + start + line.offset + line.size

    def _take_found(self, unit: int, found: Found) -> None:
        """Take a unit that is of a template: as the ordinary way, but nothing needs to be decoded."""
        response_id = found.row.response_id
        if not response_id:
            self._count_lanes()
        elif (lane := self._bulk.lanes.get(response_id)) is not None:
            self._count(lane)
        reading = found.template.reading
        start = self._block.starts.item(unit)
        offset = self._block.offset + start + reading.offset
        size = self._block.ends.item(unit) - start - found.template.rest
        self._found[found.template] += 1
        self._streams.take_flat(flat_of(found.template, [found.row], offset, size))

    def _take_terminator(self, unit: int, line: Terminator, rest: Counter[str]) -> None:
        offset = self._block.offset + int(self._block.starts[unit]) + line.offset
        for kind, size in rest.items():
            self._capture.tally[kind] += size
        self._streams.take(msgspec.structs.replace(line, offset=offset))

    def _take_text(self, unit: int, text: bytes) -> None:
        """Take a unit in the ordinary way."""
        self._count_lanes()
        self._leave_out(int(self._block.starts[unit]))
        frames = self._parser.feed(text)
        self._parsed += len(text)
        if self._block.is_followed(unit):
            frames += self._parser.settle()
        for frame in frames:
            self._streams.take(frame)

    def _leave_out(self, place: int) -> None:
        """Bring the parser to a place; what lies before it has been read."""
        if place > self._parsed:
            lines = self._block.lines_before(place) - self._block.lines_before(self._parsed)
            self._parser.skip(place - self._parsed, lines)
            self._parsed = place

    def _count_stream(self, stream: Stream) -> None:
        """Count what belongs to a stream that is about to be closed."""
        lane = self._bulk.lanes.get(stream.response_id if self._bulk.has_ids else None)
        if lane is not None and self._stream[lane] is stream:
            self._count(lane)

    def _count_lanes(self) -> None:
        for lane in self._lanes:
            self._count(lane)

    def _count(self, lane: int) -> None:
        """Count the events of a lane that come before the present unit; its stream may change now."""
        self._stale.add(lane)
        first, stream = self._next[lane], self._stream[lane]
        if stream is None:
            return
        end = bisect_left(self._bulk.order, self._unit, first, self._bulk.borders[lane + 1])
        if end > first:
            self._spans.append(_Span(first, end, stream.stream_id, stream.events))
            for api, row, times in self._bulk.alike(first, end):
                self._capture.place_alike(stream, api, row, times)
            self._next[lane] = end


@lru_cache(maxsize=16)
def terminator_in(text: bytes) -> tuple[Terminator, Counter[str]] | None:
    """The terminator that a unit is, if it is one, and the bytes of the rest by kind."""
    if len(text) > _LONGEST_TERMINATOR or TERMINATOR not in text:
        return None
    parser = Parser(apis.decode_data)
    match [*parser.feed(text), *parser.close()]:
        case [Terminator() as line]:
            return line, parser.tally
    return None
