"""Digests: the same whether a source is read in one go, in ranges, or only at its edges."""

import gzip
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures.digests import EDGE, Range, edge_digest, edges_match, head_length, holds, measure, split

DATA = b"".join(b"data: %d\n\n" % n for n in range(4000))


@pytest.fixture(params=["plain", "gzip"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    file = tmp_path / "source"
    file.write_bytes(DATA if request.param == "plain" else gzip.compress(DATA))
    return str(file)


def expected(offset: int, end: int) -> Range:
    data = DATA[offset:end]
    head = blake3(data[: head_length(len(data))]).hexdigest(length=16)
    tail = blake3(data[-EDGE:]).hexdigest(length=16)
    return Range(offset, len(data), blake3(data).hexdigest(), head, tail)


def test_a_source_is_measured_whole(path: str) -> None:
    measured = measure(path, len(DATA))
    assert measured.whole == expected(0, len(DATA))
    assert measured.damage is None
    assert measured.prefixes == {}


def test_prefixes_are_digested_on_the_way(path: str) -> None:
    asked = [1, 10, EDGE - 1, EDGE, EDGE + 1, 30_000, len(DATA), len(DATA) + 1]
    firsts: list[bytes] = []

    def borders(first_bytes: bytes) -> list[int]:
        firsts.append(first_bytes)
        return [0, *reversed(asked)]

    measured = measure(path, len(DATA), borders=borders)
    assert firsts == [DATA[:EDGE]]
    assert measured.prefixes == {length: blake3(DATA[:length]).hexdigest() for length in asked[:-1]}
    assert measured.whole == expected(0, len(DATA))


def test_a_source_is_split_at_borders(path: str) -> None:
    assert split(path, len(DATA), [7, 8, 9000]) == [
        expected(7, 8),
        expected(8, 9000),
        expected(9000, len(DATA)),
    ]
    [beyond] = split(path, len(DATA), [len(DATA)])
    assert beyond.bytes == 0


def test_what_a_plain_file_has_grown_by_since_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "growing"
    file.write_bytes(DATA)
    assert measure(str(file), 100).whole == expected(0, 100)
    assert split(str(file), 100, [20]) == [expected(20, 100)]


def test_a_range_is_recognised(path: str) -> None:
    digest = expected(50, 5000).digest
    assert holds(path, 50, 4950, digest)
    assert not holds(path, 51, 4950, digest)
    assert not holds(path, 50, 4951, digest)
    assert not holds(path, len(DATA) - 10, 4950, digest)


def test_edges_tell_a_file_that_grew_from_another(tmp_path: Path) -> None:
    file = tmp_path / "log"
    first, last = expected(0, 10_000), expected(10_000, 20_000)
    for data, same in (
        (DATA, True),
        (DATA[:20_000], True),
        (DATA[:19_999], False),
        (b"x" + DATA[1:], False),
        (DATA[:19_999] + b"x", False),
        (gzip.compress(DATA), False),
    ):
        file.write_bytes(data)
        assert edges_match(str(file), first, last) is same


def test_a_head_covers_a_power_of_two() -> None:
    assert [head_length(length) for length in (0, 1, 2, 3, 4, 1000, 4095, 4096, 10**9)] == [
        0, 1, 2, 2, 4, 512, 2048, 4096, 4096,
    ]  # fmt: skip


@given(st.integers(0, 1 << 40))
def test_a_head_fits_and_covers_at_least_half_of_what_is_short(length: int) -> None:
    covered = head_length(length)
    assert covered <= length
    assert covered == EDGE or 2 * covered > length or length == 0


def test_edge_digests_are_short() -> None:
    assert edge_digest(b"") == "af1349b9f5f9a1a6a0404dea36dcc949"
