"""The worker's side: parts written by a process that is told which.

It reads names of planned parts, a line each, and answers each with a line of JSON. Started as
`python -m ssetl.worker DATASET`, or as a copy of its parent.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import IO

import msgspec

from ssetl import stopping
from ssetl.dataset import Dataset
from ssetl.errors import SsetlError
from ssetl.plan import Part
from ssetl.ranges import SourceChanged
from ssetl.tuning import leave, tune
from ssetl.writing import write_part

Written = Counter[str] | SourceChanged
"""What became of a part: the counts of `Summary`, or the source that is not what it was."""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker made of a part: counts, a source that had changed, or an error."""

    counts: dict[str, int] | None = None
    changed: str | None = None
    errno: int | None = None
    filename: str | None = None
    message: str | None = None


def written(dataset: Dataset, part: Part, progress: Callable[[int], None]) -> Written:
    """Write a part and tell what became of it. Raises OSError: the dataset cannot be written."""
    try:
        return write_part(dataset, part, progress)
    except SourceChanged as changed:
        return changed


class _Worker:
    """What answers for a dataset. It is opened once: where many captures are planned, that takes long."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    @cached_property
    def _dataset(self) -> Dataset:
        return Dataset.open(self._folder)

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return {part.name: part for plan in self._dataset.plans for part in plan.parts}

    def answer(self, name: str) -> Answer:
        """Write the part of that name, and tell what became of it."""
        try:
            if name not in self._parts:  # another ingest was faster, and a compaction has taken it over
                return Answer(counts={})
            became = written(self._dataset, self._parts[name], lambda _read: None)
        except OSError as error:
            return Answer(errno=error.errno or 0, filename=str(error.filename or self._folder))
        except SsetlError as error:
            return Answer(message=str(error))
        except MemoryError:
            return Answer()
        except Exception as error:  # nobody else would tell: a copy of a process dies in silence
            import traceback  # noqa: PLC0415 - takes long to load

            last = traceback.extract_tb(error.__traceback__)[-1]
            return Answer(message=f"part {name}: unexpected: {error!r} at {last.filename}:{last.lineno}.")
        if isinstance(became, SourceChanged):
            return Answer(changed=became.path)
        return Answer(counts=dict(became))


def serve(folder: str, names: IO[bytes], answers: IO[bytes]) -> None:
    """Write the parts whose names come in, until there are no more."""
    stopping.listen()
    worker = _Worker(folder)
    for line in names:
        answers.write(msgspec.json.encode(worker.answer(line.decode().rstrip("\n"))) + b"\n")
        answers.flush()


def main() -> None:
    """Be a worker."""
    tune()
    with suppress(BrokenPipeError):  # nobody waits for an answer any more
        serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
        leave(0)
    os._exit(0)


if __name__ == "__main__":
    main()
