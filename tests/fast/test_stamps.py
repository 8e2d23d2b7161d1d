"""Comments that tell times are in nobody's way, and both paths know the same of them."""

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rawfiles
from bothpaths import assert_equal, assert_most_are_counted, assert_same, blocks, chunks, read
from rawfiles import raw_file
from reading import CAPTURE_ID
from ssetl import interleaved
from ssetl.captures.exchange import Exchange, Read
from ssetl.fast import small
from ssetl.fast.block import Block
from ssetl.fast.stamps import without_stamps
from ssetl.fast.templates import shared_templates
from ssetl.streams import Capture
from stamping import STAMP, Habits, clean, instant, timed_streams

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


OLLAMA = 'data: {"model":"m","created_at":"2025-04-21T03:21:%02dZ","message":{"content":"%s"},"done":%s}\n\n'


def timed(shape: str, change: Callable[[bytes], bytes] = lambda file: file) -> bytes:
    """Streams with requests and times, all of which are whole; a change is made to one in four."""
    files = []
    for n, events in enumerate(rawfiles.streams(shape, random.Random(shape), 24)):
        file = clean("".join(events).encode(), asks=True)
        files.append(change(file) if n % 4 == 2 else file)
    return b"".join(files)


def _late(file: bytes) -> bytes:
    return re.sub(rb": request \S+ ", b": request 2025-04-21T03:59:59Z ", file)


def _between(file: bytes) -> bytes:
    return file.replace(b"\n\n", b"\n\n: request 2025-04-21T03:00:00Z POST /v1\n", 2)


def _behind_open_json(file: bytes) -> bytes:
    return b'{"a":\n\n' + file


def _behind_remark(file: bytes) -> bytes:
    return KEEP_ALIVE + file


def _remark_inside(file: bytes) -> bytes:
    return file.replace(b"\n: t", b"\n: keep-alive\n\n: t", 3)


def _with_crlf(file: bytes) -> bytes:
    return file.replace(b"\n", b"\r\n")


def _unstamped(file: bytes) -> bytes:
    return re.sub(rb": t \S+\n", b"", file, count=1)


def _partly_stamped(file: bytes) -> bytes:
    return re.sub(rb"(?<=\n\n): t \S+\n", b"", file)


def _requested_only(file: bytes) -> bytes:
    return re.sub(rb": t \S+\n", b"", file)


def _back(file: bytes) -> bytes:
    times = re.findall(rb": t (\S+)\n", file)
    return file.replace(times[-1], times[0])


def _twice(file: bytes) -> bytes:
    return b": request 2025-04-21T02:59:00Z GET /v1/models\n" + file


CHANGES = (
    _late,
    _between,
    _behind_open_json,
    _behind_remark,
    _remark_inside,
    _with_crlf,
    _unstamped,
    _partly_stamped,
    _requested_only,
    _back,
    _twice,
)


@pytest.mark.parametrize("shape", ["plain", "messages", "responses", "gemini"])
@pytest.mark.parametrize("change", CHANGES)
def test_streams_that_are_otherwise(change: Callable[[bytes], bytes], shape: str) -> None:
    file = timed(shape, change)
    size = len(file) // 3 + 1
    assert_same(file, [file[start : start + size] for start in range(0, len(file), size)])
    assert_same(file, [file])


def test_odd_comments_before_the_first_stamp_do_not_hide_it() -> None:
    file = b": a\n\n" * 20 + timed("plain")
    block, _ = without_stamps(Block(file), begins=True)
    assert block.times is not None
    assert_same(file, [file])


def test_a_servers_clock_tells_nothing_where_arrivals_are_known() -> None:
    events = [OLLAMA % (30 - n % 4, "a" * (n % 4 < 3), "true" if n % 4 == 3 else "false") for n in range(120)]
    file = b"".join(b": t" + instant(n * 7000) + b"\n" + event.encode() for n, event in enumerate(events))
    assert_same(file, [file])


def test_a_stream_that_has_ended_is_closed_behind_a_request() -> None:
    file = timed("messages")
    capture = Capture(CAPTURE_ID)
    for _ in interleaved.read_interleaved(capture, Exchange([Read(file)], single=False)):
        assert len(capture.streams) == 23  # and not only where the file ends
