"""Loading what reads and writes, Arrow and numpy with it, while a plan is made, which needs none of them.

It takes a sixth of a second, and so does the digest of 300 MB, which does not hold the interpreter.
"""

import contextlib
import importlib
import sys
import threading
from functools import cache
from typing import Final

WORTH: Final = 32 << 20
"""Bytes of sources from which on it pays: a thread that waits for the interpreter costs a little, too."""

_TURN: Final = 0.0005
"""Seconds after which a digest that is ready for more may go on; Python's own 5 ms would keep it waiting."""


@cache
def loading() -> threading.Thread:
    """The thread that loads, started when it is first asked for. Join it before a process is forked."""
    thread = threading.Thread(target=_load, name="ssetl-loading")
    thread.start()
    return thread


def _load() -> None:
    turn = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    try:
        with contextlib.suppress(Exception):  # who imports it next is told
            importlib.import_module("ssetl.workers")
    finally:
        sys.setswitchinterval(turn)
