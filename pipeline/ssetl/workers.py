"""Several parts at a time, each in a process of its own, where there is enough to do.

A worker reads names of planned parts, a line each, and answers each with a line of JSON. It is a copy of this
process, or `python -m ssetl.workers DATASET` where this process is not ours to copy: so a script that calls
`ssetl.ingest` needs no guard around it. Where the parent dies, a copy ends at once, another worker with its
part. A worker that dies costs its part, which the next ingest finishes.
"""

import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Final, Protocol, Self

import msgspec

from ssetl import stopping
from ssetl.copies import can_copy, copy, cores
from ssetl.dataset import Dataset
from ssetl.errors import DataError, SsetlError
from ssetl.plan import Part
from ssetl.tuning import SETTINGS, leave, tune
from ssetl.writing import SourceChanged, write_part

WORTH: Final = 400 << 20
"""Work, in bytes of captures, from which on workers are started: starting them must not take longer."""

WORTH_COPIES: Final = 32 << 20
"""The same, if they are copies."""

PER_CAPTURE: Final = 64 << 10
"""Bytes that can be read in the time that it takes to open a capture and be done with it."""

MAX_WORKERS: Final = 8
"""Workers at most: each takes up to 300 MB of memory."""

Written = Counter[str] | SourceChanged
"""What became of a part: the counts of `Summary`, or the source that is not what it was."""


class _Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker made of a part: counts, a source that had changed, or an error."""

    counts: dict[str, int] | None = None
    changed: str | None = None
    errno: int | None = None
    filename: str | None = None
    message: str | None = None


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
            yield part, _written(dataset, part, progress)
        return
    with _Workers(dataset.path, workers) as pool:
        waiting = {pool.write(part): part for part in parts}
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                part = waiting.pop(future)
                progress(sizes[part.name])
                yield part, future.result()


def _written(dataset: Dataset, part: Part, progress: Callable[[int], None]) -> Written:
    try:
        return write_part(dataset, part, progress)
    except SourceChanged as changed:
        return changed


class _Workers:
    """Processes that write parts, and a thread for each that talks with it. A context manager."""

    def __init__(self, folder: Path, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="ssetl-worker")
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        start = _Copy if can_copy() else _start
        self._processes: list[_Process] = [start(folder) for _ in range(count)]
        for process in self._processes:
            self._idle.put(process)

    def write(self, part: Part) -> "Future[Written]":
        """Have a part written as soon as a worker is idle."""
        return self._threads.submit(self._ask, part)

    def _ask(self, part: Part) -> Written:
        process = self._idle.get()
        line = b""
        if process.stdin and process.stdout:
            with suppress(BrokenPipeError):
                process.stdin.write(part.name.encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
        self._idle.put(process)
        return _result(msgspec.json.decode(line, type=_Answer) if line else _Answer())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            for process in self._processes:
                process.terminate()
        self._threads.shutdown(cancel_futures=True)
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                with suppress(BrokenPipeError):
                    if pipe is not None:
                        pipe.close()
            process.wait()


class _Process(Protocol):
    """What a worker is for its parent."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    def terminate(self) -> None: ...

    def wait(self) -> int: ...


class _Copy:
    """A worker that is a copy of this process."""

    def __init__(self, folder: Path) -> None:
        orders, given = os.pipe()
        told, answers = os.pipe()
        self.stdin: IO[bytes] | None = os.fdopen(given, "wb")
        self.stdout: IO[bytes] | None = os.fdopen(told, "rb")

        def work() -> None:
            with os.fdopen(orders, "rb") as names, os.fdopen(answers, "wb") as sink:
                _serve(str(folder), names, sink)

        self.pid = copy(work, {orders, answers})
        os.close(orders)
        os.close(answers)

    def terminate(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        return os.waitpid(self.pid, 0)[1]


def _start(folder: Path) -> "subprocess.Popen[bytes]":
    """A worker. In a session of its own: Ctrl-C reaches its parent only, which ends it."""
    package = Path(__file__).parent.parent
    path = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", "ssetl.workers", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**SETTINGS, **os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )


def _result(answer: _Answer) -> Written:
    if answer.counts is not None:
        return Counter(answer.counts)
    if answer.changed is not None:
        return SourceChanged(answer.changed)
    if answer.errno is not None:
        raise OSError(answer.errno, os.strerror(answer.errno), answer.filename)
    raise DataError(
        answer.message
        or "a process that wrote a part has died: it was killed, or there was no memory left."
        " What was written stays; run the ingest again, it goes on where it stopped."
    )


def _answer(folder: str, name: str) -> _Answer:
    try:
        dataset = Dataset.open(folder)
        part = next((part for plan in dataset.plans for part in plan.parts if part.name == name), None)
        if part is None:  # another ingest was faster, and a compaction has taken its part over
            return _Answer(counts={})
        written = _written(dataset, part, lambda _read: None)
    except OSError as error:
        return _Answer(errno=error.errno or 0, filename=str(error.filename or folder))
    except SsetlError as error:
        return _Answer(message=str(error))
    except MemoryError:
        return _Answer()
    except Exception as error:  # nobody else would tell: a copy of a process dies in silence
        last = traceback.extract_tb(error.__traceback__)[-1]
        return _Answer(message=f"part {name}: unexpected: {error!r} at {last.filename}:{last.lineno}.")
    if isinstance(written, SourceChanged):
        return _Answer(changed=written.path)
    return _Answer(counts=dict(written))


def _serve(folder: str, names: IO[bytes], answers: IO[bytes]) -> None:
    """Write the parts whose names come in, until there are no more."""
    stopping.listen()
    for line in names:
        answers.write(msgspec.json.encode(_answer(folder, line.decode().rstrip("\n"))) + b"\n")
        answers.flush()


def main() -> None:
    """Be a worker."""
    tune()
    with suppress(BrokenPipeError):  # nobody waits for an answer any more
        _serve(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
        leave(0)
    os._exit(0)


if __name__ == "__main__":
    main()
