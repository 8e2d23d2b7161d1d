"""Arrow batches as an Excel workbook of one sheet."""

import datetime as dt
import io
from typing import BinaryIO, Final

import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from ssetl.cells import Cell, plain, rows
from ssetl.errors import ExportError
from ssetl.inert import printable_lines, spreadsheet

MAX_ROWS: Final = 1_048_576
"""Rows of a sheet, the header among them."""

MAX_TEXT: Final = 32_767
"""Characters of a cell; longer texts are cut."""

MAX_INTEGER: Final = 2**53
"""Excel counts in floating point; integers beyond this are written as text."""

FIRST_YEAR: Final = 1900
"""Excel knows no time before; such times are written as text."""

_CREATED: Final = dt.datetime(2000, 1, 1)  # noqa: DTZ001 - it has no zone, and is the same for the same rows
_TIME_WIDTH: Final = 24


def write_xlsx(batches: pa.RecordBatchReader, out: BinaryIO, *, raw: bool) -> None:
    """A workbook; times are in UTC, to the millisecond, for Excel knows neither zones nor microseconds.

    Raises:
        ExportError: there are more rows than a sheet holds.
    """
    built = io.BytesIO()  # a zip is not for a pipe that may break
    with xlsxwriter.Workbook(built, {"constant_memory": True}) as workbook:
        workbook.set_properties({"created": _CREATED})
        sheet = workbook.add_worksheet()
        bold = workbook.add_format({"bold": True})
        time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        sheet.freeze_panes(1, 0)
        for column, field in enumerate(batches.schema):
            width = _TIME_WIDTH if pa.types.is_timestamp(field.type) else len(field.name) + 2
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, _text(field.name, raw=raw), bold)
        position = 0
        for batch in batches:
            for row in rows(batch):
                position += 1
                if position == MAX_ROWS:
                    raise ExportError(f"a sheet holds {MAX_ROWS - 1:,} rows, and there are more: export csv.")
                for column, cell in enumerate(row):
                    _write(sheet, position, column, cell, time, raw=raw)
    out.write(built.getbuffer())


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, time: Format, *, raw: bool) -> None:
    match cell:
        case None:
            return
        case bool():
            sheet.write_boolean(row, column, cell)
        case int() | float() if abs(cell) <= MAX_INTEGER or isinstance(cell, float):
            sheet.write_number(row, column, cell)
        case dt.datetime() if cell.year >= FIRST_YEAR:
            sheet.write_datetime(row, column, cell.replace(tzinfo=None), time)
        case _:
            sheet.write_string(row, column, plain(cell, lambda text: _text(text, raw=raw)))


def _text(text: str, *, raw: bool) -> str:
    return (text if raw else spreadsheet(printable_lines(text)))[:MAX_TEXT]
