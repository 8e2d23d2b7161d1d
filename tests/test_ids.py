"""Ids: fixed for ever, for rows of years are joined on them."""

import pytest

from ssetl import ids

DIGEST = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def test_ids_are_what_they_have_always_been() -> None:
    assert ids.capture_id(DIGEST, 0) == "5db69ab619e8413264421ae2df34c22b"
    assert ids.source_id("/logs/a.sse") == "329fe6b61acae08d9d835aba7a5d8dcf"
    assert ids.stream_id(ids.capture_id(DIGEST, 0), 0, 1) == "402e5681eae4355a9a2c8c55bccacce2"


def test_many_ids_are_those_of_each() -> None:
    capture = ids.capture_id(DIGEST, 0)
    assert ids.stream_ids(capture, 3, range(5, 8)) == [ids.stream_id(capture, 3, n) for n in (5, 6, 7)]


def test_each_argument_counts() -> None:
    capture = ids.capture_id(DIGEST, 0)
    assert ids.capture_id(DIGEST, 1) != capture
    assert (
        len({ids.stream_id(capture, exchange, ordinal) for exchange in range(3) for ordinal in range(3)}) == 9
    )


@pytest.mark.parametrize(
    "path", ["/a", "/logs/caf\N{LATIN SMALL LETTER E WITH ACUTE}", "/x\n\x1b[2J", "/odd \ufffdff"]
)
def test_any_path_has_an_id(path: str) -> None:
    assert len(ids.source_id(path)) == 32
