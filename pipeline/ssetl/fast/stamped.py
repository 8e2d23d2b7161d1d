"""Lines of a log put behind each other, so that their events can be looked at together.

Each line keeps its place in the body and its time. What stands between them, such as lines of the
application itself, is a line that no event can be.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, groupby
from typing import Final

import msgspec
import numpy as np

from ssetl.captures.exchange import Gap
from ssetl.fast.block import Block, Codes, Places
from ssetl.fast.layout import Match
from ssetl.fast.singles import Place
from ssetl.fast.template import Template
from ssetl.fast.templates import Templates
from ssetl.framing import frames_of
from ssetl.lines import Line, Lines
from ssetl.sse import Frame, Parser, Terminator
from ssetl.times import UNKNOWN

TOGETHER: Final = 8 << 20
"""Bytes of lines that are looked at together."""

MOST: Final = 1 << 16
"""The most lines that are."""

Kinds = tuple[str, ...]
"""What each line of a unit is: `event` or `terminator`, `field` or `blank`."""

Entry = Line | Lines | Gap
"""What a log consists of; a gap is one of bytes that tell something."""

_NOTHING: Final = b"-\n"  # stands for what is no line, or none that could be an event
_EVENT: Final = "event"
_TERMINATOR: Final = "terminator"
_FIELDS: Final = frozenset({b"event", b"id", b"retry"})
_BOM: Final = b"\xef\xbb\xbf"


class Stamped(Block):
    """A block made of lines."""

    def __init__(self, pieces: Sequence[Entry]) -> None:
        super().__init__(b"".join(map(_text, pieces)))
        self._offsets, self._sizes, self._times = (
            np.concatenate(columns) for columns in zip(*_columns(pieces), strict=True)
        )
        self._entries = pieces
        self._firsts = [0, *accumulate(len(each) if isinstance(each, Lines) else 1 for each in pieces)]
        self._gaps = [self._firsts[n] for n, each in enumerate(pieces) if isinstance(each, Gap)]

    def lines_at(self, places: Places) -> Places:
        """The numbers of the lines that stand at some places."""
        return np.searchsorted(self._newlines, places)

    def offsets(self, places: Places) -> Places:
        """Where the lines that begin at some places begin in the body."""
        found: Places = self._offsets[self.lines_at(places)]
        return found

    def arrivals(self, events: Places) -> Places | None:
        """When events came that begin at some places, `UNKNOWN` if their log does not tell."""
        found: Places = self._times[self.lines_at(events)]
        return found

    def place(self, line: int) -> Place:
        """Where a line stands in the body, and when it came."""
        at = self._times.item(line)
        return Place(self._offsets.item(line), self._sizes.item(line), None if at == UNKNOWN else at)

    def entries(self, first: int, end: int) -> Iterator[Line | Gap]:
        """The lines from one up to another, as they were given."""
        for line in range(first, end):
            piece = self._entries[bisect_right(self._firsts, line) - 1]
            if isinstance(piece, Lines):
                place = self.place(line)
                start = self._newlines.item(line - 1) + 1 if line else 0
                text = self.data[start : self._newlines.item(line)]
                piece = Line(text, place.offset, place.size, place.received_at)
            yield piece

    def lines_between(self, first: int, end: int) -> int:
        """How many lines there are from one up to another, but for those that are none."""
        return end - first - (bisect_left(self._gaps, end) - bisect_left(self._gaps, first))

    def line_sizes(self, firsts: Places, kinds: Kinds) -> Iterator[tuple[str, Places]]:
        """For each line of units its kind and its bytes in each.

        `firsts` are the first lines of units, `kinds` those of all lines; what would be behind the last line
        of all is of no meaning.
        """
        last = len(self._sizes) - 1
        for n, kind in enumerate(kinds):
            yield kind, self._sizes[np.minimum(firsts + n, last)]

    def sizes(self, firsts: Places, kinds: Kinds) -> Counter[str]:
        """The bytes of units by kind."""
        tally = Counter[str]()
        for kind, sizes in self.line_sizes(firsts, kinds):
            tally[kind] += int(sizes.sum())
        return tally

    def line_end(self, place: int, size: int) -> int:
        """Where the line ends in the body that begins at a place."""
        line = bisect_left(self._newlines, place)
        return int(self._offsets[line] + self._sizes[line])

    def is_one_line(self, text: bytes, line: Terminator, rest: Counter[str]) -> bool:
        """Whether it is known where a terminator stands in the body, and when it came."""
        return bool(kinds_of_terminator(text, line, rest))

    def terminators(self, units: Places, line: Terminator, rest: Counter[str]) -> Counter[str]:
        """The bytes by kind of units that are a terminator."""
        kinds = kinds_of_terminator(self.unit(units.item(0)), line, rest)
        return self.sizes(self.lines_at(self.starts[units]), kinds)

    def tally(self, units: Places, match: Codes, templates: Sequence[Template]) -> Counter[str]:
        """The bytes of units by kind; `match` numbers their templates, all of which suit."""
        tally = Counter[str]()
        firsts = self.lines_at(self.starts[units])
        for number in np.unique(match).tolist():
            tally.update(self.sizes(firsts[match == number], kinds_of(templates[number])))
        return tally


class StampedSingles:
    """Units of such a block one by one, as of `Singles`: the parser gets them as the lines they are."""

    def __init__(self, block: Stamped, parser: Parser) -> None:
        self.tally: Counter[str] = Counter()
        self._block = block
        self._parser = parser
        self._parsed = 0  # lines that the parser has read or left out
        self._unit = 0  # the one that begins there
        self._firsts = block.lines_at(np.append(block.starts, len(block.data)))  # lines of units

    def place(self, unit: int, template: Template) -> Place:
        """Where the event is that has matched a template."""
        return self._place(unit, kinds_of(template))

    def terminator(self, unit: int, line: Terminator, rest: Counter[str]) -> Terminator | None:
        """The terminator that a unit is; None if it is more than a line, and others that tell nothing."""
        kinds = kinds_of_terminator(self._block.unit(unit), line, rest)
        return Terminator(**msgspec.structs.asdict(self._place(unit, kinds))) if kinds else None

    def frames(self, unit: int) -> list[Frame]:
        """What the parser finds in a unit."""
        self.leave_out(unit)
        end = self._firsts.item(unit + 1)
        found = [
            frame
            for piece in self._block.entries(self._parsed, end)
            for frames in frames_of(piece, self._parser)
            for frame in frames
        ]
        self._parsed, self._unit = end, unit + 1
        return found + self._parser.settle() if self._block.is_followed(unit) else found

    def leave_out(self, unit: int) -> None:
        """Bring the parser before a unit; what lies before has been read."""
        line = self._firsts.item(unit)
        if line > self._parsed:
            name = self._block.last_name(self._unit, unit)
            self._parser.skip(0, self._block.lines_between(self._parsed, line), name)
            self._parsed, self._unit = line, unit

    def _place(self, unit: int, kinds: Kinds) -> Place:
        first = self._firsts.item(unit)
        [told] = {_EVENT, _TERMINATOR}.intersection(kinds)
        for line, kind in enumerate(kinds, first):
            if kind != told:
                self.tally[kind] += self._block.place(line).size
        return self._block.place(first + kinds.index(told))


def matches_of(block: Block, templates: Templates) -> list[Match]:
    """What the units of a block match; in one of lines, of which each has one place and one time."""
    matches = templates.match(block)
    return [match for match in matches if kinds_of(match.template)] if isinstance(block, Stamped) else matches


@lru_cache(maxsize=1024)
def kinds_of(template: Template) -> Kinds:
    """What each line of a template is; nothing if its event is not one line, with one place and one time."""
    return _kinds(b"-".join(template.texts), template.reading.offset, template.reading.rest)


def kinds_of_terminator(text: bytes, line: Terminator, rest: Counter[str]) -> Kinds:
    """The same of a terminator; `line` and `rest` are as of `terminator_in`."""
    kinds = _kinds(text, line.offset, rest)
    return tuple(_TERMINATOR if kind == _EVENT else kind for kind in kinds)


def _kinds(text: bytes, offset: int, rest: Counter[str]) -> Kinds:
    """What each line of a text is; nothing if not just one of them is more than what `rest` tells by kind.

    That one begins at `offset`.
    """
    lines = text.removesuffix(b"\n").split(b"\n")
    kinds = tuple(map(_kind, lines))
    if kinds.count(_EVENT) != 1:
        return ()
    sizes = Counter[str]()
    for line, kind in zip(lines, kinds, strict=True):
        sizes[kind] += len(line) + 1
    del sizes[_EVENT]
    before = sum(len(line) + 1 for line in lines[: kinds.index(_EVENT)])
    return kinds if before == offset and sizes == rest else ()


def _kind(line: bytes) -> str:
    if line.partition(b":")[0] in _FIELDS:
        return "field"
    return _EVENT if line.strip(b" \t") else "blank"


def _text(piece: Entry) -> bytes:
    """What a piece is in the block."""
    if isinstance(piece, Lines):
        return piece.data
    if isinstance(piece, Gap) or piece.overlong or b"\r" in piece.text or piece.text.startswith(_BOM):
        return _NOTHING
    return piece.text + b"\n"


def _columns(pieces: Sequence[Entry]) -> Iterator[tuple[Places, Places, Places]]:
    """Offsets, sizes and times of lines; of those that come one by one, of neighbours together."""
    for _, some in groupby(pieces, lambda piece: isinstance(piece, Lines)):
        places = []
        for piece in some:
            if isinstance(piece, Lines):
                yield piece.offsets, piece.sizes, piece.times
            else:
                places.append((piece.offset, piece.size, _time(piece)))
        if places:
            offsets, sizes, times = np.array(places, np.int64).T
            yield offsets, sizes, times


def _time(piece: Line | Gap) -> int:
    return UNKNOWN if isinstance(piece, Gap) or piece.received_at is None else piece.received_at
