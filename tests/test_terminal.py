import datetime as dt
import io
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from ssetl import terminal
from ssetl.columntext import UNKNOWN, texts_of
from ssetl.errors import ResultTooLarge
from ssetl.terminal import Drawn, draw, inert_output


def drawn(columns: dict[str, list[object]], width: int | None = None) -> Drawn:
    return draw(pa.table(columns).to_reader(), width=width)


def lines(table: Drawn) -> list[str]:
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", table.text).splitlines()]


TABLE = {
    "response_model": ["gpt-4o-mini-2024-07-18", None],
    "time_to_first_token_ms": [412.25, None],
    "streams": [12, 3],
}


def test_columns_are_aligned_and_numbers_to_the_right() -> None:
    assert lines(drawn(TABLE)) == [
        "response_model          time_to_first_token_ms  streams",
        "───────────────────────────────────────────────────────",
        "gpt-4o-mini-2024-07-18                   412.2       12",
        "–                                            –        3",  # noqa: RUF001 - null
    ]


def test_elsewhere_than_on_a_terminal_there_is_no_colour_and_no_limit() -> None:
    table = drawn({"text": ["x" * 5000] * 1500})
    assert "\x1b" not in table.text
    assert not table.is_cut
    assert lines(table)[2:] == ["x" * 5000] * 1500


def test_a_terminal_gets_folded_heads_first() -> None:
    table = drawn(TABLE, width=46)
    assert lines(table) == [
        "                        time_to_",
        "                          first_",
        "response_model          token_ms  streams",
        "─────────────────────────────────────────",
        "gpt-4o-mini-2024-07-18     412.2       12",
        "–                              –        3",  # noqa: RUF001 - null
    ]
    assert table.left_out == ()


def test_then_cropped_texts() -> None:
    assert lines(drawn(TABLE, width=40))[-2:] == [
        "gpt-4o-mini-2024-07-…     412.2       12",
        "–                             –        3",  # noqa: RUF001 - null
    ]


def test_texts_are_cropped_where_that_tells_them_apart() -> None:
    paths = [f"/home/someone/captures/{number}.sse" for number in range(3)]
    assert lines(drawn({"path": paths}, width=20))[2:] == [
        f"…eone/captures/{number}.sse" for number in range(3)
    ]


def test_then_columns_are_left_out_from_the_right() -> None:
    table = drawn({name: cells * 2 for name, cells in TABLE.items()}, width=35)
    assert table.left_out == ("streams",)
    assert max(map(cell_len, lines(table))) <= 35


def test_or_a_few_rows_become_blocks() -> None:
    table = drawn({name: cells[:1] for name, cells in TABLE.items()}, width=24)
    assert table.left_out == ()
    assert lines(table) == [
        "response_model          gpt-4o-mini-2024-07-18",
        "time_to_first_token_ms  412.2",
        "streams                 12",
        "",
    ]


def test_a_terminal_gets_so_many_rows() -> None:
    table = drawn({"n": list(range(terminal.MAX_ROWS + 1))}, width=80)
    assert table.is_cut
    assert len(lines(table)) == terminal.MAX_ROWS + 2
    assert not drawn({"n": list(range(terminal.MAX_ROWS))}, width=80).is_cut


def test_nothing_of_a_cell_takes_effect() -> None:
    hostile = ["\x1b]0;title\x07", "[bold red]x[/]", ":smile:", "a\nb", "\u202eabc"]
    table = drawn({"[red]head\x1b": hostile}, width=80)
    assert lines(table)[0] == r"[red]head\x1b"
    assert lines(table)[2:] == [r"\x1b]0;title\x07", "[bold red]x[/]", ":smile:", r"a\nb", r"\u202eabc"]


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        ([0.14367, None], ["0.144", UNKNOWN]),
        ([12.3456, 0.1], ["12.35", "0.10"]),
        ([1234.5678, 0.04], ["1234.6", "0.0"]),
        ([True, False, None], ["true", "false", UNKNOWN]),
        ([["stop", None], [], None], [f"stop, {UNKNOWN}", "", UNKNOWN]),
        ([[{"index": 0}]], ['[{"index":0}]']),
        ([dt.datetime(2026, 3, 2, tzinfo=dt.UTC)], ["2026-03-02 00:00:00Z"]),
        (
            [
                dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
                dt.datetime(2026, 3, 2, 0, 0, 0, 120_000, tzinfo=dt.UTC),
            ],
            ["2026-03-02 00:00:00.000Z", "2026-03-02 00:00:00.120Z"],
        ),
        ([dt.date(2026, 3, 2)], ["2026-03-02"]),
        ([b"\xff"], ["/w=="]),
        ([], []),
    ],
)
def test_cells_of_a_column_are_written_in_one_manner(cells: list[object], texts: list[str]) -> None:
    assert texts_of(pa.chunked_array([pa.array(cells)])) == texts


CELLS = {
    pa.string(): st.text(max_size=8),
    pa.list_(pa.string()): st.lists(st.none() | st.text(max_size=4), max_size=3),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.timestamp("us", "UTC"): st.datetimes(timezones=st.just(dt.UTC)),
}


@given(st.data(), st.integers(0, 5))
def test_a_table_is_the_same_with_and_without_a_terminal(data: st.DataObject, rows: int) -> None:
    columns = {}
    for type_, cell in CELLS.items():
        cells = data.draw(st.lists(st.none() | cell, min_size=rows, max_size=rows))
        chunks = [pa.array(part, type_) for part in (cells[:2], cells[2:])]
        columns[f"head {type_}"] = pa.chunked_array(chunks)
    batches = pa.table(columns)
    assert lines(draw(batches.to_reader(), width=10_000)) == draw(batches.to_reader()).text.split("\n")[:-1]


@given(st.lists(st.datetimes(timezones=st.just(dt.UTC)), min_size=1))
def test_times_are_those_of_python(instants: list[dt.datetime]) -> None:
    precision = "milliseconds" if any(instant.microsecond for instant in instants) else "seconds"
    expected = [instant.isoformat(" ", precision).replace("+00:00", "Z") for instant in instants]
    assert texts_of(pa.chunked_array([pa.array(instants, pa.timestamp("us", "UTC"))])) == expected


def test_a_table_that_would_be_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "MAX_BYTES", 1 << 20)
    table = pa.table({"text": ["x" * 1000] * 2000})
    with pytest.raises(ResultTooLarge, match="2,000 rows take 1 MiB; 1 MiB is the limit of a table"):
        draw(table.to_reader())
    assert draw(table.to_reader(), width=80).is_cut


def test_a_table_is_written_some_lines_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn({"n": list(range(100)), "text": ["\u6587", None] * 50}).text
    monkeypatch.setattr(terminal, "SLICE_BYTES", 64)
    assert drawn({"n": list(range(100)), "text": ["\u6587", None] * 50}).text == whole


@given(st.lists(st.text(max_size=40), min_size=3, max_size=5), st.integers(30, 90))
def test_a_terminal_is_never_overrun(texts: list[str], width: int) -> None:
    table = drawn({"a_long_name": texts, "n": list(range(len(texts))), "other": texts[::-1]}, width=width)
    assert max(map(cell_len, lines(table))) <= width


def test_what_is_no_number_is_unknown() -> None:
    assert lines(drawn({"n": [float("nan"), float("inf"), 1.0]}))[2:] == ["    –", "    –", "1.000"]  # noqa: RUF001 - null


def test_no_rows() -> None:
    assert lines(drawn({"a": [], "b": []})) == ["a  b", "────"]


def test_other_formats_are_inert_on_a_terminal_too() -> None:
    screen = io.StringIO()
    with inert_output(screen) as out:
        out.write("é\x1b[31m\nnext".encode() * 5000)
    assert screen.getvalue() == "é\\x1b[31m\nnext" * 5000
