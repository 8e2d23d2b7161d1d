"""Repair: removes what no plan covers, and gives up damaged parts whose sources can be read again.

Whole, sound parts are never touched. A damaged part is replaced by nothing, and with that its captures are
not covered any more: the next ingest of their sources reads them again. That is done only if every source
still holds what was read; else the part stays as it is, for a backup may bring its file back.
"""

import time
from pathlib import Path

import msgspec

from ssetl import integrity, leftovers
from ssetl.dataset import Dataset
from ssetl.integrity import Fault
from ssetl.leftovers import Leftover
from ssetl.plan import Part, Plan, PlannedCapture, instant, live_parts, part_name
from ssetl.planner import still_holds
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
        again: paths of the sources that are to be ingested again.
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
        give_up: give up damaged parts even if a source does not hold any more, at its path, what was read.
            What no later ingest finds, wherever it is by now, is lost.

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
            lost = [c.path for c in part.captures if not _can_be_read_again(opened, part, c)]
            if lost and not give_up:
                beyond.append(Beyond(part.name, faults, tuple(dict.fromkeys(lost))))
            elif _give_up(folder, part):
                again += [capture.path for capture in part.captures if not _is_kept(capture)]
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


def _is_kept(capture: PlannedCapture) -> bool:
    """Whether a capture stays covered when its part is given up: what was forgotten must not come back."""
    return capture.forgotten or capture.trimmed


def _can_be_read_again(dataset: Dataset, part: Part, capture: PlannedCapture) -> bool:
    if capture.trimmed:
        return False
    return capture.forgotten or still_holds(capture, planned_us=dataset.plan_of(part).created_us)


def _give_up(folder: Path, part: Part) -> bool:
    """Replace a part by nothing but what was forgotten of it; False if another did something to it."""
    kept = tuple(msgspec.structs.replace(c, forgotten=True) for c in part.captures if _is_kept(c))
    while True:
        dataset = Dataset.open(folder).settled()
        if live_parts(dataset.plans, dataset.whole).get(part.name) != part:
            return False
        number = dataset.number + 1
        parts = (Part(part_name(number, 0), kept),) if kept else ()
        now = instant(time.time_ns() // 1000)
        plan = Plan(number, now, __version__, parts=parts, replaces=(part.name,))
        if dataset.publish(plan):
            break
    for written in parts:
        write_part(Dataset.open(folder), written, lambda _read: None)
    return True
