"""The fast path: a raw file read block by block, many events at once where that gives the same.

`read_interleaved` does what `interleaved.read_interleaved` does, which stays the oracle.
"""

from collections.abc import Iterator

from ssetl.captures.container import Source
from ssetl.captures.exchange import Exchange
from ssetl.fast import sharing
from ssetl.fast.ahead import ahead
from ssetl.fast.reading import Reading
from ssetl.fast.templates import Templates
from ssetl.streams import Capture


def read_interleaved(
    capture: Capture,
    exchange: Exchange,
    templates: Templates | None = None,
    source: Source | None = None,
) -> Iterator[None]:
    """Put what the file holds into `capture`; pause now and then so that it can be emptied.

    Args:
        capture: what is filled.
        exchange: the file.
        templates: those that captures of some container share, used before or not.
        source: the bytes of the file, if any of them can be read at any time.
    """
    if templates is None or not templates.are_for(exchange):
        templates = Templates(exchange)
    reading = Reading(capture, exchange, templates)
    body, offset = exchange.body, 0
    if source is not None and sharing.is_worth_it(source.size):
        offset = yield from sharing.read(reading, exchange, source)
        body = source.reads(offset, source.size)
    for piece, block in ahead(reading.pieces(body, offset), lambda made: made[1] is not None):
        yield from reading.take(piece, block)
    reading.close()
