"""One stream: what its events say of it, how it ended, and what it cost."""

from typing import Any

import pytest

from reading import DONE, choice, chunk, data, finish, read_body, read_file, role, streams, table, text, usage
from ssetl import schema
from ssetl.apis import MESSAGES, UNKNOWN
from ssetl.apis.row import Api, Row, ToolCall, Usage
from ssetl.captures.exchange import Read
from ssetl.stream import Origin, Stream
from ssetl.times import parse_iso

AT = parse_iso("2026-03-02T09:16:00Z")


def stream(*rows: Row, api: Api = UNKNOWN, **origin: Any) -> Stream:
    """A stream of one event per row."""
    found = Stream("s", 0, Origin("c", 0, **origin), api)
    for row in rows:
        found.event([row], None)
    return found


def told(*rows: Row, api: Api = UNKNOWN, **origin: Any) -> dict[str, Any]:
    return stream(*rows, api=api, **origin).row()


def test_a_stream_has_each_column_of_the_schema() -> None:
    assert sorted(told()) == sorted(schema.STREAMS.names)


@table(
    "column, values, expected",
    {
        "first id": ("response_id", ["", "a", "b"], "a"),
        "no id": ("response_id", ["", None], None),
        "last model": ("response_model", ["", "gpt", "gpt-5-nano", ""], "gpt-5-nano"),
        "no model": ("response_model", [""], None),
        "last tier": ("service_tier", ["auto", None, "default", ""], "default"),
        "first fingerprint": ("system_fingerprint", [None, "", "fp_1", "fp_2"], "fp_1"),
        "late fingerprint": ("system_fingerprint", [None, None, "fp_1"], "fp_1"),
        "no fingerprint": ("system_fingerprint", [None, None], None),
        "empty fingerprint": ("system_fingerprint", ["", ""], None),
        "first created": ("created_at", [None, 5, 6], 5),
    },
)
def test_identity(column: str, values: list[Any], expected: Any) -> None:
    assert told(*(Row(**{column: value}) for value in values))[column] == expected


@table(
    "known, expected",
    {
        "the request": ({"request_sent_at": 1, "started_at": 2}, (1, "request")),
        "the container": ({"started_at": 2}, (2, "container")),
        "the first event": ({}, (3, "first_event")),
    },
)
def test_a_stream_started_at_the_first_of_the_times_that_are_known(known: Any, expected: Any) -> None:
    found = stream(**known)
    found.event([Row(created_at=4)], 3)
    row = found.row()
    assert (row["started_at"], row["started_at_source"]) == expected


def test_a_stream_without_any_clock_started_when_it_was_created() -> None:
    row = told(Row(created_at=4))
    assert (row["started_at"], row["started_at_source"], row["clock"]) == (4, "created", "none")
    row = told(Row())
    assert (row["started_at"], row["started_at_source"]) == (None, None)


TEXT = Row(choice_index=0, content="a")
STOP = Row(choice_index=0, finish_reason="stop")
ERROR = Row(error_type="server_error", error_message="no")


@table(
    "rows, outcome",
    {
        "nothing": ([], "empty"),
        "no content": ([Row(choice_index=0, role="assistant", content="")], "empty"),
        "content": ([TEXT], "truncated"),
        "content and finish": ([TEXT, STOP], "completed"),
        "finish without content": ([STOP], "completed"),
        "finish again": ([TEXT, STOP, STOP], "completed"),
        "a choice goes on": ([TEXT, STOP, Row(choice_index=1, content="b")], "truncated"),
        "both finish": ([TEXT, STOP, Row(choice_index=1, finish_reason="length")], "completed"),
        "an error": ([ERROR], "errored"),
        "an error beside a finish": ([TEXT, STOP, ERROR], "errored"),
        "an error, then more": ([TEXT, ERROR, STOP], "errored"),
        "usage only": ([Row(usage=Usage(1, 2, 3))], "empty"),
        "tool call": ([Row(choice_index=0, tool_calls=(ToolCall(0, "x", "f", "{"),))], "truncated"),
    },
)
def test_outcome(rows: list[Row], outcome: str) -> None:
    assert told(*rows)["outcome"] == outcome


@pytest.mark.parametrize("end", ["has_terminator", "ended"])
def test_an_end_completes_what_has_content_and_only_that(end: str) -> None:
    for rows, outcome in [([TEXT], "completed"), ([], "empty"), ([TEXT, ERROR], "errored")]:
        found = stream(*rows)
        setattr(found, end, True)
        assert found.row()["outcome"] == outcome
        assert found.row()["has_terminator"] is (end == "has_terminator")


def test_the_first_error_stays() -> None:
    found = stream(ERROR, Row(error_message="later"))
    found.fail("late", "later still")
    row = found.row()
    assert (row["error_type"], row["error_message"]) == ("server_error", "no")


def test_finish_reasons_are_the_last_of_each_choice_in_their_order() -> None:
    rows = [
        Row(choice_index=2, content="c"),
        Row(choice_index=1, finish_reason="stop"),
        Row(choice_index=0, finish_reason="tool_calls"),
        Row(choice_index=0, finish_reason="stop"),
        Row(choice_index=0),
    ]
    row = told(*rows)
    assert row["finish_reasons"] == ["stop", "stop", None]
    assert row["choices"] == 3
    assert told()["finish_reasons"] == []


def calls(*given: ToolCall, choice_index: int = 0) -> Row:
    return Row(choice_index=choice_index, tool_calls=given)


@table(
    "rows, count",
    {
        "none": ([calls()], 0),
        "one in pieces": (
            [
                calls(ToolCall(0, "x", "f", "")),
                calls(ToolCall(0, arguments="{")),
                calls(ToolCall(0, arguments="}")),
            ],
            1,
        ),
        "two at once": ([calls(ToolCall(0, "x", "f"), ToolCall(1, "y", "f"))], 2),
        "two in pieces": (
            [calls(ToolCall(0, "x", "f")), calls(ToolCall(1, "y", "f")), calls(ToolCall(1, arguments="{}"))],
            2,
        ),
        "of two choices": ([calls(ToolCall(0, "x", "f")), calls(ToolCall(0, "y", "f"), choice_index=1)], 2),
        "the id on each piece": ([calls(ToolCall(0, "x", "f")), calls(ToolCall(0, "x", arguments="{}"))], 1),
        "another id with the same index": ([calls(ToolCall(0, "x", "f")), calls(ToolCall(0, "y", "f"))], 2),
        "the id comes late": ([calls(ToolCall(0, None, "f")), calls(ToolCall(0, "x"))], 1),
        "the id comes late, then another": (
            [calls(ToolCall(0, None, "f")), calls(ToolCall(0, "x")), calls(ToolCall(0, "y"))],
            2,
        ),
        "a piece between two ids": (
            [calls(ToolCall(0, "x", "f")), calls(ToolCall(0, arguments="{}")), calls(ToolCall(0, "y"))],
            2,
        ),
        "no index": ([calls(ToolCall(None, "x", "f", "{}")), calls(ToolCall(None, "y", "f", "{}"))], 2),
        "no index, in pieces": ([calls(ToolCall(None, "x", "f")), calls(ToolCall(arguments="{}"))], 1),
        "no index, the id on each piece": (
            [calls(ToolCall(None, "x", "f")), calls(ToolCall(None, "x", "f", "{}"))],
            1,
        ),
        "no index, no id": (
            [calls(ToolCall(name="f", arguments="{}")), calls(ToolCall(name="f", arguments="{}"))],
            2,
        ),
        "legacy function call": ([calls(ToolCall(name="f")), *[calls(ToolCall(arguments="1"))] * 5], 1),
    },
)
def test_tool_calls_are_counted_once(rows: list[Row], count: int) -> None:
    assert told(*rows)["tool_calls"] == count


@table(
    "given, expected",
    {
        "none": ([], (None, None, None, "absent")),
        "at the end": ([None, Usage(5, 2, 7)], (5, 2, 7, "reported")),
        "cumulative, never added": ([Usage(5, 1, 6), Usage(5, 2, 7), Usage(5, 3, 8)], (5, 3, 8, "reported")),
        "twice": ([Usage(5, 2, 7), Usage(5, 2, 7)], (5, 2, 7, "reported")),
        "absent at the end": ([Usage(5, 2, 7), None], (5, 2, 7, "reported")),
        "zero": ([Usage(0, 0, 0)], (0, 0, 0, "reported")),
        "the last counts, whole": ([Usage(5, 2, 7), Usage(output_tokens=3)], (None, 3, None, "reported")),
        "a total that is no sum": ([Usage(390, 26, 493)], (390, 26, 493, "reported")),
    },
)
def test_the_last_usage_counts(given: list[Usage | None], expected: Any) -> None:
    row = told(*(Row(usage=each) for each in given))
    assert (row["input_tokens"], row["output_tokens"], row["total_tokens"], row["usage_source"]) == expected


def test_where_an_api_tells_usage_in_parts_what_is_told_once_stays() -> None:
    row = told(
        Row(usage=Usage(input_tokens=5, output_tokens=1)), Row(usage=Usage(output_tokens=9)), api=MESSAGES
    )
    assert (row["input_tokens"], row["output_tokens"], row["total_tokens"]) == (5, 9, None)


def test_the_api_is_that_of_the_first_event_with_a_choice() -> None:
    ping, known = (
        data({"type": "ping"}),
        role() + text("A") + data({"type": "response.created", "response": {}}),
    )
    assert streams(read_body(ping), "api") == ["unknown"]
    assert streams(read_body(ping + known), "api") == ["chat.completions"]


def test_events_are_counted_by_what_they_hold() -> None:
    both = data(chunk("a", [choice(0, content="A"), choice(1, content="B")]))
    capture = read_body(role() + both + finish() + usage() + DONE)
    counted = streams(capture, "events", "choices_events", "content_events", "choices")
    assert counted == [(4, 3, 1, 2)]
    assert capture.counts == {"exchanges": 1, "streams": 1, "events": 4, "chunks": 5}


def ollama(seconds: float, **members: Any) -> dict[str, Any]:
    stamp = f"2026-03-02T09:16:{seconds:09.6f}Z"
    return {
        "model": "qwen",
        "created_at": stamp,
        "message": {"role": "assistant", "content": "a"},
        "done": False,
        **members,
    }


def test_a_server_clock_times_the_events_but_not_the_request() -> None:
    body = data(ollama(1)) + data(ollama(1.25)) + DONE
    capture = read_body(Read(body), request_sent_at=AT)
    [row] = capture.streams
    assert (row["clock"], row["gap_max_us"], row["latency_reason"]) == ("payload", 250_000, "no_request_time")
    assert (row["time_to_first_token_us"], row["duration_us"], row["total_us"]) == (None, None, None)
    assert (row["clock_steps"], row["request_sent_at"], row["started_at"]) == (0, AT, AT)
    assert (row["first_content_at"], row["ended_at"]) == (AT + 1_000_000, AT + 1_250_000)


def test_arrival_goes_before_a_server_clock() -> None:
    capture = read_body(Read(data(ollama(1)), AT + 7), Read(data(ollama(2)), AT + 9), request_sent_at=AT)
    assert streams(capture, "clock", "time_to_first_token_us", "gap_max_us") == [("arrival", 7, 2)]


def test_two_clocks_are_never_mixed() -> None:
    late = read_body(Read(data(ollama(1))), Read(data(ollama(2)), AT + 9))
    assert [event.received_at for event in late.placed] == [AT + 1_000_000, AT + 2_000_000]
    early = read_body(Read(data(ollama(1)), AT + 9), Read(data(ollama(2))))
    assert [event.received_at for event in early.placed] == [AT + 9, None]


def test_created_in_whole_seconds_is_no_clock() -> None:
    capture = read_file(data(chunk("a", [choice(content="A")], created=1_772_442_960)))
    assert streams(capture, "clock", "created_at", "first_event_at") == [("none", AT, None)]
