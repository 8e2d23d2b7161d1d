"""A block of a raw file, cut into units, and looks at many places of it at once.

A unit is an event with its blank line or, in a file without blank lines, one line, or two if the first names
the event that the second is. Places are offsets in the
block, as int64 arrays; what is found has one element per place.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Final, Self

import numpy as np
import pyarrow as pa

from ssetl import kernels
from ssetl.fast.template import PATTERNS, Template
from ssetl.fast.words import WORD, Words, are_among, controls_in, first_marked, leading_numbers
from ssetl.kernels import Array
from ssetl.sse import Terminator
from ssetl.times import UNKNOWN

Places = np.ndarray[tuple[int], np.dtype[np.int64]]
Codes = np.ndarray[tuple[int], np.dtype[np.int32]]
Bits = np.ndarray[tuple[int], np.dtype[np.uint8]] | None
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
Texts = np.ndarray[tuple[int, int], np.dtype[np.uint8]]

MAX_DIGITS: Final = 15
"""Digits of a number; more might not fit an int64."""

MAX_BLANKS: Final = 64
"""Blanks that are taken for padding; more are read in the ordinary way."""

MAX_SEARCH: Final = 8
"""Words in which the end of a text is looked for in many places at once; longer ones one by one."""

SHORTEST: Final = 16
"""Bytes of a line on average; places in a block of shorter ones take more memory than the block is worth."""

LINES_PER_BLANK: Final = 8
"""With more lines than that per blank line, each line is a unit."""

_FEW: Final = 1 << 16  # lines that are not too many, however short
_BLANKS: Final = np.uint64(int.from_bytes(b" " * WORD, "little"))
_LF, _CR, _QUOTE, _BACKSLASH, _BLANK, _ZERO = 10, 13, 34, 92, 32, 48
_text_at: Final = re.compile(PATTERNS["text"] + b'(?=")', re.DOTALL).match
_number_at: Final = re.compile(PATTERNS["number"] + b"(?![0-9])").match
_DATA: Final = b"data:"
_NAME: Final = b"event:"
_JSON: Final = b"data: {"
_NONE: Final[Places] = np.zeros(0, np.int64)


class Block:
    """Bytes and the units in them.

    Attributes:
        data: the bytes.
        offset: where the block begins in the body.
        starts, ends: first byte of each unit, and the byte behind it. Units lie behind each other, but
            for those that were left out.
        whole: how many units have their end; the last one may go on in the next block.
        by_line: whether each line is a unit, but for those that name an event.
        comments: how many comments that were left out came before each unit, and behind the last; None if
            there were none.
        times: when each unit came, if a comment before it tells that was left out; `UNKNOWN` for units of
            which none does, and None if that is so for all.
        requests: what comments said of a request that were left out before units that have a time.
        is_plain: whether all lines end with LF or CRLF, and most are not too short; else there is one unit.
    """

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset
        self.comments: Codes | None = None
        self.times: Places | None = None
        self.requests: Mapping[int, bytes] = {}
        self._bytes = np.frombuffer(data, np.uint8)
        found = controls_in(self._bytes, max(len(data) // SHORTEST, _FEW))
        self.is_plain = found is not None
        controls, are_newlines = found or (_NONE, True)
        self._newlines = controls
        if not are_newlines:
            kinds = self._bytes[controls]
            self._newlines = controls[kinds == _LF]
            returns = controls[kinds == _CR]
            self.is_plain &= bool((self._bytes[np.minimum(returns + 1, len(data) - 1)] == _LF).all())
        gaps = np.diff(self._newlines, prepend=-1)
        blank = gaps == 1
        if not are_newlines:
            blank |= (gaps == 2) & (self._bytes[self._newlines - 1] == _CR)
        self.by_line = LINES_PER_BLANK * int(blank.sum()) < len(blank)
        if self.by_line:
            ends = self._newlines + 1
        else:
            blank[:-1] &= ~blank[1:]  # a unit ends with the last of its blank lines
            ends = self._newlines[blank] + 1
        self.whole = len(ends)
        if not ends.size or ends[-1] < len(data):
            ends = np.append(ends, len(data))
        self.ends = ends
        self.starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
        self._named: Mask | None = None  # which units begin with a name, if lines are units and some do
        if self.by_line:
            self._join_names()

    def _join_names(self) -> None:
        names = self._begins(_NAME)
        names[:-1] &= self._begins(_JSON)[1:]
        names[-1] = False
        if places := np.flatnonzero(names).tolist():
            self.starts, self.ends = np.delete(self.starts, np.add(places, 1)), np.delete(self.ends, places)
            self.whole -= len(places)
            self._named = np.delete(names, np.add(places, 1))

    def unit(self, n: int) -> bytes:
        """The bytes of a unit."""
        return self.data[self.starts[n] : self.ends[n]]

    def without(self, units: Sequence[int]) -> Self:
        """The same block, some units of which are left out; all are whole."""
        if not units:
            return self
        rest = copy(self)
        for told in ("_names", "_bare"):
            vars(rest).pop(told, None)
        rest.starts, rest.ends = np.delete(self.starts, units), np.delete(self.ends, units)
        rest._named = None if self._named is None else np.delete(self._named, units)
        rest.times = None if self.times is None else np.delete(self.times, units)
        rest.requests = {unit - bisect_left(units, unit): said for unit, said in self.requests.items()}
        rest.whole -= len(units)
        return rest

    def beginning_with(self, byte: int) -> Places:
        """The units that begin with a byte."""
        filled = self.starts[self.starts < len(self.data)]  # a block of no bytes has one unit
        return np.flatnonzero(self._bytes[filled] == byte)

    def alone(self) -> Places:
        """The units that can be read without what stands around them.

        A data line without a blank line behind it is complete only if another data line follows. A name
        outlives its event there: where some have one, others may have that of the event before.
        """
        if not self.by_line:
            return np.arange(self.whole)
        alone = self._begins(b"{")
        followed = self._begins(_DATA)[1:]
        if self._named is None:
            alone[:-1] |= followed
        else:
            alone[:-1] |= self._named[:-1] & (followed | self._named[1:])
        return np.flatnonzero(alone[: self.whole])

    def is_alone(self, n: int) -> bool:
        """Whether that is so for one unit."""
        if not self.by_line or n >= self.whole:
            return n < self.whole
        if self.data.startswith(b"{", int(self.starts[n])):
            return True
        return (self._named is None or self.is_named(n)) and self.is_followed(n)

    def is_followed(self, n: int) -> bool:
        """Whether units are lines, and a data line follows, or a name and then a data line."""
        if not self.by_line:
            return False
        return self.data.startswith(_DATA, int(self.ends[n])) or self.is_named(n + 1)

    def is_named(self, n: int) -> bool:
        """Whether units are lines, and that one begins with the name of its event."""
        return self._named is not None and n < len(self._named) and self._named.item(n)

    def last_name(self, first: int, end: int) -> str | None:
        """The name that is in force behind some units, one up to another; None if they change nothing.

        All are alone, or terminators: with a terminator no name is in force any more, as with an empty one.
        """
        if self._named is None:
            return None
        named, ends = bisect_left(self._names, end), bisect_left(self._bare, end)
        last = max(self._names[named - 1] if named else -1, first - 1)
        if ends and self._bare[ends - 1] > last:
            return ""
        if last < first:
            return None
        line, _, _ = self.unit(last).partition(b"\n")
        return line.removeprefix(_NAME).removeprefix(b" ").rstrip(b"\r").decode("utf-8", "replace")

    @cached_property
    def _names(self) -> list[int]:
        """The units that begin with a name."""
        return [] if self._named is None else np.flatnonzero(self._named).tolist()

    @cached_property
    def _bare(self) -> list[int]:
        """The units that are data without a name."""
        return np.flatnonzero(self._begins(_DATA)).tolist()

    def _begins(self, text: bytes) -> Mask:
        fits = self.ends - self.starts >= len(text)
        fits[fits] = self.holds(self.starts[fits], text)
        return fits

    def offsets(self, places: Places) -> Places:
        """Where the lines that begin at some places begin in the body."""
        return self.offset + places

    def line_end(self, place: int, size: int) -> int:
        """Where a line ends in the body that begins at a place and is of so many bytes here."""
        return self.offset + place + size

    def is_one_line(self, text: bytes, line: Terminator, rest: Counter[str]) -> bool:
        """Whether it is known where a terminator stands in the body, and when it came."""
        return True

    def terminators(self, units: Places, line: Terminator, rest: Counter[str]) -> Counter[str]:
        """The bytes by kind of units that are a terminator: of the line in each, and of what is beside it."""
        tally = Counter(terminator=len(units) * line.size)
        for kind, size in rest.items():
            tally[kind] += len(units) * size
        return tally

    def tally(self, units: Places, match: Codes, templates: Sequence[Template]) -> Counter[str]:
        """The bytes of units by kind; `match` numbers the templates that they have matched."""
        sizes = Counter(event=int((self.ends[units] - self.starts[units]).sum()))
        for template, times in zip(templates, np.bincount(match).tolist(), strict=False):
            for kind, size in template.reading.rest.items():
                sizes[kind] += times * size
                sizes["event"] -= times * size
        return sizes

    def arrivals(self, events: Places) -> Places | None:
        """When the events of its units came, `UNKNOWN` where that is not known; None if it never is.

        Args:
            events: where the event of each unit begins.
        """
        return self.times if len(events) else None

    def time(self, unit: int) -> int | None:
        """When a unit came, if a comment told so: then it does not matter when those before it did."""
        if self.times is None or unit >= len(self.times) or self.times[unit] == UNKNOWN:
            return None
        return self.times.item(unit)

    def lines_before(self, place: int) -> int:
        """Line ends before a place."""
        return int(np.searchsorted(self._newlines, place))

    def holds(self, places: Places, text: bytes) -> Mask:
        """Whether `text` stands there. The places lie behind each other, at least as far as it is long."""
        before = WORD - len(text)
        if before >= 0 and len(places) and places[0] >= before:
            words = self._words()[places - before] >> np.uint64(8 * before)
            return np.asarray(words == int.from_bytes(text, "little"))
        pieces = self._pieces([(places, places + len(text))])
        return _alternate(kernels.equal(pieces, pa.scalar(text, pa.binary())))

    def are_equal(self, these: tuple[Places, Places], others: tuple[Places, Places]) -> Mask:
        """Whether the texts from each start to the end of the same number are those of others.

        Both lie behind each other.
        """
        return _alternate(kernels.equal(self._pieces([these]), self._pieces([others])))

    def same(self, text: bytes) -> Places:
        """The units that are just this text."""
        units = np.flatnonzero(self.ends - self.starts == len(text))
        return units[self.holds(self.starts[units], text)]

    def distinct(self, places: Places, width: int, tail: bytes) -> tuple[Codes, Texts]:
        """The different texts of `width` bytes that stand there and end with `tail`, and where each is.

        The places lie behind each other, `width` bytes at least. The code of a place where another text
        stands is -1.
        """
        pieces = self._pieces([(places, places + width)])
        # Neighbours are mostly equal, and comparing is cheaper than hashing.
        first = np.ones(len(places), np.bool_)
        first[1:] = ~_alternate(kernels.equal(pieces[2:], pieces[:-2]))
        begins = np.flatnonzero(first)
        at = places[begins]
        fits = self.holds(at + width - len(tail), tail)
        texts = np.ndarray(len(self.data) - width + 1, f"V{width}", self.data, 0, (1,))[at[fits]]
        encoded = kernels.dictionary(kernels.array(pa.binary(width), len(texts), texts))
        codes = np.full(len(at), -1, np.int32)
        codes[fits] = np.frombuffer(encoded.indices.buffers()[1] or b"", np.int32, len(encoded))
        different = np.frombuffer(encoded.dictionary.buffers()[1] or b"", np.uint8)
        times = np.diff(begins, append=len(places))
        return np.repeat(codes, times), different[: len(encoded.dictionary) * width].reshape(-1, width)

    def texts(self, starts: Places, ends: Places) -> Array:
        """The texts from each start to the end of the same number, as an Arrow array of binary."""
        return self.joined([(starts, ends)])

    def joined(self, ranges: Sequence[tuple[Places, Places]]) -> Array:
        """The texts from each start to the end of the same number, those of one number put together."""
        pieces = self._pieces(ranges)
        texts = kernels.take(pieces, kernels.numbers(np.arange(0, len(pieces), 2, dtype=np.int32)))
        _, offsets, data = texts.buffers()
        first = np.frombuffer(offsets, np.int32)[:: len(ranges)]
        return kernels.array(pa.binary(), len(first) - 1, np.ascontiguousarray(first), data)

    def _pieces(self, ranges: Sequence[tuple[Places, Places]]) -> Array:
        """The texts of all ranges, those of one number behind each other, and behind each what is between.

        What is between is not to be looked at if it may be of negative length.
        """
        each = 2 * len(ranges)
        borders = np.empty(each * len(ranges[0][0]) + 1, np.int32)
        for n, (starts, ends) in enumerate(ranges):
            borders[2 * n : -1 : each], borders[2 * n + 1 : -1 : each] = starts, ends
        borders[-1] = len(self.data)
        return kernels.array(pa.binary(), len(borders) - 1, borders, self.data)

    def quotes(self, places: Places) -> Places:
        """Where the text ends that stands there, at a quote; -1 where it is empty or ends nowhere."""
        found = np.full(len(places), -1, np.int64)
        left, at = np.arange(len(places)), places
        late = []
        for _ in range(MAX_SEARCH):
            inside = at <= len(self.data) - WORD
            if not inside.all():
                late.append(left[~inside])
                left, at = left[inside], at[inside]
            if not left.size:
                break
            texts = self._words()[at].view(np.uint8)
            quotes, escapes = texts == _QUOTE, texts == _BACKSLASH
            mark, length = first_marked(quotes | escapes | (texts < _BLANK))
            at = at + length
            found[left] = np.where(are_among(quotes, mark), at, -1)
            is_escape = are_among(escapes, mark)
            on = np.flatnonzero(is_escape | (mark == 0))
            left, at = left[on], at[on] + 2 * is_escape[on]
        for n in np.concatenate((*late, left)).tolist():  # at the end of the block, and long texts
            text = _text_at(self.data, places.item(n))
            found[n] = text.end() if text else -1
        return found

    def blank(self, starts: Places, ends: Places) -> Mask:
        """Whether nothing but blanks stands from each start to the end behind it, and not too many."""
        lengths = ends - starts
        found: Mask = lengths <= MAX_BLANKS
        left = np.flatnonzero(found & (lengths > 0))
        while left.size:  # from the end on: there may be no whole word behind the start
            early = ends[left] < WORD
            for n in left[early].tolist():
                found[n] = not self.data[starts.item(n) : ends.item(n)].strip(b" ")
            left = left[~early]
            rest = lengths[left]
            others = self._words()[ends[left] - WORD] ^ _BLANKS
            others >>= ((WORD - np.minimum(rest, WORD)) * 8).view(np.uint64)
            found[left[others != 0]] = False
            left = left[(others == 0) & (rest > WORD)]
            ends, lengths = ends - WORD, lengths - WORD
        return found

    def numbers(self, places: Places) -> tuple[Places, Places]:
        """The whole numbers of at most `MAX_DIGITS` digits that stand there, and where they end.

        Where there is none, or one with a needless zero, the end is -1.
        """
        if (late := places > len(self.data) - 2 * WORD).any():
            values, ends = np.empty((2, len(places)), np.int64)
            values[late], ends[late] = self._late_numbers(places[late])
            values[~late], ends[~late] = self.numbers(places[~late])
            return values, ends
        values, lengths = leading_numbers(self._words()[places])
        if (longer := np.flatnonzero(lengths == WORD)).size:
            more, digits = leading_numbers(self._words()[places[longer] + WORD])
            values[longer] = values[longer] * 10**digits + more
            lengths[longer] += digits
        known = (lengths > 0) & (lengths <= MAX_DIGITS)
        known &= (self._bytes[places] != _ZERO) | (lengths == 1)
        return values, np.where(known, places + lengths, -1)

    def _late_numbers(self, places: Places) -> tuple[Places, Places]:
        """The same, at the end of the block."""
        found = [_number_at(self.data, place) for place in places.tolist()]
        values = [int(number[0]) if number else 0 for number in found]
        ends = [number.end() if number else -1 for number in found]
        return np.array(values, np.int64), np.array(ends, np.int64)

    def _words(self) -> Words:
        """The eight bytes at each place as one number, the first of them lowest."""
        return np.ndarray(max(len(self.data) - WORD + 1, 0), "<u8", self.data, 0, (1,))


def _alternate(found: Array) -> Mask:
    """The first, third, … of an Arrow array of booleans without nulls, in numpy."""
    bits = np.unpackbits(np.frombuffer(found.buffers()[1], np.uint8), bitorder="little")
    return bits[found.offset : found.offset + len(found) : 2].view(np.bool_)
