"""Events that were counted many at a time: which unit is of which stream, and where in it."""

from collections.abc import Iterable, Mapping, Sequence

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
        times: the columns of `chunks` that tell times, `times.UNKNOWN` where they are null; without
            a column, all of them are.
    """

    units: Places
    stream_ids: list[str]
    stream: Codes
    index: Codes
    times: Mapping[str, Places] = {}


class Span(msgspec.Struct, frozen=True):
    """Neighbours in some order that belong to one stream, by their places; `index` of the first."""

    first: int
    end: int
    stream_id: str
    index: int


def counted(count: int, spans: Iterable[tuple[Places | None, Sequence[Span]]]) -> Counted:
    """What spans hold, of a block of `count` units.

    Each comes with its order; None is that of the block, comes first, and its spans are ascending.
    """
    stream, index = np.full(count, -1, np.int32), np.zeros(count, np.int32)
    names: dict[str, int] = {}
    for order, some in spans:
        if not some:
            continue
        codes = np.array([names.setdefault(each.stream_id, len(names)) for each in some], np.int32)
        firsts, ends, indexes = np.array([(each.first, each.end, each.index) for each in some], np.int32).T
        if order is None:
            borders = np.stack((firsts, ends), axis=1).ravel()
            lengths = np.diff(borders, prepend=0, append=count)
            stream = np.repeat(_parted(codes, -1), lengths)
            index = np.arange(count, dtype=np.int32) - np.repeat(_parted(firsts - indexes, 0), lengths)
        else:
            lengths = ends - firsts
            inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            units = order[np.repeat(firsts, lengths) + inside]
            stream[units] = np.repeat(codes, lengths)
            index[units] = np.repeat(indexes, lengths) + inside
    units = np.flatnonzero(stream >= 0)
    return Counted(units, list(names), stream[units], index[units])


def _parted(values: Codes, gap: int) -> Codes:
    """Values with a gap before each, and behind the last."""
    found = np.full(2 * len(values) + 1, gap, np.int32)
    found[1::2] = values
    return found
