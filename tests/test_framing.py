"""Bodies to frames: how a body is framed is told by its bytes."""

from collections import Counter
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import chunk, frame, role, table
from ssetl import framing
from ssetl.captures.exchange import Gap, Payload, Piece, Read
from ssetl.framing import frames
from ssetl.lines import Line
from ssetl.sse import Bare, Comment, Event, Frame, Reject, Terminator
from strategies import ANY_BODY, CHUNKS, cuts, mutated

ONE, TWO = chunk("a", model="m"), chunk("b", model="m")
FIRST, SECOND = msgspec.json.encode(ONE), msgspec.json.encode(TWO)
SIZE = len(FIRST)


def framed(*pieces: bytes | Piece, whole: bool = True) -> tuple[list[Frame], Counter[str]]:
    tally: Counter[str] = Counter()
    body = [Read(piece) if isinstance(piece, bytes) else piece for piece in pieces]
    return [each for some in frames(body, tally, whole=whole) for each in some], tally


@table(
    "array, found, blank",
    {
        "one line": (b"[%b,%b]" % (FIRST, SECOND), [ONE, TWO], 3),
        "as Gemini sends it": (b"[%b\r\n,\r\n%b\r\n]\r\n" % (FIRST, SECOND), [ONE, TWO], 11),
        "blanks around": (b"\n [ %b ] " % FIRST, [ONE], 7),
        "cut behind an element": (b"[%b\n,\n" % FIRST, [ONE], 4),
        "cut in an element": (b"[%b,%b" % (FIRST, SECOND[:-3]), [ONE, "unfinished_json"], 1),
        "an element that is no object": (b"[%b,7,%b]" % (FIRST, SECOND), [ONE, "not_an_object", TWO], 4),
        "an element that is no JSON": (b"[%b,x,%b]" % (FIRST, SECOND), [ONE, "unfinished_json"], 1),
        "text behind it": (b"[%b]ok" % FIRST, [ONE, "unfinished_json"], 1),
        "an error": (b'[{"error":{"code":429}}]', ["bare"], 2),
        "no chunks": (b"[1,2]", ["log_line"], 0),
        "nothing": (b"[]", ["log_line"], 0),
        "an embedding": (b'[{"embedding":[1]}]', ["not_an_object"], 0),
        "deep": (b"[" * 100_000, ["nested_too_deeply"], 0),
    },
)
def test_a_json_array_is_taken_apart(array: bytes, found: list[object], blank: int) -> None:
    frames, tally = framed(array)
    assert [each.reason if isinstance(each, Reject) else _value(each) for each in frames] == found
    assert tally["blank"] == blank


def _value(frame: Frame) -> object:
    return frame.value if isinstance(frame, Event) else "bare"


def test_elements_stand_where_they_are_in_the_body() -> None:
    array = b" [%b ,%b]" % (FIRST, SECOND)
    assert framed(array)[0] == [Event(ONE, None, 2, SIZE), Event(TWO, None, 4 + SIZE, SIZE)]


def test_a_raw_file_is_no_json_array() -> None:
    [reject], _ = framed(b"[%b]" % FIRST, whole=False)
    assert isinstance(reject, Reject)


def test_a_binary_event_stream_is_taken_apart() -> None:
    message = frame(FIRST, event_type="chunk")
    size = len(message)
    assert framed(message + message[:-1])[0] == [
        Event(ONE, "chunk", 0, size),
        Reject(size, size - 1, 1, "damaged_frame", message[:-1][:1024], unread=True),
    ]


def test_payloads_have_the_time_of_the_read_that_completed_them() -> None:
    array = b"[%b,%b]" % (FIRST, SECOND)
    found, _ = framed(Read(array[:5], 1), Read(array[5 : SIZE + 5], 2), Read(array[SIZE + 5 :], 3))
    assert [each.received_at for each in found] == [2, 3]
    message = frame(FIRST, event_type="chunk")
    found, _ = framed(Read(message[:3], 1), Read(message[3:] + message[:-1], 2), Read(message[-1:], 3))
    assert [each.received_at for each in found] == [2, 3]


@table(
    "body",
    {
        "array": b"[%b]" % FIRST,
        "array that is none": b"[1]",
        "binary": frame(FIRST, event_type="chunk"),
        "events": role(),
    },
)
def test_what_a_container_could_not_decode_is_never_lost(body: bytes) -> None:
    found, tally = framed(body, Gap(len(body), 7, "damaged_gzip", b"x"), Gap(len(body) + 7, 3))
    assert Reject(len(body), 7, 1, "damaged_gzip", b"x", unread=True) in found
    assert sum(each.size for each in found if not isinstance(each, Comment)) + tally.total() == len(body) + 10


def test_payloads_of_a_container_need_no_framing() -> None:
    found, tally = framed(
        Gap(0, 5),
        Payload(FIRST, 5, 99, "x", 7),
        Payload(b"no", 104, 2),
        Payload(b'{"error":"no"}', 106, 14, bare=True),
    )
    assert found == [
        Event(ONE, "x", 5, 99, 7),
        Reject(104, 2, 1, "not_json", b"no"),
        Bare({"error": "no"}, 106, 14, 1, b'{"error":"no"}'),
    ]
    assert tally == {"blank": 5}


def test_lines_of_a_log_are_read_as_they_come() -> None:
    found, _ = framed(Line(b"data: %b" % FIRST, 0, 90, 1), Line(b"data: [DONE]", 90, 40, 2), whole=False)
    assert found == [Event(ONE, None, 0, 90, 1), Terminator(90, 40, 2)]


def test_what_stands_between_lines_parts_them_and_keeps_their_order() -> None:
    lines = [Line(b"event: x", 0, 9), Line(b"data: {}", 14, 9), Line(b"data: {}", 28, 9), Line(b"up", 37, 3)]
    other = [Gap(9, 5, "log_line"), Gap(23, 5, "log_line"), Payload(b"{}", 40, 2)]
    found, tally = framed(lines[0], other[0], lines[1], other[1], *lines[2:], other[2], whole=False)
    assert [(each.offset, each.size, getattr(each, "type", "")) for each in found] == [
        (9, 5, ""),
        (14, 9, "x"),
        (23, 5, ""),
        (28, 9, "x"),
        (37, 3, ""),
        (40, 2, None),
    ]
    assert tally == {"field": 9}


@table(
    "piece, asked",
    {
        "events": (role(), 1),
        "a few bytes": (b"data", 3),
        "blank": (b"\n" * 2000, 3),
        "an array": (b"[%b,", 50),
    },
)
def test_only_an_array_or_a_binary_stream_is_read_whole_at_once(piece: bytes, asked: int) -> None:
    read = 0

    def body() -> Iterator[Piece]:
        nonlocal read
        for _ in range(50):
            read += 1
            yield Read(piece)

    next(frames(body(), Counter(), whole=True))
    assert read == asked


def test_a_large_read_becomes_frames_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "BLOCK", 64)
    body = role() * 20
    batches = list(frames([Read(body)], Counter(), whole=False))
    assert max(len(batch) for batch in batches) == 1
    assert sum(len(batch) for batch in batches) == 20


@given(ANY_BODY, st.booleans())
def test_each_byte_of_any_body_is_of_one_frame_or_counted(body: bytes, whole: bool) -> None:
    found, tally = framed(body, whole=whole)
    placed = [each for each in found if not isinstance(each, Comment)]
    assert sum(each.size for each in placed) + tally.total() == len(body)
    ends = [each.offset + each.size for each in placed]
    assert all(end <= each.offset for end, each in zip(ends, placed[1:], strict=False))


ARRAYS = st.lists(CHUNKS, max_size=4).map(msgspec.json.encode)
MESSAGES = st.lists(CHUNKS, max_size=4).map(
    lambda all: b"".join(frame(msgspec.json.encode(each)) for each in all)
)


@given(
    st.one_of(ARRAYS, mutated(ARRAYS), mutated(MESSAGES)).flatmap(
        lambda body: st.tuples(st.just(body), cuts(body))
    )
)
def test_arrays_and_binary_streams_are_accounted_for_however_they_are_cut(
    given: tuple[bytes, list[bytes]],
) -> None:
    body, pieces = given
    found, tally = framed(body)
    assert framed(*pieces) == (found, tally)
    assert sum(each.size for each in found if not isinstance(each, Comment)) + tally.total() == len(body)


@given(st.lists(CHUNKS, min_size=1, max_size=4), st.data())
def test_the_elements_before_a_cut_survive_it(chunks: list[dict[str, object]], data: st.DataObject) -> None:
    array = msgspec.json.encode(chunks)
    at = data.draw(st.integers(0, len(array) - 1))
    found, _ = framed(array[:at])
    values = [each.value for each in found if isinstance(each, Event)]
    assert values == chunks[: len(values)]
    assert len(values) >= sum(len(msgspec.json.encode(chunks[: n + 1])) - 1 <= at for n in range(len(chunks)))
