"""Reading a source for its digests only: what tells equal bytes, and a file that has grown, apart.

All digests are BLAKE3 in hex, of decompressed bytes. Memory is bounded, whatever the source holds.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec
from blake3 import blake3

from ssetl.captures.compression import DEFAULT_LIMITS, Limits, Reader, open_source

EDGE: Final = 4096
"""Most bytes that the digest of a head or of a tail covers."""

_READ: Final = 1 << 20
_EDGE_DIGEST: Final = 16


class Range(msgspec.Struct, frozen=True, gc=False):
    """Bytes of a source; `head` and `tail` are digests of its edges, see `head_length`."""

    offset: int
    bytes: int
    digest: str
    head: str
    tail: str

    @property
    def end(self) -> int:
        """First byte behind the range."""
        return self.offset + self.bytes


class Measured(msgspec.Struct, frozen=True):
    """A source read to its end.

    Args:
        whole: all of its bytes.
        prefixes: digests of its first bytes, by their number.
        damage: as `Reader.damage`.
    """

    compression: str
    whole: Range
    prefixes: dict[int, str]
    damage: str | None


def head_length(length: int) -> int:
    """How many bytes the head of a range covers: the largest power of two that fits, at most `EDGE`.

    So a source whose beginning is unknown needs 13 digests to be looked up, whatever was planned before.
    """
    return min(EDGE, 1 << length.bit_length() >> 1)


def edge_digest(data: bytes) -> str:
    """Digest of a head or tail."""
    return blake3(data).hexdigest(length=_EDGE_DIGEST)


def measure(
    path: str,
    size: int,
    *,
    borders: Callable[[bytes], Iterable[int]] = lambda _head: (),
    limits: Limits = DEFAULT_LIMITS,
) -> Measured:
    """Read a source once; of a plain file, the first `size` bytes, for it may be growing.

    `borders` is given its first bytes (`EDGE`, or all if there are fewer) and names the lengths of the
    prefixes whose digests are wanted.

    Raises:
        OSError: it cannot be read.
    """
    with open_source(path, limits=limits) as reader:
        whole, prefixes = _range(reader, _end(reader, size), borders)
        return Measured(reader.compression, whole, prefixes, reader.damage)


def split(path: str, size: int, borders: Sequence[int], *, limits: Limits = DEFAULT_LIMITS) -> list[Range]:
    """The ranges that begin at each of `borders` (ascending) and end at the next, the last at the end.

    `size` and errors are those of `measure`.
    """
    with open_source(path, limits=limits) as reader:
        reader.seek_to(borders[0])
        return [_range(reader, border)[0] for border in (*borders[1:], _end(reader, size))]


def holds(path: str, offset: int, length: int, digest: str) -> bool:
    """Whether a source has so many bytes of that digest at an offset.

    Raises:
        OSError: it cannot be read.
    """
    with open_source(path, limits=Limits.known(offset + length)) as reader:
        reader.seek_to(offset)
        found = _range(reader, offset + length)[0]
    return (found.bytes, found.digest) == (length, digest)


def edges_match(path: str, first: Range, last: Range) -> bool:
    """Whether a plain file has, at their places, the head of one range and the tail of another.

    Raises:
        OSError: it cannot be read.
    """
    with open_source(path) as reader:
        if reader.compression != "none":
            return False
        reader.seek_to(first.offset)
        head = edge_digest(_exactly(reader, head_length(first.bytes)))
        reader.seek_to(last.end - min(EDGE, last.bytes))
        tail = edge_digest(_exactly(reader, min(EDGE, last.bytes)))
        return (head, tail) == (first.head, last.tail)


def _exactly(reader: Reader, length: int) -> bytes:
    """The next `length` bytes, or as many as there are."""
    return b"".join(_pieces(reader, reader.position + length))


def _pieces(reader: Reader, end: int | None) -> Iterator[bytes]:
    return iter(lambda: reader.read(_READ if end is None else min(_READ, end - reader.position)), b"")


def _end(reader: Reader, size: int) -> int | None:
    return size if reader.compression == "none" else None


def _range(
    reader: Reader, end: int | None, borders: Callable[[bytes], Iterable[int]] = lambda _head: ()
) -> tuple[Range, dict[int, str]]:
    offset = reader.position
    pieces = _pieces(reader, end)
    first = b""
    for piece in pieces:
        first += piece
        if len(first) >= EDGE:
            break
    wanted = sorted({border for border in borders(first[:EDGE]) if border > 0}, reverse=True)
    digest, prefixes = blake3(), dict[int, str]()
    tail, done = b"", 0
    for piece in itertools.chain((first,), pieces):
        taken = 0
        while wanted and wanted[-1] <= done + len(piece):
            border = wanted.pop()
            digest.update(piece[taken : border - done])
            taken = border - done
            prefixes[border] = digest.hexdigest()
        digest.update(piece[taken:])
        done += len(piece)
        tail = (tail + piece[-EDGE:])[-EDGE:]
    found = digest.hexdigest()
    head = edge_digest(first[: head_length(done)])
    # Of a short range the tail is all of it, and a short BLAKE3 is the beginning of a long one.
    last = edge_digest(tail) if done > EDGE else found[: 2 * _EDGE_DIGEST]
    return Range(offset, done, found, head, last), prefixes
