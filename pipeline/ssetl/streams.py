"""What the exchanges of one capture become: placed events, streams, rejects, and counts of every byte.

`response.py` reads an exchange that is one response, `interleaved.py` a raw file that holds several; both
put what they find into a `Capture`, from where it is taken away again and again, so that memory does not
grow with the capture.
"""

from collections import Counter

import msgspec

from ssetl import ids
from ssetl.apis.row import Api, Row
from ssetl.captures.exchange import Exchange, Leftover
from ssetl.providers import provider_of
from ssetl.sse import Bare, Event, Reject
from ssetl.stream import Origin, Stream


class Placed(msgspec.Struct, frozen=True):
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


class Capture:
    """The streams of one capture.

    `placed`, `streams` and `rejects` fill as exchanges are read; whoever writes them away clears them.
    `tally` counts bytes by kind and `counts` counts exchanges, skipped exchanges, streams, events,
    chunks and rejects.
    """

    def __init__(self, capture_id: str) -> None:
        self.capture_id = capture_id
        self.container: str | None = None
        self.placed: list[Placed] = []
        self.streams: list[dict[str, object]] = []
        self.rejects: list[Rejected] = []
        self.tally: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.closed_bytes = 0

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

    def open(self, exchange: Exchange, index: int, api: Api) -> Stream:
        """A new stream of the exchange with that index."""
        ordinal = self.counts["streams"]
        self.counts["streams"] += 1
        origin = Origin(
            self.capture_id,
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
        return Stream(ids.stream_id(self.capture_id, index, ordinal), ordinal, origin, api)

    def place(self, stream: Stream, event: Event, rows: list[Row], api: Api, comments: int = 0) -> None:
        """Add an event, flattened as one of `api` to `rows`, to its stream.

        `comments` counts the comment lines since the stream's previous event.
        """
        at = stream.clocked(event.received_at, rows[0].created_at if api.stamped else None)
        index = stream.events
        since_request, since_previous = stream.event(rows, at)
        stream.ended = stream.ended or api.ends(event.value, event.type)
        self.placed.append(
            Placed(
                stream_id=stream.stream_id,
                event_index=index,
                offset=event.offset,
                received_at=at,
                since_request=since_request,
                since_previous=since_previous,
                since_content=stream.timeline.since_content,
                comments_before=comments,
                type=event.type,
                api=api.name,
                rows=rows,
            )
        )
        self.tally["event"] += event.size
        self.counts["events"] += 1
        self.counts["chunks"] += len(rows)

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
