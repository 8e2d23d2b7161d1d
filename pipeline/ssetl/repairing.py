"""Repair: removes what no plan covers, and reads damaged parts again from their sources.

Whole, sound parts are never touched. A damaged part is replaced by one of the same captures, with the same
ids and as they were asked for, so that captures in other parts that go on where these end still do. That is
done only if every source still holds what was read; else the part stays as it is, for a backup may bring its
file back, until it is given up: then it is replaced by what can be read again.
"""

import time
from collections.abc import Iterable, Iterator, Set
from pathlib import Path

import msgspec

from ssetl import integrity, leftovers
from ssetl.dataset import Dataset
from ssetl.integrity import Fault
from ssetl.leftovers import Leftover
from ssetl.plan import Part, Plan, PlannedCapture, instant, live_parts, part_name
from ssetl.planner import still_holds, void
from ssetl.ranges import SourceChanged
from ssetl.version import __version__
from ssetl.writing import write_part


class Beyond(msgspec.Struct, frozen=True):
    """A damaged part that cannot be read again.

    Args:
        part: its name.
        faults: what is wrong with its files.
        lost: paths of the sources that do not hold what was read any more, or hold what was forgotten.
    """

    part: str
    faults: tuple[Fault, ...]
    lost: tuple[str, ...]


class Repaired(msgspec.Struct, frozen=True):
    """What a repair did.

    Args:
        removed: leftovers that were removed.
        again: paths of the sources of which captures were read again.
        beyond: damaged parts that were left as they are.
    """

    removed: tuple[Leftover, ...] = ()
    again: tuple[str, ...] = ()
    beyond: tuple[Beyond, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of what was removed."""
        return sum(leftover.bytes for leftover in self.removed)


def repair(dataset: str | Path, *, give_up: bool = False) -> Repaired:
    """Repair a dataset, beside running ingests or not.

    Args:
        dataset: its folder.
        give_up: give up, of damaged parts, what a source does not hold any more at its path. What no later
            ingest finds, wherever it is by now, is lost.

    Raises:
        NotADataset, SchemaVersionError, DatasetDamaged: no part can be told from another.
        OSError: the dataset cannot be written.
    """
    folder = Dataset.open(Path(dataset).absolute()).path
    again: list[str] = []
    beyond: list[Beyond] = []
    opened = Dataset.open(folder).settled()
    for part in live_parts(opened.plans, opened.whole).values():
        if _faults(opened, part) and (faults := _lasting_faults(folder, part)):
            held = {c.capture_id for c in part.captures if _can_be_read_again(opened, part, c)}
            lost = [capture.path for capture in part.captures if capture.capture_id not in held]
            if not lost or give_up:
                captures = tuple(_restored(part.captures, held))
                try:
                    is_read, lost = _read_again(folder, part, captures), []
                    again += [c.path for c in captures if is_read and not c.forgotten]
                except SourceChanged as changed:
                    lost = [changed.path]
            if lost:
                beyond.append(Beyond(part.name, faults, tuple(dict.fromkeys(lost))))
    removed = leftovers.remove(leftovers.find(folder))
    return Repaired(tuple(removed), tuple(dict.fromkeys(again)), tuple(beyond))


def _faults(dataset: Dataset, part: Part) -> tuple[Fault, ...]:
    """What is wrong with a part, or with what it is to be made of."""
    if part.name in dataset.whole:
        return tuple(integrity.part_faults(dataset, part.name, part))
    return tuple(fault for name in part.gathers for fault in integrity.part_faults(dataset, name, None))


def _lasting_faults(folder: Path, part: Part) -> tuple[Fault, ...]:
    """What is wrong with a part now; nothing if it only seemed so, while another was replacing it."""
    while True:
        dataset = Dataset.open(folder)
        if live_parts(dataset.plans, dataset.whole).get(part.name) != part:
            return ()
        faults = _faults(dataset, part)
        now = Dataset.open(folder)
        if not faults or (now.number, part.name in now.whole) == (dataset.number, part.name in dataset.whole):
            return faults


def _restored(captures: Iterable[PlannedCapture], held: Set[str]) -> Iterator[PlannedCapture]:
    """The captures that stay: those still held, and what was forgotten, which must not come back."""
    for capture in captures:
        if capture.capture_id in held:
            yield capture
        elif capture.trimmed:
            yield msgspec.structs.replace(capture, forgotten=True)


def _can_be_read_again(dataset: Dataset, part: Part, capture: PlannedCapture) -> bool:
    if capture.forgotten or capture.trimmed:
        return capture.forgotten
    return still_holds(capture, planned_us=dataset.plan_of(part).created_us)


def _read_again(folder: Path, part: Part, captures: tuple[PlannedCapture, ...]) -> bool:
    """Replace a part by one of these captures of it; False if another did something to it.

    Raises:
        SourceChanged: a source was changed meanwhile; the part stays.
    """
    while True:
        dataset = Dataset.open(folder).settled()
        if live_parts(dataset.plans, dataset.whole).get(part.name) != part:
            return False
        number = dataset.number + 1
        parts = (Part(part_name(number, 0), captures, options=part.options),) if captures else ()
        now = instant(time.time_ns() // 1000)
        plan = Plan(number, now, __version__, parts=parts, replaces=(part.name,))
        if dataset.publish(plan):
            break
    for planned in parts:
        dataset = Dataset.open(folder)
        try:
            write_part(dataset, planned, lambda _read: None)
        except SourceChanged:
            dataset.publish(void(dataset, planned.name, now_us=time.time_ns() // 1000))
            raise
    return True
