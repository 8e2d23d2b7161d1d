"""The bytes of planned captures, as they are read from their sources."""

from collections.abc import Callable, Iterator
from typing import Self

from ssetl.captures import compression, raw
from ssetl.captures.compression import Limits
from ssetl.captures.exchange import Read
from ssetl.plan import PlannedCapture


class SourceChanged(Exception):
    """A source is not what it was when it was planned."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Bounded:
    """A reader that ends after so many bytes."""

    def __init__(self, reader: compression.Reader, size: int) -> None:
        self._reader = reader
        self._left = size

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        data = self._reader.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data


class Range:
    """The bytes of a planned capture, and none beyond them. A context manager.

    Entering and reading raise SourceChanged if the source cannot be read any more.
    """

    def __init__(self, planned: PlannedCapture, progress: Callable[[int], None]) -> None:
        self.size = planned.bytes
        self._planned = planned
        self._progress = progress

    def __enter__(self) -> Self:
        try:
            limits = Limits.known(self._planned.end)
            self._reader = compression.open_source(self._planned.path, limits=limits)
        except OSError as error:
            raise SourceChanged(self._planned.path) from error
        try:
            self._reader.seek_to(self._planned.offset)
        except OSError as error:
            self._reader.close()
            raise SourceChanged(self._planned.path) from error
        self._bounded = Bounded(self._reader, self._planned.bytes)
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        try:
            data = self._bounded.read(size)
        except OSError as error:
            raise SourceChanged(self._planned.path) from error
        self._progress(len(data))
        return data

    @property
    def is_seekable(self) -> bool:
        """Whether `at` may be asked."""
        return self._reader.compression == "none"

    @property
    def descriptor(self) -> int:
        """The open file."""
        return self._reader.descriptor

    def at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on; fewer if the source has been cut meanwhile."""
        try:
            return self._reader.at(self._planned.offset + offset, size)
        except OSError as error:
            raise SourceChanged(self._planned.path) from error

    def reads(self, start: int, end: int) -> Iterator[Read]:
        """The bytes from a place up to another, in pieces."""
        while start < end and (data := self.at(start, min(raw.BLOCK, end - start))):
            self.passed(len(data))
            yield Read(data)
            start += len(data)

    def passed(self, size: int) -> None:
        """Note that so many bytes have been read by somebody else."""
        self._progress(size)
