"""Texts that are alike but for their digits, as stamps of one writer are: many are looked at together."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from ssetl.times import UNKNOWN

MAX_WAYS: Final = 8
"""Ways to write them that are looked for in a block: fractions of a second may have their last zeros cut."""

MAX_MODELS: Final = 64
"""Lines of a block that are looked at for another way: some are none of any."""

WORTH: Final = 4
"""Lines are read one by one where there are fewer of one kind behind each other, on average."""

Places = np.ndarray[tuple[int], np.dtype[np.int64]]
Bytes = np.ndarray[tuple[int, int], np.dtype[np.uint8]]

_MICROSECONDS: Final = 6  # digits
_FRACTION: Final = re.compile(rb"([0-9]{4}-[^.,]*[.,]|[0-9]{10}[.,])([0-9]+).*")
_ZERO: Final = 48


def as_the_first(texts: Bytes) -> Any:
    """Which texts are as the first of them, digits aside."""
    are_digits = texts - np.uint8(_ZERO) <= 9  # smaller ones wrap
    return np.where(are_digits[0], are_digits, texts == texts[0]).all(axis=1)


def begin_with(data: Any, places: Places, texts: Sequence[bytes]) -> Any:
    """Whether one of some texts stands there; none of them ends with a NUL."""
    found = np.zeros(len(places), np.bool_)
    for text in texts:
        left = ~found & (places <= len(data) - len(text))
        found[left] = _windows(data, f"S{len(text)}")[places[left]] == text
    return found


def texts_at(data: Any, places: Places, size: int) -> Bytes:
    """The bytes of some number that stand there: so many there are."""
    texts: Bytes = _windows(data, f"V{size}")[places].view(np.uint8).reshape(-1, size)
    return texts


def stretches(known: Any) -> Iterator[tuple[int, int, bool]]:
    """Lines behind each other that are known, and those between: from which one up to which other.

    All as unknown where these are few, on average: they are read one by one as fast.
    """
    changes = (np.flatnonzero(known[1:] != known[:-1]) + 1).tolist()
    if len(changes) * WORTH > len(known):
        yield 0, len(known), False
        return
    for first, end in pairwise([0, *changes, len(known)]):
        yield first, end, bool(known[first])


def _windows(data: Any, kind: str) -> Any:
    """What stands at each place of the bytes, as values of a numpy type."""
    return np.ndarray(max(len(data) - np.dtype(kind).itemsize + 1, 0), kind, data, 0, (1,))


def instants(stamps: Bytes, read: Callable[[bytes], int | None]) -> Places:
    """The instants that texts name, `UNKNOWN` where none; the texts are alike but for their digits.

    Few of them are read: most are in the same second as the one before.
    """
    stamps = stamps.copy()
    fraction = _FRACTION.fullmatch(stamps[0].tobytes())
    if fraction is None:
        return np.array([_known(read(stamp.tobytes())) for stamp in stamps], np.int64)
    digits = slice(*fraction.span(2))
    values = stamps[:, digits][:, :_MICROSECONDS] - np.uint8(_ZERO)
    parts = values @ 10 ** np.arange(_MICROSECONDS - 1, _MICROSECONDS - 1 - values.shape[1], -1)
    stamps[:, digits] = _ZERO
    first = np.ones(len(stamps), np.bool_)
    first[1:] = (stamps[1:] != stamps[:-1]).any(axis=1)
    begins = np.flatnonzero(first)
    seconds = [_known(read(stamps[n].tobytes())) for n in begins.tolist()]
    whole = np.repeat(np.array(seconds, np.int64), np.diff(begins, append=len(stamps)))
    return np.where(whole == UNKNOWN, UNKNOWN, whole + parts)


def _known(instant: int | None) -> int:
    return UNKNOWN if instant is None else instant
