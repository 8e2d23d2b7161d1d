"""Plain text: server-sent events or NDJSON just as they came, of one response or of many.

Read block by block: memory does not grow with the file. What is neither is told by the framing.
"""

from collections.abc import Iterator

from ssetl.captures.container import Exchanges, Reader, blocks
from ssetl.captures.exchange import Exchange, Read


def read_sse(reader: Reader) -> Exchanges:
    """One exchange: the file."""
    yield Exchange(_pieces(reader), single=False)


def read_ndjson(reader: Reader) -> Exchanges:
    """One exchange: the file, each of whose lines is an event."""
    yield Exchange(_pieces(reader), single=False, ndjson=True)


def _pieces(reader: Reader) -> Iterator[Read]:
    return (Read(block) for block in blocks(reader))
