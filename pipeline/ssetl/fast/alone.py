"""Streams that begin and end in a block with nothing else between, found from what its units matched.

Either all units between two terminators carry one id that no other unit carries, or nothing carries ids, and
all units from one that opens a stream to one that ends it, or to the terminator behind it, are followed by
another that opens one. Where a file ends, no terminator and no other stream need follow.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from ssetl.fast.block import Block, Codes, Mask, Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.lives import Shape
from ssetl.fast.runs import Runs
from ssetl.fast.templates import Templates
from ssetl.fast.terminators import terminator_in
from ssetl.sse import Terminator

_NONE: Final[Places] = np.zeros(0, np.int64)
_START: Final[Places] = np.zeros(1, np.int64)
_LOOKS: Final = 64  # units that are looked at for a first terminator; others may be of kinds not yet known


class Alone(msgspec.Struct, frozen=True):
    """A stream that is alone.

    Args:
        first, end: its units; `end` is its terminator, or the first unit of the next stream or file.
        has_terminator: which of the two.
        runs: first unit of each of its runs, and `end`.
        shape: the templates of its runs.
    """

    first: int
    end: int
    has_terminator: bool
    runs: list[int]
    shape: Shape

    @property
    def stop(self) -> int:
        """The first unit behind it and its terminator."""
        return self.end + self.has_terminator

    def end_in(self, block: Block, terminator: Terminator) -> int | None:
        """Where the line ends in the body that ends it, a terminator like that one; None if nothing does."""
        if self.has_terminator:
            return block.line_end(block.starts.item(self.end) + terminator.offset, terminator.size)
        template, _ = self.shape[-1]
        if not template.reading.ends:
            return None
        start, end = block.starts.item(self.end - 1), block.ends.item(self.end - 1)
        return block.line_end(start + template.reading.offset, end - start - template.rest)


def alone_in(bulk: Bulk, templates: Templates, borders: Places = _START) -> list[Alone]:
    """The streams of a block that are alone, in their order; a terminator is learned, if none is known.

    `borders` are units with which a file begins, and the number of all if the last one ends there.
    """
    if templates.terminator is None:
        templates.terminator = _common_terminator(bulk, borders)
    text = templates.terminator
    return list(alone(bulk, bulk.block.same(text) if text else _NONE, borders))


def _common_terminator(bulk: Bulk, borders: Places) -> bytes | None:
    """The text of most terminators where files end and among the first units that are no events, if any."""
    last = borders[1:] - 1
    looks = {*last[bulk.match[last] < 0].tolist(), *np.flatnonzero(bulk.match < 0)[:_LOOKS].tolist()}
    units = [n for n in sorted(looks) if n < bulk.block.whole]  # it ends with its line, whatever follows
    found = Counter(text for text in map(bulk.block.unit, units) if terminator_in(text))
    return found.most_common(1)[0][0] if found else None


def alone(bulk: Bulk, terminators: Places, borders: Places = _START) -> Iterator[Alone]:
    """The streams that are alone, in their order; `terminators` are the units that are one."""
    if bulk.has_ids:
        firsts, ends, have_terminators = _between_terminators(bulk, terminators, borders)
    else:
        firsts, ends, have_terminators = _from_start_to_start(bulk, terminators, borders)
    if not len(firsts):
        return
    runs = Runs(bulk.matches, bulk.match, np.concatenate((firsts, ends)))
    spans = zip(firsts.tolist(), ends.tolist(), have_terminators.tolist(), strict=True)
    for first, end, has_terminator in spans:
        if found := runs.of(first, end):
            yield Alone(first, end, has_terminator, *found)


def _between_terminators(bulk: Bulk, terminators: Places, borders: Places) -> tuple[Places, Places, Mask]:
    """First units, ends, and whether that is a terminator or else the end of a file."""
    begins = np.sort(np.concatenate((borders, terminators + 1)))
    behind = borders[1:][~_are_among(terminators, borders[1:] - 1, len(bulk.match))]
    # What ends at a border begins before it; a terminator may be the first unit.
    places = np.searchsorted(begins, terminators, side="right"), np.searchsorted(begins, behind)
    ends = np.concatenate((terminators, behind))
    firsts = begins[np.concatenate(places) - 1]
    order = np.argsort(ends, kind="stable")
    order = order[(ends > firsts)[order]]
    firsts, ends, have_terminators = firsts[order], ends[order], order < len(terminators)
    if not len(firsts):
        return firsts, ends, have_terminators
    lowest, highest = (_of_spans(each, bulk.id_lane, firsts, ends) for each in (np.minimum, np.maximum))
    lengths = np.bincount(bulk.id_lane[bulk.id_lane >= 0], minlength=len(bulk.lanes))
    good: Mask = (lowest == highest) & (lowest >= 0) & (lengths[lowest] == ends - firsts)
    return firsts[good], ends[good], have_terminators[good]


def _from_start_to_start(bulk: Bulk, terminators: Places, borders: Places) -> tuple[Places, Places, Mask]:
    """As `_between_terminators`; some servers send one behind the end of their API."""
    readings = [match.template.reading for match in bulk.matches]
    starts, ends, stamped = (
        np.append(told, [False]).astype(np.bool_)[bulk.match]
        for told in (
            [reading.starts for reading in readings],
            [reading.ends for reading in readings],
            [reading.api.stamped for reading in readings],
        )
    )
    if stamped.any():  # what follows an end of theirs begins another stream: nothing else tells
        begins = np.append(False, ends[:-1] & stamped[:-1])
        begins[borders[borders < len(begins)]] = True
        starts |= begins & stamped
    firsts = np.flatnonzero(starts)
    behind = np.sort(np.concatenate((borders, firsts)))
    place = np.searchsorted(behind, firsts, side="right")
    firsts, stops = firsts[place < len(behind)], behind[place[place < len(behind)]]
    have_terminators = _are_among(terminators, stops - 1, len(bulk.match))
    stops = stops - have_terminators
    if not len(firsts):
        return firsts, stops, have_terminators
    matched = _of_spans(np.minimum, bulk.match, firsts, stops) >= 0
    ended = _of_spans(np.add, ends.astype(np.int64), firsts, stops)
    good: Mask = matched & (ended == 1) & ends[stops - 1] & _names_one(bulk, firsts, stops)
    return firsts[good], stops[good], have_terminators[good]


def _are_among(units: Places, places: Places, count: int) -> Mask:
    """Which of some places are one of some units, of so many; numpy's own `isin` sorts, and loads more."""
    among = np.zeros(count, np.bool_)
    among[units] = True
    found: Mask = among[places]
    return found


def _of_spans(made: np.ufunc, values: Places | Codes, firsts: Places, ends: Places) -> Places:
    """What a function makes of the values of each span: none is empty, and they lie behind each other."""
    values = np.append(values, 0)  # the last span may end where the values do
    return np.asarray(made.reduceat(values, np.stack((firsts, ends), axis=1).ravel())[::2])


def _names_one(bulk: Bulk, firsts: Places, stops: Places) -> Mask:
    """Whether all events of a span that carry an id carry the same: another one is another stream's."""
    codes: dict[str | None, int] = {}
    names = np.full(len(bulk.match), -1)
    for match in bulk.matches:
        if match.template.has_id:
            of_row = [codes.setdefault(each, len(codes)) for each in match.rows.values("response_id")]
            names[match.units] = np.array(of_row)[match.codes]
    lowest = _of_spans(np.minimum, np.where(names < 0, len(codes), names), firsts, stops)
    highest = _of_spans(np.maximum, names, firsts, stops)
    return np.asarray((highest < 0) | (lowest == highest))
