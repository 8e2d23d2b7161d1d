"""What a process that does nothing but ingest sets for itself, before it imports numpy, and how it ends."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from typing import Final, NoReturn

SETTINGS: Final = {
    "OPENBLAS_NUM_THREADS": "1",  # threads for an algebra that is never asked for spin while they wait
    "NUMPY_MADVISE_HUGEPAGE": "0",  # short-lived arrays: clearing huge pages takes longer than filling them
}
"""Environment variables."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # names of glibc
_KEPT: Final = 1 << 30  # bytes that may lie idle at the end of the heap
_MAPPED: Final = 32 << 20  # smaller arrays come from the heap; more is not allowed

_trim: Callable[[int], object] | None = None  # if memory is kept

_GARBAGE: Final = 100_000  # new objects between looks for cycles; rows have none


def tune() -> None:
    """Set this process up; what the user has set in the environment stays."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    gc.set_threshold(_GARBAGE, 50, 100)
    _keep_memory()


def _keep_memory() -> None:
    """Have glibc keep what is freed, Arrow's memory too: arrays of one size come again and again.

    What is given back must be cleared by the system when it comes again: a tenth of all work.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):  # musl has none
        global _trim  # noqa: PLW0603 - it is a fact of the process
        _trim = ctypes.CDLL(None).malloc_trim
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        mallopt(_M_ARENA_MAX, 1)  # what one thread has freed serves the other
        mallopt(_M_TRIM_THRESHOLD, _KEPT)
        mallopt(_M_MMAP_THRESHOLD, _MAPPED)


def give_back() -> None:
    """Give the system what is kept and lies idle, in pieces too small for what comes: it grows with time.

    What is needed again must be cleared again, so this is for now and then.
    """
    if _trim is not None:
        _trim(0)


def leave(status: int) -> NoReturn:
    """End the process; the system takes a hundred thousand objects down at once, Python one by one."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            sys.exit(status)  # says so in its own way
    os._exit(status)
