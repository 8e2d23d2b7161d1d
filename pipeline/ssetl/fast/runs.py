"""Runs: events of one template behind each other. Which runs a stream has is its shape."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ssetl.fast.block import Codes, Places
from ssetl.fast.layout import Match
from ssetl.fast.lives import MAX_RUNS, Shape


class Runs:
    """The runs of events that stand in some order.

    Args:
        matches: what they may match.
        numbers: which of these each event does; -1 is none.
        borders: places at which a run begins in any case.
    """

    def __init__(self, matches: Sequence[Match], numbers: Codes, borders: Places | Sequence[int]) -> None:
        begins = np.ones(len(numbers) + 1, np.bool_)
        begins[1:-1] = numbers[1:] != numbers[:-1]
        begins[borders] = True
        firsts = np.flatnonzero(begins)
        self._matches = matches
        self._firsts = firsts.tolist()
        self._numbers = numbers[firsts[:-1]].tolist()
        self._shapes: dict[tuple[tuple[int, int], ...], Shape] = {}

    def of(self, first: int, end: int) -> tuple[list[int], Shape] | None:
        """Where each run begins between two borders, the second one added, and their shape.

        None if they are too many, or none.
        """
        start = bisect_left(self._firsts, first)
        stop = bisect_left(self._firsts, end, start)
        if not 0 < stop - start <= MAX_RUNS:
            return None
        own = self._firsts[start : stop + 1]
        counts = [min(following - place, 3) for place, following in pairwise(own)]
        key = tuple(zip(self._numbers[start:stop], counts, strict=True))
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = tuple([(self._matches[n].template, count) for n, count in key])
        return own, shape
