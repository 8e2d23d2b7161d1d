"""Bodies put behind each other, so that the events of all of them can be looked at together.

What comes between events, or is missing at an end, is not in the way: comments are left out, and a last line
or its blank line is completed. What that changes is told.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ssetl.captures.exchange import Piece, Read
from ssetl.comments import REQUEST_LINE, STAMP_LINE
from ssetl.fast.block import Block, Places
from ssetl.fast.remarks import remarks
from ssetl.fast.small import is_plain
from ssetl.fast.stamped import Entry, Stamped
from ssetl.fast.stamps import without_stamps
from ssetl.lines import Line, Lines
from ssetl.streams import Capture
from ssetl.times import UNKNOWN

_BLANK_LINES: Final = (b"\n\n", b"\n\r\n")
_DATA: Final = b"data:"
_FOLLOWING: Final = b"data:"  # a data line without a blank line is complete if another one follows


class Body(msgspec.Struct, frozen=True):
    """A capture that is read with others, of which nothing else is known.

    Args:
        capture: what it becomes.
        data: the bytes of a raw file, or the texts of a log's lines.
        lines: the lines, if it is a log.
    """

    capture: Capture
    data: bytes
    lines: Lines | None = None

    @property
    def is_joinable(self) -> bool:
        """Whether others may stand before it and behind it; the comments of a log count in its lines."""
        if self.lines is not None:
            return not self.data.startswith(b":") and b"\n:" not in self.data
        is_cut_comment = self.data[self.data.rfind(b"\n") + 1 :].startswith(b":")
        return bool(self.data) and is_plain(self.data) and not is_cut_comment

    @property
    def size(self) -> int:
        """Bytes of the capture."""
        return len(self.data) if self.lines is None else self.lines.offset + self.lines.size

    @property
    def piece(self) -> Piece:
        """All of it."""
        return Read(self.data) if self.lines is None else self.lines

    @property
    def is_by_line(self) -> bool:
        """Whether no blank line follows its first event."""
        first = 0 if self.data.startswith(b"{") else max(self.data.find(_DATA), 0)
        end = self.data.find(b"\n", first)
        return self.data[end + 1 : end + 2] not in (b"\n", b"\r", b"")

    @property
    def is_stamped(self) -> bool:
        """Whether it begins with a comment that tells a time, or a log tells one."""
        if self.lines is not None:
            return bool((self.lines.times != UNKNOWN).any())
        return self.data.startswith((STAMP_LINE, REQUEST_LINE))

    def missing(self, *, by_line: bool) -> tuple[bytes, bytes]:
        """What its last line lacks to be a whole one, and what it lacks of a blank line."""
        first = self.data.find(b"\n")
        ending = b"\r\n" if self.data[max(first - 1, 0) : first] == b"\r" else b"\n"
        has_blank_line = by_line or self.data.endswith(_BLANK_LINES)
        return b"" if self.data.endswith(b"\n") else ending, b"" if has_blank_line else ending


class Joined(msgspec.Struct, frozen=True):
    """Bodies behind each other.

    Args:
        block: their bytes; comments are no units of it, and count for units of the same body.
        origins: from where on the places of each body count in it; those of a log's lines are its own.
        units: the first unit of each body, and the one behind the last.
        are_borders: whether a unit begins there: blank lines at a start are of the last event before.
        added: how many bytes were added to the last line of each.
        tallies: the bytes of each by kind that its units do not tell, or tell too many of.
    """

    block: Block
    origins: Places
    units: Places
    are_borders: list[bool]
    added: list[int]
    tallies: list[Counter[str]]


def joined(bodies: Sequence[Body], *, by_line: bool, are_stamped: bool) -> Joined | None:
    """Bodies behind each other, all of them joinable; None if there is nothing in them to be looked at.

    `by_line` tells whether each line is a unit, for there are no blank lines; `are_stamped` whether times are
    looked for: where there are none, that is in vain.
    """
    are_logs = bodies[0].lines is not None
    missing = [body.missing(by_line=by_line) for body in bodies]
    block = (_of_logs if are_logs else _of_texts)(bodies, missing, by_line=by_line)
    if not block.is_plain or block.by_line != by_line:
        return None
    added = np.array([(len(line), len(blank)) for line, blank in missing])
    borders = np.append(0, np.cumsum(added.sum(axis=1) + [len(body.data) for body in bodies]))
    starts = np.append(block.starts, len(block.data))
    are_borders = starts[np.searchsorted(starts, borders)] == borders
    added *= not are_logs  # lines that are added there have no bytes
    tallies = [Counter(blank=-blank) for blank in added[:, 1].tolist()]
    if are_stamped and not by_line and not are_logs:
        block, sizes = without_stamps(block, begins=True)
        before = np.append(0, np.cumsum(sizes))[np.searchsorted(starts[:-1], borders)]
        for tally, size in zip(tallies, np.diff(before).tolist(), strict=True):
            tally["comment"] += size
    found = list(remarks(block))
    if len(found) == len(block.starts):
        return None
    block = block.without([unit for unit, _, _ in found])
    units = np.searchsorted(block.starts, borders)
    block.comments = comments = np.zeros(len(block.starts) + 1, np.int32)
    for unit, count, tally in found:
        body = np.searchsorted(borders, starts[unit], side="right").item() - 1
        tallies[body].update(tally)
        following = np.searchsorted(block.starts, starts[unit])
        comments[following] += count if following < units[body + 1] else 0
    return Joined(
        block,
        np.zeros_like(borders) if are_logs else borders,
        units,
        are_borders.tolist(),
        added[:, 0].tolist(),
        tallies,
    )


def _of_texts(bodies: Sequence[Body], missing: Sequence[tuple[bytes, bytes]], *, by_line: bool) -> Block:
    """The bytes of bodies and what each of them lacks."""
    pieces = [text for body, ends in zip(bodies, missing, strict=True) for text in (body.data, *ends)]
    return Block(b"".join([*pieces, _FOLLOWING if by_line else b""]))


def _of_logs(bodies: Sequence[Body], missing: Sequence[tuple[bytes, bytes]], *, by_line: bool) -> Block:
    """The same of logs."""
    pieces: list[Entry] = []
    for body, (_, blank) in zip(bodies, missing, strict=True):
        if body.lines is not None:
            pieces += [body.lines, *([Line(b"", body.size, 0)] if blank else [])]
    return Stamped([*pieces, *([Line(_FOLLOWING, 0, 0)] if by_line else [])])
