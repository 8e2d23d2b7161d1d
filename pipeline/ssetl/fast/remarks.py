"""Comments that say nothing of a time or a request, keep-alives mostly: they are left out of a block.

They only count: each event tells how many came before it.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from ssetl.comments import is_remark
from ssetl.fast.block import Block
from ssetl.framing import event_parser
from ssetl.sse import EVENT_LINES, Comment

_COLON: Final = 58


def remarks(block: Block) -> Iterator[tuple[int, int, Counter[str]]]:
    """The units that are nothing but remarks: how many these are, and their bytes by kind."""
    known: dict[bytes, tuple[int, Counter[str]] | None] = {}
    for unit in block.beginning_with(_COLON).tolist():
        text = block.unit(unit)
        if text not in known:
            known[text] = remark(text)
        if found := known[text]:
            yield unit, *found


def without_remarks(block: Block, *, begins: bool) -> tuple[Block, Counter[str]]:
    """A block with blank lines without its remarks, and their bytes by kind.

    `begins` tells whether its first unit begins there, and is not the rest of one.
    """
    found = list[tuple[int, int, Counter[str]]]()
    for each in remarks(block):
        unit = each[0]
        is_behind_another = bool(found) and found[-1][0] == unit - 1
        is_at_rest = is_behind_another or (ends_event(block, unit, begins=begins) if unit else begins)
        if is_at_rest and unit < block.whole:
            found.append(each)
    tally = Counter[str]()
    if not found or len(found) == len(block.starts):
        return block, tally
    rest = block.without([unit for unit, _, _ in found])
    rest.comments = np.zeros(len(rest.starts) + 1, np.int32)
    for unit, count, sizes in found:
        rest.comments[np.searchsorted(rest.starts, block.starts[unit])] += count
        tally.update(sizes)
    return rest, tally


def ends_event(block: Block, unit: int, *, begins: bool) -> bool:
    """Whether data ends before a unit, or a name: JSON that stands bare may go on behind blank lines."""
    before = block.unit(unit - 1).rstrip(b"\r\n")
    line = before.rfind(b"\n") + 1
    return (begins or unit > 1 or line > 0) and before.startswith(EVENT_LINES, line)


def remark(text: bytes) -> tuple[int, Counter[str]] | None:
    """How many remarks a unit is, and its bytes by kind; None if it is anything else, too."""
    if not all(line.startswith(b":") or not line.strip(b"\r") for line in text.split(b"\n")):
        return None  # what is added to a last line would be of another kind
    parser = event_parser()
    frames = [*parser.feed(text), *parser.close()]
    if all(isinstance(frame, Comment) and is_remark(frame) for frame in frames):
        return len(frames), parser.tally
    return None
