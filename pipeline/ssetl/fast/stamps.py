"""Comments that tell the time of what follows: they are left out of a block, and each unit has its time.

Only where the comment is the first line of its unit, as ssetl's own capturers write it.
"""

from collections import Counter
from copy import copy
from typing import Final

import numpy as np

from ssetl.alike import MAX_WAYS, as_the_first, begin_with, instants
from ssetl.comments import STAMP_LINE, stamp_of
from ssetl.fast.block import Block
from ssetl.sse import EVENT_LINES
from ssetl.times import UNKNOWN

_LONGEST: Final = 64  # bytes of such a line
_COLON: Final = 58


def without_stamps(block: Block, *, begins: bool) -> tuple[Block, Counter[str]]:
    """A block with blank lines without such lines, and their bytes by kind.

    `begins` tells whether its first unit begins there, and is not the rest of one.
    """
    data = np.frombuffer(block.data, np.uint8)
    units = block.beginning_with(_COLON)
    units = units[(units > 0) | begins]
    units = units[(block.ends - block.starts)[units] > _LONGEST]
    times = np.full(len(block.starts), UNKNOWN)
    sizes = np.zeros(len(block.starts), np.int64)
    for _ in range(MAX_WAYS):
        if not len(units):
            break
        first = block.unit(units[0])
        line = first[: first.find(b"\n") + 1]
        if not line.startswith(STAMP_LINE) or len(line) > _LONGEST:
            units = units[1:]
            continue
        heads = data[block.starts[units][:, None] + np.arange(len(line))]
        # An event goes on there: comments may follow each other, and end what is open before them.
        same = as_the_first(heads) & begin_with(data, block.starts[units] + len(line), EVENT_LINES)
        text = heads[same][:, len(STAMP_LINE) : len(line.rstrip())]
        if len(text):
            times[units[same]] = instants(text, stamp_of)
            sizes[units[same]] = len(line)
        units = units[1:][~same[1:]]
    sizes[times == UNKNOWN] = 0
    if not sizes.any():
        return block, Counter()
    rest = copy(block)
    rest.starts, rest.times = block.starts + sizes, times
    return rest, Counter(comment=int(sizes.sum()))
