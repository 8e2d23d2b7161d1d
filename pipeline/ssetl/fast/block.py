"""A block of a raw file, cut into units, and looks at many places of it at once.

A unit is an event with its blank line or, in a file without blank lines, one line. Places are offsets in the
block, as int64 arrays; what is found has one element per place.
"""

import re
from typing import Final

import numpy as np
import pyarrow as pa

from ssetl import kernels
from ssetl.fast.template import PATTERNS
from ssetl.kernels import Array

Places = np.ndarray[tuple[int], np.dtype[np.int64]]
Codes = np.ndarray[tuple[int], np.dtype[np.int32]]
Bits = np.ndarray[tuple[int], np.dtype[np.uint8]] | None
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

MAX_DIGITS: Final = 15
"""Digits of a number; more might not fit an int64."""

MAX_SEARCH: Final = 64
"""Bytes in which the end of a text is looked for in many places at once; longer ones one by one."""

SHORTEST: Final = 8
"""Bytes of a line on average; places in a block of shorter ones take more memory than the block is worth."""

LINES_PER_BLANK: Final = 8
"""With more lines than that per blank line, each line is a unit."""

TAIL: Final = 8
"""Bytes that are looked for at least cost."""

_FEW: Final = 1 << 16  # lines that are not too many, however short
_LF, _CR, _QUOTE, _BACKSLASH, _BLANK, _ZERO = 10, 13, 34, 92, 32, 48
_text_at: Final = re.compile(PATTERNS["text"] + b'(?=")', re.DOTALL).match
_DATA: Final = b"data:"
_SHORT: Final = 32  # bytes of a text on average up to which they are gathered one by one
_INLINE: Final = 12  # bytes up to which Arrow keeps a text in the view itself


class Block:
    """Bytes and the units in them.

    Attributes:
        data: the bytes.
        offset: where the block begins in the body.
        starts, ends: first byte of each unit, and the byte behind it. Units lie behind each other.
        whole: how many units have their end; the last one may go on in the next block.
        by_line: whether each line is a unit.
        is_plain: whether all lines end with LF or CRLF, and most are not too short; else there is one unit.
    """

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset
        self._bytes = np.frombuffer(data, np.uint8)
        is_control = self._bytes < _BLANK
        self.is_plain = int(np.count_nonzero(is_control)) <= max(len(data) // SHORTEST, _FEW)
        if not self.is_plain:
            is_control[:] = False
        self._newlines = controls = np.flatnonzero(is_control)
        kinds = self._bytes[controls]
        if not (kinds == _LF).all():
            self._newlines = controls[kinds == _LF]
            returns = controls[kinds == _CR]
            self.is_plain &= bool((self._bytes[np.minimum(returns + 1, len(data) - 1)] == _LF).all())
        gaps = np.diff(self._newlines, prepend=-1)
        blank = gaps == 1
        if len(controls) > len(self._newlines):
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

    def unit(self, n: int) -> bytes:
        """The bytes of a unit."""
        return self.data[self.starts[n] : self.ends[n]]

    def alone(self) -> Places:
        """The units that can be read without what stands around them.

        A data line without a blank line behind it is complete only if another data line follows.
        """
        if not self.by_line:
            return np.arange(self.whole)
        alone = self._begins(b"{")
        alone[:-1] |= self._begins(_DATA)[1:]
        return np.flatnonzero(alone[: self.whole])

    def is_alone(self, n: int) -> bool:
        """Whether that is so for one unit."""
        if not self.by_line or n >= self.whole:
            return n < self.whole
        return self.is_followed(n) or self.data.startswith(b"{", int(self.starts[n]))

    def is_followed(self, n: int) -> bool:
        """Whether units are lines, and a data line follows."""
        return self.by_line and self.data.startswith(_DATA, int(self.ends[n]))

    def _begins(self, text: bytes) -> Mask:
        fits = self.starts + len(text) <= len(self.data)
        fits[fits] = self.holds(self.starts[fits], text)
        return fits

    def lines_before(self, place: int) -> int:
        """Line ends before a place."""
        return int(np.searchsorted(self._newlines, place))

    def holds(self, places: Places, text: bytes) -> Mask:
        """Whether `text` stands there."""
        if not len(places):  # the block may be shorter than the text
            return np.zeros(0, np.bool_)
        if len(text) == TAIL <= len(self.data):
            words = np.ndarray(len(self.data) - TAIL + 1, "<u8", self.data, 0, (1,))
            return np.asarray(words[places] == np.frombuffer(text, "<u8"))
        if len(text) <= _INLINE:
            windows = np.lib.stride_tricks.sliding_window_view(self._bytes, len(text))
            return np.asarray((windows[places] == np.frombuffer(text, np.uint8)).all(axis=1))
        return _mask(kernels.equal(self._views(places, len(text)), pa.scalar(text, pa.binary_view())))

    def same(self, text: bytes) -> Places:
        """The units that are just this text."""
        units = np.flatnonzero(self.ends - self.starts == len(text))
        return units[self.holds(self.starts[units], text)]

    def distinct(self, places: Places, width: int) -> tuple[Codes, list[bytes]]:
        """The different texts of `width` bytes that stand there, and which of them it is at each place."""
        if width <= _INLINE:
            windows = np.lib.stride_tricks.sliding_window_view(self._bytes, width)
            texts, codes = np.unique(windows[places].view(f"V{width}").ravel(), return_inverse=True)
            return codes.astype(np.int32), [text.tobytes() for text in texts]
        views = self._views(places, width)
        # Neighbours are mostly equal, and comparing is cheaper than hashing.
        first = np.concatenate((np.ones(1, np.bool_), ~_mask(kernels.equal(views[1:], views[:-1]))))
        encoded = kernels.dictionary(self._views(places[first], width))
        codes = np.frombuffer(encoded.indices.buffers()[1], np.int32, len(encoded))
        return codes[np.cumsum(first) - 1], encoded.dictionary.to_pylist()

    def texts(self, starts: Places, ends: Places) -> Array:
        """The texts from each start to the end of the same number, as an Arrow array of binary.

        The places lie behind each other.
        """
        lengths = (ends - starts).astype(np.int32)
        offsets = np.zeros(len(starts) + 1, np.int32)
        np.cumsum(lengths, out=offsets[1:])
        if offsets[-1] > _SHORT * len(starts):
            return self._long_texts(starts, ends)
        places = np.repeat(starts.astype(np.int32) - offsets[:-1], lengths)
        places += np.arange(offsets[-1], dtype=np.int32)
        return kernels.array(pa.binary(), len(starts), offsets, self._bytes[places])

    def _long_texts(self, starts: Places, ends: Places) -> Array:
        borders = np.empty(2 * len(starts) + 1, np.int32)
        borders[:-1:2], borders[1::2] = starts, ends
        borders[-1] = len(self.data)
        both = kernels.array(pa.binary(), 2 * len(starts), borders, self.data)
        return kernels.take(both, kernels.numbers(np.arange(0, 2 * len(starts), 2, dtype=np.int32)))

    def quotes(self, places: Places) -> Places:
        """Where the text ends that stands there, at a quote; -1 where it is empty or ends nowhere."""
        found = np.full(len(places), -1, np.int64)
        left, at = np.arange(len(places)), places
        odd = []
        for _ in range(MAX_SEARCH):
            inside = at < len(self.data)
            if not inside.all():
                left, at = left[inside], at[inside]
            value = self._bytes[at]
            quote = value == _QUOTE
            found[left[quote]] = at[quote]
            odd.append(left[value == _BACKSLASH])
            goes_on = ~quote & (value != _BACKSLASH) & (value >= _BLANK)
            left, at = left[goes_on], at[goes_on] + 1
            if not left.size:
                break
        for n in np.concatenate((*odd, left)).tolist():  # escapes, and long texts
            text = _text_at(self.data, places.item(n))
            found[n] = text.end() if text else -1
        return found

    def numbers(self, places: Places) -> tuple[Places, Places]:
        """The whole numbers of at most `MAX_DIGITS` digits that stand there, and where they end.

        Where there is none, or one with a needless zero, the end is -1.
        """
        values, ends = np.zeros(len(places), np.int64), np.full(len(places), -1, np.int64)
        left, at = np.arange(len(places)), places
        for length in range(MAX_DIGITS + 1):
            inside = at < len(self.data)
            digit = self._bytes[np.minimum(at, len(self.data) - 1)] - _ZERO  # wraps: other bytes are large
            is_digit = inside & (digit < 10)
            stop = left[~is_digit]
            if length:
                ends[stop] = at[~is_digit]
            left, at, digit = left[is_digit], at[is_digit] + 1, digit[is_digit]
            if not left.size:
                break
            values[left] = values[left] * 10 + digit
        padded = (self._bytes[np.minimum(places, len(self.data) - 1)] == _ZERO) & (ends - places > 1)
        ends[padded] = -1
        return values, ends

    def _views(self, places: Places, width: int) -> Array:
        """Arrow views of more than 12 bytes of the block, which is not copied."""
        views = np.empty((len(places), 4), np.int32)
        views[:, 0], views[:, 2], views[:, 3] = width, 0, places
        views[:, 1] = np.ndarray(len(self.data) - 3, "<i4", self.data, 0, (1,))[places]
        return kernels.array(pa.binary_view(), len(places), views, self.data)


def _mask(found: Array) -> Mask:
    """An Arrow array of booleans without nulls, in numpy."""
    bits = np.frombuffer(found.buffers()[1], np.uint8)
    return np.unpackbits(bits, bitorder="little")[found.offset : found.offset + len(found)].view(np.bool_)
