"""Streams of a block that lie in each other, as a gateway logs them: their events are told apart by ids.

Of such a stream only few events matter to others: the one that opens it, and those with which it is over,
for a terminator has no id and goes to a stream that is over. What becomes of it is told by its shape.
"""

from collections.abc import Iterable, Iterator

import msgspec

from ssetl.fast.bulk import Bulk
from ssetl.fast.lives import Life, Lives
from ssetl.fast.runs import Runs


class Woven(msgspec.Struct, frozen=True):
    """A stream, as far as one id in one block tells.

    Args:
        lane: its lane.
        runs: where each of its runs begins in `Bulk.id_order`, and where the last one ends.
        finish: the place there of the event with which it finishes.
        life: what becomes of it, if nothing comes between and a terminator ends it.
    """

    lane: int
    runs: list[int]
    finish: int
    life: Life

    @property
    def keys(self) -> list[int]:
        """The places in `Bulk.id_order` of the events that matter to others."""
        return [self.runs[0], *range(self.finish, min(self.finish + 2, self.runs[-1]))]


def woven(bulk: Bulk, lanes: Iterable[int], lives: Lives) -> Iterator[Woven]:
    """Those of some lanes that hold a stream until it is over, if it begins there, of a known shape."""
    runs = Runs(bulk.matches, bulk.match[bulk.id_order], bulk.id_borders)
    for lane in lanes:
        if (found := runs.of(*bulk.id_borders[lane : lane + 2])) is None:
            continue
        own, shape = found
        life = lives.of(shape, has_terminator=True)
        if life is not None and life.finish is not None:
            yield Woven(lane, own, own[life.finish], life)
