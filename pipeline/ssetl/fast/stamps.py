"""Comments that tell the time of what follows: they are left out of a block, and each unit has its time.

Only where the comment is the first line of its unit, or the second behind one that tells of a request, as
ssetl's own capturers write them.
"""

from copy import copy
from typing import Final

import numpy as np

from ssetl.alike import MAX_MODELS, MAX_WAYS, as_the_first, begin_with, instants, texts_at
from ssetl.comments import REQUEST_LINE, STAMP_LINE, stamp_of
from ssetl.fast.block import Block, Bytes, Places
from ssetl.fast.remarks import ends_event
from ssetl.sse import EVENT_LINES
from ssetl.times import UNKNOWN

_LONGEST: Final = 64  # bytes of such a line
_COLON: Final = 58


def without_stamps(block: Block, *, begins: bool) -> tuple[Block, Places]:
    """A block with blank lines without such lines, and how many bytes each unit is shorter.

    `begins` tells whether its first unit begins there, and is not the rest of one.
    """
    data = np.frombuffer(block.data, np.uint8)
    units = block.beginning_with(_COLON)
    units = units[(units > 0) | begins]
    requests = _requests(block, data, units, begins=begins)
    sizes = np.zeros(len(block.starts), np.int64)
    for unit, line in requests.items():
        sizes[unit] = len(line)
    starts = block.starts + sizes
    times = np.full(len(starts), UNKNOWN)
    ways = 0
    for _ in range(MAX_MODELS):
        if not len(units) or ways == MAX_WAYS:
            break
        first = block.data[starts[units[0]] : block.ends[units[0]]]
        line = first[: first.find(b"\n") + 1]
        if not line.startswith(STAMP_LINE) or len(line) > _LONGEST:
            units = units[1:]
            continue
        ways += 1
        units = units[starts[units] + len(line) <= len(data)]
        heads = texts_at(data, starts[units], len(line))
        # An event goes on there: comments may follow each other, and end what is open before them.
        same = as_the_first(heads) & begin_with(data, starts[units] + len(line), EVENT_LINES)
        text = heads[same][:, len(STAMP_LINE) : len(line.rstrip())]
        if len(text):
            times[units[same]] = instants(text, stamp_of)
            sizes[units[same]] += len(line)
        units = units[1:][~same[1:]]
    sizes[times == UNKNOWN] = 0
    if not sizes.any():
        return block, sizes
    rest = copy(block)
    rest.starts, rest.times = block.starts + sizes, times
    rest.requests = {unit: _said(line) for unit, line in requests.items() if sizes[unit]}
    return rest, sizes


def _requests(block: Block, data: Bytes, units: Places, *, begins: bool) -> dict[int, bytes]:
    """The first lines of units that tell of a request, if what they may end has ended."""
    asking = units[begin_with(data, block.starts[units], [REQUEST_LINE])].tolist()
    return {
        unit: block.unit(unit).partition(b"\n")[0] + b"\n"
        for unit in asking
        if unit == 0 or ends_event(block, unit, begins=begins)
    }


def _said(line: bytes) -> bytes:
    """What a comment says behind its first word."""
    return line[1:].strip().partition(b" ")[2]
