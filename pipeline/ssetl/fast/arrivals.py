"""When the events came that are counted many at a time, and how long after others of their stream."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from ssetl.comments import request_of
from ssetl.fast.alone import Alone
from ssetl.fast.block import Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.counted import Counted
from ssetl.fast.lifetimes import Durations, columns, instants
from ssetl.fast.templates import Templates
from ssetl.fast.whole import Lived
from ssetl.stream import Stream
from ssetl.timeline import marks
from ssetl.times import UNKNOWN

COLUMNS: Final = ("received_at", "since_request_us", "since_previous_us", "since_content_us")
"""Columns of `chunks`."""


def arrivals_of(bulk: Bulk, templates: Templates, *, has_times: bool = True) -> "Arrivals | None":
    """The times of the events of a block, and of its terminators; None if it has none.

    `has_times` tells whether the block may have them, and not only the events by the clock of their server.
    """
    block, (line, _) = bulk.block, templates.ending
    inside = np.array([*(match.template.reading.offset for match in bulk.matches), line.offset])
    at = block.arrivals(np.minimum(block.starts + inside[bulk.match], block.ends - 1)) if has_times else None
    return None if at is None and bulk.sent_at is None else Arrivals(bulk, at, templates)


class Arrivals:
    """The times of the events of a block.

    Args:
        bulk: the events.
        at: when that of each unit came, `UNKNOWN` where that is not known; None if it never is.
        templates: what is known of the file.
    """

    def __init__(self, bulk: Bulk, at: Places | None, templates: Templates) -> None:
        nowhere = np.full(len(bulk.match), UNKNOWN)
        self._bulk = bulk
        self._came_at = nowhere if at is None else at
        self._sent_at = nowhere if bulk.sent_at is None else bulk.sent_at
        self._is_sent = at is None  # whether only the clock of servers tells times
        self._at = self._sent_at if at is None else at
        self._exchange = templates.exchange
        text = templates.terminator
        self._has_endings = text is None or bulk.block.is_one_line(text, *templates.ending)
        self._columns = np.full((len(COLUMNS), len(nowhere)), UNKNOWN)
        self._filled = self._at
        if bulk.block.times is not None:  # what has no stamp of its own came with what is before it
            told = np.where(self._at == UNKNOWN, 0, np.arange(len(self._at)))
            self._filled = self._at[np.maximum.accumulate(told)]

    def tell(self, stream: Stream, units: Places) -> None:
        """Tell a stream when its next events came, which somebody else has counted."""
        at, sent_at = self._came_at[units], self._sent_at[units]
        for n in np.flatnonzero((at != UNKNOWN) | (sent_at != UNKNOWN))[:1].tolist():
            stream.clocked(*(None if each[n] == UNKNOWN else each.item(n) for each in (at, sent_at)))
        if stream.clock == "payload":
            at = sent_at
        _, firsts, kinds = np.unique(self._bulk.row[units], return_index=True, return_inverse=True)
        held = [marks([self._bulk.told(unit)[1]]) for unit in units[firsts].tolist()]
        self._columns[:, units] = [at, *stream.timeline.events(at, held, kinds)]

    def steady(self, streams: Sequence[Alone]) -> list[Alone]:
        """The streams that have times throughout, by a clock that does not step back."""
        if not streams:
            return []
        requests = self._bulk.block.requests
        firsts, stops = np.array([(each.first, each.stop) for each in streams]).T
        asked = np.zeros(len(self._at), np.bool_)
        asked[list(requests)] = True
        back = np.diff(self._filled, prepend=self._filled[:1]) < 0
        good = self._at[firsts] != UNKNOWN
        for bad in (self._filled == UNKNOWN, back, asked):
            count = np.cumsum(bad)
            good &= count[firsts] == count[stops - 1]
        return [
            each
            for each, is_good in zip(streams, good.tolist(), strict=True)
            if is_good and self._is_told(each)
        ]

    def _is_told(self, stream: Alone) -> bool:
        """Whether its times are those of its lines, and its request was before them."""
        if stream.has_terminator and not self._has_endings:
            return False
        said = self._bulk.block.requests.get(stream.first)
        if self._is_sent:  # a request is timed by another clock
            return said is None and self._exchange.request_sent_at is None
        sent_at = self._exchange.request_sent_at if said is None else request_of(said)[0]
        return sent_at is None or sent_at <= self._at.item(stream.first)

    def take(self, lived: Sequence[Lived], known: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Tell streams that were taken as a whole when their events came; give what that tells of them.

        Args:
            lived: the streams, all of them steady.
            known: their other columns.
        """
        runs = [runs for each in lived for runs in each.runs]
        exchanges = [each.numbered.request or self._exchange for each in lived for _ in each.runs]
        sent_at = [UNKNOWN if each.request_sent_at is None else each.request_sent_at for each in exchanges]
        requests = np.array(sent_at)
        firsts, ends = np.array([(each[0], each[-1]) for each in runs]).T
        lengths = ends - firsts
        inside = np.cumsum(lengths) - lengths
        units = np.repeat(firsts - inside, lengths) + np.arange(lengths.sum())
        are_content = np.array(["content" in marks([match.row(0)]) for match in self._bulk.matches])
        durations = Durations(self._filled[units], lengths, are_content[self._bulk.match[units]])
        self._columns[:, units] = [self._filled[units], *durations.of_events(requests)]
        shares = np.add.reduceat(self._at[units] == UNKNOWN, inside, dtype=np.int64)
        found = instants(self._filled, runs, [life for each in lived for life in each.lives])
        return {
            **columns(found, requests, exchanges, known),
            **durations.gaps(),
            "clock": [
                "payload"
                if self._is_sent
                else "arrival_read"
                if count and each.clock == "arrival"
                else each.clock
                for each, count in zip(exchanges, shares.tolist(), strict=True)
            ],
        }

    def told(self, counted: Counted) -> Counted:
        """The same events, with their times."""
        times = dict(zip(COLUMNS, self._columns[:, counted.units], strict=True))
        return msgspec.structs.replace(counted, times=times)
