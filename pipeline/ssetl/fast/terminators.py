"""Terminators, told by the text of a unit: there are few different ones, and each comes very often."""

from collections import Counter
from functools import lru_cache
from typing import Final

from ssetl import apis
from ssetl.sse import TERMINATOR, Parser, Terminator

_LONGEST: Final = 64  # bytes of its line and blank line


def terminator_in(text: bytes) -> tuple[Terminator, Counter[str]] | None:
    """The terminator that a unit is, if it is one, and the bytes of the rest by kind."""
    return _terminator_in(text) if len(text) <= _LONGEST and TERMINATOR in text else None


@lru_cache(maxsize=16)
def _terminator_in(text: bytes) -> tuple[Terminator, Counter[str]] | None:
    parser = Parser(apis.decode_data)
    match [*parser.feed(text), *parser.close()]:
        case [Terminator() as line]:
            return line, parser.tally
    return None
