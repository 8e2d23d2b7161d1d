"""Where in the text of an event its `extra` stands: so that it can be copied and need not be made."""

from bisect import bisect_left
from typing import Final, NamedTuple

from ssetl.fast.template import Template, Values

MAX_RANGES: Final = 12
"""Ranges of a text; to copy more takes longer than to make it."""

_HOLE: Final = 256  # the character of the first hole; those before are bytes


class Place(NamedTuple):
    """A place in events of one layout: elastic holes before it, and bytes behind the last of them."""

    passed: int
    distance: int


def ranges_of_extra(template: Template, values: Values) -> list[tuple[Place, Place]] | None:
    """The ranges of an event that put together are its `extra`; None if they are too many, or not enough.

    But for the brace that it begins with: it is to be written over the first byte, so that it needs no range.

    Args:
        template: its template, which tells of `extra`.
        values: what its holes hold; those that are not elastic are as long in other events of the layout.
    """
    event, places = _outlined(template, values)
    around, order = template.extra or ([""], [])
    extra = _characters(around[0].encode())
    for n, text in zip(order, around[1:], strict=True):
        extra += chr(_HOLE + n) + _characters(text.encode())
    extra = extra.removeprefix("{")
    ranges: list[tuple[Place, Place]] = []
    while extra and len(ranges) < MAX_RANGES:
        size = bisect_left(range(1, len(extra) + 1), True, key=lambda size: extra[:size] not in event)
        if not size:
            return None
        first = event.index(extra[:size])
        ranges.append((places[first], places[first + size]))
        extra = extra[size:]
    (passed, distance), end = ranges[0]
    if extra or not distance:
        return None
    return [(Place(passed, distance - 1), end), *ranges[1:]]


def _outlined(template: Template, values: Values) -> tuple[str, list[Place]]:
    """The text of an event with a character for each byte or hole; the place of each, and of the end."""
    event, places = "", []
    passed = distance = 0
    for n, text in enumerate(template.texts):
        event += _characters(text)
        places += [Place(passed, distance + k) for k in range(len(text) + 1)]
        distance += len(text)
        if n == len(template.holes):
            break
        event += chr(_HOLE + n)
        if template.holes[n].is_elastic:
            passed, distance = passed + 1, 0
        else:
            distance += len(values[n])
    return event, places


def _characters(text: bytes) -> str:
    return text.decode("latin-1")
