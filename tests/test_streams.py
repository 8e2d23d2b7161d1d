"""Captures: every event placed, every byte counted, whatever the bytes are and however they are read."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reading import CAPTURE_ID, DONE, choice, chunk, data, read_body, read_file, role, streams, text
from ssetl import ids, schema
from ssetl.captures.exchange import Exchange, Leftover, Piece, Read
from ssetl.interleaved import read_interleaved
from ssetl.response import read_response
from ssetl.streams import Capture, Rejected
from strategies import ANY_BODY, cuts


def told(capture: Capture) -> tuple[Any, ...]:
    """All that a capture tells."""
    return (
        capture.placed, capture.streams, capture.rejects, capture.tally, capture.counts, capture.closed_bytes
    )  # fmt: skip


@given(ANY_BODY.flatmap(lambda body: st.tuples(st.just(body), cuts(body))), st.booleans(), st.booleans())
def test_any_cut_gives_the_same_capture(given: tuple[bytes, list[bytes]], single: bool, ndjson: bool) -> None:
    body, pieces = given
    read = read_body if single else read_file
    assert told(read(*pieces, ndjson=ndjson)) == told(read(body, ndjson=ndjson))


@given(ANY_BODY, st.booleans())
def test_each_byte_of_a_file_is_accounted_for_once(body: bytes, ndjson: bool) -> None:
    capture = read_file(body, ndjson=ndjson)
    assert set(capture.tally) <= set(schema.BYTE_KINDS)
    assert capture.tally.total() == len(body)
    assert capture.tally["reject"] == sum(reject.length for reject in capture.rejects)
    spans = sorted((reject.byte_offset, reject.byte_offset + reject.length) for reject in capture.rejects)
    starts = sorted(event.offset for event in capture.placed)
    assert len(set(starts)) == len(starts)
    assert all(end <= start for (_, end), (start, _) in pairwise([*spans, (len(body), 0)]))
    assert not any(start <= offset < end for offset in starts for start, end in spans)
    assert 0 <= capture.closed_bytes <= len(body)


@given(ANY_BODY, st.booleans())
def test_counts_are_those_of_the_rows(body: bytes, single: bool) -> None:
    capture = (read_body if single else read_file)(body)
    assert capture.counts["streams"] == len(capture.streams)
    assert capture.counts["events"] == len(capture.placed) == sum(row["events"] for row in capture.streams)
    assert capture.counts["chunks"] == sum(len(event.rows) for event in capture.placed)
    assert capture.counts["rejects"] == len(capture.rejects)
    assert capture.counts["exchanges"] >= 1


@given(st.lists(ANY_BODY, max_size=4))
def test_what_has_been_taken_away_is_not_needed_any_more(pieces: list[bytes]) -> None:
    whole, drained = read_file(*pieces), Capture(CAPTURE_ID)
    taken: list[list[Any]] = [[], [], []]
    for _ in read_interleaved(drained, Exchange([Read(piece) for piece in pieces], single=False)):
        for kept, column in zip(taken, (drained.placed, drained.streams, drained.rejects), strict=True):
            kept.extend(column)
            column.clear()
    rest = [drained.placed, drained.streams, drained.rejects]
    assert [some + more for some, more in zip(taken, rest, strict=True)] == [
        whole.placed, whole.streams, whole.rejects
    ]  # fmt: skip
    assert (drained.tally, drained.counts) == (whole.tally, whole.counts)


def test_a_file_is_read_no_further_than_asked() -> None:
    asked: list[int] = []

    def body() -> Any:
        for number in range(3):
            asked.append(number)
            yield Read(role(str(number)))

    capture = Capture(CAPTURE_ID)
    reading = read_interleaved(capture, Exchange(body(), single=False))
    next(reading)
    assert asked == [0]
    assert len(capture.placed) == 1


def test_streams_of_a_capture_are_numbered_and_named_by_their_place() -> None:
    capture = Capture(CAPTURE_ID)
    for exchange in (
        Exchange([Read(role("a") + DONE + role("b"))], single=False),
        Exchange([Read(b"{}")]),
        Exchange([Read(role("c"))], url="https://api.openai.com/v1", request_id="req_1", request_model="gpt"),
    ):
        for _ in (read_response if exchange.single else read_interleaved)(capture, exchange):
            pass
    expected = [(0, 0, "a"), (0, 1, "b"), (2, 2, "c")]
    assert streams(capture, "exchange_index", "ordinal", "response_id") == expected
    assert streams(capture, "stream_id") == [ids.stream_id(CAPTURE_ID, index, n) for index, n, _ in expected]
    assert streams(capture, "url", "provider", "request_id", "request_model")[2] == (
        "https://api.openai.com/v1", "openai", "req_1", "gpt",
    )  # fmt: skip


def test_a_placed_event_knows_its_stream_place_and_times() -> None:
    body: list[Piece] = [Read(b": up\nevent: x\n" + role(), 110), Read(text("A"), 130)]
    capture = read_body(*body, request_sent_at=100)
    [stream] = capture.streams
    columns = (
        "event_index",
        "offset",
        "received_at",
        "since_request",
        "since_previous",
        "comments_before",
    )
    assert [tuple(getattr(event, name) for name in columns) for event in capture.placed] == [
        (0, 14, 110, 10, None, 1),
        (1, 14 + len(role()), 130, 30, 20, 0),
    ]
    assert {event.stream_id for event in capture.placed} == {stream["stream_id"]}
    assert [event.type for event in capture.placed] == ["x", None]
    assert {event.api for event in capture.placed} == {"chat.completions"}


def test_an_event_has_a_row_for_each_choice() -> None:
    both = chunk("a", [choice(0, content="A"), choice(1, content="B")])
    capture = read_file(data(both) + data(chunk("a")))
    assert [[row.choice_index for row in event.rows] for event in capture.placed] == [[0, 1], [None]]
    assert capture.counts["chunks"] == 3


def test_bytes_outside_of_all_exchanges_are_rejects() -> None:
    capture = Capture(CAPTURE_ID)
    capture.leave(Leftover(10, 20, "truncated_document", 3))
    assert capture.rejects == [Rejected(None, 10, 20, 3, "truncated_document", None)]
    assert capture.counts == {"rejects": 1}
    assert capture.tally.total() == 0
