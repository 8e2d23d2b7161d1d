"""Texts that name an instant, to microseconds since 1970 (UTC): exact, fast, never guessed.

Finer digits are cut off, towards the past, so that no event seems to arrive later than it did. A text
that names no instant gives None.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

SECOND: Final = 1_000_000
"""Microseconds."""

EARLIEST: Final = 946_684_800 * SECOND
"""2000-01-01: a number that would be an earlier instant is no timestamp."""

LATEST: Final = 4_102_444_800 * SECOND
"""2100-01-01: a number that would be a later instant is no timestamp."""

UNKNOWN: Final = -(1 << 63)
"""What stands for no instant, or no duration, in an array of them."""

FIRST: Final = -62_135_596_800 * SECOND
"""0001-01-01: where the calendars of most tools begin."""

END: Final = 253_402_300_800 * SECOND
"""10000-01-01: where they end."""

ENOUGH: Final = 3
"""Stamps that say something by themselves."""

ISO_PATTERN: Final = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:[.,]([0-9]{1,12}))?(Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2}| UTC| [+-][0-9]{4})?"
)
"""Date and time of ISO 8601, as programs print it; groups are the whole second, its fraction, the zone."""

EPOCH_PATTERN: Final = r"([0-9]{10}|[0-9]{13}|[0-9]{16}|[0-9]{19})(?:[.,]([0-9]{1,12}))?"
"""Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by the number of digits."""

_ISO: Final = re.compile(ISO_PATTERN)
_EPOCH: Final = re.compile(EPOCH_PATTERN)
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX_DAY: Final = date(1970, 1, 1).toordinal()


def parse_iso(text: str, *, naive_is_utc: bool = False) -> int | None:
    """Microseconds of an ISO 8601 date and time, such as `2025-04-21T03:21:59.483112Z`.

    A blank may stand for the T and a comma for the point; the zone is Z, UTC, ±HH, ±HHMM or ±HH:MM. A
    text without a zone names an instant only to those who know its zone: `naive_is_utc` says it is UTC.
    A leap second is the second before it.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    second, fraction, zone = found.groups()
    if zone is None and not naive_is_utc:
        return None
    start = _second(second, zone)
    if start is None or not fraction:
        return start
    return start + int((fraction + "000000")[:6])


def parse_epoch(text: str) -> int | None:
    """Microseconds of a number of seconds, milliseconds, microseconds or nanoseconds since 1970.

    The unit follows from the size of the number, which must lie between the years 2001 and 2100.
    """
    found = _EPOCH.fullmatch(text.strip())
    if found is None:
        return None
    whole, fraction = found[1], found[2] or ""
    unit_digits = {10: 6, 13: 3, 16: 0, 19: -3}[len(whole)]
    if unit_digits < 0:
        at = int(whole[:unit_digits])
    else:
        at = int(whole) * 10**unit_digits + int((fraction + "000000")[:unit_digits] or 0)
    return at if EARLIEST <= at < LATEST else None


def parse_instant(text: str) -> int | None:
    """Microseconds of either kind; an ISO text without a zone is UTC, as everywhere in ssetl."""
    at = parse_epoch(text)
    return parse_iso(text, naive_is_utc=True) if at is None else at


def parse_http_date(text: str) -> int | None:
    """Microseconds of an HTTP date, such as `Mon, 21 Apr 2025 03:21:59 GMT`."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - few captures need it

    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    at = int((found - _EPOCH_START).total_seconds()) * SECOND
    return at if EARLIEST <= at < LATEST else None


def advances(instants: Sequence[int | None]) -> bool:
    """Whether stamps can be arrival times: if all are the same, they were set when a file was converted."""
    known = [at for at in instants if at is not None]
    return len(known) < ENOUGH or len(set(known)) > 1


def are_whole_seconds(instants: Sequence[int | None]) -> bool:
    """Whether stamps have no finer resolution than a second, as far as that can be told."""
    known = [at for at in instants if at is not None]
    return len(known) >= ENOUGH and all(at % SECOND == 0 for at in known)


@lru_cache(maxsize=4096)
def _second(text: str, zone: str | None) -> int | None:
    """Microseconds of a whole second: many stamps of a log share one."""
    try:
        day = date(int(text[:4]), int(text[5:7]), int(text[8:10])).toordinal() - _UNIX_DAY
    except ValueError:
        return None
    hour, minute, second = int(text[11:13]), int(text[14:16]), int(text[17:19])
    if hour > 23 or minute > 59 or second > 60:
        return None
    at = (((day * 24 + hour) * 60 + minute) * 60 + min(second, 59) - _offset(zone)) * SECOND
    return at if FIRST <= at < END else None  # a zone may lead out of the calendar


def _offset(zone: str | None) -> int:
    """Seconds that a zone is ahead of UTC."""
    if zone is None or zone in ("Z", " UTC"):
        return 0
    digits = zone.strip()[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:] or 0) * 60
    return -seconds if "-" in zone else seconds
