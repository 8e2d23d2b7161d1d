"""Eight bytes at once, as one number, the first of them lowest."""

from typing import Final

import numpy as np

Words = np.ndarray[tuple[int], np.dtype[np.uint64]]
_Places = np.ndarray[tuple[int], np.dtype[np.int64]]
_Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
_Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

WORD: Final = 8
"""Bytes that are looked at together."""

_LF, _BLANK, _ZERO = 10, 32, 48
_SCANNED: Final = 1 << 20  # bytes that are scanned at a time: what is found out of them stays in the cache
_PAIRED: Final = (
    (np.uint64(10), np.uint64(8), np.uint64(0x00FF00FF00FF00FF)),
    (np.uint64(100), np.uint64(16), np.uint64(0x0000FFFF0000FFFF)),
    (np.uint64(10_000), np.uint64(32), np.uint64(0x00000000FFFFFFFF)),
)
"""How neighbouring digits become one number: what the first counts, where the second is, what remains."""


def first_marked(marks: _Mask) -> tuple[Words, _Places]:
    """Of each eight bytes the first that is marked, as the one mark that is left, and how many are before."""
    words = marks.view("<u8")
    first = words & -words
    return first, (np.bitwise_count(first - np.uint64(1)) >> 3).astype(np.int64)


def are_among(marks: _Mask, mark: Words) -> _Mask:
    """Whether the one mark of each eight bytes is among others."""
    return np.asarray((marks.view("<u8") & mark) != 0)


def leading_numbers(words: Words) -> tuple[_Places, _Places]:
    """The number that the digits at the start of each word make, and how many they are."""
    digits = words.view(np.uint8) - np.uint8(_ZERO)  # wraps: other bytes are large
    _, lengths = first_marked(digits > 9)
    values: Words = digits.view(np.uint64)
    values <<= ((WORD - lengths) * 8).view(np.uint64)  # zeros before them, nothing behind them
    for scale, shift, lanes in _PAIRED:
        values = (values * scale + (values >> shift)) & lanes
    return values.view(np.int64), lengths


def controls_in(data: _Bytes, most: int) -> tuple[_Places, bool] | None:
    """The places of bytes below 0x20, and whether each is a newline; None if they are more than `most`."""
    is_control = np.zeros(_SCANNED, np.bool_)
    words = is_control.view("<u8")
    found, count, are_newlines = [np.zeros(0, np.int64)], 0, True
    for first in range(0, len(data), _SCANNED):
        piece = data[first : first + _SCANNED]
        is_control[len(piece) :] = False
        np.less(piece, _BLANK, out=is_control[: len(piece)])
        some = np.flatnonzero(words != 0)  # few: so that only they are looked into
        marks = words[some].view(np.bool_)
        count += int(np.count_nonzero(marks))
        if count > most:
            return None
        inside = np.flatnonzero(marks)
        places = (some * WORD)[inside >> 3] + (inside & 7)
        are_newlines = are_newlines and bool((piece[places] == _LF).all())
        places += first
        found.append(places)
    return np.concatenate(found), are_newlines
