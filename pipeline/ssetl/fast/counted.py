"""Events that were counted many at a time: which unit is of which stream, and where in it."""

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from ssetl.fast.block import Codes, Places


class Counted(msgspec.Struct, frozen=True):
    """The units of a block whose events were counted many at a time.

    Args:
        units: the units, ascending.
        stream_ids: the different streams.
        stream: which of them each unit is of.
        index: its `event_index` there.
    """

    units: Places
    stream_ids: list[str]
    stream: Codes
    index: Codes


class Span(msgspec.Struct, frozen=True):
    """Neighbours in some order that belong to one stream, by their places; `index` of the first."""

    first: int
    end: int
    stream_id: str
    index: int


def counted(count: int, spans: Iterable[tuple[Places | None, Sequence[Span]]]) -> Counted:
    """What spans hold, of a block of `count` units. Each comes with its order; None is that of the block."""
    stream, index = np.zeros((2, count), np.int32)
    is_counted = np.zeros(count, np.bool_)
    names: dict[str, int] = {}
    for order, some in spans:
        if not some:
            continue
        firsts, ends, indexes = np.array([(each.first, each.end, each.index) for each in some]).T
        lengths = ends - firsts
        inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = np.repeat(firsts, lengths) + inside
        units = places if order is None else order[places]
        is_counted[units] = True
        stream[units] = np.repeat([names.setdefault(each.stream_id, len(names)) for each in some], lengths)
        index[units] = np.repeat(indexes, lengths) + inside
    units = np.flatnonzero(is_counted)
    return Counted(units, list(names), stream[units], index[units])
