"""Captures that are documents: one JSON or YAML text whose values hold the exchanges.

A document is read whole, up to a limit. Its schema, known by the shape of its values, takes the exchanges
out. Of a damaged document what precedes the damage is kept as far as it is whole: complete values and, in
the last one, the complete elements of its list of exchanges. The rest is one leftover.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from ssetl.captures.container import Exchanges, Reader, blocks
from ssetl.captures.exchange import Exchange, Leftover

MAX_DOCUMENT: Final = 256 << 20
"""A larger document is one leftover: it could only be read whole."""

MAX_VALUES: Final = 16 << 20
"""A document of more values, at any depth, is a leftover: they would take gigabytes."""

EXCHANGE_LISTS: Final = frozenset(
    {"interactions", "http_interactions", "entries", "Entries", "recordings", "requests", "responses"}
)
"""Members that hold a document's exchanges, one per element."""


class Schema(msgspec.Struct, frozen=True):
    """One way of writing exchanges into a document.

    Args:
        name: value of the column `container`.
        matches: whether a value is written so. Takes any value and never raises.
        exchanges: the exchanges of such a value, in order. What it cannot read is a gap in a body.
    """

    name: str
    matches: Callable[[Any], bool]
    exchanges: Callable[[Any], Iterator[Exchange]]


class Loaded(msgspec.Struct, frozen=True):
    """The whole values of a text, the byte up to which they reach, and why no further, if not to its end."""

    values: list[Any]
    end: int
    reason: str | None = None


def read_whole(reader: Reader) -> tuple[bytes, int]:
    """The text of a document and its size; of one that is too large the first bytes only."""
    parts: list[bytes] = []
    size = 0
    for block in blocks(reader):
        size += len(block)
        if size <= MAX_DOCUMENT:
            parts.append(block)
        elif len(parts) > 1:
            del parts[1:]
    return b"".join(parts), size


def too_large(size: int) -> Leftover:
    """The leftover of a document beyond `MAX_DOCUMENT`."""
    return Leftover(0, size, "document_too_large")


def schema_of(values: Sequence[Any], schemas: Sequence[Schema]) -> Schema | None:
    """The schema of the first value that has one."""
    return next((schema for value in values for schema in schemas if schema.matches(value)), None)


def exchanges(text: bytes, loaded: Loaded, schemas: Sequence[Schema]) -> Exchanges:
    """The exchanges of each value, then what is left over."""
    for value in loaded.values:
        schema = schema_of([value], schemas)
        if schema is not None:
            yield from schema.exchanges(value)
    if loaded.reason is not None:
        yield leftover(text, loaded.end, loaded.reason)


def leftover(text: bytes, start: int, reason: str) -> Leftover:
    """`text` from `start` on, as a leftover."""
    return Leftover(start, len(text) - start, reason, text.count(b"\n", 0, start) + 1)
