"""The bytes of units by kind, of each unit: those of a log count in the lines that they came from."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ssetl.fast.block import Block, Codes, Places
from ssetl.fast.bulk import Bulk
from ssetl.fast.stamped import Kinds, Stamped, kinds_of, kinds_of_terminator
from ssetl.fast.templates import Templates

Sizes = dict[str, Places]
"""Bytes of each unit by kind."""


def sizes(bulk: Bulk, templates: Templates, stop: int) -> Sizes:
    """Those of the units up to one, if all that have not matched are terminators; else they say nothing."""
    block, match = bulk.block, bulk.match[:stop]
    line, rest = templates.ending
    matched = [each.template for each in bulk.matches]
    if isinstance(block, Stamped):
        ending = kinds_of_terminator(templates.terminator or b"", line, rest)
        return _of_lines(block, match, [*map(kinds_of, matched), ending])
    rests = [*(template.reading.rest for template in matched), rest + Counter(terminator=line.size)]
    return _of_texts(block, match, rests)


def _of_texts(block: Block, match: Codes, rests: Sequence[Counter[str]]) -> Sizes:
    """What is not of another kind is of the event; `rests` tells the others by match, -1 the last."""
    lengths = (block.ends - block.starts)[: len(match)]
    found = {"event": lengths - np.array([rest.total() for rest in rests])[match]}
    for kind in {kind for rest in rests for kind in rest}:
        found[kind] = np.array([rest[kind] for rest in rests])[match]
    return found


def _of_lines(block: Stamped, match: Codes, kinds: Sequence[Kinds]) -> Sizes:
    """Those of each line; `kinds` tells what these are by match, -1 the last."""
    found = {kind: np.zeros(len(match), np.int64) for of in kinds for kind in of}
    firsts = block.lines_at(block.starts[: len(match)])
    for number in np.unique(match).tolist():
        here = np.flatnonzero(match == number)
        for kind, sizes in block.line_sizes(firsts[here], kinds[number]):
            found[kind][here] += sizes
    return found
