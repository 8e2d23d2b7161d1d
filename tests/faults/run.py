"""Faults: ingests of a changing folder are killed at random moments; what they leave is counted.

    python tests/faults/run.py --minutes 10 --seed 7

A history is a folder that changes from round to round. In each round up to four real ingests race into one
dataset, and most of them, or one of their children, are hit by SIGKILL, SIGTERM or Ctrl-C. There are two
kinds, judged differently, for ingests that saw different files may rightly differ:

- *strict*: the folder rests while ingests run, and each round ends with an undisturbed one. A second dataset
  is ingested after each change by nobody disturbed: both must hold the same rows in the same order.
- *loose*: the folder changes while ingests run, and half of the rounds end as they are. Where captures begin
  and end is then a matter of luck, so texts are counted, each of which was written once: all that the files
  hold, and all that was seen in the dataset before, must be there once; what was overwritten may be gone.

In both, before anything is mended, a reader must find no text gone, and every check clean.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from world import TEXT, World

import ssetl

TABLES = ("captures", "streams", "chunks", "rejects")

INGEST = """
from ssetl import cli, planner
planner.make.__kwdefaults__["part_bytes"] = 30_000  # many parts, to be killed between
cli.main()
"""
INTERRUPTED = {0, 128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
"""How an ingest may end that was hit; by the last two if Python had not begun yet."""

PATIENCE = 120
"""Seconds after which an ingest is said to hang; it takes one."""

ROUNDS = 6
"""Rounds of a history."""


@dataclass
class Tally:
    """What was done, and what went wrong."""

    rounds: int = 0
    ingests: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        hits = ", ".join(f"{count} {name}" for name, count in sorted(self.hits.items()))
        return (
            f"{self.rounds} rounds, {self.ingests} ingests, {self.hits.total()} hit ({hits}), "
            f"{self.lost} rows lost, {self.doubled} rows doubled, {len(self.faults)} faults"
        )

    def compare(self, what: str, *, lost: int, doubled: int) -> None:
        self.lost += lost
        self.doubled += doubled
        if lost or doubled:
            self.faults.append(f"{what}: {lost} lost, {doubled} doubled")


class Race:
    """Ingests of one folder into one dataset, hit at random."""

    def __init__(self, folder: Path, lake: Path, rng: random.Random, tally: Tally) -> None:
        self._lake, self._rng, self._tally = lake, rng, tally
        self._command = [sys.executable, "-c", INGEST, "ingest", str(folder), "--dataset", str(lake)]
        self._environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Start up to four ingests, hit most of them, and wait for all.

        `meanwhile` is called while they run.
        """
        kind = self._rng.choice([signal.SIGKILL] * 3 + [signal.SIGTERM, signal.SIGINT])
        before = self._temporary()
        racing = [self._start() for _ in range(self._rng.choice([1, 1, 2, 4]))]
        killed_child = False
        for each in racing:
            self._pause()
            if meanwhile:
                meanwhile()
            if self._rng.random() < 0.8:
                killed_child |= self._hit(each, kind)
        for each in racing:
            told = each.communicate(timeout=PATIENCE)[1]
            # Who loses a child may give up, but says so.
            expected = INTERRUPTED | ({1} if killed_child else set())
            begun = each.returncode != -signal.SIGINT  # else Python tells where it was interrupted
            if each.returncode not in expected or (begun and "Traceback" in told):
                self._tally.faults.append(f"after {kind.name}, status {each.returncode}: {told}")
            self._bury(each.pid)
        if kind != signal.SIGKILL and (left := self._temporary() - before):
            self._tally.faults.append(f"after {kind.name}, temporary files: {sorted(left)}")

    def finish(self) -> None:
        """One ingest that nobody disturbs."""
        ingest = self._start()
        told = ingest.communicate(timeout=PATIENCE)[1]
        if ingest.returncode:
            self._tally.faults.append(f"undisturbed, status {ingest.returncode}: {told}")

    def _start(self) -> subprocess.Popen[str]:
        self._tally.ingests += 1
        return subprocess.Popen(
            self._command, env=self._environment, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def _pause(self) -> None:
        """Wait for a moment; mostly it is one shortly after something was written."""
        names = self._names()
        end = time.monotonic() + self._rng.uniform(0.2, 2)
        while time.monotonic() < end and self._names() == names:
            time.sleep(0.001)
        time.sleep(self._rng.expovariate(50))

    def _hit(self, ingest: subprocess.Popen[str], kind: signal.Signals) -> bool:
        """Send a signal, if the ingest still runs; whether it went to a child."""
        if ingest.poll() is not None:
            return False
        self._tally.hits[kind.name] += 1
        if kind == signal.SIGINT:
            os.killpg(ingest.pid, kind)  # as a terminal does
            return False
        family = [ingest.pid, *(_children(ingest.pid) if kind == signal.SIGKILL else ())]
        victim = self._rng.choice(family)
        try:
            os.kill(victim, kind)
        except ProcessLookupError:
            return False  # a child that has just ended
        return victim != ingest.pid

    def _bury(self, group: int) -> None:
        """Children of a dead ingest end by themselves."""
        end = time.monotonic() + PATIENCE
        while _is_alive(group):
            if time.monotonic() > end:
                self._tally.faults.append("children outlived their ingest")
                os.killpg(group, signal.SIGKILL)
                return
            time.sleep(0.01)

    def _names(self) -> set[str]:
        return {str(path) for path in self._lake.glob("*/*")}

    def _temporary(self) -> set[str]:
        return {name for name in self._names() if name.endswith(".tmp")}


def _children(pid: int) -> Iterator[int]:
    """Processes that a process has started, and those that they have; Linux tells."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text().split()]
        except OSError:  # the task has just ended
            continue
        for child in children:
            yield child
            yield from _children(child)


def _is_alive(group: int) -> bool:
    """Whether a process of the group runs; dead ones that nobody has waited for do not."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = status.read_text().rpartition(")")[2].split()[:3]
        except OSError:  # it has just ended
            continue
        if its_group == str(group) and state != "Z":
            return True
    return False


def texts(lake: Path) -> Counter[bytes]:
    """How often the dataset holds each text."""
    if not (lake / "_plan").exists():
        return Counter()
    with ssetl.open(lake) as opened:
        contents = opened.scan("chunks").select("content").collect()["content"].drop_nulls()
    return Counter(text for content in contents for text in TEXT.findall(content.encode()))


def rows(lake: Path, table: str) -> pl.DataFrame:
    """All rows of a table, without the time of the ingest."""
    with ssetl.open(lake) as opened:
        return opened.scan(table).drop("ingested_at", strict=False).collect()


def compare_rows(expected: Path, found: Path, tally: Tally) -> None:
    """Both datasets hold the same rows in the same order."""
    for table in TABLES:
        one, other = rows(expected, table), rows(found, table)
        if not one.equals(other):
            first, second = Counter(map(repr, one.rows())), Counter(map(repr, other.rows()))
            tally.faults.append(f"{table}: not the same rows in the same order")
            lost, doubled = (first - second).total(), (second - first).total()
            tally.compare(table, lost=lost, doubled=doubled)


def check_reader(lake: Path, must: set[bytes], tally: Tally, when: str, *, once: bool) -> None:
    """What a reader finds now: every text of `must`, none twice if `once`, and no violation of a check."""
    found = texts(lake)
    doubled = sum(count - 1 for count in found.values()) if once else 0
    tally.compare(f"texts {when}", lost=len(must - found.keys()), doubled=doubled)
    if found:
        with ssetl.open(lake) as opened:
            broken = [finding.name for finding in opened.check() if finding.violations.num_rows]
        if broken:
            tally.faults.append(f"{when}, checks find violations: {broken}")


def history(base: Path, rng: random.Random, tally: Tally, *, strict: bool) -> None:
    """Some rounds with one folder and one dataset."""
    world = World(base / "in", rng, keeps_beginnings=strict)
    lake, undisturbed = base / "lake", base / "undisturbed"
    race = Race(world.path, lake, rng, tally)
    by_nobody = Race(world.path, undisturbed, rng, tally)
    for _ in range(4):
        world.change()
    for n in range(ROUNDS):
        seen = set(texts(lake))
        tally.rounds += 1
        for _ in range(rng.choice([1, 2, 4])):
            world.change()
        race.run(meanwhile=None if strict else world.change)
        before = seen - world.overwritten
        check_reader(lake, before, tally, f"round {n}, disturbed", once=not strict)
        if strict:
            race.finish()
            by_nobody.finish()
            compare_rows(undisturbed, lake, tally)
        elif rng.random() < 0.5 or n == ROUNDS - 1:
            race.finish()
            check_reader(lake, before | world.texts(), tally, f"round {n}, finished", once=True)


def main() -> int:
    """Run histories until the time or the number of them is up; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description="Kill ingests at random, and count what is lost or doubled.")
    parser.add_argument("--minutes", type=float, default=1.0, help="begin no history after so long")
    parser.add_argument("--histories", type=int, help="run so many, however long they take")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same files")
    options = parser.parse_args()
    tally = Tally()
    end = time.monotonic() + options.minutes * 60
    n = 0
    while n < options.histories if options.histories else time.monotonic() < end:
        with tempfile.TemporaryDirectory(prefix="ssetl-faults-") as base:
            rng = random.Random(f"{options.seed}-{n}")
            known = len(tally.faults)
            history(Path(base), rng, tally, strict=n % 2 == 0)
        for fault in tally.faults[known:]:
            print(f"history {n}: {fault}", flush=True)
        n += 1
        print(tally, flush=True)
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
