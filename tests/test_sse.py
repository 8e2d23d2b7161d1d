"""Bytes to frames: the standard, what lies beyond it, and that nothing is lost."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import table
from ssetl import sse
from ssetl.jsontext import NotJson, decode
from ssetl.lines import MAX_SAMPLE, Line
from ssetl.sse import Bare, Comment, Event, Frame, Parser, Reject, Terminator
from strategies import ANY_BODY, BOM, cuts

JSON = {"text_types": frozenset({"output"})}
TEXT = {"text_types": frozenset({None})}


def decode_object(data: bytes, event_type: str | None) -> Any:
    if event_type == "output":
        return data
    value = decode(data)
    if type(value) is not dict:
        raise NotJson("not_an_object")
    return value


def decode_text(data: bytes, _event_type: str | None) -> str:
    return data.decode()


def parse(*pieces: bytes, decode: Any = decode_object, **options: Any) -> tuple[list[Frame], Counter[str]]:
    parser = Parser(decode, **{**JSON, **options})
    frames = [frame for piece in pieces for frame in parser.feed(piece)]
    return [*frames, *parser.close()], parser.tally


def events(body: bytes) -> list[Any]:
    """(type, value) of each event; bodies are told apart into lines as captures are."""
    return [(frame.type, frame.value) for frame in parse(body)[0] if isinstance(frame, Event)]


def kinds(body: bytes, **options: Any) -> list[Any]:
    """One short word or value per frame."""
    return [_word(frame) for frame in parse(body, **options)[0]]


def _word(frame: Frame) -> Any:
    if isinstance(frame, Event):
        return frame.value
    if isinstance(frame, Bare):
        return (frame.field or "bare", frame.value)
    if isinstance(frame, Reject):
        return frame.reason
    return "done" if isinstance(frame, Terminator) else frame.text.decode()


# The standard: each body of text, and the data of the events that a browser would see.
@table(
    "body, data",
    {
        "two messages": (
            b"data: the first message\n\ndata: the second message, it\ndata: has two lines.\n\n",
            ["the first message", "the second message, it\nhas two lines."],
        ),
        "event types": (
            b"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
            [("add", "73857293"), ("remove", "2153"), ("add", "113411")],
        ),
        "three data lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", ["YHOO\n+2\n10"]),
        "example with ids": (
            b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            ["first event", "second event", " third event"],
        ),
        "empty data": (b"data\n\ndata\ndata\n\ndata:\n\n", ["", "\n", ""]),
        "one blank is dropped": (b"data:test\n\ndata: test\n\n", ["test", "test"]),
        "comments between data lines": (
            b"data:1\r:\0\n:\r\ndata:2\n:xx\rdata:3\n:data:fail\r:yy\ndata:4\n\n",
            ["1\n2\n3\n4"],
        ),
        "NUL is data": (b"data:\0\ndata:  2\rdata:3\r\n\r", ["\0\n 2\n3"]),
        "names are case-sensitive": (b"Data:1\n\n", []),
        "line ends": (b"data:a\r\rdata:b\n\ndata:c\r\n\r\n", ["a", "b", "c"]),
        "BOM": (BOM + b"data:1\n\n" + b"data:2\n\n", ["1", "2"]),
        "no data, no event": (b"retry: 1000\nid: x\nevent: y\n\ndata:1\n\n", ["1"]),
        "a field without a colon": (b"event\ndata:1\n\n", ["1"]),
        "the last type counts": (b"event: a\nevent: b\ndata:1\n\ndata:2\n\n", [("b", "1"), "2"]),
    },
)
def test_whatwg_examples(body: bytes, data: list[Any]) -> None:
    frames, _ = parse(body, decode=decode_text, **TEXT)
    found = [(frame.type, frame.value) for frame in frames if isinstance(frame, Event)]
    assert found == [each if isinstance(each, tuple) else (None, each) for each in data]


def reference(body: bytes) -> list[tuple[str | None, str]]:
    """The event stream interpretation of the standard, word by word."""
    found, data, event_type = [], [], ""
    for line in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if not line:
            if data:
                found.append((event_type or None, "\n".join(data)))
            data, event_type = [], ""
        elif field == b"event" and line:
            event_type = value.decode()
        elif field == b"data":
            data.append(value.decode())
    return found


VALUES = st.text("a :\ufeff{", max_size=4).map(str.encode)
BLOCKS = st.tuples(
    st.lists(st.sampled_from([b":c", b":", b"id: 1", b"retry:2", b"event: x", b"event"]), max_size=3),
    st.lists(st.one_of(VALUES.map(b"data:".__add__), st.sampled_from([b"data", b":c", b"id"])), max_size=4),
    st.just([b""]),
)


@given(st.lists(BLOCKS, max_size=4), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_text_events_are_those_of_the_standard(blocks: Any, end: bytes) -> None:
    body = b"".join(line + end for block in blocks for some in block for line in some)
    frames, _ = parse(body, decode=decode_text, text_types=frozenset({None, "x"}))
    found = [(frame.type, frame.value) for frame in frames if isinstance(frame, Event)]
    assert found == reference(body)


@table(
    "body, expected",
    {
        "no blank lines": (b'data: {"a":1}\ndata: {"a":2}\ndata: {"a":3}\n', [{"a": 1}, {"a": 2}, {"a": 3}]),
        "of data lines that are no JSON when joined each is tried": (
            b'data: {"a":1}\ndata: no\ndata: {"a":3}\n',
            [{"a": 1}, "not_json", {"a": 3}],
        ),
        "the first of them broken": (
            b'data: no\ndata: {"a":2}\n\ndata: {"a":3}\n\n',
            ["not_json", {"a": 2}, {"a": 3}],
        ),
        "JSON over several data lines": (b'data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
        "JSON over several data lines, and no blank line behind it": (
            b'data: {\ndata:   "a": 1\ndata: }\ndata: {"a":2}\n\n',
            ["not_json", "not_json", "not_json", {"a": 2}],
        ),
        "no line end": (b'data: {"a":1}', [{"a": 1}]),
        "no blank line at the end": (b'data: {"a":1}\n', [{"a": 1}]),
        "a blank before data": (b' data: {"a":1}\n\n\t data:{"a":2}\n\n', [{"a": 1}, {"a": 2}]),
        "terminator": (b"data: [DONE]\n\n", ["done"]),
        "terminator between events": (
            b'data: {"a":1}\ndata:[DONE] \ndata: {"a":2}\n',
            [{"a": 1}, "done", {"a": 2}],
        ),
        "terminator behind broken data": (
            b"data: no\ndata: {\ndata: [DONE]\n",
            ["not_json", "not_json", "done"],
        ),
        "terminators": (b"data: [DONE]\n\ndata: [DONE]", ["done", "done"]),
        "error field": (b'data: {"a":1}\nerror: {"b":2}\n\n', [{"a": 1}, ("error", {"b": 2})]),
        "error field without a blank": (b'error:{"b":2}\n', [("error", {"b": 2})]),
        "error field without JSON": (b"error: out of memory\n", ["log_line"]),
        "bare JSON": (b'data: {"a":1}\n\n{"b":2}\n', [{"a": 1}, ("bare", {"b": 2})]),
        "bare JSON over lines": (
            b'data: {"a":1}\n\n{\n  "b": [\n    2\n  ]\n}\n',
            [{"a": 1}, ("bare", {"b": [2]})],
        ),
        "NDJSON": (b'{"a":1}\n{"a":2}\n', [("bare", {"a": 1}), ("bare", {"a": 2})]),
        "NDJSON, indented": (b'  {"a":1}\n', [("bare", {"a": 1})]),
        "an empty object": (b"{}\n", [("bare", {})]),
        "a list is no object": (b"[1]\n", ["log_line"]),
        "broken JSON": (b'{"a":1}}\n', ["not_json"]),
        "a number is no event": (b"data: 7\n\n", ["not_an_object"]),
        "no data, no event": (b"data:\n\ndata: \n\n", []),
        "text over lines": (b"event: output\ndata: a\ndata: b\n\n", [b"a\nb"]),
        "empty text": (b"event: output\ndata:\n\n", [b""]),
        "text without blank lines": (b"event: output\ndata: a\nevent: output\ndata: b\n", [b"a", b"b"]),
        "log lines": (b'2025 GET /\ndata: {"a":1}\nok\nok\n', ["log_line", {"a": 1}, "log_line"]),
        "a log line ends an event": (b'data: {"a":1}\nok\ndata: {"a":2}\n', [{"a": 1}, "log_line", {"a": 2}]),
        "a comment comes after what was complete before it": (b'data: {"a":1}\n: late\n', [{"a": 1}, "late"]),
        "neighbouring lines are one reject": (b"one\ntwo\n\nthree\n", ["log_line", "log_line"]),
        "broken NDJSON costs no line behind it": (
            b'{"a":1,\n{"a":2}\n{"a":3}\n',
            ["not_json", ("bare", {"a": 2}), ("bare", {"a": 3})],
        ),
        "bare JSON ends at data": (b'{\n  "a": 1,\ndata: {"b":2}\n', ["unfinished_json", {"b": 2}]),
        "bare JSON ends at a comment": (
            b'{\n  "a": 1,\n: t now\nok\n',
            ["unfinished_json", "t now", "log_line"],
        ),
        "bare JSON ends at event": (
            b'{\n  "a": 1,\nevent: x\ndata: {"b":2}\n',
            ["unfinished_json", {"b": 2}],
        ),
        "bare JSON without an end": (b'{\n  "a": 1\n', ["unfinished_json"]),
        "a bracket does not make JSON": (b'[INFO] up,\n{"a":1}\n', ["log_line", ("bare", {"a": 1})]),
    },
)
def test_beyond_the_standard(body: bytes, expected: list[Any]) -> None:
    assert kinds(body) == expected


@table(
    "body, types",
    {
        "of one event": (b"event: a\ndata: {}\n\ndata: {}\n\n", ["a", None]),
        "no blank lines": (b"event: a\ndata: {}\nevent: b\ndata: {}\n", ["a", "b"]),
        "a terminator ends its event": (
            b"event: a\ndata: {}\nevent: b\ndata: [DONE]\ndata: {}\n",
            ["a", None],
        ),
        "behind the data": (b"data: {}\nevent: a\n\n", ["a"]),
        "each data line has its own": (b"event: a\ndata: no\nevent: b\ndata: {}\n\n", ["b"]),
        "a log line between": (b"event: a\nlog\ndata: {}\n\n", ["a"]),
        "empty is none": (b"event:\ndata: {}\n\n", [None]),
        "not UTF-8": (b"event: \xff\ndata: {}\n\n", ["\ufffd"]),
    },
)
def test_an_event_has_the_type_that_was_named_for_it(body: bytes, types: list[str | None]) -> None:
    assert [event_type for event_type, _ in events(body)] == types


def test_frames_tell_where_they_stand() -> None:
    body = b': c\n\nok\ndata: {"a":1}\n: between\ndata: \n\n{"b":\n2}\n{"b":2}\n  {\n}\ndata: [DONE]\n'
    frames, tally = parse(body)
    assert [frame for frame in frames if not isinstance(frame, Comment)] == [
        Reject(5, 3, 3, "log_line", b"ok"),
        Event({"a": 1}, None, 8, 14),
        Reject(40, 6, 8, "not_json", b'{"b":'),
        Reject(46, 3, 9, "log_line", b"2}"),
        Bare({"b": 2}, 49, 8, 10, b'{"b":2}'),
        Reject(57, 6, 11, "unfinished_json", b"  {\n}"),
        Terminator(63, 13),
    ]
    assert tally == {"comment": 14, "blank": 9}


def test_an_event_of_several_lines_knows_what_lies_between_them() -> None:
    [comment, event], _ = parse(b'data: {"a":\n: c\nid: 1\ndata: 1}\n\n')
    assert comment == Comment(b"c")
    assert event == Event({"a": 1}, None, 0, 21, None, between=10)


def test_frames_have_the_time_of_the_read_that_completed_them() -> None:
    parser = Parser(decode_object)
    first = parser.feed(b'data: {"a":1}\n\ndata: {"a"', 1)
    second = parser.feed(b":2}\n\n: c\n{}\ndata: [DO", 2)
    last = [*parser.feed(b"NE]", 3), *parser.close()]
    assert [frame.received_at for frame in [*first, *second, *last]] == [1, 2, 2, 2, 3]


def test_lines_that_the_caller_cut_out_are_taken_as_they_are() -> None:
    parser = Parser(decode_object)
    assert parser.line(Line(b'data: {"a":1}', 100, 50, 7)) == []
    assert parser.line(Line(b"", 150, 30, 8)) == [Event({"a": 1}, None, 100, 50, 7)]
    assert parser.tally == {"blank": 30}


@pytest.mark.parametrize("body", [b"data: {\n%sdata: }\n", b"{\n%s}\n", b'data: {"a":1}\n%sdata: {"a":2}\n'])
def test_an_overlong_line_is_a_reject_and_parts_what_is_around_it(body: bytes) -> None:
    frames, tally = parse(body % (b"x" * 100 + b"\n"), max_line=50)
    assert Reject(body.index(b"%"), 101, 2, "line_too_long", b"x" * 50) in frames
    check_accounts(body % (b"x" * 100 + b"\n"), frames, tally)


def test_samples_of_rejects_are_bounded() -> None:
    [reject], _ = parse(b"x" * 900 + b"\n" + b"y" * 900 + b"\n" + b"z\n")
    assert len(reject.sample) == MAX_SAMPLE
    assert reject.sample.startswith(b"x" * 900 + b"\ny")
    assert reject.size == 1804


def check_accounts(body: bytes, frames: list[Frame], tally: Counter[str]) -> None:
    """Each byte is of one frame or one count, frames come in order and do not overlap."""
    end = total = 0
    for frame in frames:
        if not isinstance(frame, Comment):
            assert frame.offset >= end
            assert frame.size > 0
            end = frame.offset + frame.size + getattr(frame, "between", 0)
            total += frame.size
    assert end <= len(body)
    assert total + tally.total() == len(body)
    assert set(tally) <= {"blank", "comment", "field"}


@given(ANY_BODY, st.sampled_from([12, 1 << 20]))
def test_each_byte_is_accounted_for(body: bytes, max_line: int) -> None:
    frames, tally = parse(body, max_line=max_line)
    check_accounts(body, frames, tally)


@given(ANY_BODY.flatmap(lambda body: st.tuples(st.just(body), cuts(body))), st.sampled_from([12, 1 << 20]))
def test_any_cut_gives_the_same_frames(given: tuple[bytes, list[bytes]], max_line: int) -> None:
    body, pieces = given
    assert parse(*pieces, max_line=max_line) == parse(body, max_line=max_line)


@given(ANY_BODY)
def test_rejects_tell_the_line_in_which_they_begin(body: bytes) -> None:
    for frame in parse(body)[0]:
        if isinstance(frame, (Reject, Bare)):
            before = body[: frame.offset]
            ends = before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")
            assert frame.line == ends + 1


@pytest.mark.parametrize(
    "line",
    [
        b"data: x\n",
        b"data:\n",
        b"data: {\n",
        b"x\n",
        b"{\n",
        b"}\n",
        b'{"a":\n',
        b"{\n}}\n",
        b"{\n ]\n",
        b"[\n{\n",
        b"data: {\n: c\n",
        b'data: {"a":1}\nx\n',
        b"error: x\n",
        b"{,\n{}\n",
    ],
)
def test_no_line_is_decoded_again_and_again(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_BARE", 1 << 10)
    decoded = 0

    def count(data: bytes, event_type: str | None) -> Any:
        nonlocal decoded
        decoded += len(data) + 1
        return decode_object(data, event_type)

    body = line * (20_000 // len(line))
    parse(body, decode=count)
    tries = 33 if line[:1] in b"{[}" else 3  # bare JSON is tried at each closing bracket, up to a limit
    assert decoded <= tries * len(body)


def test_an_event_of_endless_lines_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_DATA_LINES", 3)
    assert kinds(b"event: output\n" + b"data: x\n" * 5) == [b"x\nx\nx", b"x\nx"]
    assert kinds(b'data: {"a":\n' * 3 + b'data: {"a":1}\n') == ["not_json"] * 3 + [{"a": 1}]


def test_an_event_of_endless_size_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_LINE", 4)
    assert kinds(b"event: output\n" + b"data: xxxx\n" * 3) == [b"xxxx\nxxxx", b"xxxx"]


def test_bare_json_of_endless_lines_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_BARE", 20)
    assert kinds(b"{\n" + b' "a":1,\n' * 4 + b'{"a":2}\n') == [
        "unfinished_json",
        "log_line",
        ("bare", {"a": 2}),
    ]
