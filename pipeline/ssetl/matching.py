"""How much of a source is covered already: by its size and times, its edges, or its digests.

Only as much is read as must be: nothing of a source that is as it was, edges and the new end of a plain
file that has grown, all of any other.
"""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

import msgspec

from ssetl.captures.compression import Limits
from ssetl.captures.digests import Range, edge_digest, edges_match, head_length, holds, measure, split
from ssetl.captures.sources import Source, status
from ssetl.lineage import Line, Lineage
from ssetl.plan import PlannedCapture

MAX_COMPARED: Final = 8
"""Of the captures that begin like a source and are longer, so many are compared with it."""

MIN_ALIKE: Final = 256
"""Fewer equal bytes at its beginning do not show that a file is the former one, rewritten."""


class Changing(Exception):
    """A source is not what it was when it was listed, in a way that leaves open what it holds."""


class Match(msgspec.Struct, frozen=True):
    """How much of a source is covered.

    Args:
        compression, damage: of the source.
        line: the captures whose bytes it begins with, one after the other.
        rest: what comes behind them; None if nothing does.
        within: the capture that begins with what comes behind them, if there is one: then nothing is left.
        former: captures that were read from this path and whose bytes it no longer holds.
    """

    compression: str
    line: Line
    rest: Range | None
    within: PlannedCapture | None = None
    former: Line = ()
    damage: str | None = None


def match(lineage: Lineage, source: Source, limits: Limits) -> Match:
    """Find the line whose bytes a source begins with.

    Raises:
        Changing: it changes while it is read.
        OSError: it cannot be read.
    """
    own = lineage.lines_of(source)
    for line in map(lineage.originals, own):
        if _has_grown(source, line):
            return Match("none", line, tail(source, (line[-1].end,), limits)[0])
    roots: list[PlannedCapture] = []
    alike: list[Line] = []

    def borders(first_bytes: bytes) -> list[int]:
        alike.extend(line for line in own if _begins_alike(line[0], first_bytes))
        roots.extend(lineage.roots(first_bytes))
        return [root.bytes for root in roots]

    measured = measure(source.path, source.size, borders=borders, limits=limits)
    whole = measured.whole
    if (measured.compression == "none" and whole.bytes < source.size) or not _is_in_place(source):
        raise Changing
    begun = [root for root in roots if measured.prefixes.get(root.bytes) == root.digest]
    lines = (line for root in begun for line in lineage.lines_from(root))
    followed = [_follow(source, line, whole.bytes, limits) for line in lines]
    line, rest = max(followed, key=lambda found: found[0][-1].end, default=((), whole))
    held = {capture.capture_id for capture in line}
    rewritten = (capture for former in alike if lineage.was_at(former[-1], source) for capture in former)
    former = tuple(c for c in rewritten if c.capture_id not in held and c.copy_of not in held)
    if former and status(source.path) != source:
        raise Changing  # it has grown, and another ingest that listed it later knows more of it
    longer = lineage.following(line[-1]) if line else roots[:MAX_COMPARED]
    within = next((capture for capture in longer if rest and _begins_with(capture, rest)), None)
    return Match(measured.compression, line, None if within else rest, within, former, measured.damage)


def tail(source: Source, borders: Sequence[int], limits: Limits) -> list[Range]:
    """The ranges that begin at `borders`, the last one at the end of the source; that one is not empty.

    Raises:
        Changing: it is empty by now, or of another file.
        OSError: the source cannot be read.
    """
    ranges = split(source.path, source.size, borders, limits=limits)
    if not ranges[-1].bytes or not _is_in_place(source):
        raise Changing
    return ranges


def _is_in_place(source: Source) -> bool:
    """Whether what has just been read by its path was the source, and no other file that took its place."""
    now = status(source.path)
    return now is not None and now.inode == source.inode


def as_source(capture: PlannedCapture) -> Source:
    """The source of a capture as it was when it was planned."""
    return Source(capture.path, capture.inode, capture.size, capture.mtime_ns)


def is_there(capture: PlannedCapture) -> bool:
    """Whether the source of a capture is just as it was when it was planned."""
    return status(capture.path) == as_source(capture)


def as_range(capture: PlannedCapture) -> Range:
    """The bytes of a capture."""
    return Range(capture.offset, capture.bytes, capture.digest, capture.head, capture.tail)


def _has_grown(source: Source, line: Line) -> bool:
    """Whether a plain file goes on behind all of a line, by head and tail: only the rest is read."""
    if source.size <= line[-1].end or any(capture.compression != "none" for capture in line):
        return False
    return edges_match(source.path, as_range(line[0]), as_range(line[-1]))


def _follow(source: Source, line: Line, length: int, limits: Limits) -> tuple[Line, Range | None]:
    """As much of a line as a source of that length holds, whose beginning it does hold; and the rest."""
    borders = [capture.end for capture in line if capture.end < length]
    found = tail(source, borders, limits) if borders else []
    pairs = zip(line[1:], found, strict=False)
    same = list(takewhile(lambda pair: pair[0].digest == pair[1].digest, pairs))
    covered = line[: 1 + len(same)]
    end = covered[-1].end
    if end == length:
        return covered, None
    return covered, found[-1] if end == borders[-1] else tail(source, (end,), limits)[0]


def _begins_with(capture: PlannedCapture, range_: Range) -> bool:
    """Whether a capture whose source still holds it begins with the bytes of a range."""
    if capture.bytes <= range_.bytes:
        return False
    try:
        is_alike = holds(capture.path, capture.offset, range_.bytes, range_.digest)
        # It may have grown since: then what was read of it shows only by its digest.
        whole = (capture.path, capture.offset, capture.bytes, capture.digest)
        return is_alike and (is_there(capture) or holds(*whole))
    except OSError:
        return False


def _begins_alike(capture: PlannedCapture, first_bytes: bytes) -> bool:
    """Whether a source that begins with `first_bytes` (`EDGE` of them) has the head of a capture."""
    length = head_length(capture.bytes)
    return MIN_ALIKE <= length <= len(first_bytes) and edge_digest(first_bytes[:length]) == capture.head
