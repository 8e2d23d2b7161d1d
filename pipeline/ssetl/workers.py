"""Several parts at a time, each in a process of its own, where there is enough to do."""

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from ssetl.copies import can_copy, cores
from ssetl.dataset import Dataset
from ssetl.plan import Part
from ssetl.worker import Written, written

WORTH: Final = 400 << 20
"""Work, in bytes of captures, from which on workers are started: starting them must not take longer."""

WORTH_COPIES: Final = 32 << 20
"""The same, if they are copies."""

PER_CAPTURE: Final = 64 << 10
"""Bytes that can be read in the time that it takes to open a capture and be done with it."""

MAX_WORKERS: Final = 8
"""Workers at most: each takes up to 300 MB of memory."""


def write_parts(
    dataset: Dataset, parts: Sequence[Part], progress: Callable[[int], None]
) -> Iterator[tuple[Part, Written]]:
    """Write parts; give each with what became of it, as they are done.

    Raises:
        OSError: the dataset cannot be written.
        DataError: a worker died.
    """
    sizes = {part.name: sum(planned.bytes for planned in part.captures) for part in parts}
    workers = min(len(parts), cores(), MAX_WORKERS)
    work = sum(sizes.values()) + PER_CAPTURE * sum(len(part.captures) for part in parts)
    worth = WORTH_COPIES if can_copy() else WORTH if sys.executable else sys.maxsize
    if workers < 2 or work < worth:
        for part in parts:
            yield part, written(dataset, part, progress)
        return
    from ssetl.pool import Pool  # noqa: PLC0415 - most ingests need none, and its libraries take long to load

    with Pool(dataset.path, workers, copied=can_copy()) as pool:
        for part, became in pool.write(parts):
            progress(sizes[part.name])
            yield part, became
