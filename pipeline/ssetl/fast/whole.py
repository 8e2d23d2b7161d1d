"""Streams that were taken as a whole, as rows of `streams`: column by column, for most are of one shape."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from ssetl import schema
from ssetl.fast.alone import Alone
from ssetl.fast.block import Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.lives import Life, Lives
from ssetl.streams import Numbered


class Lived(msgspec.Struct, frozen=True):
    """Streams that were taken as a whole.

    Args:
        capture_id: their capture.
        runs: where the runs of each begin in the order of their events, and where the last one ends.
        lives: what becomes of each.
        numbered: where they stand in their capture.
    """

    capture_id: str
    runs: Sequence[list[int]]
    lives: Sequence[Life]
    numbered: Numbered


def together(streams: Iterable[Alone], lives: Lives) -> Iterator[tuple[Alone, Life]]:
    """The first of some streams, as far as they lie behind each other and their shapes tell their lives."""
    behind = None
    for stream in streams:
        life = lives.of(stream.shape, has_terminator=stream.has_terminator)
        if life is None or behind not in (None, stream.first):
            return
        yield stream, life
        behind = stream.stop


def by_request(
    streams: Iterable[tuple[Alone, Life]], requests: Mapping[int, bytes]
) -> Iterator[list[tuple[Alone, Life]]]:
    """The same, those of one exchange together; `requests` are told by the first unit of their stream.

    A stream with a request of its own stands alone: those behind it are of its exchange, but not of its
    request.
    """
    group: list[tuple[Alone, Life]] = []
    for each in streams:
        if group and not requests.keys().isdisjoint((group[0][0].first, each[0].first)):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def columns(bulk: Bulk, lived: Sequence[Lived], order: Places | None) -> dict[str, list[Any]]:
    """The columns of `streams` of such streams of a block; those that are not told are null.

    `order` gives the unit of each event in their order; None if they stand as they do in the block.
    """
    runs = [runs for each in lived for runs in each.runs]
    lives = [life for each in lived for life in each.lives]
    groups: dict[int, list[int]] = {}
    for place, life in enumerate(lives):
        groups.setdefault(id(life), []).append(place)
    members = [(lives[places[0]], places) for places in groups.values()]
    told = [_told(bulk, life, [runs[place] for place in places], order) for life, places in members]
    found: dict[str, list[Any]] = {
        "stream_id": [stream_id for each in lived for stream_id in each.numbered.stream_ids],
        "capture_id": [each.capture_id for each in lived for _ in each.runs],
        "exchange_index": [each.numbered.exchange_index for each in lived for _ in each.runs],
        "ordinal": [ordinal for each in lived for ordinal in each.numbered.ordinals],
    }
    for name in schema.STREAMS.names:
        if name in found or not any(
            name in each or life.row[name] is not None for each, (life, _) in zip(told, members, strict=True)
        ):
            continue
        found[name] = _joined(
            (places, each.get(name) or [life.row[name]] * len(places))
            for each, (life, places) in zip(told, members, strict=True)
        )
    return found


def _told(bulk: Bulk, life: Life, streams: Sequence[list[int]], order: Places | None) -> dict[str, list[Any]]:
    """The columns in which streams of one shape differ, given their runs."""
    values: dict[str, list[Any]] = {}
    for run, is_last in dict.fromkeys((told.run, told.is_last) for told in life.told):
        events = np.array([runs[run + 1] - 1 if is_last else runs[run] for runs in streams])
        spots = list(bulk.spots(events if order is None else order[events]))
        for told in life.told:
            if (told.run, told.is_last) == (run, is_last):
                values[told.column] = _joined(
                    (here.tolist(), match.values(places, told.owner, told.field))
                    for here, match, places in spots
                )
    for run, growth in life.grows.items():
        more = [runs[run + 1] - runs[run] - 3 for runs in streams]
        for name, by in growth.items():
            known = values.get(name) or [life.row[name]] * len(streams)
            values[name] = [value + by * times for value, times in zip(known, more, strict=True)]
    return values


def _joined(groups: Iterable[tuple[Sequence[int], list[Any]]]) -> list[Any]:
    """Values of groups, each given with its ascending places, in the order of all places from 0 on."""
    (places, column), *others = groups
    if not others:
        return column
    found = dict(zip(places, column, strict=True))
    for places, column in others:
        found.update(zip(places, column, strict=True))
    return [found[place] for place in range(len(found))]
