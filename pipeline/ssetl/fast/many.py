"""Many captures read as one, as they lie in a folder with a file for each response.

Their bytes are put behind each other, and their events found together. A capture is taken if it is whole
streams and nothing else, and the shapes of all of them tell what they become; then its rows are those that
it has by itself. What else it may be is for who reads it by itself to find out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from ssetl import kernels
from ssetl.captures.exchange import Exchange, Read
from ssetl.fast import columns, whole
from ssetl.fast.alone import Alone, alone_in
from ssetl.fast.block import Block, Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.counted import Counted, Span, counted
from ssetl.fast.lives import Life, Lives
from ssetl.fast.small import is_plain
from ssetl.fast.templates import Templates
from ssetl.fast.terminators import terminator_in
from ssetl.fast.whole import Lived
from ssetl.interleaved import OpenStreams
from ssetl.sse import Terminator
from ssetl.streams import Capture

MAX_EACH: Final = 1 << 20
"""Bytes of the largest capture that is read with others."""

TOGETHER: Final = 16 << 20
"""Bytes that are read together."""

LEAST: Final = 64 << 10
"""Fewer bytes are not: learning what they have in common would take longer."""

WORTH: Final = 8
"""Those that are left are read together again if one in so many was taken: they may be of another API."""

_ENDS: Final = (b"\n\n", b"\n\r\n")
_NO_TERMINATOR: Final = Terminator(0, 0), Counter[str]()


class Body(msgspec.Struct, frozen=True):
    """A capture that is read with others, and its bytes: a raw file of which nothing else is known."""

    capture: Capture
    data: bytes


class _Known(msgspec.Struct, frozen=True):
    """A body that is whole streams: its number, the streams and what becomes of them."""

    body: int
    streams: list[Alone]
    lives: list[Life]


def read_many(bodies: Sequence[Body], templates: Templates) -> list[bool]:
    """Put into each capture what it holds, if it is taken; tell for each whether it was.

    The rows of all captures that are taken are in one of them, or a few: each alone would take longer.

    Args:
        bodies: captures into which nothing has been put yet.
        templates: as `shared_templates` makes them, used before or not.
    """
    taken = [False] * len(bodies)
    left = [n for n, body in enumerate(bodies) if body.data.endswith(_ENDS) and is_plain(body.data)]
    while len(left) > 1 and sum(len(bodies[n].data) for n in left) >= LEAST:
        found = [left[n] for n in _read([bodies[n] for n in left], templates)]
        for n in found:
            taken[n] = True
        if len(found) * WORTH < len(left):
            break
        left = [n for n in left if not taken[n]]
    return taken


def _read(bodies: Sequence[Body], templates: Templates) -> list[int]:
    """Read bodies together; give the numbers of those that were taken. All rows are in the first of them."""
    block = Block(b"".join([body.data for body in bodies]))
    if not block.is_plain or block.by_line:
        return []
    bulk = Bulk(block, templates.match(block))
    templates.terminator = None  # of another kind of files, or of an odd one
    places = np.cumsum([0, *(len(body.data) for body in bodies)])
    borders = np.searchsorted(block.starts, places)
    streams = alone_in(bulk, templates, borders[np.diff(borders, prepend=-1) > 0])
    text = templates.terminator
    line, rest = (text and terminator_in(text)) or _NO_TERMINATOR
    tallies = _tallies(bulk, borders[:-1], rest + Counter(terminator=line.size))
    are_borders = np.append(block.starts, places[-1])[borders] == places
    known = list(_known(streams, borders.tolist(), are_borders.tolist(), templates.lives))
    lived, spans = list[Lived](), list[Span]()
    for each in known:
        bodies[each.body].capture.tally.update(tallies[each.body])
        ends = [stream.end_in(block, line) for stream in each.streams]
        of_body = _lived(bodies[each.body], each, [end and end - places.item(each.body) for end in ends])
        ids = [stream_id for of in of_body for stream_id in of.numbered.stream_ids]
        spans += [Span(of.first, of.end, id_, 0) for of, id_ in zip(each.streams, ids, strict=True)]
        lived += of_body
    if known:
        first = bodies[known[0].body].capture
        found = counted(len(block.starts), [(None, spans)])
        first.batches.append(_rows(bulk, found, bodies, places, borders))
        first.lived.append(whole.columns(bulk, lived, None))
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


def _lived(body: Body, known: _Known, ends: Sequence[int | None]) -> list[Lived]:
    """Count the streams of a body in its capture; `ends` are where they end, as of `OpenStreams.live`."""
    capture = body.capture
    pieces = [Read(body.data)]
    open_streams = OpenStreams(capture, Exchange(pieces, single=False))
    for _ in open_streams.watched(pieces):
        pass
    lived = []
    for each, life, end in zip(known.streams, known.lives, ends, strict=True):
        numbered = open_streams.live(1, each.end - each.first, end)
        lived.append(Lived(capture.capture_id, [each.runs], [life], numbered))
    open_streams.close()
    return lived


def _tallies(bulk: Bulk, firsts: Places, of_terminator: Counter[str]) -> list[Counter[str]]:
    """The bytes by kind between first units of bodies, all of whose units have matched or are terminators."""
    rests = [*(match.template.reading.rest for match in bulk.matches), of_terminator]
    sizes = bulk.block.ends - bulk.block.starts - np.array([rest.total() for rest in rests])[bulk.match]
    begins = np.minimum(firsts, len(sizes) - 1)
    found = {"event": np.add.reduceat(sizes, begins).tolist()}
    for kind in {kind for rest in rests for kind in rest}:
        each = np.array([rest[kind] for rest in rests])[bulk.match]
        found[kind] = np.add.reduceat(each, begins).tolist()
    return [Counter({kind: of[n] for kind, of in found.items() if of[n]}) for n in range(len(firsts))]


def _rows(
    bulk: Bulk, found: Counted, bodies: Sequence[Body], places: Places, borders: Places
) -> pa.RecordBatch:
    """Rows of `chunks` of all bodies, each with its own capture and offsets."""
    rows = columns.chunks(bulk, found, [], [], "")
    owner = np.searchsorted(borders, found.units, side="right") - 1
    names = pa.array([body.capture.capture_id for body in bodies], pa.string())
    told = {
        "capture_id": pa.DictionaryArray.from_arrays(kernels.numbers(owner.astype(np.int32)), names),
        "byte_offset": kernels.numbers(bulk.offsets(found.units) - places[owner]),
    }
    for name, column in told.items():
        place = rows.schema.names.index(name)
        rows = rows.set_column(place, rows.schema.field(place), column)
    return rows
