"""Which container a capture is: told by its bytes, never by its name.

The first bytes say which family it belongs to: a document (JSON, YAML), lines (JSON lines, a log), a dump of
HTTP, or plain text. Which document it is, its values say. What nothing recognises is raw text, so every
capture can be opened.
"""

import re
from collections.abc import Callable
from io import BytesIO
from itertools import islice
from typing import Final

from ssetl.captures import bodies, documents, httpdump, httprr, lmstudio, raw, shapes
from ssetl.captures.container import Exchanges, Opened, Reader, Rewound, blocks
from ssetl.captures.exchange import Exchange, Leftover, Read
from ssetl.lines import MAX_LINE

HEAD: Final = 64 << 10
"""Bytes that are looked at; more only where the first line is JSON and longer, or no line holds an event."""

MAX_LOOK: Final = 16 << 20
"""Bytes that are looked at where the first lines hold no event: a log may begin with something else."""

_HINTS: Final = tuple(
    b"data: [DONE] choices candidates completion response message_ content_block generated_text event_type"
    b" transcript. speech.audio. conversation.item. interaction. thread."
    b' "error" error\\" done" done\\"'.split()
)
"""Of these, a line that holds an event has one."""

_HINT: Final = re.compile(b"|".join(map(re.escape, _HINTS)))

_ASKED: Final = 64  # lines of a window with such a word that are looked into
_ENOUGH: Final = 16  # lines that are events as they are: so are those behind them
_MORE: Final = 16  # windows in which stamps that stand still may go on
_YAML_START: Final = re.compile(rb"(?:---|[A-Za-z_]+:)[ \t]*+(?:[0-9.]*+)[ \t]*+\r?\n")
_YAML_LIST: Final = re.compile(
    rb"^(?:interactions|http_interactions|log|requests|responses|when|then):[ \t]*(?:\[\])?\r?\n",
    re.MULTILINE,
)
_JSON_START: Final = re.compile(rb"\{|\[\s*[\[{\"\]]")  # and not a `[2025-…]` or a `[pod/…]` of a log
_ARCHIVES: Final = {"zip": (0, b"PK\x03\x04"), "tar": (257, b"ustar")}
_BOM: Final = b"\xef\xbb\xbf"


def open_capture(reader: Reader) -> Opened:
    """The container of a capture and its exchanges.

    Args:
        reader: gives the capture's bytes, decompressed. What it raises passes through; bytes of any kind
            raise nothing here.
    """
    head, complete = _head(reader)
    source = Rewound(head, reader)
    for name, (place, magic) in _ARCHIVES.items():
        if head.startswith(magic, place):
            return Opened(name, _unread(source))
    if bodies.is_binary_event_stream(head):
        return _whole("event-stream", source, lambda body: iter([Exchange([Read(body)])]))
    start = head.removeprefix(_BOM).lstrip()
    if httprr.is_httprr(start):
        return _whole("httprr", source, httprr.exchanges)
    if lmstudio.is_server_log(start):
        return Opened("lm-studio", lmstudio.read(source))
    if _JSON_START.match(start):
        from ssetl.captures import known  # noqa: PLC0415 - most captures are no documents

        document = known.open_json(start, source, complete=complete)
        return document or _open_lines(head, reader, complete=complete)
    if httpdump.is_dump(start):
        return _whole("http-dump", source, httpdump.exchanges)
    if _is_yaml(start):
        from ssetl.captures import known, yamltree  # noqa: PLC0415 - as above

        return known.open_document(source, yamltree.load)
    return _open_lines(head, reader, complete=complete)


def _head(reader: Reader) -> tuple[bytes, bool]:
    """The first bytes, and whether they are all: of one long line of JSON as much as it takes."""
    parts = [reader.read(HEAD)]
    size = len(parts[0])
    is_json = _JSON_START.match(parts[0].removeprefix(_BOM).lstrip()) is not None
    while len(parts[-1]) > 0 and (size < HEAD or (is_json and size <= MAX_LINE and b"\n" not in parts[-1])):
        parts.append(reader.read(HEAD))
        size += len(parts[-1])
    return b"".join(parts), not parts[-1]


def _is_yaml(start: bytes) -> bool:
    lines = BytesIO(start)
    first = next((line for line in lines if line.strip() and not line.startswith((b"#", b"%"))), b"")
    is_start = _YAML_START.match(first.removesuffix(b"\n") + b"\n") is not None
    return is_start and _YAML_LIST.search(start) is not None


def _open_lines(head: bytes, reader: Reader, *, complete: bool) -> Opened:
    window = _Window(head, reader, complete=complete)
    lines = first = window.lines
    while not (found := window.holds_event()) and window.go_on():
        lines = window.lines
    if not found:
        lines = first
    elif lines is not first and window.go_on():
        lines = lines + window.lines
    filled = [text for line in lines if (text := line.strip())]
    if filled and all(shapes.event_in(text) for text in filled[:_ENOUGH]):
        return Opened(raw.NDJSON, raw.read(raw.NDJSON, window.source()))
    container = raw.SSE
    if sum(map(shapes.is_sse, filled)) * 2 <= len(filled):
        from ssetl.captures import linelog  # noqa: PLC0415 - as above

        form = linelog.recognise(lines)
        for _ in range(_MORE):
            if form is None or not form.stands_still or not window.go_on():
                break
            form = linelog.recognise([*lines, *window.lines]) or form
        if form is not None:
            return Opened(linelog.LOG, linelog.read(window.source(), form), form)
        if any(shapes.may_stream(value) for value in map(shapes.object_in, filled)):
            container = raw.NDJSON
    return Opened(container, raw.read(container, window.source()))


class _Window:
    """Some lines of a capture; it goes on until there is something to be seen, but not for ever."""

    def __init__(self, head: bytes, reader: Reader, *, complete: bool) -> None:
        self._parts = [head]
        self._text = head.removeprefix(_BOM)
        self._reader = reader
        self._complete = complete
        self._left = MAX_LOOK
        self.lines = self._whole_lines() or [self._text]

    def go_on(self) -> bool:
        """Go on by some bytes; False if there are no more, or it has gone far enough."""
        if self._complete or self._left <= 0:
            return False
        block = self._reader.read(HEAD)
        self._parts.append(block)
        self._left -= len(block)
        self._complete = not block
        begun = self._text[self._text.rfind(b"\n") + 1 :]
        self._text = (begun if len(begun) <= HEAD else b"") + block  # a longer line is none to learn from
        self.lines = self._whole_lines()
        return True

    def holds_event(self) -> bool:
        """Whether one of its lines holds an event; of those that look like it, the first ones are asked."""
        if not any(hint in self._text for hint in _HINTS):
            return False
        return any(map(_holds_event, islice(filter(_HINT.search, self.lines), _ASKED)))

    def source(self) -> Reader:
        """The whole capture."""
        return Rewound(b"".join(self._parts), self._reader)

    def _whole_lines(self) -> list[bytes]:
        lines = [line.rstrip(b"\r") for line in self._text.split(b"\n")]
        return lines if self._complete else lines[:-1]


def _holds_event(line: bytes) -> bool:
    if line.startswith(b"data:") or shapes.event_in(line.strip()):
        return True
    from ssetl.captures import leads  # noqa: PLC0415 - as above

    return leads.recognise([line]) is not None


def _unread(source: Reader) -> Exchanges:
    """An archive is not looked into: half of what it holds would come out wrong."""
    yield Leftover(0, sum(map(len, blocks(source))), "archive")


def _whole(name: str, source: Reader, exchanges: Callable[[bytes], Exchanges]) -> Opened:
    text, size = documents.read_whole(source)
    if size > documents.MAX_DOCUMENT:
        return Opened(name, iter([documents.too_large(size)]))
    return Opened(name, exchanges(text))
