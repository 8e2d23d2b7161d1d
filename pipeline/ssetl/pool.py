"""Processes that write parts, seen from the one that starts them.

They are copies of this process, or `python -m ssetl.worker DATASET` where this process is not ours to copy:
so a script that calls `ssetl.ingest` needs no guard around it. Where the parent dies, a copy ends at once,
another worker with its part. A worker that dies costs its part, which the next ingest finishes.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Protocol, Self

import msgspec

from ssetl.copies import copy
from ssetl.errors import DataError
from ssetl.plan import Part
from ssetl.ranges import SourceChanged
from ssetl.tuning import SETTINGS
from ssetl.worker import Answer, Written, serve


class Pool:
    """Processes that write parts, and a thread for each that talks with it. A context manager."""

    def __init__(self, folder: Path, count: int, *, copied: bool) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="ssetl-worker")
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        start = _Copy if copied else _start
        self._processes: list[_Process] = [start(folder) for _ in range(count)]
        for process in self._processes:
            self._idle.put(process)

    def write(self, parts: Sequence[Part]) -> Iterator[tuple[Part, Written]]:
        """Have parts written; give each with what became of it, as they are done."""
        asked = {self._threads.submit(self._ask, part): part for part in parts}
        for answer in as_completed(asked):
            yield asked[answer], answer.result()

    def _ask(self, part: Part) -> Written:
        process = self._idle.get()
        line = b""
        if process.stdin and process.stdout:
            with suppress(BrokenPipeError):
                process.stdin.write(part.name.encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
        self._idle.put(process)
        return _result(msgspec.json.decode(line, type=Answer) if line else Answer())

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
                serve(str(folder), names, sink)

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
        [sys.executable, "-m", "ssetl.worker", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**SETTINGS, **os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )


def _result(answer: Answer) -> Written:
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
