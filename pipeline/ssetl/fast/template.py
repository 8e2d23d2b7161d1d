"""Templates: the text of events that differ in nothing but a few values, and the row they become.

Sound only as `learning` makes them. What a template tells of an event is then what the ordinary code would
have told, whatever its holes hold: a text that is not empty, or a number of few digits.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, Final

import msgspec

from ssetl.apis.row import Api, Row, ToolCall, Usage
from ssetl.fast.instants import INSTANTS
from ssetl.jsontext import encode

_SECOND: Final = rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"

PATTERNS: Final = {
    "fixed": rb'([^"\\\x00-\x1f]++)',
    "text": rb'((?:[^"\\\x00-\x1f]++|\\.)++)',
    "time": rb"([1-9][0-9]{9})",
    "instant": rb"([0-9][0-9T:.-]{18,28}+Z)",
    "micros": _SECOND + rb"(?:\.(?=[0-9]{1,6}+Z)(?:0*+[1-9])++)?+Z)",
    "nanos": _SECOND + rb"\.[0-9]{7,9}+Z)",
    "number": rb"(0|[1-9][0-9]{0,14}+)",
    "index": rb"([2-9][0-9]{0,8}+|1[0-9]{1,8}+)",
    "blank": rb"( *+)",
}
"""What a hole may hold, by kind; one group each. All are possessive, or of one length: what stands at a place
is in the hole or is not, whatever stands behind it."""

FIELDS: Final = {
    "row": Row.__struct_fields__,
    "usage": Usage.__struct_fields__,
    "call": ToolCall.__struct_fields__,
}
"""Fields that a hole may come out in, by owner."""


Values = tuple[bytes, ...]
"""What the holes of a text hold, as bytes of the text."""

Column = list[bytes]
"""What one hole holds in some texts."""


_Fill = tuple[int, int, Callable[[bytes], Any]]
"""Number of a hole, place of the field that it comes out in, and what makes a value of bytes."""


class Hole(msgspec.Struct, frozen=True):
    """A value that differs between the events of a template.

    Args:
        kind: `fixed`, an id or the like, mostly of one length and without escapes; `time`, seconds since 1970
            (milliseconds come out in two places, so they are no hole); `instant`, a time as an API would
            write it, mostly of one length; `micros`, the same where each event has another one; `nanos`, one
            of those with parts of a microsecond, which `extra` keeps; `text`, any JSON string, without its
            quotes; `same`, the same bytes as an earlier hole, which comes out in nothing of its own;
            `number`, a whole number of at most 15 digits, not negative; `index`, one of at most 9, mostly of
            one length, but not 0 or 1: where these are what an API expects, `extra` leaves them out; `blank`,
            padding before the last brace, which comes out in nothing.
        owner: what it comes out in: `row`, `usage`, `call` (the row's one tool call), `extra` or `none`. What
            is `fixed`, `time` or `nanos` and comes out in one of the first three may be in `extra`, too.
        field: the field of the row, the usage or the tool call; otherwise nothing.
        scale: microseconds that one of it stands for, if it is `created_at`.
        link: number of the earlier hole, if this is `same`; of the one that holds another text, if this must.
    """

    kind: str
    owner: str
    field: str = ""
    scale: int = 1
    link: int = -1

    @property
    def is_elastic(self) -> bool:
        """Whether its length differs from event to event."""
        return self.kind in ("text", "same", "number", "micros", "nanos", "blank")

    @property
    def pattern(self) -> bytes:
        """What it may hold, one group, given that there is one for each hole before it."""
        return b"(\\%d)" % (self.link + 1) if self.kind == "same" else PATTERNS[self.kind]

    @property
    def is_apart(self) -> bool:
        """Whether it must hold another text than the hole that it is linked with."""
        return self.link >= 0 and self.kind != "same"

    @property
    def is_text(self) -> bool:
        """Whether it stands between quotes."""
        return self.kind in ("text", "fixed", "same")

    @property
    def has_column(self) -> bool:
        """Whether a column tells it, and nothing else."""
        return self.owner not in ("extra", "none")


class Reading(msgspec.Struct, frozen=True):
    """What all events of a template have in common beside their row.

    Args:
        api: their API, certainly.
        type: the SSE event type.
        offset: first byte of the event, counted from the start of the text.
        rest: bytes of the text that are not the event's, by kind.
        starts, ends: whether they open a stream, or are the API's own end of one.
    """

    api: Api
    type: str | None
    offset: int
    rest: Counter[str]
    starts: bool
    ends: bool


class Template:
    """A text with holes.

    Attributes:
        texts: the bytes around the holes, one more than there are holes.
        holes: in the order of the text.
        reading: what its events have in common.
        rest: bytes of the text that are not the event's.
        extra: the texts around the holes that come out in `extra`, in their order there, and the positions
            of those holes; none if `extra` has no holes.
        is_bulk: whether an event only adds to an open choice, so that many can be counted at once.
        has_id: whether its events carry the id of their response.
        has_elastic_extra: whether `extra` differs from event to event, and not only from stream to stream.
    """

    def __init__(
        self,
        texts: Sequence[bytes],
        holes: Sequence[Hole],
        reading: Reading,
        row: Row,
        extra: tuple[list[str], list[int]] | None,
    ) -> None:
        self.texts = texts
        self.holes = holes
        self.reading = reading
        self.rest = reading.rest.total()
        self.extra = extra
        self._apart = [(n, hole.link) for n, hole in enumerate(holes) if hole.is_apart]
        self.has_id = any(hole.field == "response_id" for hole in holes)
        self.has_elastic_extra = extra is not None and any(holes[n].is_elastic for n in extra[1])
        self.is_bulk = _is_bulk(reading, row, has_id=self.has_id)
        # The expression finds the holes, the format tells whether the texts around them are the right ones:
        # to compile an expression of these takes longer than to read hundreds of such events.
        pieces = zip(holes, texts[1:], strict=True)
        skeleton = b"".join(hole.pattern + _any(text) for hole, text in pieces)
        self._match = re.compile(_any(texts[0]) + skeleton, re.DOTALL).fullmatch
        self._format = b"%b".join(text.replace(b"%", b"%%") for text in texts)
        call = (row.tool_calls or (ToolCall(),))[0]
        self._row, self._usage, self._call = (
            msgspec.structs.astuple(each) for each in (row, row.usage or Usage(), call)
        )
        self._row_fills, self._usage_fills, self._call_fills = map(self._fills, FIELDS)

    def pads(self, other: "Template") -> bool:
        """Whether this is the other one, but for blanks that may stand before the last brace."""
        return (
            len(self.texts) == len(other.texts) + 1
            and self.holes[-1].kind == "blank"
            and self.texts[-2] + self.texts[-1] == other.texts[-1]
            and [*self.texts[:-2]] == [*other.texts[:-1]]
            and [*self.holes[:-1]] == [*other.holes]
        )

    def find(self, text: bytes) -> "Found | None":
        """What the event is that `text` holds, if it is one of this template."""
        if not text.startswith(self.texts[0]):
            return None
        match = self._match(text)
        if match is None or self._format % (values := match.groups()) != text:
            return None
        row = self.row(values)
        return None if row is None else Found(self, values, row)

    def row(self, values: Sequence[bytes]) -> Row | None:
        """The row of an event with these values in its holes.

        None if one of them is no valid text, or the same as another that it must not be.
        """
        try:
            if any(_text(values[n]) == _text(values[link]) for n, link in self._apart):
                return None
            return self._made(values)
        except (ValueError, msgspec.DecodeError):
            return None

    def rows(self, values: Sequence[Column], count: int) -> "Rows":
        """The rows of so many events with these values in the holes that are not elastic.

        In the others there are stand-ins.
        """
        stand_ins = [b"+" if hole.is_apart else _STAND_INS[hole.kind] for hole in self.holes]
        fixed = [n for n, hole in enumerate(self.holes) if not hole.is_elastic]
        told: dict[str, list[Any]] = {}
        valid = [True] * count
        others = set()
        for n, of_hole in zip(fixed, values, strict=True):
            hole = self.holes[n]
            found = _read_each(_reader(hole), of_hole)
            if None in found:
                valid = [is_valid and value is not None for is_valid, value in zip(valid, found, strict=True)]
            if hole.owner == "row":
                told[hole.field] = found
            elif hole.owner != "extra":
                others.add(_COLUMNS[hole.owner])
            if self.extra is not None and n in self.extra[1] and not self.has_elastic_extra:
                others.add("extra")
        if others:
            made = [self.row(_put(stand_ins, fixed, each)) or Row() for each in zip(*values, strict=True)]
            told |= {field: [getattr(row, field) for row in made] for field in others}
        return Rows(self._made(stand_ins), told, valid)

    def around_extra(self, values: Sequence[Column]) -> bytes:
        """What stands in `extra` beside what the elastic holes hold, cut at the holes: quotes are between.

        `values` are those of the other holes, in some events.
        """
        around, order = self.extra or ([""], [])
        fixed = [n for n, hole in enumerate(self.holes) if not hole.is_elastic]
        columns = [values[fixed.index(n)] for n in order if n in fixed]
        return b'"'.join(chain((text.encode() for text in around), *columns))

    def _made(self, values: Sequence[bytes]) -> Row:
        row, usage, call = list(self._row), self._usage, self._call
        for n, place, read in self._row_fills:
            row[place] = read(values[n])
        if self._usage_fills:
            row[_USAGE] = Usage(*_filled(usage, self._usage_fills, values))
        if self._call_fills:
            row[_CALLS] = (ToolCall(*_filled(call, self._call_fills, values)),)
        if self.extra is not None:
            row[_EXTRA] = self._extra_of(values, *self.extra)
        return Row(*row)

    def _fills(self, owner: str) -> list[_Fill]:
        return [
            (n, FIELDS[owner].index(hole.field), _reader(hole))
            for n, hole in enumerate(self.holes)
            if hole.owner == owner
        ]

    def _extra_of(self, values: Sequence[bytes], texts: list[str], order: list[int]) -> str:
        pieces = [texts[0]]
        for n, text in zip(order, texts[1:], strict=True):
            value = values[n]
            pieces += (encode(_text(value))[1:-1] if b"\\" in value else value.decode(), text)
        return "".join(pieces)


class Rows(msgspec.Struct, frozen=True):
    """The rows of events of a template.

    Args:
        base: what all of them say; stand-ins in what they do not.
        told: the fields in which they differ: a value for each row.
        valid: whether the values of each row are valid text.
    """

    base: Row
    told: dict[str, list[Any]]
    valid: list[bool]

    def __len__(self) -> int:
        return len(self.valid)

    def values(self, field: str) -> list[Any]:
        """A field of each row."""
        return self.told.get(field) or [getattr(self.base, field)] * len(self)

    def row(self, n: int) -> Row:
        """The n-th row."""
        return msgspec.structs.replace(self.base, **{name: each[n] for name, each in self.told.items()})


class Found(msgspec.Struct, frozen=True, gc=False):
    """An event of a template: what its holes hold, and its row."""

    template: Template
    values: Values
    row: Row


_EXTRA: Final = FIELDS["row"].index("extra")
_USAGE: Final = FIELDS["row"].index("usage")
_CALLS: Final = FIELDS["row"].index("tool_calls")
_COLUMNS: Final = {"usage": "usage", "call": "tool_calls"}
_string = msgspec.json.Decoder(str)


_STAND_INS: Final = {
    "text": b"-",
    "same": b"-",
    "number": b"1",
    "index": b"2",
    "fixed": b"-",
    "time": b"1000000000",
    "instant": b"2001-09-09T01:46:40Z",
    "micros": b"2001-09-09T01:46:40Z",
    "nanos": b"2001-09-09T01:46:40.0000001Z",
    "blank": b" ",
}


def _any(text: bytes) -> bytes:
    """A pattern of any bytes that are as many."""
    return b".{%d}" % len(text)


def _put(values: Sequence[bytes], places: Sequence[int], others: Sequence[bytes]) -> list[bytes]:
    changed = list(values)
    for place, other in zip(places, others, strict=False):
        changed[place] = other
    return changed


def _read_each(read: Callable[[bytes], Any], values: Sequence[bytes]) -> list[Any]:
    """The values; None where one is no valid text."""
    try:
        return [read(value) for value in values]
    except ValueError:
        return [_read_or_none(read, value) for value in values]


def _read_or_none(read: Callable[[bytes], Any], value: bytes) -> Any:
    try:
        return read(value)
    except ValueError:
        return None


def _text(value: bytes) -> str:
    """The JSON string whose quotes were left out. Raises ValueError or msgspec.DecodeError if it is none."""
    return _string.decode(b'"' + value + b'"') if b"\\" in value else value.decode()


def _reader(hole: Hole) -> Callable[[bytes], Any]:
    if hole.kind == "fixed":
        return bytes.decode
    if hole.kind in INSTANTS:
        return INSTANTS[hole.kind]
    if hole.kind == "time" and hole.scale != 1:
        return lambda value: int(value) * hole.scale
    return int if hole.kind in ("time", "number") else _text


def _filled(known: Sequence[Any], fills: Sequence[_Fill], values: Sequence[bytes]) -> list[Any]:
    fields = list(known)
    for n, place, read in fills:
        fields[place] = read(values[n])
    return fields


def _is_bulk(reading: Reading, row: Row, *, has_id: bool) -> bool:
    """Whether such an event can neither open, finish nor end a stream, nor fail it."""
    calls = row.tool_calls or ()
    return (
        row.choice_index is not None
        and not row.finish_reason
        and (has_id or row.response_id is None)
        and row.error_type is None
        and row.error_message is None
        and not reading.starts
        and not reading.ends
        and all(call.index is not None and call.id is None and call.name is None for call in calls)
    )
