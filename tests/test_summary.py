import io
import threading

import pytest

from ssetl.ingestion import Summary
from ssetl.summary import progress_bar, sentences


def test_what_was_read() -> None:
    summary = Summary(captures=1, streams=2, events=1234, chunks=1300, bytes=35_919, seconds=0.5, parts=1)
    assert sentences(summary, "data/lake").splitlines() == [
        "1 capture: 2 streams, 1,234 events, 1,300 chunk rows",
        "35.9 kB in 0.50 s, into data/lake",
    ]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0 kB in 2.00 s, into x"),
        (2_500_000, "2.5 MB in 2.00 s, 1.2 MB/s, into x"),
        (12_345_678_901, "12.35 GB in 2.00 s, 6172.8 MB/s, into x"),
    ],
)
def test_sizes_and_rates(size: int, text: str) -> None:
    assert sentences(Summary(captures=1, bytes=size, seconds=2.0), "x").splitlines()[1] == text


def test_nothing_new() -> None:
    assert sentences(Summary(unchanged=1), "x") == "nothing new in 1 source"
    assert sentences(Summary(unchanged=1200), "x") == "nothing new in 1,200 sources"
    assert sentences(Summary(), "x") == "nothing to read"


def test_what_was_not_so_well() -> None:
    summary = Summary(
        captures=9,
        copies=1,
        rejects=2,
        unchanged=3,
        waiting=("a",),
        damaged=tuple(f"d{n}" for n in range(7)),
        unreadable=(("e\x1b[31m", "Permission denied"),),
    )
    assert sentences(summary, "data\n/lake").splitlines() == [
        "9 captures: 0 streams, 0 events, 0 chunk rows",
        r"0.0 kB in 0.00 s, into data\n/lake",
        "3 sources unchanged",
        "1 copy of what the dataset has already: not counted again",
        "2 rejects: bytes that are no event, see `ssetl report rejects`",
        "1 source still being written, left for later:",
        "  a",
        "7 sources damaged, read as far as possible:",
        *(f"  d{n}" for n in range(5)),
        "  and 2 more",
        "1 source not readable:",
        r"  e\x1b[31m (Permission denied)",
    ]


def test_a_bar_is_for_terminals() -> None:
    with progress_bar(io.StringIO()) as progress:
        assert progress is None

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, threads = Screen(), threading.active_count()
    with progress_bar(screen) as progress:
        assert progress is not None
        progress(1_000_000, 2_000_000)
        assert threading.active_count() == threads  # else this process could not be copied
    assert "1.0/2.0 MB" in screen.getvalue()
