"""Bytes to lines."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reading import table
from ssetl.lines import MAX_SAMPLE, Line, Splitter
from strategies import BOM, cuts

TEXTS = st.text("ab\n\r\ufeff", max_size=60).map(str.encode)
LIMITS = st.sampled_from([0, 1, 5, 1 << 20])


def split(pieces: list[bytes], max_line: int = 1 << 20) -> list[Line]:
    splitter = Splitter(max_line)
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    return [*lines, *splitter.close()]


@table(
    "body, lines",
    {
        "empty": (b"", []),
        "no end": (b"a", [(b"a", 1)]),
        "LF": (b"a\nb\n", [(b"a", 2), (b"b", 2)]),
        "CRLF": (b"a\r\nb\r\n", [(b"a", 3), (b"b", 3)]),
        "CR": (b"a\rb\r", [(b"a", 2), (b"b", 2)]),
        "mixed": (b"a\r\n\r\n\r", [(b"a", 3), (b"", 2), (b"", 1)]),
        "LF CR are two": (b"\n\r", [(b"", 1), (b"", 1)]),
        "no other character ends a line": (
            b"a\x0b\x0c\x00\xe2\x80\xa8b\n",
            [(b"a\x0b\x0c\x00\xe2\x80\xa8b", 9)],
        ),
    },
)
def test_lf_crlf_and_cr_end_a_line(body: bytes, lines: list[tuple[bytes, int]]) -> None:
    assert [(line.text, line.size) for line in split([body])] == lines


@table(
    "body, texts",
    {
        "first": (BOM + b"a\nb", [b"a", b"b"]),
        "alone": (BOM, [b""]),
        "only one": (BOM + BOM + b"a", [BOM + b"a"]),
        "before a file that was appended": (b"a\n" + BOM + b"b", [b"a", b"b"]),
        "not within a line": (b"a" + BOM, [b"a" + BOM]),
    },
)
def test_a_bom_before_a_line_is_no_part_of_it(body: bytes, texts: list[bytes]) -> None:
    lines = split([body])
    assert [line.text for line in lines] == texts
    assert sum(line.size for line in lines) == len(body)


@given(TEXTS.flatmap(lambda body: st.tuples(st.just(body), cuts(body))), LIMITS)
def test_any_cut_gives_the_same_lines(given: tuple[bytes, list[bytes]], max_line: int) -> None:
    body, pieces = given
    assert split(pieces, max_line) == split([body], max_line)


@given(TEXTS, LIMITS)
def test_each_byte_is_of_one_line(body: bytes, max_line: int) -> None:
    end = 0
    for line in split([body], max_line):
        assert line.offset == end
        assert line.size > 0
        end += line.size
    assert end == len(body)


@given(TEXTS)
def test_lines_are_those_of_the_standard_library(body: bytes) -> None:
    expected = [text.removeprefix(BOM) for text in body.splitlines()]
    assert [line.text for line in split([body])] == expected


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("length", [4, 5, 6, 7, 100])
def test_a_line_longer_than_allowed_is_marked_and_cut(length: int, end: bytes) -> None:
    body = b"x" * length + end + b"ok\n"
    for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
        long, *rest = split(pieces, max_line=5)
        if end:
            assert (long.overlong, long.text) == (length > 5, b"x" * min(length, 5))
            assert rest == [Line(b"ok", length + len(end), 3)]
        else:
            assert (long.overlong, long.size, rest) == (length + 2 > 5, length + 3, [])


def test_a_line_that_is_not_overlong_is_whole() -> None:
    assert [line.text for line in split([b"ab" * MAX_SAMPLE + b"\n"])] == [b"ab" * MAX_SAMPLE]


def test_an_overlong_line_keeps_a_sample_of_bounded_size() -> None:
    [line] = split([b"ab" * 5000], max_line=2000)
    assert line.text == b"ab" * (MAX_SAMPLE // 2)
    assert line.size == 10000


def test_an_endless_line_is_not_held_in_memory() -> None:
    splitter = Splitter(max_line=1 << 16)
    tracemalloc.start()
    try:
        for _ in range(100):
            assert splitter.feed(bytes(1 << 16)) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 << 16
    assert [line.size for line in splitter.close()] == [100 << 16]


def test_a_line_is_stamped_with_the_read_that_completed_it() -> None:
    splitter = Splitter()
    assert [line.received_at for line in splitter.feed(b"a\nb", 1)] == [1]
    assert [line.received_at for line in splitter.feed(b"c\nd\ne", 2)] == [2, 2]
    assert [line.received_at for line in splitter.feed(b"", 3)] == []
    assert [line.received_at for line in splitter.close()] == [2]
