"""What a process that does nothing but ingest sets for itself, before it imports numpy, and how it ends."""

import gc
import os
import sys
from typing import Final, NoReturn

SETTINGS: Final = {
    "OPENBLAS_NUM_THREADS": "1",  # threads for an algebra that is never asked for spin while they wait
    "NUMPY_MADVISE_HUGEPAGE": "0",  # short-lived arrays: clearing huge pages takes longer than filling them
}
"""Environment variables."""

_GARBAGE: Final = 100_000  # new objects between looks for cycles; rows have none


_own = False


def claim() -> None:
    """Say that nothing but ssetl runs in this process, so that it may be copied."""
    global _own  # noqa: PLW0603 - it is a fact of the process
    _own = True


def is_own() -> bool:
    """Whether that has been said."""
    return _own


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def tune() -> None:
    """Set this process up; what the user has set in the environment stays."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    gc.set_threshold(_GARBAGE, 50, 100)


def leave(status: int) -> NoReturn:
    """End the process; the system takes a hundred thousand objects down at once, Python one by one."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            sys.exit(status)  # says so in its own way
    os._exit(status)
