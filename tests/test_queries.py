"""What the shipped reports say of given rows."""

import datetime as dt
import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ssetl
from ssetl import reports, terminal
from ssetl.formats import WRITERS

DAY = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def stream(n: int, **columns: Any) -> dict[str, Any]:
    """A stream of which nothing is known but what the ingest always writes."""
    always = {
        "stream_id": f"s{n:02}",
        "capture_id": "c",
        "ordinal": n,
        "api": "chat.completions",
        "clock": "none",
        "clock_steps": 0,
        "outcome": "completed",
        "usage_source": "absent",
        "events": 0,
        "content_events": 0,
        "choices": 1,
        "finish_reasons": ["stop"],
    }
    return always | columns


def told(given: Callable[..., Path], report: str, **tables: Any) -> list[dict[str, Any]]:
    with ssetl.open(given(**tables)) as lake:
        return lake.report(report).to_dicts()


def test_overview_counts_endings_and_takes_medians_of_what_is_known(given: Callable[..., Path]) -> None:
    rows = told(
        given,
        "overview",
        streams=[
            stream(0, response_model="m", clock="arrival", time_to_first_token_us=100_000, output_tokens=5),
            stream(
                1, response_model="m", clock="arrival", time_to_first_token_us=300_000, duration_us=700_000
            ),
            stream(2, response_model="m", outcome="truncated", output_tokens=7, started_at=DAY),
            stream(3, outcome="errored"),
        ],
    )
    assert rows == [
        {
            "api": "chat.completions",
            "response_model": "m",
            "streams": 3,
            "completed": 2,
            "truncated": 1,
            "errored": 0,
            "empty": 0,
            "without_clock": 1,
            "first_token_p50_ms": 200.0,
            "first_token_p95_ms": 290.0,
            "duration_p50_ms": 700.0,
            "output_tokens": 12,
            "last_started_at": DAY,
        },
        {
            "api": "chat.completions",
            "response_model": None,
            "streams": 1,
            "completed": 0,
            "truncated": 0,
            "errored": 1,
            "empty": 0,
            "without_clock": 1,
            "first_token_p50_ms": None,
            "first_token_p95_ms": None,
            "duration_p50_ms": None,
            "output_tokens": None,
            "last_started_at": None,
        },
    ]


def test_latency_has_every_metric_of_every_model(given: Callable[..., Path]) -> None:
    columns = {
        "time_to_first_event": "time_to_first_event_us",
        "time_to_first_token": "time_to_first_token_us",
        "time_to_first_answer": "time_to_first_answer_us",
        "time_per_output_token": "time_per_output_token_us",
        "longest_gap": "gap_max_us",
        "duration": "duration_us",
        "total": "total_us",
    }
    streams = [stream(n, clock="arrival") for n in range(11)] + [stream(11)]
    for n in range(11):
        streams[n] |= {column: (n + 1) * 1000 * k for k, column in enumerate(columns.values(), 1)}
    rows = told(given, "latency", streams=streams)
    assert [row["metric"] for row in rows] == list(columns)
    for k, row in enumerate(rows, 1):
        assert (row["known"], row["unknown"], row["without_clock"]) == (11, 1, 1)
        percentiles = [row[name] for name in ("p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms")]
        assert percentiles == pytest.approx([6 * k, 10 * k, 10.5 * k, 10.9 * k, 11 * k])


def test_tokens_are_summed_over_streams_and_never_over_events(given: Callable[..., Path]) -> None:
    reported = {"usage_source": "reported", "response_model": "m"}
    rows = told(
        given,
        "tokens",
        streams=[
            stream(0, **reported, started_at=DAY, input_tokens=10, output_tokens=0, total_tokens=11),
            stream(1, **reported, started_at=DAY + dt.timedelta(hours=23), input_tokens=20, output_tokens=5),
            stream(2, response_model="m", started_at=DAY + dt.timedelta(hours=24)),
        ],
        chunks=[{"stream_id": "s00", "event_index": n, "output_tokens": 1000} for n in range(3)],
    )
    assert [(row["day"], row["streams"], row["with_usage"], row["without_usage"]) for row in rows] == [
        (dt.date(2026, 3, 2), 2, 2, 0),
        (dt.date(2026, 3, 3), 1, 0, 1),
    ]
    first, second = rows
    assert (first["input_tokens"], first["output_tokens"], first["total_tokens"]) == (30, 5, 11)
    assert (first["input_tokens_avg"], first["output_tokens_avg"], first["output_tokens_max"]) == (
        15.0,
        2.5,
        5,
    )
    assert first["cached_input_tokens"] is None
    assert {second[name] for name in second if "_tokens" in name} == {None}


def test_absurd_counts_cost_their_sum_and_nothing_else(given: Callable[..., Path]) -> None:
    streams = [stream(n, input_tokens=3, output_tokens=2**63 - 1) for n in range(2)]
    [row] = told(given, "tokens", streams=streams)
    assert (row["streams"], row["input_tokens"], row["output_tokens"]) == (2, 6, None)


def test_finish_reasons_are_counted_by_choice(given: Callable[..., Path]) -> None:
    rows = told(
        given,
        "finish_reasons",
        streams=[
            stream(0, finish_reasons=["stop", "length", "stop"]),
            stream(1, finish_reasons=[None]),
            stream(2, finish_reasons=[]),
            stream(3, finish_reasons=None),
        ],
    )
    assert [(row["finish_reason"], row["choices"], row["streams"], row["share"]) for row in rows] == [
        ("stop", 2, 1, 0.5),
        ("length", 1, 1, 0.25),
        (None, 1, 1, 0.25),
    ]


@pytest.mark.parametrize(
    ("report", "column"), [("fingerprints", "system_fingerprint"), ("service_tiers", "service_tier")]
)
def test_shares_are_of_the_model(given: Callable[..., Path], report: str, column: str) -> None:
    streams = [
        stream(0, response_model="a", **{column: "x"}, clock="arrival", time_to_first_token_us=1000),
        stream(1, response_model="a", **{column: "x"}, clock="arrival", time_to_first_token_us=3000),
        stream(2, response_model="a", **{column: "x"}),
        stream(3, response_model="a"),
        stream(4, response_model="b", **{column: "x"}),
    ]
    rows = told(given, report, streams=streams)
    assert [
        (
            row["response_model"],
            row[column],
            row["streams"],
            row["share"],
            row["without_clock"],
            row["first_token_p50_ms"],
        )
        for row in rows
    ] == [("a", "x", 3, 0.75, 1, 2.0), ("a", None, 1, 0.25, 1, None), ("b", "x", 1, 1.0, 1, None)]


def test_fingerprints_say_when_they_were_seen(given: Callable[..., Path]) -> None:
    streams = [stream(n, system_fingerprint="x", started_at=DAY + dt.timedelta(days=n)) for n in range(3)]
    [row] = told(given, "fingerprints", streams=streams)
    assert (row["first_seen_at"], row["last_seen_at"]) == (DAY, DAY + dt.timedelta(days=2))


def test_errors_are_grouped_by_what_the_server_said(given: Callable[..., Path]) -> None:
    overloaded = {"outcome": "errored", "request_model": "m", "http_status": 503, "error_type": "overloaded"}
    rows = told(
        given,
        "errors",
        streams=[
            stream(0, **overloaded, error_message="try later", started_at=DAY),
            stream(1, **overloaded, error_message="try later", content_events=3),
            stream(2, **overloaded),
            stream(3, error_type="a warning", outcome="completed"),
        ],
    )
    assert [
        (row["error_message"], row["streams"], row["after_content"], row["example_stream_id"]) for row in rows
    ] == [
        ("try later", 2, 1, "s00"),
        (None, 1, 0, "s02"),
    ]


def test_rejects_show_text_where_it_is_text(given: Callable[..., Path]) -> None:
    rows = told(
        given,
        "rejects",
        captures=[{"capture_id": "c", "path": "/logs/a.sse"}],
        rejects=[
            {"capture_id": "c", "byte_offset": 9, "reason": "not_json", "sample": b"\xff\x00"},
            {"capture_id": "c", "byte_offset": 5, "reason": "not_json", "sample": 'data: {"é'.encode()},
        ],
    )
    assert [(row["path"], row["sample"]) for row in rows] == [
        ("/logs/a.sse", 'data: {"é'),
        ("/logs/a.sse", r"\xFF\x00"),
    ]


def test_a_model_is_found_by_what_was_asked_for_and_by_what_answered(given: Callable[..., Path]) -> None:
    streams = [
        stream(0, request_model="m", response_model="m-2026"),
        stream(1, request_model="m", outcome="errored"),
        stream(2, response_model="m"),
        stream(3, request_model="other"),
    ]
    with ssetl.open(given(streams=streams)) as lake:
        assert lake.report("streams", model="m")["stream_id"].to_list() == ["s00", "s01", "s02"]
        assert lake.report("errors", model="m")["streams"].to_list() == [1]


def test_streams_of_unknown_start_are_in_no_span_of_time(given: Callable[..., Path]) -> None:
    with ssetl.open(given(streams=[stream(0)])) as lake:
        assert lake.report("streams").height == 1
        assert lake.report("streams", since="1970-01-01").is_empty()
        assert lake.report("streams", until="2100-01-01").is_empty()


HOSTILE = [
    "\x1b[31m\x07",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "a|b`c\n\r\n",
    "é日本👩‍👧\u202e",
    "",
    "' or 1=1 --",
]


def various() -> list[dict[str, Any]]:
    """Streams with ties, nulls and hostile texts in all that reports group and order by."""
    chance = random.Random(7)
    pick = [None, *HOSTILE]
    return [
        stream(
            n,
            response_model=chance.choice(pick),
            request_model=chance.choice(pick),
            system_fingerprint=chance.choice(pick),
            service_tier=chance.choice(pick),
            error_type=chance.choice(pick),
            error_message=chance.choice(pick),
            outcome=chance.choice(["completed", "errored", "truncated", "empty"]),
            finish_reasons=chance.choice([None, [], [None], ["stop"], [chance.choice(pick), "stop"]]),
            clock=chance.choice(["none", "arrival"]),
            started_at=chance.choice([None, DAY]),
            time_to_first_token_us=chance.choice([None, 0, 1000]),
            output_tokens=chance.choice([None, 0, 2**62]) if n == 0 else chance.choice([None, 0, 5]),
        )
        for n in range(60)
    ]


@pytest.mark.parametrize("name", reports.names())
def test_the_order_of_the_rows_is_total_and_every_format_takes_them(
    given: Callable[..., Path], name: str
) -> None:
    streams = various()
    captures = [{"capture_id": f"c{n}", "path": text, "source_offset": 0} for n, text in enumerate(HOSTILE)]
    rejects = [
        {"capture_id": f"c{n % 3}", "reason": "r", "sample": text.encode()} for n, text in enumerate(HOSTILE)
    ]
    with ssetl.open(given("one", parts=1, streams=streams, captures=captures, rejects=rejects)) as lake:
        expected = lake.report_batches(name).read_all()
    shuffled = {"streams": streams[::-1], "captures": captures[::-1], "rejects": rejects}
    with ssetl.open(given("three", parts=3, **shuffled)) as lake:
        found = lake.report_batches(name).read_all()
    assert found.equals(expected)
    for write in WRITERS.values():
        write(expected.to_reader(), io.BytesIO(), raw=False)
    assert "\x1b" not in terminal.draw(expected.to_reader()).text
