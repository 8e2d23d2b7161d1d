"""One response: a stream, a failure, a plain answer that is skipped, or nothing that can be read."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import (
    DONE,
    choice,
    chunk,
    contents,
    data,
    finish,
    frame,
    read_body,
    role,
    streams,
    table,
    text,
    usage,
)
from ssetl import response, schema
from ssetl.captures.exchange import Gap, Read
from ssetl.streams import Capture
from strategies import ANY_BODY

ERROR = b'{"error":{"message":"no","type":"bad_request"}}'
LINE = msgspec.json.encode(chunk("a", [choice(content="A")]))
PLAIN = b'{"id":"a","object":"chat.completion","choices":[{"index":0,"message":{"content":"A"}}]}'
PRETTY = msgspec.json.format(PLAIN, indent=2)


def kinds(capture: Capture) -> dict[str, int]:
    """The bytes of each kind, those that there are."""
    assert capture.tally.keys() <= set(schema.BYTE_KINDS)
    return {kind: size for kind, size in capture.tally.items() if size}


@table(
    "body",
    {
        "one id": role("a") + text("A", "a") + finish("a") + DONE,
        "ids that change": role("") + text("A", "b") + finish("c") + DONE,
        "the same choice again": text("A") + finish("a") + role("a") + DONE,
        "no ids": role(None) + text("A", None) + finish(None) + DONE,
        "events of several APIs": data({"type": "ping"}) + role() + text("A") + DONE,
    },
)
def test_in_one_response_there_is_one_stream_whatever_its_ids_do(body: bytes) -> None:
    capture = read_body(body)
    assert contents(capture) == {0: "A"}
    assert streams(capture, "events", "has_terminator") == [(body.count(b"data: {"), True)]
    assert len(capture.placed) == body.count(b"data: {")


@table(
    "body, known",
    {
        "JSON": (PLAIN, {}),
        "JSON over lines": (PRETTY + b"\n", {}),
        "a list": (b'[{"embedding":[1]},\n{"embedding":[2]}]', {"http_status": 200}),
        "a page": (b"<html>\n\n: ok\n</html>\n", {"http_status": 200}),
        "nothing": (b"", {"http_status": 204}),
        "blank": (b"\r\n\r\n", {}),
        "binary": (bytes(range(256)), {}),
    },
)
def test_a_plain_answer_is_skipped(body: bytes, known: Any) -> None:
    capture = read_body(body, **known)
    assert capture.counts == {"exchanges": 1, "skipped": 1}
    assert kinds(capture) == ({"skipped": len(body)} if body else {})
    assert (capture.streams, capture.rejects, capture.placed) == ([], [], [])


@table(
    "body, known, error",
    {
        "JSON": (ERROR, {"http_status": 400}, ("bad_request", "no")),
        "JSON over lines": (msgspec.json.format(ERROR), {"http_status": 404}, ("bad_request", "no")),
        "JSON and a good status": (ERROR, {"http_status": 200}, ("bad_request", "no")),
        "JSON and no status": (ERROR, {}, ("bad_request", "no")),
        "a text as error": (b'{"error":"no"}', {"http_status": 404}, ("404", "no")),
        "a detail": (b'{"detail":"no"}', {"http_status": 401}, ("401", "no")),
        "a code and a message": (b'{"code":"3051","message":"no"}', {"http_status": 400}, ("3051", "no")),
        "a message": (b'{"message":"no"}', {"http_status": 500}, ("500", "no")),
        "Anthropic": (
            b'{"type":"error","error":{"type":"overloaded_error","message":"no"}}',
            {"http_status": 529},
            ("overloaded_error", "no"),
        ),
        "Gemini": (b'[{"error":{"code":429,"message":"no"}}]', {"http_status": 429}, ("429", "no")),
        "some JSON": (b'{"ok":[1]}', {"http_status": 500}, ("500", '{"ok":[1]}')),
        "a page": (b"Bad\nGateway\n\nnginx", {"http_status": 502}, ("502", "Bad\nGateway")),
        "no body": (b"", {"http_status": 503}, ("503", None)),
        "blank": (b" \n", {"http_status": 503}, ("503", None)),
        "JSON and more": (ERROR + b"\nbye\n", {"http_status": 400}, ("bad_request", "no")),
        "an error field": (b'error: {"message":"no","code":5}\n', {}, ("5", "no")),
    },
)  # fmt: skip
def test_an_exchange_that_failed_is_a_stream_of_no_events(body: bytes, known: Any, error: Any) -> None:
    capture = read_body(body, url="https://api.openai.com/v1", request_model="gpt", **known)
    [row] = capture.streams
    assert (row["error_type"], row["error_message"]) == error
    assert (row["outcome"], row["events"], row["has_terminator"]) == ("errored", 0, False)
    assert (row["http_status"], row["provider"], row["request_model"]) == (
        known.get("http_status"),
        "openai",
        "gpt",
    )
    assert kinds(capture).keys() <= {"error", "blank"}
    assert capture.tally.total() == len(body)
    assert capture.rejects == []


def test_the_message_of_a_page_is_bounded() -> None:
    [row] = read_body(b"x" * 100_000, http_status=500).streams
    assert row["error_message"] == "x" * 500


def test_a_failed_exchange_may_have_events() -> None:
    capture = read_body(b"event: error\n" + data({"message": "no"}), http_status=500)
    assert streams(capture, "events", "outcome", "error_message") == [(1, "errored", "no")]
    capture = read_body(text("A"), http_status=500)
    assert streams(capture, "events", "outcome", "error_type") == [(1, "errored", "500")]


def test_an_error_behind_the_events_is_of_the_stream_and_no_event() -> None:
    capture = read_body(Read(role() + text("A"), 1), Read(ERROR + b"\n", 5))
    assert streams(capture, "events", "outcome", "error_message", "ended_at") == [(2, "errored", "no", 5)]
    assert kinds(capture)["error"] == len(ERROR) + 1


@table(
    "body, expected",
    {
        "lines": (LINE + b"\n" + LINE, [("AA", 2)]),
        "lines, the first of no API": (b'{"a":1}\n' + LINE, [("A", 2)]),
        "one line that says it is a chunk": (LINE, [("A", 1)]),
        "lines of no API": (b'{"a":1}\n{"a":2}\n', [("", 2)]),
        "an error among them": (LINE + b"\n" + ERROR + b"\n" + LINE, [("AA", 2)]),
        "an array": (b"[" + LINE + b"," + LINE + b"]", [("AA", 2)]),
        "a binary stream": (frame(LINE, event_type="chunk") * 2, [("AA", 2)]),
        "a chunk before the events": (LINE + b"\n" + text("B"), [("AB", 2)]),
        "a chunk behind the events": (text("B") + LINE, [("BA", 2)]),
    },
)
def test_chunks_without_data(body: bytes, expected: Any) -> None:
    capture = read_body(body)
    assert list(zip(contents(capture).values(), streams(capture, "events"), strict=True)) == expected
    assert [event.event_index for event in capture.placed] == list(range(len(capture.placed)))
    assert [event.offset for event in capture.placed] == sorted(event.offset for event in capture.placed)
    assert capture.rejects == []


def test_a_chunk_that_reports_an_error_is_an_event() -> None:
    broken = msgspec.json.encode(chunk("a", [choice(finish="error")], error={"message": "no"}))
    capture = read_body(LINE + b"\n" + broken)
    assert streams(capture, "events", "outcome", "error_message") == [(2, "errored", "no")]
    assert kinds(capture) == {"event": len(LINE) + 1 + len(broken)}


def test_a_container_may_know_that_each_line_is_an_event() -> None:
    capture = read_body(b'{"a":1}\n', ndjson=True)
    assert streams(capture, "api", "events") == [("unknown", 1)]


def test_the_request_before_the_events_is_a_reject() -> None:
    capture = read_body(b"# raw-sse\n# POST /v1\n" + b'{"model":"gpt"}\n' + role() + text("A"))
    assert streams(capture, "events") == [2]
    assert [(reject.line, reject.reason) for reject in capture.rejects] == [
        (1, "log_line"),
        (3, "stray_json"),
    ]


@table(
    "body, outcome",
    {
        "comments": (b": OPENROUTER PROCESSING\n\n" * 3, "empty"),
        "a terminator": (DONE, "empty"),
        "both": (b": up\n\n" + DONE, "empty"),
    },
)
def test_a_stream_in_which_nothing_came_is_empty(body: bytes, outcome: str) -> None:
    capture = read_body(body, http_status=200)
    assert streams(capture, "outcome", "events", "has_terminator") == [(outcome, 0, b"[DONE]" in body)]
    assert capture.counts["skipped"] == 0


def test_events_that_are_all_broken_are_rejects_and_no_stream() -> None:
    capture = read_body(b"data: {\n\ndata: [1]\n\n")
    assert capture.counts == {"exchanges": 1, "rejects": 2}
    assert [reject.reason for reject in capture.rejects] == ["not_json", "not_an_object"]


@pytest.mark.parametrize("status", [None, 200, 500])
@pytest.mark.parametrize("body", [b"", PLAIN, role(), b"x\n"])
def test_what_a_container_could_not_decode_is_always_a_reject(body: bytes, status: int | None) -> None:
    capture = read_body(body, Gap(len(body), 7, "damaged_gzip", b"\x1f\x8b"), http_status=status)
    [*_, last] = capture.rejects
    assert (last.byte_offset, last.length, last.reason, last.sample) == (
        len(body),
        7,
        "damaged_gzip",
        b"\x1f\x8b",
    )
    assert capture.counts["skipped"] == 0
    assert len(capture.streams) == (status == 500 or body == role())
    assert capture.tally.total() == len(body) + 7


def test_endless_rejects_are_added_up_until_it_is_known_whether_there_is_a_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response, "MAX_HELD", 2)
    lines = b"x\n\n" * 5
    capture = read_body(lines + role() + lines)
    assert [reject.length for reject in capture.rejects] == [2, 8, 2, 2, 2, 2, 2]
    assert capture.tally.total() == len(lines + role() + lines)
    assert kinds(read_body(lines)) == {"skipped": len(lines)}


def test_comments_are_counted_for_the_event_behind_them() -> None:
    capture = read_body(
        b": up\n\n: up\n\n" + role() + text("A") + b": up\n\n" + finish("a") + b": up\n\n" + DONE
    )
    assert [event.comments_before for event in capture.placed] == [2, 0, 1]


def test_events_have_the_times_of_their_reads() -> None:
    capture = read_body(
        Read(role() + text("A")[:9], 110), Read(text("A")[9:] + usage(), 130), Read(DONE, 140),
        request_sent_at=100, clock="arrival_read",
    )  # fmt: skip
    columns = ("clock", "time_to_first_event_us", "time_to_first_token_us", "total_us")
    assert streams(capture, *columns) == [("arrival_read", 10, 30, 40)]


@given(ANY_BODY, st.sampled_from([None, 200, 400]), st.booleans())
def test_each_byte_of_a_response_is_accounted_for(body: bytes, status: int | None, ndjson: bool) -> None:
    capture = read_body(body, http_status=status, ndjson=ndjson)
    assert kinds(capture) == {kind: size for kind, size in capture.tally.items() if size}
    assert capture.tally.total() == len(body)
    assert capture.tally["reject"] == sum(reject.length for reject in capture.rejects)
    assert len(capture.streams) == capture.counts["streams"] <= 1
    assert capture.counts["skipped"] == (len(capture.streams) == 0 and not capture.rejects)
    if status == 400:
        assert streams(capture, "outcome") == ["errored"]
