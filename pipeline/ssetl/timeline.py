"""When things came: the times of one stream, and the durations between them.

Definitions are those of the README's table of columns (`time_to_first_token_us` and so on). A duration is
known only if both its ends are and the clock did not step back in between; ties are fine. No clock but
the one in the capture is ever read.
"""

from array import array
from collections.abc import Sequence
from functools import cache
from typing import Final

import msgspec
import numpy as np

from ssetl.apis.row import Row
from ssetl.times import UNKNOWN

Instants = np.ndarray[tuple[int], np.dtype[np.int64]]
"""Instants or durations, in microseconds; `times.UNKNOWN` where there is none."""

MARKS: Final = ("event", "choices", "content", "token", "answer", "output", "text")
"""What an event can be the first or last of.

event: any event. choices: it has a choice. content: text of any kind. token: content, reasoning or
tool-call text. answer: content, refusal or tool-call text. output: content or tool-call text. text:
content.
"""


_FEW: Final = 16  # events that are sooner told one by one


class Moment(msgspec.Struct, frozen=True):
    """An instant, how long after the request it was if that is known, and how many steps back before it.

    Microseconds.
    """

    at: int
    since_request: int | None
    steps: int


def marks(rows: Sequence[Row]) -> tuple[str, ...]:
    """Which of `MARKS` an event with these rows is."""
    choices = text = reasoning = refusal = tools = False
    for row in rows:
        choices = choices or row.choice_index is not None
        text = text or bool(row.content)
        reasoning = reasoning or bool(row.reasoning)
        refusal = refusal or bool(row.refusal)
        if row.tool_calls:
            tools = tools or any(call.name or call.arguments for call in row.tool_calls)
    return _held(choices, text, reasoning, refusal, tools)


@cache
def _held(choices: bool, text: bool, reasoning: bool, refusal: bool, tools: bool) -> tuple[str, ...]:
    held = (
        True,
        choices,
        text or reasoning or refusal or tools,
        text or reasoning or tools,
        text or refusal or tools,
        text or tools,
        text,
    )
    return tuple(mark for mark, holds in zip(MARKS, held, strict=True) if holds)


class Timeline:
    """The times of one stream, told in the order in which its events came.

    `first` and `last` give the moment of the first and last event of each mark: None if that event has no
    time, though others may have one. `steps` counts how often the clock went backwards. `since_content` is
    the gap between the latest event and the content event before it, if it is one itself.
    """

    def __init__(self, request_sent_at: int | None) -> None:
        self.request_sent_at = request_sent_at
        self.steps = 0
        self.first: dict[str, Moment | None] = {}
        self.last: dict[str, Moment | None] = {}
        self.ended: Moment | None = None
        self.since_content: int | None = None
        self.is_timed = False  # whether any event or line had a time
        self._latest = request_sent_at
        self._previous: int | None = None
        self._previous_content: Moment | None = None
        self._gaps = array("q")

    def forget_request(self) -> None:
        """The request was timed by another clock than the events are: nothing can be said of both."""
        self.request_sent_at = self._latest = None

    def event(self, at: int | None, held: Sequence[str]) -> tuple[int | None, int | None]:
        """Note an event at `at`; give microseconds since the request and since the previous event."""
        moment = None if at is None else self._moment(at)
        since_previous = _elapsed(self._previous, at)
        self._previous = at
        for mark in held:
            self.first.setdefault(mark, moment)
            self.last[mark] = moment
        self.since_content = None
        if "content" in held:
            before, self._previous_content = self._previous_content, moment
            if before is not None and moment is not None and before.steps == moment.steps:
                self.since_content = moment.at - before.at
                self._gaps.append(self.since_content)
        self.ended = moment
        return moment.since_request if moment else None, since_previous

    def events(self, at: Instants, held: Sequence[tuple[str, ...]], kinds: Instants) -> Sequence[Instants]:
        """Note many events, as `event` does one by one.

        Args:
            at: when they came.
            held: the marks of each kind of event.
            kinds: which kind each event is.

        Returns:
            Microseconds since the request, since the previous event, and since the content event before it.
        """
        since: list[Instants] = [np.full(len(at), UNKNOWN) for _ in range(3)]
        if len(at) < _FEW or (at == UNKNOWN).any():
            for n, (instant, kind) in enumerate(zip(at.tolist(), kinds.tolist(), strict=True)):
                told = self.event(None if instant == UNKNOWN else instant, held[kind])
                for known, value in zip(since, (*told, self.since_content), strict=True):
                    known[n] = UNKNOWN if value is None else value
            return since
        steps = np.cumsum(at < _behind(at, self._latest)) + self.steps
        if self.request_sent_at is not None:
            since[0][:] = np.where(steps == 0, at - self.request_sent_at, UNKNOWN)
        before = _behind(at, self._previous)
        since[1][:] = np.where((before == UNKNOWN) | (at < before), UNKNOWN, at - before)

        def moment(n: int) -> Moment:
            since_request = since[0].item(n)
            return Moment(at.item(n), None if since_request == UNKNOWN else since_request, steps.item(n))

        of_kind = [np.flatnonzero(kinds == kind) for kind in range(len(held))]
        for mark in MARKS:
            places = [some for some, marks in zip(of_kind, held, strict=True) if mark in marks and len(some)]
            if places:
                self.first.setdefault(mark, moment(min(some.item(0) for some in places)))
                self.last[mark] = moment(max(some.item(-1) for some in places))
        content = np.flatnonzero(np.array(["content" in marks for marks in held])[kinds])
        if len(content):
            last = self._previous_content
            gaps = at[content] - _behind(at[content], last.at if last else None)
            is_gap = steps[content] == _behind(steps[content], last.steps if last else None)
            since[2][content[is_gap]] = gaps[is_gap]
            self._gaps.extend(gaps[is_gap].tolist())
            self._previous_content = moment(content.item(-1))
        since_content = since[2].item(-1)
        self.since_content = None if since_content == UNKNOWN else since_content
        self.is_timed = True
        self.steps = steps.item(-1)
        self._latest = self._previous = at.item(-1)
        self.ended = moment(-1)
        return since

    def line(self, at: int | None) -> None:
        """Note a line that is no event (a terminator, an error): the stream ended no earlier."""
        self.ended = None if at is None else self._moment(at)

    def gaps(self) -> tuple[float | None, float | None, float | None, int | None]:
        """50th, 95th, 99th percentile and maximum of the gaps between content events."""
        if self._content_time() is None or not self._gaps:
            return None, None, None, None
        ordered = sorted(self._gaps)
        return quantile(ordered, 0.50), quantile(ordered, 0.95), quantile(ordered, 0.99), ordered[-1]

    def time_per_output_token(self, output_tokens: int | None) -> float | None:
        """(last - first content) / (output_tokens - 1), microseconds."""
        content_time = self._content_time()
        if content_time is None or output_tokens is None or output_tokens < 2:
            return None
        return content_time / (output_tokens - 1)

    def reason(self, content_events: int) -> str | None:
        """Why the time to first token is unknown; None if it is known."""
        if not any((*self.first.values(), *self.last.values())):
            return "no_arrival_times"
        if self.request_sent_at is None:
            return "no_request_time"
        if not content_events:
            return "no_content"
        first = self.first.get("content")
        if first is None:
            return "no_arrival_times"
        return "clock_stepped" if first.since_request is None else None

    def _content_time(self) -> int | None:
        """From the first to the last content event; None if the clock stepped back between them."""
        first, last = self.first.get("content"), self.last.get("content")
        if first is None or last is None or first.steps != last.steps:
            return None
        return last.at - first.at

    def _moment(self, at: int) -> Moment:
        self.is_timed = True
        if self._latest is not None and at < self._latest:
            self.steps += 1
        self._latest = at
        if self.request_sent_at is None or self.steps:
            return Moment(at, None, self.steps)
        return Moment(at, at - self.request_sent_at, self.steps)


def _behind(values: Instants, first: int | None) -> Instants:
    """The values, one place later: the first one is given, if it is known."""
    return np.concatenate((np.array([UNKNOWN if first is None else first]), values[:-1]))


def _elapsed(before: int | None, at: int | None) -> int | None:
    """The time between two instants; None if one is unknown or the clock stepped back."""
    return None if before is None or at is None or at < before else at - before


def quantile(ordered: Sequence[int], p: float) -> float:
    """The p-quantile of sorted numbers, interpolated linearly, as SQL's quantile_cont does."""
    position = p * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
