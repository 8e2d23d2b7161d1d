"""A raw file (SSE, NDJSON, a log) in which streams follow each other or interleave.

Events group by id. An event without one belongs to the stream around it: the previous event's or, if that
one has ended, the next one's. A terminator belongs to the oldest finished stream without one; streams of
which more has come behind their finish, their usage, come first, for others may still wait for that.
Comments that ssetl's own capturers write tell the time: `: request <time> <method> <path>` starts an
exchange, and `: t <time>` is the arrival of what follows.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

import msgspec

from ssetl import apis
from ssetl.apis.row import Api
from ssetl.captures.exchange import Exchange, Piece, Read
from ssetl.comments import STAMP, is_remark, request_of, stamp_of
from ssetl.framing import frames
from ssetl.lines import Line, Lines, filled
from ssetl.response import error_outside, event_of
from ssetl.sse import Bare, Comment, Event, Frame, Terminator
from ssetl.stream import Stream
from ssetl.streams import Capture, Flat, Numbered, flattened

MAX_OPEN: Final = 4096
"""Streams that may be open at once; beyond it the oldest is closed, a finished one first."""

MAX_HELD: Final = 1024
"""Events without an id that may wait for the stream they belong to."""


def read_interleaved(capture: Capture, exchange: Exchange) -> Iterator[None]:
    """Put what the file holds into `capture`; pause now and then so that it can be emptied."""
    streams = OpenStreams(capture, exchange)
    for some in frames(streams.watched(exchange.body), capture.tally, whole=False):
        for frame in some:
            streams.take(frame)
        yield
    streams.close()


class OpenStreams:
    """The streams of a raw file while they are read.

    Attributes:
        current: the stream of the event before.
        before_close: called with a stream that is about to be closed; whether its row is made elsewhere.
        before_line: called with a stream that a line is about to come to that is no event.
        size: bytes of the body so far.
        filled: where the last of them ends that is not blank.
    """

    def __init__(self, capture: Capture, exchange: Exchange) -> None:
        self._capture = capture
        self._exchange = exchange
        self._request: Exchange | None = None  # of a request comment that no stream has claimed yet
        self._index: int | None = None
        self._open: dict[str, Stream] = {}  # by stream_id, the oldest first
        self._by_id: dict[str, Stream] = {}  # the open ones that have an id
        self._waiting: dict[str, int] = {}  # finished, without a terminator: how many had begun by then
        self._passed: dict[str, int] = {}  # the same, but another one has begun and finished since
        self._over: set[str] = set()  # of these, those of which more has come behind their finish
        self.current: Stream | None = None
        self.before_close: Callable[[Stream], bool] | None = None
        self.before_line: Callable[[Stream], object] | None = None
        self._held: list[Flat] = []
        self._stamp: int | None = None
        self._stamp_used = False
        self._stamp_over = False
        self._comments = 0
        self.size = 0
        self.filled = 0

    def watched(self, body: Iterable[Piece]) -> Iterator[Piece]:
        """The pieces of the body as they are; notes where it ends."""
        for piece in body:
            if isinstance(piece, Read):
                if size := filled(piece.data):
                    self.filled = self.size + size
                self.size += len(piece.data)
            else:
                self.size = piece.offset + piece.size
                if isinstance(piece, Lines):
                    self.filled = piece.filled or self.filled
                elif not isinstance(piece, Line) or filled(piece.text):
                    self.filled = self.size
            yield piece

    @property
    def is_plain(self) -> bool:
        """Whether an event is just what its stream and its JSON say: it has no time, and nothing waits."""
        return self.is_plain_if_stamped and self._stamp is None and not self._stamp_used

    @property
    def is_plain_if_stamped(self) -> bool:
        """Whether that is so for an event that brings a time of its own."""
        return not (self._held or self._request or self._comments)

    @property
    def is_empty(self) -> bool:
        """Whether no stream is open."""
        return not self._open

    @property
    def is_quiet(self) -> bool:
        """Whether the next event belongs to none of those before; a stream that has ended may be open."""
        only = self.current if self.current is not None and self.current.closed else None
        return self.is_plain_if_stamped and all(stream is only for stream in self._open.values())

    @property
    def is_at_rest(self) -> bool:
        """Whether, further, no stamp from before tells its time."""
        return self.is_quiet and (self._stamp is None or self._stamp_over)

    def remark(self, count: int) -> None:
        """So many comments have come that say nothing."""
        self._comments += count

    def take_remarks(self) -> int:
        """How many have come since the last event, for the next one to tell."""
        count, self._comments = self._comments, 0
        return count

    def stamp(self, at: int | None, *, is_used: bool = False) -> None:
        """What follows came at a time, if it is known; `is_used` if an event has come by now."""
        self._stamp, self._stamp_used, self._stamp_over = at, is_used, False

    def request(self, said: bytes) -> None:
        """What begins next is of a request; `said` is what stands behind the comment's first word."""
        self._place_held(None)
        sent_at, url = request_of(said)
        self._request = msgspec.structs.replace(self._exchange, request_sent_at=sent_at, url=url)
        self._index = self._capture.next_exchange()
        self._stamp = None
        if self.current is not None and not self.current.closed:
            self.current = None

    def arrive(self, received_at: int | None) -> tuple[int | None, bool]:
        """When an event came, by its container or the last stamp, and whether another one had the same."""
        at = self._arrival(received_at)
        shares = self._stamp_used and at is not None
        self._stamp_used = self._stamp is not None
        return at, shares

    def settle(self) -> None:
        """Close the stream that has ended, while `is_quiet`: what comes next is none of it."""
        if self.current is not None:
            self._close(self.current)
            self.current = None

    def pass_over(self, size: int, filled: int = 0) -> None:
        """Leave out the body up to `size`; `filled` is where the last byte ends there that is not blank."""
        self.size, self.filled = size, max(filled, self.filled)

    def go_on(self, index: int) -> None:
        """What comes next is of that exchange, unless it has a request of its own."""
        self._index = index

    def of(self, response_id: str | None) -> Stream | None:
        """The open stream with that id."""
        return self._by_id.get(response_id) if response_id else None

    def take(self, frame: Frame) -> None:
        """Take what the parser found next."""
        if isinstance(frame, Event):
            self._event(frame)
        elif isinstance(frame, Terminator):
            self._terminate(frame)
        elif isinstance(frame, Comment):
            self._comment(frame)
        elif isinstance(frame, Bare):
            self._bare(frame)
        else:
            self._capture.reject(frame, self._index or 0)

    def close(self) -> None:
        """The file has ended, and with it all that is open."""
        if self._capture.closed_bytes >= self.filled:
            self._capture.closed_bytes = self.size
        self._place_held(None)
        for stream in list(self._open.values()):
            self._close(stream)
        if self._index is None:
            self._capture.next_exchange()

    def _comment(self, frame: Comment) -> None:
        if is_remark(frame):
            self.remark(1)
            return
        word, _, said = frame.text.partition(b" ")
        if word == STAMP:
            self.stamp(stamp_of(said))
        else:
            self.request(said)

    def _bare(self, frame: Bare) -> None:
        error = error_outside(frame)
        if error is not None:
            self._fail(frame, *error)
        elif self._exchange.ndjson or apis.recognise(frame.value, None) is not None:
            self._event(event_of(frame))
        else:
            self._capture.reject(frame, self._index or 0)

    def _fail(self, frame: Bare, error_type: str | None, error_message: str | None) -> None:
        """An error outside of the events: of the stream around it, or of one that never began."""
        self._capture.tally["error"] += frame.size
        around = self.current
        if around is None or around.closed:
            around = self._start(apis.UNKNOWN, None)
        around.fail(error_type, error_message)
        around.line(self._arrival(frame.received_at))
        if not around.events:
            self._close(around)

    def _event(self, event: Event) -> None:
        current = self.current
        around = apis.UNKNOWN if current is None or current.closed else current.api
        at, shares = self.arrive(event.received_at)
        self.take_flat(flattened(event, around, at, self.take_remarks(), shares=shares))

    def take_flat(self, flat: Flat) -> None:
        """Take an event that has been read."""
        stream = self._stream_of(flat)
        if stream is None:
            self._held.append(flat)
            if len(self._held) > MAX_HELD:
                self._place_held(None)
        else:
            self._place_held(stream)
            if stream.stream_id not in self._open:  # closed to make room for what was held
                stream = self._stream_of(flat) or self._start(flat.api, None)
            self._place(flat, stream)

    def begin(self, response_id: str, api: Api) -> Stream | None:
        """Open the stream that an event with this id begins, while `is_plain`, for the caller to tell."""
        may_go_on = self.current is not None and self.current.response_id is None
        if may_go_on or response_id in self._by_id:
            return None
        return self._start(api, response_id)

    def note(self, stream: Stream, *, is_over: bool) -> None:
        """An event of a stream has come; `is_over` if the stream has finished by now, or ended."""
        self.current = stream
        key = stream.stream_id
        if not is_over:
            self._forget(key)
        elif key in self._waiting or key in self._passed:
            self._over.add(key)
        else:
            self._waiting[key] = self._capture.counts["streams"]

    def live(self, streams: int, events: int, end: int | None) -> Numbered:
        """Take whole streams that somebody else makes rows of, while `is_quiet`; tell where they stand.

        Args:
            streams: how many, behind each other; one, if a request has just come.
            events: events of all of them, each with one row.
            end: where the line ends that ends the last one; None if nothing does but the end of the file.
        """
        self.settle()
        if self._index is None:
            self._index = self._capture.next_exchange()
        numbered = self._capture.live(self._index, streams, events, self._request)
        self._request = None
        if end is not None:
            self._note_end(end)
        return numbered

    def _stream_of(self, flat: Flat) -> Stream | None:
        """The stream that an event belongs to, a new one if need be; None: the next event will tell."""
        response_id = flat.rows[0].response_id
        if response_id:
            return self._stream_by_id(response_id, flat)
        current = self.current
        if current is not None and _goes_on(current, flat):
            return current
        if current is None or current.closed:
            unfinished = any(not (each.finished or each.closed) for each in self._open.values())
            return None if unfinished and not flat.starts else self._start(flat.api, None)
        if flat.starts or is_akin(current.api, flat.known):
            return self._start(flat.api, None)
        others = (each for each in reversed(self._open.values()) if _goes_on(each, flat))
        return next(others, None) or self._start(flat.api, None)

    def _stream_by_id(self, response_id: str, flat: Flat) -> Stream:
        known, current = self._by_id.get(response_id), self.current
        if known is not None:
            if not known.restarts(flat.rows, requested=self._request is not None):
                return known
            self._close(known)
        elif current is not None and current.response_id is None and _goes_on(current, flat):
            self._by_id[response_id] = current
            current.response_id = response_id
            return current
        return self._start(flat.api, response_id)

    def _start(self, api: Api, response_id: str | None) -> Stream:
        if self._index is None:
            self._index = self._capture.next_exchange()
        exchange, self._request = self._request or self._exchange, None
        if self.current is not None and self.current.closed:
            self._close(self.current)
        if len(self._open) >= MAX_OPEN:
            self._close(self._open[next(chain(self._passed, self._waiting, self._open))])
        stream = self._capture.open(exchange, self._index, api)
        self._open[stream.stream_id] = stream
        if response_id:
            self._by_id[response_id] = stream
            stream.response_id = response_id  # before its first event: it may be closed to make room by then
        return stream

    def _place(self, flat: Flat, stream: Stream) -> None:
        self._capture.place(stream, flat)
        if flat.shares and stream.clock == "arrival":
            stream.clock = "arrival_read"
        self.note(stream, is_over=stream.finished or stream.ended)
        if stream.ended:  # a terminator may still follow
            self._note_end(flat.end)

    def _place_held(self, stream: Stream | None) -> None:
        """Events that waited go to the stream of the next event; None: to one of their own."""
        held, self._held = self._held, []
        for flat in held:
            if stream is None or not is_akin(stream.api, flat.known):
                stream = self._start(flat.api, None)
            self._place(flat, stream)

    def _terminate(self, frame: Terminator) -> None:
        self._place_held(None)
        self._capture.tally["terminator"] += frame.size
        stream = self._finished() or self.current
        if stream is None or stream.has_terminator:
            return
        if self.before_line:
            self.before_line(stream)
        stream.has_terminator = True
        stream.line(self._stamp if frame.received_at is None else frame.received_at)
        self._close(stream)
        self._note_end(frame.offset + frame.size)

    def _finished(self) -> Stream | None:
        """The oldest finished stream without a terminator, one that waits for nothing else first.

        One that was over before another began that has finished, too, comes last: its server sends none,
        or the capture lost it.
        """
        latest = max((self._open[key].ordinal for key in self._waiting), default=0)
        for key, begun in list(self._waiting.items()):
            if begun <= latest:
                self._passed[key] = self._waiting.pop(key)
        over = (key for key in self._waiting if key in self._over)
        return next((self._open[key] for key in chain(over, self._waiting, self._passed)), None)

    def _forget(self, key: str) -> None:
        """A stream waits for no terminator."""
        self._waiting.pop(key, None)
        self._passed.pop(key, None)
        self._over.discard(key)

    def _close(self, stream: Stream) -> None:
        if self._open.pop(stream.stream_id, None) is None:
            return
        is_told = self.before_close is not None and self.before_close(stream)
        self._forget(stream.stream_id)
        if stream.response_id and self._by_id.get(stream.response_id) is stream:
            del self._by_id[stream.response_id]
        if stream is self.current and not stream.closed:
            self.current = None
        if not is_told:
            self._capture.close(stream)

    def _note_end(self, end: int) -> None:
        """A stream has ended: if none is left open, later bytes can be read without those before."""
        if not self._held and self._request is None and all(each.closed for each in self._open.values()):
            self._capture.closed_bytes = end
            self._comments = 0
            self._stamp_over = True  # a terminator that follows is still of the same read, an event is not

    def _arrival(self, received_at: int | None) -> int | None:
        """When an event came: the container's word, or else that of the last stamp."""
        if self._stamp_over:
            self._stamp = None
        return self._stamp if received_at is None else received_at


def _goes_on(stream: Stream, flat: Flat) -> bool:
    """Whether an event may be the next of `stream`, as far as one can tell without an id."""
    return not flat.starts and is_akin(stream.api, flat.known) and not stream.restarts(flat.rows)


def is_akin(api: Api, known: Api | None) -> bool:
    """Whether an event that is certainly of API `known`, or of none, can be of a stream of `api`."""
    return known is None or api in (known, apis.UNKNOWN)
