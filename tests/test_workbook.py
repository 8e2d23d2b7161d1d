import datetime as dt
import io
import re
import zipfile
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from ssetl import workbook
from ssetl.errors import ExportError
from ssetl.workbook import write_xlsx

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def written(columns: dict[str, object], *, raw: bool = False) -> bytes:
    out = io.BytesIO()
    write_xlsx(pa.table(columns).to_reader(max_chunksize=2), out, raw=raw)
    return out.getvalue()


def cells(data: bytes) -> dict[str, tuple[str, str]]:
    """Type and text of each cell by its place, formulas among them."""
    sheet = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(data)).read("xl/worksheets/sheet1.xml"))
    return {
        cell.attrib["r"]: (cell.attrib.get("t", "n"), "".join(cell.itertext()))
        for cell in sheet.iter(f"{NAMESPACE}c")
    }


def test_values() -> None:
    columns = {
        "n": [5, 2**53 + 1, None],
        "part": [0.5, float("nan"), None],
        "yes": [True, False, None],
        "text": ["stop", "", None],
        "at": [dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC), dt.datetime(1800, 1, 1, tzinfo=dt.UTC), None],
        "list": [["a"], [], None],
    }
    assert cells(written(columns)) == {
        **{f"{column}1": ("inlineStr", name) for column, name in zip("ABCDEF", columns, strict=True)},
        "A2": ("n", "5"),
        "B2": ("n", "0.5"),
        "C2": ("b", "1"),
        "D2": ("inlineStr", "stop"),
        "E2": ("n", "46083.5"),
        "F2": ("inlineStr", '["a"]'),
        "A3": ("inlineStr", "9007199254740993"),
        "C3": ("b", "0"),
        "D3": ("inlineStr", ""),
        "E3": ("inlineStr", "1800-01-01T00:00:00Z"),
        "F3": ("inlineStr", "[]"),
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "{=1}", "https://example.com", "\x1b[31m", "5"])
@pytest.mark.parametrize("raw", [False, True])
def test_no_text_is_ever_a_formula_a_link_or_a_number(text: str, raw: bool) -> None:
    data = written({text: [text]}, raw=raw)
    assert {type_ for type_, _ in cells(data).values()} == {"inlineStr"}
    files = zipfile.ZipFile(io.BytesIO(data))
    assert not [name for name in files.namelist() if "sheet1.xml.rels" in name]
    assert not re.search(rb"<(f|hyperlink)\b", files.read("xl/worksheets/sheet1.xml"))
    if text.startswith(("=", "+", "-", "@")):
        assert cells(data)["A2"][1] == (text if raw else f"'{text}")


def test_long_texts_are_cut() -> None:
    assert len(cells(written({"a": ["x" * 40_000]}))["A2"][1]) == workbook.MAX_TEXT


def test_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_ROWS", 4)
    assert len(cells(written({"n": [1, 2, 3]}))) == 4
    with pytest.raises(ExportError, match="a sheet holds 3 rows, and there are more: export csv"):
        written({"n": [1, 2, 3, 4]})


def test_the_same_rows_give_the_same_bytes() -> None:
    assert written({"a": [1, 2], "b": ["x", None]}) == written({"a": [1, 2], "b": ["x", None]})
