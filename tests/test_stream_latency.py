"""Hand-computed: one stream, each definition; then what makes numbers unknown."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ssetl

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)


def ms(n: float) -> dt.datetime:
    return START + dt.timedelta(milliseconds=n)


STREAM = {
    "stream_id": "s",
    "clock": "arrival",
    "clock_steps": 0,
    "request_sent_at": ms(0),
    "first_event_at": ms(100),
    "first_choices_at": ms(110),
    "first_token_at": ms(200),
    "first_output_at": ms(400),
    "first_text_at": ms(500),
    "last_text_at": ms(900),
    "last_token_at": ms(1100),
    "last_choices_at": ms(1110),
    "last_event_at": ms(1200),
    "ended_at": ms(1300),
    "time_to_first_token_us": 150_000,
    "time_to_first_answer_us": 350_000,
    "time_per_output_token_us": 85_500.0,
    "duration_us": 1_005_000,
    "events": 11,
    "choices_events": 9,
    "choices": 1,
    "output_tokens": 11,
}
EXPECTED = {
    # definition: first token, first output token, inter token, per token, request
    "ssetl": (150.0, 350.0, 85.5, 85.5, 1005.0),
    "aiperf": (200.0, 400.0, 90.0, None, 1100.0),
    "vllm": (110.0, None, 125.0, 100.0, 1110.0),
    "guidellm": (200.0, None, 90.0, 100.0, 1300.0),
    "genai-perf": (500.0, None, 40.0, None, 900.0),
    "inference-perf": (500.0, None, None, 40.0, 1300.0),
    "otel": (100.0, None, 110.0, None, 1200.0),
}
COLUMNS = (
    "time_to_first_token_ms",
    "time_to_first_output_token_ms",
    "inter_token_latency_ms",
    "time_per_output_token_ms",
    "request_latency_ms",
)


def measured(path: Path) -> dict[str, tuple[float | None, ...]]:
    with ssetl.open(path) as lake:
        rows = lake.sql("select * from stream_latency").to_dicts()
    return {row["definition"]: tuple(row[column] for column in COLUMNS) for row in rows}


def test_each_definition(given: Callable[..., Path]) -> None:
    assert measured(given(streams=[STREAM])) == EXPECTED


def unknown(given: Callable[..., Path], **changes: Any) -> dict[str, set[str]]:
    """Which numbers become unknown, by definition, when a stream is changed."""
    found = measured(given(streams=[STREAM | changes]))
    return {
        definition: {
            name
            for name, was, now in zip(COLUMNS, numbers, found[definition], strict=True)
            if was and now is None
        }
        for definition, numbers in EXPECTED.items()
        if definition != "ssetl"  # its numbers come from columns that the ingest has computed
    }


def test_without_a_request_time_only_differences_of_arrivals_are_known(given: Callable[..., Path]) -> None:
    found = measured(given(streams=[STREAM | {"request_sent_at": None}]))
    assert found["aiperf"] == (None, None, None, None, None)
    assert found["vllm"] == (None, None, 125.0, None, None)
    assert found["guidellm"] == (None, None, 90.0, None, None)
    assert found["genai-perf"] == (None, None, None, None, None)
    assert found["inference-perf"] == (None, None, None, 40.0, None)
    assert found["otel"] == (None, None, 110.0, None, None)


@pytest.mark.parametrize("changes", [{"clock_steps": 1}, {"clock_steps": None}])
def test_a_clock_that_stepped_makes_all_unknown(given: Callable[..., Path], changes: dict[str, Any]) -> None:
    found = measured(given(streams=[STREAM | changes]))
    assert found.pop("ssetl") == EXPECTED["ssetl"]
    assert set(found.values()) == {(None,) * 5}


@pytest.mark.parametrize("tokens", [0, 1, None])
def test_per_token_numbers_need_tokens(given: Callable[..., Path], tokens: int | None) -> None:
    lost = unknown(given, output_tokens=tokens)
    if tokens == 1:  # guidellm divides by the tokens, not by the gaps between them
        assert measured(given("one", streams=[STREAM | {"output_tokens": 1}]))["guidellm"][3] == 1100.0
    else:
        assert "time_per_output_token_ms" in lost["guidellm"]
    assert lost["aiperf"] == lost["genai-perf"] == {"inter_token_latency_ms"}
    assert lost["vllm"] == lost["inference-perf"] == {"time_per_output_token_ms"}
    assert lost["otel"] == set()


def test_a_single_event_has_no_gap(given: Callable[..., Path]) -> None:
    lost = unknown(given, events=1, choices_events=1)
    assert lost["vllm"] == lost["otel"] == {"inter_token_latency_ms"}


def test_reasoning_only(given: Callable[..., Path]) -> None:
    lost = unknown(given, first_text_at=None, last_text_at=None, first_output_at=None)
    assert lost["aiperf"] == {"time_to_first_output_token_ms"}
    assert lost["genai-perf"] == {"time_to_first_token_ms", "inter_token_latency_ms", "request_latency_ms"}
    assert lost["inference-perf"] == {"time_to_first_token_ms", "time_per_output_token_ms"}


def test_ties_are_zero_and_not_unknown(given: Callable[..., Path]) -> None:
    at_once = {name: ms(5) for name in STREAM if name.endswith("_at")}
    found = measured(given(streams=[STREAM | at_once]))
    assert found["otel"] == (0.0, None, 0.0, None, 0.0)
    assert found["aiperf"] == (0.0, 0.0, 0.0, None, 0.0)
