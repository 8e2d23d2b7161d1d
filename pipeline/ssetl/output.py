"""Where a result goes: into a file, onto a terminal, or into a pipe."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
import pyarrow as pa

from ssetl import terminal
from ssetl.errors import UsageError
from ssetl.export import write_file
from ssetl.formats import BINARY, WRITERS
from ssetl.inert import printable_lines


def give(batches: pa.RecordBatchReader, form: str, output: str | None, *, raw: bool) -> int:
    """Write a result to the file `output`, or else to stdout; give the number of rows that were read for it.

    Args:
        batches: the result.
        form: `table`, or a key of `formats.WRITERS`.
        output: path of a file that is written whole or not at all.
        raw: leave texts as they are, though a spreadsheet may run them.

    Raises:
        ExportError: the file cannot be written.
        UsageError: stdout is a terminal and the format is binary.
    """
    rows: list[int] = []
    counted = pa.RecordBatchReader.from_batches(batches.schema, _counted(batches, rows))
    _write(counted, form, output, raw=raw)
    return sum(rows)


def _counted(batches: pa.RecordBatchReader, rows: list[int]) -> Iterator[pa.RecordBatch]:
    """The same batches; how many rows each has is added to `rows` as it is read."""
    for batch in batches:
        rows.append(batch.num_rows)
        yield batch


def _write(batches: pa.RecordBatchReader, form: str, output: str | None, *, raw: bool) -> None:
    if output:
        write = terminal.write_table if form == "table" else partial(WRITERS[form], raw=raw)
        write_file(Path(output), partial(write, batches))
        return
    with _until_closed():
        if form == "table":
            _give_table(batches)
        elif not sys.stdout.isatty():
            WRITERS[form](batches, sys.stdout.buffer, raw=raw)
        elif form in BINARY:
            raise UsageError(f"{form} is not for the eye: write it with -o FILE, or into a pipe.")
        else:
            with terminal.inert_output(sys.stdout) as out:
                WRITERS[form](batches, out, raw=raw)


def say(text: str, *, is_inert: bool) -> None:
    """Write lines to stdout; on a terminal, what could steer it is written out unless they are inert."""
    with _until_closed():
        shown = text if is_inert or not sys.stdout.isatty() else printable_lines(text)
        click.echo(shown, nl=not text.endswith("\n"))


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None if it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


@contextlib.contextmanager
def _until_closed() -> Iterator[None]:
    """Stop writing to stdout when whoever reads it has seen enough."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain when it flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _give_table(batches: pa.RecordBatchReader) -> None:
    width = terminal_width()
    if width is None:
        terminal.write_table(batches, sys.stdout.buffer)
        return
    drawn = terminal.draw(batches, width=width)
    click.echo(drawn.text, nl=False)
    if drawn.is_cut:
        click.echo(f"These are the first {terminal.MAX_ROWS:,} rows; -o FILE writes all.", err=True)
    if drawn.left_out:
        click.echo(f"Without room: {', '.join(drawn.left_out)}; -o FILE writes all.", err=True)
