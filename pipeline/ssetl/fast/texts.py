"""Many JSON strings at once: from what stands between their quotes to an Arrow array of text."""

import re
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from ssetl import kernels
from ssetl.fast.block import Bytes, Codes, Mask
from ssetl.fast.template import PATTERNS
from ssetl.kernels import Array

_QUOTE, _BACKSLASH, _BLANK = 34, 92, 32
_SHORT: Final = np.isin(np.arange(256), np.frombuffer(b'"\\\\bfnrt', np.uint8))
_MARK: Final = 127  # a character that texts hardly have
_is_text: Final = re.compile(PATTERNS["text"], re.DOTALL).fullmatch
_string: Final = msgspec.json.Decoder(str)


def unquoted(raw: Array) -> Array:
    """The texts of JSON strings that lack their quotes; null where such a string is not valid.

    Args:
        raw: an array of binary; no element is null or empty.
    """
    odd = np.flatnonzero(~plain(raw))
    if not odd.size:
        return decoded(raw)
    if (texts := _unescaped(raw)) is not None:
        return texts
    alone = [_unescaped_alone(text) for text in kernels.take(raw, kernels.numbers(odd)).to_pylist()]
    source = np.arange(len(raw))
    source[odd] = len(raw) + np.arange(len(odd))
    return kernels.take(
        pa.concat_arrays([decoded(raw), pa.array(alone, pa.string())]), kernels.numbers(source)
    )


def plain(raw: Array) -> Mask:
    """Whether binary texts hold no quote, no backslash and no byte below 0x20; none is null or empty."""
    offsets, data = _parts(raw)
    places = np.flatnonzero((data == _QUOTE) | (data == _BACKSLASH) | (data < _BLANK))
    is_plain = np.ones(len(raw), np.bool_)
    if places.size:
        is_plain[np.searchsorted(offsets, places, side="right") - 1] = False
    return is_plain


def canonical(raw: Array) -> Mask:
    """Whether binary texts are what our encoder writes between quotes; none is null or empty.

    Of all escapes it writes the short ones only, and not that of a slash; that it writes some control
    characters as numbers is left out. Whether the texts are UTF-8 is not looked at.
    """
    offsets, data = _parts(raw)
    slashes = np.flatnonzero(data == _BACKSLASH)
    if not slashes.size:
        return plain(raw)
    texts = np.searchsorted(offsets, slashes, side="right")
    numbers = np.arange(len(slashes))
    continues = np.zeros(len(slashes), np.bool_)
    continues[1:] = (np.diff(slashes) == 1) & (texts[1:] == texts[:-1])
    is_first = (numbers - np.maximum.accumulate(np.where(continues, 0, numbers))) % 2 == 0
    escapes, ends = slashes[is_first], offsets[texts[is_first]]
    is_inside = escapes + 1 < ends
    is_short = np.zeros(len(escapes), np.bool_)
    is_short[is_inside] = _SHORT[data[escapes[is_inside] + 1]]
    is_odd = (data == _QUOTE) | (data < _BLANK)
    is_odd[escapes[is_short] + 1] = False
    is_odd[escapes[~is_short]] = True
    is_canonical = np.ones(len(raw), np.bool_)
    is_canonical[np.searchsorted(offsets, np.flatnonzero(is_odd), side="right") - 1] = False
    return is_canonical


def decoded(raw: Array) -> Array:
    """Binary without nulls as text, which is not copied; null where it is no UTF-8."""
    texts = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers(), offset=raw.offset)
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array([_utf8(text) for text in raw.to_pylist()], pa.string())
    return texts


def _utf8(text: bytes) -> str | None:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _parts(raw: Array) -> tuple[Codes, Bytes]:
    """Where each text begins and the last one ends, and the bytes of all."""
    offsets = np.frombuffer(raw.buffers()[1], np.int32, len(raw) + 1, raw.offset * 4)
    return offsets, np.frombuffer(raw.buffers()[2] or b"", np.uint8)[: offsets[-1]]


def _unescaped(raw: Array) -> Array | None:
    """All in one call of the decoder, a mark behind each; None if one is not valid, or has such a mark."""
    offsets, data = _parts(raw)
    ends = offsets[1:] + np.arange(len(offsets) - 1, dtype=np.int32)
    is_text = np.ones(len(data) + len(ends), np.bool_)
    is_text[ends] = False
    joined = np.full(len(is_text), _MARK, np.uint8)
    joined[is_text] = data
    try:
        decoded = np.frombuffer(_string.decode(b'"' + joined.tobytes() + b'"').encode(), np.uint8)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    marks = np.flatnonzero(decoded == _MARK)
    if len(marks) != len(offsets) - 1:
        return None
    borders = np.zeros(len(offsets), np.int32)
    borders[1:] = marks - np.arange(len(marks))
    return kernels.array(pa.string(), len(marks), borders, decoded[decoded != _MARK])


def _unescaped_alone(text: bytes) -> str | None:
    try:
        return _string.decode(b'"' + text + b'"') if _is_text(text) else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
