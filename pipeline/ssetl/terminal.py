"""Tables for people: aligned columns of text, as wide as they need, or made to fit a terminal.

Nothing in a cell reaches a terminal as markup or control sequence. Where a terminal is too narrow, headers
are folded, then texts cropped, then columns left out from the right; a few rows become blocks of
`name  value` instead. Elsewhere nothing is cropped, left out or coloured.
"""

import codecs
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final, Self, TextIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from rich.box import Box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ssetl.cells import is_number
from ssetl.columntext import UNKNOWN, Column, column_texts, is_narrow, texts_of
from ssetl.inert import printable, printable_lines
from ssetl.results import held

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_ROWS: Final = 1000
"""Rows that a terminal shows; more would only scroll away."""

MAX_BLOCKS: Final = 2
"""Rows that are shown as blocks where a terminal is too narrow for all columns."""

MIN_TEXT_WIDTH: Final = 20
"""Texts are not cropped to less."""

MAX_BYTES: Final = 512 << 20
"""How much a table may hold in all: how wide it becomes is known when its last row is."""

SLICE_BYTES: Final = 16 << 20
"""So much of a table is padded and written at a time."""

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
        return max(map(cell_len, (*self.head.split("\n"), *self.texts)))


def draw(batches: pa.RecordBatchReader, *, width: int | None = None) -> Drawn:
    """A table of all batches; `width` in columns is that of a terminal, None for any other file.

    Raises:
        ResultTooLarge: without a terminal, for more than `MAX_BYTES`.
    """
    if width is None:
        return Drawn("".join(_pieces(batches)), is_cut=False, left_out=())
    table, is_cut = _first(batches, MAX_ROWS)
    columns = [
        _Column(
            printable(field.name),
            texts_of(column),
            is_number(field.type),
            _is_croppable(field.type),
        )
        for field, column in zip(table.schema, table.columns, strict=True)
    ]
    shown = _fitted(columns, width)
    if len(shown) < len(columns) and table.num_rows <= MAX_BLOCKS:
        shown, drawing = columns, _blocks(columns)
    else:
        drawing = _table(shown)
    console = Console(width=_UNLIMITED, force_terminal=True, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(drawing)
    text = "".join(f"{line.rstrip()}\n" for line in capture.get().splitlines())
    return Drawn(text, is_cut, tuple(column.head for column in columns[len(shown) :]))


def write_table(batches: pa.RecordBatchReader, out: BinaryIO) -> None:
    """Write a table to a file that is no terminal.

    Raises:
        ResultTooLarge: for more than `MAX_BYTES`.
    """
    for piece in _pieces(batches):
        out.write(piece.encode())


def _pieces(batches: pa.RecordBatchReader) -> Iterator[str]:
    """The same table without colours, some lines at a time: Arrow draws millions of rows, rich does not."""
    table = held(batches, MAX_BYTES, "a table for people; csv, jsonl and parquet are written as they come")
    columns = [
        _Texts.of(printable(field.name), column, is_right=is_number(field.type))
        for field, column in zip(table.schema, table.columns, strict=True)
    ]
    total = _total([column.width for column in columns])
    yield _lines([column.heading() for column in columns])
    yield "\N{BOX DRAWINGS LIGHT HORIZONTAL}" * total + "\n"
    size = max(1, SLICE_BYTES // total)
    for start in range(0, table.num_rows, size):
        yield _lines([column.padded(start, size) for column in columns])


class _Texts(msgspec.Struct, frozen=True):
    """A column of a table without colours, as Arrow."""

    head: str
    texts: Column
    width: int
    is_narrow: bool
    is_right: bool

    @classmethod
    def of(cls, head: str, column: Column, *, is_right: bool) -> Self:
        texts = column_texts(column)
        narrow = is_narrow(texts)
        sizes: Column = (
            pc.utf8_length(texts) if narrow else pa.array([cell_len(text) for text in texts.to_pylist()])
        )
        widest = pc.max(sizes).as_py() or 0
        return cls(head, texts, max(cell_len(head), widest), narrow, is_right)

    def heading(self) -> Column:
        return pa.chunked_array([[self._pad(self.head)]])

    def padded(self, start: int, size: int) -> Column:
        """So many of the texts, each as wide as the column."""
        texts = self.texts.slice(start, size)
        if not self.is_narrow:
            return pa.chunked_array([list(map(self._pad, texts.to_pylist()))])
        return (pc.utf8_lpad if self.is_right else pc.utf8_rpad)(texts, self.width)

    def _pad(self, text: str) -> str:
        size = self.width - cell_len(text) + len(text)
        return text.rjust(size) if self.is_right else text.ljust(size)


def _lines(columns: Sequence[Column]) -> str:
    lines = pc.utf8_rtrim_whitespace(pc.binary_join_element_wise(*columns, " " * _GAP))
    return "".join([f"{line}\n" for line in lines.to_pylist()])


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


def _first(batches: pa.RecordBatchReader, rows: int) -> tuple[pa.Table, bool]:
    """At most so many rows, and whether there are more."""
    taken: list[pa.RecordBatch] = []
    room = rows
    for batch in batches:
        taken.append(batch.slice(0, room))
        if batch.num_rows > room:
            return pa.Table.from_batches(taken, batches.schema), True
        room -= batch.num_rows
    return pa.Table.from_batches(taken, batches.schema), False


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
    """`column` no wider than `size`; paths that differ at their ends only lose their beginnings."""
    ends = [_end_cropped(text, size) for text in column.texts]
    beginnings = [_end_cropped(text[::-1], size)[::-1] for text in column.texts]
    return msgspec.structs.replace(column, texts=max(ends, beginnings, key=lambda texts: len(set(texts))))


def _end_cropped(text: str, size: int) -> str:
    return text if cell_len(text) <= size else set_cell_size(text, size - 1) + "…"


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
