"""A helper: a copy of this process that reads segments of a file for it.

It knows from the start what has been learned. It gets its orders through a pipe, and gives each segment as
Arrow IPC in memory that both can see. It touches no dataset, and ends when its parent is done with it or is
gone; whatever happens to it, its parent can read the file alone.
"""

import mmap
import os
import signal
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec
import pyarrow as pa

from ssetl.copies import copy
from ssetl.fast.uniform import Uniform, completed, without
from ssetl.streams import Rejected

_ORDER: Final = struct.Struct("<QQQ")  # start, end, and the descriptor of the memory for the segment
_MEMORY: Final = "memfd:ssetl"  # how `/proc` calls such memory
_SIZE: Final = struct.Struct("<Q")  # bytes of an answer; none: the segment could not be read by itself


class Told(msgspec.Struct, frozen=True):
    """What a segment has become, but for its tables.

    Args:
        lines: its lines.
        filled: the byte behind the last one that is not blank.
        closed: the byte up to which no stream is left open.
        tally, counts: as of `streams.Capture`.
        rejects: what is nothing we know; lines count from the beginning of the segment.
    """

    lines: int
    filled: int
    closed: int
    tally: dict[str, int]
    counts: dict[str, int]
    rejects: list[Rejected]


class Segment(msgspec.Struct, frozen=True):
    """What a segment has become, read as if there were nothing before it.

    Args:
        told: all but its tables.
        chunks, streams: rows of these tables. The id of a stream is its number in the segment, as text;
            ordinals count in the segment.
    """

    told: Told
    chunks: list[pa.RecordBatch]
    streams: list[pa.RecordBatch]


Read = Callable[[int, int], Segment | None]
"""Reads the bytes between two places; None if that cannot be done without what stands around them."""


class Helper:
    """A process that reads segments, in the order in which it is asked for them. A context manager.

    Args:
        read: reads a segment, there.
        source: descriptor that it reads from.

    Raises:
        OSError: there is no room for another process, or for what is to be open.
    """

    def __init__(self, read: Read, source: int) -> None:
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        self._memory: list[int] = []  # of what it was asked for and has not been fetched
        parent = os.getpid()  # asked in the copy, it might be whoever has taken it over
        try:
            self._pid = copy(lambda: _serve(orders, answers, read, parent), {orders, answers, source})
        except OSError:
            self._close()
            raise
        finally:
            os.close(orders)
            os.close(answers)

    def ask(self, start: int, end: int) -> bool:
        """Have the bytes between two places read; False if there is no memory that both can see."""
        try:
            self._memory.append(os.memfd_create("ssetl"))
        except OSError:
            return False
        with suppress(BrokenPipeError):  # fetching tells
            os.write(self._orders, _ORDER.pack(start, end, self._memory[-1]))
        return True

    def fetch(self) -> Segment | None:
        """The segment that was asked for first; None if it is no segment, or the helper has died."""
        memory = self._memory.pop(0)
        try:
            size = self._answer(_SIZE.size)
            answer = self._answer(*_SIZE.unpack(size)) if size else b""
            return _fetched(answer, memory) if answer else None
        finally:
            os.close(memory)

    def _answer(self, size: int) -> bytes:
        """So many bytes; fewer if the helper has died."""
        data = b""
        while len(data) < size and (more := os.read(self._answers, size - len(data))):
            data += more
        return data if len(data) == size else b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        os.kill(self._pid, signal.SIGKILL)  # it may be in the middle of what nobody needs any more
        os.waitpid(self._pid, 0)

    def _close(self) -> None:
        for descriptor in (self._orders, self._answers, *self._memory):
            os.close(descriptor)


def _fetched(answer: bytes, memory: int) -> Segment:
    told, same, size = msgspec.msgpack.decode(answer, type=tuple[Told, Uniform, int])
    # Mapped and not read: the chunks are used where they are, and written away soon. Streams wait longer.
    chunks = mmap.mmap(memory, size, prot=mmap.PROT_READ)
    streams = os.pread(memory, os.fstat(memory).st_size - size, size)
    return Segment(told, [completed(batch, same) for batch in _batches(chunks)], _batches(streams))


def _batches(data: mmap.mmap | bytes) -> list[pa.RecordBatch]:
    return list(pa.ipc.open_stream(pa.py_buffer(data)))


def _put(batches: list[pa.RecordBatch], sink: pa.NativeFile) -> None:
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _sink(memory: str) -> pa.NativeFile:
    """The memory for a segment, by its path in `/proc`."""
    if not Path(memory).readlink().name.startswith(_MEMORY):  # of another process that has its number now
        raise ProcessLookupError(memory)
    return pa.OSFile(memory, "wb")


def _serve(orders: int, answers: int, read: Read, parent: int) -> None:
    """Read what is asked for until nobody asks any more."""
    with os.fdopen(answers, "wb") as sink:
        while len(order := os.read(orders, _ORDER.size)) == _ORDER.size:
            start, end, memory = _ORDER.unpack(order)
            segment = read(start, end)
            answer = b""
            if segment is not None:
                same, chunks = without(segment.chunks)
                with _sink(f"/proc/{parent}/fd/{memory}") as both:
                    _put(chunks, both)
                    size = both.tell()
                    _put(segment.streams, both)
                answer = msgspec.msgpack.encode((segment.told, same, size))
            sink.write(_SIZE.pack(len(answer)) + answer)
            sink.flush()
