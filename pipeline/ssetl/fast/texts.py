"""Many JSON strings at once: from what stands between their quotes to an Arrow array of text."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from ssetl import kernels
from ssetl.fast.template import PATTERNS
from ssetl.kernels import Array

_QUOTE, _BACKSLASH, _BLANK = 34, 92, 32
_is_text: Final = re.compile(PATTERNS["text"], re.DOTALL).fullmatch
_strings: Final = msgspec.json.Decoder(list[str])
_string: Final = msgspec.json.Decoder(str)


def unquoted(raw: Array, *, escapes: bool) -> Array:
    """The texts of JSON strings that lack their quotes; null where such a string is not valid.

    Args:
        raw: an array of binary; no element is null or empty.
        escapes: whether a string with backslashes is valid.
    """
    offsets = np.frombuffer(raw.buffers()[1], np.int32, len(raw) + 1, raw.offset * 4)
    data = np.frombuffer(raw.buffers()[2] or b"", np.uint8)[: offsets[-1]]
    places = np.flatnonzero((data == _QUOTE) | (data == _BACKSLASH) | (data < _BLANK))
    plain = _decoded(raw)
    if not places.size:
        return plain
    owners = np.searchsorted(offsets, places, side="right") - 1
    odd = owners[np.diff(owners, prepend=-1) > 0]
    texts = _unescaped(kernels.take(raw, kernels.numbers(odd)).to_pylist()) if escapes else [None] * len(odd)
    source = np.arange(len(raw))
    source[odd] = len(raw) + np.arange(len(odd))
    return kernels.take(pa.concat_arrays([plain, pa.array(texts, pa.string())]), kernels.numbers(source))


def as_text(raw: Array) -> Array:
    """An array of binary without nulls, as one of text: nothing is checked or copied."""
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers(), offset=raw.offset)


def _decoded(raw: Array) -> Array:
    """The texts as UTF-8; null where it is none."""
    texts = as_text(raw)
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


def _unescaped(texts: Sequence[bytes]) -> list[str] | list[str | None]:
    """All in one call of the decoder, if no quote but those put around them is one."""
    joined = b'["' + b'","'.join(texts) + b'"]'
    neutral = joined.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    ends = np.cumsum([len(text) + 3 for text in texts]) - 1  # each text with its quotes and what follows
    quotes = np.flatnonzero(np.frombuffer(neutral, np.uint8) == _QUOTE)
    if (
        len(quotes) == 2 * len(texts)
        and (quotes[1::2] == ends).all()
        and (quotes[2::2] == ends[:-1] + 2).all()
    ):
        try:
            return _strings.decode(joined)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
    return [_unescaped_alone(text) for text in texts]


def _unescaped_alone(text: bytes) -> str | None:
    try:
        return _string.decode(b'"' + text + b'"') if _is_text(text) else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
