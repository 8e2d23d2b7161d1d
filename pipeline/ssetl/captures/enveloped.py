"""Envelopes taken off many lines at once: those of one log are alike but for the digits of their times.

What `envelopes.Envelope.unwrap` says of a line holds of all that differ from it only there and in a payload
that is a text of JSON with plain escapes. All others are left to it.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from ssetl import times
from ssetl.alike import MAX_MODELS, MAX_WAYS, Bytes, Places, as_the_first, instants, stretches, texts_at
from ssetl.captures.envelopes import Envelope, members_of
from ssetl.captures.prefixed import Run
from ssetl.lines import Lines
from ssetl.times import UNKNOWN

_BOM: Final = b"\xef\xbb\xbf"
_DONE: Final = len(b"[DONE]")  # such a payload is put into a line of data
_LF, _BLANK, _QUOTE, _ZERO, _BACKSLASH, _N = 10, 32, 34, 48, 92, 110
_PLAIN: Final = np.frombuffer(b'"\\/n', np.uint8)  # what may be escaped


class _Frame(msgspec.Struct, frozen=True):
    """What is around the payload of a line.

    Args:
        head: the bytes before the payload, its quote included.
        tail: the bytes behind it, quote and line end included.
        stamp: where the time stands in both put together; nowhere, if it tells none.
    """

    head: bytes
    tail: bytes
    stamp: slice


class _Text:
    """Whole lines, and what of them is escaped."""

    def __init__(self, text: bytes) -> None:
        self.data = data = np.frombuffer(text, np.uint8)
        self.ends = np.flatnonzero(data == _LF) + 1
        self.starts = np.concatenate((np.zeros(1, np.int64), self.ends[:-1]))
        backslashes = np.flatnonzero(data == _BACKSLASH)
        places = np.arange(len(backslashes))
        begins = np.diff(backslashes, prepend=-2) != 1
        inside = places - np.maximum.accumulate(np.where(begins, places, 0))
        self.escapes = backslashes[inside % 2 == 0]  # the others are escaped themselves
        escaped = data[self.escapes + 1]
        self.is_escaped = np.zeros(len(data), np.bool_)
        self.is_escaped[self.escapes + 1] = True
        self.newlines = self.escapes[escaped == _N] + 1
        quotes = np.flatnonzero(data == _QUOTE)
        self.quotes = self.count(quotes[~self.is_escaped[quotes]])
        odd = self.count(self.escapes[~np.isin(escaped, _PLAIN)])
        self.is_plain = (odd == 0) & (self.count(np.flatnonzero(data < _BLANK)) == 1)

    def count(self, places: Places) -> Places:
        """How many of some ascending places lie in each line."""
        return np.diff(np.searchsorted(places, self.ends), prepend=0)


def without_envelope(text: bytes, offset: int, envelope: Envelope, *, ended: bool) -> Iterator[Run]:
    """Payloads as lines, with their times, as far as that can be told of many at once.

    Args:
        text: whole lines, all of which end with LF.
        offset: where it begins in the file.
        envelope: what they are wrapped in.
        ended: whether a payload without a line end goes on in the next.
    """
    if not _is_utf8(text) or _BOM in text:
        yield Run(0, len(text), None)
        return
    lines = _Text(text)
    heads, tails, at = (np.full(len(lines.starts), value) for value in (-1, 1, UNKNOWN))
    left = np.flatnonzero(lines.is_plain)
    ways = 0
    for _ in range(MAX_MODELS):
        if not len(left) or ways == MAX_WAYS:
            break
        frame = _frame(text[lines.starts.item(left[0]) : lines.ends.item(left[0])], envelope)
        if frame is None:
            left = left[1:]
            continue
        ways += 1
        found, around = _alike(lines, left, frame)
        found, told = _timed(found, around, frame)
        heads[found], tails[found], at[found] = len(frame.head), len(frame.tail), told
        left = left[1:][heads[left[1:]] < 0]
    closings = lines.ends - tails - 1  # the last byte of each payload
    is_ended = lines.is_escaped[closings] & (lines.data[closings] == _N)
    is_known = (heads >= 0) & (lines.ends - lines.starts - heads - tails != _DONE)
    if ended:
        is_known &= is_ended
    starts, ends = lines.starts, lines.ends
    cuts = np.stack((starts, starts + heads, ends - tails, ends - ~is_ended))  # one line end is kept
    for first, end, known in stretches(is_known):
        own = slice(first, end)
        payloads = _payloads(lines, own, cuts[:, own], at[own]) if known else None
        if payloads:
            payloads = msgspec.structs.replace(payloads, offsets=payloads.offsets + offset)
        yield Run(starts.item(first), ends.item(end - 1), payloads)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _frame(line: bytes, envelope: Envelope) -> _Frame | None:
    """What is around the payload of a line, if that is a text and stands there once, and its time, too."""
    if members_of(line) is None:
        return None
    payload, stamp = envelope.members(line)
    if payload is None or not payload.startswith(b'"') or not _is_once(line, payload):
        return None
    before, _, behind = line.partition(payload)
    around = before + b'""' + behind
    if stamp is None:
        return _Frame(before + b'"', b'"' + behind, slice(0, 0))
    digits = stamp.strip(b'"')
    if not _is_once(around, digits):
        return None
    place = around.find(digits)
    return _Frame(before + b'"', b'"' + behind, slice(place, place + len(digits)))


def _is_once(text: bytes, part: bytes) -> bool:
    """Whether a text that holds a part does so but once; places may overlap."""
    return text.find(part) == text.rfind(part)


def _alike(lines: _Text, left: Places, frame: _Frame) -> tuple[Places, Bytes]:
    """Those of some lines that have such a frame, the first of them included, and what is around each."""
    head, tail = len(frame.head), len(frame.tail)
    starts, ends = lines.starts, lines.ends
    found = left[(ends - starts)[left] >= head + tail]
    found = found[lines.quotes[found] == lines.quotes[left[0]]]
    found = found[~lines.is_escaped[ends[found] - tail]]  # the quote that ends the payload
    around = np.hstack(
        (texts_at(lines.data, starts[found], head), texts_at(lines.data, ends[found] - tail, tail))
    )
    same = around == around[0]
    same[:, frame.stamp] = True
    are_alike = same.all(axis=1) & as_the_first(around[:, frame.stamp])
    return found[are_alike], around[are_alike]


def _timed(found: Places, around: Bytes, frame: _Frame) -> tuple[Places, Places]:
    """Those of the lines whose time is known, if they have one, and these times."""
    if frame.stamp.start == frame.stamp.stop:
        return found, np.full(len(found), UNKNOWN)
    told = instants(around[:, frame.stamp], _instant)
    if around[0, frame.stamp.start - 1] != _QUOTE:
        told[around[:, frame.stamp.start] == _ZERO] = UNKNOWN  # no number of JSON begins so
    return found[told != UNKNOWN], told[told != UNKNOWN]


def _instant(stamp: bytes) -> int | None:
    return times.parse_instant(stamp.decode("ascii", "replace"))


def _payloads(lines: _Text, own: slice, cuts: Any, at: Places) -> Lines:
    """The payloads of neighbouring lines; `cuts` are where what is before and behind each begins and ends.

    Of several lines from one, each but the last gets one byte of it, as in `linelog`.
    """
    starts, ends = lines.starts[own], lines.ends[own]
    begin, stop = starts.item(0), ends.item(-1)
    text = lines.data[begin:stop].copy()
    text[_between(lines.newlines, begin, stop)] = _LF
    around = np.zeros(len(text) + 1, np.int8)
    for places, step in zip(cuts, (1, -1, 1, -1), strict=True):
        around[places - begin] += step
    kept = np.cumsum(around[:-1], dtype=np.int8) == 0
    kept[_between(lines.escapes, begin, stop)] = False
    borders = np.searchsorted(np.flatnonzero((text == _LF) & kept), ends - begin)
    counts = np.diff(borders, prepend=0)
    inside = np.arange(borders[-1]) - np.repeat(borders - counts, counts)
    sizes = np.ones(len(inside), np.int64)
    sizes[borders - 1] = ends - starts - counts + 1
    data: bytes = text[kept].tobytes()
    return Lines(data, np.repeat(starts, counts) + inside, sizes, np.repeat(at, counts))


def _between(places: Places, begin: int, stop: int) -> Places:
    """Those of some ascending places that lie between two others, counted from the first of these."""
    first, end = np.searchsorted(places, (begin, stop))
    return places[first:end] - begin
