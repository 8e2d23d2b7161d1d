"""Logs as they are read: in pieces of any size, and line by line."""

import random
from collections.abc import Iterable, Iterator

from ssetl.captures.exchange import Piece
from ssetl.lines import Lines


class Pieces:
    """A reader that gives as much as it likes, each time some other size up to one that it chooses."""

    def __init__(self, source: random.Random, data: bytes, sizes: tuple[int, ...] = (7, 60, 400)) -> None:
        self._source, self._data = source, data
        self._most = source.choice((*sizes, 1 << 20))

    def read(self, _size: int, /) -> bytes:
        size = 1 + self._source.randrange(self._most)
        found, self._data = self._data[:size], self._data[size:]
        return found


def one_by_one(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces, none of which is more than a line."""
    for piece in pieces:
        if isinstance(piece, Lines):
            yield from piece
        else:
            yield piece
