"""What the exchanges of one capture become: placed events, streams, rejects, and counts of every byte.

`response.py` reads an exchange that is one response, `interleaved.py` a raw file that holds several; both
put what they find into a `Capture`, from where it is taken away again and again, so that memory does not
grow with the capture.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
import pyarrow as pa

from ssetl import apis, ids
from ssetl.apis.row import Api, Row, flatten
from ssetl.captures.exchange import Exchange, Leftover
from ssetl.providers import provider_of
from ssetl.sse import Bare, Event, Reject
from ssetl.stream import Origin, Stream


class Flat(msgspec.Struct, frozen=True, gc=False):
    """One event and what its JSON says, before it has a place in a stream.

    Args:
        type, offset, size, received_at: as of `sse.Event`.
        end: the first byte behind its last line.
        api: the API that it was read as.
        known: the API that it is certainly of, if any.
        rows: its rows, at least one.
        starts, ends: whether it opens a stream, or is the API's own end of one.
        comments: comment lines before it.
        shares: whether an event before it came in the same read.
    """

    type: str | None
    offset: int
    size: int
    end: int
    received_at: int | None
    api: Api
    known: Api | None
    rows: list[Row]
    starts: bool
    ends: bool
    comments: int
    shares: bool = False


def flattened(
    event: Event, around: Api, received_at: int | None, comments: int, *, shares: bool = False
) -> Flat:
    """Read an event as one of the API that it is certainly of, else as one of `around`."""
    known = apis.recognise(event.value, event.type)
    api = known or around
    return Flat(
        event.type,
        event.offset,
        event.size,
        event.offset + event.size + event.between,
        received_at,
        api,
        known,
        flatten(api, event.value, event.type),
        api.starts(event.value, event.type),
        api.ends(event.value, event.type),
        comments,
        shares,
    )


class Placed(msgspec.Struct, frozen=True, gc=False):
    """One event in its stream, with its rows; times in microseconds."""

    stream_id: str
    event_index: int
    offset: int
    received_at: int | None
    since_request: int | None
    since_previous: int | None
    since_content: int | None
    comments_before: int
    type: str | None
    api: str
    rows: list[Row]


class Rejected(msgspec.Struct, frozen=True):
    """A row of `rejects`."""

    exchange_index: int | None
    byte_offset: int
    length: int
    line: int | None
    reason: str
    sample: bytes | None


class Numbered(msgspec.Struct, frozen=True):
    """Where streams stand in their capture that were taken as a whole; `request` is their own, if known."""

    exchange_index: int
    ordinals: range
    stream_ids: list[str]
    request: Exchange | None = None


class Capture:
    """The streams of one capture.

    `batches` (rows of `chunks`), `placed` (events whose rows come behind those), `stream_batches` (rows of
    `streams`), `streams`, `lived` (more streams, as columns) and `rejects` fill as exchanges are read;
    whoever writes them away clears them.
    `tally` counts bytes by kind and `counts` counts exchanges, skipped exchanges, streams, events,
    chunks and rejects.
    """

    def __init__(self, capture_id: str) -> None:
        self.capture_id = capture_id
        self.container = ""  # its name, once it is known
        self.batches: list[pa.RecordBatch] = []
        self.placed: list[Placed] = []
        self.streams: list[dict[str, object]] = []
        self.stream_batches: list[pa.RecordBatch] = []
        self.lived: list[dict[str, list[Any]]] = []
        self.rejects: list[Rejected] = []
        self.tally: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.closed_bytes = 0
        self._origin: tuple[Exchange, Origin] | None = None  # of the last stream; many share one exchange

    def leave(self, leftover: Leftover) -> None:
        """Note bytes of the container that are no exchange."""
        self.rejects.append(
            Rejected(None, leftover.offset, leftover.size, leftover.line, leftover.reason, None)
        )
        self.counts["rejects"] += 1

    def next_exchange(self) -> int:
        """Count one exchange; give its index."""
        self.counts["exchanges"] += 1
        return self.counts["exchanges"] - 1

    def stream_ids(self, index: int, ordinals: range) -> list[str]:
        """Ids of streams of the exchange with that index."""
        return ids.stream_ids(self.capture_id, index, ordinals)

    def open(self, exchange: Exchange, index: int, api: Api) -> Stream:
        """A new stream of the exchange with that index."""
        ordinal = self.counts["streams"]
        self.counts["streams"] += 1
        if self._origin is None or self._origin[0] is not exchange or self._origin[1].exchange_index != index:
            self._origin = exchange, _origin(self.capture_id, index, exchange)
        (stream_id,) = self.stream_ids(index, range(ordinal, ordinal + 1))
        return Stream(stream_id, ordinal, self._origin[1], api)

    def place(self, stream: Stream, flat: Flat) -> None:
        """Add an event to its stream."""
        rows = flat.rows
        stream.learn(flat.known)
        at = stream.clocked(flat.received_at, rows[0].created_at if flat.api.stamped else None)
        index = stream.events
        since_request, since_previous = stream.event(rows, at)
        stream.ended = stream.ended or flat.ends
        self.placed.append(
            Placed(
                stream.stream_id,
                index,
                flat.offset,
                at,
                since_request,
                since_previous,
                stream.timeline.since_content,
                flat.comments,
                flat.type,
                flat.api.name,
                rows,
            )
        )
        self.tally["event"] += flat.size
        self.counts["events"] += 1
        self.counts["chunks"] += len(rows)

    def place_alike(self, stream: Stream, api: Api, row: Row, times: int) -> None:
        """Add events to their stream that somebody else makes rows of: `times` like `row`, without times."""
        stream.learn(api)
        stream.clocked(None, None)
        stream.repeat(row, times)
        self.count(times)

    def place_timed(self, stream: Stream, alike: Iterable[tuple[Api, Row, int]]) -> None:
        """The same for events that may have times, in any order: their stream is told these by itself."""
        for api, row, times in alike:
            stream.learn(api)
            stream.count([row], times)
            self.count(times)

    def live(self, index: int, streams: int, events: int, request: Exchange | None) -> Numbered:
        """Count whole streams of an exchange, with all their events, that somebody else makes rows of."""
        first = self.counts["streams"]
        ordinals = range(first, first + streams)
        self.counts["streams"] += streams
        self.count(events)
        return Numbered(index, ordinals, self.stream_ids(index, ordinals), request)

    def count(self, events: int) -> None:
        """Count events that somebody else makes rows of, one of each."""
        self.counts["events"] += events
        self.counts["chunks"] += events

    def close(self, stream: Stream) -> None:
        """The stream is over: its row is known."""
        self.streams.append(stream.row())

    def reject(self, frame: Reject | Bare, exchange_index: int) -> None:
        """Note bytes of a body that are nothing we know."""
        reason = frame.reason if isinstance(frame, Reject) else "stray_json"
        self.rejects.append(
            Rejected(exchange_index, frame.offset, frame.size, frame.line, reason, frame.sample)
        )
        self.tally["reject"] += frame.size
        self.counts["rejects"] += 1


def _origin(capture_id: str, index: int, exchange: Exchange) -> Origin:
    return Origin(
        capture_id,
        index,
        url=exchange.url,
        provider=provider_of(exchange.url),
        http_status=exchange.http_status,
        request_id=exchange.request_id,
        request_model=exchange.request_model,
        started_at=exchange.started_at,
        request_sent_at=exchange.request_sent_at,
        clock=exchange.clock,
    )
