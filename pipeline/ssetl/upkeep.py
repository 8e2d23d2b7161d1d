"""The commands that look after a dataset: check, compact, forget, repair.

What `cli` says of arguments, output and exit status is true of these, too.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import click

from ssetl import options
from ssetl.inert import printable

if TYPE_CHECKING:
    from ssetl.checks import Finding
    from ssetl.leftovers import Leftover
    from ssetl.repairing import Repaired

MAX_NAMED: Final = 20
"""Of many files, the first few are named."""


@click.command()
@click.argument("names", nargs=-1, metavar="[CHECK]…")
@options.dataset
@options.output
def check(names: Sequence[str], dataset: str, form: str, output: str | None, raw: bool) -> int:
    """Look for damaged files, and for rows that must not exist.

    Without names, with all checks; the first is `structure`, and if that finds damage, the others have to
    wait. Exit status 1 if anything is found. What merely lies about is named on stderr, and is no fault.
    """
    import pyarrow as pa

    from ssetl.bounds import bounded
    from ssetl.lake import Lake
    from ssetl.output import give

    with bounded(), Lake(dataset) as lake:
        findings = list(lake.check(*names))
    rows = [
        {"check": found.name, "violations": found.violations.num_rows, "description": found.description}
        for found in findings
    ]
    give(pa.Table.from_pylist(rows).to_reader(), form, output, raw=raw)
    broken = [found for found in findings if found.violations.num_rows]
    if form == "table" and not output:
        for found in broken:
            click.echo(f"\n{found.name}\n")
            give(found.violations.to_reader(), form, output, raw=raw)
    for line in _remarks(dataset, names, broken):
        click.echo(line, err=True)
    return 1 if broken else 0


@click.command()
@options.dataset
def compact(dataset: str) -> None:
    """Join small parts into large ones, sorted by time.

    Rows stay as they are. Afterwards a glob over the Parquet files is right again, whatever was replaced.
    Ingests and reports may run meanwhile; a report whose files are gone says so: run it again.
    """
    from ssetl.compaction import compact as run
    from ssetl.summary import count, size

    done = run(dataset)
    parts = f"{count(done.parts_before, 'part')} before, {done.parts_after:,} now"
    click.echo(f"{parts}; {size(done.bytes_before)} before, {size(done.bytes_after)} now", err=True)


@click.command()
@click.option("--capture", "captures", multiple=True, metavar="ID", help="Forget a capture; repeatable.")
@click.option("--stream", "streams", multiple=True, metavar="ID", help="Forget a stream; repeatable.")
@click.option("--before", metavar="TIME", help="Forget what started before: 2025-04-21, 90d, …")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@options.dataset
def forget(
    *, captures: Sequence[str], streams: Sequence[str], before: str | None, dry_run: bool, dataset: str
) -> None:
    """Remove rows for good.

    A capture goes from all tables, with all copies of the same bytes; a stream goes from streams and chunks.
    Sources are not touched; if they are ingested again, what was forgotten does not come back. A stream of
    unknown start is as old as its ingest.
    """
    from ssetl.forgetting import forget as run
    from ssetl.summary import count, size

    gone = run(dataset, captures=captures, streams=streams, before=before, dry_run=dry_run)
    what = f"{count(gone.captures, 'capture')} ({size(gone.bytes)}), {count(gone.streams, 'stream')}"
    click.echo(
        f"{'would forget' if dry_run else 'forgotten'}: {what}, {count(gone.rejects, 'reject')}", err=True
    )
    if gone.paths:
        click.echo(f"{count(len(gone.paths), 'source')} of them, not touched:", err=True)
        for line in _first(gone.paths):
            click.echo(line, err=True)


@click.command()
@click.option("--give-up", is_flag=True, help="Give up, of damaged parts, what the sources hold no more.")
@options.dataset
def repair(*, give_up: bool, dataset: str) -> int:
    """Remove leftovers, and read damaged parts again.

    Leftovers are files of killed processes and of replaced parts; what is being written stays. A damaged part
    is read again from its sources if they still hold what was read. Exit status 1 if a part is damaged and
    its sources are gone.
    """
    from ssetl.repairing import repair as run

    done = run(dataset, give_up=give_up)
    for line in _repaired(done):
        click.echo(line, err=True)
    return 1 if done.beyond else 0


def _remarks(dataset: str, names: Sequence[str], broken: "Sequence[Finding]") -> Iterator[str]:
    """What a check has to say beside its findings."""
    from pathlib import Path

    from ssetl.dataset import Dataset
    from ssetl.leftovers import find
    from ssetl.summary import count

    if not names and broken and broken[0].name == "structure":
        yield "the other checks were left out: they need all files."
    if pending := Dataset.open(dataset).pending_parts():
        yield f"{count(len(pending), 'part')} planned and not whole: the next `ssetl ingest` finishes them."
    if found := find(Path(dataset)):
        yield f"{_sum(found)} that no plan covers; `ssetl repair` removes what ssetl wrote:"
        yield from _first([f"{each.path} ({each.reason})" for each in found])


def _repaired(done: "Repaired") -> Iterator[str]:
    if done.removed:
        yield f"removed {_sum(done.removed)}:"
        yield from _first([f"{each.path} ({each.reason})" for each in done.removed])
    if done.again:
        yield "damaged parts were read again from their sources:"
        yield from _first(done.again)
    for beyond in done.beyond:
        yield f"part {beyond.part} is damaged:"
        yield from _first(
            [f"{fault.path}: expected {fault.expected}, found {fault.found}" for fault in beyond.faults]
        )
        yield "and these sources do not hold what was read of them, or some of it was forgotten:"
        yield from _first(beyond.lost)
        yield "Restore the part from a backup, or give up what they do not hold: `ssetl repair --give-up`."
    if not (done.removed or done.again or done.beyond):
        yield "nothing to repair"


def _sum(leftovers: "Sequence[Leftover]") -> str:
    from ssetl.summary import count, size

    return f"{count(len(leftovers), 'file')} ({size(sum(each.bytes for each in leftovers))})"


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from (f"  {printable(line)}" for line in lines[:MAX_NAMED])
    if len(lines) > MAX_NAMED:
        yield f"  and {len(lines) - MAX_NAMED:,} more"
