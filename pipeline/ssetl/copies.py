"""Copies of this process, made by `fork`: they know what it knows, and start in milliseconds.

Only a process that is ssetl's own is copied, and only while it runs a single thread: what a copy of another
would find in the middle of its work is not for us to know.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

_NO_MORE: Final = 1 << 16  # descriptors that may be open
_own = False


def claim() -> None:
    """Say that nothing but ssetl runs in this process."""
    global _own  # noqa: PLW0603 - it is a fact of the process
    _own = True


def can_copy() -> bool:
    """Whether this process may be copied, and whether there is a core for the copy."""
    return sys.platform == "linux" and _own and threading.active_count() == 1 and cores() > 1


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def copy(work: Callable[[], object], kept: set[int]) -> int:
    """Have a copy of this process do some work and end; gives its pid.

    It has nothing open but its standard streams and the descriptors in `kept`, ends quietly on SIGTERM and
    when the work raises, and makes no copies itself. Ctrl-C is its parent's business.

    Raises:
        OSError: there is no room for another process.
    """
    global _own  # noqa: PLW0603 - as above
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # who started us may have it ignored: nobody is waited for
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    try:
        _own = False
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        below = 2
        for descriptor in (*sorted(kept), _NO_MORE):
            os.closerange(below + 1, descriptor)
            below = descriptor
        work()
    finally:
        os._exit(0)
