"""HTTP messages as they go over the wire: start line, headers, body, chunked or not."""

import re
from typing import Final

import msgspec

from ssetl.captures import bodies, recorded
from ssetl.captures.exchange import Exchange, Gap, Piece
from ssetl.lines import MAX_SAMPLE

_REQUEST_LINE: Final = re.compile(rb"([A-Z]{3,10}) (\S+)(?: HTTP/[0-9.]+)?[ \t]*\r?\n")
_STATUS_LINE: Final = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})[^\r\n]*\r?\n")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*+([^\r\n]*+)\r?\n")
_BLANK_LINE: Final = re.compile(rb"\r?\n")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class Request(msgspec.Struct, frozen=True):
    """A request: target as written, headers, body."""

    target: str | None = None
    headers: dict[str, str] = {}
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """A response: status, headers, body as sent."""

    status: int | None = None
    headers: dict[str, str] = {}
    body: bytes = b""


def parse_request(text: bytes) -> Request:
    """A whole request."""
    start = _REQUEST_LINE.match(text)
    if start is None:
        return Request()
    found, at = parse_headers(text, start.end())
    return Request(start[2].decode("latin-1"), found, text[at:])


def parse_response(text: bytes) -> Response:
    """A whole response."""
    start = _STATUS_LINE.match(text)
    if start is None:
        return Response(body=text)
    found, at = parse_headers(text, start.end())
    return Response(int(start[1]), found, text[at:])


def parse_headers(text: bytes, at: int) -> tuple[dict[str, str], int]:
    """The headers from `at` on, by lower-case name, and where the body begins."""
    found: dict[str, str] = {}
    while header := _HEADER.match(text, at):
        found.setdefault(header[1].decode("latin-1").lower(), header[2].decode("latin-1").strip())
        at = header.end()
    blank = _BLANK_LINE.match(text, at)
    return found, blank.end() if blank else at


def exchange(request: Request, response: Response) -> Exchange:
    """The exchange that the two are."""
    target, host = request.target, request.headers.get("host")
    url = f"http://{host}{target}" if target and host and target.startswith("/") else target
    return recorded.exchange(
        body_of(response),
        status=response.status,
        url=url,
        request_headers=request.headers,
        request_body=request.body,
        response_headers=response.headers,
    )


def body_of(response: Response) -> list[Piece]:
    """The decoded body. Programs that show a response often have undone the chunks that its headers name."""
    encoding = response.headers.get("content-encoding", "")
    if "chunked" not in response.headers.get("transfer-encoding", "").lower():
        return bodies.pieces(response.body, encoding=encoding)
    body, end = dechunk(response.body)
    if end == 0:
        return bodies.pieces(response.body, encoding=encoding)
    pieces, rest = bodies.pieces(body, encoding=encoding), response.body[end:]
    if rest.strip():
        pieces.append(Gap(len(body), len(rest), "damaged_chunk", rest[:MAX_SAMPLE]))
    return pieces


def dechunk(text: bytes) -> tuple[bytes, int]:
    """The body of a chunked message, and where in `text` it ends; 0 if it does not begin with a chunk."""
    parts: list[bytes] = []
    at = 0
    while size := _CHUNK.match(text, at):
        length = int(size[1], 16)
        if length == 0:
            return b"".join(parts), _after_trailers(text, size.end())
        parts.append(text[size.end() : size.end() + length])
        after = _BLANK_LINE.match(text, size.end() + length)
        at = after.end() if after else size.end() + length
        if after is None:
            break
    return b"".join(parts), min(at, len(text))


def _after_trailers(text: bytes, at: int) -> int:
    return parse_headers(text, at)[1]
