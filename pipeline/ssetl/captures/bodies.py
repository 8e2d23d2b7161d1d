"""The body of a recorded response: from whatever a container holds to its bytes.

Containers hold text, bytes, base64, parsed JSON or lists of lines; the bytes may still be compressed,
whatever the headers say, so they are told by their own first bytes. Decompression is bounded. What cannot
be decoded is a gap with a reason: it becomes a reject and is not lost silently.
"""

import base64
import re
import sys
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from ssetl.captures.compression import MAX_RATIO, MAX_WINDOW_LOG
from ssetl.captures.exchange import Gap, Piece, Read
from ssetl.lines import MAX_SAMPLE

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_BODY: Final = 256 << 20
"""A body that decompresses to more is cut there, and the cut is a reject."""

RATIO_FREE: Final = 1 << 20
"""A body may decompress to so many bytes whatever its ratio (see `compression.MAX_RATIO`)."""

_MAX_LAYERS: Final = 3  # gzip in base64 in a proxy's gzip has been seen; more is a bomb
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]++={0,2}\s*+")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_TEXT_STARTS: Final = (b"data:", b"event:", b"{", b"[", b": ")
_GZIP: Final = b"\x1f\x8b\x08"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_BLOCK: Final = 1024  # compressed bytes at a time


class Base64(str):
    """A text that its container calls base64."""

    __slots__ = ()


class NotDecodable(ValueError):
    """The message is a reason for the `rejects` table.

    `good` is what could be decoded before the damage, `rest` what could not.
    """

    def __init__(self, reason: str, good: bytes, rest: bytes) -> None:
        super().__init__(reason)
        self.good = good
        self.rest = rest

    def gap(self, offset: int) -> Gap:
        """What could not be decoded, as a piece of the body."""
        return Gap(offset, len(self.rest), str(self), self.rest[:MAX_SAMPLE])


def pieces(content: Any, *, encoding: str = "", is_base64: bool = False) -> list[Piece]:
    """The pieces of a body that a container holds in one value.

    Args:
        content: text, bytes, the lines of a text, or parsed JSON; None is an empty body.
        encoding: the Content-Encoding header, believed only where the bytes cannot tell.
        is_base64: whether the container says that a text is base64.
    """
    body = _bytes_of(content)
    damage: NotDecodable | None = None
    if is_base64 or isinstance(content, Base64) or (isinstance(content, str) and _is_base64(content)):
        try:
            body = unbase64(body)
        except NotDecodable as why:
            body, damage = why.good, why
    try:
        body = inflate(body, encoding)
    except NotDecodable as why:
        body, damage = why.good, damage or why
    if damage is None:
        return read(body)
    return [*read(body), damage.gap(len(body))]


def read(body: bytes) -> list[Piece]:
    """A body of one piece, or of none."""
    return [Read(body)] if body else []


def json_text(value: Any) -> bytes:
    """Compact JSON of a value that a container gave as parsed."""
    return msgspec.json.encode(value, enc_hook=str)


def join(lines: Iterable[str]) -> str:
    """The text of a list of lines, whether or not they kept their line ends."""
    texts = list(lines)
    kept = any(text.endswith(("\n", "\r")) for text in texts)
    return "".join(texts) if kept else "".join(text + "\n" for text in texts)


def unbase64(text: bytes) -> bytes:
    """The bytes of base64, blanks and missing padding allowed.

    Raises:
        NotDecodable: it is no base64.
    """
    packed = b"".join(text.split()).rstrip(b"=").translate(_URL_SAFE)
    strange = _NOT_BASE64.search(packed)
    end = strange.start() if strange else len(packed)
    end -= end % 4 == 1  # one digit is less than a byte
    good = base64.b64decode(packed[:end] + b"=" * (-end % 4))
    if end < len(packed):
        raise NotDecodable("not_base64", good, packed[end:])
    return good


def inflate(body: bytes, encoding: str = "") -> bytes:
    """`body` with each layer of compression taken off; what bears no mark of one is as it should be.

    Raises:
        NotDecodable: a compressed body is damaged, too large, or of a kind that is not supported.
    """
    for _ in range(_MAX_LAYERS):
        if body.startswith(_GZIP):
            body = _decompress(body, "gzip", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16))
        elif body.startswith(_ZSTD):
            body = _decompress(body, "zstd", _new_zstd)
        else:
            break
    encoding = encoding.strip().lower()
    if not body or _is_text(body):
        return body
    if encoding == "deflate":
        # HTTP's deflate is zlib, but some servers send it without zlib's header
        window = zlib.MAX_WBITS if _is_zlib(body) else -zlib.MAX_WBITS
        return _decompress(body, "deflate", lambda: zlib.decompressobj(window))
    if encoding in ("br", "compress"):
        raise NotDecodable("unsupported_encoding", b"", body)
    return body


def is_binary_event_stream(body: bytes) -> bool:
    """Whether a body begins with a frame of an AWS event stream: its prelude carries a checksum."""
    return len(body) >= 12 and zlib.crc32(body[:8]) == int.from_bytes(body[8:12])


def _bytes_of(content: Any) -> bytes:
    if content is None:
        return b""
    if isinstance(content, bytes):
        return content
    if isinstance(content, list) and all(isinstance(line, str) for line in content) and content:
        content = join(content)
    return _text_bytes(content) if isinstance(content, str) else json_text(content)


def _text_bytes(text: str) -> bytes:
    """UTF-8, unless the text is bytes in disguise: each character one byte of something binary."""
    if text[:1] in ("\x00", "\x1f", "(", "x"):
        try:
            raw = text.encode("latin-1")
        except UnicodeEncodeError:
            raw = b""
        if raw.startswith((_GZIP, _ZSTD)) or is_binary_event_stream(raw):
            return raw
    return text.encode("utf-8", "replace")


def _is_base64(text: str) -> bool:
    """Whether a text that nobody called base64 certainly is: what is inside looks like a body."""
    if len(text) < 16 or text[0] in "{[:" or not _BASE64.fullmatch(text):
        return False
    try:
        inside = unbase64(text.encode())
    except NotDecodable as why:
        inside = why.good
    return inside.startswith((_GZIP, *_TEXT_STARTS)) or is_binary_event_stream(inside)


def _is_text(body: bytes) -> bool:
    return body.lstrip().startswith(_TEXT_STARTS)


def _is_zlib(body: bytes) -> bool:
    return body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0


def _new_zstd() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG})


def _decompress(body: bytes, kind: str, member_of: Callable[[], Any]) -> bytes:
    """All members of a compressed body, block by block, so that what precedes damage is saved."""
    good = bytearray()
    allowed = min(MAX_BODY, max(RATIO_FREE, MAX_RATIO * len(body)))
    at = 0
    while at < len(body):
        member = member_of()
        while not member.eof:
            block = body[at : at + _BLOCK]
            if not block:
                raise NotDecodable(f"truncated_{kind}", bytes(good), b"")
            try:
                good += member.decompress(block)
            except (zlib.error, zstd.ZstdError):
                raise NotDecodable(f"corrupt_{kind}", bytes(good), body[at:]) from None
            if len(good) > allowed:
                reason = "body_too_large" if allowed == MAX_BODY else "decompression_ratio"
                raise NotDecodable(reason, bytes(good[:allowed]), body[at:])
            at += len(block) - len(member.unused_data)
    return bytes(good)
