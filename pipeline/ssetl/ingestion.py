"""Ingest: sources in, parts of a dataset out. Composes the other modules, and nothing else.

First a plan says which captures go into which part; then each part is read and written. A rerun finishes
what is planned and not whole, and reads nothing that is. Several ingests of one dataset at a time take the
same steps in turn: who loses the race for a plan looks again, and a part written twice is the same part.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from ssetl import loading, planner, stopping
from ssetl.captures import sources
from ssetl.captures.compression import DEFAULT_LIMITS, Limits
from ssetl.content import MODES, OPTION
from ssetl.dataset import Dataset
from ssetl.errors import UsageError
from ssetl.lineage import PartGone
from ssetl.plan import Part, plan_number

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""


class Summary(msgspec.Struct, frozen=True):
    """What an ingest did.

    Args:
        captures: captures read, copies among them.
        copies: captures whose bytes the dataset already holds under another name.
        streams, events, chunks, rejects: rows written.
        bytes: decompressed bytes read.
        seconds: wall time.
        parts: parts written.
        unchanged: sources that hold nothing new.
        waiting: sources left for later: still being written.
        damaged: paths of sources that could be read in part only.
        unreadable: paths that could not be read at all, with the reason.

    """

    captures: int = 0
    copies: int = 0
    streams: int = 0
    events: int = 0
    chunks: int = 0
    rejects: int = 0
    bytes: int = 0
    seconds: float = 0.0
    parts: int = 0
    unchanged: int = 0
    waiting: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    unreadable: tuple[tuple[str, str], ...] = ()


def ingest(
    paths: str | Path | Sequence[str | Path],
    *,
    dataset: str | Path = "data/lake",
    settle: float = 0.0,
    content: str = "keep",
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Summary:
    """Bring new captures into a dataset, which is created if there is none.

    Args:
        paths: one or several files, folders (with all below them) and globs; `-` is standard input.
        dataset: folder of the dataset.
        settle: seconds for which a source must have been quiet before its open end is read.
        content: what becomes of the texts that people wrote in what is read now: keep, hash or drop; see
            `ssetl.privacy`.
        limits: how far compressed sources may inflate.
        progress: called now and then with (bytes done, bytes in all).

    Raises:
        SourceNotFound: a path names nothing.
        NoSources: there is no file in the paths.
        NotADataset: the dataset folder holds other things.
        SchemaVersionError, DatasetDamaged: the dataset cannot be continued.
        UsageError: `content` is none of the three.
        OSError: the dataset cannot be written.

    """
    if content not in MODES:
        raise UsageError(f"content is {', '.join(MODES)}, and not {content!r}.")
    began = time.perf_counter()
    named = [str(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    found = (
        sources.find(path for path in named if path != "-") if set(named) != {"-"} else sources.Found([], [])
    )
    folder = Dataset.create(dataset).path
    if "-" in named:
        sources.spool(sys.stdin.buffer, folder)
    listed = [*found.sources, *sources.spooled(folder)]
    is_large = sum(source.size for source in listed) >= loading.WORTH and len(listed) <= loading.MOST
    plan = partial(
        planner.make,
        settle=settle,
        where=loading.planned if is_large else planner.here,
        closed=_closed_bytes,
        options={} if content == "keep" else {OPTION: content},
        limits=limits,
    )
    run = _Run(folder, listed, plan, progress or (lambda _done, _all: None))
    planned = run.finish()
    if sources.spooled(folder):
        Dataset.open(folder).clear_spool()
    return Summary(
        **run.counts,
        seconds=time.perf_counter() - began,
        unchanged=planned.unchanged,
        waiting=(*planned.waiting, *run.changing),
        damaged=tuple(run.damaged),
        unreadable=(*planned.unreadable, *found.rejected),
    )


def finish(dataset: str | Path) -> None:
    """Finish what other ingests began, as they would, and read nothing else.

    Raises:
        NotADataset, SchemaVersionError, DatasetDamaged: the dataset cannot be continued.
        OSError: the dataset cannot be written.
    """
    _Run(Dataset.open(Path(dataset).absolute()).path, [], planner.make, lambda _done, _all: None).finish()


def _closed_bytes(path: str, offset: int, length: int) -> int:
    from ssetl.writing import closed_bytes  # noqa: PLC0415 - takes long to load, and few plans need it

    return closed_bytes(path, offset, length)


class _Run:
    """One ingest: plans and writes until nothing is left to do."""

    def __init__(
        self,
        folder: Path,
        listed: list[sources.Source],
        plan: Callable[..., planner.Planned],
        progress: Progress,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.damaged: list[str] = []
        self.changing: list[str] = []
        self.planned: planner.Planned | None = None
        self._folder = folder
        self._listed = listed
        self._plan = plan
        self._progress = progress
        self._planned_before = 0

    def finish(self) -> planner.Planned:
        """Do what is to do; give what was found to do at first."""
        self._planned_before = Dataset.open(self._folder).number
        while True:
            dataset = Dataset.open(self._folder).settled()
            if pending := dataset.pending_parts():
                self._write(dataset, pending)
                continue
            now_us = time.time_ns() // 1000
            listed = [source for source in self._listed if source.path not in self.changing]
            try:
                planned = self._plan(dataset, listed, now_us=now_us)
            except PartGone:
                continue
            self.planned = self.planned or planned
            if not planned.plans:
                return self.planned
            for plan in planned.plans:
                if not Dataset.open(self._folder).publish(plan):
                    break

    def _write(self, dataset: Dataset, pending: list[Part]) -> None:
        """Write the parts that are planned and not whole."""
        from ssetl.ranges import SourceChanged  # noqa: PLC0415 - as above
        from ssetl.workers import write_parts  # noqa: PLC0415 - loaded while the plan was made

        stopping.stop_if_asked()

        size = sum(planned.bytes for part in pending for planned in part.captures)
        done = 0

        def advance(read: int) -> None:
            nonlocal done
            done += read
            self._progress(done, size)

        for part, written in write_parts(dataset, pending, advance):
            if isinstance(written, SourceChanged):
                # What changed since a crashed ingest planned it may be at rest again: it is planned anew.
                if plan_number(part.name) > self._planned_before:
                    self.changing.append(written.path)
                now_us = time.time_ns() // 1000
                dataset = Dataset.open(self._folder)
                # Another ingest may have finished it; and may do so even now, see Dataset.settled.
                if any(part.name == pending.name for pending in dataset.pending_parts()):
                    dataset.publish(planner.void(dataset, part.name, now_us=now_us))
            else:
                self.counts += written
                read = () if part.gathers else part.captures
                self.damaged += [planned.path for planned in read if planned.damage]
