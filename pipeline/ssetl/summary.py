"""What an ingest does and did, for a person who watches: a progress bar, and a few sentences at the end."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TextIO

from ssetl.inert import printable

if TYPE_CHECKING:
    from ssetl.ingestion import Summary

WORTH_A_RATE: Final = 1_000_000
"""Bytes; of less, the time is spent on other things than reading."""

MAX_NAMED: Final = 5
"""Of many sources with the same trouble, the first few are named."""

REDRAWN: Final = 0.1
"""Seconds for which a progress bar stays as it is."""


def sentences(summary: "Summary", dataset: str) -> str:
    """The closing summary, in lines of text."""
    return "\n".join([*_outcome(summary, dataset), *_troubles(summary)])


def _outcome(summary: "Summary", dataset: str) -> Iterator[str]:
    if not summary.captures:
        yield (
            f"nothing new in {count(summary.unchanged, 'source')}" if summary.unchanged else "nothing to read"
        )
        return
    rate = (
        f", {summary.bytes / summary.seconds / 1e6:.1f} MB/s"
        if summary.bytes >= WORTH_A_RATE and summary.seconds
        else ""
    )
    captures, streams = count(summary.captures, "capture"), count(summary.streams, "stream")
    yield f"{captures}: {streams}, {count(summary.events, 'event')}, {count(summary.chunks, 'chunk row')}"
    yield f"{size(summary.bytes)} in {summary.seconds:.2f} s{rate}, into {printable(dataset)}"
    if summary.unchanged:
        yield f"{count(summary.unchanged, 'source')} unchanged"
    if summary.copies:
        yield f"{count(summary.copies, 'copy', 'copies')} of what the dataset has already: not counted again"
    if summary.rejects:
        yield f"{count(summary.rejects, 'reject')}: bytes that are no event, see `ssetl report rejects`"


def _troubles(summary: "Summary") -> Iterator[str]:
    if summary.waiting:
        yield from _named("still being written, left for later", summary.waiting)
    if summary.damaged:
        yield from _named("damaged, read as far as possible", summary.damaged)
    if summary.unreadable:
        yield from _named("not readable", [f"{path} ({reason})" for path, reason in summary.unreadable])


def _named(trouble: str, paths: Sequence[str]) -> Iterator[str]:
    yield f"{count(len(paths), 'source')} {trouble}:"
    yield from (f"  {printable(path)}" for path in paths[:MAX_NAMED])
    if len(paths) > MAX_NAMED:
        yield f"  and {len(paths) - MAX_NAMED:,} more"


def count(n: int, one: str, many: str | None = None) -> str:
    """So many of something."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def size(n: int) -> str:
    """So many bytes."""
    if n < 1e6:
        return f"{n / 1e3:.1f} kB"
    return f"{n / 1e6:.1f} MB" if n < 1e9 else f"{n / 1e9:.2f} GB"


@contextlib.contextmanager
def progress_bar(out: TextIO) -> Iterator[Callable[[int, int], None] | None]:
    """A bar on `out` to be called with (bytes done, bytes in all); None where `out` is no terminal.

    It draws when it is called, and has no thread for that: a process with threads is not copied.
    """
    if not out.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        DownloadColumn,
        Progress,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=out), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("ingest", total=None)
        drawn = -REDRAWN

        def draw(done: int, total: int) -> None:
            nonlocal drawn
            is_due = (now := time.monotonic()) >= drawn + REDRAWN
            drawn = now if is_due else drawn
            bar.update(task, completed=done, total=total, refresh=is_due)

        yield draw
