"""Instants from text: exact against the standard library, None where a text names no instant."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl import times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(datetime(2001, 9, 10), datetime(2099, 12, 30), timezones=ZONES)  # noqa: DTZ001 - bounds


def micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


@given(INSTANTS)
def test_iso_agrees_with_the_standard_library(instant: datetime) -> None:
    assert times.parse_iso(instant.isoformat()) == micros(instant)
    assert times.parse_iso(instant.isoformat(" ").replace(".", ",")) == micros(instant)
    assert times.parse_iso(instant.strftime("%Y-%m-%dT%H:%M:%S.%f%z")) == micros(instant)


@given(INSTANTS, st.integers(0, 999))
def test_what_is_finer_than_a_microsecond_is_cut_off(instant: datetime, nanos: int) -> None:
    utc = instant.astimezone(UTC)
    assert times.parse_iso(f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond:06d}{nanos:03d}Z") == micros(utc)
    assert times.parse_epoch(f"{micros(utc)}{nanos:03d}") == micros(utc)


@given(INSTANTS)
def test_epochs_of_every_unit_are_one_instant(instant: datetime) -> None:
    at = micros(instant)
    seconds, rest = divmod(at, 1_000_000)
    assert times.parse_epoch(f"{seconds}.{rest:06d}") == at
    assert times.parse_epoch(f"{at // 1000}.{at % 1000:03d}") == at
    assert times.parse_epoch(str(at)) == at
    assert times.parse_epoch(str(seconds)) == seconds * 1_000_000


@given(INSTANTS)
def test_http_dates_are_whole_seconds(instant: datetime) -> None:
    second = instant.astimezone(UTC).replace(microsecond=0)
    assert times.parse_http_date(format_datetime(second, usegmt=True)) == micros(second)


@given(st.text())
def test_any_text_is_an_instant_or_none(text: str) -> None:
    for parse in (times.parse_iso, times.parse_epoch, times.parse_instant, times.parse_http_date):
        assert parse(text) is None or isinstance(parse(text), int)


@pytest.mark.parametrize(
    "text",
    [
        "2025-04-21", "03:21:59", "2025-13-01T00:00:00Z", "2025-02-30T00:00:00Z", "2025-04-21T24:00:00Z",
        "2025-04-21T03:60:00Z", "2025-04-21T03:21:59.Z", "\u0662025-04-21T03:21:59Z", "",
    ],
)  # fmt: skip
def test_what_is_no_iso_instant(text: str) -> None:
    assert times.parse_iso(text, naive_is_utc=True) is None


@pytest.mark.parametrize(
    "text", ["0", "12", "174520571", "17452057199", "-1745205719", "9999999999", "1.5", "NaN"]
)
def test_what_is_no_epoch(text: str) -> None:
    assert times.parse_epoch(text) is None


def test_a_time_without_a_zone_is_an_instant_only_if_somebody_says_so() -> None:
    assert times.parse_iso("2025-04-21T03:21:59.5") is None
    assert times.parse_iso("2025-04-21T03:21:59.5", naive_is_utc=True) == 1745205719_500000
    assert times.parse_instant("2025-04-21 03:21:59,5") == 1745205719_500000


def test_a_leap_second_is_the_second_before_it() -> None:
    assert times.parse_iso("2016-12-31T23:59:60Z") == times.parse_iso("2016-12-31T23:59:59Z")


def test_stamps_that_never_change_are_no_clock() -> None:
    assert not times.advances([5, 5, 5])
    assert times.advances([5, 5, 6])
    assert times.advances([5, 5])
    assert times.advances([])


def test_whole_seconds_are_told_from_finer_stamps() -> None:
    assert times.are_whole_seconds([1_000000, None, 2_000000, 2_000000])
    assert not times.are_whole_seconds([1_000000, 2_000000, 2_000001])
    assert not times.are_whole_seconds([1_000000])
