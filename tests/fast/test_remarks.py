"""Keep-alives between events are in nobody's way, and each is told of by the event behind it."""

import random
import re

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

import rawfiles
from bothpaths import assert_same, blocks, chunks, read
from rawfiles import raw_file
from ssetl.fast import path
from ssetl.fast.block import Block
from ssetl.fast.remarks import without_remarks

KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"
REMARKS = (KEEP_ALIVE, b":\n\n", b": a\n: b\n\n", b": x\r\n\r\n", b": \n\n\n")
OTHERS = (
    b": x\n",
    b": t 2025-04-21T03:21:59Z\n",
    b": request 2025-04-21T03:21:59Z GET /\n\n",
    b": x\nevent: y\n\n",
)


pytestmark = pytest.mark.usefixtures("any_block_is_large_enough")


def remarked(source: random.Random, file: bytes, remarks: list[bytes], share: float) -> bytes:
    """A file with comments between its events."""
    events = re.split(rb"(?<=\n\n)", file)
    return b"".join(
        piece
        for event in events
        for piece in ((source.choice(remarks), event) if source.random() < share else (event,))
    )


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 40), st.sampled_from([0.01, 0.05, 0.3, 1]))
@example(1073350487039, 0.3)
@example(388000451995, 0.3)
@example(510584005487, 0.3)
def test_both_paths_give_the_same(number: int, share: float) -> None:
    source = random.Random(number)
    file, ndjson = raw_file(source)
    remarks = source.sample(REMARKS, source.choice((1, 1, 2)))
    if source.randrange(5) == 0:
        remarks.append(source.choice(OTHERS))
    file = remarked(source, file, remarks, share)
    assert_same(file, blocks(source, file), ndjson=ndjson)


def test_streams_with_keep_alives_are_taken_as_a_whole() -> None:
    source = random.Random(0)
    streams = rawfiles.streams("plain", source, 24)
    file = b"".join(KEEP_ALIVE * 2 + "".join(events).encode() for events in streams)
    assert_same(file, [file])
    capture = read(path.read_interleaved, [file])
    assert sum(len(some["stream_id"]) for some in capture.lived) > 16
    told = chunks(capture).select(["event_index", "comments_before"]).to_pylist()
    assert all(row["comments_before"] == (2 if row["event_index"] == 0 else 0) for row in told)


@pytest.mark.parametrize(
    ("file", "begins", "units", "comments"),
    [
        (KEEP_ALIVE + b"data: 1\n\ndata: 2\n\n", True, 2, [1, 0, 0]),
        (KEEP_ALIVE + b"data: 1\n\ndata: 2\n\n", False, 3, None),
        (b"data: 1\n\n" + KEEP_ALIVE * 2 + b"data: 2\n\n" + KEEP_ALIVE, True, 2, [0, 2, 1]),
        (b"data: 1\n\n" + KEEP_ALIVE * 2 + b"data: 2\n\n" + KEEP_ALIVE, False, 4, [0, 0, 0, 0, 1]),
        (b"data: 1\n\ndata: 2\n\n: cut", True, 3, None),
        (b"data: 1\n\n: a\n: b\n\ndata: 2\n\n", True, 2, [0, 2, 0]),
        (b"data: 1\n\n: a\nevent: b\n\ndata: 2\n\n", True, 3, None),
        (KEEP_ALIVE * 3, True, 3, None),
    ],
)
def test_what_is_left_out(file: bytes, begins: bool, units: int, comments: list[int] | None) -> None:
    block, tally = without_remarks(Block(file), begins=begins)
    assert len(block.starts) == units
    assert (None if block.comments is None else block.comments.tolist()) == comments
    left = b"".join(map(block.unit, range(units)))
    assert tally.total() == len(file) - len(left)


EVENT = (
    b'data: {"id":"a","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"A"}}]}\n\n'
)


@pytest.mark.parametrize("remark", [b": k\n\n", b":\n\n", b":k\n\n", b": t 2025-04-21T03:21:59.483112Z\n"])
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"{\n\n", b'"a":1}\n\n'),
        (b'{\n"error":{"message":"x"}\n\n', b"}\n"),
        (b"[\n\n", b"]\n\n"),
        (b"INFO\n\n", b"INFO\n\n"),
        (b"event: a\n\n", b"data: {}\n\n"),
    ],
)
def test_what_is_open_before_a_comment(remark: bytes, before: bytes, behind: bytes) -> None:
    file = EVENT * 20 + before + remark + behind + EVENT * 20
    assert_same(file, [file])
    place = len(EVENT) * 20 + len(before)
    assert_same(file, [file[:place], file[place:]])


@pytest.mark.parametrize("remark", [b": k\n\n", b":\n\n", b":k\n\n"])
def test_a_block_that_begins_within_a_line(remark: bytes) -> None:
    begun, rest = EVENT + b'{\n"a": "', b'data: x",\n\n' + remark + b'"b": 1}\n\n' + EVENT * 4
    assert_same(begun + rest, [begun, rest])
