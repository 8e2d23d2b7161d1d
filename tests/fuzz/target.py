"""What fuzzers feed: bytes through the whole path of a datum; what must hold of any bytes is checked."""

from io import BytesIO

import pyarrow as pa

from ssetl import ids, privacy, tables
from ssetl.apis import by_name
from ssetl.apis.row import restore
from ssetl.captures.container import Reader
from ssetl.captures.exchange import Leftover
from ssetl.captures.recognise import open_capture
from ssetl.interleaved import read_interleaved
from ssetl.lines import MAX_SAMPLE
from ssetl.privacy import Policy
from ssetl.response import read_response
from ssetl.streams import Capture

CAPTURE_ID = ids.capture_id("00" * 32, 0)
RAW = frozenset({"sse", "ndjson"})
POLICIES = (privacy.KEEP, Policy("hash", bytes(privacy.KEY_BYTES)), Policy("drop"))


class Pieces:
    """A reader that gives few bytes at a time: of sizes 1 and 2, then twice as many, and again from 1."""

    def __init__(self, data: bytes) -> None:
        self._rest = BytesIO(data)
        self._size = 1

    def read(self, size: int, /) -> bytes:
        self._size = self._size * 2 % 8191
        return self._rest.read(min(size, self._size))


def read(reader: Reader) -> Capture:
    """All that a capture holds."""
    capture = Capture(CAPTURE_ID)
    opened = open_capture(reader)
    capture.container = opened.container
    for found in opened.exchanges:
        if isinstance(found, Leftover):
            capture.leave(found)
        else:
            for _ in (read_response if found.single else read_interleaved)(capture, found):
                pass
    return capture


def check(data: bytes) -> Capture:
    """Read `data`; raises whatever is wrong with how it was read."""
    capture = read(BytesIO(data))
    _check_counts(capture, len(data))
    _check_rows(capture)
    again = read(Pieces(data))
    for name in ("container", "placed", "streams", "rejects", "tally", "counts", "closed_bytes"):
        assert getattr(again, name) == getattr(capture, name), f"{name} differs where reads differ"
    return capture


def _check_counts(capture: Capture, size: int) -> None:
    assert capture.counts["rejects"] == len(capture.rejects)
    assert capture.counts["events"] == len(capture.placed)
    assert capture.counts["streams"] == len(capture.streams)
    assert 0 <= capture.closed_bytes <= capture.tally.total()
    assert all(count >= 0 for count in capture.tally.values())
    if capture.container in RAW:
        assert capture.tally.total() == size, "a byte was counted twice, or not at all"
    for reject in capture.rejects:
        assert reject.reason
        assert reject.byte_offset >= 0
        assert reject.length >= 0
        assert len(reject.sample or b"") <= MAX_SAMPLE


def _check_rows(capture: Capture) -> None:
    for placed in capture.placed:
        restore(by_name(placed.api), placed.rows)
    rows = {
        "chunks": tables.chunks([(CAPTURE_ID, capture.placed)]),
        "streams": tables.streams(capture.streams),
        "rejects": tables.rejects([(CAPTURE_ID, capture.rejects)]),
    }
    for table, batch in rows.items():
        batch.validate(full=True)
        for policy in POLICIES:
            screened = privacy.screened(table, pa.Table.from_batches([batch]), policy)
            screened.validate(full=True)
            assert screened.schema == batch.schema
            assert screened.num_rows == batch.num_rows
    tables.by_start([rows["streams"]])
