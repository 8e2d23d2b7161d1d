import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.errors import BadParameter, ReportError
from ssetl.parameters import TYPES, Parameter, convert, declaration


def parameter(type_: str) -> Parameter:
    return Parameter("p", type_, None, "")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("since TIMESTAMPTZ = NULL  from when", Parameter("since", "TIMESTAMPTZ", None, "from when")),
        ("n integer = 5", Parameter("n", "INTEGER", 5, "")),
        ("share DOUBLE = 0.5 what", Parameter("share", "DOUBLE", 0.5, "what")),
        ("all_ BOOLEAN = false", Parameter("all_", "BOOLEAN", False, "")),
        ("model VARCHAR = 'it''s = 1'  a model", Parameter("model", "VARCHAR", "it's = 1", "a model")),
        (
            "since TIMESTAMPTZ = 2026-01-02",
            Parameter("since", "TIMESTAMPTZ", dt.datetime(2026, 1, 2, tzinfo=dt.UTC), ""),
        ),
    ],
)
def test_declarations(line: str, expected: Parameter) -> None:
    assert declaration(line, "x.sql:1") == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("since", "expected `-- param: NAME TYPE = DEFAULT  text`, found 'since'"),
        ("since TIMESTAMPTZ", "expected `-- param: NAME TYPE"),
        (
            "since DATE = NULL",
            "parameter types are TIMESTAMPTZ, VARCHAR, INTEGER, DOUBLE, BOOLEAN; found DATE",
        ),
        ("n INTEGER = many", "default: parameter n expects a whole number, found 'many'"),
    ],
)
def test_wrong_declarations_name_the_place(line: str, message: str) -> None:
    with pytest.raises(ReportError, match=f"^x.sql:7: {message}"):
        declaration(line, "x.sql:7")


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("TIMESTAMPTZ", "2026-03-02", dt.datetime(2026, 3, 2, tzinfo=dt.UTC)),
        ("TIMESTAMPTZ", "2026-03-02 09:16", dt.datetime(2026, 3, 2, 9, 16, tzinfo=dt.UTC)),
        ("TIMESTAMPTZ", "2026-03-02T09:16:00.5Z", dt.datetime(2026, 3, 2, 9, 16, 0, 500_000, dt.UTC)),
        ("TIMESTAMPTZ", "2026-03-02T09:16:00+02:00", dt.datetime(2026, 3, 2, 7, 16, tzinfo=dt.UTC)),
        ("TIMESTAMPTZ", dt.datetime(2026, 3, 2), dt.datetime(2026, 3, 2, tzinfo=dt.UTC)),  # noqa: DTZ001 - no zone is the case
        ("TIMESTAMPTZ", dt.date(2026, 3, 2), dt.datetime(2026, 3, 2, tzinfo=dt.UTC)),
        ("VARCHAR", "", ""),
        ("INTEGER", "-5", -5),
        ("INTEGER", 5, 5),
        ("DOUBLE", "1e3", 1000.0),
        ("DOUBLE", 5, 5.0),
        ("BOOLEAN", "TRUE", True),
        ("BOOLEAN", False, False),
        ("INTEGER", None, None),
    ],
)
def test_values(type_: str, value: object, expected: object) -> None:
    found = convert(parameter(type_), value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("TIMESTAMPTZ", "yesterday"),
        ("TIMESTAMPTZ", "2026-02-30"),
        ("TIMESTAMPTZ", "99999999999w"),
        ("TIMESTAMPTZ", 5),
        ("VARCHAR", 5),
        ("INTEGER", "1.5"),
        ("INTEGER", True),
        ("INTEGER", 1.5),
        ("DOUBLE", "much"),
        ("DOUBLE", True),
        ("BOOLEAN", "maybe"),
        ("BOOLEAN", 1),
    ],
)
def test_values_of_no_such_type(type_: str, value: object) -> None:
    expected = TYPES[type_][1]
    with pytest.raises(BadParameter, match=f"^parameter p expects {expected}, found {value!r}"):
        convert(parameter(type_), value)


@pytest.mark.parametrize(
    ("text", "ago"), [("30m", 1800), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600)]
)
def test_a_while_ago(text: str, ago: int) -> None:
    before = dt.datetime.now(dt.UTC)
    found = convert(parameter("TIMESTAMPTZ"), text)
    after = dt.datetime.now(dt.UTC)
    assert isinstance(found, dt.datetime)
    assert before <= found + dt.timedelta(seconds=ago) <= after


@given(st.datetimes(min_value=dt.datetime(1, 1, 2), max_value=dt.datetime(9999, 12, 30)))  # noqa: DTZ001 - bounds
def test_any_time_comes_back_from_its_text(time: dt.datetime) -> None:
    assert convert(parameter("TIMESTAMPTZ"), time.isoformat()) == time.replace(tzinfo=dt.UTC)


@given(st.sampled_from(sorted(TYPES)), st.text())
def test_any_text_is_a_value_or_a_bad_parameter(type_: str, text: str) -> None:
    with contextlib.suppress(BadParameter):
        assert convert(parameter(type_), text) is not None
