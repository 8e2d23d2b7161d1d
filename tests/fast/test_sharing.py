"""A file that two processes read becomes what one makes of it, wherever it is cut and whatever goes wrong."""

import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rawfiles
from bothpaths import assert_equal, read
from platforms import NEEDS_COPIES
from rawfiles import raw_file
from reading import CAPTURE_ID, DONE, chunk, data, finish, role, text
from ssetl.captures.exchange import Exchange, Read
from ssetl.fast import helper, path, sharing
from ssetl.fast import reading as fast_reading
from ssetl.fast.helper import Segment
from ssetl.fast.templates import Templates
from ssetl.interleaved import read_interleaved
from ssetl.streams import Capture
from stamping import clean, timed_streams


class Bytes:
    """A file in memory, as a source."""

    def __init__(self, file: bytes) -> None:
        self.file = file
        self.size = len(file)
        self.descriptor = -1

    def at(self, offset: int, size: int) -> bytes:
        return self.file[offset : offset + size]

    def reads(self, start: int, end: int) -> Iterator[Read]:
        for first in range(start, end, 5000):
            yield Read(self.file[first : min(first + 5000, end)])

    def passed(self, size: int) -> None: ...


class Inline:
    """In the place of a helper: reads in this process when the segment is fetched."""

    given = 0

    def __init__(self, read: Callable[[int, int], Segment | None], _source: int) -> None:
        self.read = read
        self.asked: list[tuple[int, int]] = []

    def ask(self, start: int, end: int) -> bool:
        self.asked.append((start, end))
        return True

    def fetch(self) -> Segment | None:
        segment = self.read(*self.asked.pop(0))
        Inline.given += segment is not None
        return segment

    def __enter__(self) -> "Inline":
        return self

    def __exit__(self, *_: object) -> None: ...


@pytest.fixture(autouse=True, scope="module")
def small_files_are_shared() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_reading, "MIN_BLOCK", 0)
        patch.setattr(sharing, "FIRST", 10_000)
        patch.setattr(sharing, "WINDOW", 9999)
        patch.setattr(sharing, "SEGMENT", 10_000)
        patch.setattr(sharing, "Helper", Inline)
        patch.setattr(sharing, "is_worth_it", lambda _size: True)
        yield


def shared(file: bytes, *, ndjson: bool = False) -> tuple[Capture, int]:
    """What a file becomes, and how many of its segments were taken over."""
    Inline.given = 0
    capture = Capture(CAPTURE_ID)
    for _ in path.read_interleaved(capture, Exchange([], single=False, ndjson=ndjson), None, Bytes(file)):
        pass
    return capture, Inline.given


def body(shape: str, count: int = 120) -> bytes:
    return "".join(
        event for events in rawfiles.streams(shape, random.Random(shape), count, 6) for event in events
    ).encode()


# A file is chosen by a number: it has thousands of choices, and no smaller number gives a smaller file.
@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 32))
def test_two_make_of_a_file_what_one_does(number: int) -> None:
    file, ndjson = raw_file(random.Random(number))
    assert_equal(shared(file, ndjson=ndjson)[0], read(read_interleaved, [file], ndjson=ndjson))


@pytest.mark.parametrize("shape", ["plain", "obfuscated", "responses", "messages", "escaped", "tool_calls"])
def test_segments_are_taken_over(shape: str) -> None:
    file = body(shape)
    capture, given = shared(file)
    assert given > 2
    assert_equal(capture, read(read_interleaved, [file]))


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 32))
def test_two_make_of_a_file_with_times_what_one_does(number: int) -> None:
    source = random.Random(number)
    file = b"".join(event for _ in range(8) for event in timed_streams(source))
    assert_equal(shared(file)[0], read(read_interleaved, [file]))


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("shape", ["plain", "obfuscated", "responses", "messages", "bare_messages"])
def test_segments_with_times_are_taken_over(shape: str, asks: bool) -> None:
    capture, given = shared(file := clean(body(shape), asks=asks))
    assert given > 2
    assert_equal(capture, read(read_interleaved, [file]))


def test_what_is_rejected_is_of_the_exchange_around_it() -> None:
    streams = rawfiles.streams("plain", random.Random(0), 120, 6)
    files = [clean("".join(events).encode(), asks=True) for events in streams]
    file = b"".join(each + b"data: {\n\n" * (n % 30 == 9) for n, each in enumerate(files))
    capture, given = shared(file)
    assert given > 2
    assert len(capture.rejects) == 4
    assert_equal(capture, read(read_interleaved, [file]))


def stream(name: str, words: int = 30) -> bytes:
    return role(name) + b"".join(text(f"{name} {n}", name) for n in range(words)) + finish(name) + DONE


LATE: dict[str, bytes] = {
    "a comment": b": keep-alive\n\n",
    "the time": b": t 2025-04-21T03:21:59.483112Z\n",
    "a request": b": request 2025-04-21T03:21:59.120000Z POST /v1/chat/completions\n\n",
    "an event type": b"event: message\n",
    "a second terminator": DONE,
    "an error": b'error: {"message":"overloaded"}\n\n',
    "rubbish": b"what is this\n\n",
    "bare JSON": b'{"error":{"message":"no"}}\n\n',
    "blank lines": b"\n\n\n",
    "an event of the stream before": text("late", "s20"),
    "an event without an id": data(chunk(None, {"content": "whose"})),
    "a stream that never ends": role("open") + text("and", "open"),
    "the same stream again": stream("s20"),
}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_what_stands_between_streams_stays_where_it_is(late: bytes) -> None:
    streams = [stream(f"s{n}") for n in range(40)]
    for n in (21, 22, 23, 24, 25, 26, 27):
        file = b"".join([*streams[:n], late, *streams[n:]])
        assert_equal(shared(file)[0], read(read_interleaved, [file]))
    file = late.join(streams)
    assert_equal(shared(file)[0], read(read_interleaved, [file]))


def test_places_and_lines_of_rejects_count_in_the_file() -> None:
    file = b"what is this\n\n".join(stream(f"a{n}") + stream(f"b{n}") + stream(f"c{n}") for n in range(40))
    capture, given = shared(file)
    assert given > 2
    lines = file.split(b"\n")
    assert [lines[reject.line - 1] for reject in capture.rejects] == [b"what is this"] * 39
    assert {file[each.byte_offset :][:12] for each in capture.rejects} == {b"what is this"}


def test_a_file_whose_streams_lie_in_each_other_is_not_shared() -> None:
    events = [stream(f"s{n}", 60).split(b"\n\n") for n in range(12)]
    file = b"".join(event + b"\n\n" for row in zip(*events, strict=True) for event in row if event)
    capture, given = shared(file)
    assert given == 0
    assert_equal(capture, read(read_interleaved, [file]))


COPIED = """
import os, sys
from ssetl import copies, writing
from ssetl.fast import helper, path, reading, sharing
writing.MAX_EACH = reading.MIN_BLOCK = 0
sharing.WORTH = sharing.FIRST = 10_000
sharing.WINDOW, sharing.SEGMENT = 9999, 10_000
{change}
taken = 0
take_over = sharing._take_over
def counting(*given):
    global taken
    taken += 1
    take_over(*given)
sharing._take_over = counting
copies.cores = lambda: 2
copies.claim()
from ssetl.cli import run
status = run(["ingest", sys.argv[1], "--dataset", sys.argv[2]])
print(taken, flush=True)
os._exit(status)
"""

CHANGES = {
    "nothing": ("", True),
    "the helper dies": (
        "read = sharing._segment\n"
        "def dying(reading, source, start, end):\n"
        "    if start > 70000: os.kill(os.getpid(), 9)\n"
        "    return read(reading, source, start, end)\n"
        "sharing._segment = dying",
        True,
    ),
    "the helper fails": ("def failing(*_): raise ValueError\nsharing._segment = failing", False),
    "nobody may be waited for": ("import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)", True),
    "there is no room for another process": (
        "def full(): raise BlockingIOError(11, 'no more processes')\nos.fork = full",
        False,
    ),
    "there is no memory that two can see": (
        "def full(_name): raise OSError(24, 'too many open files')\nos.memfd_create = full",
        False,
    ),
    "it may not be copied": ("copies.claim = lambda: None", False),
}


@NEEDS_COPIES
@pytest.mark.parametrize(("change", "helps"), CHANGES.values(), ids=CHANGES)
def test_a_copy_of_the_process_helps(change: str, helps: bool, tmp_path: Path) -> None:
    file = body("plain", 200)
    source, lake, alone = (str(tmp_path / name) for name in ("plain.sse", "lake", "alone"))
    Path(source).write_bytes(file)
    command = [sys.executable, "-c", COPIED.format(change=change), source, lake]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (int(done.stdout.split()[-1]) > 2) == helps
    subprocess.run([sys.executable, "-m", "ssetl", "ingest", source, "--dataset", alone], check=True)
    for table in ("captures", "streams", "chunks", "rejects"):
        assert rows(lake, table) == rows(alone, table)


def test_a_helper_writes_to_nothing_but_shared_memory(tmp_path: Path) -> None:
    file, descriptor = tmp_path / "file", tmp_path / "7"
    file.write_bytes(b"of a process that has the number of a parent that is gone")
    descriptor.symlink_to(file)
    with pytest.raises(ProcessLookupError):
        helper._sink(str(descriptor))
    assert file.stat().st_size


def rows(lake: str, table: str) -> list[dict[str, object]]:
    import pyarrow.dataset as ds

    found = ds.dataset(f"{lake}/{table}").to_table()
    return found.drop_columns([name for name in ("ingested_at",) if name in found.column_names]).to_pylist()


@pytest.mark.parametrize("unit", [DONE, DONE + b": request x\n\n", DONE + b": t x\n", b":\n"])
def test_few_places_to_cut_are_looked_at(unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0
    original = sharing.without_stamps

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal looks
        looks += 1
        return original(*given, **named)

    monkeypatch.setattr(sharing, "without_stamps", counted)
    templates = Templates(Exchange([]))
    templates.terminator = DONE
    window = unit * (100_000 // len(unit))
    assert sharing._cut(templates, Bytes(window), 0, len(window)) is None
    assert looks <= 16
