"""The command line: arguments to the API, results to stdout, everything else to stderr.

Exit status: 0 fine, 1 data or query at fault, 2 wrong usage, 130 interrupted, 143 terminated. What can be
expected to fail does so with one line. Until a command runs, only click is imported.
"""

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ssetl import copies, options, stopping, upkeep
from ssetl.errors import BadParameter, SsetlError, UsageError
from ssetl.inert import printable
from ssetl.tuning import leave, tune

if TYPE_CHECKING:
    from ssetl.lake import Lake

OVERVIEW: Final = "overview"
TRACEBACK: Final = "SSETL_TRACEBACK"
"""Environment variable; if set, an unexpected error shows where it came from."""

_KEPT: Final = "What was complete before is kept"
_STOPPED: Final = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
_NOT_WRITABLE: Final = "let this user write there, or name another place"
_REMEDIES: Final = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room within that quota",
    errno.EACCES: _NOT_WRITABLE,
    errno.EPERM: _NOT_WRITABLE,
    errno.EROFS: _NOT_WRITABLE,
    errno.EIO: "see what is wrong with that disk",
    errno.EMFILE: "allow more open files (`ulimit -n`)",
}
"""What helps against an error of the operating system, where that is known."""


def _version(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from ssetl import __version__

        click.echo(f"ssetl {__version__}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show it and exit."
)
def ssetl() -> None:
    """Turn captured LLM event streams into Parquet, and ask them questions in SQL."""


@ssetl.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@options.dataset
@click.option("--settle", default=0.0, metavar="SECONDS", help="Let files be that were written so lately.")
@click.option(
    "--content",
    type=click.Choice(("keep", "hash", "drop")),
    default="keep",
    show_default=True,
    help="What becomes of texts that people wrote: answers, tool arguments, error messages, …",
)
@click.option(
    "--max-ratio", type=click.IntRange(1), metavar="N", help="Stop inflating at N times a file's size. [250]"
)
@click.option(
    "--max-bytes", type=click.IntRange(1), metavar="N", help="Stop inflating a file at N bytes. [1 TiB]"
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def ingest(
    paths: Sequence[str],
    *,
    dataset: str,
    settle: float,
    content: str,
    max_ratio: int | None,
    max_bytes: int | None,
    form: str,
) -> int:
    """Read captures into a dataset.

    PATH is a file, a folder, a glob, or - for standard input. What the dataset holds already is not read
    again. A summary goes to stderr, or as JSON to stdout.
    """
    tune()  # before what follows
    from ssetl.captures.compression import DEFAULT_LIMITS, Limits
    from ssetl.ingestion import ingest as run
    from ssetl.summary import progress_bar, sentences

    limits = Limits(max_ratio or DEFAULT_LIMITS.max_ratio, max_bytes or DEFAULT_LIMITS.max_bytes)
    with progress_bar(sys.stderr) as progress:
        summary = run(
            list(paths), dataset=dataset, settle=settle, content=content, limits=limits, progress=progress
        )
    if form == "json":
        import msgspec

        click.echo(msgspec.json.encode(summary))
    else:
        click.echo(sentences(summary, dataset), err=True)
    return 1 if summary.unreadable and not (summary.captures or summary.unchanged) else 0


@ssetl.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@options.dataset
@options.parameters
@options.queries
@options.output
def report(
    names: Sequence[str],
    *,
    dataset: str,
    since: str | None,
    until: str | None,
    model: str | None,
    pairs: Sequence[str],
    queries: Sequence[str],
    form: str,
    output: str | None,
    raw: bool,
) -> None:
    """Print reports; without a name, the overview.

    `ssetl reports` tells which there are.
    """
    from ssetl.output import give

    if len(names) > 1 and (output or form != "table"):
        raise UsageError(
            "one report at a time, but for tables on stdout; `ssetl export` writes a file for each."
        )
    values = _values(pairs, since=since, until=until, model=model)
    with _lake(dataset, queries=queries) as lake:
        for name in names or [OVERVIEW]:
            batches = lake.report_batches(name, values)
            if len(names) > 1:
                click.echo(f"\n{name}\n")
            if not give(batches, form, output, raw=raw):
                where = [f"{key} is {value}" for key, value in values.items()]
                _note(f"{name}: no rows{' where ' if where else ''}{' and '.join(where)}")


@ssetl.command()
@options.queries
@options.output
def reports(queries: Sequence[str], form: str, output: str | None, raw: bool) -> None:
    """List the reports and their parameters."""
    import pyarrow as pa

    from ssetl.output import give
    from ssetl.reports import catalogue

    rows = [
        {
            "report": each.name,
            "description": each.description,
            "parameters": [parameter.name for parameter in each.parameters],
        }
        for each in catalogue([Path(folder) for folder in queries])
    ]
    give(pa.Table.from_pylist(rows).to_reader(), form, output, raw=raw)


@ssetl.command()
@click.argument("query", required=False, metavar="[SELECT]")
@click.option("-f", "--file", metavar="FILE", help="Read the query from FILE.")
@options.dataset
@options.pairs
@options.output
def sql(
    *,
    query: str | None,
    file: str | None,
    dataset: str,
    pairs: Sequence[str],
    form: str,
    output: str | None,
    raw: bool,
) -> None:
    """Print what a query of your own selects.

    Tables are captures, streams, chunks and rejects; views: SHOW TABLES. A query can read the dataset and
    nothing else.
    """
    from ssetl.output import give

    if (query is None) == (file is None):
        raise UsageError("expected one query: `ssetl sql 'SELECT …'` or `ssetl sql -f FILE`.")
    text = _read(file) if file else query or ""
    with _lake(dataset) as lake:
        batches = lake.sql_batches(text, _values(pairs), origin=file or "SQL")
        if not give(batches, form, output, raw=raw):
            _note("no rows")


@ssetl.command()
@click.argument("stream", metavar="STREAM_ID")
@options.dataset
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def explain(stream: str, dataset: str, form: str) -> None:
    """Show one stream as a timeline.

    STREAM_ID may be the beginning of one, or a response_id. Below the events and the gaps between them
    stands what each tool's definition of latency makes of the stream.
    """
    from ssetl.output import say, terminal_width

    with _lake(dataset) as lake:
        explanation = lake.explain(stream)
    if form == "json":
        import msgspec

        say(msgspec.json.encode(explanation).decode(), is_inert=False)
    else:
        from ssetl.picture import draw

        say(draw(explanation, width=terminal_width()), is_inert=True)


@ssetl.command()
@click.argument("names", nargs=-1, metavar="[TABLE|REPORT]…")
@click.option("--to", "folder", required=True, metavar="DIR", help="Folder for the files; made if missing.")
@click.option("--format", "form", type=click.Choice(options.FILE_FORMATS), default="csv", show_default=True)
@options.dataset
@options.parameters
@options.queries
@click.option("--no-content", is_flag=True, help="Leave out what people wrote: answers, tool arguments, …")
@options.raw
def export(
    names: Sequence[str],
    *,
    folder: str,
    form: str,
    dataset: str,
    since: str | None,
    until: str | None,
    model: str | None,
    pairs: Sequence[str],
    queries: Sequence[str],
    no_content: bool,
    raw: bool,
) -> None:
    """Write reports and tables to files.

    Without names, all reports that summarize. A name that is both a table and a report means the table.
    Each file is written whole or not at all.
    """
    from ssetl.export import export as run

    values = _values(pairs, since=since, until=until, model=model)
    with _lake(dataset, queries=queries, content=not no_content) as lake:
        for path in run(lake, names, Path(folder), form, parameters=values, raw=raw):
            click.echo(printable(str(path)), err=True)


for _command in (upkeep.check, upkeep.compact, upkeep.forget, upkeep.repair):
    ssetl.add_command(_command)


@contextlib.contextmanager
def _lake(dataset: str, *, queries: Sequence[str] = (), content: bool = True) -> Iterator["Lake"]:
    """The dataset, open for reading, for a process that leaves the machine in peace."""
    from ssetl.bounds import bounded
    from ssetl.lake import Lake

    with bounded(), Lake(dataset, queries=queries, content=content) as lake:
        yield lake


def _note(text: str) -> None:
    click.echo(printable(text), err=True)


def _values(pairs: Sequence[str], **options: str | None) -> dict[str, str | None]:
    """Parameters of a report, from `NAME=VALUE` texts and from options that were given."""
    values = {name: value for name, value in options.items() if value is not None}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise BadParameter(f"expected --param NAME=VALUE, found {pair!r}.")
        values[name] = value
    return dict(values)


def _read(file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise UsageError(f"cannot read the query in {file}: {reason}.") from None


def run(arguments: Sequence[str]) -> int:
    """Run a command line; give its exit status."""
    try:
        return ssetl.main(list(arguments), prog_name="ssetl", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        return _fail(f"{error.format_message()} See `ssetl --help`.", 2)
    except SsetlError as error:
        return _fail(str(error), error.exit_status)
    except (KeyboardInterrupt, click.Abort):
        return _fail(f"{_STOPPED[signal.SIGINT]}. {_KEPT}.", 128 + signal.SIGINT)
    except stopping.Terminated:
        return _fail(f"{_STOPPED[signal.SIGTERM]}. {_KEPT}.", 128 + signal.SIGTERM)
    except MemoryError:
        return _fail("this needs more memory than there is. Ask for fewer rows or columns, or aggregate.", 1)
    except OSError as error:
        return _fail(_failure_of_system(error), 1)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            import traceback

            traceback.print_exc()
        return _fail(f"unexpected: {error!r}. Set {TRACEBACK}=1 to see where it came from.", 1)


def _failure_of_system(error: OSError) -> str:
    what = os.strerror(error.errno).lower() if error.errno else str(error)
    where = f" at {error.filename}" if error.filename else ""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{what}{where}. {_KEPT}: {f'{remedy}, and ' if remedy else ''}run it again."


def _fail(message: str, status: int) -> int:
    if number := stopping.came():  # whatever a library made of it
        message, status = f"{_STOPPED[number]}. {_KEPT}.", 128 + number
    click.echo(f"ssetl: error: {printable(message)}", err=True)
    return status


def _open_missing() -> None:
    """Open the standard streams that were closed (`>&-`): a file would get their number, or there is none."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(descriptor)
    sys.stdout, sys.stderr = sys.stdout or os.fdopen(1, "w"), sys.stderr or os.fdopen(2, "w")


def main() -> None:
    """Run the command line of this process and exit."""
    _open_missing()
    stopping.listen()
    copies.claim()
    status = run(sys.argv[1:])
    stopping.ignore()
    leave(status)
