"""An exchange that is one HTTP response: one stream, one failure, or nothing that was streamed."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from ssetl import apis
from ssetl.apis.error import Error
from ssetl.captures.exchange import Exchange
from ssetl.framing import frames
from ssetl.sse import Bare, Comment, Event, Frame, Reject, Terminator
from ssetl.stream import Stream
from ssetl.streams import Capture, flattened

MAX_HELD: Final = 1000
"""Rejects that are told apart while it is open whether the body was streamed; further ones are added up."""

_MAX_MESSAGE: Final = 500
"""Characters of an error page that are kept as its message."""

_FAILED: Final = 400
"""HTTP statuses from here on are failures."""


def read_response(capture: Capture, exchange: Exchange) -> Iterator[None]:
    """Put what the exchange holds into `capture`; pause now and then so that it can be emptied."""
    reader = _Response(capture, exchange)
    for some in frames(exchange.body, reader.tally, whole=True):
        for frame in some:
            reader.take(frame)
        yield
    reader.close()


def event_of(frame: Bare) -> Event:
    """The event that a line of NDJSON is."""
    return Event(frame.value, None, frame.offset, frame.size, frame.received_at)


def error_outside(frame: Bare) -> Error | None:
    """The error that JSON outside of `data:` is; None if it is none, or an event that reports one."""
    if frame.value.get("type") != "error" and apis.recognise(frame.value, None) is not None:
        return None
    return apis.error_of(frame.value, frame.field)


class _Response:
    def __init__(self, capture: Capture, exchange: Exchange) -> None:
        self.tally: Counter[str] = Counter()
        self._capture = capture
        self._exchange = exchange
        self._index = capture.next_exchange()
        self._stream: Stream | None = None
        self._ndjson = exchange.ndjson
        self._lone: Bare | None = None  # JSON outside of data: the whole body, or the first line of NDJSON
        self._error: Error | None = None
        self._rejected: list[Reject | Bare] = []  # until there is a stream
        self._terminators = 0
        self._comments = 0

    def take(self, frame: Frame) -> None:
        if isinstance(frame, Event):
            self._event(frame)
        elif isinstance(frame, Bare):
            self._bare(frame)
        elif isinstance(frame, Terminator):
            self.tally["terminator"] += frame.size
            self._terminators += 1
            self._line(frame.received_at)
        elif isinstance(frame, Comment):
            self._comments += 1
        else:
            self._reject(frame)

    def close(self) -> None:
        """Decide what the exchange was."""
        status = self._exchange.http_status or 0
        if self._lone is not None and _is_chunk(self._lone):
            self._take_lone()
        if self._stream is None:
            self._close_without_events(failed=status >= _FAILED or self._error is not None)
        elif self._lone is not None:
            self._capture.reject(self._lone, self._index)
        self._capture.tally.update(self.tally)
        if self._stream is not None:
            self._stream.has_terminator = self._terminators > 0
            if status >= _FAILED or self._error is not None:
                kind, text = self._error or (None, None)
                self._stream.fail(kind or (str(status) if status >= _FAILED else None), text)
            self._capture.close(self._stream)

    def _event(self, event: Event) -> None:
        if self._lone is not None and (self._ndjson or _is_chunk(self._lone)):
            self._take_lone()
        stream = self._stream or self._open()
        self._capture.place(stream, flattened(event, stream.api, event.received_at, self._comments))
        self._comments = 0

    def _bare(self, frame: Bare) -> None:
        error = error_outside(frame)
        if error is not None:
            self._error = self._error or error
            self.tally["error"] += frame.size
            self._line(frame.received_at)
        elif self._ndjson or (self._stream is not None and apis.recognise(frame.value, None) is not None):
            self._event(event_of(frame))
        elif self._stream is not None:
            self._reject(frame)
        elif self._lone is None:
            self._lone = frame
        else:  # a second line of JSON: the body is NDJSON
            self._ndjson = True
            self._event(event_of(frame))

    def _take_lone(self) -> None:
        lone, self._lone = self._lone, None
        if lone is not None:
            self._event(event_of(lone))

    def _line(self, received_at: int | None) -> None:
        if self._stream is not None:
            self._stream.line(received_at)

    def _open(self) -> Stream:
        self._stream = self._capture.open(self._exchange, self._index, apis.UNKNOWN)
        self._give_rejects()
        return self._stream

    def _reject(self, frame: Reject | Bare) -> None:
        if self._stream is not None:
            self._capture.reject(frame, self._index)
        elif len(self._rejected) < MAX_HELD or _is_unread(frame):
            self._rejected.append(frame)
        else:
            last = self._rejected[-1]
            self._rejected[-1] = msgspec.structs.replace(last, size=last.size + frame.size)

    def _give_rejects(self) -> None:
        for frame in self._rejected:
            self._capture.reject(frame, self._index)
        self._rejected = []

    def _close_without_events(self, *, failed: bool) -> None:
        """A failure, a stream in which nothing came, a response that is no stream, or a broken one."""
        lone = [] if self._lone is None else [self._lone]
        left = sorted([*self._rejected, *lone], key=lambda frame: frame.offset)
        self._rejected, self._lone = [frame for frame in left if _is_unread(frame)], None
        pages = [frame for frame in left if not _is_unread(frame)]
        size = sum(page.size for page in pages)
        if failed:
            if pages and self._error is None:
                self._error = _error_of_page(pages[0])
            self.tally["error"] += size
            self._open()
        elif self._terminators or (self._comments and not left):
            self._rejected = left
            self._open()
        elif self._rejected or any(_is_framed(page) for page in pages):
            self._rejected = left
            self._give_rejects()
        else:
            self.tally = Counter(skipped=self.tally.total() + size)
            self._capture.counts["skipped"] += 1


def _error_of_page(page: Reject | Bare) -> Error:
    """What the body of a failed exchange says, whatever its shape."""
    error = apis.error_of(page.value, "error") if isinstance(page, Bare) else None
    if error is not None and error != (None, None):
        return error
    return None, page.sample.decode("utf-8", "replace").strip()[:_MAX_MESSAGE] or None


def _is_chunk(frame: Bare) -> bool:
    """Whether a lone JSON object says of itself that it is a piece of a stream."""
    return str(frame.value.get("object", "")).endswith(".chunk")


def _is_framed(frame: Reject | Bare) -> bool:
    return frame.sample.lstrip().startswith(b"data:")


def _is_unread(frame: Reject | Bare) -> bool:
    return isinstance(frame, Reject) and frame.unread
