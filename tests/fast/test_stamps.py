"""Comments that tell times are in nobody's way, and both paths know the same of them."""

import random
import re

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

KEEP_ALIVE = b": keep-alive\n\n"
STAMP = b": t 2025-04-21T03:%02d:%02d.%06dZ"
ODD = (
    b": t\n",
    b": t now\n",
    b": t 2025-13-21T03:21:59Z\n",
    b": t 2025-04-21T03:21:59Z\n",
    b": t 2025-04-21T03:21:59+02:00\n",
    b": t 2025-04-21T03:21:59\n",
    b":t 2025-04-21T03:21:59Z\n",
    b": t  2025-04-21T03:21:59.5Z \n",
    b": t 2025-04-21T03:21:59.500Z\r\n",
    b": t 2025-04-21T03:21:59.5Z\n\n",
    b": t 2025-04-21T03:21:59.5Z\n: t 2025-04-21T03:22:00.5Z\n",
    b": t 2025-04-21T03:21:59.5Z\n: keep-alive\n",
    b": keep-alive\n: t 2025-04-21T03:21:59.5Z\n",
    b": keep-alive\n\n",
    b": request 2025-04-21T03:21:58Z POST /v1/chat/completions\n",
    b": request 2025-04-21T03:21:58Z POST /v1/chat/completions\n: t 2025-04-21T03:21:59.5Z\n",
    b": request 2025-04-21T03:21:58Z POST /v1/chat/completions\n\n",
    b"data: {\n\n",
)


pytestmark = pytest.mark.usefixtures("any_block_is_large_enough")


def stamped(source: random.Random, file: bytes) -> bytes:
    """A file with the times of its events, and now and then something else."""
    share, odd = source.choice((1, 1, 1, 0.9, 0.3)), source.choice((0, 0, 0.01, 0.1))
    some = source.sample(ODD, source.choice((1, 2, 5)))
    back = source.choice((0, 0, 0.02))
    at, pieces = 0, []
    for event in re.split(rb"(?<=\n\n)", file):
        at = max(at + source.randrange(40_000) - 500_000 * (source.random() < back), 0)
        if source.random() < odd:
            pieces.append(source.choice(some))
        if source.random() < share:
            pieces.append(STAMP % (at // 60_000_000 % 60, at // 1_000_000 % 60, at % 1_000_000) + b"\n")
        pieces.append(event)
    return b"".join(pieces)


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 40))
def test_both_paths_give_the_same(number: int) -> None:
    source = random.Random(number)
    file, ndjson = raw_file(source)
    file = stamped(source, file)
    assert_same(file, blocks(source, file), ndjson=ndjson)


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 40))
def test_small_captures_are_the_same(number: int) -> None:
    source = random.Random(number)
    files = [stamped(source, raw_file(source)[0]) for _ in range(2)]
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
    block, tally = without_stamps(Block(data), begins=begins)
    told = None if block.times is None else [at - start if at > 0 else None for at in block.times.tolist()]
    assert told == times
    left = b"".join(map(block.unit, range(len(block.starts))))
    assert tally.total() == len(data) - len(left)
