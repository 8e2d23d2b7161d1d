"""Learning templates: which values of an event may vary without changing what the ordinary code makes of it.

Candidates are told by their keys. Each gets a sentinel, the event is read by the ordinary code, and a
candidate is a hole only if its sentinel comes out exactly once: as a column of the one row, or inside its
`extra`; and all of it must be so, too, if all texts are the same. Whatever would make the ordinary code look
at the value itself (the same key twice, the same text in two places, a second choice, an array inside
`logprobs`) fails that, and stays as it is in the template.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from ssetl import apis
from ssetl.apis.row import REFERENCE, TEXT_COLUMNS, TEXT_KEYS, Chunk, Json, Row, flatten
from ssetl.fast.instants import CLOCKS, INSTANTS
from ssetl.fast.template import FIELDS, PATTERNS, Hole, Reading, Template
from ssetl.response import error_outside
from ssetl.sse import Bare, Event, Parser

MAX_TEXT: Final = 64 << 10
"""Bytes of the longest event that becomes a template."""

MAX_HOLES: Final = 64
"""An event in which more may vary has no template: each is looked for in all of the event."""

_CANDIDATE: Final = re.compile(
    rb'"(?:(?:id|[a-z_]*_id|[a-zA-Z]*Id)": ?"(?P<fixed>%(fixed)b)"'
    rb"|(?:content|text|delta|response|reasoning|reasoning_content|reasoning_text|summary|thinking|refusal|arguments"
    rb"|partial_json|obfuscation|p|url|title|signature|thoughtSignature|encrypted_content)"
    rb'": ?"(?P<text>%(text)b)"'
    rb'|(?:created|[a-z]+_at)": ?(?P<time>%(time)b)(?=(?:\.0)?[,}])'
    rb'|(?:created|createTime|[a-z]+_at)": ?"(?:(?P<nanos>%(nanos)b)"|(?P<instant>%(instant)b)")'
    rb'|(?:(?:output|content|summary|annotation)_)?index": ?(?P<index>%(index)b)(?=[,}])'
    rb"|(?:sequence_number|start_index|end_index|[a-z_]*_(?:tokens|count|duration)"
    rb"|[a-zA-Z]*[tT]okenCount)"
    rb'": ?(?P<number>%(number)b)(?=[,}]))' % {kind.encode(): pattern for kind, pattern in PATTERNS.items()}
)
_PADDING: Final = re.compile(rb"^(?:data:|\{)[^\n]*[^ \n]( +)\}[\r\n]*\Z", re.MULTILINE)
_SECOND: Final = 1_000_000  # in microseconds
_SAME: Final = b"~same~"


class _Candidate(msgspec.Struct, frozen=True):
    kind: str
    start: int
    end: int
    sentinel: bytes


class _Lesson(msgspec.Struct, frozen=True):
    """What the ordinary code made of an event with sentinels, and where each of them came out."""

    candidates: Sequence[_Candidate]
    holes: Sequence[Hole]
    reading: Reading
    row: Row


def learn(text: bytes) -> Template | None:
    """The template that an event is of; None if it can have none. `text` is the event with its blank line."""
    if len(text) > MAX_TEXT:
        return None
    candidates = list(islice(_candidates(text), MAX_HOLES + 1))
    if len(candidates) > MAX_HOLES:
        return None
    lesson = _timed(text, _lesson(text, candidates))
    if lesson is not None and _may_refer(lesson.row):
        lesson = _linked(text, lesson) or _apart(lesson)
    if lesson is None:
        return None
    template = Template(
        _around(text, lesson.candidates),
        lesson.holes,
        lesson.reading,
        lesson.row,
        _extra(lesson.row.extra, lesson.candidates),
    )
    values = [text[each.start : each.end] for each in lesson.candidates]
    alike = [
        _SAME * (1 + hole.is_apart) if hole.is_text else value
        for hole, value in zip(template.holes, values, strict=True)
    ]
    return template if _tells(template, values) and _tells(template, alike) else None


def _tells(template: Template, values: Sequence[bytes]) -> bool:
    """Whether the ordinary code makes of the event with these values what the template tells."""
    read = _read(_joined(template.texts, values))
    return read == (template.reading, template.row(values))


def _lesson(text: bytes, candidates: Sequence[_Candidate]) -> _Lesson | None:
    """What comes out of an event with sentinels: only those candidates are left that are holes."""
    while True:
        read = _read(_filled(text, candidates))
        if read is None:
            return None
        reading, row = read
        found = [_hole(candidate, row) for candidate in candidates]
        if None not in found:
            return _Lesson(candidates, [hole for hole in found if hole is not None], reading, row)
        candidates = [each for each, hole in zip(candidates, found, strict=True) if hole is not None]


def _timed(text: bytes, lesson: _Lesson | None) -> _Lesson | None:
    """The same, but if the API has a clock of its own, its event must tell the time, and that is a hole.

    Of other APIs, the time is that of the stream.
    """
    if lesson is None:
        return None
    if not lesson.reading.api.stamped:
        kept = [each for each in lesson.candidates if each.kind != "nanos"]
        return lesson if len(kept) == len(lesson.candidates) else _lesson(text, kept)
    some = [
        msgspec.structs.replace(each, kind="micros") if each.kind == "instant" else each
        for each in lesson.candidates
    ]
    again = _lesson(text, some)
    times = [hole for hole in again.holes if hole.kind in CLOCKS] if again else []
    return again if [hole.field for hole in times] == ["created_at"] else None


def _linked(text: bytes, lesson: _Lesson) -> _Lesson | None:
    """The same for texts in `extra` that are that of a column: they are references, as long as they are.

    All have one sentinel. It must come out in the column, and nothing but references in its place; and
    nothing else may be a reference to the column, nor these to another one.
    """
    columns = _text_columns(lesson)
    if len(columns) != 1:
        return None
    candidates = list(lesson.candidates)
    values = [text[each.start : each.end] for each in candidates]
    linked = [
        n
        for n, hole in enumerate(lesson.holes)
        if n in columns or (hole.kind == "text" and hole.owner == "extra" and values[n] == values[columns[0]])
    ]
    first, *others = linked
    if not others:
        return None
    for n in others:
        candidates[n] = msgspec.structs.replace(candidates[n], sentinel=candidates[first].sentinel)
    again = _lesson(text, candidates)
    if again is None or len(again.candidates) < len(candidates) or _may_refer(again.row):
        return None
    holes = [Hole("same", "none", link=first) if n in others else hole for n, hole in enumerate(again.holes)]
    return _Lesson(candidates, holes, again.reading, again.row)


def _apart(lesson: _Lesson) -> _Lesson | None:
    """The same for texts in `extra` that are not that of a column: they are none, as long as they are not."""
    columns = _text_columns(lesson)
    if len(columns) != 1 or sum(bool(getattr(lesson.row, column)) for column in TEXT_COLUMNS) != 1:
        return None
    numbers = {each.sentinel.decode(): n for n, each in enumerate(lesson.candidates)}
    holes = list(lesson.holes)
    for key, value in _referable(msgspec.json.decode(lesson.row.extra or "{}"), ""):
        n = numbers.get(value, -1)
        if key != REFERENCE and (n < 0 or holes[n] != Hole("text", "extra")):
            return None
        if key != REFERENCE:
            holes[n] = Hole("text", "extra", link=columns[0])
    return msgspec.structs.replace(lesson, holes=holes)


def _text_columns(lesson: _Lesson) -> list[int]:
    return [n for n, hole in enumerate(lesson.holes) if hole.owner == "row" and hole.field in TEXT_COLUMNS]


def _candidates(text: bytes) -> Iterator[_Candidate]:
    for n, found in enumerate(_CANDIDATE.finditer(text)):
        kind = found.lastgroup or ""
        start, end = found.span(kind)
        if kind in INSTANTS and not _is_instant(text[start:end], kind):
            continue
        width = {"time": end - start, "number": 15, "index": 9}.get(kind)
        sentinel = b"~hole %d~" % n if width is None else b"%d" % (int(b"9" * width) - 7 * n - 3)
        if kind in INSTANTS:
            rest = b"0001" if kind == "nanos" else b""
            sentinel = b"2099-12-31T23:59:59.%06d%bZ" % (999_991 - 10 * n, rest)
        if sentinel not in text:
            yield _Candidate(kind, start, end, sentinel)
    if padding := _PADDING.search(text):
        start, end = padding.span(1)
        yield _Candidate("blank", start, end, b" " * (end - start + 1))


def _is_instant(value: bytes, kind: str) -> bool:
    try:
        return INSTANTS[kind](value) > 0
    except ValueError:
        return False


def _filled(text: bytes, candidates: Sequence[_Candidate]) -> bytes:
    return _joined(_around(text, candidates), [each.sentinel for each in candidates])


def _joined(around: Sequence[bytes], values: Sequence[bytes]) -> bytes:
    return around[0] + b"".join(a + b for a, b in zip(values, around[1:], strict=True))


def _around(text: bytes, candidates: Sequence[_Candidate]) -> list[bytes]:
    borders = [0, *(border for each in candidates for border in (each.start, each.end)), len(text)]
    return [text[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]


def _read(text: bytes) -> tuple[Reading, Row] | None:
    """What the ordinary code makes of one event; None if it is not one of one row, or no strict JSON."""
    parser = Parser(_decode, text_types=apis.TEXT_EVENTS)
    frames = [*parser.feed(text), *parser.close()]
    if len(frames) != 1 or not isinstance(frames[0], Event | Bare):
        return None
    frame = frames[0]
    if isinstance(frame, Event) and frame.between:
        return None
    if isinstance(frame, Bare) and error_outside(frame) is not None:
        return None
    kind = frame.type if isinstance(frame, Event) else None
    if kind in apis.TEXT_EVENTS:
        return None  # where no blank line follows, its data is not complete
    api = apis.recognise(frame.value, kind)
    if api is None:
        return None
    rows = flatten(api, frame.value, kind)
    if len(rows) != 1:
        return None
    starts, ends = api.starts(frame.value, kind), api.ends(frame.value, kind)
    return Reading(api, kind, frame.offset, parser.tally, starts, ends), rows[0]


def _decode(data: bytes, event_type: str | None) -> Chunk:
    """As `apis.decode_data`, but no leniency: what is read leniently is read by the ordinary code."""
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    return apis.decode_data(data, event_type)


def _hole(candidate: _Candidate, row: Row) -> Hole | None:
    """Where the sentinel came out, if it did so once and as it is; blanks outside of strings do not."""
    if candidate.kind == "blank":
        return Hole("blank", "none")
    found = [*_in_fields(candidate, "row", row), *_in_extra(candidate, row.extra or "")]
    if row.usage is not None:
        found += _in_fields(candidate, "usage", row.usage)
    for call in row.tool_calls or ():
        found += _in_fields(candidate, "call", call)
    if (
        row.tool_calls is not None
        and len(row.tool_calls) > 1
        and any(hole and hole.owner == "call" for hole in found)
    ):
        return None
    if candidate.kind == "index":
        # That of a choice or of a call tells what belongs together, and another might have to do with it.
        is_free = found == [Hole("index", "extra")] and not row.tool_calls and not row.choice_index
        return found[0] if is_free else None
    if len(found) == 2 and candidate.kind in ("fixed", "time", "nanos"):
        # What a column tells in another way than the event is in `extra`, too.
        columns = [hole for hole in found if hole is not None and hole.has_column]
        return columns[0] if len(columns) == 1 and Hole(candidate.kind, "extra") in found else None
    return found[0] if len(found) == 1 else None


def _in_fields(candidate: _Candidate, owner: str, values: msgspec.Struct) -> Iterator[Hole | None]:
    """One for each field that the sentinel came out in, None where it is only a part of it."""
    sentinel = candidate.sentinel.decode()
    for field in FIELDS[owner]:
        value = getattr(values, field)
        if type(value) is str and field != "extra" and sentinel in value:
            yield Hole(candidate.kind, owner, field) if value == sentinel else None
        elif type(value) is int and candidate.kind in INSTANTS:
            if value == INSTANTS[candidate.kind](candidate.sentinel):
                yield Hole(candidate.kind, owner, field)
        elif type(value) is int and candidate.kind in ("time", "number", "index"):
            scale = _SECOND if field == "created_at" else 1
            if value == int(sentinel) * scale:
                yield Hole(candidate.kind, owner, field, scale)


def _in_extra(candidate: _Candidate, extra: str) -> Iterator[Hole | None]:
    for _ in _occurrences(candidate, extra):
        yield Hole(candidate.kind, "extra")


def _occurrences(candidate: _Candidate, extra: str) -> Iterator[tuple[int, int]]:
    """Where the sentinel stands in `extra`, without quotes; a longer number is another sentinel."""
    sentinel = candidate.sentinel.decode()
    for found in re.finditer(rf"(?<![0-9]){re.escape(sentinel)}(?![0-9])", extra):
        yield found.span()


def _extra(extra: str | None, candidates: Sequence[_Candidate]) -> tuple[list[str], list[int]] | None:
    """The texts around the holes of `extra`, and which holes these are."""
    places = sorted(
        (*place, n) for n, each in enumerate(candidates) for place in _occurrences(each, extra or "")
    )
    if extra is None or not places:
        return None
    borders = [0, *(border for start, end, _ in places for border in (start, end)), len(extra)]
    texts = [extra[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]
    return texts, [n for _, _, n in places]


def _may_refer(row: Row) -> bool:
    """Whether `extra` may have another reference if texts that differ here happen to be the same."""
    columns = sum(bool(getattr(row, column)) for column in TEXT_COLUMNS)
    if row.extra is None or not columns:
        return False
    found = {key for key, _ in _referable(msgspec.json.decode(row.extra), "")}
    return bool(found - {REFERENCE}) or (REFERENCE in found and columns > 1)


def _referable(value: Json, key: str) -> Iterator[tuple[str, str]]:
    """Key and text of what might be a reference, and of what is one: the first equal column's."""
    if type(value) is dict:
        for name, member in value.items():
            yield from _referable(member, name)
    elif type(value) is list:
        for element in value:
            yield from _referable(element, key)
    elif type(value) is str and value and (key in TEXT_KEYS or key == REFERENCE):
        yield key, value
