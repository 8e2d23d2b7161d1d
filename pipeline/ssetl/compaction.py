"""Compaction: few parts of a good size, sorted by time, in place of many small ones.

Rows stay what they are, ids and ingest times too, and what is covered stays covered. Small parts of about the
same time become one, in a transaction for each new part, so a run that is killed has done what it has done,
and the next goes on. At the end the files of what was replaced are gone: a glob over a table is right again.
"""

import contextlib
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from ssetl import ingestion, leftovers
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.gathering import columns
from ssetl.lineage import PartGone
from ssetl.plan import Part, Plan, PlannedCapture, instant, live_parts, part_name
from ssetl.planner import PART_BYTES
from ssetl.version import __version__

SMALL: Final = 0.5
"""A part of less than this share of `PART_BYTES` is small: so a row is rewritten a few times in its life."""


class Compacted(msgspec.Struct, frozen=True):
    """What a compaction did.

    Args:
        parts_before, parts_after: parts that readers open.
        bytes_before, bytes_after: size of all files in the folders of the four tables.
    """

    parts_before: int
    parts_after: int
    bytes_before: int
    bytes_after: int


def compact(dataset: str | Path, *, part_bytes: int = PART_BYTES) -> Compacted:
    """Compact a dataset. What an ingest has begun there is finished first.

    Args:
        dataset: its folder.
        part_bytes: decompressed bytes of captures that a part takes in.

    Raises:
        NotADataset, SchemaVersionError, DatasetDamaged: the dataset cannot be continued.
        OSError: it cannot be written.
    """
    folder = Dataset.open(Path(dataset).absolute()).path
    size, parts = _bytes(folder), len(Dataset.open(folder).visible_parts())
    ingestion.finish(folder)
    while packs := _packs_now(folder, part_bytes):
        for pack in packs:
            _join(folder, pack)
    leftovers.remove(leftovers.find(folder))
    compacted = Dataset.open(folder)
    compacted.condense()
    return Compacted(parts, len(compacted.visible_parts()), size, _bytes(folder))


class _Pack(msgspec.Struct, frozen=True):
    """Parts that become one, and its captures in order."""

    parts: tuple[Part, ...]
    captures: tuple[PlannedCapture, ...]


def _packs_now(folder: Path, part_bytes: int) -> list[_Pack]:
    while True:
        with contextlib.suppress(PartGone):  # another compaction is at work
            return _packs(Dataset.open(folder), part_bytes)


def _packs(dataset: Dataset, part_bytes: int) -> list[_Pack]:
    """The small parts that are to become one, by options and time; none of them alone."""
    visible = set(dataset.visible_parts())
    live = live_parts(dataset.plans, dataset.whole)
    small = [part for name, part in live.items() if name in visible and _size(part) < SMALL * part_bytes]
    starts: dict[str, datetime] = {}
    for part in small:
        starts |= _starts(dataset, part)
    small.sort(
        key=lambda part: (sorted(part.options.items()), min(starts[c.capture_id] for c in part.captures))
    )
    packs: list[_Pack] = []
    for parts in _of_size(small, part_bytes):
        if len(parts) > 1:
            captures = (capture for part in parts for capture in part.captures)
            order = sorted(captures, key=lambda c: (starts[c.capture_id], c.path, c.offset, c.n))
            packs.append(_Pack(tuple(parts), tuple(order)))
    return packs


def _of_size(parts: Iterable[Part], part_bytes: int) -> Iterator[list[Part]]:
    pack: list[Part] = []
    room = part_bytes
    for part in parts:
        if pack and (room < _size(part) or part.options != pack[0].options):
            yield pack
            pack, room = [], part_bytes
        pack.append(part)
        room -= _size(part)
    yield pack


def _size(part: Part) -> int:
    """Bytes of the captures that have rows in a part."""
    return sum(c.bytes for c in part.captures if not c.forgotten and not c.copy_of)


def _starts(dataset: Dataset, part: Part) -> dict[str, datetime]:
    """When the first stream of each capture started; if that is unknown, when the capture was ingested."""
    planned_at = dataset.plan_of(part).created_at
    starts = {capture.capture_id: planned_at for capture in part.captures}
    ingested = columns(dataset, "captures", part.name, "capture_id", "ingested_at")
    streams = columns(dataset, "streams", part.name, "capture_id", "started_at")
    first = streams.group_by("capture_id").aggregate([("started_at", "min")])
    for row in (*ingested.to_pylist(), *first.to_pylist()):
        starts[row["capture_id"]] = (
            row.get("ingested_at") or row.get("started_at_min") or starts[row["capture_id"]]
        )
    return starts


def _join(folder: Path, pack: _Pack) -> None:
    """Let one part take the place of those of a pack, unless they changed meanwhile."""
    replaced = tuple(part.name for part in pack.parts)
    gathers = tuple(p.name for p in pack.parts if not all(c.forgotten for c in p.captures))
    while True:
        dataset = Dataset.open(folder).settled()
        live = live_parts(dataset.plans, dataset.whole)
        if any(live.get(part.name) != part for part in pack.parts):
            return
        number = dataset.number + 1
        part = Part(part_name(number, 0), pack.captures, gathers, pack.parts[0].options)
        plan = Plan(number, instant(time.time_ns() // 1000), __version__, parts=(part,), replaces=replaced)
        if dataset.publish(plan):
            break
    ingestion.finish(folder)
    leftovers.remove_parts(Dataset.open(folder), replaced)


def _bytes(folder: Path) -> int:
    size = 0
    for path in (path for table in TABLE_ORDER for path in folder.glob(f"{table}/*")):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size
