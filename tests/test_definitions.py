"""Captures with times, and by hand what each definition makes of them: `stream_latency`, `definitions`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

import ssetl
from reading import choice, chunk, table

ROLE = chunk(choices=[choice(role="assistant", content="")])
STOP = chunk(choices=[choice(finish="stop")])
DONE = b"[DONE]"
COLUMNS = (
    "time_to_first_token_ms",
    "time_to_first_output_token_ms",
    "inter_token_latency_ms",
    "time_per_output_token_ms",
    "request_latency_ms",
)
Timed = Sequence[tuple[float, Any]]
Numbers = tuple[float | None, ...]


def content(text: str, index: int = 0) -> dict[str, Any]:
    return chunk(choices=[choice(index, content=text)])


def reasoning(text: str) -> dict[str, Any]:
    return chunk(choices=[choice(reasoning_content=text)])


def call(arguments: str, **named: Any) -> dict[str, Any]:
    piece = {"index": 0, **named, "function": {"name": named.get("id") and "f", "arguments": arguments}}
    return chunk(choices=[choice(tool_calls=[piece])])


def usage(tokens: int) -> dict[str, Any]:
    counts = {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 3 + tokens}
    return chunk(usage=counts)


def capture(events: Timed, *, request: bool = True) -> bytes:
    """An SSE body; times in milliseconds since the request."""
    lines = [b": request 2026-03-02T09:00:00Z POST /v1/chat/completions"] if request else []
    for ms, event in events:
        data = event if isinstance(event, bytes) else msgspec.json.encode(event)
        lines += [f": t 2026-03-02T09:00:{ms / 1e3:09.6f}Z".encode(), b"data: " + data, b""]
    return b"\n".join(lines) + b"\n"


def latencies(tmp_path: Path, body: bytes) -> dict[str, Numbers]:
    """The numbers of the one stream in `body`, by definition."""
    (tmp_path / "capture.sse").write_bytes(body)
    ssetl.ingest([tmp_path / "capture.sse"], dataset=tmp_path / "lake")
    with ssetl.open(tmp_path / "lake") as lake:
        rows = lake.sql("select * from stream_latency").to_dicts()
    assert len(rows) == 7
    return {row["definition"]: tuple(row[column] for column in COLUMNS) for row in rows}


CASES: dict[str, tuple[Timed, Mapping[str, Numbers]]] = {
    # definition: first token, first output token, inter token, per token, request
    "a role-only event first, three tokens, usage, [DONE]": (
        [
            (100, ROLE),
            (200, content("a")),
            (260, content("b")),
            (300, content("c")),
            (310, STOP),
            (330, usage(3)),
            (350, DONE),
        ],
        {
            "ssetl": (200, 200, 50, 50, 300),
            "aiperf": (200, 200, 50, None, 300),
            "vllm": (100, None, 52.5, 105, 310),  # five events with choices: 210 / 4; (310 - 100) / 2
            "guidellm": (200, None, 50, 100, 350),
            "genai-perf": (200, None, 50, None, 300),
            "inference-perf": (200, None, None, 50, 350),
            "otel": (100, None, 46, None, 330),  # six events: 230 / 5; [DONE] is none
        },
    ),
    "reasoning before the answer": (
        [
            (100, ROLE),
            (150, reasoning("x")),
            (250, reasoning("y")),
            (400, content("a")),
            (500, content("b")),
            (500, STOP),
            (520, usage(8)),
        ],
        {
            "ssetl": (150, 400, 50, 50, 500),
            "aiperf": (150, 400, 50, None, 500),
            "vllm": (100, None, 80, 400 / 7, 500),
            "guidellm": (150, None, 50, 62.5, 520),
            "genai-perf": (400, None, 100 / 7, None, 500),
            "inference-perf": (400, None, None, 100 / 7, 520),
            "otel": (100, None, 70, None, 520),
        },
    ),
    "a tool call and nothing else": (
        [
            (90, ROLE),
            (120, call("", id="c1")),
            (180, call('{"a":')),
            (240, call("1}")),
            (250, chunk(choices=[choice(finish="tool_calls")])),
            (270, usage(5)),
        ],
        {
            "ssetl": (120, 120, 30, 30, 240),
            "aiperf": (120, 120, 30, None, 240),
            "vllm": (90, None, 40, 40, 250),
            "guidellm": (120, None, 30, 48, 270),
            "genai-perf": (None, None, None, None, None),
            "inference-perf": (None, None, None, None, 270),
            "otel": (90, None, 36, None, 270),
        },
    ),
    "a refusal and nothing else": (
        [
            (80, ROLE),
            (100, chunk(choices=[choice(refusal="I")])),
            (140, chunk(choices=[choice(refusal=" won't")])),
            (150, STOP),
            (160, usage(3)),
        ],
        {
            "ssetl": (100, 100, 20, 20, 140),
            "aiperf": (None, None, None, None, None),
            "vllm": (80, None, 70 / 3, 35, 150),
            "guidellm": (None, None, None, None, 160),
            "genai-perf": (None, None, None, None, None),
            "inference-perf": (None, None, None, None, 160),
            "otel": (80, None, 20, None, 160),
        },
    ),
    "one token": (
        [(100, ROLE), (130, content("a")), (140, STOP), (150, usage(1))],
        {
            "ssetl": (130, 130, None, None, 130),
            "aiperf": (130, 130, None, None, 130),
            "vllm": (100, None, 20, None, 140),
            "guidellm": (130, None, None, 130, 150),
            "genai-perf": (130, None, None, None, 130),
            "inference-perf": (130, None, None, None, 150),
            "otel": (100, None, 50 / 3, None, 150),
        },
    ),
    "two choices": (
        [
            (100, chunk(choices=[choice(0, role="assistant"), choice(1, role="assistant")])),
            (200, content("a", 0)),
            (220, content("b", 1)),
            (300, content("c", 1)),
            (310, chunk(choices=[choice(0, "stop"), choice(1, "stop")])),
            (330, usage(6)),
        ],
        {
            "ssetl": (200, 200, None, None, 300),  # per token only of a single choice
            "aiperf": (200, 200, 20, None, 300),
            "vllm": (100, None, 52.5, 42, 310),
            "guidellm": (200, None, 20, 50, 330),
            "genai-perf": (200, None, 20, None, 300),
            "inference-perf": (200, None, None, 20, 330),
            "otel": (100, None, 46, None, 330),
        },
    ),
    "no usage": (
        [(100, ROLE), (200, content("a")), (280, content("b")), (290, STOP)],
        {
            "ssetl": (200, 200, None, None, 280),
            "aiperf": (200, 200, None, None, 280),
            "vllm": (100, None, 190 / 3, None, 290),
            "guidellm": (200, None, None, None, 290),
            "genai-perf": (200, None, None, None, 280),
            "inference-perf": (200, None, None, None, 290),
            "otel": (100, None, 190 / 3, None, 290),
        },
    ),
    "all at one instant": (
        [(70, ROLE), (70, content("a")), (70, content("b")), (70, STOP), (70, usage(2))],
        {
            "ssetl": (70, 70, 0, 0, 70),
            "aiperf": (70, 70, 0, None, 70),
            "vllm": (70, None, 0, 0, 70),
            "guidellm": (70, None, 0, 35, 70),
            "genai-perf": (70, None, 0, None, 70),
            "inference-perf": (70, None, None, 0, 70),
            "otel": (70, None, 0, None, 70),
        },
    ),
    "an error ends it": (
        [
            (100, ROLE),
            (200, content("a")),
            (240, content("b")),
            (900, {"error": {"message": "overloaded", "type": "server_error"}}),
        ],
        {
            "ssetl": (200, 200, None, None, 240),
            "aiperf": (200, 200, None, None, 240),
            "vllm": (100, None, 70, None, 240),
            "guidellm": (200, None, None, None, 900),
            "genai-perf": (200, None, None, None, 240),
            "inference-perf": (200, None, None, None, 900),
            "otel": (100, None, 800 / 3, None, 900),
        },
    ),
}


@table("events, expected", CASES)
def test_by_hand(tmp_path: Path, events: Timed, expected: Mapping[str, Numbers]) -> None:
    found = latencies(tmp_path, capture(events))
    assert found.keys() == expected.keys()
    for definition, numbers in expected.items():
        assert found[definition] == pytest.approx(numbers), definition


def test_without_a_request_time_only_differences_of_arrivals_are_known(tmp_path: Path) -> None:
    events = CASES["a role-only event first, three tokens, usage, [DONE]"][0]
    assert latencies(tmp_path, capture(events, request=False)) == {
        "ssetl": (None, None, 50, 50, None),
        "aiperf": (None, None, None, None, None),
        "vllm": (None, None, 52.5, None, None),
        "guidellm": (None, None, 50, None, None),
        "genai-perf": (None, None, None, None, None),
        "inference-perf": (None, None, None, 50, None),
        "otel": (None, None, 46, None, None),
    }


def test_a_clock_that_stepped_back_leaves_only_what_it_has_not_spoilt(tmp_path: Path) -> None:
    events = [(100, ROLE), (200, content("a")), (300, content("b")), (250, STOP), (260, usage(2))]
    found = latencies(tmp_path, capture(events))
    assert found.pop("ssetl") == (200, 200, 100, 100, 300)  # the step came after the last content
    assert set(found.values()) == {(None,) * 5}


def test_without_a_clock_nothing_is_known(tmp_path: Path) -> None:
    body = b"".join(
        b"data: " + msgspec.json.encode(event) + b"\n\n" for event in (ROLE, content("a"), STOP, usage(2))
    )
    assert set(latencies(tmp_path, body).values()) == {(None,) * 5}


def test_a_servers_clock_says_nothing_of_a_request_that_the_client_timed(
    given: Callable[..., Path], tmp_path: Path
) -> None:
    import datetime as dt

    at = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
    times = {
        f"{end}_{mark}_at": at for end in ("first", "last") for mark in ("event", "choices", "token", "text")
    }
    stream = {"stream_id": "s", "clock_steps": 0, "request_sent_at": at, "ended_at": at, "events": 3, **times}
    for clock, known in (("arrival", 0.0), ("payload", None)):
        with ssetl.open(given(clock, streams=[{**stream, "clock": clock}])) as lake:
            rows = lake.sql("select * from stream_latency where definition = 'otel'").to_dicts()
        assert [row["time_to_first_token_ms"] for row in rows] == [known]
        assert [row["inter_token_latency_ms"] for row in rows] == [0.0]


def test_the_report_compares_medians_with_those_of_ssetl(tmp_path: Path) -> None:
    for number, delay in enumerate((0, 100, 400)):
        events = [(ms + delay, event) for ms, event in CASES["reasoning before the answer"][0]]
        body = capture(events).replace(b'"id":"a"', f'"id":"a{number}","model":"m"'.encode())
        (tmp_path / f"{number}.sse").write_bytes(body)
    (tmp_path / "bare.sse").write_bytes(
        b"data: " + msgspec.json.encode(content("a") | {"model": "m"}) + b"\n\n"
    )
    ssetl.ingest([tmp_path], dataset=tmp_path / "lake")
    with ssetl.open(tmp_path / "lake") as lake:
        rows = lake.report("definitions").to_dicts()
    found = {(row["metric"], row["definition"]): row for row in rows}
    assert len(rows) == len(found) == 7 + 2 + 6 + 4 + 7
    assert {row["response_model"] for row in rows} == {"m"}
    assert {(row["known"], row["unknown"]) for row in rows} == {(3, 1)}
    first = {name: row for (metric, name), row in found.items() if metric == "time_to_first_token"}
    assert next(iter(first)) == "ssetl"
    assert {name: row["p50_ms"] for name, row in first.items()} == {
        "ssetl": 250,
        "aiperf": 250,
        "vllm": 200,
        "guidellm": 250,
        "genai-perf": 500,
        "inference-perf": 500,
        "otel": 200,
    }
    assert first["ssetl"]["from_ssetl_ms"] == 0
    assert first["vllm"]["from_ssetl_ms"] == -50
    assert first["genai-perf"]["from_ssetl_ms"] == 250
    assert first["ssetl"]["p90_ms"] == pytest.approx(490)  # of 150, 250, 550
    assert first["ssetl"]["p99_ms"] == pytest.approx(544)
    per_token = found["time_per_output_token", "guidellm"]
    assert per_token["p50_ms"] == 75  # (600 - 0) / 8
    assert per_token["from_ssetl_ms"] == 25
