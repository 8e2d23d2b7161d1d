"""What a dataset must hold after faults, and what readers may see beside them."""

import os
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from world import TEXT

import ssetl
from ssetl.dataset import Dataset
from ssetl.plan import live_parts
from ssetl.planner import still_holds

TABLES = ("captures", "streams", "chunks", "rejects")


@dataclass
class Tally:
    """What was done, and what went wrong."""

    rounds: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.rounds} rounds, {_counts(self.runs)}, {self.hits.total()} hit ({_counts(self.hits)}), "
            f"{self.looks} looks, {self.lost} rows lost, {self.doubled} rows doubled, "
            f"{len(self.faults)} faults"
        )

    def compare(self, what: str, *, lost: int, doubled: int) -> None:
        self.lost += lost
        self.doubled += doubled
        if lost or doubled:
            self.faults.append(f"{what}: {lost} lost, {doubled} doubled")


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items()))


class Readers:
    """Judge what is read while others write: all of `stays`, and all of `goes` or nothing of it."""

    def __init__(self, lake: Path, tally: Tally, *, stays: set[bytes], goes: Iterable[bytes] = ()) -> None:
        self._lake, self._tally = lake, tally
        self.stays, self._goes = stays, set(goes)

    def look(self) -> None:
        """Read now."""
        try:
            with ssetl.open(self._lake) as opened:
                content = opened.sql("from chunks select content where content is not null")["content"]
        except ssetl.SsetlError as error:
            if not self.may_say(str(error)):
                self._tally.faults.append(f"reader: {error}")
        else:
            self.judge(TEXT.findall("".join(content).encode()))

    def judge(self, found: Sequence[bytes]) -> None:
        """What one reader has found; what came twice is judged when all is at rest."""
        self._tally.looks += 1
        self._tally.compare("texts beside others", lost=len(self.stays.difference(found)), doubled=0)
        if 0 < len(self._goes.difference(found)) < len(self._goes):
            self._tally.faults.append("a reader saw half of what was being forgotten")

    def may_say(self, told: str) -> bool:
        """Whether this is what a reader may say in place of an answer."""
        return "Run it again." in told or ("no dataset at" in told and not self.stays)


def texts(lake: Path) -> Counter[bytes]:
    """How often the dataset holds each text."""
    return texts_of(lake, pl.lit(True))


def texts_of(lake: Path, which: pl.Expr) -> Counter[bytes]:
    """How often the dataset holds each text, in some rows of chunks."""
    if not (lake / "_plan").exists():
        return Counter()
    with ssetl.open(lake) as opened:
        contents = opened.scan("chunks").filter(which).select("content").collect()["content"].drop_nulls()
    return Counter(text for content in contents for text in TEXT.findall(content.encode()))


def rows(lake: Path, table: str) -> pl.DataFrame:
    """All rows of a table, without the time of the ingest."""
    with ssetl.open(lake) as opened:
        return opened.scan(table).drop("ingested_at", strict=False).collect()


def compare_rows(expected: Path, found: Path, tally: Tally, when: str, *, in_order: bool) -> None:
    """Both datasets hold the same rows, in the same order or in any."""
    for table in TABLES:
        one, other = rows(expected, table), rows(found, table)
        if not one.equals(other):
            first, second = Counter(map(repr, one.rows())), Counter(map(repr, other.rows()))
            if in_order or first != second:
                tally.faults.append(f"{when}, {table}: not the rows that undisturbed commands give")
            lost, doubled = (first - second).total(), (second - first).total()
            tally.compare(f"{when}, {table}", lost=lost, doubled=doubled)


def check_at_rest(lake: Path, must: set[bytes], tally: Tally, when: str, *, once: bool) -> None:
    """What a reader finds now: every text of `must`, none twice if `once`, and no violation of a check."""
    found = texts(lake)
    doubled = sum(count - 1 for count in found.values()) if once else 0
    tally.compare(f"{when}, texts", lost=len(must - found.keys()), doubled=doubled)
    if found:
        with ssetl.open(lake) as opened:
            broken = [finding.name for finding in opened.check() if finding.violations.num_rows]
        if broken:
            tally.faults.append(f"{when}, checks find violations: {broken}")


def damage(lake: Path, rng: random.Random) -> bool:
    """Cut a file of a part whose sources still hold what was read of them; whether there is one."""
    dataset = Dataset.open(lake)
    sound = [
        part.name
        for part in live_parts(dataset.plans, dataset.whole).values()
        if part.name in dataset.whole
        and not any(capture.trimmed for capture in part.captures)
        and all(
            capture.forgotten or still_holds(capture, planned_us=dataset.plan_of(part).created_us)
            for capture in part.captures
        )
    ]
    if sound:
        path = dataset.file(rng.choice(TABLES), rng.choice(sound))
        os.truncate(path, path.stat().st_size // 2)
    return bool(sound)
