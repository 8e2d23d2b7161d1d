"""Instants as APIs write them, one by one, and those that differ from event to event many at once."""

from typing import Final

import numpy as np

from ssetl.alike import Places, instants, texts_at
from ssetl.apis.members import instant, iso
from ssetl.times import UNKNOWN

_FORM: Final = b"0000-00-00T00:00:00.000000000"
_DIGITS: Final = {"micros": (0, 1, 2, 3, 4, 5, 6), "nanos": (7, 8, 9)}  # of the fraction, by kind
_SECOND: Final = len(b"0000-00-00T00:00:00")
_ZERO: Final = 48


def instant_of(value: bytes) -> int:
    """Microseconds since 1970 of an instant. Raises ValueError if an API would write it in another way."""
    text = value.decode()
    made = nanos_of(value)
    if iso(made) != text:
        raise ValueError(text)
    return made


def nanos_of(value: bytes) -> int:
    """Microseconds since 1970 of an instant; finer digits are cut. Raises ValueError if it is none."""
    made = instant({"": value.decode()}, "")
    if made is None:
        raise ValueError(value)
    return made


CLOCKS: Final = ("micros", "nanos")
"""Kinds of holes that tell the time of an event."""

INSTANTS: Final = {"instant": instant_of, "micros": instant_of, "nanos": nanos_of}
"""What makes microseconds since 1970 of what holes of these kinds hold."""


def instants_at(text: bytes, places: Places, kind: str) -> tuple[Places, Places]:
    """The instants of holes of a kind that stand there, and where they end; -1 where there is none.

    In microseconds since 1970; finer digits are cut, as `members.instant` does.
    """
    data = np.frombuffer(text, np.uint8)
    values, ends = np.zeros(len(places), np.int64), np.full(len(places), -1)
    for digits in _DIGITS[kind]:
        form = np.frombuffer(_FORM[: _SECOND + digits + bool(digits)] + b"Z", np.uint8)
        left = np.flatnonzero((ends < 0) & (places + len(form) <= len(data)))
        texts = texts_at(data, places[left], len(form))
        are_digits = texts - np.uint8(_ZERO) <= 9  # smaller ones wrap
        fits = np.where(form == _ZERO, are_digits, texts == form).all(axis=1)
        if kind == "micros" and digits:
            fits &= texts[:, -2] != _ZERO  # it would not be written
        if fits.any():
            found = instants(texts[fits], _instant)
            told = left[fits][found != UNKNOWN]
            values[told], ends[told] = found[found != UNKNOWN], places[told] + len(form)
    return values, ends


def _instant(text: bytes) -> int | None:
    try:
        return nanos_of(text)
    except ValueError:
        return None
