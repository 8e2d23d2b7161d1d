"""Units of a block that are taken one by one: as what they have matched, or as text, through the parser."""

from collections import Counter
from typing import Protocol

import msgspec
import numpy as np

from ssetl.fast.block import Block
from ssetl.fast.template import Template
from ssetl.sse import Frame, Parser, Terminator


class Place(msgspec.Struct, frozen=True):
    """Where an event stands in the body, in bytes, and when it came, if that is known."""

    offset: int
    size: int
    received_at: int | None = None


class Singles(Protocol):
    """What tells of units one by one; all units before one have been read, by whomever."""

    @property
    def tally(self) -> Counter[str]:
        """The bytes of units that were neither an event's nor a terminator's, by kind.

        What the parser has read is in its own.
        """
        ...

    def place(self, unit: int, template: Template) -> Place:
        """Where the event is that has matched a template."""
        ...

    def terminator(self, unit: int, line: Terminator, rest: Counter[str]) -> Terminator | None:
        """The terminator that a unit is; `line` tells where it stands there, `rest` what else does.

        None if only the parser can tell.
        """
        ...

    def frames(self, unit: int) -> list[Frame]:
        """What the parser finds in a unit."""
        ...

    def leave_out(self, unit: int) -> None:
        """Bring the parser before a unit; what lies before has been read."""
        ...


class RawSingles:
    """Those of a block of a raw file: the parser knows of the bytes between them."""

    def __init__(self, block: Block, parser: Parser) -> None:
        self._block = block
        self._parser = parser
        self._parsed = 0  # bytes that the parser has read or left out
        self._times: Counter[Template] = Counter()  # how many units were of which template
        self._rest: Counter[str] = Counter()  # of terminators

    @property
    def tally(self) -> Counter[str]:
        """Bytes beside the events and the terminators, by kind."""
        tally = self._rest.copy()
        for template, times in self._times.items():
            for kind, size in template.reading.rest.items():
                tally[kind] += times * size
        return tally

    def place(self, unit: int, template: Template) -> Place:
        """Where the event is that has matched a template."""
        start = self._block.starts.item(unit)
        self._times[template] += 1
        return Place(
            self._block.offset + start + template.reading.offset,
            self._block.ends.item(unit) - start - template.rest,
        )

    def terminator(self, unit: int, line: Terminator, rest: Counter[str]) -> Terminator:
        """The terminator that a unit is."""
        self._rest.update(rest)
        offset = self._block.offset + self._block.starts.item(unit) + line.offset
        return msgspec.structs.replace(line, offset=offset)

    def frames(self, unit: int) -> list[Frame]:
        """What the parser finds in a unit."""
        self.leave_out(unit)
        text = self._block.unit(unit)
        frames = self._parser.feed(text)
        self._parsed += len(text)
        return frames + self._parser.settle() if self._block.is_followed(unit) else frames

    def leave_out(self, unit: int) -> None:
        """Bring the parser before a unit."""
        starts = self._block.starts
        place = starts.item(unit) if unit < len(starts) else len(self._block.data)
        if place > self._parsed:
            lines = self._block.lines_before(place) - self._block.lines_before(self._parsed)
            name = self._block.last_name(int(np.searchsorted(starts, self._parsed)), unit)
            self._parser.skip(place - self._parsed, lines, name)
            self._parsed = place
