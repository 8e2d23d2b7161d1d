"""What a command that reads may take of the machine, and that it ends when it is told to.

A few SQL functions (repeat, lpad, range, format, …) build gigabytes in one call: outside of DuckDB's memory
limit, and deaf to its interrupt, and then Python is deaf too. The operating system and a thread are not.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Final

MEMORY_SHARE: Final = 0.8
"""Of the machine's memory, for the whole process; DuckDB's own limit is below."""

PATIENCE: Final = 5.0
"""Seconds that a command has to end after a signal, before it is ended; a second signal ends it at once."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Within, memory is limited, and SIGINT ends the process even if a query does not look up."""
    with _limited_memory(), _heeding_signals():
        yield


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    import resource  # noqa: PLC0415 - not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    share = int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * MEMORY_SHARE)
    known = [limit for limit in (soft, hard, share) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min(known), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextlib.contextmanager
def _heeding_signals() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    heard, told = socket.socketpair()
    told.setblocking(False)
    before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    watch = threading.Thread(target=_watch, args=(heard,), daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        told.close()
        watch.join()
        heard.close()


def _watch(heard: socket.socket) -> None:
    """Wait for a signal, and then for the end of the work, but not for long."""
    numbers = heard.recv(1)
    if not numbers:
        return
    heard.settimeout(PATIENCE)
    with contextlib.suppress(TimeoutError):
        if not heard.recv(1):
            return
    os.write(2, b"ssetl: error: interrupted.\n")
    os._exit(128 + numbers[0])
