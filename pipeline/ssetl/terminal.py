"""Tables for people: aligned columns of text, as wide as they need, or made to fit a terminal.

Nothing in a cell reaches a terminal as markup or control sequence. Where a terminal is too narrow, headers
are folded, then texts cropped, then columns left out from the right; a few rows become blocks of
`name  value` instead. Elsewhere nothing is cropped, left out or coloured.
"""

import codecs
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final, TextIO

import msgspec
import pyarrow as pa
from rich.box import Box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ssetl.cells import Cell, is_number, plain
from ssetl.cells import columns as columns_of
from ssetl.inert import all_printable, printable, printable_lines

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_ROWS: Final = 1000
"""Rows that a terminal shows; more would only scroll away."""

MAX_BLOCKS: Final = 2
"""Rows that are shown as blocks where a terminal is too narrow for all columns."""

MIN_TEXT_WIDTH: Final = 20
"""Texts are not cropped to less."""

UNKNOWN: Final = "\N{EN DASH}"
"""Stands for null."""

_MIN_HEAD_WIDTH: Final = 8
_UNLIMITED: Final = 1_000_000
_GAP: Final = 2
_RULE: Final = Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""A line below the header, and no other; the box puts one space between columns, the padding another."""


class Drawn(msgspec.Struct, frozen=True):
    """A table as text.

    Args:
        text: its lines.
        is_cut: whether it shows the first `MAX_ROWS` rows only.
        left_out: names of columns for which there was no room.
    """

    text: str
    is_cut: bool
    left_out: tuple[str, ...]


class _Column(msgspec.Struct, frozen=True):
    head: str
    texts: list[str]
    is_right: bool = False
    is_croppable: bool = False

    def width(self) -> int:
        return max(_widths((*self.head.split("\n"), *self.texts)))


def draw(batches: pa.RecordBatchReader, *, width: int | None = None) -> Drawn:
    """A table of all batches; `width` in columns is that of a terminal, None for any other file."""
    cells, is_cut = _cells(batches, MAX_ROWS if width else None)
    columns = [
        _Column(printable(field.name), column_texts(column), is_number(field.type), _is_croppable(field.type))
        for field, column in zip(batches.schema, cells, strict=True)
    ]
    if width is None:
        return Drawn(_lines(columns), is_cut, ())
    shown = _fitted(columns, width)
    if len(shown) < len(columns) and len(cells[0]) <= MAX_BLOCKS:
        shown, table = columns, _blocks(columns)
    else:
        table = _table(shown)
    console = Console(width=_UNLIMITED, force_terminal=True, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    text = "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
    return Drawn(text, is_cut, tuple(column.head for column in columns[len(shown) :]))


def _lines(columns: Sequence[_Column]) -> str:
    """The same table without colours: millions of rows want less than rich does for each."""
    widths = [column.width() for column in columns]
    padded = [_padded(column, width) for column, width in zip(columns, widths, strict=True)]
    head, *body = ((" " * _GAP).join(line).rstrip() for line in zip(*padded, strict=True))
    rule = "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * (sum(widths) + _GAP * (len(widths) - 1))
    return "".join(f"{line}\n" for line in (head, rule, *body))


def _padded(column: _Column, width: int) -> list[str]:
    """Head and texts of a column, each of them `width` wide."""
    texts = (column.head, *column.texts)
    padded = str.rjust if column.is_right else str.ljust
    if _is_narrow(texts):
        return [padded(text, width) for text in texts]
    return [padded(text, width - cell_len(text) + len(text)) for text in texts]


def _widths(texts: Sequence[str]) -> Iterable[int]:
    """How many columns of a terminal each text takes."""
    return map(len if _is_narrow(texts) else cell_len, texts)


def _is_narrow(texts: Sequence[str]) -> bool:
    """Whether no character is wider than another: told at once for all texts, and true of most columns."""
    return "".join(texts).replace(UNKNOWN, "").isascii()


def write_table(batches: pa.RecordBatchReader, out: BinaryIO) -> None:
    """Write a table to a file."""
    out.write(draw(batches).text.encode())


def inert_output(out: TextIO) -> BinaryIO:
    """A terminal as a binary file for UTF-8 text that may hold anything: its lines are written inert."""
    return io.BufferedWriter(_Inert(out))


class _Inert(io.RawIOBase):
    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def writable(self) -> bool:
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        whole = bytes(data)
        self._out.write(printable_lines(self._decoder.decode(whole)))
        return len(whole)


def column_texts(cells: Sequence[Cell]) -> list[str]:
    """The cells of one column, in one manner: as many decimals, the same precision of time."""
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, float) for cell in known):
        decimals = _decimals(max(map(abs, known)))
        return [UNKNOWN if cell is None else f"{cell:.{decimals}f}" for cell in cells]
    if known and all(isinstance(cell, dt.datetime) for cell in known):
        precision = "milliseconds" if any(cell.microsecond for cell in known) else "seconds"
        return [UNKNOWN if cell is None else _time(cell, precision) for cell in cells]
    if known and all(isinstance(cell, str) for cell in known):
        texts = iter(all_printable(known))
        return [UNKNOWN if cell is None else next(texts) for cell in cells]
    if known and all(type(cell) is int for cell in known):
        return [UNKNOWN if cell is None else str(cell) for cell in cells]
    return [UNKNOWN if cell is None else _text(cell) for cell in cells]


def _decimals(largest: float) -> int:
    return 1 if largest >= 100 else 2 if largest >= 10 else 3


def _time(cell: dt.datetime, precision: str) -> str:
    return cell.isoformat(" ", precision).replace("+00:00", "Z")


def _text(cell: Cell) -> str:
    if isinstance(cell, list) and all(element is None or isinstance(element, str) for element in cell):
        return ", ".join(UNKNOWN if element is None else printable(element) for element in cell)
    return plain(cell, printable)


def _cells(batches: pa.RecordBatchReader, limit: int | None) -> tuple[list[list[Cell]], bool]:
    """The cells by column, of at most `limit` rows, and whether there are more."""
    columns: list[list[Cell]] = [[] for _ in batches.schema]
    room = limit
    for batch in batches:
        for column, cells in zip(columns, columns_of(batch.slice(0, room)), strict=True):
            column.extend(cells)
        if room is not None:
            if batch.num_rows > room:
                return columns, True
            room -= batch.num_rows
    return columns, False


def _is_croppable(type_: pa.DataType) -> bool:
    return not (is_number(type_) or pa.types.is_temporal(type_) or pa.types.is_boolean(type_))


def _fitted(columns: list[_Column], width: int) -> list[_Column]:
    """As many of the columns as have room in `width`, folded and cropped if need be; at least one."""
    if _total([column.width() for column in columns]) <= width:
        return columns
    folded = [_folded(column) for column in columns]
    while True:
        widths = [column.width() for column in folded]
        croppable = [i for i, column in enumerate(folded) if column.is_croppable]
        least = [min(size, MIN_TEXT_WIDTH) if i in croppable else size for i, size in enumerate(widths)]
        if _total(least) <= width or len(folded) == 1:
            break
        folded.pop()
    while croppable and _total(widths) > width:
        widest = max(croppable, key=widths.__getitem__)
        if widths[widest] == 1:
            break
        widths[widest] -= 1
    return [_cropped(column, size) for column, size in zip(folded, widths, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _folded(column: _Column) -> _Column:
    """`column` with its head over several lines, broken after underscores."""
    size = max(_MIN_HEAD_WIDTH, *map(cell_len, column.texts))
    lines = [""]
    for word in column.head.replace("_", "_\n").split("\n"):
        if lines[-1] and cell_len(lines[-1] + word) > size:
            lines.append("")
        lines[-1] += word
    return msgspec.structs.replace(column, head="\n".join(lines))


def _cropped(column: _Column, size: int) -> _Column:
    texts = [text if cell_len(text) <= size else set_cell_size(text, size - 1) + "…" for text in column.texts]
    return msgspec.structs.replace(column, texts=texts)


def _table(columns: Sequence[_Column]) -> Table:
    table = Table(box=_RULE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        head = Text(column.head, justify="right" if column.is_right else "left")
        table.add_column(head, justify=head.justify or "left", no_wrap=True, vertical="bottom")
    for texts in zip(*(column.texts for column in columns), strict=True):
        table.add_row(*map(_styled, texts))
    return table


def _blocks(columns: Sequence[_Column]) -> Table:
    table = Table.grid(padding=(0, _GAP, 0, 0))
    for texts in zip(*(column.texts for column in columns), strict=True):
        for column, text in zip(columns, texts, strict=True):
            table.add_row(Text(column.head, style="bold"), _styled(text))
        table.add_row()
    return table


def _styled(text: str) -> Text:
    return Text(text, style="dim" if text == UNKNOWN else "")
