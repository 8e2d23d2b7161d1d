"""`queries/README.md` says of every report, column and parameter what it is, and of nothing else."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import ssetl
from ssetl import reports

README = (reports.shipped() / "README.md").read_text(encoding="utf-8")
NAMES = tuple(reports.names())
VIEWS = tuple(reports.views())


def section(title: str, level: int) -> str:
    """The text below a heading, up to the next one that is not deeper."""
    _, _, rest = README.partition(f"\n{'#' * level} {title}\n")
    assert rest, f"{title} has no section"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def code(text: str) -> set[str]:
    return set(re.findall("`([^`]+)`", text))


COMMON = code(section("Columns that mean the same in every report", 2))


@pytest.fixture
def empty(given: Callable[..., Path]) -> Iterator[ssetl.Lake]:
    with ssetl.open(given()) as lake:
        yield lake


def test_the_documented_reports_are_those_that_exist() -> None:
    assert set(re.findall("^### `(.*)`$", README, flags=re.MULTILINE)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_column_and_parameter_of_a_report_is_documented(empty: ssetl.Lake, name: str) -> None:
    told = COMMON | code(section(f"`{name}`", 3))
    parameters = {parameter.name for parameter in reports.load(name).parameters}
    assert set(empty.report(name).columns) - told == set()
    assert parameters - told == set()


@pytest.mark.parametrize("name", VIEWS)
def test_each_column_of_a_view_is_documented(empty: ssetl.Lake, name: str) -> None:
    columns = set(empty.sql(f"select * from {name}").columns)
    assert columns - code(section(f"`{name}`", 2)) == set()


def test_defaults_of_parameters_are_told() -> None:
    told = {"bucket": "60", "cut_percent": "1", "least_ms": "1000", "min_streams": "1", "times": "10"}
    found = {
        parameter.name: f"{parameter.default:g}"
        for report in reports.catalogue()
        for parameter in report.parameters
        if parameter.default is not None
    }
    assert found == told
    for name, default in told.items():
        assert re.search(rf"`{name}` \({default}\)", README), name


FORBIDDEN = {
    "an interval": r"\binterval\b",
    "QUALIFY": r"\bqualify\b",
    "date_diff": r"\bdate_?diff\b",
    "an ordered list": r"\blist\([^()]*\border by\b",
    "ASOF": r"\basof\b",
    "COLUMNS()": r"\bcolumns\s*\(",
    "a list slice": r"\w\[[^\]]*:[^\]]*\]",
    "a lambda with an arrow": r"->",
    "a wildcard that leaves columns out": r"\bexclude\b",
    "GROUP BY ALL": r"\bgroup by all\b",
}


@pytest.mark.parametrize("name", [*NAMES, *VIEWS])
def test_portable(name: str) -> None:
    sql = reports.load(name).sql if name in NAMES else reports.views()[name]
    statement = re.sub(r"--.*|'[^']*'", "", sql)
    assert statement == statement.lower()
    assert [what for what, pattern in FORBIDDEN.items() if re.search(pattern, statement)] == []


@pytest.mark.parametrize("name", NAMES)
def test_lines_are_no_longer_than_120_characters(name: str) -> None:
    assert max(map(len, reports.load(name).sql.splitlines())) <= 120
