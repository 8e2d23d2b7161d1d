"""Bytes, cut anywhere, to lines: LF, CRLF and CR end a line. Any cut gives the same lines."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ssetl.times import UNKNOWN

if TYPE_CHECKING:
    import numpy as np

MAX_LINE: Final = 64 << 20
"""A longer line is a reject; it is never held in memory."""

MAX_SAMPLE: Final = 1024
"""Bytes of a reject that are kept."""

_BLANK: Final = b" \t\r\n"
_TAIL: Final = 64  # bytes that are copied to see whether they are blank
_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")


class Line(msgspec.Struct, frozen=True):
    """One line of a body, without its line end; `size` counts all its bytes, line end included.

    An overlong line has the first `MAX_SAMPLE` bytes as its text.
    """

    text: bytes
    offset: int
    size: int
    received_at: int | None = None
    overlong: bool = False


class Lines(msgspec.Struct, frozen=True):
    """Many lines of a body at once, none of them overlong or with a CR or a BOM in it; one at least.

    Args:
        data: their texts, each with a LF behind it.
        offsets, sizes: where each stands in the body, as of a `Line`.
        times: when each was received, `UNKNOWN` if it is not known.
    """

    data: bytes
    offsets: "np.ndarray[Any, np.dtype[np.int64]]"
    sizes: "np.ndarray[Any, np.dtype[np.int64]]"
    times: "np.ndarray[Any, np.dtype[np.int64]]"

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def offset(self) -> int:
        """Where the first one begins in the body."""
        return int(self.offsets[0])

    @property
    def size(self) -> int:
        """Bytes from there to the end of the last one."""
        return int(self.offsets[-1] + self.sizes[-1] - self.offsets[0])

    @property
    def filled(self) -> int:
        """Where the last one ends that is not blank; 0 if all are."""
        text = self.data.rstrip(_BLANK)
        last = text.count(b"\n")
        return int(self.offsets[last] + self.sizes[last]) if text else 0

    def __iter__(self) -> Iterator[Line]:
        texts = self.data.removesuffix(b"\n").split(b"\n")
        places = zip(self.offsets.tolist(), self.sizes.tolist(), self.times.tolist(), strict=True)
        for text, (offset, size, at) in zip(texts, places, strict=True):
            yield Line(text, offset, size, None if at == UNKNOWN else at)


def filled(data: bytes) -> int:
    """Bytes of `data` without the blanks at its end; of long data, only the end is copied."""
    tail = len(data[-_TAIL:].rstrip(_BLANK))
    return max(len(data) - _TAIL, 0) + tail if tail else len(data.rstrip(_BLANK))


class Splitter:
    """Bytes, cut anywhere, to lines that end with LF, CRLF or CR.

    A BOM before a line is dropped: it begins the body, or a file that was appended to another.
    """

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max = max_line
        self._sample_size = min(MAX_SAMPLE, max_line)
        self._rest: list[bytes] = []  # a line whose end has not come
        self._held = 0
        self._held_at: int | None = None
        self._dropped = 0
        self._sample = b""
        self._offset = 0

    def feed(self, data: bytes, received_at: int | None = None) -> list[Line]:
        """The lines that `data` completes, each stamped with the read that completed it."""
        if b"\n" not in data and b"\r" not in data and not (self._rest and self._rest[-1][-1:] == b"\r"):
            self._hold(data, received_at)
            return []
        block = b"".join([*self._rest, data])
        self._rest, self._held = [], 0
        if b"\r" not in block:
            texts = block.split(b"\n")
            tail = texts.pop()
            lines = [self._line(text, len(text) + 1, received_at) for text in texts]
            self._hold(tail, received_at)
            return lines
        lines, start = [], 0
        for end in _LINE_END.finditer(block):
            if end[0] == b"\r" and end.end() == len(block):
                break  # a LF may follow
            lines.append(self._line(block[start : end.start()], end.end() - start, received_at))
            start = end.end()
        self._hold(block[start:], received_at)
        return lines

    @property
    def is_idle(self) -> bool:
        """Whether no line has begun."""
        return not self._rest and not self._dropped

    def skip(self, size: int) -> None:
        """Leave out bytes that are whole lines."""
        self._offset += size

    def close(self) -> list[Line]:
        """The last line, if it has no line end; its stamp is that of the last read."""
        tail = b"".join(self._rest)
        self._rest, self._held = [], 0
        if not tail and not self._dropped:
            return []
        return [self._line(tail.removesuffix(b"\r"), len(tail), self._held_at)]

    def _hold(self, tail: bytes, received_at: int | None) -> None:
        """Keep the start of a line until its end comes, or only count it if it grows too long."""
        if not tail:
            return
        self._rest.append(tail)
        self._held += len(tail)
        self._held_at = received_at
        if self._held > self._max + 1:  # 1: a CR that belongs to the line end
            cr = b"\r" if tail[-1:] == b"\r" else b""
            if not self._dropped:
                self._sample = self._first(self._sample_size)
            self._dropped += self._held - len(cr)
            self._rest, self._held = ([cr] if cr else []), len(cr)

    def _first(self, size: int) -> bytes:
        """The first bytes that are held; not by joining all, which may be many."""
        found = b""
        for part in self._rest:
            found += part[: size - len(found)]
            if len(found) == size:
                break
        return found

    def _line(self, text: bytes, size: int, received_at: int | None) -> Line:
        offset = self._offset
        overlong = self._dropped > 0 or len(text) > self._max
        if overlong:
            size += self._dropped
            text = self._sample if self._dropped else text[: self._sample_size]
            self._dropped = 0
        self._offset += size
        return Line(text.removeprefix(_BOM), offset, size, received_at, overlong)
