"""Eight bytes at once, as one number, the first of them lowest."""

from typing import Final

import numpy as np

Words = np.ndarray[tuple[int], np.dtype[np.uint64]]
_Places = np.ndarray[tuple[int], np.dtype[np.int64]]
_Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

WORD: Final = 8
"""Bytes that are looked at together."""

_ZERO: Final = 48
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
