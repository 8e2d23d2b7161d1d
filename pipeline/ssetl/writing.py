"""Writing a part: its captures read from their sources, or its rows gathered from other parts.

What is written follows from the plan and the sources alone, so a part written twice is the same part. A
source that is not what was planned is found out before the part is whole, and nothing is written. Events are
written away as they come, so memory does not grow with a part.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from ssetl import ids, planner, privacy, schema, tables
from ssetl.captures import compression, raw
from ssetl.captures.container import Exchanges, Opened, Source, blocks
from ssetl.captures.exchange import Leftover
from ssetl.captures.recognise import open_capture
from ssetl.dataset import Dataset
from ssetl.fast.bodies import Body
from ssetl.fast.many import MAX_EACH, TOGETHER, read_many
from ssetl.fast.path import read_interleaved
from ssetl.fast.small import MAX_SMALL, read_small
from ssetl.fast.templates import Templates, shared_templates
from ssetl.parts import MAX_SORTED, PartWriter
from ssetl.plan import Part, PlannedCapture
from ssetl.ranges import Bounded, Range, SourceChanged
from ssetl.response import read_response
from ssetl.streams import Capture, Placed, Rejected
from ssetl.version import __version__

if TYPE_CHECKING:
    from ssetl.captures.linelog import Format

BATCH_EVENTS: Final = 8192
"""Events and rejects that are collected before they are written away as a batch of rows."""

BATCH_STREAMS: Final = 2048
"""Streams that are collected before they become a batch of rows."""

_CAPTURE_COUNTS: Final = ("exchanges", "skipped", "streams", "events", "chunks", "rejects")
_SUMMARY_COUNTS: Final = ("streams", "events", "chunks", "rejects")
_BYTE_COLUMNS: Final = {kind: f"{kind}_bytes" for kind in schema.BYTE_KINDS}


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
        exchanges = open_capture(Bounded(reader, length)).exchanges
        for _ in _read(capture, exchanges, shared_templates(), small=False):
            capture.batches, capture.placed, capture.streams, capture.rejects = [], [], [], []
            capture.lived = []
    return capture.closed_bytes


class _Waiting(msgspec.Struct, frozen=True):
    """A small capture that waits for others, and its text: the bytes of a raw file or of a log.

    `format` tells how the lines of a log are taken apart.
    """

    planned: PlannedCapture
    capture: Capture
    format: "Format | None"
    text: bytes

    def exchanges(self) -> Exchanges:
        """What it holds by itself."""
        source = BytesIO(self.text)
        if self.format is None:
            return raw.read(self.capture.container, source)
        from ssetl.captures import linelog  # noqa: PLC0415 - loaded by now, where there are logs

        return linelog.read(source, self.format)


def _captures(
    planned: Iterable[PlannedCapture],
    planned_us: int,
    collected: "_Collected",
    progress: Callable[[int], None],
) -> Iterator[tuple[PlannedCapture, Capture]]:
    """Read captures and collect their rows; give each when it has been read.

    Raw files and logs of one response or a few wait until there are enough of them to be read together.
    """
    waiting: list[_Waiting] = []
    size = 0
    for each in planned:
        capture = Capture(each.capture_id)
        with Range(each, progress) as reader:
            text = b"".join(blocks(reader)) if _may_wait(each) else None
            opened = open_capture(reader if text is None else BytesIO(text))
            capture.container = opened.container
            is_raw = capture.container in raw.CONTAINERS
            waits = text is not None and (is_raw or opened.format is not None)
            if text is not None and waits:
                text = raw.whole(opened.exchanges) if is_raw else text
                waiting.append(_Waiting(each, capture, opened.format, text))
                size += each.bytes
            if not waits or size >= TOGETHER:
                yield from _together(waiting, collected)
                waiting, size = [], 0
            if not waits:
                source = reader if reader.is_seekable and is_raw else None
                _collect(each, capture, opened, collected, source)
        if not planner.still_holds(each, planned_us=planned_us):
            raise SourceChanged(each.path)
        if not waits:
            yield each, capture
    yield from _together(waiting, collected)


def _may_wait(planned: PlannedCapture) -> bool:
    """Whether a capture may be read with others."""
    return planned.bytes <= MAX_EACH and planned.copy_of is None and planned.damage is None


def _together(
    waiting: Sequence[_Waiting], collected: "_Collected"
) -> Iterator[tuple[PlannedCapture, Capture]]:
    """Read captures whose bytes are there, as many of them together as can be."""
    taken = set[str]()
    for key, some in _alike(waiting).items():
        bodies = [body for body in _bodies(some) if body is not None]
        are_taken = read_many(bodies, collected.templates(*key))
        taken.update(
            body.capture.capture_id for body, is_taken in zip(bodies, are_taken, strict=True) if is_taken
        )
    for each in waiting:
        if each.capture.capture_id in taken:
            collected.take(each.capture)
        else:
            opened = Opened(each.capture.container, each.exchanges(), each.format)
            _collect(each.planned, each.capture, opened, collected)
        yield each.planned, each.capture


def _alike(waiting: Iterable[_Waiting]) -> dict[tuple[str, "Format | None"], list[_Waiting]]:
    """Captures by container and format."""
    groups: dict[tuple[str, Format | None], list[_Waiting]] = {}
    for each in waiting:
        groups.setdefault((each.capture.container, each.format), []).append(each)
    return groups


def _bodies(some: Sequence[_Waiting]) -> Sequence[Body | None]:
    """Captures of one container and format, those that may be read together."""
    form = some[0].format
    if form is None:
        return [Body(each.capture, each.text) for each in some]
    from ssetl.fast.opened import opened  # noqa: PLC0415 - most captures are no logs

    return opened([(each.capture, each.text) for each in some], form)


def _collect(
    planned: PlannedCapture,
    capture: Capture,
    opened: Opened,
    collected: "_Collected",
    source: Source | None = None,
) -> None:
    """Read one capture and collect its rows, unless it is a copy with events."""
    small = planned.bytes <= MAX_SMALL
    templates = collected.templates(capture.container, opened.format)
    for _ in _read(capture, opened.exchanges, templates, small=small, source=source):
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
    """

    def __init__(self, writer: PartWriter) -> None:
        self._templates: dict[tuple[str, Format | None], Templates] = {}
        self._writer = writer
        self._placed: list[tuple[str, list[Placed]]] = []
        self._rejects: list[tuple[str, list[Rejected]]] = []
        self._streams: list[dict[str, object]] = []
        self._lived: list[dict[str, list[Any]]] = []
        self._alike = 0  # streams in those
        self._waiting = 0
        self._sorted: list[pa.RecordBatch] = []

    def templates(self, container: str, form: "Format | None") -> Templates:
        """What is known of the events of captures of a container, or logs of a format."""
        key = container, form
        if container not in raw.CONTAINERS and (form is None or form.lead):
            key = raw.SSE, None
        if key not in self._templates:
            self._templates[key] = shared_templates(*key)
        return self._templates[key]

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
