"""The times of a stream: given instants and what came at them, expected durations. All in microseconds."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import table
from ssetl.apis import UNKNOWN
from ssetl.apis.row import Row, ToolCall, Usage
from ssetl.stream import Origin, Stream
from ssetl.timeline import MARKS, Timeline, marks, quantile
from ssetl.timeline import UNKNOWN as UNTOLD

ROLE = Row(choice_index=0, role="assistant", content="")
TEXT = Row(choice_index=0, content="a")
THOUGHT = Row(choice_index=0, reasoning="a")
REFUSAL = Row(choice_index=0, refusal="no")
CALL = Row(choice_index=0, tool_calls=(ToolCall(0, "call_1", "f", ""),))
PIECE = Row(choice_index=0, tool_calls=(ToolCall(0, arguments="{"),))
STOP = Row(choice_index=0, finish_reason="stop")
OTHER = Row(choice_index=1, content="b")
PING = Row()
END = "terminator"


def usage(output_tokens: int) -> Row:
    return Row(usage=Usage(output_tokens=output_tokens))


def told(sent: int | None, *given: tuple[int | None, Row | str]) -> dict[str, Any]:
    """The row of a stream to which this happened."""
    stream = Stream("s", 0, Origin("c", 0, request_sent_at=sent), UNKNOWN)
    for at, what in given:
        if isinstance(what, str):
            stream.has_terminator = True
            stream.line(at)
        else:
            stream.event([what], stream.clocked(at, None))
    return stream.row()


@table(
    "row, held",
    {
        "nothing": (PING, {"event"}),
        "role": (ROLE, {"event", "choices"}),
        "empty delta": (Row(choice_index=0), {"event", "choices"}),
        "empty texts": (Row(choice_index=0, content="", reasoning="", refusal=""), {"event", "choices"}),
        "text": (TEXT, {"event", "choices", "content", "token", "answer", "output", "text"}),
        "reasoning": (THOUGHT, {"event", "choices", "content", "token"}),
        "refusal": (REFUSAL, {"event", "choices", "content", "answer"}),
        "name of a tool": (CALL, {"event", "choices", "content", "token", "answer", "output"}),
        "arguments of a tool": (PIECE, {"event", "choices", "content", "token", "answer", "output"}),
        "a tool call that says nothing": (
            Row(choice_index=0, tool_calls=(ToolCall(0, "call_1"),)),
            {"event", "choices"},
        ),
        "finish": (STOP, {"event", "choices"}),
        "usage": (usage(1), {"event"}),
    },
)
def test_what_an_event_is_the_first_or_last_of(row: Row, held: set[str]) -> None:
    assert set(marks([row])) == held
    assert marks([row]) == tuple(mark for mark in MARKS if mark in held)
    assert set(marks([PING, row])) == held


ORDINARY = [
    (1100, ROLE),
    (1300, TEXT),
    (1400, TEXT),
    (1700, TEXT),
    (1750, STOP),
    (1800, usage(3)),
    (1900, END),
]


@table(
    "sent, given, expect",
    {
        "an ordinary stream": (
            1000,
            ORDINARY,
            {
                "request_sent_at": 1000, "first_event_at": 1100, "first_choices_at": 1100,
                "first_content_at": 1300, "last_content_at": 1700, "last_choices_at": 1750,
                "last_event_at": 1800, "ended_at": 1900, "time_to_first_event_us": 100,
                "time_to_first_token_us": 300, "time_to_first_answer_us": 300, "duration_us": 700,
                "total_us": 900, "time_per_output_token_us": 200.0, "gap_p50_us": 200.0, "gap_p95_us": 290.0,
                "gap_p99_us": 298.0, "gap_max_us": 300, "clock": "arrival", "clock_steps": 0,
                "latency_reason": None, "events": 6, "choices_events": 5, "content_events": 3,
            },
        ),
        "no request time": (
            None,
            ORDINARY,
            {
                "time_to_first_event_us": None, "time_to_first_token_us": None, "duration_us": None,
                "total_us": None, "time_per_output_token_us": 200.0, "gap_max_us": 300,
                "latency_reason": "no_request_time", "started_at": 1100, "started_at_source": "first_event",
            },
        ),
        "no arrival times": (
            1000,
            [(None, ROLE), (None, TEXT), (None, TEXT), (None, usage(2)), (None, END)],
            {
                "first_event_at": None, "ended_at": None, "time_to_first_event_us": None, "total_us": None,
                "time_per_output_token_us": None, "gap_p50_us": None, "clock": "none", "clock_steps": 0,
                "latency_reason": "no_arrival_times", "started_at": 1000, "started_at_source": "request",
            },
        ),
        "no content": (
            1000,
            [(1100, ROLE), (1200, STOP)],
            {
                "time_to_first_event_us": 100, "time_to_first_token_us": None, "duration_us": None,
                "total_us": 200, "gap_max_us": None, "latency_reason": "no_content",
            },
        ),
        "ties": (
            1000,
            [(1000, TEXT), (1000, TEXT), (1000, usage(2)), (1000, END)],
            {
                "time_to_first_token_us": 0, "duration_us": 0, "total_us": 0, "time_per_output_token_us": 0.0,
                "gap_p50_us": 0.0, "gap_max_us": 0, "clock_steps": 0, "latency_reason": None,
            },
        ),
        "one content event": (
            1000,
            [(1200, TEXT), (1300, usage(1)), (1300, END)],
            {
                "time_to_first_token_us": 200, "duration_us": 200, "time_per_output_token_us": None,
                "gap_p50_us": None,
            },
        ),
        "several tokens in one event": (
            1000, [(1200, TEXT), (1300, usage(5))], {"time_per_output_token_us": 0.0, "gap_p50_us": None}
        ),
        "no usage": (
            1000, [(1200, TEXT), (1300, TEXT)], {"time_per_output_token_us": None, "gap_p50_us": 100.0}
        ),
        "no output": (1000, [(1200, TEXT), (1300, usage(0))], {"time_per_output_token_us": None}),
        "reasoning, then the answer": (
            1000,
            [(1100, ROLE), (1200, THOUGHT), (1300, THOUGHT), (1600, TEXT), (1700, STOP)],
            {
                "time_to_first_token_us": 200, "time_to_first_answer_us": 600, "duration_us": 600,
                "first_content_at": 1200, "first_token_at": 1200, "first_answer_at": 1600,
                "first_text_at": 1600, "first_output_at": 1600, "last_token_at": 1600, "content_events": 3,
            },
        ),
        "reasoning only": (
            1000,
            [(1200, THOUGHT), (1300, THOUGHT)],
            {
                "time_to_first_token_us": 200, "time_to_first_answer_us": None, "first_answer_at": None,
                "first_text_at": None, "duration_us": 300, "latency_reason": None,
            },
        ),
        "tools only": (
            1000,
            [(1100, ROLE), (1200, CALL), (1300, PIECE), (1400, PIECE)],
            {
                "time_to_first_token_us": 200, "time_to_first_answer_us": 200, "first_output_at": 1200,
                "first_text_at": None, "last_token_at": 1400, "gap_max_us": 100,
            },
        ),
        "refusal": (
            1000,
            [(1100, ROLE), (1200, REFUSAL)],
            {
                "time_to_first_token_us": 200, "time_to_first_answer_us": 200, "first_token_at": None,
                "first_output_at": None, "first_content_at": 1200,
            },
        ),
        "several choices": (
            1000,
            [(1100, ROLE), (1200, OTHER), (1300, TEXT), (1400, OTHER), (1500, usage(3))],
            {
                "time_to_first_token_us": 200, "duration_us": 400, "gap_max_us": 100, "choices": 2,
                "time_per_output_token_us": None,
            },
        ),
        "an error ends it": (
            1000,
            [(1200, TEXT), (1500, Row(error_message="no"))],
            {
                "duration_us": 200, "total_us": 500, "ended_at": 1500, "outcome": "errored",
                "latency_reason": None,
            },
        ),
        "keep-alives are events, but no content": (
            1000,
            [(1010, PING), (1200, TEXT), (1300, PING), (1400, TEXT)],
            {
                "time_to_first_event_us": 10, "time_to_first_token_us": 200, "gap_max_us": 200,
                "choices_events": 2,
            },
        ),
        "the clock steps back before the first token": (
            1000,
            [(1100, ROLE), (1050, TEXT), (1250, TEXT), (1300, usage(2)), (1400, END)],
            {
                "clock_steps": 1, "time_to_first_event_us": 100, "time_to_first_token_us": None,
                "duration_us": None, "total_us": None, "time_per_output_token_us": 200.0, "gap_max_us": 200,
                "latency_reason": "clock_stepped", "first_content_at": 1050, "ended_at": 1400,
            },
        ),
        "the clock steps back among the content": (
            1000,
            [(1100, TEXT), (1200, TEXT), (1150, TEXT), (1250, usage(3)), (1260, END)],
            {
                "clock_steps": 1, "time_to_first_token_us": 100, "duration_us": None, "total_us": None,
                "time_per_output_token_us": None, "gap_p50_us": None, "gap_max_us": None,
                "latency_reason": None,
            },
        ),
        "the clock steps back between content events": (
            1000,
            [(1100, TEXT), (1050, PING), (1200, TEXT), (1300, usage(2))],
            {"clock_steps": 1, "time_per_output_token_us": None, "gap_max_us": None, "duration_us": None},
        ),
        "the clock steps back behind the content": (
            1000,
            [(1100, TEXT), (1200, TEXT), (1300, usage(2)), (1250, END)],
            {
                "clock_steps": 1, "duration_us": 200, "total_us": None, "time_per_output_token_us": 100.0,
                "gap_max_us": 100, "ended_at": 1250,
            },
        ),
        "the request comes after the first event": (
            1000,
            [(900, ROLE), (1100, TEXT), (1200, TEXT)],
            {
                "clock_steps": 1, "time_to_first_event_us": None, "time_to_first_token_us": None,
                "gap_max_us": 100, "latency_reason": "clock_stepped", "started_at": 1000,
            },
        ),
        "the clock steps back twice": (1000, [(900, TEXT), (1200, TEXT), (1100, TEXT)], {"clock_steps": 2}),
        "the first event has no time": (
            1000,
            [(None, ROLE), (1200, TEXT), (1300, TEXT)],
            {
                "first_event_at": None, "time_to_first_event_us": None, "time_to_first_token_us": 200,
                "started_at": 1000, "latency_reason": None,
            },
        ),
        "the first token has no time": (
            1000,
            [(1100, ROLE), (None, TEXT), (1300, TEXT), (1400, TEXT), (1500, usage(3))],
            {
                "time_to_first_token_us": None, "first_content_at": None, "last_content_at": 1400,
                "duration_us": 400, "time_per_output_token_us": None, "gap_max_us": None,
                "latency_reason": "no_arrival_times",
            },
        ),
        "a token between has no time": (
            1000,
            [(1100, TEXT), (None, TEXT), (1300, TEXT), (1500, TEXT), (1500, usage(5))],
            {"duration_us": 500, "time_per_output_token_us": 100.0, "gap_p50_us": 200.0, "gap_max_us": 200},
        ),
        "the last token has no time": (
            1000,
            [(1100, TEXT), (1200, TEXT), (None, TEXT)],
            {"time_to_first_token_us": 100, "duration_us": None, "total_us": None, "last_content_at": None},
        ),
        "the terminator has no time": (
            1000, [(1100, TEXT), (None, END)], {"duration_us": 100, "total_us": None, "ended_at": None}
        ),
        "nothing came": (
            1000, [], {"latency_reason": "no_arrival_times", "total_us": None, "started_at": 1000}
        ),
    },
)  # fmt: skip
def test_durations_by_hand(sent: Any, given: Any, expect: dict[str, Any]) -> None:
    found = told(sent, *given)
    assert {name: found[name] for name in expect} == expect


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=20), st.sampled_from([0.5, 0.95, 0.99, 0.0, 1.0]))
def test_quantiles_are_those_of_polars(numbers: list[int], p: float) -> None:
    expected = pl.Series(numbers).quantile(p, interpolation="linear")
    assert quantile(sorted(numbers), p) == pytest.approx(expected)


WHAT = st.sampled_from([ROLE, TEXT, TEXT, TEXT, THOUGHT, REFUSAL, PIECE, STOP, PING, usage(4), usage(1)])
EVENTS = st.lists(st.tuples(st.none() | st.integers(0, 40), WHAT), max_size=12)


def plain(sent: int | None, chunks: pl.DataFrame) -> dict[str, Any]:
    """The durations of a stream by polars: over the rows of chunks, as anyone would who reads the columns."""
    chunks = chunks.with_columns(
        content=pl.any_horizontal(
            pl.col("content", "refusal", "reasoning", "arguments").fill_null("").str.len_bytes() > 0
        ),
        answer=pl.any_horizontal(pl.col("content", "refusal", "arguments").fill_null("").str.len_bytes() > 0),
        back=pl.concat([pl.Series([sent], dtype=pl.Int64), chunks["received_at"]])
        .forward_fill()
        .diff()
        .slice(1)
        .lt(0)
        .fill_null(False)
        .cum_sum(),
    )

    def since_request(rows: pl.DataFrame, position: int) -> int | None:
        if rows.is_empty() or sent is None:
            return None
        at, back = rows.select("received_at", "back").row(position)
        return None if at is None or back else at - sent

    content = chunks.filter("content")
    gaps = content["received_at"].diff().drop_nulls()
    steady = content.height > 0 and content["back"][0] == content["back"][-1]
    known = steady and None not in (content["received_at"][0], content["received_at"][-1])
    tokens = chunks["output_tokens"].drop_nulls()
    return {
        "time_to_first_event_us": since_request(chunks, 0),
        "time_to_first_token_us": since_request(content, 0),
        "time_to_first_answer_us": since_request(chunks.filter("answer"), 0),
        "duration_us": since_request(content, -1),
        "total_us": since_request(chunks, -1),
        "time_per_output_token_us": (content["received_at"][-1] - content["received_at"][0])
        / (tokens[-1] - 1)
        if known and len(tokens) and tokens[-1] > 1 and chunks["choice_index"].drop_nulls().n_unique() == 1
        else None,
        "gap_p50_us": gaps.quantile(0.5, "linear") if known else None,
        "gap_p95_us": gaps.quantile(0.95, "linear") if known else None,
        "gap_p99_us": gaps.quantile(0.99, "linear") if known else None,
        "gap_max_us": gaps.max() if known else None,
        "clock_steps": chunks["back"].max() or 0,
    }


@given(st.none() | st.integers(0, 20), EVENTS)
def test_durations_are_those_of_a_plain_computation_over_the_chunks(sent: int | None, events: Any) -> None:
    schema = dict.fromkeys(("content", "refusal", "reasoning", "arguments"), pl.String)
    numbers = dict.fromkeys(("received_at", "choice_index", "output_tokens"), pl.Int64)
    columns = [
        {
            "received_at": at,
            "choice_index": row.choice_index,
            "content": row.content,
            "refusal": row.refusal,
            "reasoning": row.reasoning,
            "arguments": "".join(call.arguments or "" for call in row.tool_calls or ()),
            "output_tokens": row.usage and row.usage.output_tokens,
        }
        for at, row in events
    ]
    found = told(sent, *events)
    expected = plain(sent, pl.DataFrame(columns, schema | numbers))
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_gap_in_which_the_clock_stepped_back_is_unknown() -> None:
    timeline = Timeline(None)
    given = [(100, True), (500, True), (200, False), (501, True), (520, True), (None, True), (530, True)]
    gaps = []
    for at, has_content in given:
        timeline.event(at, ("event", "content") if has_content else ("event",))
        gaps.append(timeline.since_content)
    assert gaps == [None, 400, None, None, 19, None, None]


def test_an_event_tells_the_time_since_the_request_and_since_the_previous_event() -> None:
    timeline = Timeline(1000)
    given = [1100, 1100, 1250, None, 1300, 1280, 1290]
    assert [timeline.event(at, ("event",)) for at in given] == [
        (100, None), (100, 0), (250, 150), (None, None), (300, None), (None, None), (None, 10),
    ]  # fmt: skip


instants = st.one_of(st.none(), st.integers(0, 40))
held = st.sampled_from([marks([row]) for row in (ROLE, TEXT, THOUGHT, REFUSAL, CALL, STOP, PING)])


@given(
    st.one_of(st.none(), st.integers(0, 20)),
    st.lists(st.tuples(instants, held), max_size=4),
    st.one_of(
        st.lists(st.tuples(st.integers(0, 40), held), min_size=1, max_size=40),
        st.lists(st.tuples(instants, held), min_size=1, max_size=40),
    ),
    instants,
    st.tuples(instants, held),
)
def test_many_events_at_once_are_as_one_by_one(
    sent: int | None,
    before: list[tuple[int | None, tuple[str, ...]]],
    many: list[tuple[int | None, tuple[str, ...]]],
    line: int | None,
    behind: tuple[int | None, tuple[str, ...]],
) -> None:
    one_by_one, at_once = Timeline(sent), Timeline(sent)
    for timeline in (one_by_one, at_once):
        for at, marked in before:
            timeline.event(at, marked)
        timeline.line(line)
    expected = [(*one_by_one.event(at, marked), one_by_one.since_content) for at, marked in many]
    kinds = list(dict.fromkeys(marked for _, marked in many))
    found = at_once.events(
        np.array([UNTOLD if at is None else at for at, _ in many]),
        kinds,
        np.array([kinds.index(marked) for _, marked in many]),
    )
    told = [[None if value == UNTOLD else value for value in column.tolist()] for column in found]
    assert list(zip(*told, strict=True)) == expected
    assert vars(at_once) == vars(one_by_one)
    assert at_once.event(*behind) == one_by_one.event(*behind)
    assert vars(at_once) == vars(one_by_one)
