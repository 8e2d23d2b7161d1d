"""How a process is stopped: Ctrl-C and SIGTERM become exceptions, so that nothing is left half done.

An exception may come behind each step of the program, also where it does no good: in a destructor, which
cannot raise it, or in the middle of a library, which may take it for something else. In the first case it
comes once more; in the second, `came` tells what the failure that follows was about.
"""

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""The signals that stop a process."""

_SOON: Final = 0.01
"""Seconds after which an exception comes once more that came where none can be raised."""

_came: signal.Signals | None = None


class Terminated(SystemExit):
    """SIGTERM has come: end as after Ctrl-C. Whoever lets it through ends with the right status, too."""


def listen() -> None:
    """Have the signals raise KeyboardInterrupt and Terminated, in the main thread, which must call this.

    Ctrl-C stays ignored where the process was started so.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    sys.unraisablehook = _unraisable


def came() -> signal.Signals | None:
    """The signal that came last, if any has."""
    return _came


def stop_if_asked() -> None:
    """Raise what a signal has raised already: a library may have swallowed it, while it was loaded, say."""
    if _came is not None:
        _raise()


def ignore() -> None:
    """Let no signal stop the process any more: it is about to end."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(number: int, _frame: FrameType | None) -> None:
    global _came  # noqa: PLW0603 - it is a fact of the process
    _came = signal.Signals(number)
    if number == signal.SIGTERM:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough, and cleaning up takes a moment
    _raise()


def _raise(*_: object) -> None:
    if _came == signal.SIGTERM:
        raise Terminated(128 + signal.SIGTERM)
    raise KeyboardInterrupt


def _unraisable(lost: "UnraisableHookArgs") -> None:
    if isinstance(lost.exc_value, Terminated | KeyboardInterrupt):
        signal.signal(signal.SIGALRM, _raise)
        signal.setitimer(signal.ITIMER_REAL, _SOON)
    else:
        sys.__unraisablehook__(lost)
