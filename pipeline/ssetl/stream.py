"""One stream, from its first event to its row in `streams`: identity, usage, finish, outcome."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ssetl.apis.row import Api, Row, ToolCall, Usage
from ssetl.timeline import Moment, Timeline, marks


class Origin(msgspec.Struct, frozen=True):
    """Where a stream comes from, and what the container knows of its exchange. Times: µs since 1970."""

    capture_id: str
    exchange_index: int
    url: str | None = None
    provider: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    request_model: str | None = None
    started_at: int | None = None
    request_sent_at: int | None = None
    clock: str = "arrival"


class Stream:
    """A stream as it grows. `events` counts what it has seen, `row()` tells what it has become."""

    def __init__(self, stream_id: str, ordinal: int, origin: Origin, api: Api) -> None:
        self.stream_id = stream_id
        self.ordinal = ordinal
        self.origin = origin
        self.api = api
        self.timeline = Timeline(origin.request_sent_at)
        self.clock: str | None = None
        self.response_id: str | None = None
        self.events = 0
        self.has_terminator = False
        self.ended = False  # by the API's own end event
        self._response_model: str | None = None
        self._service_tier: str | None = None
        self._system_fingerprint: str | None = None
        self._created_at: int | None = None
        self._content_events = 0
        self._choices_events = 0
        self._finish: dict[int, str | None] = {}
        self._unfinished = 0  # choices without a finish reason: asked for at each event
        self._repeats_role = False
        self._tool_calls: dict[tuple[int, int | None], str | None] = {}
        self._tool_call_count = 0
        self._usage: Usage | None = None
        self._error: tuple[str | None, str | None] | None = None

    @property
    def closed(self) -> bool:
        """Whether its terminator, or the API's own end, has come."""
        return self.has_terminator or self.ended

    @property
    def finished(self) -> bool:
        """Whether it has choices and each has a finish reason."""
        return bool(self._finish) and not self._unfinished

    def restarts(self, rows: Sequence[Row], *, requested: bool = False) -> bool:
        """Whether an event with this stream's id begins another stream: it has finished, and speaks again.

        Servers repeat role and finish reason on a closing usage event: that is no new beginning. Nor is
        an event of a choice that had not spoken before. After a request (`requested`) a role is a
        beginning, finished or not, unless this stream names its role again and again.
        """
        if self.closed:
            return True
        if requested and not self._repeats_role and any(row.role for row in rows):
            return True
        first = rows[0]
        if not self.finished or first.error_type or first.error_message:
            return False
        speaks = "content" in marks(rows)
        known = all(row.choice_index in self._finish for row in rows)
        repeats = any(row.finish_reason for row in rows)
        return known and not repeats and (speaks or (not first.usage and any(row.role for row in rows)))

    def learn(self, api: Api | None) -> None:
        """Note what API an event is certainly of: the first that has a choice decides."""
        if api is not None and not self._choices_events:
            self.api = api

    def clocked(self, received_at: int | None, created_at: int | None) -> int | None:
        """The time of an event by the clock of the stream: the first that tells a time.

        Args:
            received_at: arrival, if the capture knows it.
            created_at: time by the server's clock, if it is fine enough.
        """
        if self.clock is None and received_at is not None:
            self.clock = self.origin.clock
        elif self.clock is None and created_at is not None:
            self.clock = "payload"
            self.timeline.forget_request()  # it was timed by the client's clock
        return created_at if self.clock == "payload" else received_at

    def event(self, rows: Sequence[Row], at: int | None) -> tuple[int | None, int | None]:
        """Take an event; give microseconds since the request and since the previous event."""
        return self.timeline.event(at, self.count(rows, 1))

    def repeat(self, row: Row, times: int) -> None:
        """Take `times` events without a time, all of them like `row` but for what their texts say."""
        self.timeline.event(None, self.count([row], times))

    def count(self, rows: Sequence[Row], times: int) -> tuple[str, ...]:
        """Take `times` events with these rows, but for their times; give their marks."""
        held = marks(rows)
        self.events += times
        self._content_events += times * ("content" in held)
        self._choices_events += times * ("choices" in held)
        for row in rows:
            self._identify(row)
            if row.choice_index is not None:
                for _ in range(min(times, 2)):  # the second time tells whether a role is repeated
                    self._take_choice(row, row.choice_index)
        return held

    def line(self, at: int | None) -> None:
        """Note the arrival of a line that is no event; a server's clock does not tell it."""
        if self.clock != "payload":
            self.timeline.line(at)

    def fail(self, error_type: str | None, error_message: str | None) -> None:
        """Note an error; the first one stays."""
        if self._error is None:
            self._error = error_type, error_message

    def _identify(self, row: Row) -> None:
        # An empty text is no id, model, tier or fingerprint: some servers send one before they know better.
        self.response_id = self.response_id or row.response_id or None
        self._response_model = row.response_model or self._response_model
        self._service_tier = row.service_tier or self._service_tier
        self._system_fingerprint = self._system_fingerprint or row.system_fingerprint or None
        if self._created_at is None:
            self._created_at = row.created_at
        if row.usage:
            known = self._usage if self.api.adds_usage else None
            self._usage = _joined(known, row.usage) if known else row.usage
        if row.error_type is not None or row.error_message is not None:
            self.fail(row.error_type, row.error_message)

    def _take_choice(self, row: Row, choice: int) -> None:
        self._repeats_role = self._repeats_role or (bool(row.role) and choice in self._finish)
        known = self._finish.get(choice)
        reason = row.finish_reason or known
        self._unfinished += (not reason) - (choice in self._finish and not known)
        self._finish[choice] = reason
        for call in row.tool_calls or ():
            key = choice, call.index
            if key not in self._tool_calls or _is_another(call, self._tool_calls[key]):
                self._tool_call_count += 1
                self._tool_calls[key] = call.id
            elif call.id:
                self._tool_calls[key] = call.id

    def outcome(self) -> str:
        """`errored`, `completed`, `truncated` or `empty`: the first that fits."""
        if self._error is not None:
            return "errored"
        if self.finished or (self.closed and self._content_events):
            return "completed"
        return "truncated" if self._content_events else "empty"

    def row(self) -> dict[str, object]:
        """The stream as a row of `streams`, by column."""
        usage = self._usage or Usage()
        choices = sorted(self._finish)
        output_tokens = usage.output_tokens if len(choices) == 1 else None
        times = _UNTIMED
        if self.timeline.is_timed:
            times = _times(self.timeline, self._content_events, output_tokens)
        started_at, source = self._started(times["first_event_at"])
        origin = self.origin
        error_type, error_message = self._error or (None, None)
        return {
            "stream_id": self.stream_id,
            "capture_id": origin.capture_id,
            "ordinal": self.ordinal,
            "exchange_index": origin.exchange_index,
            "api": self.api.name,
            "provider": origin.provider,
            "url": origin.url,
            "http_status": origin.http_status,
            "request_id": origin.request_id,
            "request_model": origin.request_model,
            "response_id": self.response_id,
            "response_model": self._response_model,
            "service_tier": self._service_tier,
            "system_fingerprint": self._system_fingerprint,
            "created_at": self._created_at,
            "started_at": started_at,
            "started_at_source": source,
            "clock": self.clock or "none",
            "request_sent_at": origin.request_sent_at,
            **times,
            "events": self.events,
            "choices_events": self._choices_events,
            "content_events": self._content_events,
            "choices": len(choices),
            "finish_reasons": [self._finish[choice] for choice in choices],
            "tool_calls": self._tool_call_count,
            "has_terminator": self.has_terminator,
            "outcome": self.outcome(),
            **msgspec.structs.asdict(usage),
            "usage_source": "reported" if self._usage else "absent",
            "error_type": error_type,
            "error_message": error_message,
        }

    def _started(self, first_event_at: int | None) -> tuple[int | None, str | None]:
        known = (
            (self.origin.request_sent_at, "request"),
            (self.origin.started_at, "container"),
            (first_event_at, "first_event"),
            (self._created_at, "created"),
        )
        return next(((at, source) for at, source in known if at is not None), (None, None))


def _is_another(call: ToolCall, known_id: str | None) -> bool:
    """Whether `call` begins a tool call, where there is one of its index: not a piece of that one.

    Without an index, only an id or a name tells.
    """
    if call.id:
        return call.id != known_id and (known_id is not None or call.index is None)
    return call.index is None and bool(call.name)


def _joined(known: Usage, later: Usage) -> Usage:
    """Usage told in parts: what is told later counts, what is told only once stays."""
    told = {name: n for name, n in msgspec.structs.asdict(later).items() if n is not None}
    return msgspec.structs.replace(known, **told)


def _times(timeline: Timeline, content_events: int, output_tokens: int | None) -> dict[str, Any]:
    """The columns that the timeline tells; `output_tokens` are those of the only choice."""
    first = {mark: moment for mark, moment in timeline.first.items() if moment}
    last = {mark: moment for mark, moment in timeline.last.items() if moment}
    ended = timeline.ended
    gap_p50, gap_p95, gap_p99, gap_max = timeline.gaps()

    def at(moments: Mapping[str, Moment], mark: str) -> int | None:
        return moments[mark].at if mark in moments else None

    def since_request(moments: Mapping[str, Moment], mark: str) -> int | None:
        return moments[mark].since_request if mark in moments else None

    return {
        "clock_steps": timeline.steps,
        "first_event_at": at(first, "event"),
        "first_choices_at": at(first, "choices"),
        "first_content_at": at(first, "content"),
        "first_token_at": at(first, "token"),
        "first_answer_at": at(first, "answer"),
        "first_output_at": at(first, "output"),
        "first_text_at": at(first, "text"),
        "last_text_at": at(last, "text"),
        "last_token_at": at(last, "token"),
        "last_content_at": at(last, "content"),
        "last_choices_at": at(last, "choices"),
        "last_event_at": at(last, "event"),
        "ended_at": ended.at if ended else None,
        "time_to_first_event_us": since_request(first, "event"),
        "time_to_first_token_us": since_request(first, "content"),
        "time_to_first_answer_us": since_request(first, "answer"),
        "duration_us": since_request(last, "content"),
        "total_us": ended.since_request if ended else None,
        "time_per_output_token_us": timeline.time_per_output_token(output_tokens),
        "gap_p50_us": gap_p50,
        "gap_p95_us": gap_p95,
        "gap_p99_us": gap_p99,
        "gap_max_us": gap_max,
        "latency_reason": timeline.reason(content_events),
    }


_UNTIMED: Final = _times(Timeline(None), 0, None)
