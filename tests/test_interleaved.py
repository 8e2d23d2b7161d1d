"""Raw files: which event belongs to which stream, and where a stream begins and ends."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import DONE, choice, chunk, contents, data, finish, read_file, role, streams, table, text, usage
from ssetl import interleaved
from ssetl.captures.exchange import Read
from ssetl.lines import Line
from ssetl.streams import Capture
from ssetl.times import parse_iso
from strategies import bodies

AZURE = data({"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []})
FILTER = data({"id": "", "object": "", "choices": [{"index": 0, "content_filter_results": {}}]})
PING = data({"type": "ping"})
REQUEST = b": request 2026-03-02T09:16:00Z POST /v1/chat/completions\n\n"
AT = parse_iso("2026-03-02T09:16:00Z")


def t(milliseconds: int) -> bytes:
    """The comment that stamps what follows, so long after the request."""
    return b": t 2026-03-02T09:16:%06.3fZ\n" % (milliseconds / 1000)


def whole(response_id: str | None, content: str) -> bytes:
    """A stream of three events, without its terminator."""
    return role(response_id) + text(content, response_id) + finish(response_id)


def found(capture: Capture) -> list[tuple[str, int, bool]]:
    """Text, number of events, and whether the terminator came, of each stream."""
    known = streams(capture, "ordinal", "events", "has_terminator")
    return [(contents(capture)[ordinal], events, done) for ordinal, events, done in known]


@table(
    "lines, expected",
    {
        "one stream": ([whole("a", "A"), DONE], [("A", 3, True)]),
        "one after the other": (
            [whole("a", "A"), DONE, whole("b", "B"), DONE],
            [("A", 3, True), ("B", 3, True)],
        ),
        "interleaved": (
            [role("a"), role("b"), text("A", "a"), text("B", "b"), finish("b"), DONE, finish("a"), DONE],
            [("A", 3, True), ("B", 3, True)],
        ),
        "three of them": (
            [role("a"), role("b"), text("A", "a"), role("c"), text("B", "b"), text("C", "c"), text("A", "a")],
            [("AA", 3, False), ("B", 2, False), ("C", 2, False)],
        ),
        "none": ([], []),
        "comments only": ([b": keep-alive\n\n"], []),
    },
)
def test_events_group_by_id(lines: list[bytes], expected: Any) -> None:
    assert found(read_file(*lines)) == expected


@table(
    "lines, expected",
    {
        "an empty id at first": ([AZURE, whole("a", "A"), DONE], [("A", 4, True)]),
        "an empty id in the middle": (
            [role("a"), FILTER, text("A"), FILTER, finish("a"), DONE],
            [("A", 5, True)],
        ),
        "an empty id at the end": ([whole("a", "A"), FILTER, DONE], [("A", 4, True)]),
        "an empty id behind the terminator": (
            [whole("a", "A"), DONE, AZURE, whole("b", "B"), DONE],
            [("A", 3, True), ("B", 4, True)],
        ),
        "an empty id behind the terminator, others open": (
            [role("b"), whole("a", "A"), DONE, FILTER, text("B", "b"), DONE],
            [("B", 3, True), ("A", 3, True)],
        ),
        "an empty id behind the terminator, another begins": (
            [role("b"), whole("a", "A"), DONE, AZURE, role("c"), text("B", "b"), text("C", "c")],
            [("B", 2, False), ("A", 3, True), ("C", 3, False)],
        ),
        "an empty id behind a stream without a terminator": (
            [whole("a", "A"), AZURE, whole("b", "B")],
            [("A", 4, False), ("B", 3, False)],
        ),
        "an empty id in an interleaved file": (
            [role("a"), role("b"), FILTER, text("A", "a")],
            [("A", 2, False), ("", 2, False)],
        ),
        "no id at all": ([whole(None, "A"), DONE, whole(None, "B"), DONE], [("A", 3, True), ("B", 3, True)]),
        "empty ids only, no finish": (
            [role(""), text("A", ""), usage(""), DONE, role(""), text("B", ""), DONE],
            [("A", 3, True), ("B", 2, True)],
        ),
        "no id, no terminator, finished": (
            [whole(None, "A"), whole(None, "B")],
            [("A", 3, False), ("B", 3, False)],
        ),
        "no id, then one with an id": (
            [whole(None, "A"), whole("b", "B")],
            [("A", 3, False), ("B", 3, False)],
        ),
        "events of no API": ([role("a"), PING, text("A"), PING], [("A", 4, False)]),
        "events of no API at first": ([PING, role("a"), text("A")], [("A", 3, False)]),
        "nothing but events of no API": ([PING, PING, DONE, PING], [("", 2, True), ("", 1, False)]),
        "an empty id at the end, others open": (
            [role("b"), whole("a", "A"), DONE, FILTER],
            [("", 1, False), ("A", 3, True), ("", 1, False)],
        ),
    },
)
def test_an_event_without_an_id_belongs_to_the_stream_around_it(lines: list[bytes], expected: Any) -> None:
    assert found(read_file(*lines)) == expected


@table(
    "lines, expected",
    {
        "the oldest finished stream": (
            [role("a"), role("b"), finish("a"), finish("b"), DONE, usage("b"), DONE],
            [("", 2, True), ("", 3, True)],
        ),
        "the one that finished first": (
            [role("a"), role("b"), finish("b"), finish("a"), DONE],
            [("", 2, False), ("", 2, True)],
        ),
        "the one that has told its usage, for the other may still do so": (
            [role("a"), role("b"), finish("a"), finish("b"), usage("b"), DONE, usage("a"), DONE],
            [("", 3, True), ("", 3, True)],
        ),
        "the one that has told its usage, while another streams": (
            [
                *(role("a"), role("b"), role("c"), finish("a"), finish("b"), usage("b"), text("C", "c")),
                *(DONE, usage("a"), DONE),
            ],
            [("", 3, True), ("", 3, True), ("C", 2, False)],
        ),
        "the one that has told its usage, though the other may be done without": (
            [role("a"), role("b"), finish("a"), finish("b"), usage("b"), DONE],
            [("", 2, False), ("", 3, True)],
        ),
        "not the one that told its usage long before": (
            [whole("a", "A"), usage("a"), whole("b", "B"), DONE],
            [("A", 4, False), ("B", 3, True)],
        ),
        "not the one that streams": (
            [role("a"), role("b"), finish("a"), text("B", "b"), DONE, text("B", "b"), finish("b"), DONE],
            [("", 2, True), ("BB", 4, True)],
        ),
        "the one around it, where none has finished": (
            [role("a"), text("A", "a"), DONE, role("b"), text("B", "b"), DONE],
            [("A", 2, True), ("B", 2, True)],
        ),
        "none of a stream that was over before": (
            [whole("a", "A"), whole("b", "B"), DONE, whole("c", "C"), DONE],
            [("A", 3, False), ("B", 3, True), ("C", 3, True)],
        ),
        "each, where both come at the end": (
            [whole("a", "A"), whole("b", "B"), DONE, DONE],
            [("A", 3, True), ("B", 3, True)],
        ),
        "the one whose events waited": (
            [role("a"), REQUEST, role(None), text("X", None), DONE],
            [("", 1, False), ("X", 2, True)],
        ),
        "none": ([DONE, DONE], []),
        "one that came twice": (
            [whole("a", "A"), DONE, DONE, whole("b", "B")],
            [("A", 3, True), ("B", 3, False)],
        ),
    },
)
def test_a_terminator_belongs_to_the_oldest_finished_stream_without_one(
    lines: list[bytes], expected: Any
) -> None:
    assert found(read_file(*lines)) == expected


CLOSING = data(chunk("a", [choice(0, "stop", role="assistant", content="")], usage={"prompt_tokens": 1}))


@table(
    "lines, expected",
    {
        "a role": ([whole("a", "A"), role("a"), text("B")], [("A", 3, False), ("B", 2, False)]),
        "content": ([whole("a", "A"), text("B"), finish("a")], [("A", 3, False), ("B", 2, False)]),
        "behind the terminator": ([whole("a", "A"), DONE, text("B")], [("A", 3, True), ("B", 1, False)]),
        "no usage": ([whole("a", "A"), usage("a"), DONE], [("A", 4, True)]),
        "no role and finish again with the usage": ([whole("a", "A"), CLOSING, DONE], [("A", 4, True)]),
        "no finish again": ([whole("a", "A"), finish("a"), finish("a"), DONE], [("A", 5, True)]),
        "no finish on every chunk": (
            [data(chunk("a", [choice(0, "stop", content=piece)])) for piece in "ABC"],
            [("ABC", 3, False)],
        ),
        "no role on every chunk": (
            [data(chunk("a", [choice(0, role="assistant", content=piece)])) for piece in "ABC"],
            [("ABC", 3, False)],
        ),
        "no error": ([whole("a", "A"), data(chunk("a", error={"message": "no"}))], [("A", 4, False)]),
        "not while it goes on": ([role("a"), text("A"), role("a"), text("A")], [("AA", 4, False)]),
        "no other choice": (
            [role("a"), finish("a"), role("a", index=1), text("B", index=1), finish("a", index=1), DONE],
            [("B", 5, True)],
        ),
        "not while a choice goes on": (
            [role("a"), role("a", index=1), finish("a"), text("A"), finish("a", index=1), DONE],
            [("A", 5, True)],
        ),
        "a choice of before, when all have finished": (
            [role("a"), role("a", index=1), finish("a"), finish("a", index=1), role("a")],
            [("", 4, False), ("", 1, False)],
        ),
    },
)
def test_the_same_id_again_begins_a_stream_when_all_choices_have_finished(
    lines: list[bytes], expected: Any
) -> None:
    assert found(read_file(*lines)) == expected


def message(*kinds: str, response_id: str = "m") -> bytes:
    """Events of the Messages API; a kind that is none of its event types is a piece of text."""
    known = {
        "start": {"type": "message_start", "message": {"id": response_id, "role": "assistant"}},
        "stop": {"type": "message_stop"},
    }
    events = [known.get(kind) or {"type": "content_block_delta", "delta": {"text": kind}} for kind in kinds]
    return b"".join(b"event: " + event["type"].encode() + b"\n" + data(event) for event in events)


@table(
    "lines, expected",
    {
        "the rest follows": ([message("start", "A", "a", "stop")], [("Aa", 4, False)]),
        "its own end closes it": (
            [message("start", "A", "stop"), message("start", "B", "stop", response_id="n")],
            [("A", 3, False), ("B", 3, False)],
        ),
        "the same id again": (
            [message("start", "A", "stop"), message("start", "B", "stop")],
            [("A", 3, False), ("B", 3, False)],
        ),
        "a start without an id": (
            [message("start", "A", response_id=""), message("start", "B", response_id="")],
            [("A", 2, False), ("B", 2, False)],
        ),
        "a start that is repeated": ([message("start", "start", "A", "stop")], [("A", 4, False)]),
        "a terminator behind the end": ([message("start", "A", "stop"), DONE], [("A", 3, True)]),
        "a stream of another API between": (
            [message("start", "A"), role("c"), message("a"), text("C", "c"), message("stop")],
            [("Aa", 4, False), ("C", 2, False)],
        ),
        "cut at the start": ([message("A", "stop")], [("A", 2, False)]),
        "behind the end": ([message("start", "A", "stop", "B")], [("A", 3, False), ("B", 1, False)]),
        "a new start ends the one before": (
            [message("start", "A"), message("start", "B", response_id="n")],
            [("A", 2, False), ("B", 2, False)],
        ),
        "behind a stream of another API": (
            [whole("c", "C"), message("A", "stop")],
            [("C", 3, False), ("A", 2, False)],
        ),
    },
)
def test_events_whose_id_comes_at_the_start_only_follow_it(lines: list[bytes], expected: Any) -> None:
    assert found(read_file(*lines)) == expected


def response(kind: str, **members: Any) -> bytes:
    return data({"type": f"response.{kind}", **members})


def test_responses_carry_an_id_at_the_start_and_at_the_end() -> None:
    one = [
        response("created", response={"id": "r", "model": "gpt"}),
        response("output_text.delta", delta="A", output_index=0),
        response("completed", response={"id": "r", "status": "completed"}),
    ]
    capture = read_file(*one, *one)
    assert streams(capture, "response_id", "events", "outcome") == [("r", 3, "completed")] * 2


def test_a_request_starts_an_exchange() -> None:
    lines = [REQUEST, t(100), role("a"), text("A"), finish("a"), DONE, REQUEST, t(200), whole("b", "B"), DONE]
    capture = read_file(whole("x", "X"), DONE, *lines)
    assert capture.counts["exchanges"] == 3
    assert streams(capture, "exchange_index", "url", "request_sent_at", "time_to_first_event_us") == [
        (0, None, None, None),
        (1, "/v1/chat/completions", AT, 100_000),
        (2, "/v1/chat/completions", AT, 200_000),
    ]


@table(
    "lines, expected",
    {
        "the next stream has it, and only that one": (
            [REQUEST, whole("a", "A"), DONE, whole("b", "B"), DONE],
            [("A", 3, True, AT, "/v1/chat/completions"), ("B", 3, True, None, None)],
        ),
        "not the stream that still goes on": (
            [role("a"), REQUEST, text("A", "a"), role("b"), text("B", "b")],
            [("A", 2, False, None, None), ("B", 2, False, AT, "/v1/chat/completions")],
        ),
        "the same id again, cut before": (
            [role("a"), text("A", "a"), REQUEST, role("a"), text("B", "a")],
            [("A", 2, False, None, None), ("B", 2, False, AT, "/v1/chat/completions")],
        ),
        "a stream that names its role each time goes on": (
            [
                *(data(chunk("a", [choice(0, role="assistant", content=piece)])) for piece in "AB"),
                REQUEST,
                data(chunk("a", [choice(0, role="assistant", content="C")])),
                role("b"),
            ],
            [("ABC", 3, False, None, None), ("", 1, False, AT, "/v1/chat/completions")],
        ),
        "no id": (
            [role(None), text("A", None), REQUEST, role(None), text("B", None)],
            [("A", 2, False, None, None), ("B", 2, False, AT, "/v1/chat/completions")],
        ),
        "an empty id at first": (
            [role("x"), REQUEST, AZURE, role("a"), text("A", "a")],
            [("", 1, False, None, None), ("A", 3, False, AT, "/v1/chat/completions")],
        ),
        "a request that failed": (
            [REQUEST, b'{"error":{"message":"no"}}\n', whole("b", "B")],
            [("", 0, False, AT, "/v1/chat/completions"), ("B", 3, False, None, None)],
        ),
        "no time": (
            [b": request soon GET /\n", whole("a", "A")],
            [("A", 3, False, None, "/")],
        ),
        "no target": (
            [b": request 2026-03-02T09:16:00Z\n", whole("a", "A")],
            [("A", 3, False, AT, None)],
        ),
    },
)
def test_a_request_is_of_the_stream_that_begins_behind_it(lines: list[bytes], expected: Any) -> None:
    capture = read_file(*lines)
    known = streams(capture, "request_sent_at", "url")
    assert [(*one, *other) for one, other in zip(found(capture), known, strict=True)] == expected


@table(
    "lines, clock, times",
    {
        "no stamps": ([role("a"), text("A")], "none", [None, None]),
        "each event": ([t(1), role("a"), t(2), text("A")], "arrival", [1, 2]),
        "of a read, several events": (
            [t(1), role("a"), text("A"), t(2), text("A")],
            "arrival_read",
            [1, 1, 2],
        ),
        "without blank lines": ([t(1), role("a").strip() + b"\n", t(2), text("A")], "arrival", [1, 2]),
        "a stamp that is none": ([t(1), role("a"), b": t soon\n", text("A")], "arrival", [1, None]),
        "a stamp without a zone": ([b": t 2026-03-02T09:16:01\n", role("a")], "none", [None]),
        "none before the first": ([role("a"), t(2), text("A")], "arrival", [None, 2]),
        "a request ends what a stamp says": ([t(1), role("a"), REQUEST, text("A")], "arrival", [1, None]),
        "other comments do not": (
            [t(1), role("a"), b": t\n", t(2), b": ping\n", text("A")],
            "arrival",
            [1, 2],
        ),
    },
)
def test_a_stamp_is_the_arrival_of_what_follows(
    lines: list[bytes], clock: str, times: list[int | None]
) -> None:
    capture = read_file(*lines)
    assert [event.received_at for event in capture.placed] == [at and AT + at * 1000 for at in times]
    assert streams(capture, "clock") == [clock]


def test_a_stream_ends_with_the_arrival_of_its_terminator() -> None:
    capture = read_file(REQUEST, t(1), role("a"), t(5), finish("a"), t(7), DONE)
    assert streams(capture, "total_us", "last_event_at", "ended_at") == [(7000, AT + 5000, AT + 7000)]


def test_a_stream_ends_with_the_arrival_of_an_error_outside_of_data() -> None:
    capture = read_file(REQUEST, t(1), role("a"), t(5), b'error: {"message":"no","code":5}\n')
    assert streams(capture, "total_us", "last_event_at", "ended_at") == [(5000, AT + 1000, AT + 5000)]


def test_lines_of_a_log_have_their_own_times() -> None:
    lines = [role("a").strip(), b"", text("A").strip(), b"GET / 200", DONE.strip(), b""]
    placed = [Line(line, at * 100, 100, AT + at) for at, line in enumerate(lines)]
    capture = read_file(*placed)
    assert [(event.offset, event.received_at) for event in capture.placed] == [(0, AT), (200, AT + 2)]
    assert streams(capture, "clock", "ended_at", "has_terminator") == [("arrival", AT + 4, True)]
    assert [(reject.byte_offset, reject.reason) for reject in capture.rejects] == [(300, "log_line")]
    assert capture.closed_bytes == 600
    assert read_file(*placed, Line(b"event: x", 600, 100)).closed_bytes == 500


def test_comments_are_counted_for_the_event_behind_them() -> None:
    capture = read_file(b": up\n\n: up\n\n", role("a"), b": up\n\n", t(1), DONE, b": up\n\n", role("b"))
    assert [event.comments_before for event in capture.placed] == [2, 1]


@table(
    "lines, expected",
    {
        "a field": (
            [role("a"), text("A"), b'error: {"message":"no","code":5}\n\n'],
            [("a", "A", 2, "errored", "no")],
        ),
        "bare": ([role("a"), b'{"error":{"message":"no"}}\n'], [("a", "", 1, "errored", "no")]),
        "bare, over lines": (
            [role("a"), b'{\n  "error": {\n    "message": "no"\n  }\n}\n'],
            [("a", "", 1, "errored", "no")],
        ),
        "of its own": ([b'{"error":{"message":"no"}}\n'], [(None, "", 0, "errored", "no")]),
        "behind the terminator": (
            [whole("a", "A"), DONE, b'{"error":{"message":"no"}}\n'],
            [("a", "A", 3, "completed", None), (None, "", 0, "errored", "no")],
        ),
        "of another shape": (
            [b'{"type":"error","error":{"type":"overloaded","message":"no"}}\n'],
            [(None, "", 0, "errored", "no")],
        ),
        "an event of that type is an event": (
            [role("a"), b"event: error\n" + data({"message": "no"})],
            [("a", "", 2, "errored", "no")],
        ),
        "an event with an error is an event": (
            [role("a"), data({"error": {"message": "no"}})],
            [("a", "", 2, "errored", "no")],
        ),
        "the first error stays": (
            [role("a"), data({"error": {"message": "no"}}), b'error: {"error":"never"}\n'],
            [("a", "", 2, "errored", "no")],
        ),
    },
)
def test_an_error_outside_of_data_is_no_event(lines: list[bytes], expected: Any) -> None:
    capture = read_file(*lines)
    known = streams(capture, "response_id", "events", "outcome", "error_message")
    texts = contents(capture).values()
    assert [(one[0], words, *one[1:]) for words, one in zip(texts, known, strict=True)] == expected


def test_bare_json_is_an_event_if_an_api_knows_it() -> None:
    known, other = msgspec.json.encode(chunk("a", [choice(content="A")])), b'{"level":"info"}'
    capture = read_file(known + b"\n" + other + b"\n")
    assert found(capture) == [("A", 1, False)]
    assert [(reject.reason, reject.line) for reject in capture.rejects] == [("stray_json", 2)]


def test_each_object_of_ndjson_is_an_event() -> None:
    known, other = msgspec.json.encode(chunk("a", [choice(content="A")])), b'{"level":"info"}'
    capture = read_file(known + b"\n" + other + b"\n", ndjson=True)
    assert found(capture) == [("A", 2, False)]
    assert capture.rejects == []


def test_ndjson_may_be_of_many_streams() -> None:
    events = [chunk(each, [choice(content=each)]) for each in "abab"]
    capture = read_file(b"".join(msgspec.json.encode(event) + b"\n" for event in events), ndjson=True)
    assert found(capture) == [("aa", 2, False), ("bb", 2, False)]


def test_what_is_no_event_is_a_reject_of_the_exchange_around_it() -> None:
    capture = read_file(b'GET /\n{"level":1}\n', REQUEST, whole("a", "A"), REQUEST, b"GET /\n{}\n")
    assert [reject.exchange_index for reject in capture.rejects] == [0, 0, 1, 1]
    assert capture.counts["exchanges"] == 2


def test_beyond_the_limit_a_finished_or_else_the_oldest_stream_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interleaved, "MAX_OPEN", 2)
    capture = read_file(role("a"), whole("b", "B"), role("c"), text("A", "a"), role("d"), text("A", "a"))
    assert found(capture) == [
        ("A", 2, False),
        ("B", 3, False),
        ("", 1, False),
        ("", 1, False),
        ("A", 1, False),
    ]


def test_a_stream_that_has_ended_waits_for_no_terminator_behind_the_next() -> None:
    """With a request between them as without one."""
    for between in (b"", REQUEST):
        capture = read_file(message("start", "A", "stop"), between, role("a"), text("A"), DONE)
        assert streams(capture, "response_id", "has_terminator") == [("m", False), ("a", True)]


def test_no_event_comes_into_a_stream_that_was_closed_for_what_was_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interleaved, "MAX_OPEN", 2)
    request = b": request 2025-04-21T03:21:59Z POST /v1\n\n"
    capture = read_file(
        role("a"), finish("a"), role("b"), request, message("content_block_delta"), usage("a"), DONE
    )
    assert capture.counts["events"] == sum(streams(capture, "events")) == 5


def test_the_streams_of_a_closed_file_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleaved, "MAX_OPEN", 3)
    capture = read_file(*[role(str(n)) for n in range(20)])
    assert streams(capture, "response_id") == [str(n) for n in range(20)]
    assert capture.counts["streams"] == len(capture.streams) == 20


def test_events_that_wait_too_long_are_a_stream_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleaved, "MAX_HELD", 2)
    capture = read_file(role("b"), whole("a", "A"), DONE, FILTER, FILTER, FILTER, FILTER, text("B", "b"))
    assert found(capture) == [("B", 2, False), ("A", 3, True), ("", 4, False)]


@table(
    "lines, left",
    {
        "closed by its terminator": ([whole("a", "A"), DONE], b""),
        "blank lines behind it": ([whole("a", "A"), DONE, b"\r\n \n\n"], b""),
        "the next one open": ([whole("a", "A"), DONE, role("b")], b"\n" + role("b")),
        "a comment behind it": ([whole("a", "A"), DONE, t(1)], b"\n" + t(1)),
        "a field behind it": ([whole("a", "A"), DONE, b"event: mess"], b"\nevent: mess"),
        "a request behind it": ([whole("a", "A"), DONE, REQUEST], b"\n" + REQUEST),
        "a request before it": ([whole("a", "A"), REQUEST, DONE], whole("a", "A") + REQUEST + DONE),
        "no terminator": ([whole("a", "A")], whole("a", "A")),
        "another one open": ([role("a"), whole("b", "B"), DONE], role("a") + whole("b", "B") + DONE),
        "its own end": ([message("start", "A", "stop")], b""),
        "its own end, with a comment inside": (
            [message("start"), b'data: {"type":\n: up\ndata: "message_stop"}\n\n', role("b")],
            b"\n" + role("b"),
        ),
        "its own end, and the next one open": (
            [message("start", "A", "stop"), message("start", response_id="n")],
            b"\n" + message("start", response_id="n"),
        ),
        "its own end, and a terminator": (
            [message("start", "A", "stop"), DONE, role("b")],
            b"\n" + role("b"),
        ),
        "an event that waits": (
            [role("b"), whole("a", "A"), DONE, FILTER, DONE],
            role("b") + whole("a", "A") + DONE + FILTER + DONE,
        ),
        "nothing": ([], b""),
        "blank": ([b"\n\n"], b""),
    },
)
def test_closed_bytes_end_where_no_stream_is_open(lines: list[bytes], left: bytes) -> None:
    body = b"".join(lines)
    assert body[read_file(body).closed_bytes :] == left


FILES = st.lists(
    st.sampled_from(
        [
            role("a"),
            text("A", "a"),
            finish("a"),
            usage("a"),
            role("b"),
            text("B", "b"),
            finish("b"),
            role(None),
            text("X", None),
            finish(None),
            AZURE,
            FILTER,
            PING,
            DONE,
            DONE,
            REQUEST,
            t(1),
            t(2),
            b": up\n",
            message("start"),
            message("A"),
            message("stop"),
            message("stop") + DONE,
            b"GET /\n",
            b'error: {"message":"no"}\n\n',
            b'{"error":"no"}\n',
            data(chunk("a", [choice(1, content="1")])),
        ]
    ),
    max_size=14,
).map(b"".join)


def rows(*captures: Capture) -> list[dict[str, Any]]:
    """The streams of captures in the order in which they began, without what depends on the capture."""
    names = ("stream_id", "ordinal", "exchange_index")
    ordered = [row for each in captures for row in sorted(each.streams, key=lambda row: row["ordinal"])]
    return [{name: value for name, value in row.items() if name not in names} for row in ordered]


@given(FILES | bodies())
def test_what_is_closed_can_be_read_apart_from_the_rest(body: bytes) -> None:
    capture = read_file(body)
    closed = capture.closed_bytes
    first, rest = read_file(body[:closed]), read_file(body[closed:])
    assert rows(first, rest) == rows(capture)
    assert first.tally + rest.tally == capture.tally
    assert first.closed_bytes == closed


@given(FILES, st.integers(1, 40))
def test_no_event_is_lost_or_doubled_whatever_the_order(body: bytes, size: int) -> None:
    capture = read_file(*[Read(body[at : at + size]) for at in range(0, len(body), size)])
    assert sorted(row["ordinal"] for row in capture.streams) == list(range(capture.counts["streams"]))
    assert sum(row["events"] for row in capture.streams) == len(capture.placed) == capture.counts["events"]
    indexes: dict[str, list[int]] = {}
    for event in capture.placed:
        indexes.setdefault(event.stream_id, []).append(event.event_index)
    assert all(found == list(range(len(found))) for found in indexes.values())
    assert {row["stream_id"] for row in capture.streams if row["events"]} == indexes.keys()
    assert capture.tally.total() == len(body)
