"""Reports on rows made by hand: what is given, and what each report has to say of it."""

import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ssetl

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
Row = dict[str, Any]
Report = Callable[..., list[Row]]


def ms(n: float) -> dt.datetime:
    return START + dt.timedelta(milliseconds=n)


def stream(name: str, **columns: Any) -> Row:
    """A completed stream with a clock, of model m."""
    usual = {
        "stream_id": name,
        "capture_id": name,
        "ordinal": 0,
        "api": "chat.completions",
        "response_model": "m",
        "clock": "arrival",
        "clock_steps": 0,
        "choices": 1,
        "content_events": 1,
        "events": 1,
        "outcome": "completed",
        "has_terminator": True,
        "usage_source": "absent",
        "started_at": START,
    }
    return usual | columns


def event(name: str, index: int, at_ms: float | None = None, **columns: Any) -> Row:
    """A row of `chunks`, with a choice."""
    received = None if at_ms is None else ms(at_ms)
    return {
        "stream_id": name,
        "event_index": index,
        "choice_position": 0,
        "choice_index": 0,
        "received_at": received,
        **columns,
    }


def call(**piece: Any) -> list[Row]:
    return [{"index": 0, "id": None, "name": None, "arguments": None} | piece]


@pytest.fixture
def report(given: Callable[..., Path]) -> Report:
    """The rows of a report over the streams and chunks given."""

    def run(
        name: str, streams: Sequence[Row], chunks: Sequence[Row] = (), folder: str = "lake", **parameters: Any
    ) -> list[Row]:
        with ssetl.open(given(folder, streams=streams, chunks=chunks)) as lake:
            return lake.report(name, **parameters).to_dicts()

    return run


def only(rows: Sequence[Row], **wanted: Any) -> Row:
    """The one row that has these values."""
    [row] = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return row


def of(row: Mapping[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def test_gaps(report: Report) -> None:
    chunks = [
        event("a", 0),
        event("a", 1, since_content_us=0),
        event("a", 2, since_content_us=20_000),
        event("a", 2, since_content_us=20_000) | {"choice_position": 1},  # choices of one event have one gap
        event("b", 1, since_content_us=40_000),
        event("b", 2, since_content_us=40_000),
        event("c", 0),
    ]
    streams = [stream("a"), stream("b"), stream("c", clock="none"), stream("d", response_model="n")]
    found = report("gaps", streams, chunks)
    row = only(found, response_model="m")
    assert of(row, "streams", "without_clock", "gaps", "zero_gaps") == (3, 1, 4, 1)
    assert of(row, "p50_ms", "max_ms") == (30, 40)
    assert row["p90_ms"] == row["p95_ms"] == row["p99_ms"] == row["p999_ms"] == 40
    other = only(found, response_model="n")
    assert of(other, "streams", "gaps", "zero_gaps", "p50_ms", "max_ms") == (1, 0, 0, None, None)


def test_gaps_agree_with_the_streams_and_with_plain_polars(dataset: Path) -> None:
    with ssetl.open(dataset) as lake:
        found = {row["response_model"]: row for row in lake.report("gaps").to_dicts()}
        chunks = lake.scan("chunks").filter(pl.col("content") != "")
        models = lake.scan("streams").select("stream_id", model="response_model")
        gaps = (
            chunks.sort("stream_id", "event_index")
            .with_columns(gap=pl.col("received_at").diff().over("stream_id").dt.total_microseconds() / 1e3)
            .join(models, on="stream_id")
            .filter(pl.col("gap").is_not_null())
        )
        plain = gaps.group_by("model").agg(
            n=pl.len(), p99=pl.col("gap").quantile(0.99, "linear"), last=pl.max("gap")
        )
        longest = lake.sql(
            "select response_model as model, max(gap_max_us) / 1e3 as ms from streams group by 1"
        )
        expected = {model: (n, p99, last) for model, n, p99, last in plain.collect().iter_rows()}
    assert len(expected) > 1
    for model, (n, p99, last) in expected.items():
        assert of(found[model], "gaps", "p99_ms", "max_ms") == (n, pytest.approx(p99), last)
    assert {model: found[model]["max_ms"] for model, _ in longest.iter_rows()} == dict(longest.iter_rows())


def test_throughput(report: Report) -> None:
    def flight(name: str, first: float, last: float, tokens: int | None, **around: float) -> Row:
        begin, end = around["begin"], around["end"]
        return stream(
            name,
            request_sent_at=ms(begin),
            first_event_at=ms(first),
            first_content_at=ms(first),
            last_content_at=ms(last),
            ended_at=ms(end),
            output_tokens=tokens,
        )

    streams = [
        # Ten seconds of content, half of them in each interval.
        flight("a", 5_000, 15_000, 100, begin=0, end=20_000),
        flight("b", 4_000, 4_000, 30, begin=2_000, end=6_000),
        flight("begins as b ends", 8_000, 9_000, None, begin=6_000, end=10_000),
        stream("d", clock="none"),
        flight("e", 1, 2, 1, begin=0, end=3) | {"clock_steps": 1},
        # A server's clock: the time of its request is another one.
        flight("f", 41_000, 42_000, 20, begin=0, end=43_000) | {"clock": "payload"},
    ]
    columns = ("streams", "started", "ended", "in_flight_max", "without_tokens")
    found = report("throughput", streams, bucket=10)
    assert [row["interval_at"] for row in found] == [ms(0), ms(10_000), ms(20_000), ms(40_000)]
    assert [of(row, *columns) for row in found] == [
        (3, 3, 1, 2, 1),
        (2, 0, 1, 1, 1),
        (1, 0, 1, 0, 0),
        (1, 1, 1, 1, 0),
    ]
    assert [row["in_flight_avg"] for row in found] == pytest.approx([1.8, 1.0, 0.0, 0.2])
    assert [row["output_tokens_per_second"] for row in found] == pytest.approx([8.0, 5.0, 0.0, 2.0])


def test_a_clock_that_jumped_is_no_stream_of_years(report: Report) -> None:
    jumped = stream("a", request_sent_at=START, first_event_at=START, ended_at=START.replace(year=9000))
    assert report("throughput", [jumped], bucket=1) == []


def test_tokens_whose_end_is_unknown_are_in_no_interval(report: Report) -> None:
    half = stream("s", request_sent_at=ms(0), first_content_at=ms(0), ended_at=ms(9000), output_tokens=9)
    found = report("throughput", [half], bucket=5)
    assert [of(row, "output_tokens_per_second", "without_tokens") for row in found] == [(None, 1)] * 2


def test_fingerprint_changes(report: Report) -> None:
    def served(
        name: str, minute: int, fingerprint: str | None, first_token: int | None, **columns: Any
    ) -> Row:
        return stream(
            name,
            started_at=START + dt.timedelta(minutes=minute),
            system_fingerprint=fingerprint,
            time_to_first_token_us=first_token,
            **columns,
        )

    streams = [
        served("a", 0, "x", 100_000),
        served("b", 1, "x", 200_000),
        served("c", 2, None, 1),
        served("d", 3, "x", None),
        served("e", 4, "y", 500_000),
        served("f", 5, "x", 300_000),
        served("g", 6, "y", 600_000),
        served("h", 7, "y", 700_000),
        served("i", 3, "z", 1, response_model="n"),
    ]
    fields = ("fingerprint_before", "fingerprint_after", "streams_before", "streams_after")
    found = report("fingerprint_changes", streams)
    assert [of(row, *fields) for row in found] == [("x", "y", 3, 1), ("y", "x", 1, 1), ("x", "y", 1, 2)]
    first, _, last = found
    minutes = [START + dt.timedelta(minutes=n) for n in range(8)]
    assert of(first, "response_model", "before_last_seen_at", "changed_at") == ("m", minutes[3], minutes[4])
    assert of(first, "first_token_p50_ms_before", "first_token_p50_ms_after") == (150, 500)
    assert of(last, "first_token_p50_ms_before", "first_token_p50_ms_after") == (300, 650)
    assert of(last, "per_token_p50_ms_before", "per_token_p50_ms_after") == (None, None)
    [change] = report("fingerprint_changes", streams, folder="again", min_streams=2)
    assert of(change, *fields) == ("x", "y", 3, 2)


def test_outcomes(report: Report) -> None:
    streams = [
        stream("a"),
        stream("b", has_terminator=False),
        stream("c", tool_calls=1),
        stream("d", outcome="errored", has_terminator=False, error_type="x"),
        stream("e", outcome="empty", has_terminator=False, content_events=0),
    ]
    chunks = [
        event("a", 0, content="x", finish_reason="stop"),
        event("a", 1, finish_reason="stop"),
        event("b", 0, finish_reason="stop"),
        event("b", 0, finish_reason="stop") | {"choice_position": 1, "choice_index": 1},
        event("c", 0, tool_calls=call(id="1", name="f", arguments='{"a"')),
        event("d", 0, content="x", finish_reason="length"),
    ]
    columns = ("streams", "without_content", "half_tool_call", "finish_repeated", "finish_beside_error")
    found = report("outcomes", streams, chunks)
    assert {of(row, "outcome", "has_terminator"): of(row, *columns) for row in found} == {
        ("completed", True): (2, 0, 1, 1, 0),
        ("completed", False): (1, 0, 0, 0, 0),
        ("errored", False): (1, 0, 0, 0, 1),
        ("empty", False): (1, 1, 0, 0, 0),
    }
    assert [row["share"] for row in found] == [0.4, 0.2, 0.2, 0.2]
    assert found[0]["example_stream_id"] == "a"


def test_tool_calls_are_joined_by_index_and_id(given: Callable[..., Path]) -> None:
    pieces: list[list[Row]] = [
        call(id="1", name="f", arguments=""),
        [*call(arguments='{"a":'), *call(index=1, id="2", name="g", arguments="{")],
        call(arguments="1}"),
        call(id="3", name="f", arguments="{}"),  # another id, so another call
        call(id="3", arguments=""),
        [*call(index=None, name="h", arguments="{}"), *call(index=None, name="h", arguments="[1]")],
        call(index=2, id="4", name="k"),
        call(index=3, id="5", name="again", arguments="{}"),
        call(index=3, id="5", arguments="{}"),
        call(index=4, id="6", name="code", arguments="print(1)"),
        call(index=5, id="7", name="hashed", arguments="blake3:00c0ffee00c0ffee:7"),
    ]
    chunks = [event("s", index, index, tool_calls=each) for index, each in enumerate(pieces)]
    columns = ("name", "call_id", "event_index", "place", "pieces", "arguments", "is_json", "is_half")
    with ssetl.open(given(streams=[stream("s")], chunks=chunks)) as lake:
        found = lake.sql("select * from stream_tool_calls order by event_index, place").to_dicts()
    assert [of(row, *columns) for row in found] == [
        ("f", "1", 0, 1, 2, '{"a":1}', True, False),
        ("g", "2", 1, 2, 1, "{", False, True),
        ("f", "3", 3, 1, 1, "{}", True, False),
        ("h", None, 5, 1, 1, "{}", True, False),
        ("h", None, 5, 2, 1, "[1]", True, False),
        ("k", "4", 6, 1, 0, None, None, None),
        ("again", "5", 7, 1, 2, "{}{}", True, False),
        ("code", "6", 9, 1, 1, "print(1)", False, False),
        ("hashed", "7", 10, 1, 1, "blake3:00c0ffee00c0ffee:7", None, None),
    ]
    assert of(found[0], "first_at", "last_at") == (ms(0), ms(2))


def test_tool_calls(report: Report) -> None:
    chunks = [
        event("a", 0, 10, tool_calls=call(id="1", name="f", arguments="{}")),
        event("b", 0, 10, tool_calls=call(id="1", name="f", arguments='{"a":')),
        event("b", 1, 50, tool_calls=call(arguments="1")),
        event("c", 0, tool_calls=call(id="1", name="f")),
        event("c", 1, tool_calls=call(index=1, id="2", name="g", arguments="{}")),
    ]
    streams = [stream("a"), stream("b"), stream("c", clock="none")]
    first, second = report("tool_calls", streams, chunks)
    assert of(first, "tool", "calls", "streams", "half_json", "without_arguments") == ("f", 3, 3, 1, 1)
    assert of(first, "characters_p50", "characters_max", "example_stream_id") == (4, 6, "b")
    assert of(first, "with_latency", "p50_ms", "p95_ms") == (2, 20, 38)
    assert of(second, "tool", "calls", "half_json", "with_latency", "p50_ms") == ("g", 1, 0, 0, None)


@pytest.mark.parametrize(
    ("arguments", "judged", "without"),
    [("{}", 0, 1), ('\n\t{"a":', 1, 1), ("blake3:00c0ffee00c0ffee:7", None, 1), (None, None, None)],
)
def test_what_was_not_kept_is_unknown(
    given: Callable[..., Path], arguments: str | None, judged: int | None, without: int | None
) -> None:
    chunks = [
        event("a", 0, 10, tool_calls=call(id="1", name="f", arguments=arguments)),
        event("b", 0, 10, tool_calls=call(id="2", name="f")),
    ]
    with ssetl.open(given(streams=[stream("a"), stream("b")], chunks=chunks)) as lake:
        [calls] = lake.report("tool_calls").to_dicts()
        [ends] = lake.report("outcomes").to_dicts()
    assert of(calls, "calls", "half_json", "without_arguments") == (2, judged, without)
    assert ends["half_tool_call"] == judged


def test_without_calls_none_is_half(report: Report) -> None:
    [told] = report("outcomes", [stream("a")])
    assert told["half_tool_call"] == 0


def test_the_first_piece_of_a_call_tells_its_place(given: Callable[..., Path]) -> None:
    pieces = [
        [*call(id="1", name="f", arguments="{"), *call(index=1, id="2", name="g", arguments="{")],
        call(index=1, arguments="}"),
        call(arguments="}"),
    ]
    chunks = [event("s", index, index, tool_calls=each) for index, each in enumerate(pieces)]
    with ssetl.open(given(streams=[stream("s")], chunks=chunks)) as lake:
        found = lake.sql("select name, event_index, place from stream_tool_calls order by name").rows()
    assert found == [("f", 0, 1), ("g", 0, 2)]


USAGE = ("input_tokens", "output_tokens", "total_tokens", "reasoning_output_tokens")


@pytest.mark.parametrize(
    ("final", "told", "expected"),
    [
        (None, [], {"absent"}),
        ((10, 5, 15, None), [5], {"reported_once"}),
        ((10, None, None, None), [], {"reported_once"}),
        ((10, 5, 15, None), [5, 5], {"repeated"}),
        ((10, 5, 15, None), [1, 2, 5], {"cumulative"}),
        ((10, 5, 15, None), [9, 5], {"shrinking"}),
        ((10, None, None, None), [1, 2], {"shrinking"}),
        ((10, None, None, None), [2, 2], {"repeated"}),
        ((10, 0, 10, None), [0], {"reported_once", "zero_output"}),
        ((10, 5, 15, 3), [5], {"reported_once"}),
        ((10, 5, 18, 3), [5], {"reported_once", "reasoning_outside", "total_unequal"}),
        ((10, 5, 15, 9), [5], {"reported_once", "reasoning_outside"}),
        ((10, 5, 99, 0), [5], {"reported_once", "total_unequal"}),
        ((2**63 - 1, 2**63 - 1, 7, None), [2**63 - 1], {"reported_once", "total_unequal"}),
    ],
)
def test_usage_audit(
    report: Report, final: tuple[int | None, ...] | None, told: Sequence[int], expected: set[str]
) -> None:
    source = "absent" if final is None else "reported"
    counts = dict(zip(USAGE, final or (None,) * 4, strict=True))
    chunks = [event("s", index, output_tokens=tokens) for index, tokens in enumerate(told)]
    found = report("usage_audit", [stream("s", usage_source=source, content_events=2, **counts)], chunks)
    assert {row["finding"] for row in found} == expected
    tokens = counts["output_tokens"]
    for row in found:
        assert of(row, "streams", "share", "example_stream_id") == (1, 1.0, "s")
        assert row["tokens_per_event_p50"] == (None if tokens is None else tokens / 2)


def test_usage_audit_counts_streams_by_model(report: Report) -> None:
    streams = [
        stream("a", usage_source="reported", output_tokens=8, content_events=2),
        stream("b", usage_source="reported", output_tokens=6, content_events=6),
        stream("c"),
        stream("d", response_model=None),
    ]
    found = report("usage_audit", streams, [event("a", 0, output_tokens=8), event("b", 0, output_tokens=6)])
    once = only(found, finding="reported_once")
    assert of(once, "streams", "share", "tokens_per_event_p50", "tokens_per_event_max") == (2, 2 / 3, 2.5, 4)
    assert only(found, response_model=None, finding="absent")["share"] == 1


def silent(name: str, *events: tuple[float, str], end: float, **columns: Any) -> tuple[Row, list[Row]]:
    """A stream with a request at 0, and its chunks.

    By kind: c content, r reasoning, p ping, k content after comments, - an empty delta.
    """
    held: dict[str, Row] = {
        "c": {"content": "x"},
        "r": {"reasoning": "x"},
        "p": {"event_type": "ping", "choice_index": None},
        "k": {"content": "x", "comments_before": 2},
        "-": {},
    }
    chunks = [event(name, index, at, **held[kind]) for index, (at, kind) in enumerate(events)]
    content = [at for at, kind in events if kind in "crk"]
    gaps = sorted(b - a for a, b in itertools.pairwise(content))
    row = stream(
        name,
        request_sent_at=START,
        events=len(events),
        content_events=len(content),
        time_to_first_event_us=int(events[0][0] * 1000),
        time_to_first_token_us=int(content[0] * 1000) if content else None,
        last_content_at=ms(content[-1]) if content else None,
        last_event_at=ms(events[-1][0]),
        ended_at=ms(end),
        total_us=int(end * 1000),
        gap_p50_us=gaps[len(gaps) // 2] * 1e3 if gaps else None,
        gap_max_us=int(gaps[-1] * 1e3) if gaps else None,
        **columns,
    )
    return row, chunks


def stalls(report: Report, *pairs: tuple[Row, list[Row]], **parameters: Any) -> dict[str, Row]:
    chunks = [row for _, rows in pairs for row in rows]
    return {row["phase"]: row for row in report("stalls", [row for row, _ in pairs], chunks, **parameters)}


COUNTS = ("stalls", "stalled_streams", "keep_alive_only")


def test_a_stall_is_seen_though_the_last_content_has_no_time(report: Report) -> None:
    row, chunks = silent("s", (100, "c"), (2100, "c"), (2200, "c"), end=2300)
    row |= {"last_content_at": None, "gap_p50_us": None, "gap_max_us": None}
    chunks[-1]["received_at"] = None
    found = stalls(report, (row, chunks), threshold_ms=500)
    assert of(found["answer"], *COUNTS) == (1, 1, 0)


def test_stalls_by_phase(report: Report) -> None:
    found = stalls(
        report,
        silent("a", (6_000, "c"), (6_020, "c"), (6_040, "c"), (9_040, "k"), end=9_041),
        silent("b", (100, "-"), (200, "r"), (2_200, "p"), (4_200, "r"), (8_200, "c"), end=15_000),
        silent("c", (100, "p"), (3_000, "-"), end=8_000),  # never said anything
        threshold_ms=1_500,
    )
    assert list(found) == ["before_first_token", "reasoning", "answer"]
    assert of(found["before_first_token"], *COUNTS) == (2, 2, 1)
    assert of(found["before_first_token"], "p50_ms", "max_ms", "example_stream_id") == (7_000, 8_000, "c")
    assert of(found["reasoning"], *COUNTS) == (2, 1, 1)  # 200 to 4200 with a ping, 4200 to 8200
    assert of(found["reasoning"], "p50_ms", "max_ms") == (4_000, 4_000)
    assert of(found["answer"], *COUNTS) == (2, 2, 1)  # 6040 to 9040 with comments, 8200 to the end
    assert of(found["answer"], "max_ms", "example_stream_id", "threshold_p50_ms") == (6_800, "b", 1_500)
    assert {of(row, "streams", "without_clock") for row in found.values()} == {(3, 0)}


def test_a_threshold_is_exceeded_and_not_reached(report: Report) -> None:
    pair = silent("a", (100, "c"), (600, "c"), end=601)
    assert stalls(report, pair, threshold_ms=500)["answer"]["stalls"] == 0
    assert stalls(report, pair, folder="b", threshold_ms=499.9)["answer"]["stalls"] == 1


def test_what_is_usual_is_learned_from_the_stream_and_its_model(report: Report) -> None:
    slow = silent("slow", (400, "c"), (800, "c"), (1_200, "c"), (4_000, "c"), (8_100, "c"), end=8_101)
    fast = silent(
        "fast", (400, "c"), (420, "c"), (440, "c"), (460, "c"), (1_430, "c"), (2_440, "c"), end=2_441
    )
    late = silent("late", (4_001, "c"), (4_002, "c"), end=4_003)
    found = stalls(report, slow, fast, late)
    assert of(found["before_first_token"], "stalls", "threshold_p50_ms", "example_stream_id") == (
        1,
        4_000,
        "late",
    )
    assert of(found["answer"], "stalls", "example_stream_id") == (1, "fast")  # 1010 ms; slow's median is 2800
    again = stalls(report, slow, fast, late, folder="again", times=1, least_ms=0)
    assert again["answer"]["stalled_streams"] == 2


def test_streams_whose_silences_nobody_knows_do_not_stall(report: Report) -> None:
    timeless = silent("a", (9_000, "c"), (19_000, "c"), end=30_000, clock="none")
    stepped = silent("b", (9_000, "c"), (19_000, "c"), end=30_000, clock_steps=1)
    row, chunks = silent("c", (9_000, "-"), (19_000, "-"), end=30_000)
    dropped = row | {"content_events": 2}, chunks
    found = stalls(report, timeless, stepped, dropped, threshold_ms=1)
    assert {of(row, *COUNTS, "without_clock", "p50_ms", "example_stream_id") for row in found.values()} == {
        (0, 0, 0, 2, None, None)
    }


def test_idle_timeouts(report: Report) -> None:
    def quiet(number: int, first: int, event_gap: int, content_gap: int, **columns: Any) -> tuple[Row, Row]:
        name = f"s{number}"
        row = stream(
            name,
            time_to_first_event_us=first * 1000,
            time_to_first_token_us=first * 1000,
            gap_max_us=content_gap * 1000,
            last_content_at=ms(5_000),
            last_event_at=ms(5_010),
            ended_at=ms(5_020),
            **columns,
        )
        return row, event(name, 1, since_previous_us=event_gap * 1000)

    pairs = [quiet(n, 100, 10 * n, 20 * n) for n in range(1, 100)]
    pairs += [quiet(100, 9_000, 1, 1), quiet(101, 1, 1, 1, outcome="truncated")]
    streams = [row for row, _ in pairs] + [stream("bare", clock="none")]
    chunks = [chunk for _, chunk in pairs]
    columns = ("completed", "known", "unknown", "timeout_ms", "would_cut", "longest_max_ms")
    found = {row["silence"]: of(row, *columns) for row in report("idle_timeouts", streams, chunks)}
    assert list(found) == ["no_event", "no_content"]
    assert found["no_event"] == (101, 100, 1, 990, 1, 9_000)  # one of a hundred is one percent
    assert found["no_content"] == (101, 100, 1, 1_980, 1, 9_000)
    none = report("idle_timeouts", streams, chunks, folder="none", cut_percent=0)
    assert [of(row, "timeout_ms", "would_cut") for row in none] == [(9_000, 0)] * 2
    half = report("idle_timeouts", streams, chunks, folder="half", cut_percent=50)
    assert [of(row, "timeout_ms", "would_cut") for row in half] == [(500, 50), (1_000, 50)]


def test_idle_timeouts_without_a_time_of_the_request(report: Report) -> None:
    unknown = stream("a", gap_max_us=5, last_content_at=ms(1), last_event_at=ms(1), ended_at=ms(2))
    found = report("idle_timeouts", [unknown], [event("a", 1, since_previous_us=5)])
    assert [of(row, "completed", "known", "timeout_ms", "would_cut") for row in found] == [
        (1, 0, None, None)
    ] * 2


def test_slo(report: Report) -> None:
    def timed(name: str, ttft: int | None, tpot: float | None, total: int | None, **columns: Any) -> Row:
        return stream(
            name,
            time_to_first_token_us=ttft,
            time_per_output_token_us=tpot,
            total_us=total,
            **columns,
        )

    streams = [
        timed("good", 500_000, 20_000.0, 5_000_000),  # each just met
        timed("slow", 500_001, 20_000.0, 5_000_000),
        timed("unknown", 400_000, None, 5_000_000),
        timed("slow, and the rest unknown", 600_000, None, None),
        timed("errored", 1, 1.0, 1, outcome="errored"),
        timed("bare", None, None, None, response_model="n", clock="none"),
    ]
    columns = ("streams", "good", "goodput", "missed", "unknown", "not_completed")
    m, n = report("slo", streams, ttft_ms=500, tpot_ms=20.0, total_ms=5_000)
    assert of(m, *columns) == (5, 1, 0.2, 2, 1, 1)
    assert of(m, "ttft_missed", "tpot_missed", "total_missed") == (2, 0, 0)
    assert of(m, "ttft_unknown", "tpot_unknown", "total_unknown") == (0, 2, 1)
    assert of(n, *columns) == (1, 0, 0.0, 0, 1, 0)
    m, n = report("slo", streams, folder="first", ttft_ms=500)
    assert of(m, *columns) == (5, 2, 0.4, 2, 0, 1)
    assert of(n, *columns) == (1, 0, 0.0, 0, 1, 0)
    m, n = report("slo", streams, folder="none")
    assert of(m, *columns) == (5, 4, None, 0, 0, 1)
    assert of(n, *columns) == (1, 1, None, 0, 0, 0)


NEW = (
    "definitions",
    "fingerprint_changes",
    "gaps",
    "idle_timeouts",
    "outcomes",
    "slo",
    "stalls",
    "throughput",
    "tool_calls",
    "usage_audit",
)


@pytest.mark.parametrize("name", NEW)
def test_over_nothing_a_report_has_no_rows(report: Report, name: str) -> None:
    assert report(name, []) == []


@pytest.mark.parametrize("name", NEW)
def test_the_usual_parameters_select_streams(dataset: Path, name: str) -> None:
    with ssetl.open(dataset) as lake:
        everything = lake.report(name)
        assert lake.report(name, since="2026-01-01", until="2027-01-01").equals(everything)
        assert lake.report(name, since="2027-01-01").is_empty()
        assert lake.report(name, until="2026-01-01").is_empty()
        assert lake.report(name, model="no such model").is_empty()
        if "response_model" in everything.columns and not everything.is_empty():
            one = lake.report(name, model="gpt-4.1-2025-04-14")
            expected = everything.filter(pl.col("response_model") == "gpt-4.1-2025-04-14")
            assert one.equals(expected)
