"""Faults: whatever runs on a dataset is killed at random moments; what that leaves is counted.

    python tests/faults/run.py --minutes 10 --seed 7

A history is a folder that changes from round to round. In each round up to four real ingests race into one
dataset, and most of them, or one of their children, are hit by SIGKILL, SIGTERM or Ctrl-C. There are three
kinds, judged differently, for ingests that saw different files may rightly differ:

- *strict*: the folder rests while ingests run, and each round ends with an undisturbed one. A second dataset
  is ingested after each change by nobody disturbed: both must hold the same rows in the same order.
- *loose*: the folder changes while ingests and compactions run, and half of the rounds end as they are. Where
  captures begin and end is then a matter of luck, so texts are counted, each of which was written once: all
  that the files hold, and all that was seen in the dataset before, must be there once; what was overwritten
  may be gone.
- *kept*: as strict, and compactions, forgettings and repairs run beside the ingests and are hit as they are;
  some rounds begin with a damaged part. The second dataset only forgets the same: both must hold the same
  rows.

Readers run beside all that: they must see all of the old or all of the new, or say that it changed. Before
anything is mended, a reader must find no text gone, and every check clean.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl
from judge import Readers, Tally, check_at_rest, compare_rows, damage, rows, texts, texts_of
from world import TEXT, World

COMMAND = """
import os
from ssetl import cli, compaction, copies, loading, planner, workers, writing
from ssetl.fast import many, reading, sharing
way = os.getpid() % 4
if way == 0:  # parts are written by workers
    workers.WORTH = 0
    workers.can_copy = lambda: False
elif way == 1:  # by copies of the process
    workers.WORTH_COPIES = 0
elif way == 2:  # each file by two processes
    reading.MIN_BLOCK = writing.MAX_EACH = 0
    sharing.WORTH, sharing.FIRST, sharing.WINDOW, sharing.SEGMENT = 30_000, 10_000, 5_000, 20_000
elif way == 3:  # small ones together
    many.LEAST = 0
if way in (1, 2):  # a copy makes the plan
    loading.WORTH = 0
planner.make.__kwdefaults__["part_bytes"] = 30_000  # many parts, to be killed between
compaction.compact.__kwdefaults__["part_bytes"] = 120_000
cli.main()
"""
INTERRUPTED = {0, 128 + signal.SIGINT, 128 + signal.SIGTERM, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}
"""How a command may end that was hit; by the last two if Python had not begun yet."""

PATIENCE = 120
"""Seconds after which a command is said to hang; it takes one."""

KINDS = ("strict", "loose", "kept")

READ = ("sql", "from chunks select content", "--format", "csv")


class Race:
    """Commands on one folder and one dataset, hit at random."""

    def __init__(self, folder: Path, lake: Path, rng: random.Random, tally: Tally) -> None:
        self._lake, self._rng, self._tally = lake, rng, tally
        self.ingest = ("ingest", str(folder))
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "SSETL_DATASET": str(lake),
        }

    def run(
        self,
        *beside: Sequence[str],
        readers: Readers | None = None,
        meanwhile: Callable[[], None] | None = None,
        may_fail: str | None = None,
    ) -> None:
        """Start up to four ingests and what runs beside them, hit most of them, and wait for all.

        Args:
            beside: further commands.
            readers: judge what is read while they run.
            meanwhile: called while they run.
            may_fail: a command may end with status 1 if it says this.
        """
        kind = self._rng.choice([signal.SIGKILL] * 3 + [signal.SIGTERM, signal.SIGINT])
        before = self._temporary()
        commands = [self.ingest] * self._rng.choice([1, 1, 2, 4] if not beside else [1, 1, 2])
        commands += beside
        self._rng.shuffle(commands)
        racing = [self._start(command) for command in commands]
        reading = self._start(READ) if readers else None
        killed_child = False
        for each in racing:
            if readers:
                readers.look()
            self._pause()
            if meanwhile:
                meanwhile()
            if self._rng.random() < 0.8:
                killed_child |= self._hit(each, kind)
        if readers:
            while any(each.poll() is None for each in racing):
                readers.look()
        for command, each in zip(commands, racing, strict=True):
            told = each.communicate(timeout=PATIENCE)[1]
            # Who loses a child may give up, but says so. Who comes first finds no dataset to look after.
            is_excused = killed_child or "no dataset at" in told or (may_fail and may_fail in told)
            expected = INTERRUPTED | ({1} if is_excused else set())
            # Who forgets may find that another has.
            expected |= {2} if command[0] == "forget" and "so nothing was forgotten" in told else set()
            begun = each.returncode != -signal.SIGINT  # else Python tells where it was interrupted
            if each.returncode not in expected or (begun and "Traceback" in told):
                self._tally.faults.append(f"{command[0]} after {kind.name}, status {each.returncode}: {told}")
        self._bury()
        if reading and readers:
            read, told = reading.communicate(timeout=PATIENCE)
            if reading.returncode == 0:
                readers.judge(TEXT.findall(read.encode()))
            elif reading.returncode != 1 or not readers.may_say(told):
                self._tally.faults.append(f"reader, status {reading.returncode}: {told}")
        if kind != signal.SIGKILL and (left := self._temporary() - before):
            self._tally.faults.append(f"after {kind.name}, temporary files: {sorted(left)}")

    def finish(self, *command: str) -> None:
        """One command that nobody disturbs; without a name, an ingest."""
        running = self._start(command or self.ingest)
        told = running.communicate(timeout=PATIENCE)[1]
        if running.returncode and not (running.returncode == 2 and "so nothing was forgotten" in told):
            self._tally.faults.append(f"undisturbed {command}, status {running.returncode}: {told}")

    def _start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        self._tally.runs[command[0]] += 1
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *command],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _pause(self) -> None:
        """Wait for a moment; mostly it is one shortly after something was written."""
        names = self._names()
        end = time.monotonic() + self._rng.uniform(0.2, 2)
        while time.monotonic() < end and self._names() == names:
            time.sleep(0.001)
        time.sleep(self._rng.expovariate(50))

    def _hit(self, running: subprocess.Popen[str], kind: signal.Signals) -> bool:
        """Send a signal, if the command still runs; whether it went to a child."""
        if running.poll() is not None:
            return False
        self._tally.hits[kind.name] += 1
        if kind == signal.SIGINT:
            os.killpg(running.pid, kind)  # as a terminal does
            return False
        family = [running.pid, *(_children(running.pid) if kind == signal.SIGKILL else ())]
        victim = self._rng.choice(family)
        try:
            os.kill(victim, kind)
        except ProcessLookupError:
            return False  # a child that has just ended
        return victim != running.pid

    def _bury(self) -> None:
        """What a dead command has started ends by itself."""
        end = time.monotonic() + PATIENCE
        while left := list(_at_work_on(self._lake)):
            if time.monotonic() > end:
                self._tally.faults.append("children outlived their parent")
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
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


def _at_work_on(lake: Path) -> Iterator[int]:
    """Processes whose command line names the dataset, as that of a worker does; dead ones have none."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            if os.fsencode(lake) in process.joinpath("cmdline").read_bytes().split(b"\0"):
                yield int(process.name)


class History:
    """Some rounds with one folder and one dataset, and another dataset that nobody disturbs."""

    def __init__(self, base: Path, rng: random.Random, tally: Tally, *, kind: str) -> None:
        self._rng, self._tally = rng, tally
        self._world = World(base / "in", rng, keeps_beginnings=kind != "loose")
        self._lake, self._undisturbed = base / "lake", base / "undisturbed"
        self._race = Race(self._world.path, self._lake, rng, tally)
        self._by_nobody = Race(self._world.path, self._undisturbed, rng, tally)
        self._round: Callable[[str], None] = {
            "strict": self._strict,
            "loose": self._loose,
            "kept": self._kept,
        }[kind]

    def run(self, name: str, rounds: int) -> None:
        """So many rounds; `name` is what the history is called in faults."""
        self._change(4)
        for n in range(rounds):
            self._tally.rounds += 1
            self._round(f"{name}, round {n}")
        if self._round == self._loose:
            self._finish_loose(name)

    def _change(self, times: int | None = None) -> None:
        self._world.seen()
        for _ in range(times or self._rng.choice([1, 2, 4])):
            self._world.change()

    def _strict(self, when: str) -> None:
        seen = set(texts(self._lake))
        self._change()
        self._race.run()
        check_at_rest(self._lake, seen - self._world.overwritten, self._tally, when, once=True)
        self._compare(when, in_order=True)

    def _loose(self, when: str) -> None:
        readers = Readers(self._lake, self._tally, stays=set(texts(self._lake)))
        self._change()

        def meanwhile() -> None:
            self._world.change()
            readers.stays -= self._world.overwritten

        beside = [(name,) for name in ("compact", "repair") if self._rng.random() < 0.4]
        readers.stays -= self._world.overwritten
        self._race.run(*beside, readers=readers, meanwhile=meanwhile)
        check_at_rest(self._lake, readers.stays, self._tally, when, once=False)
        if self._rng.random() < 0.5:
            self._finish_loose(when, readers.stays)

    def _finish_loose(self, when: str, stays: Iterable[bytes] = ()) -> None:
        self._race.finish()
        must = self._world.texts().union(stays)
        check_at_rest(self._lake, must, self._tally, f"{when}, finished", once=True)

    def _kept(self, when: str) -> None:
        match self._rng.choice(["compact", "compact", "--capture", "--stream", "damage"]):
            case "compact":
                self._compacted(when)
            case "damage":
                self._damaged(f"{when}, damaged")
            case kind:
                self._forgotten(when, kind)

    def _compacted(self, when: str) -> None:
        seen = set(texts(self._lake))
        self._change()
        readers = Readers(self._lake, self._tally, stays=seen - self._world.overwritten)
        beside = self._rng.choice([1, 1, 2]) * [("compact",)] + self._rng.choice([0, 1]) * [("repair",)]
        self._race.run(*beside, readers=readers)
        check_at_rest(self._lake, readers.stays, self._tally, when, once=True)
        self._compare(when)

    def _forgotten(self, when: str, kind: str) -> None:
        # What others ingest meanwhile is new, so that it is the same before and after.
        column = kind.strip("-") + "_id"
        known = rows(self._lake, "chunks")[column].unique().sort().to_list() if self._lake.exists() else []
        if not known:
            self._compacted(when)
            return
        chosen = self._rng.sample(known, min(len(known), self._rng.choice([1, 1, 3])))
        goes = set(texts_of(self._lake, pl.col(column).is_in(chosen)))
        stays = set(texts(self._lake)) - goes
        self._world.add(self._rng.choice([1, 3]))
        forget = ("forget", *(word for id_ in chosen for word in (kind, id_)))
        readers = Readers(self._lake, self._tally, stays=stays, goes=goes)
        beside = [forget] * self._rng.choice([1, 1, 2]) + [("compact",)] * self._rng.choice([0, 1])
        self._race.run(*beside, readers=readers)
        check_at_rest(self._lake, stays, self._tally, when, once=True)
        self._race.finish(*forget)
        self._by_nobody.finish()
        self._by_nobody.finish(*forget)
        self._compare(when)

    def _damaged(self, when: str) -> None:
        if self._lake.exists() and damage(self._lake, self._rng):
            self._race.run(*[("repair",)] * self._rng.choice([1, 2]), may_fail="`ssetl repair`")
            self._race.finish("repair")
        self._compare(when)

    def _compare(self, when: str, *, in_order: bool = False) -> None:
        self._race.finish()
        self._by_nobody.finish()
        compare_rows(self._undisturbed, self._lake, self._tally, when, in_order=in_order)


def main() -> int:
    """Run histories until the time or the number of them is up; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description="Kill at random, and count what is lost or doubled.")
    parser.add_argument("--minutes", type=float, default=1.0, help="begin no history after so long")
    parser.add_argument("--histories", type=int, help="run so many, however long they take")
    parser.add_argument("--rounds", type=int, default=6, help="rounds of a history")
    parser.add_argument("--kind", choices=KINDS, help="only histories of this kind; else of all, in turn")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same files")
    options = parser.parse_args()
    tally = Tally()
    end = time.monotonic() + options.minutes * 60
    n = 0
    while n < options.histories if options.histories else time.monotonic() < end:
        kind = options.kind or KINDS[n % len(KINDS)]
        known = len(tally.faults)
        with tempfile.TemporaryDirectory(prefix="ssetl-faults-") as base:
            rng = random.Random(f"{options.seed}-{n}")
            History(Path(base), rng, tally, kind=kind).run(f"{kind} history {n}", options.rounds)
        for fault in tally.faults[known:]:
            print(fault, flush=True)
        n += 1
        print(tally, flush=True)
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
