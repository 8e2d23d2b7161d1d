"""Names of events in files without blank lines: each is of one unit with its data, and outlives it."""

import random
import re

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rawfiles
from bothpaths import assert_equal, assert_most_are_counted, assert_same, blocks, read
from rawfiles import raw_file
from reading import finish, text
from ssetl import interleaved
from ssetl.captures.exchange import Piece
from ssetl.fast import path
from ssetl.fast.block import Block
from ssetl.lines import Splitter

ODD = (
    b"event: ping\n",
    b"event: output\n",
    b"event:\n",
    b"event\n",
    b"id: 3\n",
    b"retry: 5\n",
    b"\n",
    b"\n\n",
    b": keep-alive\n",
    b"data: [DONE]\n",
    b"event: done\ndata: [DONE]\n",
    b'data: {"type": "ping"}\n',
    b'event: ping\ndata: {"type": "ping"}\n',
    b'event: output\ndata: {"type": "ping"}\n',
    b'event: error\ndata: {"error": {"message": "overloaded"}}\n',
    b'event: message_stop\ndata:{"type": "message_stop"}\n',
    b"event: message_stop\ndata: {\ndata: }\n",
    b'{"error": {"message": "overloaded"}}\n',
    b"INFO a line of the application\n",
)


pytestmark = pytest.mark.usefixtures("any_block_is_large_enough")


def without_blank_lines(source: random.Random, file: bytes) -> bytes:
    """A file without blank lines, and now and then something else between the events."""
    odd, some = source.choice((0, 0, 0.01, 0.1)), source.sample(ODD, source.choice((1, 2, 5)))
    losing = source.choice((0, 0, 0, 0.05))
    pieces = []
    for line in re.sub(rb"\n(?:\r?\n)+", b"\n", file).splitlines(keepends=True):
        if source.random() < odd:
            pieces.append(source.choice(some))
        if not (line.startswith(b"event:") and source.random() < losing):
            pieces.append(line)
    return b"".join(pieces)


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 40))
def test_both_paths_give_the_same(number: int) -> None:
    source = random.Random(number)
    if source.randrange(2):
        file, ndjson = raw_file(source)
    else:
        files = [each for shape in ("messages", "responses") for each in rawfiles.streams(shape, source, 6)]
        source.shuffle(files)
        file, ndjson = "".join(event for events in files for event in events).encode(), False
    file = without_blank_lines(source, file)
    assert_same(file, blocks(source, file), ndjson=ndjson)


@pytest.mark.parametrize("shape", ["messages", "responses", "terminated", "bare_messages"])
def test_most_events_are_counted(shape: str) -> None:
    files = rawfiles.streams(shape, random.Random(shape), 24)
    file = "".join(event for events in files for event in events).replace("\n\n", "\n").encode()
    assert_most_are_counted([file])


A, B = b'event: a\ndata: {"x": 1}\n', b'event: b\ndata: {"x": 2}\n'
PLAIN, DONE = b'data: {"x": 3}\n', b"data: [DONE]\n"


@pytest.mark.parametrize(
    ("data", "units", "alone"),
    [
        (A * 9, [A] * 9, list(range(8))),
        (PLAIN * 9, [PLAIN] * 9, list(range(8))),
        (A * 8 + PLAIN + B, [*[A] * 8, PLAIN, B], list(range(8))),
        (A * 8 + b"event: a\n", [*[A] * 8, b"event: a\n"], list(range(7))),
        (A * 8 + b"event: a\ndata: {", [*[A] * 8, b"event: a\ndata: {"], list(range(8))),
        (A * 8 + b"event: d\n" + DONE + B, [*[A] * 8, b"event: d\n", DONE, B], list(range(7))),
        (A * 8 + b": c\n" + B * 2, [*[A] * 8, b": c\n", B, B], [*range(7), 9]),
    ],
)
def test_a_name_and_its_data_are_one_unit(data: bytes, units: list[bytes], alone: list[int]) -> None:
    block = Block(data)
    assert [block.unit(n) for n in range(len(block.starts))] == units
    assert block.alone().tolist() == alone == [n for n in range(len(units)) if block.is_alone(n)]


def named(name: bytes, event: bytes, times: int = 1) -> bytes:
    return (name + event.replace(b"\n\n", b"\n")) * times


def stream(number: int, name: bytes = b"") -> bytes:
    """A stream, its terminator without a name."""
    events = [text("A", f"c{number}"), finish(f"c{number}")]
    return b"".join(named(name, event) for event in events) + b"data: [DONE]\n"


PING = b'data: {"type": "ping"}\n'
TEXT = text("A", "c")


def test_a_terminator_ends_a_name() -> None:
    """What is known of terminators may come from a block without names, or from another file."""
    pieces = [stream(1) * 2, stream(3, b"event: m\n") + PING]
    assert_same(b"".join(pieces), pieces)
    assert_same(b"".join(pieces), [b"".join(pieces)])


@pytest.mark.parametrize(
    "file",
    [
        named(b"event: a\n", TEXT, 3) + PING * 2 + named(b"event:\n", TEXT, 6) + PING * 2,
        named(b"event: a\n", TEXT, 12) + b"data: [DONE]\n" + named(b"", TEXT[6:], 9) + PING * 2,
    ],
)
def test_which_name_is_in_force(file: bytes) -> None:
    assert_same(file, [file])
    pieces: list[Piece] = list(Splitter().feed(file))
    slow, fast = read(interleaved.read_interleaved, pieces), read(path.read_interleaved, pieces)
    assert_equal(fast, slow)
