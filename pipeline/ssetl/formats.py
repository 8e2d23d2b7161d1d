"""Arrow batches as bytes: csv, json, jsonl, markdown, parquet and xlsx, one writer each.

Json, jsonl and parquet are exact: integers of 64 bits, times in ISO 8601 to the microsecond, bytes in base64
(json), null for unknown and for what is no number. Csv and markdown are harmless where they are opened, see
`ssetl.inert`. Batches are written as they come and not held.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, Protocol

import pyarrow as pa

from ssetl.cells import encode, is_number, rows, texts
from ssetl.inert import markdown, spreadsheet


class Writer(Protocol):
    """Writes all batches to a file."""

    def __call__(self, batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
        """`raw` leaves texts as they are, harmless or not."""
        ...


def write_jsonl(batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
    """One JSON object per row and line."""
    for line in _json_rows(batches):
        out.write(line + b"\n")


def write_json(batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
    """One JSON array with an object per row, each on its line."""
    separator = b"[\n"
    for line in _json_rows(batches):
        out.write(separator + line)
        separator = b",\n"
    out.write(b"[]\n" if separator == b"[\n" else b"\n]\n")


def _json_rows(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    names = batches.schema.names
    for batch in batches:
        for row in rows(batch):
            yield encode(dict(zip(names, row, strict=True)))


def write_csv(batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
    """A header line, then a line per row; null is an empty cell, an empty text is `""`."""
    guard = str if raw else spreadsheet
    out.write(_csv_line(map(guard, batches.schema.names)))
    for batch in batches:
        out.write(b"".join(map(_csv_line, texts(batch, guard))))


def _csv_line(cells: Iterable[str | None]) -> bytes:
    line = ",".join("" if cell is None else _quoted(cell) for cell in cells)
    return f"{line or _EMPTY}\n".encode()


def _quoted(text: str) -> str:
    # The csv module of Python 3.11 leaves a carriage return unquoted, which readers take for a line end.
    if text and not _QUOTE_WORTHY.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


_QUOTE_WORTHY: Final = re.compile('[",\r\n]')
_EMPTY: Final = '""'
"""For a row of one unknown cell: readers skip empty lines."""


def write_markdown(batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
    """A pipe table; numbers are aligned to the right."""
    guard = str if raw else markdown
    aligned = ["---:" if is_number(type_) else "---" for type_ in batches.schema.types]
    out.write(_markdown_line(map(guard, batches.schema.names)) + _markdown_line(aligned))
    for batch in batches:
        for row in texts(batch, guard):
            out.write(_markdown_line(cell or "" for cell in row))


def _markdown_line(cells: Iterable[str]) -> bytes:
    return f"| {' | '.join(cells)} |\n".encode()


def write_parquet(batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
    """A Parquet file, compressed with zstd."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - takes long to load, and no other format needs it

    with pq.ParquetWriter(out, batches.schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def write_xlsx(batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
    """An Excel workbook of one sheet, see `ssetl.workbook`."""
    from ssetl import workbook  # noqa: PLC0415 - its library is large, and no other format needs it

    workbook.write_xlsx(batches, out, raw=raw)


WRITERS: Final[dict[str, Writer]] = {
    "csv": write_csv,
    "json": write_json,
    "jsonl": write_jsonl,
    "markdown": write_markdown,
    "parquet": write_parquet,
    "xlsx": write_xlsx,
}
"""Writer of each format that is a file; `table` is for people, see `ssetl.terminal`."""

BINARY: Final = ("parquet", "xlsx")
"""Formats that are no text."""

SUFFIXES: Final = {**{name: f".{name}" for name in WRITERS}, "markdown": ".md"}
"""How file names of each format end."""
