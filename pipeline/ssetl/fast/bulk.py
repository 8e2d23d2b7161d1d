"""The units of a block that only add to an open choice, in the lanes by which they belong together.

A lane is a response id, or the one lane of events that carry none. A block has lanes of one sort: what is
of the other sort is left to be read one by one.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from ssetl import apis
from ssetl.apis.row import Api, Row
from ssetl.fast.block import Block, Codes, Places
from ssetl.fast.layout import Match
from ssetl.fast.template import Found
from ssetl.times import UNKNOWN


class Bulk:
    """Units and their lanes.

    Attributes:
        block: the block.
        matches: what the units matched.
        has_ids: whether lanes are response ids.
        api: that of the events in lanes, if they carry no ids.
        lanes: number of each lane by response id; that of events without one is under None.
        lane: lane of each unit of the block, -1 if it is in none.
        id_lane: the same for all units with an id, also for those that do more than add; if `has_ids`.
        match: number of the match of each unit, -1 if it has none.
        place: place of the unit in its match.
        row: the row of each unit that has matched, counted through the rows of all matches.
        order: the units that are in a lane, lane by lane, ascending.
        borders: where each lane begins in `order`, and where the last one ends.
    """

    def __init__(self, block: Block, matches: Sequence[Match]) -> None:
        self.block = block
        self.matches = matches
        adding = _of_one_sort([match for match in matches if match.template.is_bulk])
        self.has_ids = bool(adding) and adding[0].template.has_id
        self.api = adding[0].template.reading.api if adding else apis.UNKNOWN
        self.lanes: dict[str | None, int] = {}
        count = len(block.starts)
        self.lane, self.id_lane, self.match = np.full((3, count), -1, np.int32)
        self.row, self.place = np.zeros((2, count), np.int32)
        rows = 0
        for number, match in enumerate(matches):
            self.match[match.units] = number
            self.place[match.units] = np.arange(len(match.units))
            self.row[match.units] = match.codes + rows
            rows += len(match.rows)
            if match in adding or (self.has_ids and match.template.has_id):
                ids = match.rows.values("response_id")
                lanes = [self.lanes.setdefault(each, len(self.lanes)) for each in ids]
                self.id_lane[match.units] = np.array(lanes, np.int32)[match.codes]
            if match in adding:
                self.lane[match.units] = self.id_lane[match.units]
        if block.times is not None:
            self.lane[block.times == UNKNOWN] = -1  # they came with those before them, whenever that was
            self.lane[list(block.requests)] = -1
        self.order, self.borders = _by_lane(self.lane, len(self.lanes))
        self._rows = self.row[self.order]
        self._changes = (np.flatnonzero(np.diff(self._rows)) + 1).tolist()

    @cached_property
    def id_order(self) -> Places:
        """The units with an id, lane by lane, ascending."""
        return self._by_id[0]

    @cached_property
    def id_borders(self) -> list[int]:
        """Where each lane begins in `id_order`, and where the last one ends."""
        return self._by_id[1]

    @cached_property
    def _by_id(self) -> tuple[Places, list[int]]:
        return _by_lane(self.id_lane, len(self.lanes))

    @cached_property
    def sent_at(self) -> Places | None:
        """When each unit was sent by the clock of its server; None if no API of theirs has a fine one."""
        stamped = [match for match in self.matches if match.template.reading.api.stamped]
        if not stamped:
            return None
        times = np.full(len(self.match), UNKNOWN)
        for match in stamped:
            times[match.units] = match.numbers["created_at"]
        return times

    def offsets(self, units: Places) -> Places:
        """Where the events of units begin in the body."""
        inside = np.array([match.template.reading.offset for match in self.matches] or [0])
        return self.block.offsets(self.block.starts[units] + inside[self.match[units]])

    def spots(self, units: Places) -> Iterator[tuple[Places, Match, Codes]]:
        """For each match of some units: which of the units are of it, the match, and their places in it."""
        numbers = self.match[units]
        for number in dict.fromkeys(numbers.tolist()):
            here = np.flatnonzero(numbers == number)
            yield here, self.matches[number], self.place[units[here]]

    def tally(self, units: Places) -> Counter[str]:
        """The bytes of units that have matched, by kind."""
        return self.block.tally(units, self.match[units], [match.template for match in self.matches])

    def alike(self, first: int, end: int) -> Iterator[tuple[Api, Row, int]]:
        """API, row and number of the different events in `order[first:end]`.

        Applied in this order they leave a stream as the events themselves do in theirs: what the first of
        them tells, what the last of them tells, and the sums. The rows' texts are stand-ins.
        """
        change = bisect_right(self._changes, first)
        if change == len(self._changes) or self._changes[change] >= end:
            if self.sent_at is not None:  # rows that are the same, but for their times
                yield *self.told(self.order.item(first)), 0
            yield *self.told(self.order.item(end - 1)), end - first
            return
        rows = self._rows[first:end]
        _, firsts, counts = np.unique(rows, return_index=True, return_counts=True)
        _, lasts = np.unique(rows[::-1], return_index=True)
        for place in np.argsort(firsts).tolist():
            yield *self.told(self.order.item(first + int(firsts[place]))), int(counts[place])
        for place in np.argsort(-lasts).tolist():
            yield *self.told(self.order.item(end - 1 - int(lasts[place]))), 0

    def in_turn(self, units: Places) -> Iterator[tuple[Api, Row, int]]:
        """API, row and number of events that lie behind each other in a stream; those alike told once."""
        changes = np.flatnonzero(np.diff(self.row[units], prepend=-1, append=-1)).tolist()
        for first, end in pairwise(changes):
            alike = units[first:end].tolist()
            match = self.matches[self.match.item(alike[0])]
            if match.template.is_bulk:
                yield *self.told(alike[-1]), len(alike)
            else:
                yield from ((*self.told(unit), 1) for unit in alike)

    def found(self, unit: int) -> Found | None:
        """What a unit has matched, if it is all there without the text."""
        number = self.match.item(unit)
        if number < 0 or not (match := self.matches[number]).is_whole:
            return None
        return Found(match.template, (), match.row(self.place.item(unit)))

    def told(self, unit: int) -> tuple[Api, Row]:
        """API and row of the event of a unit that has matched; the row's texts are stand-ins."""
        match = self.matches[self.match.item(unit)]
        return match.template.reading.api, match.row(self.place.item(unit))


def _by_lane(lane: Codes, lanes: int) -> tuple[Places, list[int]]:
    """The units in a lane, lane by lane, and where each lane begins there, and the last one ends."""
    units = np.flatnonzero(lane >= 0)
    keys = lane[units].astype(np.uint16 if lanes <= 1 << 16 else np.int32)  # few bits are sorted by digits
    order = np.argsort(keys, kind="stable")
    return units[order], np.searchsorted(keys[order], np.arange(lanes + 1)).tolist()


def _of_one_sort(matches: Sequence[Match]) -> list[Match]:
    """The matches with ids or those without, whichever are more units; without ids, of one API only."""
    units: dict[object, int] = {}
    for match in matches:
        units[_sort(match)] = units.get(_sort(match), 0) + len(match.units)
    most = max(units, key=units.__getitem__, default=None)
    return [match for match in matches if _sort(match) == most]


def _sort(match: Match) -> str | None:
    return None if match.template.has_id else match.template.reading.api.name
