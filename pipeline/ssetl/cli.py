"""The command line: arguments to the API, results to stdout, everything else to stderr.

Exit status: 0 fine, 1 data or query at fault, 2 wrong usage, 130 interrupted. What can be expected to fail
does so with one line. Until a command runs, only click is imported.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ssetl.errors import BadParameter, SsetlError, UsageError
from ssetl.inert import printable

DEFAULT_DATASET: Final = "data/lake"
OVERVIEW: Final = "overview"
FILE_FORMATS: Final = ("csv", "json", "jsonl", "markdown", "parquet", "xlsx")
TRACEBACK: Final = "SSETL_TRACEBACK"
"""Environment variable; if set, an unexpected error shows where it came from."""

Command = TypeVar("Command", bound=Callable[..., Any])


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


_dataset = click.option(
    "--dataset",
    default=DEFAULT_DATASET,
    envvar="SSETL_DATASET",
    metavar="DIR",
    show_default=True,
    show_envvar=True,
    help="The dataset's folder.",
)
_queries = click.option(
    "--queries", multiple=True, metavar="DIR", help="Folder of your own reports; repeatable."
)
_pairs = click.option(
    "--param", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter; repeatable."
)
_raw = click.option("--raw", is_flag=True, help="Leave texts as they are, though a spreadsheet may run them.")
_parameters = _options(
    click.option(
        "--since", metavar="TIME", help="Only streams that started then or later: 2025-04-21, 7d, …"
    ),
    click.option("--until", metavar="TIME", help="Only streams that started before."),
    click.option("--model", metavar="MODEL", help="Only streams that asked for this model, or got it."),
    _pairs,
)
_output = _options(
    click.option(
        "--format", "form", type=click.Choice(("table", *FILE_FORMATS)), default="table", show_default=True
    ),
    click.option(
        "-o", "--output", metavar="FILE", help="Write FILE, whole or not at all, instead of stdout."
    ),
    _raw,
)


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
@_dataset
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
@_dataset
@_parameters
@_queries
@_output
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
    from ssetl.lake import Lake
    from ssetl.output import give

    if len(names) > 1 and (output or form != "table"):
        raise UsageError(
            "one report at a time, but for tables on stdout; `ssetl export` writes a file for each."
        )
    values = _values(pairs, since=since, until=until, model=model)
    with Lake(dataset, queries=queries) as lake:
        for name in names or [OVERVIEW]:
            batches = lake.report_batches(name, values)
            if len(names) > 1:
                click.echo(f"\n{name}\n")
            give(batches, form, output, raw=raw)


@ssetl.command()
@_queries
@_output
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
@_dataset
@_pairs
@_output
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
    from ssetl.lake import Lake
    from ssetl.output import give

    if (query is None) == (file is None):
        raise UsageError("expected one query: `ssetl sql 'SELECT …'` or `ssetl sql -f FILE`.")
    text = _read(file) if file else query or ""
    with Lake(dataset) as lake:
        batches = lake.sql_batches(text, _values(pairs), origin=file or "SQL")
        give(batches, form, output, raw=raw)


@ssetl.command()
@click.argument("stream", metavar="STREAM_ID")
@_dataset
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
def explain(stream: str, dataset: str, form: str) -> None:
    """Show one stream as a timeline.

    STREAM_ID may be the beginning of one, or a response_id. Below the events and the gaps between them
    stands what each tool's definition of latency makes of the stream.
    """
    from ssetl.lake import Lake
    from ssetl.output import say, terminal_width

    with Lake(dataset) as lake:
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
@click.option("--format", "form", type=click.Choice(FILE_FORMATS), default="csv", show_default=True)
@_dataset
@_parameters
@_queries
@click.option("--no-content", is_flag=True, help="Leave out what people wrote: answers, tool arguments, …")
@_raw
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
    from ssetl.lake import Lake

    values = _values(pairs, since=since, until=until, model=model)
    with Lake(dataset, queries=queries, content=not no_content) as lake:
        for path in run(lake, names, Path(folder), form, parameters=values, raw=raw):
            click.echo(printable(str(path)), err=True)


@ssetl.command()
@click.argument("names", nargs=-1, metavar="[CHECK]…")
@_dataset
@_output
def check(names: Sequence[str], dataset: str, form: str, output: str | None, raw: bool) -> int:
    """Look for rows that must not exist.

    Without names, with all checks. Exit status 1 if there are any.
    """
    import pyarrow as pa

    from ssetl.lake import Lake
    from ssetl.output import give

    with Lake(dataset) as lake:
        findings = list(lake.check(*names))
    rows = [
        {
            "check": finding.check.name,
            "violations": finding.violations.num_rows,
            "description": finding.check.description,
        }
        for finding in findings
    ]
    give(pa.Table.from_pylist(rows).to_reader(), form, output, raw=raw)
    broken = [finding for finding in findings if finding.violations.num_rows]
    if form == "table" and not output:
        for finding in broken:
            click.echo(f"\n{finding.check.name}\n")
            give(finding.violations.to_reader(), form, output, raw=raw)
    return 1 if broken else 0


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
        return _fail("interrupted.", 130)
    except OSError as error:
        where = f" at {printable(str(error.filename))}" if error.filename else ""
        return _fail(
            f"{(error.strerror or str(error)).lower()}{where}. What was complete before is kept; try again.",
            1,
        )
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        return _fail(f"unexpected: {error!r}. Set {TRACEBACK}=1 to see where it came from.", 1)


def _fail(message: str, status: int) -> int:
    click.echo(f"ssetl: error: {printable(message)}", err=True)
    return status


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))
