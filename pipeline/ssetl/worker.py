"""The worker's side: parts written by a process that is told which.

It reads names of planned parts, a line each, and answers each with a line of JSON. Started as
`python -m ssetl.worker DATASET`, or as a copy of its parent.
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import IO

import msgspec

from ssetl import stopping
from ssetl.dataset import Dataset
from ssetl.errors import SsetlError
from ssetl.plan import Part
from ssetl.tuning import leave, tune
from ssetl.writing import SourceChanged, write_part

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


def _answer(folder: str, name: str) -> Answer:
    try:
        dataset = Dataset.open(folder)
        part = next((part for plan in dataset.plans for part in plan.parts if part.name == name), None)
        if part is None:  # another ingest was faster, and a compaction has taken its part over
            return Answer(counts={})
        became = written(dataset, part, lambda _read: None)
    except OSError as error:
        return Answer(errno=error.errno or 0, filename=str(error.filename or folder))
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
    for line in names:
        answers.write(msgspec.json.encode(_answer(folder, line.decode().rstrip("\n"))) + b"\n")
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
