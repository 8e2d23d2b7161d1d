"""Comments that tell times are in nobody's way, and both paths know the same of them."""

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rawfiles
from bothpaths import assert_equal, assert_most_are_counted, assert_same, blocks, chunks, read
from rawfiles import raw_file
from ssetl import interleaved
from ssetl.fast import small
from ssetl.fast.block import Block
from ssetl.fast.stamps import without_stamps
from ssetl.fast.templates import shared_templates
from stamping import STAMP, Habits, timed_streams

KEEP_ALIVE = b": keep-alive\n\n"
pytestmark = pytest.mark.usefixtures("any_block_is_large_enough")


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 40))
def test_both_paths_give_the_same(number: int) -> None:
    source = random.Random(number)
    file, ndjson = raw_file(source)
    file = Habits(source).told(file)
    assert_same(file, blocks(source, file), ndjson=ndjson)


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 40))
def test_whole_streams_are_the_same(number: int) -> None:
    source = random.Random(number)
    file = b"".join(timed_streams(source))
    size = len(file) // source.choice((1, 1, 2, 5)) + 1
    assert_same(file, [file[start : start + size] for start in range(0, len(file), size)])


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 40))
def test_small_captures_are_the_same(number: int) -> None:
    source = random.Random(number)
    files = [Habits(source).told(raw_file(source)[0]) for _ in range(2)]
    templates = shared_templates()
    for file in files:
        slow = read(interleaved.read_interleaved, [file])
        fast = read(lambda capture, exchange: small.read_small(capture, exchange, templates), [file])
        assert_equal(fast, slow)


SHAPES = ("plain", "obfuscated", "tool_calls", "responses", "messages", "usage_every_chunk", "interleaved")


@pytest.mark.parametrize("shape", SHAPES)
def test_most_events_are_counted_with_their_times(shape: str) -> None:
    events = [event.encode() for each in rawfiles.streams(shape, random.Random(shape), 24) for event in each]
    file = b"".join(STAMP % (0, n // 100, n % 100 * 7000) + b"\n" + event for n, event in enumerate(events))
    capture = assert_most_are_counted([file])
    assert all(row["received_at"] for row in chunks(capture).to_pylist())


EVENT = b"event: x\ndata: " + b"1" * 80 + b"\n\n"
FIRST, SECOND = STAMP % (0, 1, 5) + b"\n", STAMP % (0, 2, 6) + b"\n"


@pytest.mark.parametrize(
    ("data", "begins", "times"),
    [
        (FIRST + EVENT + SECOND + EVENT, True, [1_000_005, 2_000_006]),
        (FIRST + EVENT + SECOND + EVENT, False, [None, 2_000_006]),
        (EVENT + SECOND + EVENT, True, [None, 2_000_006]),
        (FIRST + b"\n" + EVENT, True, None),
        (FIRST + KEEP_ALIVE + EVENT, True, None),
        (FIRST + SECOND + EVENT, True, None),
        (b": t now" + b" " * 20 + b"\n" + EVENT, True, None),
        (b": t 2025-13-21T03:00:00.000000Z\n" + EVENT + FIRST + EVENT, True, [None, 1_000_005]),
    ],
)
def test_what_is_left_out(data: bytes, begins: bool, times: list[int | None] | None) -> None:
    start = 1_745_204_400_000_000
    block, sizes = without_stamps(Block(data), begins=begins)
    told = None if block.times is None else [at - start if at > 0 else None for at in block.times.tolist()]
    assert told == times
    left = b"".join(map(block.unit, range(len(block.starts))))
    assert sizes.sum() == len(data) - len(left)
