"""What lies in a dataset's folder and is no part of it: found, told, removed.

Nothing is a leftover that a reader uses or a plan still asks for, nor a file that somebody is writing. So
finding and removing are safe beside ingests and readers. A reader that was opened before a part was replaced
misses its files, and says so.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ssetl import files, plan
from ssetl.captures.sources import SPOOL_FOLDER
from ssetl.dataset import PLAN_FOLDER, TABLE_ORDER, Dataset

ABANDONED: Final = "left by a process that was killed while it wrote"
REPLACED: Final = "of a part that has been replaced"
VOID: Final = "of a part that was given up, for a source had changed"
UNPLANNED: Final = "of a part that no plan names"
INGESTED: Final = "came by standard input, and is ingested"
FOREIGN: Final = "not written by ssetl, and in the way of a glob: move it elsewhere"


class Leftover(msgspec.Struct, frozen=True):
    """A file that is no part of the dataset.

    Args:
        path, bytes: the file and its size.
        reason: one of the constants above. What is FOREIGN is only told, never removed.
    """

    path: Path
    bytes: int
    reason: str


def find(folder: Path) -> list[Leftover]:
    """The leftovers of the dataset in a folder, by path.

    Raises:
        NotADataset, SchemaVersionError, DatasetDamaged: the dataset cannot be read.
    """
    folder = folder.absolute()
    # Files before plans: a part is planned before its first file is there.
    listed = list(_listed(folder))
    dataset = Dataset.open(folder)
    done = dict.fromkeys(dataset.done_with(), INGESTED)
    reasons = _Reasons(dataset)
    found = ((path, size, done.get(path) or reasons.of(path)) for path, size in listed)
    return sorted((Leftover(path, size, why) for path, size, why in found if why), key=lambda f: f.path)


def remove(leftovers: Iterable[Leftover]) -> list[Leftover]:
    """Remove leftovers, durably; gives those that were removed, and not by another meanwhile.

    Raises:
        OSError: the file system refuses.
    """
    removed: list[Leftover] = []
    for leftover in leftovers:
        if leftover.reason == ABANDONED:
            is_removed = files.remove_abandoned(leftover.path)
        else:
            is_removed = leftover.reason != FOREIGN and _unlink(leftover.path)
        removed += [leftover] if is_removed else []
    for folder in sorted({leftover.path.parent for leftover in removed}):
        files.sync_folder(folder)
    return removed


def remove_parts(dataset: Dataset, names: Iterable[str]) -> int:
    """Remove the files of those of the parts that are not needed any more; gives their bytes.

    Raises:
        OSError: the file system refuses.
    """
    gone = sorted(set(names) - dataset.needed_parts() - plan.voided(dataset.plans))
    paths = [dataset.file(table, name) for name in gone for table in TABLE_ORDER]
    freed = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            freed += path.stat().st_size
            path.unlink()
    for table in TABLE_ORDER if gone else ():
        files.sync_folder(dataset.path / table)
    return freed


class _Reasons:
    """Why a file is a leftover, of one dataset."""

    def __init__(self, dataset: Dataset) -> None:
        self._number = dataset.number
        self._needed = dataset.needed_parts()
        self._void = plan.voided(dataset.plans)

    def of(self, path: Path) -> str | None:
        """The reason; None if the file is none."""
        if path.name.startswith("."):
            is_ours = path.name.endswith(".tmp") and files.is_abandoned(path)
            return ABANDONED if is_ours else None
        if path.parent.name not in TABLE_ORDER:
            return None
        part = _PART_FILE.fullmatch(path.name)
        if not part:
            return FOREIGN if path.suffix == ".parquet" else None
        name = part[1]
        if name in self._needed:
            return None
        if name in self._void:
            # The file in `captures` is the mark of the void: while it is there, none can finish the part.
            return VOID if path.parent.name != "captures" else None
        return REPLACED if plan.plan_number(name) <= self._number else UNPLANNED


_PART_FILE: Final = re.compile(r"(\d{8,}-\d{4,})\.parquet", re.ASCII)


def _listed(folder: Path) -> Iterator[tuple[Path, int]]:
    """The files of a dataset that can be leftovers, and their sizes."""
    for name in ("", *TABLE_ORDER, PLAN_FOLDER, SPOOL_FOLDER):
        with contextlib.suppress(FileNotFoundError), os.scandir(folder / name) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_file(follow_symlinks=False):
                        yield folder / name / entry.name, entry.stat().st_size


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
