"""A raw file on both paths, the ordinary one and the fast one."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa
import pytest

from reading import CAPTURE_ID
from ssetl import schema, tables
from ssetl.captures.exchange import Exchange, Piece, Read
from ssetl.fast import path
from ssetl.interleaved import read_interleaved
from ssetl.stream import Stream
from ssetl.streams import Capture, Flat


def blocks(source: random.Random, data: bytes) -> list[bytes]:
    """A file in the pieces in which it is read: of one size, tiny ones included, or of any."""
    size = source.choice(
        (100, 1_000, 3_000, 3_000, 3_000, 9_000, 9_000, 9_000, 9_000, 30_000, len(data) or 1)
    )
    sizes = [size] * (len(data) // size + 1)
    if source.randrange(2):
        sizes = [1 + source.randrange(2 * size) for _ in sizes]
    borders = [*accumulate(sizes, initial=0), len(data)]
    pieces = [data[start:end] for start, end in pairwise(borders)]
    return [piece for piece in pieces if piece]


def read(
    reader: Callable[[Capture, Exchange], Any], pieces: Sequence[bytes | Piece], *, ndjson: bool = False
) -> Capture:
    """What a raw file, or a log, in these pieces becomes on one of the paths."""
    capture = Capture(CAPTURE_ID)
    body = [Read(piece) if isinstance(piece, bytes) else piece for piece in pieces]
    for _ in reader(capture, Exchange(body, single=False, ndjson=ndjson)):
        pass
    return capture


def chunks(capture: Capture) -> pa.Table:
    """The rows of `chunks`."""
    batches = [*capture.batches, tables.chunks([(capture.capture_id, capture.placed)])]
    return pa.Table.from_batches([batch.cast(schema.CHUNKS) for batch in batches], schema.CHUNKS)


def streams(capture: Capture) -> pa.Table:
    """The rows of `streams`, in the order in which the streams began."""
    batches = [*capture.stream_batches, tables.streams(capture.streams, capture.lived)]
    return pa.Table.from_batches(batches).sort_by("ordinal")


def assert_same(data: bytes, pieces: Sequence[bytes], *, ndjson: bool = False) -> None:
    """Both paths give the same: the ordinary one of the whole file, the fast one of its pieces."""
    slow, fast = (
        read(read_interleaved, [data], ndjson=ndjson),
        read(path.read_interleaved, pieces, ndjson=ndjson),
    )
    assert_equal(fast, slow)
    assert Counter(fast.tally).total() == len(data)


def assert_most_are_counted(pieces: Sequence[bytes | Piece]) -> Capture:
    """Both paths give the same, and the fast one places few events one by one; what it gives."""
    slow = read(read_interleaved, pieces)
    singly = 0
    original = Capture.place

    def place(capture: Capture, stream: Stream, flat: Flat) -> None:
        nonlocal singly
        singly += capture.capture_id == CAPTURE_ID  # and not what is made to learn from
        original(capture, stream, flat)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Capture, "place", place)
        fast = read(path.read_interleaved, pieces)
    assert_equal(fast, slow)
    assert singly < fast.counts["events"] / 2
    return fast


def assert_equal(fast: Capture, slow: Capture) -> None:
    """Two captures hold the same; streams may have been closed in another order."""
    assert fast.rejects == slow.rejects
    assert streams(fast).equals(streams(slow))
    assert +fast.counts == +slow.counts
    assert +fast.tally == +slow.tally
    assert fast.closed_bytes == slow.closed_bytes
    found, expected = chunks(fast), chunks(slow)
    if not found.equals(expected):
        assert found.to_pylist() == expected.to_pylist()
