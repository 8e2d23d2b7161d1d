"""Writing a part: its captures read from their sources, or its rows gathered from other parts.

What is written follows from the plan and the sources alone, so a part written twice is the same part. A
source that is not what was planned is found out before the part is whole, and nothing is written. Events are
written away as they come, so memory does not grow with a part.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any, Final, Self

import pyarrow as pa

from ssetl import ids, planner, privacy, schema, tables
from ssetl.captures import compression, raw
from ssetl.captures.compression import Limits
from ssetl.captures.container import Exchanges, Source
from ssetl.captures.exchange import Leftover, Read
from ssetl.captures.recognise import open_capture
from ssetl.dataset import Dataset
from ssetl.fast.bodies import Body
from ssetl.fast.many import MAX_EACH, TOGETHER, read_many
from ssetl.fast.path import read_interleaved
from ssetl.fast.small import MAX_SMALL, read_small
from ssetl.fast.templates import Templates, shared_templates
from ssetl.parts import MAX_SORTED, PartWriter
from ssetl.plan import Part, PlannedCapture
from ssetl.response import read_response
from ssetl.streams import Capture, Placed, Rejected
from ssetl.version import __version__

BATCH_EVENTS: Final = 8192
"""Events and rejects that are collected before they are written away as a batch of rows."""

BATCH_STREAMS: Final = 2048
"""Streams that are collected before they become a batch of rows."""

_CAPTURE_COUNTS: Final = ("exchanges", "skipped", "streams", "events", "chunks", "rejects")
_SUMMARY_COUNTS: Final = ("streams", "events", "chunks", "rejects")
_BYTE_COLUMNS: Final = {kind: f"{kind}_bytes" for kind in schema.BYTE_KINDS}


class SourceChanged(Exception):
    """A source is not what it was when it was planned."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


def write_part(dataset: Dataset, part: Part, progress: Callable[[int], None]) -> Counter[str]:
    """Read the captures of a part and make it whole; give the counts of `Summary`.

    Raises:
        SourceChanged: a source was changed or removed since it was planned; nothing is written.
        OSError: the dataset cannot be written.
    """
    if part.gathers:
        from ssetl.gathering import gather  # noqa: PLC0415 - few ingests do, and its library takes long to load

        gather(dataset, part)
        return Counter(parts=1)
    planned_us = dataset.plan_of(part).created_us
    counts: Counter[str] = Counter(parts=1)
    rows = []
    policy = privacy.policy_of(part.options, dataset.path)
    with PartWriter(dataset, part.name, policy=policy) as writer:
        collected = _Collected(writer)
        captures = (planned for planned in part.captures if not planned.forgotten)
        for planned, capture in _captures(captures, planned_us, collected, progress):
            row = _capture_row(planned, capture, planned_us)
            rows.append(row)
            counts["captures"] += 1
            counts["copies"] += row["copy_of"] is not None
            counts["bytes"] += planned.bytes
            if row["copy_of"] is None:
                for name in _SUMMARY_COUNTS:
                    counts[name] += capture.counts.get(name, 0)
        collected.flush()
        collected.flush_streams()
        writer.write("captures", tables.captures(rows))
        writer.commit()
    return counts


def closed_bytes(path: str, offset: int, length: int) -> int:
    """Of `length` bytes of a plain source from `offset` on, those up to which no stream is left open.

    Raises:
        OSError: the source cannot be read.
    """
    capture = Capture("")
    with compression.open_source(path) as reader:
        reader.seek_to(offset)
        exchanges = open_capture(_Bounded(reader, length)).exchanges
        for _ in _read(capture, exchanges, shared_templates(), small=False):
            capture.batches, capture.placed, capture.streams, capture.rejects = [], [], [], []
            capture.lived = []
    return capture.closed_bytes


def _captures(
    planned: Iterable[PlannedCapture],
    planned_us: int,
    collected: "_Collected",
    progress: Callable[[int], None],
) -> Iterator[tuple[PlannedCapture, Capture]]:
    """Read captures and collect their rows; give each when it has been read.

    Raw files of one response or a few wait until there are enough of them to be read together.
    """
    waiting: list[tuple[PlannedCapture, Body]] = []
    size = 0
    for each in planned:
        capture = Capture(each.capture_id)
        with _Range(each, progress) as reader:
            opened = open_capture(reader)
            capture.container = opened.container
            waits = capture.container in raw.CONTAINERS and _may_wait(each)
            if waits:
                waiting.append((each, Body(capture, raw.whole(opened.exchanges))))
                size += each.bytes
            if not waits or size >= TOGETHER:
                yield from _together(waiting, collected)
                waiting, size = [], 0
            if not waits:
                source = reader if reader.is_seekable and capture.container in raw.CONTAINERS else None
                _collect(each, capture, opened.exchanges, collected, source)
        if not planner.still_holds(each, planned_us=planned_us):
            raise SourceChanged(each.path)
        if not waits:
            yield each, capture
    yield from _together(waiting, collected)


def _may_wait(planned: PlannedCapture) -> bool:
    """Whether a capture may be read with others."""
    return planned.bytes <= MAX_EACH and planned.copy_of is None and planned.damage is None


def _together(
    waiting: Sequence[tuple[PlannedCapture, Body]], collected: "_Collected"
) -> Iterator[tuple[PlannedCapture, Capture]]:
    """Read captures whose bytes are there, as many of them together as can be."""
    taken = set[str]()
    for container, templates in collected.templates.items():
        some = [body for _, body in waiting if body.capture.container == container]
        are_taken = read_many(some, templates)
        taken.update(
            body.capture.capture_id for body, is_taken in zip(some, are_taken, strict=True) if is_taken
        )
    for planned, body in waiting:
        capture = body.capture
        if capture.capture_id in taken:
            collected.take(capture)
        else:
            _collect(planned, capture, raw.read(capture.container, BytesIO(body.data)), collected)
        yield planned, capture


def _collect(
    planned: PlannedCapture,
    capture: Capture,
    exchanges: Exchanges,
    collected: "_Collected",
    source: Source | None = None,
) -> None:
    """Read one capture and collect its rows, unless it is a copy with events."""
    small = planned.bytes <= MAX_SMALL
    templates = collected.templates.get(capture.container, collected.templates[raw.SSE])
    for _ in _read(capture, exchanges, templates, small=small, source=source):
        if planned.copy_of and capture.counts["events"]:
            return
        waiting = len(capture.placed) + len(capture.rejects) + len(capture.streams)
        if (capture.batches or waiting >= BATCH_EVENTS) and not planned.copy_of:
            collected.take(capture)
    if planned.damage:
        capture.leave(Leftover(planned.end, 0, planned.damage))
    collected.take(capture)


def _read(
    capture: Capture,
    exchanges: Exchanges,
    templates: Templates,
    *,
    small: bool,
    source: Source | None = None,
) -> Iterator[None]:
    """Read all exchanges.

    `small` tells whether it is a capture of at most `MAX_SMALL` bytes; `source` is where a raw one lies.
    """
    for found in exchanges:
        if isinstance(found, Leftover):
            capture.leave(found)
        elif found.single:
            yield from read_response(capture, found)
        elif small:
            yield from read_small(capture, found, templates)
        else:
            yield from read_interleaved(capture, found, templates, source)
        yield


class _Collected:
    """What captures have collected, until it makes a batch of rows: one for each tiny file costs more.

    Streams wait longer than the rest, to be sorted together.

    Attributes:
        templates: what is known of the events of raw files, by container.
    """

    def __init__(self, writer: PartWriter) -> None:
        self.templates = {container: shared_templates(container) for container in raw.CONTAINERS}
        self._writer = writer
        self._placed: list[tuple[str, list[Placed]]] = []
        self._rejects: list[tuple[str, list[Rejected]]] = []
        self._streams: list[dict[str, object]] = []
        self._lived: list[dict[str, list[Any]]] = []
        self._alike = 0  # streams in those
        self._waiting = 0
        self._sorted: list[pa.RecordBatch] = []

    def take(self, capture: Capture) -> None:
        """Take what a capture has collected; write it away if it is enough."""
        if capture.batches:
            self.flush()  # what came before them
            for batch in capture.batches:
                self._writer.write("chunks", batch)
        self._placed.append((capture.capture_id, capture.placed))
        self._rejects.append((capture.capture_id, capture.rejects))
        self._streams += capture.streams
        self._sorted += capture.stream_batches
        self._lived += capture.lived
        self._alike += sum(len(some["stream_id"]) for some in capture.lived)
        self._waiting += len(capture.placed) + len(capture.rejects) + len(capture.streams)
        capture.batches, capture.placed, capture.rejects = [], [], []
        capture.streams, capture.stream_batches, capture.lived = [], [], []
        if self._waiting >= BATCH_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Write away events and rejects, and streams if there are many."""
        self._writer.write("chunks", tables.chunks(self._placed))
        self._writer.write("rejects", tables.rejects(self._rejects))
        self._placed, self._rejects, self._waiting = [], [], 0
        if len(self._streams) + self._alike >= BATCH_STREAMS:
            self._batch_streams()
        if sum(batch.num_rows for batch in self._sorted) >= MAX_SORTED:
            self.flush_streams()

    def _batch_streams(self) -> None:
        self._sorted.append(tables.streams(self._streams, self._lived))
        self._streams, self._lived, self._alike = [], [], 0

    def flush_streams(self) -> None:
        """Write away the streams of all batches."""
        self._batch_streams()
        self._writer.write("streams", tables.by_start(self._sorted))
        self._sorted.clear()


class _Bounded:
    """A reader that ends after so many bytes."""

    def __init__(self, reader: compression.Reader, size: int) -> None:
        self._reader = reader
        self._left = size

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        data = self._reader.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data


class _Range:
    """The bytes of a planned capture, and none beyond them. A context manager.

    Entering and reading raise SourceChanged if the source cannot be read any more.
    """

    def __init__(self, planned: PlannedCapture, progress: Callable[[int], None]) -> None:
        self.size = planned.bytes
        self._planned = planned
        self._progress = progress

    def __enter__(self) -> Self:
        try:
            limits = Limits.known(self._planned.end)
            self._reader = compression.open_source(self._planned.path, limits=limits)
        except OSError as error:
            raise SourceChanged(self._planned.path) from error
        try:
            self._reader.seek_to(self._planned.offset)
        except OSError as error:
            self._reader.close()
            raise SourceChanged(self._planned.path) from error
        self._bounded = _Bounded(self._reader, self._planned.bytes)
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            data = self._bounded.read(size)
        except OSError as error:
            raise SourceChanged(self._planned.path) from error
        self._progress(len(data))
        return data

    @property
    def is_seekable(self) -> bool:
        """Whether `at` may be asked."""
        return self._reader.compression == "none"

    @property
    def descriptor(self) -> int:
        """The open file."""
        return self._reader.descriptor

    def at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on; fewer if the source has been cut meanwhile."""
        try:
            return self._reader.at(self._planned.offset + offset, size)
        except OSError as error:
            raise SourceChanged(self._planned.path) from error

    def reads(self, start: int, end: int) -> Iterator[Read]:
        """The bytes from a place up to another, in pieces."""
        while start < end and (data := self.at(start, min(raw.BLOCK, end - start))):
            self.passed(len(data))
            yield Read(data)
            start += len(data)

    def passed(self, size: int) -> None:
        """Note that so many bytes have been read by somebody else."""
        self._progress(size)


def _capture_row(planned: PlannedCapture, capture: Capture, ingested_at: int) -> dict[str, object]:
    """The row of `captures`; a copy has no counts, for its bytes are counted elsewhere."""
    counts: dict[str, int | None] = {name: capture.counts.get(name, 0) for name in _CAPTURE_COUNTS}
    counts["body_bytes"] = capture.tally.total()
    counts |= {column: capture.tally.get(kind, 0) for kind, column in _BYTE_COLUMNS.items()}
    counts["closed_bytes"] = capture.closed_bytes
    is_copy = planned.copy_of is not None and capture.counts["events"] > 0
    return {
        "capture_id": planned.capture_id,
        "source_id": ids.source_id(planned.path),
        "path": planned.path,
        "source_offset": planned.offset,
        "bytes": planned.bytes,
        "container": capture.container,
        "compression": planned.compression,
        **(dict.fromkeys(counts) if is_copy else counts),
        "copy_of": planned.copy_of if is_copy else None,
        "ingested_at": ingested_at,
        "ssetl_version": __version__,
    }
