"""Copies of this process, made by `fork`: they know what it knows, and start in milliseconds.

Only a process that is ssetl's own is copied, and only while it runs a single thread: what a copy of another
would find in the middle of its work is not for us to know.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Final, NoReturn

from ssetl import stopping

_SIGNAL_OF_DEATH: Final = 1  # what Linux calls PR_SET_PDEATHSIG
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

    It has nothing open but its standard streams and the descriptors in `kept`, ends quietly on SIGTERM, which
    it gets if its parent dies, too, and when the work raises, and makes no copies itself. Ctrl-C is its
    parent's business.

    Raises:
        OSError: there is no room for another process.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # who started us may have it ignored: nobody is waited for
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by who started us
            stream.flush()
    parent = os.getpid()
    # A signal waits until it is clear which of both it stops: a copy must not clean up for its parent.
    former = signal.pthread_sigmask(signal.SIG_BLOCK, stopping.SIGNALS)
    try:
        pid = os.fork()
        if not pid:
            _be_copy(work, kept, parent)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)
    return pid


def _be_copy(work: Callable[[], object], kept: set[int], parent: int) -> NoReturn:
    global _own  # noqa: PLW0603 - as above
    try:
        _own = False
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping.SIGNALS)
        ctypes.CDLL(None).prctl(_SIGNAL_OF_DEATH, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)  # it had died before that
        below = 2
        for descriptor in (*sorted(kept), _NO_MORE):
            os.closerange(below + 1, descriptor)
            below = descriptor
        work()
    finally:
        os._exit(0)
