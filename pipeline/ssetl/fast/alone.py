"""Streams that begin and end in a block with nothing else between, found from what its units matched.

Either all units between two terminators carry one id that no other unit carries, or nothing carries ids, and
all units from one that opens a stream to one that ends it are followed by another that opens one.
"""

from collections.abc import Iterator

import msgspec
import numpy as np

from ssetl.fast.block import Mask, Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.lives import Shape
from ssetl.fast.runs import Runs


class Alone(msgspec.Struct, frozen=True):
    """A stream that is alone.

    Args:
        first, end: its units; `end` is its terminator, or the first unit of the next stream.
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


def alone(bulk: Bulk, terminators: Places) -> Iterator[Alone]:
    """The streams that are alone, in their order; `terminators` are the units that are one."""
    spans = _between_terminators(bulk, terminators) if bulk.has_ids else _from_start_to_start(bulk)
    firsts, ends = spans
    if not len(firsts):
        return
    runs = Runs(bulk.matches, bulk.match, np.concatenate((firsts, ends)))
    for first, end in zip(firsts.tolist(), ends.tolist(), strict=True):
        if found := runs.of(first, end):
            yield Alone(first, end, bulk.has_ids, *found)


def _between_terminators(bulk: Bulk, terminators: Places) -> tuple[Places, Places]:
    firsts = np.concatenate((np.zeros(1, np.int64), terminators[:-1] + 1))[: len(terminators)]
    ends = terminators
    filled = ends > firsts
    firsts, ends = firsts[filled], ends[filled]
    if not len(firsts):
        return firsts, ends
    lane = bulk.id_lane[: ends[-1]].copy()
    inner = terminators[terminators < ends[-1]]
    lane[inner] = lane[inner - 1]  # so that a span may reach to the next one
    lowest, highest = np.minimum.reduceat(lane, firsts), np.maximum.reduceat(lane, firsts)
    lengths = np.bincount(bulk.id_lane[bulk.id_lane >= 0], minlength=len(bulk.lanes))
    good: Mask = (lowest == highest) & (lowest >= 0) & (lengths[lowest] == ends - firsts)
    return firsts[good], ends[good]


def _from_start_to_start(bulk: Bulk) -> tuple[Places, Places]:
    readings = [match.template.reading for match in bulk.matches]
    starts = np.append([reading.starts for reading in readings], [False]).astype(np.bool_)[bulk.match]
    ends = np.append([reading.ends for reading in readings], [False]).astype(np.bool_)[bulk.match]
    begins = np.flatnonzero(starts)
    firsts, stops = begins[:-1], begins[1:]
    if not len(firsts):
        return firsts, stops
    matched = np.minimum.reduceat(bulk.match[: stops[-1]], firsts) >= 0
    ended = np.add.reduceat(ends[: stops[-1]].astype(np.int64), firsts)
    good: Mask = matched & (ended == 1) & ends[stops - 1] & _names_one(bulk, firsts, stops[-1])
    return firsts[good], stops[good]


def _names_one(bulk: Bulk, firsts: Places, stop: int) -> Mask:
    """Whether all events of a span that carry an id carry the same: another one is another stream's."""
    codes: dict[str | None, int] = {}
    names = np.full(len(bulk.match), -1)
    for match in bulk.matches:
        if match.template.has_id:
            of_row = [codes.setdefault(each, len(codes)) for each in match.rows.values("response_id")]
            names[match.units] = np.array(of_row)[match.codes]
    lowest = np.minimum.reduceat(np.where(names < 0, len(codes), names)[:stop], firsts)
    highest = np.maximum.reduceat(names[:stop], firsts)
    return np.asarray((highest < 0) | (lowest == highest))
