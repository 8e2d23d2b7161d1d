"""One stream, event by event, and what each tool's definition of latency makes of it.

Everything comes from the dataset. What the capture does not tell is None: without arrival times, an event
has an index and what it carried, and no time.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from ssetl.cells import rows
from ssetl.errors import UsageError
from ssetl.parameters import Value
from ssetl.warehouse import Warehouse

MAX_CANDIDATES: Final = 5
"""Streams that an ambiguous name lists."""

FIRST_TOKEN: Final[Mapping[str, AbstractSet[str]]] = {
    "ssetl": frozenset({"content", "reasoning", "refusal", "tool_call", "arguments"}),
    "aiperf": frozenset({"content", "reasoning", "tool_call", "arguments"}),
    "vllm": frozenset({"choice"}),
    "guidellm": frozenset({"content", "reasoning", "tool_call", "arguments"}),
    "genai-perf": frozenset({"content"}),
    "inference-perf": frozenset({"content"}),
    "otel": frozenset({"event"}),
}
"""By definition: what an event has to be, or to carry, to be its first token. All are events."""

COUNTS: Final = {"input_tokens": "in", "output_tokens": "out", "total_tokens": "in all"}
"""What token counts are called."""


class Carried(msgspec.Struct, frozen=True):
    """One thing that an event carried.

    Args:
        kind: role, reasoning, content, refusal, tool_call, arguments, finish, usage or error.
        choice_index: of the choice that it belongs to; None: of the event as a whole.
        text: itself; of a tool call its name and what there is of its arguments, `name(arguments`.
    """

    kind: str
    choice_index: int | None
    text: str


class Event(msgspec.Struct, frozen=True):
    """One event of the stream.

    Args:
        event_index: its place in the stream, from 0.
        since_start_ms: time since `Explanation.start`.
        gap_ms: time since the event before it, or since the request; None too where the clock stepped back.
        comments_before: comment lines (keep-alives) since the event before it.
        event_type: its SSE `event:` field.
        has_choice: whether it has a choice, empty or not.
        carries: what it carried, choice by choice.
        first_token_of: the definitions whose first token it is.
    """

    event_index: int
    since_start_ms: float | None
    gap_ms: float | None
    comments_before: int
    event_type: str | None
    has_choice: bool
    carries: tuple[Carried, ...]
    first_token_of: tuple[str, ...] = ()


class Definition(msgspec.Struct, frozen=True):
    """One tool's numbers: a row of `stream_latency`, and the event that it takes as its first token."""

    definition: str
    first_token_event_index: int | None
    time_to_first_token_ms: float | None
    time_to_first_output_token_ms: float | None
    inter_token_latency_ms: float | None
    time_per_output_token_ms: float | None
    request_latency_ms: float | None


class Explanation(msgspec.Struct, frozen=True):
    """One stream.

    Args:
        stream: its row of `streams`, and the `path` of its source.
        start: the instant from which times count: `request`, or `first_event` where no request time is
            known; None where the capture holds no arrival times.
        events: in order.
        ending_ms: time from the last event to the end of the stream, its terminator included.
        definitions: in the order of the design's table.
    """

    stream: dict[str, Any]
    start: str | None
    events: tuple[Event, ...]
    ending_ms: float | None
    definitions: tuple[Definition, ...]


def explain(warehouse: Warehouse, name: str) -> Explanation:
    """The stream with this id, or the only one whose id begins so, or the only one with this response_id.

    Raises:
        UsageError: there is none, or more than one.
    """
    stream = _find(warehouse, name)
    ending_us = stream.pop("ending_us")
    chunks = _select(warehouse, _CHUNKS, stream_id=stream["stream_id"])
    start, start_us = _start(chunks)
    events = [_event(choices, start_us) for choices in _by_event(chunks)]
    first = {definition: _first(events, taken) for definition, taken in FIRST_TOKEN.items()}
    named = {
        index: tuple(definition for definition, at in first.items() if at == index)
        for index in first.values()
        if index is not None
    }
    latencies = {
        row.pop("definition"): row for row in _select(warehouse, _LATENCY, stream_id=stream["stream_id"])
    }
    return Explanation(
        stream=stream,
        start=start,
        events=tuple(
            msgspec.structs.replace(event, first_token_of=named.get(event.event_index, ()))
            for event in events
        ),
        ending_ms=None if ending_us is None else ending_us / 1e3,
        definitions=tuple(
            Definition(definition, index, **latencies[definition]) for definition, index in first.items()
        ),
    )


_FIND: Final = """
    select
        streams.*,
        captures.path,
        case when clock_steps = 0 then epoch_us(ended_at) - epoch_us(last_event_at) end as ending_us
    from streams
    left join captures using (capture_id)
    where starts_with(stream_id, $name) or response_id = $name
    order by stream_id <> $name, started_at, stream_id
"""
_CHUNKS: Final = """
    select *, epoch_us(received_at) as received_us
    from chunks
    where stream_id = $stream_id
    order by event_index, choice_position
"""
_LATENCY: Final = """
    select
        definition,
        time_to_first_token_ms,
        time_to_first_output_token_ms,
        inter_token_latency_ms,
        time_per_output_token_ms,
        request_latency_ms
    from stream_latency
    where stream_id = $stream_id
"""


def _find(warehouse: Warehouse, name: str) -> dict[str, Any]:
    found = _select(warehouse, f"{_FIND} limit {MAX_CANDIDATES + 1}", name=name)
    if not found:
        raise UsageError(
            f"no stream has an id that begins with {name!r}, and none has that response_id."
            " `ssetl report streams` lists them."
        )
    if len(found) > 1 and found[0]["stream_id"] != name:
        listed = ", ".join(stream["stream_id"] for stream in found[:MAX_CANDIDATES])
        more = ", …" if len(found) > MAX_CANDIDATES else ""
        raise UsageError(f"expected one stream, but {name!r} may be any of these: {listed}{more}.")
    return found[0]


def _select(warehouse: Warehouse, sql: str, **values: Value) -> list[dict[str, Any]]:
    batches = warehouse.select(warehouse.parse(sql), values)
    names = batches.schema.names
    return [dict(zip(names, row, strict=True)) for batch in batches for row in rows(batch)]


def _start(chunks: Sequence[Mapping[str, Any]]) -> tuple[str | None, int | None]:
    """What times count from, and when that was in microseconds since 1970."""
    timed = [chunk for chunk in chunks if chunk["received_us"] is not None]
    for chunk in timed:
        if chunk["since_request_us"] is not None:
            return "request", chunk["received_us"] - chunk["since_request_us"]
    return ("first_event", timed[0]["received_us"]) if timed else (None, None)


def _by_event(chunks: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    events: list[list[dict[str, Any]]] = []
    for chunk in chunks:
        if events and events[-1][0]["event_index"] == chunk["event_index"]:
            events[-1].append(chunk)
        else:
            events.append([chunk])
    return events


def _event(choices: Sequence[Mapping[str, Any]], start_us: int | None) -> Event:
    head = choices[0]
    at_us = head["received_us"]
    gap_us = head["since_request_us"] if head["event_index"] == 0 else head["since_previous_us"]
    return Event(
        event_index=head["event_index"],
        since_start_ms=None if at_us is None or start_us is None else (at_us - start_us) / 1e3,
        gap_ms=None if gap_us is None else gap_us / 1e3,
        comments_before=head["comments_before"] or 0,
        event_type=head["event_type"],
        has_choice=any(choice["choice_index"] is not None for choice in choices),
        carries=tuple(each for choice in choices for each in _carried(choice)),
    )


_TEXTS: Final = ("role", "reasoning", "content", "refusal")


def _carried(chunk: Mapping[str, Any]) -> list[Carried]:
    """What one row of `chunks` carries."""
    choice = chunk["choice_index"]
    found = [Carried(kind, choice, chunk[kind]) for kind in _TEXTS if chunk[kind]]
    for call in chunk["tool_calls"] or ():
        name, arguments = call["name"] or "", call["arguments"] or ""
        if name:
            found.append(Carried("tool_call", choice, f"{name}({arguments}"))
        elif arguments:
            found.append(Carried("arguments", choice, arguments))
    if chunk["finish_reason"]:
        found.append(Carried("finish", choice, chunk["finish_reason"]))
    counts = [f"{chunk[column]} {what}" for column, what in COUNTS.items() if chunk[column] is not None]
    if counts:
        found.append(Carried("usage", None, ", ".join(counts)))
    error = [text for text in (chunk["error_type"], chunk["error_message"]) if text is not None]
    if error:
        found.append(Carried("error", None, ": ".join(error)))
    return found


def _first(events: Sequence[Event], taken: AbstractSet[str]) -> int | None:
    """The index of the first event that is, or carries, one of `taken`."""
    for event in events:
        held = {"event", *(each.kind for each in event.carries)}
        if event.has_choice:
            held.add("choice")
        if held & taken:
            return event.event_index
    return None
