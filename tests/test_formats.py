import csv
import datetime as dt
import io
import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.cells import plain
from ssetl.formats import WRITERS
from ssetl.inert import spreadsheet

NOON = dt.datetime(2026, 3, 2, 12, 0, 0, 500_000, tzinfo=dt.UTC)
SCHEMA = pa.schema(
    {
        "whole": pa.int64(),
        "part": pa.float64(),
        "text": pa.string(),
        "yes": pa.bool_(),
        "at": pa.timestamp("us", tz="UTC"),
        "list": pa.list_(pa.string()),
        "raw": pa.binary(),
    }
)
ROWS = [
    {
        "whole": 2**63 - 1,
        "part": 0.1,
        "text": "=1+1",
        "yes": True,
        "at": NOON,
        "list": ["stop", None],
        "raw": b"\xff\x00",
    },
    {"part": math.nan, "text": 'a,"b"\n<i>|', "list": []},
    {"part": math.inf, "text": ""},
]


def written(name: str, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA, *, raw: bool = False) -> bytes:
    out = io.BytesIO()
    WRITERS[name](pa.Table.from_pylist(rows, schema).to_reader(max_chunksize=2), out, raw=raw)
    assert not out.closed
    return out.getvalue()


def test_jsonl_is_exact() -> None:
    assert written("jsonl", ROWS).decode().splitlines() == [
        '{"whole":9223372036854775807,"part":0.1,"text":"=1+1","yes":true,"at":"2026-03-02T12:00:00.500000Z",'
        '"list":["stop",null],"raw":"/wA="}',
        '{"whole":null,"part":null,"text":"a,\\"b\\"\\n<i>|","yes":null,"at":null,"list":[],"raw":null}',
        '{"whole":null,"part":null,"text":"","yes":null,"at":null,"list":null,"raw":null}',
    ]


def test_json_is_an_array_of_the_same_objects() -> None:
    text = written("json", ROWS).decode()
    assert json.loads(text) == [json.loads(line) for line in written("jsonl", ROWS).splitlines()]
    assert text.count("\n") == len(ROWS) + 2
    assert written("json", []) == b"[]\n"
    assert written("jsonl", []) == b""


def test_csv() -> None:
    assert written("csv", ROWS).decode() == (
        "whole,part,text,yes,at,list,raw\n"
        '9223372036854775807,0.1,\'=1+1,true,2026-03-02T12:00:00.500000Z,"[""stop"",null]",/wA=\n'
        ',,"a,""b""\n<i>|",,,[],\n'
        ',,"",,,,\n'
    )
    assert "\n9223372036854775807,0.1,=1+1," in written("csv", ROWS, raw=True).decode()


def test_a_csv_of_one_column_has_no_empty_lines() -> None:
    assert written("csv", [{"n": None}, {"n": 1}], pa.schema({"n": pa.int64()})) == b'n\n""\n1\n'


def test_markdown() -> None:
    assert written("markdown", ROWS).decode() == (
        "| whole | part | text | yes | at | list | raw |\n"
        "| ---: | ---: | --- | --- | --- | --- | --- |\n"
        '| 9223372036854775807 | 0.1 | ` =1+1 ` | true | 2026-03-02T12:00:00.500000Z | ` ["stop",null] ` '
        "| ` /wA= ` |\n"
        '|  |  | ` a,"b"\\n<i>\\| ` |  |  | ` [] ` |  |\n'
        "|  |  |  |  |  |  |  |\n"
    )


def test_parquet_is_exact() -> None:
    table = pq.read_table(io.BytesIO(written("parquet", ROWS)))
    assert table.schema.equals(SCHEMA)
    expected = pa.Table.from_pylist(ROWS, SCHEMA)
    assert table.drop_columns("part").equals(expected.drop_columns("part"))
    assert math.isnan(table["part"][1].as_py())
    assert pq.read_table(io.BytesIO(written("parquet", []))).schema.equals(SCHEMA)


def test_headers_are_guarded_like_cells() -> None:
    schema = pa.schema({"=cmd|'x'": pa.int64()})
    assert written("csv", [], schema) == b"'=cmd|'x'\n"
    assert written("markdown", [], schema).startswith(b"| ` =cmd\\|'x' ` |\n")


def test_times_beyond_python_are_written_all_the_same() -> None:
    schema = pa.schema({"at": pa.timestamp("us", tz="UTC")})
    table = pa.table({"at": pa.array([322_000_000_000_000_000], pa.int64()).cast(schema.field("at").type)})
    for name, year in (("json", b"12173-"), ("csv", b"12173-"), ("markdown", b"12173-")):
        out = io.BytesIO()
        WRITERS[name](table.to_reader(), out, raw=False)
        assert year in out.getvalue()


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "true"),
        (-5, "-5"),
        (-0.5, "-0.5"),
        ("-x", "'-x"),
        (NOON, "2026-03-02T12:00:00.500000Z"),
        (dt.datetime(2026, 3, 2), "2026-03-02T00:00:00"),  # noqa: DTZ001 - the case
        (dt.date(2026, 3, 2), "2026-03-02"),
        (dt.time(1, 2, 3), "01:02:03"),
        ({"a": [1, None]}, '{"a":[1,null]}'),
        (b"\xf8", "'+A=="),
    ],
)
def test_cells_as_text(cell: object, text: str) -> None:
    assert plain(cell, spreadsheet) == text


texts = st.text().filter(lambda text: text.isascii() or text.encode("utf-8", "ignore").decode() == text)
cells = st.fixed_dictionaries(
    {
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "part": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "text": st.none() | texts,
        "yes": st.none() | st.booleans(),
        "at": st.none() | st.datetimes(timezones=st.just(dt.UTC)),
        "list": st.none() | st.lists(st.none() | texts),
        "raw": st.none() | st.binary(),
    }
)


@given(st.lists(cells))
def test_json_gives_everything_back(rows: list[dict[str, Any]]) -> None:
    import base64

    for row, back in zip(rows, json.loads(written("json", rows)), strict=True):
        assert {**back, "at": None, "raw": None} == {**row, "at": None, "raw": None}
        assert (back["at"] and dt.datetime.fromisoformat(back["at"])) == row["at"]
        assert (back["raw"] if back["raw"] is None else base64.b64decode(back["raw"])) == row["raw"]


@given(st.lists(cells))
def test_no_cell_of_a_csv_is_a_formula(rows: list[dict[str, Any]]) -> None:
    _, *found = csv.reader(io.StringIO(written("csv", rows).decode(), newline=""))
    assert len(found) == len(rows)
    for line in found:
        for name, cell in zip(SCHEMA.names, line, strict=True):
            assert name in {"whole", "part"} or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    _, *exact = csv.reader(io.StringIO(written("csv", rows, raw=True).decode(), newline=""))
    assert [line[2] for line in exact] == [row["text"] or "" for row in rows]


@given(st.lists(cells))
def test_a_markdown_table_keeps_its_shape(rows: list[dict[str, Any]]) -> None:
    import re

    lines = written("markdown", rows).decode().split("\n")
    assert len(lines) == len(rows) + 3
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines[:-1]} == {len(SCHEMA.names) + 1}


def test_every_format_has_a_writer() -> None:
    from ssetl import formats, options

    assert tuple(WRITERS) == options.FILE_FORMATS
    assert formats.SUFFIXES.keys() == WRITERS.keys()
