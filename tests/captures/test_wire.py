"""HTTP as it goes over the wire, and as people write it down."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import httpdump, wire
from ssetl.captures.exchange import Exchange, Gap, Leftover, Read
from ssetl.captures.recognise import open_capture

SSE = b"data: 1\n\ndata: [DONE]\n\n"


def chunked(body: bytes, sizes: list[int]) -> bytes:
    parts, at = [], 0
    for size in [*sizes, len(body)]:
        part = body[at : at + size]
        at += size
        parts += [b"%x\r\n%b\r\n" % (len(part), part)] if part else []
    return b"".join(parts) + b"0\r\n\r\n"


@given(st.binary(max_size=200), st.lists(st.integers(1, 40), max_size=8))
def test_chunks_are_put_together(body: bytes, sizes: list[int]) -> None:
    text = chunked(body, sizes)
    assert wire.dechunk(text) == (body, len(text))


@given(st.binary(min_size=1, max_size=100), st.lists(st.integers(1, 40), max_size=4), st.data())
def test_what_precedes_a_cut_in_chunks_is_kept(body: bytes, sizes: list[int], data: st.DataObject) -> None:
    text = chunked(body, sizes)
    found, end = wire.dechunk(text[: data.draw(st.integers(0, len(text)))])
    assert body.startswith(found)
    assert 0 <= end <= len(text)


def body_of(text: bytes) -> bytes:
    pieces = wire.body_of(wire.parse_response(text))
    return b"".join(piece.data for piece in pieces if isinstance(piece, Read))


def test_bodies_whose_chunks_are_undone_already_stay_as_they_are() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert body_of(head + SSE) == SSE
    assert body_of(head + chunked(SSE, [3])) == SSE


def test_what_follows_a_damaged_chunk_is_a_gap() -> None:
    response = wire.parse_response(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX9\r\nrest"
    )
    read, gap = wire.body_of(response)
    assert read == Read(b"abc")
    assert gap == Gap(3, 9, "damaged_chunk", b"XX9\r\nrest")


def exchanges_of(text: bytes) -> list[Exchange]:
    capture = open_capture(BytesIO(text))
    assert capture.container == "http-dump"
    return [each for each in capture.exchanges if isinstance(each, Exchange)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_exchanges_of_a_dump_follow_each_other(end: bytes) -> None:
    request = b"POST /v1/chat/completions HTTP/1.1\nHost: h\n\n" + b'{"model":"m1"}\n\n'
    text = request + b"HTTP/1.1 200 OK\n\n" + SSE + b"\n" + request + b"HTTP/1.1 401 Unauthorized\n\n{}\n"
    first, second = exchanges_of(text.replace(b"\n", end))
    assert (first.http_status, first.url, first.request_model) == (200, "http://h/v1/chat/completions", "m1")
    assert (second.http_status, second.request_model) == (401, "m1")


def test_answers_before_the_answer_are_none() -> None:
    text = (
        b"HTTP/1.1 200 Connection established\n\nHTTP/1.1 100 Continue\n\nHTTP/2 200\nx-request-id: a1b2\n\n"
        + SSE
    )
    proxy, answer = exchanges_of(text)
    assert (proxy.http_status, list(proxy.body)) == (200, [])
    assert (answer.http_status, answer.request_id) == (200, "a1b2")


@given(st.binary(max_size=200).map(lambda rest: b"HTTP/1.1 200 OK\n" + rest))
def test_no_dump_raises(text: bytes) -> None:
    for each in httpdump.exchanges(text):
        assert isinstance(each, (Exchange, Leftover))


@given(st.binary(max_size=200).map(lambda rest: b"httprr trace v1\n20 40\n" + rest))
def test_no_trace_raises(text: bytes) -> None:
    for each in open_capture(BytesIO(text)).exchanges:
        assert isinstance(each, (Exchange, Leftover))
