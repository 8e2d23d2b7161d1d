"""Tables and reports as files: each is written whole or not at all, batch by batch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ssetl import schema
from ssetl.errors import BadParameter, ExportError
from ssetl.files import remove, temporary_name
from ssetl.formats import SUFFIXES, WRITERS
from ssetl.lake import Lake
from ssetl.parameters import Value


def export(
    lake: Lake,
    names: Sequence[str],
    folder: Path,
    file_format: str,
    *,
    parameters: Mapping[str, Value],
    raw: bool = False,
) -> Iterator[Path]:
    """Write a file for each table or report, named like it; give its path when it is whole.

    Args:
        lake: the dataset.
        names: tables and reports; a name that is both means the table. None at all means the summaries:
            every report that has no table's name.
        folder: created if missing.
        file_format: a key of `formats.WRITERS`.
        parameters: given to every report; tables have none.
        raw: leave texts that a spreadsheet would take for formulas as they are.

    Raises:
        UnknownReport, BadParameter, QueryError: as `Lake.report`. Files given before are whole.
        ExportError: a file could not be written.
    """
    for name in names:
        if name not in schema.TABLES and name not in lake.names():
            lake.report_batches(name)  # says that there is none, before any file is written
    for name in names or [name for name in lake.names() if name not in schema.TABLES]:
        if name not in schema.TABLES:
            batches = lake.report_batches(name, parameters)
        elif parameters:
            raise BadParameter(f"table {name} is exported whole; only reports take {', '.join(parameters)}.")
        else:
            batches = lake.table_batches(name)
        path = folder / f"{name}{SUFFIXES[file_format]}"
        write_file(path, partial(WRITERS[file_format], batches, raw=raw))
        yield path


def write_file(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a new file that then takes its place at `path`; on failure nothing changes there.

    Raises:
        ExportError: the file system refuses.
    """
    temporary = temporary_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as out:
            write(out)
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ExportError(f"cannot write {path}: {reason}. Nothing was changed there.") from None
    finally:
        remove(temporary)
