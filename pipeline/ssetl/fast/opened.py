"""Small logs as bodies: what the lines of many of them hold, looked at together where that can be told."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Final

import numpy as np

from ssetl.captures.exchange import Exchange
from ssetl.captures.linelog import Format, read, runs
from ssetl.fast.block import Places
from ssetl.fast.bodies import Body
from ssetl.lines import Line, Lines
from ssetl.streams import Capture
from ssetl.times import UNKNOWN

_LF: Final = 10
_BOM: Final = b"\xef\xbb\xbf"


def opened(logs: Sequence[tuple[Capture, bytes]], form: Format) -> list[Body | None]:
    """Logs of one format as bodies of what their lines hold; None for those that hold something else, too.

    That may be a line of the application, or one that its log has cut.
    """
    found = _at_once([data for _, data in logs], form)
    return [
        Body(capture, lines.data, lines) if (lines := many or _one_by_one(data, form)) else None
        for (capture, data), many in zip(logs, found, strict=True)
    ]


def _at_once(logs: Sequence[bytes], form: Format) -> list[Lines | None]:
    """The lines of logs, where all of a log are told by `runs`."""
    told: list[Lines | None] = [None] * len(logs)
    joinable = [n for n, data in enumerate(logs) if data and b"\r" not in data]
    if form.only_step is None or not joinable:
        return told
    texts = [logs[n] if logs[n].endswith(b"\n") else logs[n] + b"\n" for n in joinable]
    places = np.append(0, np.cumsum([len(text) for text in texts]))
    for run in runs(b"".join(texts), 0, form.only_step, ended=form.ended):
        if run.lines is None:
            continue
        first = np.searchsorted(places, run.start)
        end = np.searchsorted(places, run.end, side="right") - 1
        for n, lines in zip(joinable[first:end], _cut(run.lines, places[first : end + 1]), strict=True):
            lines.sizes[-1] -= not logs[n].endswith(b"\n")
            told[n] = lines
    return told


def _cut(lines: Lines, places: Places) -> Iterable[Lines]:
    """The lines between each place and the next, as those of a file that begins there."""
    borders = np.searchsorted(lines.offsets, places)
    line_ends = np.flatnonzero(np.frombuffer(lines.data, np.uint8) == _LF) + 1
    cuts = zip(borders.tolist(), np.append(0, line_ends)[borders].tolist(), places.tolist(), strict=True)
    for (first, start, place), (end, stop, _) in pairwise(cuts):
        offsets = lines.offsets[first:end] - place
        yield Lines(lines.data[start:stop], offsets, lines.sizes[first:end], lines.times[first:end])


def _one_by_one(data: bytes, form: Format) -> Lines | None:
    """The lines of a log, if it holds nothing else."""
    bodies = (each.body for each in read(BytesIO(data), form) if isinstance(each, Exchange))
    lines = list[Line]()
    for piece in (piece for body in bodies for piece in body):
        if not isinstance(piece, Line) or not _is_whole(piece):
            return None
        lines.append(piece)
    if not lines:
        return None
    times = (UNKNOWN if line.received_at is None else line.received_at for line in lines)
    places = ((line.offset, line.size, at) for line, at in zip(lines, times, strict=True))
    offsets, sizes, instants = np.array(list(places), np.int64).T
    return Lines(b"".join([line.text + b"\n" for line in lines]), offsets, sizes, instants)


def _is_whole(line: Line) -> bool:
    """Whether a line may be one of `Lines`."""
    return not line.overlong and b"\r" not in line.text and not line.text.startswith(_BOM)
