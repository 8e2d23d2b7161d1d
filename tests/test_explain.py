import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

import ssetl
from ssetl import cli, picture
from ssetl.errors import UsageError
from ssetl.explain import FIRST_TOKEN, Carried, Explanation

START = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
STREAM = {
    "stream_id": "abc1",
    "capture_id": "c",
    "exchange_index": 0,
    "ordinal": 0,
    "api": "chat.completions",
    "response_id": "chatcmpl-1",
    "response_model": "m",
    "clock": "arrival",
    "clock_steps": 0,
    "request_sent_at": START,
    "events": 3,
    "content_events": 2,
    "choices": 1,
    "tool_calls": 0,
    "finish_reasons": ["stop"],
    "has_terminator": True,
    "outcome": "completed",
    "usage_source": "absent",
}
Given = Callable[..., Path]


def at(ms: float) -> dt.datetime:
    return START + dt.timedelta(milliseconds=ms)


def chunk(index: int, ms: float | None = None, gap: float | None = None, **columns: Any) -> dict[str, Any]:
    return {
        "stream_id": "abc1",
        "event_index": index,
        "choice_position": 0,
        "choice_index": 0,
        "received_at": None if ms is None else at(ms),
        "since_request_us": None if ms is None else int(ms * 1000),
        "since_previous_us": None if gap is None else int(gap * 1000),
        "comments_before": 0,
    } | columns


def explained(path: Path, name: str = "abc1") -> Explanation:
    with ssetl.open(path) as lake:
        return lake.explain(name)


def stream_id(dataset: Path, **wanted: Any) -> str:
    where = " and ".join(f"{column} = ${column}" for column in wanted)
    with ssetl.open(dataset) as lake:
        return str(lake.sql(f"select min(stream_id) from streams where {where}", **wanted).item())


@pytest.fixture(scope="module")
def lake(dataset: Path) -> Iterator[ssetl.Lake]:
    with ssetl.open(dataset) as opened:
        yield opened


STALLED = "chatcmpl-timed02"


def test_a_timed_stream(lake: ssetl.Lake) -> None:
    found = lake.explain(STALLED)
    assert found.start == "request"
    assert found.stream["response_id"] == STALLED
    assert found.stream["path"].endswith("timed.sse")
    first, second, *_, last = found.events
    assert (first.since_start_ms, first.gap_ms, first.carries) == (
        631,
        631,
        (Carried("role", 0, "assistant"),),
    )
    assert (second.since_start_ms, second.gap_ms, second.carries) == (
        640,
        9,
        (Carried("content", 0, "Copper"),),
    )
    assert last.carries == (Carried("usage", None, "12 in, 8 out, 20 in all"),)
    assert not last.has_choice
    assert first.first_token_of == ("vllm", "otel")
    assert second.first_token_of == ("ssetl", "aiperf", "guidellm", "genai-perf", "inference-perf")
    assert found.ending_ms == 0.15


def test_each_definition_takes_the_event_that_its_time_to_first_token_tells(lake: ssetl.Lake) -> None:
    ids = lake.sql("select stream_id from streams where clock <> 'none'").to_series()
    assert len(ids) == 4
    for name in ids:
        found = lake.explain(name)
        assert [each.definition for each in found.definitions] == list(FIRST_TOKEN)
        for each in found.definitions:
            assert each.first_token_event_index is not None
            event = found.events[each.first_token_event_index]
            assert event.since_start_ms == each.time_to_first_token_ms
            assert each.definition in event.first_token_of


def test_without_a_clock_there_is_no_number(lake: ssetl.Lake) -> None:
    found = lake.explain("chatcmpl-tools01")
    assert found.start is None
    assert {(event.since_start_ms, event.gap_ms) for event in found.events} == {(None, None)}
    assert found.ending_ms is None
    numbers = {name for name in found.definitions[0].__struct_fields__ if name.endswith("_ms")}
    assert {getattr(each, name) for each in found.definitions for name in numbers} == {None}
    assert {each.definition: each.first_token_event_index for each in found.definitions} == {
        "ssetl": 0,
        "aiperf": 0,
        "vllm": 0,
        "guidellm": 0,
        "genai-perf": None,
        "inference-perf": None,
        "otel": 0,
    }
    drawn = picture.draw(found)
    assert "none: the capture holds no arrival times" in drawn
    assert "_ms" not in drawn
    assert "gap" not in drawn


def test_calls_and_their_arguments(lake: ssetl.Lake) -> None:
    events = lake.explain("chatcmpl-tools01").events
    assert [each.kind for each in events[0].carries] == ["role", "tool_call"]
    assert events[0].carries[1].text == "get_tide("
    assert "".join(each.text for event in events[1:4] for each in event.carries) == '{"port": "Porto"}'
    assert [each.kind for each in events[4].carries] == ["tool_call"]


def test_several_choices_stand_in_one_event(given: Given) -> None:
    both = [chunk(0, 10, content="x"), chunk(0, 10, content="y", choice_position=1, choice_index=1)]
    found = explained(given(streams=[STREAM], chunks=[*both, chunk(1, 20, 10, refusal="z")]))
    assert len(found.events) == 2
    assert found.events[0].carries == (Carried("content", 0, "x"), Carried("content", 1, "y"))
    assert 'content "x"; content[1] "y"\n' in picture.draw(found)


def test_marks_of_the_definitions(given: Given) -> None:
    chunks = [
        chunk(0, 1, choice_index=None, event_type="ping"),
        chunk(1, 2, 1, role="assistant", content=""),
        chunk(2, 3, 1, tool_calls=[{"index": 0, "id": "c", "name": None, "arguments": ""}]),
        chunk(3, 4, 1, refusal="no"),
        chunk(4, 5, 1, reasoning="hm"),
        chunk(5, 6, 1, tool_calls=[{"index": 0, "id": None, "name": None, "arguments": "{"}]),
        chunk(6, 7, 1, content="yes"),
    ]
    found = explained(given(streams=[STREAM], chunks=chunks))
    assert [event.first_token_of for event in found.events] == [
        ("otel",),
        ("vllm",),
        (),
        ("ssetl",),
        ("aiperf", "guidellm"),
        (),
        ("genai-perf", "inference-perf"),
    ]


def test_without_a_request_time_counting_starts_with_the_first_event(given: Given) -> None:
    times = {"since_request_us": None}
    chunks = [chunk(0, 500, content="x") | times, chunk(1, 530, 30, content="y") | times]
    found = explained(given(streams=[STREAM | {"request_sent_at": None}], chunks=chunks))
    assert found.start == "first_event"
    assert [(event.since_start_ms, event.gap_ms) for event in found.events] == [(0, None), (30, 30)]
    assert "when the request was sent is unknown" in " ".join(picture.draw(found).split())


def test_a_clock_that_stepped_back_is_said(given: Given) -> None:
    late = {"since_request_us": None}
    chunks = [chunk(0, 500, content="x"), chunk(1, 400, content="y") | late]
    found = explained(given(streams=[STREAM | {"clock_steps": 1}], chunks=chunks))
    assert [(event.since_start_ms, event.gap_ms) for event in found.events] == [(500, 500), (400, None)]
    assert "steps backwards: 1" in picture.draw(found)


def test_names(given: Given) -> None:
    others = [STREAM | {"stream_id": f"ab{n}", "response_id": f"chatcmpl-{n % 2}"} for n in range(9)]
    path = given(streams=[STREAM, *others])
    assert explained(path, "abc1").stream["stream_id"] == "abc1"
    assert explained(path, "abc").stream["stream_id"] == "abc1"
    with pytest.raises(
        UsageError, match=r"^expected one stream, but 'ab' may be any of these: ab0, ab1, .*, …\.$"
    ):
        explained(path, "ab")
    with pytest.raises(UsageError, match="but 'chatcmpl-1' may be any of these: ab1, ab3, ab5, ab7, abc1"):
        explained(path, "chatcmpl-1")
    with pytest.raises(UsageError, match="no stream has an id that begins with 'x'"):
        explained(path, "x")
    whole = given("two", streams=[STREAM, STREAM | {"stream_id": "abc12"}])
    assert explained(whole, "abc1").stream["stream_id"] == "abc1"


def test_a_stream_of_no_events_has_its_facts(given: Given) -> None:
    failed = {
        **STREAM,
        "clock": "none",
        "events": 0,
        "outcome": "errored",
        "http_status": 429,
        "error_type": "rate_limit",
        "error_message": "slow down",
        "finish_reasons": [],
    }
    drawn = picture.draw(explained(given(streams=[failed])))
    assert "errored, HTTP status 429\n" in drawn
    assert "rate_limit: slow down\n" in drawn
    assert "definition" not in drawn


LONG = [
    chunk(0, 100, role="assistant", content=""),
    *(chunk(n, 100 + 10 * n, 10, content=f"{n} ") for n in range(1, 50)),
    chunk(50, 2_590, 2_000, content="late "),
    *(chunk(n, 2_100 + 10 * n, 10, content=f"{n} ") for n in range(51, 99)),
    chunk(99, 3_090, 10, content="a comment came ", comments_before=2),
    chunk(100, 3_100, 10, finish_reason="stop"),
]


def test_runs_are_folded_and_what_is_late_is_not(given: Given) -> None:
    drawn = picture.draw(explained(given(streams=[STREAM], chunks=LONG)))
    _, timeline, _ = drawn.split("\n\n")
    lines = {line.split()[0]: line for line in timeline.splitlines()[1:]}
    to, times = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"
    assert list(lines) == ["0", "▲", "1", f"2{to}49", "50", f"51{to}98", "99", "100", "end"]
    assert lines["50"].split()[1:4] == ["2590.0", "2000.0", "█" * picture.BAR]
    assert "≤ 10.0  ▏ " in lines[f"51{to}98"]
    assert f'{times}48 "51 52 53' in lines[f"51{to}98"]
    assert lines["99"].endswith('after 2 comments: content "a comment came "')
    assert lines["end"].endswith("[DONE]")


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_is_wider_than_the_terminal(given: Given, width: int) -> None:
    wide = [*LONG, chunk(101, 3_110, 10, content="語" * 200)]
    facts = {"url": "https://example.com/" + "v1/" * 60, "error_message": "x y " * 400, "outcome": "errored"}
    found = explained(given(streams=[STREAM | facts], chunks=wide))
    body = picture._facts(found, width) + picture._timeline(found, width)
    assert max(map(cell_len, body.splitlines())) <= max(width, 60)


def test_bars() -> None:
    assert [picture._bar(ms, 80.0) for ms in (None, 0.0, 0.001, 40.0, 80.0)] == [
        "",
        "",
        "▏",
        "█" * 6,
        "█" * 12,
    ]
    assert picture._bar(5.0, 80.0) == "▊"
    assert picture._bar(None, 0) == ""


def test_texts_of_a_capture_are_inert(given: Given) -> None:
    evil = "\x1b[31mred\x07[bold]\n\u202e"
    chunks = [chunk(0, 1, content=evil, event_type=evil, error_type=evil), chunk(1, 2, finish_reason=evil)]
    stream = STREAM | dict.fromkeys(("response_model", "url", "error_message", "system_fingerprint"), evil)
    drawn = picture.draw(explained(given(streams=[stream], chunks=chunks)))
    assert all(line.isprintable() for line in drawn.split("\n"))
    assert r"\x1b[31mred\x07[bold]\n\u202e" in drawn


def test_an_error_that_is_no_event_ends_the_timeline(given: Given) -> None:
    error = {"has_terminator": False, "outcome": "errored", "error_message": "gone", "ended_at": at(90)}
    stream = STREAM | error | {"last_event_at": at(20)}
    drawn = picture.draw(explained(given(streams=[stream], chunks=[chunk(0, 20, content="x")])))
    [line] = [line for line in drawn.splitlines() if line.lstrip().startswith("end ")]
    assert line.split() == ["end", "90.00", "70.00", "█" * picture.BAR, "error", "gone"]
    told = [chunk(0, 20, content="x"), chunk(1, 30, 10, error_message="gone", choice_index=None)]
    assert "\n  end" not in picture.draw(explained(given("told", streams=[stream], chunks=told)))


def test_texts_that_were_dropped_are_said_to_be(given: Given) -> None:
    chunks = [chunk(0, 10, content="x"), chunk(1, 20, 10, content="y")]
    assert "dropped" not in picture.draw(explained(given(streams=[STREAM], chunks=chunks)))
    drawn = picture.draw(
        explained(given("dropped", streams=[STREAM], chunks=[chunk(0, 10), chunk(1, 20, 10)]))
    )
    assert "2 with content that was dropped at ingest;" in drawn


def test_on_the_command_line(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = stream_id(dataset, response_id=STALLED)
    assert cli.run(["explain", name[:12], "--dataset", str(dataset)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"stream    {name}\n")
    assert '4  1988.9  1282.9  ████████████  content " as"\n' in out
    assert err == ""
    assert cli.run(["explain", STALLED, "--format", "json", "--dataset", str(dataset)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stream"]["stream_id"] == name
    assert found["stream"]["request_sent_at"] == "2026-03-02T09:16:09.128710Z"
    assert found["events"][4]["gap_ms"] == 1282.943
    assert found["definitions"][0]["first_token_event_index"] == 1
    assert cli.run(["explain", "nothing", "--dataset", str(dataset)]) == 2
    assert "no stream has an id that begins with 'nothing'" in capsys.readouterr().err
