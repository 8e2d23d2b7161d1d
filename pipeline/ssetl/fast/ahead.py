"""One step ahead: the next value is made in a thread while the last one is worked on.

It pays where making a value is numpy's or the system's work, which other threads do not wait for.
"""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

Value = TypeVar("Value")

_ALONE: Final = 2  # values worth a thread that are made without one: most files are short


def ahead(values: Iterator[Value], is_worth_it: Callable[[Value], bool]) -> Iterator[Value]:
    """The same values; what making them raises is raised here.

    Handing a value over takes longer than making a line of a log, so there is no thread as long as none is
    worth it.
    """
    worth = 0
    for value in values:
        yield value
        worth += is_worth_it(value)
        if worth == _ALONE:
            break
    else:
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - takes long to load, as does logging

    with ThreadPoolExecutor(1, thread_name_prefix="ssetl-ahead") as thread:
        coming = thread.submit(_next, values)
        while found := coming.result():
            coming = thread.submit(_next, values)
            yield found[0]


def _next(values: Iterator[Value]) -> tuple[Value] | None:
    """The next value, if there is one."""
    for value in values:
        return (value,)
    return None
