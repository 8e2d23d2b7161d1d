"""When the events came that are counted many at a time, and how long after others of their stream."""

from typing import Final

import msgspec
import numpy as np

from ssetl.fast.block import Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.counted import Counted
from ssetl.stream import Stream
from ssetl.timeline import marks
from ssetl.times import UNKNOWN

COLUMNS: Final = ("received_at", "since_request_us", "since_previous_us", "since_content_us")
"""Columns of `chunks`."""


def arrivals_of(bulk: Bulk) -> "Arrivals | None":
    """The times of the events of a block; None if it has none."""
    block = bulk.block
    inside = np.array([*(match.template.reading.offset for match in bulk.matches), 0])  # 0: no match
    at = block.arrivals(block.starts + inside[bulk.match])
    return None if at is None else Arrivals(bulk, at)


class Arrivals:
    """The times of the events of a block.

    Args:
        bulk: the events.
        at: when that of each unit came, `UNKNOWN` where that is not known.
    """

    def __init__(self, bulk: Bulk, at: Places) -> None:
        self._bulk = bulk
        self._at = at
        self._columns = np.full((len(COLUMNS), len(at)), UNKNOWN)

    def tell(self, stream: Stream, units: Places) -> None:
        """Tell a stream when its next events came, which somebody else has counted."""
        at = self._at[units]
        known = at[at != UNKNOWN]
        stream.clocked(known.item(0) if len(known) else None, None)
        if stream.clock == "payload":
            at = np.full(len(units), UNKNOWN)
        _, firsts, kinds = np.unique(self._bulk.row[units], return_index=True, return_inverse=True)
        held = [marks([self._bulk.told(unit)[1]]) for unit in units[firsts].tolist()]
        self._columns[:, units] = [at, *stream.timeline.events(at, held, kinds)]

    def told(self, counted: Counted) -> Counted:
        """The same events, with their times."""
        times = dict(zip(COLUMNS, self._columns[:, counted.units], strict=True))
        return msgspec.structs.replace(counted, times=times)
