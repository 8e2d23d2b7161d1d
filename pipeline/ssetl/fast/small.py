"""Small captures: too few events each to look at many at once, but most are like those of other captures.

Templates are shared by the captures of a part. An event that is of one is not decoded; of a stream that is
alone and of a known shape only the row is made. All else is read by the ordinary code, in its place. So
`read_small` does what `interleaved.read_interleaved` does, which stays the oracle.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any, Final

import msgspec

from ssetl.captures.exchange import Exchange, Read
from ssetl.comments import STAMP_LINE, stamp_of
from ssetl.fast.lives import Life, flat_of
from ssetl.fast.template import Found
from ssetl.fast.templates import Templates, is_bare
from ssetl.fast.terminators import terminator_in
from ssetl.framing import event_parser, frames_of
from ssetl.interleaved import OpenStreams
from ssetl.sse import EVENT_LINES, Parser, Terminator
from ssetl.streams import Capture, Placed

MAX_SMALL: Final = 192 << 10
"""Bytes of the largest capture that is small: looking at many events at once takes some milliseconds."""

MAX_MISSES: Final = 8
"""Events without a template, after which no more are looked for in a capture."""

_EVENT_END: Final = re.compile(rb"\n(?:\r?\n)+")
_LINE_END: Final = re.compile(rb"\n(?:(?:\r?\n)+|(?=data:))")


class _Done(msgspec.Struct, frozen=True):
    """A unit that is a terminator: its line, and the bytes of the rest by kind."""

    line: Terminator
    rest: Counter[str]


class _Alone(msgspec.Struct, frozen=True):
    """A stream whose events lie behind each other and that has nothing to do with others.

    Args:
        runs: its events, those of one template together.
        done: its terminator, if it has one.
        life: what becomes of such a stream.
    """

    runs: Sequence[Sequence[Found]]
    done: _Done | None
    life: Life


_Unit = Found | _Done | None


def read_small(capture: Capture, exchange: Exchange, templates: Templates) -> Iterator[None]:
    """Put what the file holds into `capture`; pause now and then so that it can be emptied.

    Args:
        capture: of at most `MAX_SMALL` bytes.
        exchange: as for `interleaved.read_interleaved`.
        templates: as `shared_templates` makes them, used before or not.
    """
    streams = OpenStreams(capture, exchange)
    parser = event_parser()
    pieces = list(streams.watched(exchange.body))
    match pieces:
        case [Read(data=data, received_at=None)] if is_plain(data) and is_bare(exchange):
            _SmallReader(data, templates, capture, streams, parser).read()
        case _:
            for piece in pieces:
                for frames in frames_of(piece, parser):
                    for frame in frames:
                        streams.take(frame)
                    yield
    for frame in parser.close():
        streams.take(frame)
    capture.tally.update(parser.tally)
    streams.close()


def is_plain(data: bytes) -> bool:
    """Whether all lines end with LF or CRLF."""
    return b"\r" not in data or data.count(b"\r") == data.count(b"\r\n")


class _SmallReader:
    """Reads a whole body, all of whose lines end with LF or CRLF.

    A unit is an event with its blank line or, where these are missing, a data line that another one follows.
    """

    def __init__(
        self, data: bytes, templates: Templates, capture: Capture, streams: OpenStreams, parser: Parser
    ) -> None:
        self._data = data
        self._templates = templates
        self._capture = capture
        self._streams = streams
        self._parser = parser
        self._borders = [0]
        self._followed: set[int] = set()  # units that have no blank line because a data line follows
        ends = list(_EVENT_END.finditer(data))
        if data.count(b"\ndata:") > 2 * len(ends):
            ends = list(_LINE_END.finditer(data))
        for found in ends:
            if found.end() - found.start() == 1:
                self._followed.add(len(self._borders) - 1)
            self._borders.append(found.end())
        if self._borders[-1] < len(data):
            self._borders.append(len(data))
        self._stamps: dict[
            int, tuple[int, int]
        ] = {}  # by unit: when it came, and bytes of the line that says so
        self._units = self._known()
        self._parsed = 0  # bytes that the parser has read or left out

    def read(self) -> None:
        """Read all units."""
        n = 0
        while n < len(self._units):
            unit = self._units[n]
            stamp = self._stamps.get(n)
            is_plain = self._streams.is_plain if stamp is None else self._streams.is_plain_if_stamped
            is_free = is_plain and self._parser.is_idle
            if is_free and self._streams.is_quiet and (alone := self._alone(n)):
                n = self._live(alone, n)
                continue
            if not is_free or unit is None:
                self._take_text(n)
                n += 1
                continue
            if stamp is not None:
                self._streams.stamp(stamp[0])
                self._capture.tally["comment"] += stamp[1]
            if isinstance(unit, Found):
                self._count_rest(unit.template.reading.rest, 1)
                at, _ = self._streams.arrive(None)
                self._streams.take_flat(flat_of(unit.template, [unit.row], *self._place(n, unit), at))
            else:
                self._streams.take(self._terminator(n, unit))
            n += 1
        self._leave_out(len(self._data))

    def _known(self) -> list[_Unit]:
        """What each unit is, if it is read by itself and of a known kind."""
        units: list[_Unit] = []
        misses = 0
        for n, (start, end) in enumerate(pairwise(self._borders)):
            text = self._data[start:end]
            unit: _Unit = None
            if n not in self._followed and (stamp := _stamp(text)):
                self._stamps[n] = stamp
                text = text[stamp[1] :]
            if misses <= MAX_MISSES and _is_complete(text, is_followed=n in self._followed):
                done = terminator_in(text)
                unit = _Done(*done) if done else self._templates.find(text)
                misses += unit is None
            units.append(unit)
        return units

    def _alone(self, first: int) -> _Alone | None:
        """The stream that begins with a unit, if its end is here, too, and its shape tells its life."""
        if self._stamps:
            return None  # what becomes of a stream with times, its shape does not tell
        events: list[Found] = []
        following: _Unit = None
        for unit in self._units[first:]:
            is_over = bool(events) and events[-1].template.reading.ends
            if is_over or not isinstance(unit, Found):
                following = unit
                break
            events.append(unit)
        end = first + len(events)
        done = following if isinstance(following, _Done) else None
        if not events:
            return None
        behind = end if done is None else end + 1
        if not (done and _has_one_id(events)) and not self._ends(events, behind):
            return None
        runs = [list(run) for _, run in groupby(events, key=lambda found: found.template)]
        shape = tuple([(run[0].template, min(len(run), 3)) for run in runs])
        life = self._templates.lives.of(shape, has_terminator=done is not None)
        return None if life is None else _Alone(runs, done, life)

    def _ends(self, events: Sequence[Found], end: int) -> bool:
        """Whether the API's own end is the last of the events, and what follows is another stream's."""
        first, last = events[0].template.reading, events[-1].template.reading
        ids = {found.row.response_id for found in events}
        if not (first.starts and last.ends) or len(ids - {None}) > 1:
            return False
        following = self._units[end] if end < len(self._units) else events[0]
        return isinstance(following, Found) and following.template.reading.starts

    def _live(self, alone: _Alone, first: int) -> int:
        """Take a stream as a whole; give the unit behind it."""
        events = [found for run in alone.runs for found in run]
        places = [self._place(first + index, found) for index, found in enumerate(events)]
        behind = first + len(events)
        if alone.done is None:
            end = sum(places[-1])
        else:
            line = self._terminator(behind, alone.done)
            self._capture.tally["terminator"] += line.size
            end = line.offset + line.size
            behind += 1
        numbered = self._streams.live(1, len(events), end)
        [stream_id] = numbered.stream_ids
        place = {
            "stream_id": stream_id,
            "capture_id": self._capture.capture_id,
            "exchange_index": numbered.exchange_index,
            "ordinal": numbered.ordinals.start,
        }
        self._capture.streams.append(_row(alone) | place)
        for index, (found, (offset, size)) in enumerate(zip(events, places, strict=True)):
            reading = found.template.reading
            self._capture.tally["event"] += size
            self._capture.placed.append(
                Placed(
                    stream_id=stream_id,
                    event_index=index,
                    offset=offset,
                    received_at=None,
                    since_request=None,
                    since_previous=None,
                    since_content=None,
                    comments_before=0,
                    type=reading.type,
                    api=reading.api.name,
                    rows=[found.row],
                )
            )
        for run in alone.runs:
            self._count_rest(run[0].template.reading.rest, len(run))
        return behind

    def _place(self, n: int, found: Found) -> tuple[int, int]:
        """Offset and size of the event that a unit is."""
        start, template = self._start(n), found.template
        return start + template.reading.offset, self._borders[n + 1] - start - template.rest

    def _start(self, n: int) -> int:
        """Where a unit begins, behind the comment that tells when it came."""
        _, size = self._stamps.get(n, (0, 0))
        return self._borders[n] + size

    def _terminator(self, n: int, done: _Done) -> Terminator:
        """The terminator that a unit is; its other bytes are counted."""
        self._count_rest(done.rest, 1)
        return msgspec.structs.replace(done.line, offset=self._start(n) + done.line.offset)

    def _count_rest(self, rest: Counter[str], times: int) -> None:
        for kind, size in rest.items():
            self._capture.tally[kind] += times * size

    def _take_text(self, n: int) -> None:
        """Take a unit in the ordinary way."""
        start, end = self._borders[n : n + 2]
        self._leave_out(start)
        frames = self._parser.feed(self._data[start:end])
        if n in self._followed:
            frames += self._parser.settle()
        self._parsed = end
        for frame in frames:
            self._streams.take(frame)

    def _leave_out(self, place: int) -> None:
        """Bring the parser to a place; what lies before it has been read."""
        if place > self._parsed:
            self._parser.skip(place - self._parsed, self._data.count(b"\n", self._parsed, place))
            self._parsed = place


def _row(alone: _Alone) -> dict[str, Any]:
    """The row of `streams`, but for its place."""
    row = dict(alone.life.row)
    for told in alone.life.told:
        event = alone.runs[told.run][-1 if told.is_last else 0].row
        row[told.column] = getattr(event if told.owner == "row" else event.usage, told.field)
    for number, growth in alone.life.grows.items():
        for column, by in growth.items():
            row[column] += by * (len(alone.runs[number]) - 3)
    return row


def _stamp(text: bytes) -> tuple[int, int] | None:
    """When a unit came, if its first line tells, and bytes of that line; more of the event must follow it."""
    if not text.startswith(STAMP_LINE):
        return None
    end = text.index(b"\n") + 1 if b"\n" in text else 0
    at = stamp_of(text[len(STAMP_LINE) : end]) if text.startswith(EVENT_LINES, end) else None
    return None if at is None else (at, end)


def _is_complete(text: bytes, *, is_followed: bool) -> bool:
    """Whether a unit may be known by itself: it is no comment and, without a blank line, nothing but data.

    The name of an event outlives it where no blank line follows, and may even come behind it.
    """
    if is_followed:
        return text.startswith(b"data:") and text.count(b"\n") == 1
    return not text.startswith(b":")


def _has_one_id(events: Sequence[Found]) -> bool:
    """Whether all events have an id, and the same."""
    [first, *others] = {found.row.response_id for found in events}
    return bool(first) and not others
