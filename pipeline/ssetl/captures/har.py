"""HTTP archives (HAR 1.2), JSON or YAML, of browsers, debugging proxies and Polly.js.

A HAR holds when a request started and no time per event. Polly.js writes the network reads of a compressed
body as a JSON list of hexadecimal or base64 texts.
"""

import binascii
from collections.abc import Iterator
from typing import Any

from ssetl import jsontext, times
from ssetl.captures import bodies, recorded
from ssetl.captures.documents import Schema
from ssetl.captures.exchange import Exchange, Piece


def _matches(value: Any) -> bool:
    log = value.get("log") if isinstance(value, dict) else None
    return isinstance(log, dict) and isinstance(log.get("entries"), list)


def _exchanges(archive: Any) -> Iterator[Exchange]:
    for entry in archive["log"]["entries"]:
        request = entry.get("request") if isinstance(entry, dict) else None
        response = entry.get("response") if isinstance(entry, dict) else None
        if not isinstance(request, dict) or not isinstance(response, dict):
            continue
        posted = request.get("postData")
        yield recorded.exchange(
            _body(response),
            status=response.get("status"),
            url=request.get("url"),
            request_headers=request.get("headers"),
            request_body=_content(posted) if isinstance(posted, dict) else None,
            response_headers=response.get("headers"),
            started_at=times.parse_instant(str(entry.get("startedDateTime", ""))),
        )


def _content(content: dict[str, Any]) -> Any:
    return content["textJSON"] if content.get("textJSON") is not None else content.get("text")


def _body(response: dict[str, Any]) -> list[Piece]:
    content = response.get("content")
    if not isinstance(content, dict):
        return []
    text = _content(content)
    encoding = recorded.headers(response.get("headers")).get("content-encoding", "")
    reads = _reads(text) if content.get("_isBinary") or content.get("encoding") == "base64" else None
    if reads is not None:
        return bodies.pieces(reads, encoding=encoding)
    return bodies.pieces(text, encoding=encoding, is_base64=content.get("encoding") == "base64")


def _reads(text: Any) -> bytes | None:
    """The bytes of a JSON list of hexadecimal or base64 texts; None if `text` is none."""
    if not isinstance(text, str) or not text.startswith("["):
        return None
    try:
        parts = jsontext.decode(text.encode())
        return b"".join(_unhex(part.encode()) for part in parts)
    except (jsontext.NotJson, bodies.NotDecodable, AttributeError):
        return None


def _unhex(text: bytes) -> bytes:
    try:
        return binascii.unhexlify(text)
    except binascii.Error:
        return bodies.unbase64(text)


SCHEMA = Schema("har", _matches, _exchanges)
