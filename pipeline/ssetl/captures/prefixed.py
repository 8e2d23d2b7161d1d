"""Prefixes taken off many lines at once: those of one log are alike but for their digits.

What `stamps.Prefix.split` says of a line holds of all that begin alike, digits aside, if an event follows: no
prefix can go on with one. Lines that begin otherwise, and those of the application, are left to it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from ssetl.lines import Lines
from ssetl.times import UNKNOWN

if TYPE_CHECKING:
    from ssetl.captures.stamps import Prefix

MAX_WAYS: Final = 8
"""Ways to begin that are looked for in a block: fractions of a second may have their last zeros cut."""

WORTH: Final = 4
"""Lines are read one by one where there are fewer of one kind behind each other, on average."""

_MICROSECONDS: Final = 6  # digits
_FRACTION: Final = re.compile(rb"([0-9]{4}-[^.,]*[.,]|[0-9]{10}[.,])([0-9]+).*")
_BLANKS: Final = (b" ", b"\t")
_BEGINNINGS: Final = np.frombuffer(b"{:\n", np.uint8)
_NAMES: Final = (b"data:", b"event:")
_LF, _ZERO = 10, 48

Places = np.ndarray[tuple[int], np.dtype[np.int64]]
Bytes = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


class Run(msgspec.Struct, frozen=True):
    """Neighbouring lines: where they begin and end in the text, and what they are, if that is known."""

    start: int
    end: int
    lines: Lines | None


def without_prefix(text: bytes, offset: int, prefix: "Prefix") -> Iterator[Run]:
    """Lines without their prefix and with their times, as far as that can be told of many at once.

    Args:
        text: whole lines, all of which end with LF and hold no CR.
        offset: where it begins in the file.
        prefix: what they begin with.
    """
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == _LF) + 1
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    widths = np.full(len(starts), -1)
    times = np.full(len(starts), UNKNOWN)
    left = np.arange(len(starts))
    for _ in range(MAX_WAYS):
        if not len(left):
            break
        model = text[starts.item(left[0]) : ends.item(left[0]) - 1]
        stamped = prefix.split(model)
        width = len(model) - len(stamped.text) if stamped else 0
        if stamped is None or stamped.partial or not model[:width].endswith(_BLANKS):
            left = left[1:]
            continue
        alike, heads = _alike(data, starts, ends, left, width)
        widths[alike] = width
        if prefix.tells_times and len(alike):
            times[alike] = instants(heads[:, slice(*_stamp(prefix, model))], prefix.instant)
        left = left[1:][widths[left[1:]] < 0]
    known = widths >= 0
    changes = (np.flatnonzero(known[1:] != known[:-1]) + 1).tolist()
    if len(changes) * WORTH > len(known):
        yield Run(0, len(text), None)
        return
    sizes = ends - starts
    for first, end in zip([0, *changes], [*changes, len(known)], strict=True):
        begin, stop, own = starts.item(first), ends.item(end - 1), slice(first, end)
        lines = None
        if known[first]:
            rest = _cut(text[begin:stop], starts[own] - begin, widths[own])
            lines = Lines(rest, starts[own] + offset, sizes[own], times[own])
        yield Run(begin, stop, lines)


def _alike(data: Any, starts: Places, ends: Places, left: Places, width: int) -> tuple[Places, Bytes]:
    """Those of some lines that begin as the first of them does, digits aside, and what they begin with."""
    long = left[ends[left] - starts[left] > width]  # the line end at least is behind it
    heads: Bytes = data[starts[long][:, None] + np.arange(width)]
    model = heads[0]
    are_digits = _are_digits(model)
    same = (np.where(are_digits, _are_digits(heads), heads == model)).all(axis=1)
    same &= _are_told(data, starts[long] + width)
    return long[same], heads[same]


def _are_told(data: Any, places: Places) -> Any:
    """Whether lines go on with what begins an event, or not at all: a prefix may go on with other things."""
    return np.isin(data[places], _BEGINNINGS) | begin_with(data, places, _NAMES)


def begin_with(data: Any, places: Places, texts: Sequence[bytes]) -> Any:
    """Whether one of some texts stands there."""
    found = np.zeros(len(places), np.bool_)
    for text in texts:
        there = data[np.minimum(places[:, None] + np.arange(len(text)), len(data) - 1)]
        found |= (there == np.frombuffer(text, np.uint8)).all(axis=1)
    return found


def _are_digits(values: Any) -> Any:
    return values - np.uint8(_ZERO) <= 9  # smaller ones wrap


def _stamp(prefix: "Prefix", model: bytes) -> tuple[int, int]:
    """Where the time stands in a line."""
    found = prefix.pattern.match(model)
    return found.span("at") if found else (0, 0)


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


def _cut(text: bytes, starts: Places, widths: Places) -> bytes:
    """A text without so many bytes at each start."""
    borders = np.zeros(len(text) + 1, np.int8)
    borders[starts] = 1
    borders[starts + widths] -= 1
    kept = np.cumsum(borders[:-1], dtype=np.int8) == 0
    without: bytes = np.frombuffer(text, np.uint8)[kept].tobytes()
    return without
