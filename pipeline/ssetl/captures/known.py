"""The documents that are known, and opening what begins like JSON or YAML by them.

A document's values say which it is: each schema is tried on them. JSON lines may be documents, too, one a
line.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Final

from ssetl import jsontext
from ssetl.captures import (
    aiperf,
    documents,
    eventlist,
    geminicli,
    govcr,
    har,
    jsontree,
    llamastack,
    mastra,
    pair,
    reqllm,
    rig,
    rubyvcr,
    shapes,
    testproxy,
    vcr,
)
from ssetl.captures.container import Exchanges, Opened, Reader
from ssetl.captures.documents import Loaded, Schema
from ssetl.captures.exchange import Exchange, Gap, Leftover, Payload, Piece, Read
from ssetl.lines import Line, Splitter

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

_ARRAY_START: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*(?=\{)")
_FIRST: Final = json.JSONDecoder(parse_int=str)
_DATA: Final = re.compile(rb"^data:", re.MULTILINE)
_FEW: Final = 8  # lines of which one must be whole JSON if the first is damaged
_BOM: Final = b"\xef\xbb\xbf"
_BLOCK: Final = 64 << 10


def open_json(start: bytes, source: Reader, *, complete: bool) -> Opened | None:
    """The JSON document that begins with `start`, or the documents, one a line; None if it is other lines.

    `complete` says whether `start` is all of it.
    """
    lines = start.split(b"\n", _FEW)[:_FEW]
    several = any(map(bytes.strip, lines[1:])) or (len(lines) > 1 and not complete)
    if not several:
        return open_document(source, jsontree.load)
    looked_at = lines if start.startswith(b"{") and len(lines[0].strip()) > 1 else lines[:1]
    value = next((value for value in map(_decoded, looked_at) if isinstance(value, (dict, list))), None)
    if value is None:
        return open_document(source, jsontree.load)
    schema = documents.schema_of([value], _LINE_SCHEMAS)
    if schema is not None and isinstance(value, dict):
        return Opened(schema.name, _document_lines(source, schema))
    return None


def open_document(source: Reader, load: Callable[[bytes], Loaded]) -> Opened:
    """The document of a source, read whole; `load` takes its values out."""
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
        first, _ = _FIRST.raw_decode(text[array.end() : array.end() + _BLOCK].decode("latin-1"))
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


def _document_lines(source: Reader, schema: Schema) -> Exchanges:
    """The exchanges of a file whose every line is a document."""
    splitter = Splitter()
    number = 0
    while block := source.read(_BLOCK):
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
