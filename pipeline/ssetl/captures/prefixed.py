"""Prefixes taken off many lines at once: those of one log are alike but for their digits.

What `stamps.Prefix.split` says of a line holds of all that begin alike, digits aside, if an event follows: no
prefix can go on with one. Lines that begin otherwise, and those of the application, are left to it.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from ssetl.alike import (
    MAX_MODELS,
    MAX_WAYS,
    Bytes,
    Places,
    as_the_first,
    begin_with,
    instants,
    stretches,
    texts_at,
)
from ssetl.captures.stamps import Prefix
from ssetl.lines import Lines
from ssetl.sse import EVENT_LINES
from ssetl.times import UNKNOWN

_BLANKS: Final = (b" ", b"\t")
_BEGINNINGS: Final = np.frombuffer(b"{:\n", np.uint8)
_LF: Final = 10


class Run(msgspec.Struct, frozen=True):
    """Neighbouring lines: where they begin and end in the text, and what they are, if that is known."""

    start: int
    end: int
    lines: Lines | None


def without_prefix(text: bytes, offset: int, prefix: Prefix) -> Iterator[Run]:
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
    ways = 0
    for _ in range(MAX_MODELS):
        if not len(left) or ways == MAX_WAYS:
            break
        model = text[starts.item(left[0]) : ends.item(left[0]) - 1]
        stamped = prefix.split(model)
        width = len(model) - len(stamped.text) if stamped else 0
        if stamped is None or stamped.partial or not model[:width].endswith(_BLANKS):
            left = left[1:]
            continue
        ways += 1
        alike, heads = _alike(data, starts, ends, left, width)
        widths[alike] = width
        if prefix.tells_times and len(alike):
            times[alike] = instants(heads[:, slice(*_stamp(prefix, model))], prefix.instant)
        left = left[1:][widths[left[1:]] < 0]
    sizes = ends - starts
    for first, end, is_known in stretches(widths >= 0):
        begin, stop, own = starts.item(first), ends.item(end - 1), slice(first, end)
        lines = None
        if is_known:
            rest = _cut(text[begin:stop], starts[own] - begin, widths[own])
            lines = Lines(rest, starts[own] + offset, sizes[own], times[own])
        yield Run(begin, stop, lines)


def _alike(data: Any, starts: Places, ends: Places, left: Places, width: int) -> tuple[Places, Bytes]:
    """Those of some lines that begin as the first of them does, digits aside, and what they begin with."""
    long = left[ends[left] - starts[left] > width]  # the line end at least is behind it
    heads = texts_at(data, starts[long], width)
    same = as_the_first(heads) & _are_told(data, starts[long] + width)
    return long[same], heads[same]


def _are_told(data: Any, places: Places) -> Any:
    """Whether lines go on with what begins an event, or not at all: a prefix may go on with other things."""
    return np.isin(data[places], _BEGINNINGS) | begin_with(data, places, EVENT_LINES)


def _stamp(prefix: Prefix, model: bytes) -> tuple[int, int]:
    """Where the time stands in a line."""
    found = prefix.pattern.match(model)
    return found.span("at") if found else (0, 0)


def _cut(text: bytes, starts: Places, widths: Places) -> bytes:
    """A text without so many bytes at each start."""
    borders = np.zeros(len(text) + 1, np.int8)
    borders[starts] = 1
    borders[starts + widths] -= 1
    kept = np.cumsum(borders[:-1], dtype=np.int8) == 0
    without: bytes = np.frombuffer(text, np.uint8)[kept].tobytes()
    return without
