"""Bodies put behind each other, so that the events of all of them can be looked at together.

What comes between events, or is missing at an end, is not in the way: comments are left out, and a last line
or its blank line is completed. What that changes is told.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from ssetl.comments import REQUEST_LINE, STAMP_LINE
from ssetl.fast.block import Block, Places
from ssetl.fast.remarks import remarks
from ssetl.fast.small import is_plain
from ssetl.fast.stamps import without_stamps
from ssetl.streams import Capture

_BLANK_LINES: Final = (b"\n\n", b"\n\r\n")
_DATA: Final = b"data:"


class Body(msgspec.Struct, frozen=True):
    """A capture that is read with others, and its bytes: a raw file of which nothing else is known."""

    capture: Capture
    data: bytes

    @property
    def is_joinable(self) -> bool:
        """Whether others may stand before it and behind it."""
        is_cut_comment = self.data[self.data.rfind(b"\n") + 1 :].startswith(b":")
        return bool(self.data) and is_plain(self.data) and not is_cut_comment

    @property
    def is_by_line(self) -> bool:
        """Whether no blank line follows its first event."""
        end = self.data.find(b"\n", max(self.data.find(_DATA), 0))
        return self.data[end + 1 : end + 2] not in (b"\n", b"\r", b"")

    @property
    def is_stamped(self) -> bool:
        """Whether it begins with a comment that tells a time."""
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
        places: where each body begins in it, and where the last one ends.
        units: the first unit of each body, and the one behind the last.
        are_borders: whether a unit begins there: blank lines at a start are of the last event before.
        added: how many bytes were added to the last line of each.
        tallies: the bytes of each by kind that its units do not tell, or tell too many of.
    """

    block: Block
    places: Places
    units: Places
    are_borders: list[bool]
    added: list[int]
    tallies: list[Counter[str]]


def joined(bodies: Sequence[Body], *, by_line: bool, are_stamped: bool) -> Joined | None:
    """Bodies behind each other, all of them joinable; None if there is nothing in them to be looked at.

    `by_line` tells whether each line is a unit, for there are no blank lines; `are_stamped` whether times are
    looked for: where there are none, that is in vain.
    """
    pieces, places, missing = [], [0], []
    for body in bodies:
        line, blank = body.missing(by_line=by_line)
        pieces += [body.data, line, blank]
        places.append(places[-1] + len(body.data) + len(line) + len(blank))
        missing.append((len(line), len(blank)))
    if by_line:
        pieces.append(_DATA)  # a data line without a blank line is complete if another one follows
    block = Block(b"".join(pieces))
    if not block.is_plain or block.by_line != by_line:
        return None
    starts = np.append(block.starts, len(block.data))
    borders = np.array(places)
    are_borders = starts[np.searchsorted(starts, borders)] == borders
    tallies = [Counter(blank=-blank) for _, blank in missing]
    if are_stamped and not by_line:
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
        borders,
        units,
        are_borders.tolist(),
        [line for line, _ in missing],
        tallies,
    )
