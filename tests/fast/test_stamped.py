"""Logs on both paths: lines with times of their own, and other lines between them."""

import random
from collections.abc import Callable
from itertools import groupby

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rawfiles
from bothpaths import assert_equal, assert_most_are_counted, chunks, read
from rawfiles import raw_file
from reading import DONE
from ssetl import interleaved
from ssetl.captures.exchange import Gap, Piece
from ssetl.fast import path, stamped
from ssetl.lines import Line, Lines, Splitter
from ssetl.streams import Capture
from ssetl.times import UNKNOWN

START = 1_760_000_000_000_000


pytestmark = pytest.mark.usefixtures("any_block_is_large_enough")


Clock = Callable[[random.Random, int | None], int | None]


def _steady(source: random.Random, before: int | None) -> int | None:
    return (before or START) + source.randrange(20_000)


def _stepping(source: random.Random, before: int | None) -> int | None:
    return (before or START) + source.randrange(20_000) - 500_000 * (source.randrange(40) == 0)


def _gappy(source: random.Random, before: int | None) -> int | None:
    return None if source.randrange(30) == 0 else _steady(source, before)


def _still(_source: random.Random, _before: int | None) -> int | None:
    return START


def _none(_source: random.Random, _before: int | None) -> int | None:
    return None


CLOCKS: tuple[Clock, ...] = (_steady, _steady, _steady, _stepping, _gappy, _still, _none)


def log(source: random.Random, file: bytes) -> list[Piece]:
    """A file as the lines of a log that has stamped them, with a prefix and lines of its own."""
    splitter = Splitter()
    clock, prefix = source.choice(CLOCKS), source.randrange(60)
    others, blanks = source.choice((0, 0, 0.02, 0.2)), source.choice((0, 0, 0.1))
    keeps_blank_lines = source.randrange(3) > 0
    pieces: list[Piece] = []
    offset, at, number = 0, None, 0
    for line in [*splitter.feed(file), *splitter.close()]:
        number += 1
        if source.random() < others:
            pieces.append(Gap(offset, 20, "log_line", b"INFO all is well", number))
            offset += 20
        if source.random() < blanks:
            pieces.append(Gap(offset, 7))
            offset += 7
        if not line.text and not keeps_blank_lines:
            continue
        at = clock(source, at)
        size = len(line.text) + prefix
        pieces.append(Line(line.text, offset, size, at, line.overlong))
        offset += size
    return together(pieces, source.choice((1, 1, 20, 1000)))


def together(pieces: list[Piece], most: int) -> list[Piece]:
    """The pieces, neighbouring lines as one, at most so many."""
    joined: list[Piece] = []
    for is_joinable, some in groupby(pieces, _is_joinable):
        lines = list(some)
        if not is_joinable or most == 1:
            joined += lines
            continue
        for first in range(0, len(lines), most):
            own = [line for line in lines[first : first + most] if isinstance(line, Line)]
            joined.append(
                Lines(
                    b"".join(line.text + b"\n" for line in own),
                    np.array([line.offset for line in own], np.int64),
                    np.array([line.size for line in own], np.int64),
                    np.array([UNKNOWN if line.received_at is None else line.received_at for line in own]),
                )
            )
    return joined


def _is_joinable(piece: Piece) -> bool:
    return (
        isinstance(piece, Line)
        and not piece.overlong
        and b"\r" not in piece.text
        and not piece.text.startswith(b"\xef\xbb\xbf")
    )


def assert_same(pieces: list[Piece], *, ndjson: bool = False) -> Capture:
    slow = read(interleaved.read_interleaved, pieces, ndjson=ndjson)
    fast = read(path.read_interleaved, pieces, ndjson=ndjson)
    assert_equal(fast, slow)
    return fast


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 32), st.sampled_from([50, 400, 1 << 16]))
def test_both_paths_give_the_same(number: int, most: int) -> None:
    source = random.Random(number)
    file, ndjson = raw_file(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stamped, "MOST", most)
        assert_same(log(source, file), ndjson=ndjson)


def lines(*texts: bytes, every: int = 10_000) -> list[Piece]:
    """Lines of a log whose prefix has 28 bytes."""
    pieces: list[Piece] = []
    offset = 0
    for number, text in enumerate(texts):
        pieces.append(Line(text, offset, len(text) + 28, START + every * number))
        offset += len(text) + 28
    return pieces


def texts(shape: str, count: int = 8, *, blank_lines: bool = False) -> list[bytes]:
    """The lines of some streams."""
    files = rawfiles.streams(shape, random.Random(shape), count)
    file = "".join(event for events in files for event in events).encode()
    return [line for line in file.split(b"\n")[:-1] if line or blank_lines]


NAMED = ("responses", "messages")  # their events have names
SHAPES = ("plain", "obfuscated", "tool_calls", "responses", "messages", "usage_every_chunk", "interleaved")


@pytest.mark.parametrize(
    ("shape", "blank_lines"),
    # Without blank lines an event with a name is not all in one unit.
    [(shape, blank) for shape in SHAPES for blank in (False, True) if blank or shape not in NAMED],
)
def test_most_events_are_counted_with_their_times(shape: str, blank_lines: bool) -> None:
    capture = assert_most_are_counted(lines(*texts(shape, 24, blank_lines=blank_lines)))
    assert all(row["received_at"] for row in chunks(capture).to_pylist())


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"INFO a line of the application",
        b": keep-alive",
        b"event: ping",
        b"data: [DONE]",
        b" data: [DONE]",
        b"data:",
        b"data",
        b"  ",
        b'error: {"message": "overloaded"}',
        b'{"error": {"message": "overloaded"}}',
        b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"a\rb"}}]}',
        b"\xef\xbb\xbfdata: [DONE]",
    ],
)
@pytest.mark.parametrize("blank_lines", [False, True])
def test_a_line_among_others(odd: bytes, blank_lines: bool) -> None:
    for shape in ("plain", "messages"):
        before = texts(shape, blank_lines=blank_lines)
        for place in range(len(before) - 60, len(before), 7):
            assert_same(lines(*before[:place], odd, *before[place:]))


def test_lines_that_came_apart() -> None:
    """The place of an event is that of its line, however far the lines lie from each other."""
    spread = [
        msgspec.structs.replace(piece, offset=piece.offset * 3)
        for piece in lines(*texts("messages", blank_lines=True))
    ]
    assert_same(list(spread))


def test_other_lines_end_an_event() -> None:
    pieces = lines(*texts("plain"))
    for place in (5, 50, 51, 120):
        gap = Gap(pieces[place].offset, 9, "log_line", b"INFO", place)
        assert_same([*pieces[:place], gap, *pieces[place:]])


def test_what_is_no_whole_line_is_no_event() -> None:
    for blank_lines in (False, True):
        before = lines(*texts("plain", blank_lines=blank_lines))
        place = next(n for n in range(100, 200) if getattr(before[n], "text", b"").startswith(b"data: {"))
        line = before[place]
        assert isinstance(line, Line)
        for odd in (
            msgspec.structs.replace(line, overlong=True),
            msgspec.structs.replace(line, text=b"data: [DONE]", overlong=True),
            msgspec.structs.replace(line, text=b"\xef\xbb\xbf" + line.text),
            msgspec.structs.replace(line, text=line.text.replace(b"a", b"\r", 1)),
        ):
            assert_same([*before[:place], odd, *before[place + 1 :]])


def test_an_event_of_two_lines_is_read_by_itself() -> None:
    """Its place and its time are those of both."""
    whole = texts("plain", blank_lines=True)
    split = [
        part
        for line in whole
        for part in ([line[:-1], b"data: }"] if line.startswith(b"data: {") else [line])
    ]
    assert_same(lines(*split))


LASTS = (b"data: [DONE]", b'data: {"type":"message_stop"')


@pytest.mark.parametrize("blank_lines", [False, True])
@pytest.mark.parametrize("shape", ["plain", "messages"])
def test_times_may_be_missing_anywhere(shape: str, blank_lines: bool) -> None:
    pieces = lines(*texts(shape, 24, blank_lines=blank_lines))
    ends = [n for n, piece in enumerate(pieces) if getattr(piece, "text", b"").startswith(LASTS)]
    for place in (0, 1, 7, len(pieces) - 1, *ends[:2], *(end - 1 for end in ends[:2])):
        changed = list(pieces)
        changed[place] = msgspec.structs.replace(changed[place], received_at=None)
        assert_same(changed)


@pytest.mark.parametrize("before", [b"event: done\n", b"data:\n", b" \n"])
def test_terminators_of_several_lines(before: bytes) -> None:
    """Their place and their time are those of the line that says so; behind them the log may just end."""
    file = b"\n".join(texts("plain", 24, blank_lines=True)) + b"\n"
    whole = file.replace(DONE[:-1], before + DONE[:-1]).split(b"\n")[:-1]
    for rest in ([], [b"-"], [b"data"]):
        assert_same(lines(*whole, *rest))
