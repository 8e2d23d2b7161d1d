"""Traces of Go's httprr: a line with two sizes, then a request and a response as they went over the wire."""

import re
from typing import Final

from ssetl.captures import wire
from ssetl.captures.container import Exchanges
from ssetl.captures.documents import leftover

_MAGIC: Final = re.compile(rb"httprr trace v[0-9]+\r?\n")
_SIZES: Final = re.compile(rb"\s*([0-9]{1,10}) ([0-9]{1,10})\r?\n")


def is_httprr(head: bytes) -> bool:
    """Whether a file begins as such a trace does."""
    return _MAGIC.match(head) is not None


def exchanges(text: bytes) -> Exchanges:
    """The exchanges of a whole trace; what does not fit its sizes is one leftover."""
    magic = _MAGIC.match(text)
    at = magic.end() if magic else 0
    while sizes := _SIZES.match(text, at):
        middle = sizes.end() + int(sizes[1])
        end = middle + int(sizes[2])
        if end > len(text):
            break
        request, response = text[sizes.end() : middle], text[middle:end]
        yield wire.exchange(wire.parse_request(request), wire.parse_response(response))
        at = end
    if text[at:].strip():
        yield leftover(text, at, "damaged_trace")
