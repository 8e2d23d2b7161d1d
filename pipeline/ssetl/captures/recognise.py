"""Which container a capture is: told by its bytes, never by its name.

The first bytes say which family it belongs to: a document (JSON, YAML), lines (JSON lines, a log), a dump of
HTTP, or plain text. Which document it is, its values say. What nothing recognises is raw text, so every
capture can be opened.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Final

from ssetl import jsontext
from ssetl.captures import (
    aiperf,
    bodies,
    documents,
    eventlist,
    geminicli,
    govcr,
    har,
    httpdump,
    httprr,
    jsontree,
    linelog,
    llamastack,
    lmstudio,
    mastra,
    pair,
    raw,
    reqllm,
    rig,
    rubyvcr,
    shapes,
    testproxy,
    vcr,
)
from ssetl.captures.container import Exchanges, Opened, Reader, Rewound
from ssetl.captures.documents import Loaded, Schema
from ssetl.captures.exchange import Exchange, Gap, Leftover, Payload, Piece, Read
from ssetl.lines import MAX_LINE, Line, Splitter

HEAD: Final = 64 << 10
"""Bytes that are looked at; more only where the first line is JSON and longer."""

SCHEMAS: Final[Sequence[Schema]] = (
    aiperf.SCHEMA,
    testproxy.SCHEMA,
    har.SCHEMA,
    rubyvcr.SCHEMA,
    govcr.SCHEMA,
    vcr.SCHEMA,
    rig.SCHEMA,
    mastra.SCHEMA,
    reqllm.SCHEMA,
    llamastack.SCHEMA,
    pair.SCHEMA,
    geminicli.SCHEMA,
    eventlist.SCHEMA,
)
"""Documents that are known, the more particular first."""

_LINE_SCHEMAS: Final = tuple(schema for schema in SCHEMAS if schema is not eventlist.SCHEMA)
_YAML_START: Final = re.compile(rb"(?:---|[A-Za-z_]+:)[ \t]*+(?:[0-9.]*+)[ \t]*+\r?\n")
_YAML_LIST: Final = re.compile(
    rb"^(?:interactions|http_interactions|log|requests|responses|when|then):[ \t]*(?:\[\])?\r?\n",
    re.MULTILINE,
)
_JSON_START: Final = re.compile(rb"\{|\[\s*[\[{\"\]]")  # and not a `[2025-…]` or a `[pod/…]` of a log
_ARRAY_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*(?=\{)")
_FIRST: Final = json.JSONDecoder(parse_int=str)
_DATA: Final = re.compile(rb"^data:", re.MULTILINE)
_FEW: Final = 8  # lines of which one must be whole JSON if the first is damaged
_BOM: Final = b"\xef\xbb\xbf"


def open_capture(reader: Reader) -> Opened:
    """The container of a capture and its exchanges.

    Args:
        reader: gives the capture's bytes, decompressed. What it raises passes through; bytes of any kind
            raise nothing here.
    """
    head, complete = _head(reader)
    source = Rewound(head, reader)
    if bodies.is_binary_event_stream(head):
        return _whole("event-stream", source, lambda body: iter([Exchange([Read(body)])]))
    start = head.removeprefix(_BOM).lstrip()
    if httprr.is_httprr(start):
        return _whole("httprr", source, httprr.exchanges)
    if lmstudio.is_server_log(start):
        return Opened("lm-studio", lmstudio.read(source))
    if _JSON_START.match(start):
        return _open_json(start, source, complete=complete)
    if httpdump.is_dump(start):
        return _whole("http-dump", source, httpdump.exchanges)
    if _is_yaml(start):
        from ssetl.captures import yamltree  # noqa: PLC0415 - few captures need it

        return _open_document(source, yamltree.load)
    return _open_lines(head, source, complete=complete)


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
    lines = start.split(b"\n")
    first = next((line for line in lines if line.strip() and not line.startswith((b"#", b"%"))), b"")
    return _YAML_START.match(first + b"\n") is not None and _YAML_LIST.search(start) is not None


def _open_json(start: bytes, source: Reader, *, complete: bool) -> Opened:
    """JSON lines, or a JSON document."""
    lines = start.split(b"\n", _FEW)[:_FEW]
    several = any(map(bytes.strip, lines[1:])) or (len(lines) > 1 and not complete)
    if not several:
        return _open_document(source, jsontree.load)
    looked_at = lines if start.startswith(b"{") and len(lines[0].strip()) > 1 else lines[:1]
    value = next((value for value in map(_decoded, looked_at) if isinstance(value, (dict, list))), None)
    if value is None:
        return _open_document(source, jsontree.load)
    schema = documents.schema_of([value], _LINE_SCHEMAS)
    if schema is not None and isinstance(value, dict):
        return Opened(schema.name, _document_lines(source, schema))
    return _open_lines(start, source, complete=complete)


def _open_lines(head: bytes, source: Reader, *, complete: bool) -> Opened:
    lines = head.removeprefix(_BOM).split(b"\n")
    lines = [line.rstrip(b"\r") for line in (lines if complete else lines[:-1] or lines)]
    filled = [line for line in lines if line.strip()]
    if sum(map(shapes.is_sse, filled)) * 2 <= len(filled):
        form = linelog.recognise(lines)
        if form is not None:
            return Opened("log", linelog.read(source, form))
    if filled and _JSON_START.match(filled[0].lstrip()):
        return Opened("ndjson", raw.read_ndjson(source))
    return Opened("sse", raw.read_sse(source))


def _open_document(source: Reader, load: Callable[[bytes], Loaded]) -> Opened:
    text, size = documents.read_whole(source)
    if size > documents.MAX_DOCUMENT:
        return Opened("document", iter([documents.too_large(size)]))
    if _is_array_of_events(text):
        return Opened("json", iter([Exchange([Read(text.removeprefix(_BOM))])]))
    loaded = load(text)
    schema = documents.schema_of(loaded.values, SCHEMAS)
    if schema is not None:
        return Opened(schema.name, documents.exchanges(text, loaded, SCHEMAS))
    return _open_unknown(text, loaded)


def _is_array_of_events(text: bytes) -> bool:
    """Whether a text is a JSON array that begins with an event of no schema, told by that one.

    All of its values at once would take ten times its size; the framing takes one after the other.
    """
    array = _ARRAY_START.match(text)
    if array is None or not text.rstrip().endswith(b"]"):
        return False
    try:
        first, _ = _FIRST.raw_decode(text[array.end() : array.end() + HEAD].decode("latin-1"))
    except (ValueError, RecursionError):
        return False
    return shapes.is_event(first) and documents.schema_of([[first]], SCHEMAS) is None


def _open_unknown(text: bytes, loaded: Loaded) -> Opened:
    """A document of no schema: chunks, one plain response, or damaged beyond recognition."""
    if loaded.reason is None and len(loaded.values) == 1:
        return Opened("json", iter([Exchange([Read(text.removeprefix(_BOM))])]))
    if loaded.reason is None or _DATA.search(text):
        return Opened("sse", iter([Exchange([Read(text)], single=False)]))
    if loaded.values and isinstance(loaded.values[0], list) and any(map(shapes.is_event, loaded.values[0])):
        pieces = _elements(text)
        return Opened("json", iter([Exchange(pieces), documents.leftover(text, loaded.end, loaded.reason)]))
    return Opened("document", iter([documents.leftover(text, 0, loaded.reason)]))


def _elements(text: bytes) -> list[Piece]:
    """The whole elements of a damaged JSON array, and what stands between them."""
    pieces: list[Piece] = []
    end = 0
    for start, after in jsontree.elements(text):
        pieces += [Gap(end, start - end), Payload(text[start:after], start, after - start, bare=True)]
        end = after
    return pieces


def _whole(name: str, source: Reader, exchanges: Callable[[bytes], Exchanges]) -> Opened:
    text, size = documents.read_whole(source)
    if size > documents.MAX_DOCUMENT:
        return Opened(name, iter([documents.too_large(size)]))
    return Opened(name, exchanges(text))


def _document_lines(source: Reader, schema: Schema) -> Exchanges:
    """The exchanges of a file whose every line is a document."""
    splitter = Splitter()
    number = 0
    while block := source.read(HEAD):
        for line in splitter.feed(block):
            number += 1
            yield from _document_line(line, number, schema)
    for line in splitter.close():
        yield from _document_line(line, number + 1, schema)


def _document_line(line: Line, number: int, schema: Schema) -> Exchanges:
    if not line.text.strip():
        return
    reason = "line_too_long" if line.overlong else "not_json"
    value = None if line.overlong else _decoded(line.text)
    if value is not None and schema.matches(value):
        yield from schema.exchanges(value)
        return
    reason = reason if value is None else "unknown_line"
    yield Leftover(line.offset, line.size, reason, number)


def _decoded(text: bytes) -> object:
    try:
        value: object = jsontext.decode(text)
    except jsontext.NotJson:
        return None
    return value
