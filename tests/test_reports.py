from collections.abc import Callable
from pathlib import Path

import pytest

from ssetl import reports
from ssetl.errors import BadParameter, QueryError, ReportError, UnknownReport
from ssetl.reports import Report

SHIPPED = [
    "captures",
    "errors",
    "fingerprints",
    "finish_reasons",
    "latency",
    "overview",
    "rejects",
    "service_tiers",
    "streams",
    "tokens",
]
HEAD = "-- name: mine\n-- description: Mine.\n-- grain: one row\n"


def write(folder: Path, sql: str, name: str = "mine") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.sql"
    path.write_text(sql)
    return path


def test_the_shipped_reports_hold_their_own_rules() -> None:
    found = reports.catalogue()
    assert set(SHIPPED) <= {report.name for report in found}
    for report in found:
        assert report.description.endswith(".")
        assert len(report.description) <= 80
        assert report.grain.startswith("one row per ")
        assert all(parameter.text for parameter in report.parameters)
        assert "order by" in report.sql.lower()


@pytest.mark.parametrize(
    "name",
    ["overview", "latency", "tokens", "finish_reasons", "fingerprints", "service_tiers", "errors", "streams"],
)
def test_reports_over_streams_take_since_until_and_model(name: str) -> None:
    report = reports.load(name)
    assert [parameter.name for parameter in report.parameters][:3] == ["since", "until", "model"]
    assert reports.bind(report, {}) == {parameter.name: parameter.default for parameter in report.parameters}


def test_shipped_views_are_found() -> None:
    assert "stream_latency" in reports.views()


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write(folder, f"{HEAD}-- param: n INTEGER = 3  how many\nselect $n as n")
    write(folder, HEAD.replace("mine", "latency") + "select 1 as own", "latency")
    assert reports.load("mine", [folder]).parameters[0].default == 3
    assert "own" in reports.load("latency", [folder]).sql
    assert set(reports.names([folder])) == {*reports.names(), "mine"}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1", "1: the header lacks a line `-- name: …`"),
        ("-- name: mine\nselect 1", "1: the header lacks a line `-- description: …`"),
        (
            "-- name: yours\n-- description: x\n-- grain: x\nselect 1",
            "1: name is 'yours', but the file is mine.sql",
        ),
        (f"{HEAD}select 1,\n  $n", r"5: \$n is not declared. Add a line `-- param: n TYPE = DEFAULT"),
        (f"{HEAD}-- param: n INTEGER = 1\nselect 1", "4: parameter n is not used. Remove its line"),
        (
            f"{HEAD}-- param: n INTEGER\nselect $n",
            "4: expected `-- param: NAME TYPE = DEFAULT  text`, found 'n INTEGER'",
        ),
        (f"{HEAD}-- param: n INT8 = 1\nselect $n", "4: parameter types are"),
        (f"{HEAD}-- grain: x\nselect 1", "4: grain is declared a second time, see line 3"),
        (
            f"{HEAD}-- param: n INTEGER = 1\n-- param: n INTEGER = 2\nselect $n",
            r"5: \$n is declared a second time, see line 4",
        ),
    ],
)
def test_broken_files_name_file_and_line(tmp_path: Path, sql: str, message: str) -> None:
    with pytest.raises(ReportError, match=f"^{tmp_path}/mine.sql:{message}"):
        reports.read(write(tmp_path, sql))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (f"{HEAD}select\n from", ":5: syntax error"),
        (f"{HEAD}select 1; select 2", ": expected one SELECT, found 2 statements"),
        (f"{HEAD}drop view streams", ": expected a SELECT, found DROP"),
        (f"{HEAD}\nfrom read_csv('x')", r":5: read_csv\(\) is refused"),
    ],
)
def test_broken_sql_names_file_and_line(tmp_path: Path, sql: str, message: str) -> None:
    with pytest.raises(QueryError, match=f"^{tmp_path}/mine.sql{message}"):
        reports.read(write(tmp_path, sql))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.sql"
    path.write_bytes(b"-- name: \xff")
    with pytest.raises(ReportError, match="expected UTF-8 text; invalid start byte at byte 9"):
        reports.read(path)


def test_parameters_may_have_the_names_of_header_lines(tmp_path: Path) -> None:
    report = reports.read(write(tmp_path, f"{HEAD}-- param: name VARCHAR = 'x'  a name\nselect $name as n"))
    assert reports.bind(report, {"name": "y"}) == {"name": "y"}


def test_comments_and_texts_use_no_parameter(tmp_path: Path) -> None:
    report = reports.read(write(tmp_path, f"{HEAD}select '$n' as n -- not $m"))
    assert report.parameters == ()


def test_unknown_reports_name_what_there_is() -> None:
    with pytest.raises(UnknownReport, match=r"no report is named 'latncy'\. Did you mean latency\?"):
        reports.load("latncy")
    with pytest.raises(UnknownReport, match=r"There are: .*captures, .*errors, "):
        reports.load("xyz")


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(
        UnknownReport, match=f"expected a folder of .sql files, found none at {tmp_path}/none"
    ):
        reports.names([tmp_path / "none"])


def test_binding_refuses_what_a_report_does_not_take() -> None:
    with pytest.raises(
        BadParameter, match=r"report latency has no parameter 'modle'\. It takes model, since, until"
    ):
        reports.bind(reports.load("latency"), {"modle": "x"})
    with pytest.raises(BadParameter, match=r"report captures has no parameter 'since'\. It takes none"):
        reports.bind(reports.load("captures"), {"since": "2026-01-01"})
    with pytest.raises(BadParameter, match="parameter since expects a time"):
        reports.bind(reports.load("latency"), {"since": "soon"})


@pytest.mark.parametrize("name", SHIPPED)
def test_over_nothing_a_report_is_empty_and_has_its_columns(given: Callable[..., Path], name: str) -> None:
    import ssetl

    with ssetl.open(given("none", parts=0)) as lake, ssetl.open(given("some")) as other:
        empty, typed = lake.report(name), other.report(name)
    assert empty.is_empty()
    assert empty.schema == typed.schema
    assert all(column == column.lower() and " " not in column for column in empty.columns)


def test_two_installations_find_their_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "site-packages" / "ssetl"
    source = tmp_path / "clone" / "pipeline" / "ssetl"
    for folder in (wheel / "queries", source, tmp_path / "clone" / "queries"):
        folder.mkdir(parents=True)
    monkeypatch.setattr(reports, "__file__", str(wheel / "reports.py"))
    assert reports.shipped() == wheel / "queries"
    monkeypatch.setattr(reports, "__file__", str(source / "reports.py"))
    assert reports.shipped() == tmp_path / "clone" / "queries"


def test_report_is_a_value() -> None:
    assert isinstance(reports.load("latency"), Report)
    assert reports.load("latency") == reports.load("latency")


def test_each_report_is_documented() -> None:
    text = (reports.shipped() / "README.md").read_text()
    assert [name for name in reports.names() if f"`{name}`" not in text] == []
