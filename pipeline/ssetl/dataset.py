"""The dataset: a folder with plans and four tables, read and written without locks.

    DATASET/_plan/00000001.json …                one file per plan, created once, never changed
    DATASET/{rejects,chunks,streams,captures}/   one Parquet file per part, of the same name in each

A part is whole when its file in `captures` exists; that one is written last. For a part that a plan voids,
an empty file of that name, the mark of the void, takes the place first, or comes too late. Whatever else lies
in these folders (temporary files, parts that no plan names) is no part of the dataset.

A `Dataset` is what was there when it was opened, so that all its answers agree with each other; open it
again to see what has come since. Errors of the file system pass through as OSError.
"""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import msgspec

from ssetl import plan as plans_of
from ssetl.captures import sources
from ssetl.errors import DatasetDamaged, NotADataset
from ssetl.files import create_once, remove, sync_folder
from ssetl.parameters import is_utf8
from ssetl.plan import Part, Plan, Snapshot

PLAN_FOLDER: Final = sources.DATASET_MARKER

TABLE_ORDER: Final = ("rejects", "chunks", "streams", "captures")
"""The order in which the files of a part come to be: `captures` marks the part as whole."""

SNAPSHOT_EVERY: Final = 100
"""After so many plans a snapshot is written: readers open at most so many plan files."""


class Dataset(msgspec.Struct, frozen=True):
    """A dataset as it was when opened.

    Args:
        path: its folder.
        plans: what counts of the plans, in order (a snapshot leaves out what has been replaced).
        number: number of the last plan, 0 before the first.
        whole: names of the parts that are whole.
        undecided: names of the parts that a plan voids and that another ingest may still finish.
    """

    path: Path
    plans: tuple[Plan, ...]
    number: int
    whole: frozenset[str]
    undecided: frozenset[str] = frozenset()

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The dataset in a folder.

        Raises:
            NotADataset: there is none.
            SchemaVersionError, DatasetDamaged: there is, but this ssetl cannot read it.
        """
        path = Path(path)
        if not (path / PLAN_FOLDER).is_dir():
            found = "a folder without plans" if path.is_dir() else "a file" if path.exists() else "nothing"
            raise NotADataset(
                f"no dataset at {path}: expected a folder that holds {PLAN_FOLDER}/, found {found}."
                " Create it with `ssetl ingest PATH --dataset DATASET`, or name another folder."
            )
        # Parts before plans: a part may be replaced and removed meanwhile, but is then missed loudly.
        marked = frozenset(_stems(path / "captures", ".parquet"))
        number, plans = _read_plans(path / PLAN_FOLDER)
        # Of void parts the mark itself tells, and only now: it may have come before the plan was read.
        voided = {
            name: _is_finished(path / "captures" / f"{name}.parquet") for name in plans_of.voided(plans)
        }
        finished = {name for name, is_finished in voided.items() if is_finished}
        undecided = frozenset(name for name, is_finished in voided.items() if is_finished is None)
        return cls(path, plans, number, marked - voided.keys() | finished, undecided)

    @classmethod
    def create(cls, path: str | Path) -> Self:
        """The dataset in a folder, which is created if there is none.

        Raises:
            NotADataset: the folder holds other things, or is a file, or its path is not UTF-8.
        """
        path = Path(path)
        if not is_utf8(str(path.absolute())):
            raise NotADataset(
                f"the path of a dataset is UTF-8, and {str(path)!r} is not: name another --dataset."
            )
        if not (path / PLAN_FOLDER).is_dir():
            if path.exists() and not path.is_dir():
                raise NotADataset(f"a dataset is a folder, and {path} is a file: name another --dataset.")
            # The plans are looked for last: another ingest may be creating them.
            if path.is_dir() and any(path.iterdir()) and not (path / PLAN_FOLDER).is_dir():
                raise NotADataset(
                    f"{path} holds files and no dataset (no folder {PLAN_FOLDER}/ in it),"
                    " so nothing was written there: name an empty or a new folder as --dataset."
                )
            (path / PLAN_FOLDER).mkdir(parents=True, exist_ok=True)
        for table in TABLE_ORDER:
            (path / table).mkdir(exist_ok=True)
        sync_folder(path)
        return cls.open(path)

    def publish(self, plan: Plan) -> bool:
        """Add the next plan; False if another ingest was faster: open again and plan again."""
        if plan.number > self.number + 1:
            raise ValueError(f"plan {plan.number} cannot follow plan {self.number}")
        if plan.number <= self.number:
            return False
        name = f"{plan.number:08d}.json"
        folder = self.path / PLAN_FOLDER
        if not create_once(folder / name, plans_of.encode(plan)):
            return False
        if _last_snapshot(_stems(folder, ".json")) >= plan.number:
            return False  # the number was taken, and the file of its plan has been condensed away since
        if plan.number % SNAPSHOT_EVERY == 0:
            kept = plans_of.condense((*self.plans, plan), self.whole)
            create_once(folder / f"snapshot-{name}", plans_of.encode(Snapshot(plan.number, kept)))
        return True

    def condense(self) -> None:
        """Let one snapshot stand for all plans so far, and remove their files."""
        folder = self.path / PLAN_FOLDER
        kept = plans_of.condense(self.plans, self.whole)
        snapshot = f"snapshot-{self.number:08d}"
        create_once(folder / f"{snapshot}.json", plans_of.encode(Snapshot(self.number, kept)))
        for stem in _stems(folder, ".json"):
            if stem < snapshot if stem.startswith("snapshot-") else stem <= f"{self.number:08d}":
                remove(folder / f"{stem}.json")
        sync_folder(folder)

    def settled(self) -> Self:
        """The dataset as it is when all its void parts are void for good, or were finished in time.

        Who plans anything must begin here: sources of a part that may still be finished are not free.
        """
        for name in self.undecided:
            from ssetl import marks  # noqa: PLC0415 - few datasets have void parts

            create_once(self.file("captures", name), marks.void())
        return self.open(self.path) if self.undecided else self

    def visible_parts(self) -> list[str]:
        """Names of the parts that readers use: whole, and not replaced."""
        return plans_of.visible_parts(self.plans, self.whole)

    def pending_parts(self) -> list[Part]:
        """The parts that are planned and still to be written."""
        return plans_of.pending_parts(self.plans, self.whole)

    def needed_parts(self) -> set[str]:
        """Names of the parts whose files are read or written, now or later; no others ever will be."""
        live = plans_of.live_parts(self.plans, self.whole)
        return {*live, *self.visible_parts(), *self.undecided}

    def withdraw(self, part: str) -> None:
        """Remove the files of a part again if it is not needed any more: a slow writer may bring them back.

        This looks at the dataset as it is now, if anything was planned since it was opened.
        """
        stems = _stems(self.path / PLAN_FOLDER, ".json")
        own = f"{self.number:08d}"  # a snapshot may stand for it, and for what was planned since
        if any(stem > own if stem.isdecimal() else stem >= f"snapshot-{own}" for stem in stems):
            now = self.open(self.path)
            if part not in now.needed_parts() and part not in plans_of.voided(now.plans):
                for table in TABLE_ORDER:
                    remove(self.file(table, part))

    def done_with(self) -> list[Path]:
        """What came by standard input and is in parts that are visible by now."""
        visible = set(self.visible_parts())
        live = plans_of.live_parts(self.plans, self.whole).values()
        captures = {c.capture_id: c.path for part in live if part.name in visible for c in part.captures}
        again = {seen.path for seen in plans_of.seen(self.plans, self.whole) if seen.by in captures}
        done = {*captures.values(), *again}
        spooled = sources.spooled(self.path)
        return [Path(sources.os_path(source.path)) for source in spooled if source.path in done]

    def clear_spool(self) -> None:
        """Remove what came by standard input and is not needed any more."""
        for path in self.done_with():
            remove(path)

    def plan_of(self, part: Part) -> Plan:
        """The plan that named a part."""
        number = plans_of.plan_number(part.name)
        return next(plan for plan in self.plans if plan.number == number)

    def files(self, table: str) -> list[Path]:
        """The Parquet files that make up a table, in order."""
        return [self.file(table, part) for part in self.visible_parts()]

    def file(self, table: str, part: str) -> Path:
        """Where a part keeps its rows of a table."""
        return self.path / table / f"{part}.parquet"


def _is_finished(mark: Path) -> bool | None:
    from ssetl import marks  # noqa: PLC0415 - as above

    return marks.is_finished(mark)


def _read_plans(folder: Path) -> tuple[int, tuple[Plan, ...]]:
    """Number of the last plan, and the plans: those of the last snapshot and those after it."""
    for _ in range(_LISTINGS - 1):
        with contextlib.suppress(FileNotFoundError):
            return _read_listed(folder)
    try:
        return _read_listed(folder)
    except FileNotFoundError as error:
        raise DatasetDamaged(
            f"plan {error.filename} is missing, and there are later ones."
            " Restore it from a backup, or ingest the sources into a new dataset."
        ) from None


_LISTINGS: Final = 5
"""Plans are condensed while others read them: so often the folder is listed before one counts as missing."""


def _read_listed(folder: Path) -> tuple[int, tuple[Plan, ...]]:
    stems = _stems(folder, ".json")
    numbers = [int(stem) for stem in stems if stem.isdecimal()]
    start, plans = _last_snapshot(stems), list[Plan]()
    if start:
        file = folder / f"snapshot-{start:08d}.json"
        plans += plans_of.decode_snapshot(file.read_bytes(), str(file)).plans
    last = max(numbers, default=start)
    for number in range(start + 1, last + 1):
        file = folder / f"{number:08d}.json"
        plans.append(plans_of.decode_plan(file.read_bytes(), str(file)))
    return max(start, last), tuple(plans)


def _last_snapshot(stems: Sequence[str]) -> int:
    """Number of the last snapshot, 0 if there is none."""
    numbers = (stem.removeprefix("snapshot-") for stem in stems if stem.startswith("snapshot-"))
    return max(map(int, numbers), default=0)


def _stems(folder: Path, suffix: str) -> list[str]:
    """Names of the files in a folder that end in `suffix`, without it; temporary files are not among them."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    return [name.removesuffix(suffix) for name in names if name.endswith(suffix) and name[0] != "."]
