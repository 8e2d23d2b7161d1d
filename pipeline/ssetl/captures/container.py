"""What all containers share: how they read, and what they give."""

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ssetl.captures.exchange import Exchange, Leftover, Read

if TYPE_CHECKING:
    from ssetl.captures.linelog import Format

BLOCK: Final = 1 << 20
"""Bytes that a container asks for at a time."""

Exchanges = Iterator[Exchange | Leftover]
"""The exchanges of a capture, in order. The body of one is read before the next is asked for."""


class Reader(Protocol):
    """Where the bytes of a capture come from, already decompressed."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        ...


class Source(Protocol):
    """Where the bytes of a raw capture lie, any of which can be read at any time.

    Attributes:
        size: how many there are.
    """

    size: int

    @property
    def descriptor(self) -> int:
        """The open file."""
        ...

    def at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on; fewer if the capture has been cut meanwhile."""
        ...

    def reads(self, start: int, end: int) -> Iterator[Read]:
        """The bytes from a place up to another, in pieces."""
        ...

    def passed(self, size: int) -> None:
        """Note that so many bytes have been read by somebody else."""
        ...


class Opened(msgspec.Struct, frozen=True):
    """A capture whose container is known: its name (column `container`) and what it holds.

    `format` tells how the lines of a log are taken apart.
    """

    container: str
    exchanges: Exchanges
    format: "Format | None" = None


class Rewound:
    """A reader that gives `head`, which was read to recognise the container, once more."""

    def __init__(self, head: bytes, rest: Reader) -> None:
        self._head = BytesIO(head)
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""
        return self._head.read(size) or self._rest.read(size)


def blocks(reader: Reader) -> Iterator[bytes]:
    """All bytes of a reader, block by block."""
    while block := reader.read(BLOCK):
        yield block
