"""HTTP written to a file as it was seen: `curl -i`, `curl -v`, `# raw-sse` dumps, requests and responses.

A dump is text for people, so its parts are told by their first lines: a request line, a status line, or a
comment that names the status. Several exchanges may follow each other.
"""

import re
from collections.abc import Iterator
from typing import Final

from ssetl.captures import wire
from ssetl.captures.container import Exchanges
from ssetl.captures.documents import leftover
from ssetl.captures.exchange import Exchange

_METHODS: Final = rb"(?:GET|POST|PUT|PATCH|DELETE)"
_HEAD: Final = re.compile(
    rb"\s*(?:HTTP/[0-9.]+ [0-9]{3}\b|%b \S+ HTTP/|# raw-sse\b|[<>] (?:HTTP/|%b )|\* +[A-Z])"
    % (_METHODS, _METHODS)
)
_START: Final = re.compile(
    rb"^(?:HTTP/[0-9.]+ (?P<status>[0-9]{3})\b"
    rb"|(?P<comments>(?:# [^\n]*\n){0,9}# status (?P<named>[0-9]{3})\b[^\n]*\n?)"
    rb"|(?P<request>%b \S+(?: HTTP/[0-9.]+)?[ \t]*\r?$)|(?P<section># raw-sse request))" % _METHODS,
    re.MULTILINE,
)
_VERBOSE: Final = re.compile(rb"^(?:[<>] ?(.*\n?)|\* .*\n?|[{}] \[[0-9]+ bytes data\]\r?\n?)", re.MULTILINE)


def is_dump(head: bytes) -> bool:
    """Whether a file begins as such a dump does."""
    return _HEAD.match(head) is not None


def exchanges(text: bytes) -> Exchanges:
    """The exchanges of a whole dump; without any response, it is one leftover."""
    plain = _VERBOSE.sub(rb"\1", text) if re.search(rb"^[<>] ", text, re.MULTILINE) else text
    found = list(_exchanges(plain))
    if found:
        yield from found
    else:
        yield leftover(text, 0, "no_response")


def _exchanges(text: bytes) -> Iterator[Exchange]:
    request = wire.Request()
    starts = list(_START.finditer(text))
    for position, start in enumerate(starts):
        end = starts[position + 1].start() if position + 1 < len(starts) else len(text)
        part = text[start.start() : end]
        if start["request"]:
            request = wire.parse_request(part)
        elif start["status"]:
            response = wire.parse_response(part)
            if int(start["status"]) >= 200:
                yield wire.exchange(request, response)
                request = wire.Request()
        elif start["named"]:
            body = text[start.end() : end]
            yield wire.exchange(request, wire.Response(int(start["named"]), body=body))
            request = wire.Request()
