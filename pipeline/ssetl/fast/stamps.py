"""Comments that tell the time of what follows: they are left out of a block, and each unit has its time.

Only where the comment is the first line of its unit, as ssetl's own capturers write it.
"""

from collections import Counter
from copy import copy
from typing import Final

import numpy as np

from ssetl.captures.prefixed import MAX_WAYS, begin_with, instants
from ssetl.comments import STAMP, stamp_of
from ssetl.fast.block import Block
from ssetl.times import UNKNOWN

_BEGIN: Final = b": " + STAMP + b" "
_LONGEST: Final = 64  # bytes of such a line
_COLON: Final = 58
_FRAMED: Final = (b"data:", b"event:")


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
        if not line.startswith(_BEGIN) or len(line) > _LONGEST:
            units = units[1:]
            continue
        heads = data[block.starts[units][:, None] + np.arange(len(line))]
        alike = np.where(heads[0] - np.uint8(48) <= 9, heads - np.uint8(48) <= 9, heads == heads[0])
        # An event goes on there: comments may follow each other, and end what is open before them.
        same = alike.all(axis=1) & begin_with(data, block.starts[units] + len(line), _FRAMED)
        text = heads[same][:, len(_BEGIN) : len(line.rstrip())]
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
