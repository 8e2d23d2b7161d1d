"""An explained stream as text: its facts, its events with the gaps between them as bars, the definitions.

Runs of like events are folded into one line, but never an event that came late or that a definition takes as
its first token. Nothing that a capture holds reaches a terminal as markup or control sequence.
"""

import statistics
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa
from rich.cells import cell_len, set_cell_size

from ssetl import terminal
from ssetl.columntext import texts_of
from ssetl.explain import COUNTS, FIRST_TOKEN, Carried, Event, Explanation
from ssetl.inert import printable

WIDTH: Final = 120
"""Columns of a picture that is not drawn for a terminal."""

BAR: Final = 12
"""Columns of the bar of the longest gap."""

LATE: Final = 5
"""An event whose gap is longer than so many median gaps has a line of its own."""

MAX_FACT: Final = 500
"""Columns that one fact may take, over several lines."""

FOLDED: Final = 3
"""From so many like events on, a run has one line."""

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_WHOLE: Final = "█"
_MARK: Final = "▲"
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_TO: Final = "\N{EN DASH}"
_UP_TO: Final = "≤"
_MIN_TEXT: Final = 20


class _Line(msgspec.Struct, frozen=True):
    """One line of the timeline: an event, a run of them, or the end of the stream."""

    index: str
    at_ms: float | None
    gap_ms: float | None
    text: str
    is_run: bool = False
    first_token_of: tuple[str, ...] = ()


def draw(explanation: Explanation, *, width: int | None = None) -> str:
    """The picture, in `width` columns of a terminal, or as wide as is good for a file."""
    parts = [_facts(explanation, width or WIDTH)]
    if explanation.events:
        parts.append(_timeline(explanation, width or WIDTH))
        parts.append(_definitions(explanation, width))
    return "\n".join(parts)


def _facts(explanation: Explanation, width: int) -> str:
    told = [(name, printable(text)) for name, text in _told(explanation) if text]
    indent = max(len(name) for name, _ in told) + 2
    return "".join(
        textwrap.fill(
            _cropped(text, MAX_FACT),
            width,
            initial_indent=f"{name:<{indent}}",
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        )
        + "\n"
        for name, text in told
    )


def _told(explanation: Explanation) -> Iterator[tuple[str, str]]:
    """What there is to say of the stream as a whole, line by line; empty where nothing is known."""
    stream = explanation.stream
    yield "stream", stream["stream_id"]
    yield "response", _listed(stream, api="", response_model="", response_id="", provider="")
    yield "backend", _listed(stream, system_fingerprint="fingerprint ", service_tier="service tier ")
    yield "request", _listed(stream, request_model="", request_id="", url="")
    yield "source", _listed(stream, path="", exchange_index="exchange ", ordinal="stream ")
    finished = " / ".join(reason or "unknown" for reason in stream["finish_reasons"] or ())
    status = _listed(stream, outcome="", http_status="HTTP status ")
    yield "outcome", ", ".join(filter(None, (status, finished and f"finish {finished}")))
    yield "error", ": ".join(filter(None, (stream["error_type"], stream["error_message"])))
    shown = sum(
        any(each.kind in FIRST_TOKEN["ssetl"] for each in event.carries) for event in explanation.events
    )
    dropped = " that was dropped at ingest" if shown < stream["content_events"] else ""
    yield (
        "events",
        f"{stream['events']}, of which {stream['content_events']} with content{dropped};"
        f" choices: {stream['choices']}, tool calls: {stream['tool_calls']}",
    )
    counts = [f"{stream[column]} {what}" for column, what in COUNTS.items() if stream[column] is not None]
    yield "tokens", f"{', '.join(counts)}, as the server says" if counts else "no usage was reported"
    yield "clock", _clock(explanation)


def _listed(stream: dict[str, Any], **columns: str) -> str:
    """The values of these columns that are known, each after its label."""
    known = ((label, stream[column]) for column, label in columns.items())
    return ", ".join(f"{label}{value}" for label, value in known if value not in (None, ""))


def _clock(explanation: Explanation) -> str:
    stream, start = explanation.stream, explanation.start
    if start is None:
        return "none: the capture holds no arrival times, so nothing is said of latency"
    kind = {
        "arrival": "arrival of each event",
        "arrival_read": "arrival of network reads, which several events may share",
        "payload": "the server's own",
    }[stream["clock"]]
    since = "the request" if start == "request" else "the first event: when the request was sent is unknown"
    steps = f"; steps backwards: {stream['clock_steps']}" if stream["clock_steps"] else ""
    return f"{kind}, in ms since {since}{steps}"


def _timeline(explanation: Explanation, width: int) -> str:
    lines = [*map(_line, _runs(explanation.events)), *_ending(explanation)]
    places = _places(lines, is_timed=explanation.start is not None)
    indent = len(places[0])
    room = max(width - indent, _MIN_TEXT)
    drawn = [f"{places[0]}carried"]
    for place, line in zip(places[1:], lines, strict=True):
        drawn.append(place + _cropped(line.text, room))
        if line.first_token_of:
            mark = f"{_MARK} first token: {', '.join(line.first_token_of)}"
            drawn.extend(" " * indent + text for text in textwrap.wrap(mark, room, subsequent_indent="  "))
    return "".join(f"{text.rstrip()}\n" for text in drawn)


def _places(lines: Sequence[_Line], *, is_timed: bool) -> list[str]:
    """Where each line is in the stream: its events, time, gap and bar; their heads first."""
    indexes = _aligned(["event", *(line.index for line in lines)])
    if not is_timed:
        return indexes
    times = _aligned(["time", *_milliseconds([line.at_ms for line in lines])])
    gaps = _milliseconds([line.gap_ms for line in lines])
    shown = [f"{_UP_TO} {gap}" if line.is_run else gap for line, gap in zip(lines, gaps, strict=True)]
    longest = max((line.gap_ms for line in lines if line.gap_ms is not None), default=0)
    bars = [f"{bar:<{BAR}}  " for bar in ("", *(_bar(line.gap_ms, longest) for line in lines))]
    return list(map("".join, zip(indexes, times, _aligned(["gap", *shown]), bars, strict=True)))


def _milliseconds(times: Sequence[float | None]) -> list[str]:
    return texts_of(pa.chunked_array([times], pa.float64()))


def _aligned(texts: Sequence[str]) -> list[str]:
    size = max(map(len, texts))
    return [f"{text:>{size}}  " for text in texts]


def _runs(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """The events, those that share a line together."""
    usual = statistics.median([event.gap_ms for event in events[1:] if event.gap_ms is not None] or [0])
    run: list[Event] = []
    for event in events:
        is_late = max(run[0].gap_ms or 0, event.gap_ms or 0) > LATE * usual if run else False
        if run and (is_late or not _is_like(run[-1], event)):
            yield from _folded(run)
            run = []
        run.append(event)
    yield from _folded(run)


def _is_like(before: Event, event: Event) -> bool:
    """Whether `event` goes on with what the event before it did, and nothing else is to be said of it."""
    return (
        event.event_type == before.event_type
        and event.has_choice == before.has_choice
        and not (event.comments_before or event.first_token_of or before.first_token_of)
        and (event.gap_ms is None) == (before.gap_ms is None)
        and not any(each.kind == "tool_call" for each in event.carries)
        and [(each.kind, each.choice_index) for each in event.carries]
        == [(each.kind, each.choice_index) for each in before.carries]
    )


def _folded(run: Sequence[Event]) -> Iterator[Sequence[Event]]:
    if len(run) >= FOLDED:
        yield run
    else:
        yield from ([event] for event in run)


def _line(run: Sequence[Event]) -> _Line:
    first, last = run[0], run[-1]
    is_run = len(run) > 1
    return _Line(
        index=f"{first.event_index}{_TO}{last.event_index}" if is_run else str(first.event_index),
        at_ms=first.since_start_ms,
        gap_ms=max((event.gap_ms for event in run if event.gap_ms is not None), default=None),
        text=_described(run),
        is_run=is_run,
        first_token_of=first.first_token_of,
    )


def _described(run: Sequence[Event]) -> str:
    """What the events of a line carried, texts joined."""
    first, times = run[0], f" {_TIMES}{len(run)}" if len(run) > 1 else ""
    carried = zip(*(event.carries for event in run), strict=True)
    comments = f"after {first.comments_before} comments" if first.comments_before else ""
    what = "; ".join(_labelled(each, times) for each in carried)
    if not first.carries:
        what = f"{'an empty delta' if first.has_choice else 'no choice'}{times}"
    return ": ".join(filter(None, (comments, printable(first.event_type or ""), what)))


def _labelled(run: Sequence[Carried], times: str) -> str:
    """The same kind of thing, as the events of a line carried it."""
    kind, choice = run[0].kind, run[0].choice_index
    label = f"{kind.replace('_', ' ')}{f'[{choice}]' if choice else ''}{times}"
    text = printable("".join(each.text for each in run) if kind in _PIECES else run[-1].text)
    return f'{label} "{text}"' if kind in _QUOTED else f"{label} {text}"


_QUOTED: Final = ("content", "reasoning", "refusal")
_PIECES: Final = (*_QUOTED, "arguments")


def _ending(explanation: Explanation) -> Iterator[_Line]:
    """The line of the terminator, or of an error that is no event."""
    stream, events = explanation.stream, explanation.events
    if stream["has_terminator"]:
        text = "[DONE]"
    elif stream["error_message"] and not any(
        each.kind == "error" for event in events for each in event.carries
    ):
        text = f"error {printable(stream['error_message'])}"
    else:
        return
    last, after = events[-1].since_start_ms, explanation.ending_ms
    yield _Line("end", None if last is None or after is None else last + after, after, text)


def _bar(gap_ms: float | None, longest: float) -> str:
    """The gap beside the longest one; anything above 0 is seen."""
    if not gap_ms or not longest:
        return ""
    whole, eighths = divmod(max(1, round(gap_ms / longest * BAR * 8)), 8)
    return _WHOLE * whole + _EIGHTHS[eighths].strip()


def _cropped(text: str, size: int) -> str:
    return text if cell_len(text) <= size else set_cell_size(text, size - 1) + "…"


_HEADS: Final[Mapping[str, str]] = {
    "time_to_first_token_ms": "first_token_ms",
    "time_to_first_output_token_ms": "first_output_token_ms",
    "inter_token_latency_ms": "inter_token_ms",
    "time_per_output_token_ms": "per_token_ms",
    "request_latency_ms": "request_ms",
}


def _definitions(explanation: Explanation, width: int | None) -> str:
    """The numbers of each definition; of a stream without a clock, only the event of its first token."""
    heads = _HEADS if explanation.start is not None else {}
    columns: dict[str, pa.DataType] = {"definition": pa.string(), "first_token_event": pa.int64()}
    columns |= dict.fromkeys(heads.values(), pa.float64())
    rows = [
        {"definition": each.definition, "first_token_event": each.first_token_event_index}
        | {head: getattr(each, name) for name, head in heads.items()}
        for each in explanation.definitions
    ]
    return terminal.draw(pa.Table.from_pylist(rows, pa.schema(columns)).to_reader(), width=width).text
