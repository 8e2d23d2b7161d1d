"""The events of one block, put into their streams: counted many at a time, or taken one by one.

As long as the stream of a lane is open and unfinished, all that the ordinary code would do with the events
of the lane is to count them. So they are counted many at a time: before anything else touches their stream,
and at the end of the block. All other units are special and are read in their place, one by one; where the
stream of a lane is not there, or has finished, the next event of the lane is special, too.

Of streams whose shape tells what they become, fewer events are special: of one that is alone only the first,
of one that is woven with others those that matter to them.
"""

from bisect import bisect_left
from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import islice
from typing import Final

import numpy as np

from ssetl.fast import whole
from ssetl.fast.alone import Alone, alone_in
from ssetl.fast.arrivals import arrivals_of
from ssetl.fast.block import Mask
from ssetl.fast.bulk import Bulk
from ssetl.fast.counted import Counted, Span, counted
from ssetl.fast.lives import Life, flat_of
from ssetl.fast.singles import RawSingles, Singles
from ssetl.fast.stamped import Stamped, StampedSingles, kinds_of
from ssetl.fast.template import Found
from ssetl.fast.templates import Templates
from ssetl.fast.terminators import terminator_in
from ssetl.fast.whole import Lived
from ssetl.fast.woven import Woven, woven
from ssetl.interleaved import OpenStreams, is_akin
from ssetl.sse import Parser
from ssetl.stream import Stream
from ssetl.streams import Capture, Numbered

_WORTH: Final = 4  # lanes from which on it pays to look for streams that are woven
_MAX_ASKED: Final = 8  # lanes a unit, over all units: asking them takes about as long as reading it


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
        self._alone = alone_in(bulk, templates)
        self._terminator = templates.ending  # of those that are alone
        self._arrivals = arrivals_of(bulk, templates)
        self._singles: Singles = (
            StampedSingles(bulk.block, parser)
            if isinstance(bulk.block, Stamped)
            else RawSingles(bulk.block, parser)
        )
        self._lanes = range(len(bulk.lanes))
        self._ids = list(bulk.lanes)
        self._next = bulk.borders[:-1]  # by lane: the first that is not counted, by position in bulk.order
        self._stream: dict[int, Stream] = {}  # by lane, where it can be counted
        self._stale: set[int] = set()  # lanes that may have another stream now
        self._due: list[int] = []  # units to take one by one, a heap
        self._spans: list[Span] = []  # in bulk.order
        self._alone_at: dict[int, int] = {}  # place in that list, by first unit; as long as it may be taken
        self._lived: list[Lived] = []  # of those
        self._alone_spans: list[Span] = []  # of those
        self._woven: dict[int, Woven] = {}  # by lane, as long as it may be taken
        self._woven_spans: list[Span] = []  # of those, in bulk.id_order
        self._woven_lived: list[Lived] = []  # of those
        self._unit = -1  # the one that is read by itself, or was the last
        self._is_held = False  # whether the next one must be, too, whatever it is
        self._asked = 0  # lanes that a unit asked whether they have changed

    def read(self) -> None:
        """Read all units."""
        bulk = self._bulk
        count = len(self._block.starts)
        self._look_for_alone()
        self._streams.before_close = self._count_stream
        self._streams.before_line = self._count_stream if self._arrivals else None  # it has a time, too
        self._look_ahead()
        while self._due:
            unit = heappop(self._due)
            if unit <= self._unit or unit >= count:
                continue
            if self._live(unit) or self._note(unit) or self._can_count(unit):
                continue
            self._read_one(unit)
            self._look_ahead()
            if self._asked > _MAX_ASKED * count:
                self._read_rest()
        self._go_to(count)
        self._count_lanes()
        self._streams.before_close = self._streams.before_line = None
        self._singles.leave_out(count)
        if self._block.comments is not None:
            self._streams.remark(self._block.comments.item(count))
        self._capture.tally.update(self._singles.tally)
        if self._lived:
            lived = whole.columns(bulk, self._lived, None)
            if self._arrivals:
                lived |= self._arrivals.take(self._lived, lived)
            self._capture.lived.append(lived)
        if self._woven_lived:
            self._capture.lived.append(whole.columns(bulk, self._woven_lived, bulk.id_order))

    def _read_rest(self) -> None:
        """Read the units that are left in the ordinary way, for too many of them ask too many lanes."""
        self._go_to(self._unit + 1)
        self._count_lanes()
        self._stream, self._woven, self._due = {}, {}, []
        self._is_held = True
        for unit in range(self._unit, len(self._block.starts)):
            self._read_one(unit)

    def _read_one(self, unit: int) -> None:
        self._go_to(unit)
        placed = len(self._capture.placed)
        self._take(unit)
        self.placed += [unit] * (len(self._capture.placed) - placed)

    def counted(self) -> Counted:
        """What was not placed one by one."""
        spans = [(None, self._alone_spans), (self._bulk.order, self._spans)]
        if self._woven_spans:
            spans.append((self._bulk.id_order, self._woven_spans))
        found = counted(len(self._block.starts), spans)
        return self._arrivals.told(found) if self._arrivals else found

    def _go_to(self, unit: int) -> None:
        """Be where the ordinary code would be before it reads a unit."""
        if unit > self._unit + 1:
            self._streams.current = self._stream.get(self._bulk.id_lane.item(unit - 1))
            if self._block.times is not None:
                self._streams.stamp(self._block.times.item(unit - 1), is_used=True)
        self._unit = unit

    def _can_count(self, unit: int) -> bool:
        """Whether a unit that was to be taken by itself need not: the stream of its lane is there by now."""
        lane = self._bulk.lane.item(unit)
        return lane in self._stream and not (self._is_held and unit == self._unit + 1)

    def _look_ahead(self) -> None:
        """See which lanes can be counted now; of the others, the next event is special."""
        for lane in self._stale:
            stream = self._streams.of(self._ids[lane]) if self._bulk.has_ids else self._streams.current
            if stream is not None and not (stream.closed or stream.finished) and self._is_akin(stream):
                self._stream[lane] = stream
                continue
            self._stream.pop(lane, None)
            if self._next[lane] < self._bulk.borders[lane + 1]:
                heappush(self._due, self._bulk.order.item(self._next[lane]))
        self._stale.clear()
        streams, at = self._streams, self._block.time(self._unit + 1)
        is_plain = streams.is_plain if at is None else streams.is_plain_if_stamped
        is_named = self._block.is_named(self._unit + 1)
        is_idle = self._parser.is_idle_but_for_a_name if is_named else self._parser.is_idle
        self._is_held = not (is_plain and is_idle)
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
        if self._block.comments is not None:
            self._streams.remark(self._block.comments.item(unit))
        if (said := self._block.requests.get(unit)) is not None:
            self._streams.request(said)
        if (at := self._block.time(unit)) is not None:
            self._streams.stamp(at)
        text = self._block.unit(unit)
        if self._is_held or not self._block.is_alone(unit):
            self._take_text(unit)
        elif (told := terminator_in(text)) and (terminator := self._singles.terminator(unit, *told)):
            self._templates.terminator = text
            self._streams.take(terminator)
        elif (found := self._bulk.found(unit) or self._templates.find(text)) and self._suits(found):
            self._take_found(unit, found)
        else:
            self._take_text(unit)

    def _suits(self, found: Found) -> bool:
        return self._arrivals is None or bool(kinds_of(found.template))

    def _look_for_alone(self) -> None:
        """Note the streams that are alone: of their units, the first is due, and then all of them at once."""
        bulk = self._bulk
        if self._arrivals:
            self._alone = self._arrivals.steady(self._alone)
        self._alone_at = {each.first: n for n, each in enumerate(self._alone)}
        due = bulk.lane < 0
        self._stale.update(self._lanes)
        for each in self._alone:
            due[each.first : each.stop] = False
            due[each.first] = True
            if bulk.has_ids:
                self._stale.discard(bulk.id_lane.item(each.first))
        self._look_for_woven(due)
        self._due = np.flatnonzero(due).tolist()

    def _look_for_woven(self, due: Mask) -> None:
        """Note the streams that are woven with others: of their units, those are due that matter to them."""
        bulk = self._bulk
        lanes = [lane for lane in self._stale if bulk.has_ids and not self._streams.of(self._ids[lane])]
        if len(lanes) < _WORTH or self._arrivals:
            return
        self._woven = {each.lane: each for each in woven(bulk, lanes, self._templates.lives)}
        is_woven = np.zeros(len(self._lanes) + 1, np.bool_)  # the last one: units in no lane
        is_woven[list(self._woven)] = True
        due &= ~is_woven[bulk.id_lane]
        due[bulk.id_order[[place for each in self._woven.values() for place in each.keys]]] = True
        self._stale.difference_update(self._woven)

    def _live(self, unit: int) -> bool:
        """Take the stream that begins with a unit, if it is alone and its shape tells what it becomes.

        And those behind it, as long as that is so for them, too.
        """
        place = self._alone_at.get(unit)
        if place is None:
            return False
        together: list[tuple[Alone, Life]] = []
        if not self._is_held and self._streams.is_quiet:
            together = list(whole.together(islice(self._alone, place, None), self._templates.lives))
        if not together:
            self._leave_alone(self._alone[place])
            return False
        for group in whole.by_request(together, self._block.requests):
            self._live_together(group)
        if ends := [each.end for each, _ in together if each.has_terminator]:
            self._capture.tally.update(self._block.terminators(np.array(ends), *self._terminator))
        last, borders = together[-1][0], self._bulk.borders
        self._unit = last.stop - 1
        if self._bulk.has_ids:
            for each, _ in together:
                lane = self._bulk.id_lane.item(each.first)
                self._next[lane] = borders[lane + 1]
        elif self._lanes:
            self._next[0] = bisect_left(self._bulk.order, last.end, self._next[0], borders[1])
            self._stale.add(0)  # an event of it may begin a stream
            self._look_ahead()
        return True

    def _live_together(self, together: Sequence[tuple[Alone, Life]]) -> None:
        """Take streams as a whole that lie behind each other, of one exchange."""
        streams, lives = zip(*together, strict=True)
        first, last = streams[0], streams[-1]
        if (said := self._block.requests.get(first.first)) is not None:
            self._streams.request(said)
        events = sum(each.end - each.first for each in streams)
        end = last.end_in(self._block, self._terminator[0])
        numbered = self._streams.live(len(streams), events, end)
        runs = [each.runs for each in streams]
        self._lived.append(Lived(self._capture.capture_id, runs, lives, numbered))
        self._alone_spans += [
            Span(each.first, each.end, stream_id, 0)
            for each, stream_id in zip(streams, numbered.stream_ids, strict=True)
        ]

    def _leave_alone(self, each: Alone) -> None:
        """Read a stream event by event that was to be taken as a whole."""
        del self._alone_at[each.first]
        lanes = self._bulk.lane[each.first : each.stop]
        for unit in (np.flatnonzero(lanes < 0) + each.first).tolist():
            heappush(self._due, unit)
        if self._bulk.has_ids:
            self._stale.add(self._bulk.id_lane.item(each.first))
            self._look_ahead()

    def _note(self, unit: int) -> bool:
        """Note an event of a stream that is woven with others, if that is all that it takes."""
        lane = self._bulk.id_lane.item(unit)
        each = self._woven.get(lane)
        if each is None:
            return False
        if self._is_held:  # this one is read by itself, and so are those behind it
            self._unweave(each, unit)
            return False
        self._go_to(unit)
        stream = self._stream.get(lane)
        if stream is None:
            api = self._bulk.matches[self._bulk.match.item(unit)].template.reading.api
            stream = self._streams.begin(self._ids[lane] or "", api)
            self._look_ahead()  # another stream may have been closed
        if stream is None:
            self._unweave(each, unit)
            return False
        self._stream[lane] = stream
        self._streams.note(stream, is_over=unit >= self._bulk.id_order[each.finish])
        return True

    def _unweave(self, each: Woven, unit: int) -> None:
        """Tell a stream that is woven with others what came of it before a unit; read the rest one by one."""
        bulk, lane = self._bulk, each.lane
        del self._woven[lane]
        units = bulk.id_order[each.runs[0] : each.runs[-1]]
        come = int(np.searchsorted(units, unit))
        if stream := self._stream.get(lane):
            self._woven_spans.append(Span(each.runs[0], each.runs[0] + come, stream.stream_id, stream.events))
            for api, row, times in bulk.in_turn(units[:come]):
                self._capture.place_alike(stream, api, row, times)
        for special in units[come:][bulk.lane[units[come:]] < 0].tolist():
            heappush(self._due, special)
        self._next[lane] = bisect_left(bulk.order, unit, bulk.borders[lane], bulk.borders[lane + 1])
        self._stale.add(lane)

    def _take_woven(self, stream: Stream, each: Woven) -> bool:
        """Take a stream as a whole that is about to be closed, if it is what its shape tells."""
        if not stream.has_terminator or self._unit <= self._bulk.id_order[each.runs[-1] - 1]:
            return False
        self._capture.count(each.runs[-1] - each.runs[0])
        ordinals = range(stream.ordinal, stream.ordinal + 1)
        numbered = Numbered(stream.origin.exchange_index, ordinals, [stream.stream_id])
        self._woven_lived.append(Lived(self._capture.capture_id, [each.runs], [each.life], numbered))
        self._woven_spans.append(Span(each.runs[0], each.runs[-1], stream.stream_id, 0))
        return True

    def _take_found(self, unit: int, found: Found) -> None:
        """Take a unit that is of a template: as the ordinary way, but nothing needs to be decoded."""
        response_id = found.row.response_id
        if not response_id:
            self._count_lanes()
        elif (lane := self._bulk.lanes.get(response_id)) is not None:
            self._count(lane)
        place = self._singles.place(unit, found.template)
        at, shares = self._streams.arrive(place.received_at)
        comments = self._streams.take_remarks()
        flat = flat_of(
            found.template, [found.row], place.offset, place.size, at, comments=comments, shares=shares
        )
        self._streams.take_flat(flat)

    def _take_text(self, unit: int) -> None:
        """Take a unit in the ordinary way."""
        self._count_lanes()
        for frame in self._singles.frames(unit):
            self._streams.take(frame)

    def _count_stream(self, stream: Stream) -> bool:
        """Count what belongs to a stream that is about to be closed; whether its row is made here."""
        lane = self._bulk.lanes.get(stream.response_id if self._bulk.has_ids else None)
        if lane is None or self._stream.get(lane) is not stream:
            return False
        if (each := self._woven.get(lane)) and self._take_woven(stream, each):
            del self._woven[lane]
            self._next[lane] = self._bulk.borders[lane + 1]
            return True
        self._count(lane)
        return False

    def _count_lanes(self) -> None:
        # The lane of events without ids is of the stream around, whichever that is now.
        self._asked += len(self._stream)
        for lane in list(self._stream) if self._bulk.has_ids else self._lanes:
            self._count(lane)

    def _count(self, lane: int) -> None:
        """Count the events of a lane that come before the present unit; its stream may change now."""
        if each := self._woven.get(lane):
            self._unweave(each, self._unit)
            return
        self._stale.add(lane)
        first, stream = self._next[lane], self._stream.get(lane)
        if stream is None:
            return
        end = bisect_left(self._bulk.order, self._unit, first, self._bulk.borders[lane + 1])
        if end > first:
            self._spans.append(Span(first, end, stream.stream_id, stream.events))
            alike = self._bulk.alike(first, end)
            if self._arrivals:
                self._capture.place_timed(stream, alike)
                self._arrivals.tell(stream, self._bulk.order[first:end])
            else:
                for api, row, times in alike:
                    self._capture.place_alike(stream, api, row, times)
            self._next[lane] = end
