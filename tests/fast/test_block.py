"""A block, against Python that looks at one place after the other."""

import re

import msgspec
import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ssetl.fast.block import MAX_BLANKS, MAX_DIGITS, MAX_SEARCH, Block
from ssetl.fast.template import PATTERNS
from ssetl.fast.texts import canonical, plain, unquoted
from ssetl.jsontext import encode

BYTES = st.lists(
    st.sampled_from(
        [b'"', b"\\", b"\\n", b"a", b"b", b"0", b"7", b"\n", b"\xc3\xa9", b"long " * 16, b"0123456789" * 2]
    )
).map(b"".join)
PLACES = st.integers(0, 1 << 16)
LINES = st.lists(
    st.sampled_from([b"data: {}\n", b"data: {}\r\n", b"\n", b"\r\n", b"{}\n", b": c\n", b"data: "])
)


def places(data: bytes, numbers: list[int]) -> np.ndarray:
    return np.array([number % len(data) for number in numbers], np.int64)


def behind_each_other(data: bytes, numbers: list[int], width: int) -> np.ndarray:
    """Some of the places, ascending, with so many bytes from each to the next and to the end."""
    found = [0]
    for place in sorted(places(data, numbers).tolist()):
        if found[-1] + width <= place <= len(data) - width:
            found.append(place)
    return np.array(found, np.int64)


@given(BYTES.filter(bool), st.lists(PLACES, min_size=1))
def test_a_text_ends_at_its_quote(data: bytes, numbers: list[int]) -> None:
    at = places(data, numbers)
    naive = [re.compile(PATTERNS["text"] + b'(?=")').match(data, place) for place in at.tolist()]
    found = Block(data).quotes(at).tolist()
    for place, end, expected in zip(at.tolist(), found, naive, strict=True):
        assert (end if end > place else -1) == (expected.end() if expected else -1)


def test_texts_that_are_longer_than_the_search_end_at_their_quotes() -> None:
    for length in range(8 * MAX_SEARCH - 2, 8 * MAX_SEARCH + 3):
        data = b"a" * length + b'"'
        assert Block(data).quotes(np.array([0])).tolist() == [length]
        assert Block(data[:-1]).quotes(np.array([0])).tolist() == [-1]


@given(BYTES.filter(bool), st.lists(PLACES, min_size=1))
def test_numbers_are_those_that_json_knows(data: bytes, numbers: list[int]) -> None:
    at = places(data, numbers)
    values, ends = Block(data).numbers(at)
    for place, value, end in zip(at.tolist(), values.tolist(), ends.tolist(), strict=True):
        digits = re.compile(rb"[0-9]*").match(data, place)
        assert digits is not None
        known = 0 < len(digits[0]) <= MAX_DIGITS and (digits[0] == b"0" or digits[0][:1] != b"0")
        assert (end, value) == (digits.end(), int(digits[0])) if known else end <= place


@given(
    BYTES.filter(lambda data: len(data) >= 40),
    st.lists(PLACES, min_size=1),
    st.integers(1, 36),
    st.integers(0, 8),
)
def test_different_texts_are_told_apart(data: bytes, numbers: list[int], width: int, end: int) -> None:
    at = behind_each_other(data, numbers, width)
    tail = data[at[-1] : at[-1] + width][-end:] if end else b"~"
    codes, found = Block(data).distinct(at, width, tail)
    texts = [each.tobytes() for each in found]
    wanted = [data[place : place + width] for place in at.tolist()]
    assert [texts[code] if code >= 0 else None for code in codes.tolist()] == [
        text if text.endswith(tail) else None for text in wanted
    ]
    assert len(set(texts)) == len(texts)


@given(BYTES.filter(lambda data: len(data) >= 40), st.lists(PLACES, min_size=1), st.integers(1, 36))
def test_what_stands_there_is_known(data: bytes, numbers: list[int], width: int) -> None:
    at = behind_each_other(data, numbers, width)
    wanted = data[at[0] : at[0] + width]
    found = Block(data).holds(at, wanted).tolist()
    assert found == [data[place : place + width] == wanted for place in at.tolist()]


PADDING = st.sampled_from(
    [
        b"",
        b" ",
        b"   ",
        b" " * 10,
        b"x" + b" " * 9,
        b" " * MAX_BLANKS,
        b" " * (MAX_BLANKS + 1),
        b" x ",
        b"\t",
        b"x",
    ]
)


@given(st.lists(st.tuples(BYTES, PADDING)))
def test_padding_is_blanks_and_nothing_else(pairs: list[tuple[bytes, bytes]]) -> None:
    data, starts, ends = b"", [], []
    for before, inside in pairs:
        starts.append(len(data) + len(before))
        data += before + inside
        ends.append(len(data))
    found = Block(data).blank(np.array(starts, np.int64), np.array(ends, np.int64))
    assert found.tolist() == [
        len(inside) <= MAX_BLANKS and inside == b" " * len(inside) for _, inside in pairs
    ]


ESCAPES = [b"\\%c" % byte for byte in range(256)]
INSIDE = st.lists(
    st.sampled_from(
        [b"a", b'"', b"\\", b"\\\\", b'\\"', b"\n", b"\xc3\xa9", b"\\u00e9", b"\\u000A", *ESCAPES]
    ),
    min_size=1,
).map(b"".join)


def is_canonical(text: bytes) -> bool:
    try:
        value = msgspec.json.decode(b'"' + text.decode("latin-1").encode() + b'"')
    except msgspec.DecodeError:
        return False
    by_number = re.search(rb"(?<!\\)(?:\\\\)*\\u", text)
    return not by_number and type(value) is str and encode(value)[1:-1] == text.decode("latin-1")


@given(st.lists(INSIDE, min_size=1))
def test_texts_are_canonical_that_our_encoder_writes(texts: list[bytes]) -> None:
    found = canonical(pa.array(texts, pa.binary())).tolist()
    assert found == [is_canonical(text) or not re.search(rb'["\\\x00-\x1f]', text) for text in texts]


def test_each_escape_is_canonical_or_not() -> None:
    found = canonical(pa.array([*ESCAPES, b"a"], pa.binary())).tolist()
    assert found == [*(is_canonical(text) for text in ESCAPES), True]
    assert sum(found) == 8
    assert canonical(pa.array([b"\\", b"n", b'"', b"\\"], pa.binary())).tolist() == [
        False,
        True,
        False,
        False,
    ]


def test_nothing_stands_at_no_place() -> None:
    block = Block(b"data: {}\n\n")
    nowhere = np.zeros(0, np.int64)
    for text in (b"short", b"of more than one word"):
        assert block.holds(nowhere, text).tolist() == []
        assert block.same(text).tolist() == []


@given(st.lists(st.tuples(BYTES, BYTES), min_size=1))
def test_texts_are_cut_out(pairs: list[tuple[bytes, bytes]]) -> None:
    data, starts, ends = b"", [], []
    for before, inside in pairs:
        starts.append(len(data) + len(before))
        data += before + inside
        ends.append(len(data))
    if data:
        found = Block(data).texts(np.array(starts), np.array(ends))
        assert found.to_pylist() == [inside for _, inside in pairs]


@given(LINES.map(b"".join).filter(bool))
def test_units_are_all_of_the_block_and_end_with_lines(data: bytes) -> None:
    block = Block(data, 7)
    units = [block.unit(n) for n in range(len(block.starts))]
    assert b"".join(units) == data
    assert all(units)
    assert all(unit.endswith(b"\n") for unit in units[: block.whole])
    assert all(block.lines_before(end) == data[:end].count(b"\n") for end in block.ends.tolist())
    assert block.alone().tolist() == [n for n in range(len(units)) if block.is_alone(n)]
    if block.by_line:
        assert all(unit.count(b"\n") == 1 for unit in units[: block.whole])
    else:
        assert all(re.search(rb"(^|\n)\r?\n\Z", unit) for unit in units[: block.whole])
        assert not any(re.search(rb"(^|\n)\r?\n[^\r\n]", unit) for unit in units)


def test_a_carriage_return_alone_is_not_plain() -> None:
    assert Block(b"data: {}\r\n\r\n").is_plain
    assert not Block(b"data: {}\r\r").is_plain
    assert not Block(b"data: {}\n\r").is_plain


JSON_TEXTS = st.lists(
    st.sampled_from(
        [
            *(b'"', b"\\", b'\\"', b"\\n", b"\\u00e9", b"\\ud83d", b"\\ud83d\\ude00", b"a", b",", b'","'),
            *(b"\n", b"\x7f", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80"),
        ]
    ),
    min_size=1,
).map(b"".join)


def unquoted_alone(text: bytes) -> str | None:
    try:
        return msgspec.json.decode(b'"' + text + b'"', type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@given(st.lists(JSON_TEXTS, min_size=1))
def test_strings_are_what_a_decoder_makes_of_them(texts: list[bytes]) -> None:
    found = unquoted(pa.array(texts, pa.binary())).to_pylist()
    assert found == [unquoted_alone(each) for each in texts]


@given(st.lists(JSON_TEXTS, min_size=1))
def test_plain_strings_stand_for_themselves(texts: list[bytes]) -> None:
    found = plain(pa.array(texts, pa.binary())).tolist()
    assert found == [re.fullmatch(PATTERNS["fixed"], each) is not None for each in texts]


@given(st.lists(st.tuples(BYTES, BYTES, BYTES), min_size=1))
def test_texts_are_put_together_in_any_order(triples: list[tuple[bytes, bytes, bytes]]) -> None:
    data, borders = b"", []
    for triple in triples:
        borders.append([len(data)])
        for text in triple:
            data += text
            borders[-1].append(len(data))
    if data:
        first, second, third, end = np.array(borders).T
        found = Block(data).joined([(third, end), (first, second)])
        assert found.to_pylist() == [after + before for before, _, after in triples]
