"""Forgetting: rows that must go are gone for good, from every file of the dataset.

A capture that is forgotten leaves all four tables; a stream leaves `streams` and `chunks`, and its capture
counts what is left (its byte counts still tell of all bytes, and its rejects stay). The plans keep that the
bytes are covered, with name, size and digests, so that a file that is still there does not bring them back:
nothing of it is read again, only what is added behind. Equal bytes under other names go too.

Other than the dataset nothing is touched. A source that is rewritten, or moved into a longer file, is new.
"""

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Container, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, cast

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from ssetl import ingestion, leftovers, schema
from ssetl.dataset import Dataset
from ssetl.errors import UsageError
from ssetl.gathering import columns, stream_starts
from ssetl.lineage import PartGone
from ssetl.parameters import Parameter, convert
from ssetl.plan import Part, Plan, PlannedCapture, instant, live_parts, part_name
from ssetl.version import __version__


class Forgotten(msgspec.Struct, frozen=True):
    """What was forgotten, or would be.

    Args:
        captures, streams, rejects: rows that go; those of `chunks` go with their stream.
        bytes: decompressed bytes of those captures, copies not counted.
        paths: sources of those captures. They are not touched.
    """

    captures: int = 0
    streams: int = 0
    rejects: int = 0
    bytes: int = 0
    paths: tuple[str, ...] = ()


def forget(
    dataset: str | Path,
    *,
    captures: Iterable[str] = (),
    streams: Iterable[str] = (),
    before: str | date | None = None,
    dry_run: bool = False,
) -> Forgotten:
    """Remove rows for good. What an ingest has begun in the dataset is finished first.

    Args:
        dataset: its folder.
        captures: ids of captures that go, with all that was read from them and from equal bytes.
        streams: ids of streams that go.
        before: a time, as for reports. Streams that started before go (of unknown start, those that were
            ingested before); captures go if all of their streams do, or, without any, by ingested_at.
        dry_run: only tell what would go; nothing is written.

    Raises:
        UsageError: nothing is named, or an id is unknown; nothing is forgotten then.
        NotADataset, SchemaVersionError, DatasetDamaged: the dataset cannot be continued.
        OSError: it cannot be written.
    """
    folder = Dataset.open(Path(dataset).absolute()).path
    instant_before = cast("datetime | None", convert(Parameter("before", "TIMESTAMPTZ", None, ""), before))
    wanted = _Wanted(frozenset(captures), frozenset(streams), instant_before)
    if wanted == _Wanted():
        raise UsageError(
            "expected what to forget, found nothing: name captures or streams by id, or a time before which"
            " all goes (--capture, --stream, --before)."
        )
    while True:
        if not dry_run:
            ingestion.finish(folder)
        opened = Dataset.open(folder)
        with contextlib.suppress(PartGone):  # a compaction is at work
            choice = _choose(opened, wanted)
            if dry_run:
                return choice.told
            is_now = not opened.pending_parts() and not opened.undecided
            if is_now and (not choice.parts or opened.publish(_plan(opened, choice, wanted))):
                break
    ingestion.finish(folder)
    # All that is left over, whoever left it: it may hold what was to go.
    leftovers.remove(leftovers.find(folder))
    return choice.told


class _Wanted(msgspec.Struct, frozen=True):
    captures: frozenset[str] = frozenset()
    streams: frozenset[str] = frozenset()
    before: datetime | None = None


class _Choice(msgspec.Struct, frozen=True):
    """What goes.

    Args:
        parts: the parts that hold it.
        captures: ids of the captures that go as a whole.
        trimmed: ids of captures some of whose streams go.
        streams: by part, those of the wanted ids that are there.
        told: the sum of it.
    """

    parts: tuple[Part, ...]
    captures: frozenset[str]
    trimmed: frozenset[str]
    streams: dict[str, tuple[str, ...]]
    told: Forgotten


_ROW: Final = ("capture_id", "copy_of", "ingested_at", "streams", "rejects")


def _choose(dataset: Dataset, wanted: _Wanted) -> _Choice:
    """Find what goes, in the parts that are live and visible.

    Raises:
        UsageError: an id is unknown.
    """
    visible = set(dataset.visible_parts())
    live = live_parts(dataset.plans, dataset.whole)
    parts = [part for name, part in live.items() if name in visible]
    rows: dict[str, dict[str, Any]] = {}
    going: Counter[str] = Counter()
    streams: dict[str, tuple[str, ...]] = {}
    for part in parts:
        rows |= {row["capture_id"]: row for row in columns(dataset, "captures", part.name, *_ROW).to_pylist()}
        if wanted.streams or wanted.before:
            found = _streams(dataset, part, wanted)
            going.update(map(str, found["capture_id"].to_pylist()))
            streams[part.name] = tuple(sorted(wanted.streams.intersection(found["stream_id"].to_pylist())))
    captures = {capture.capture_id: capture for part in live.values() for capture in part.captures}
    _check_known("capture", wanted.captures, captures)
    known = [*streams.values(), *(part.without for part in live.values())]
    _check_known("stream", wanted.streams, set(itertools.chain(*known)))

    chosen = {id_ for id_, row in rows.items() if _goes(row, going[id_], wanted)}
    chosen |= {rows[id_]["copy_of"] for id_ in chosen & wanted.captures if rows[id_]["copy_of"]}
    chosen |= {id_ for id_, row in rows.items() if row["copy_of"] in chosen}
    trimmed = going.keys() - chosen
    told = Forgotten(
        len(chosen),
        sum(rows[id_]["streams"] or 0 for id_ in chosen) + sum(going[id_] for id_ in trimmed),
        sum(rows[id_]["rejects"] or 0 for id_ in chosen),
        sum(captures[id_].bytes for id_ in chosen if not rows[id_]["copy_of"]),
        tuple(sorted({captures[id_].path for id_ in chosen})),
    )
    touched = chosen | trimmed
    held = tuple(part for part in parts if any(c.capture_id in touched for c in part.captures))
    return _Choice(held, frozenset(chosen), frozenset(trimmed), streams, told)


def _streams(dataset: Dataset, part: Part, wanted: _Wanted) -> pa.Table:
    """The streams of a part that go on their own account."""
    goes = pc.field("stream_id").isin(pa.array(sorted(wanted.streams), pa.string()))
    if wanted.before:
        goes |= pc.field("started_at") < pa.scalar(wanted.before, schema.TIMESTAMP)
    return stream_starts(dataset, part.name).filter(goes)


def _goes(row: dict[str, Any], going: int, wanted: _Wanted) -> bool:
    """Whether a capture goes as a whole, on its own account; so many of its streams do."""
    if row["capture_id"] in wanted.captures:
        return True
    if wanted.before is None or row["copy_of"]:
        return False
    if row["streams"]:
        return bool(going == row["streams"])
    return row["ingested_at"] is not None and bool(row["ingested_at"] < wanted.before)


def _check_known(kind: str, ids: Iterable[str], known: Container[str]) -> None:
    for id_ in sorted(ids):
        if id_ not in known:
            raise UsageError(
                f"no {kind} has the id {id_}, so nothing was forgotten. `ssetl sql 'from {kind}s"
                f" select {kind}_id'` lists them; a {kind} is named by its whole id."
            )


def _plan(dataset: Dataset, choice: _Choice, wanted: _Wanted) -> Plan:
    """The plan that puts other parts in the place of those that hold what goes."""
    parts: list[Part] = []
    gone: list[PlannedCapture] = []
    for part in choice.parts:
        kept: list[PlannedCapture] = []
        for capture in part.captures:
            if capture.forgotten or capture.capture_id in choice.captures:
                gone.append(msgspec.structs.replace(capture, forgotten=True))
            else:
                trimmed = capture.trimmed or capture.capture_id in choice.trimmed
                kept.append(msgspec.structs.replace(capture, trimmed=trimmed))
        if kept:
            without = choice.streams.get(part.name, ())
            parts.append(Part("", tuple(kept), (part.name,), part.options, without, wanted.before))
    if gone:
        parts.append(Part("", tuple(gone)))
    number = dataset.number + 1
    named = (msgspec.structs.replace(part, name=part_name(number, n)) for n, part in enumerate(parts))
    replaces = tuple(part.name for part in choice.parts)
    now = instant(time.time_ns() // 1000)
    return Plan(number, now, __version__, parts=tuple(named), replaces=replaces)
