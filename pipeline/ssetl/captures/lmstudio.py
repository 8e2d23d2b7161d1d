"""Server logs of LM Studio: `[2025-04-25 17:15:09][INFO] Generated packet: {`, the JSON over many lines.

Its times are local, name no zone and are whole seconds: they are no clock that a latency could be taken
from, so arrival times stay unknown. What is no packet is a gap of reason `log_line`.
"""

import re
from collections.abc import Iterator
from typing import Final

from ssetl.captures import shapes
from ssetl.captures.container import Exchanges, Reader, blocks
from ssetl.captures.exchange import Exchange, Gap, Payload, Piece
from ssetl.lines import Line, Splitter

MAX_ENTRY: Final = 16 << 20
"""Bytes of an entry; what follows is one of its own."""

MAX_ENTRY_LINES: Final = 1 << 20
"""The same, in lines."""

_START: Final = re.compile(
    rb"^\[?[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\]? *\[[A-Z]+\]", re.MULTILINE
)


def is_server_log(head: bytes) -> bool:
    """Whether the start of a file shows a stamp and a packet of such a log."""
    return b"Generated p" in head and _START.search(head) is not None


def read(reader: Reader) -> Exchanges:
    """One exchange: the packets of all responses in the log."""
    yield Exchange(_pieces(reader), single=False)


def _pieces(reader: Reader) -> Iterator[Piece]:
    entry: list[Line] = []
    size = number = 0
    splitter = Splitter()
    for block in blocks(reader):
        for line in splitter.feed(block):
            is_full = size > MAX_ENTRY or len(entry) >= MAX_ENTRY_LINES
            if entry and (is_full or _START.match(line.text)):
                yield _piece(entry, number)
                number += len(entry)
                entry, size = [], 0
            entry.append(line)
            size += line.size
    entry += splitter.close()
    if entry:
        yield _piece(entry, number)


def _piece(entry: list[Line], number: int) -> Piece:
    offset, size = entry[0].offset, sum(line.size for line in entry)
    text = b"\n".join(line.text for line in entry)
    start = text.find(b"{")
    packet = text[start:].strip() if start >= 0 else b""
    if shapes.event_in(packet):
        return Payload(packet, offset, size)
    return Gap(offset, size, "log_line", line=number + 1)  # without a sample: it may be a request
