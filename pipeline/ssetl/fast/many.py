"""Many captures read as one, as they lie in a folder with a file for each response.

Their bytes are put behind each other, and their events found together. A capture is taken if it is whole
streams and nothing else but comments, and the shapes of all of them tell what they become; then its rows are
those that it has by itself. What else it may be is for who reads it by itself to find out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from ssetl import kernels
from ssetl.captures.exchange import Exchange
from ssetl.fast import columns, whole
from ssetl.fast.alone import Alone, alone_in
from ssetl.fast.arrivals import arrivals_of
from ssetl.fast.block import Places
from ssetl.fast.bodies import Body, Joined, joined
from ssetl.fast.bulk import Bulk
from ssetl.fast.counted import Counted, Span, counted
from ssetl.fast.lives import Life, Lives
from ssetl.fast.stamped import matches_of
from ssetl.fast.tallies import sizes
from ssetl.fast.templates import Templates
from ssetl.fast.whole import Lived
from ssetl.interleaved import OpenStreams

MAX_EACH: Final = 1 << 20
"""Bytes of the largest capture that is read with others."""

TOGETHER: Final = 16 << 20
"""Bytes that are read together."""

LEAST: Final = 64 << 10
"""Fewer bytes are not: learning what they have in common would take longer."""

WORTH: Final = 8
"""Those that are left are read together again if one in so many was taken: they may be of another API."""


class _Known(msgspec.Struct, frozen=True):
    """A body that is whole streams: its number, the streams and what becomes of them."""

    body: int
    streams: list[Alone]
    lives: list[Life]


def read_many(bodies: Sequence[Body], templates: Templates) -> list[bool]:
    """Put into each capture what it holds, if it is taken; tell for each whether it was.

    The rows of all captures that are taken are in one of them, or a few: each alone would take longer.

    Args:
        bodies: captures of one container into which nothing has been put yet.
        templates: as `shared_templates` makes them for it, used before or not.
    """
    taken = [False] * len(bodies)
    candidates = [n for n, body in enumerate(bodies) if body.is_joinable]
    for by_line, are_stamped in product((False, True), repeat=2):
        kind = by_line, are_stamped
        left = [n for n in candidates if (bodies[n].is_by_line, bodies[n].is_stamped) == kind]
        while len(left) > 1 and sum(len(bodies[n].data) for n in left) >= LEAST:
            found = [left[n] for n in _read([bodies[n] for n in left], templates, *kind)]
            for n in found:
                taken[n] = True
            if len(found) * WORTH < len(left):
                break
            left = [n for n in left if not taken[n]]
    return taken


def _read(bodies: Sequence[Body], templates: Templates, by_line: bool, are_stamped: bool) -> list[int]:
    """Read bodies together; give the numbers of those that were taken. All rows are in the first of them."""
    together = joined(bodies, by_line=by_line, are_stamped=are_stamped)
    if together is None:
        return []
    block, units = together.block, together.units
    bulk = Bulk(block, matches_of(block, templates))
    templates.terminator = None  # of another kind of files, or of an odd one
    streams = alone_in(bulk, templates, units[np.diff(units, prepend=-1) > 0])
    line, _ = templates.ending
    arrivals = arrivals_of(bulk, templates, has_times=are_stamped)
    if arrivals:
        streams = arrivals.steady(streams)
    tallies = _tallies(bulk, together, templates)
    known = list(_known(streams, units.tolist(), together.are_borders, templates.lives))
    lived, spans = list[Lived](), list[Span]()
    for each in known:
        body = bodies[each.body]
        body.capture.tally.update(+tallies[each.body])
        origin = together.origins.item(each.body)
        ends = [_within(body, origin, stream.end_in(block, line)) for stream in each.streams]
        of_body = _lived(body, each, ends, block.requests, templates.exchange)
        ids = [stream_id for of in of_body for stream_id in of.numbered.stream_ids]
        spans += [Span(of.first, of.end, id_, 0) for of, id_ in zip(each.streams, ids, strict=True)]
        lived += of_body
    if known:
        first = bodies[known[0].body].capture
        found = counted(len(block.starts), [(None, spans)])
        rows = whole.columns(bulk, lived, None)
        if arrivals:
            rows |= arrivals.take(lived, rows)
            found = arrivals.told(found)
        first.batches.append(_rows(bulk, found, bodies, together))
        first.lived.append(rows)
    return [each.body for each in known]


def _known(
    streams: Sequence[Alone], borders: Sequence[int], are_borders: Sequence[bool], lives: Lives
) -> Iterator[_Known]:
    """The bodies that are whole streams of known shapes.

    `borders` are the units with which bodies begin, and the number of all; `are_borders` tells whether one
    does begin with a unit: the blank lines before its first event may be of the last one before.
    """
    place = 0
    for body, (begin, end) in enumerate(pairwise(borders)):
        known, at = _Known(body, [], []), begin
        while place < len(streams) and streams[place].first < end:
            each = streams[place]
            place += 1
            is_last = each.stop == end
            told = lives.of(each.shape, has_terminator=each.has_terminator, is_last=is_last)
            life = told if each.first == at else None
            if life is None:
                at = -1
                continue
            at = each.stop
            known.streams.append(each)
            known.lives.append(life)
        if known.streams and at == end and are_borders[body] and are_borders[body + 1]:
            yield known


def _within(body: Body, origin: int, end: int | None) -> int | None:
    """A place in a body that counts from there; what was added to its last line is none of it."""
    return None if end is None else min(end - origin, body.size)


def _lived(
    body: Body,
    known: _Known,
    ends: Sequence[int | None],
    requests: Mapping[int, bytes],
    exchange: Exchange,
) -> list[Lived]:
    """Count the streams of a body in its capture; `ends` are where they end."""
    capture = body.capture
    open_streams = OpenStreams(capture, exchange)
    for _ in open_streams.watched([body.piece]):
        pass
    lived = []
    for each, life, end in zip(known.streams, known.lives, ends, strict=True):
        if (said := requests.get(each.first)) is not None:
            open_streams.request(said)
        numbered = open_streams.live(1, each.end - each.first, end)
        lived.append(Lived(capture.capture_id, [each.runs], [life], numbered))
    open_streams.close()
    return lived


def _tallies(bulk: Bulk, together: Joined, templates: Templates) -> list[Counter[str]]:
    """The bytes of each body by kind, if all of its units have matched or are terminators."""
    *firsts, stop = together.units.tolist()
    found = {kind: _sums(values, firsts) for kind, values in sizes(bulk, templates, stop).items()}
    ends = together.units[1:] - 1
    last = ["event" if matched >= 0 else "terminator" for matched in bulk.match[ends].tolist()]
    tallies = []
    for n, beside in enumerate(together.tallies):
        tally = Counter({kind: of[n] for kind, of in found.items()})
        tally.update(beside)
        tally[last[n]] -= together.added[n]
        tallies.append(tally)
    return tallies


def _sums(values: Places, firsts: list[int]) -> list[int]:
    """Sums of values from each of these places to the next; where that is the same place, of no meaning."""
    sums: list[int] = np.add.reduceat(np.append(values, 0), firsts).tolist()  # the last may begin at the end
    return sums


def _rows(bulk: Bulk, found: Counted, bodies: Sequence[Body], together: Joined) -> pa.RecordBatch:
    """Rows of `chunks` of all bodies, each with its own capture and offsets."""
    rows = columns.chunks(bulk, found, [], [], "")
    owner = np.searchsorted(together.units, found.units, side="right") - 1
    names = pa.array([body.capture.capture_id for body in bodies], pa.string())
    told = {
        "capture_id": pa.DictionaryArray.from_arrays(kernels.numbers(owner.astype(np.int32)), names),
        "byte_offset": kernels.numbers(bulk.offsets(found.units) - together.origins[owner]),
    }
    for name, column in told.items():
        place = rows.schema.names.index(name)
        rows = rows.set_column(place, rows.schema.field(place), column)
    return rows
