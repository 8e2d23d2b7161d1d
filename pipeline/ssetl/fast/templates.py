"""The templates of one file: learned as they are needed, found again quickly, bounded in number."""

from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from ssetl.captures import raw
from ssetl.captures.exchange import Exchange
from ssetl.fast.block import Block, Mask
from ssetl.fast.layout import Layout, Match
from ssetl.fast.learning import MAX_TEXT, learn
from ssetl.fast.lives import Lives
from ssetl.fast.template import Found, Template
from ssetl.fast.terminators import terminator_in
from ssetl.sse import Terminator

if TYPE_CHECKING:
    from ssetl.captures.linelog import Format

MAX_TEMPLATES: Final = 64
"""Templates that are kept: the last ones that were learned."""

MAX_LAYOUTS: Final = 32
"""Layouts that are kept: those that matched most units of the last block."""

MAX_LESSONS: Final = 256
"""Events in a row that are looked at for a template although none of them had one."""

MAX_STRANGE: Final = 64
"""Events without a template that are remembered: terminators, but also what only looks like an event."""

WORTH_LEARNING: Final = 8
"""So many events that are found by their templates make up for one that was looked at."""

_BARE: Final = raw.exchange(raw.SSE, ())
_PLACES: Final = [n * 0.618034 % 1 for n in range(32)]
"""Where among the units that are left one is looked at, from 0 to 1: each far from those before."""
_NO_TERMINATOR: Final = Terminator(0, 0), Counter[str]()
_MAX_MISSES: Final = 16  # of these looks


class Templates:
    """What is known of the events of a file.

    Attributes:
        exchange: what its container knows of it.
        lives: what is known of its streams.
        terminator: the text of the last terminator with its blank line, if one has come.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = _without_body(exchange)
        self.lives = Lives(exchange)
        self._templates: list[Template] = []
        self._layouts: list[Layout] = []
        self._follower: dict[Template | None, Template] = {}
        self._latest: Template | None = None
        self._strange: set[bytes] = set()
        self.terminator: bytes | None = None
        self._credit = MAX_LESSONS * WORTH_LEARNING

    def are_for(self, exchange: Exchange) -> bool:
        """Whether streams of one shape become the same there: its container knows of it what it does here."""
        return _without_body(exchange) == self.exchange

    @property
    def ending(self) -> tuple[Terminator, Counter[str]]:
        """That terminator, as of `terminator_in`; one of no bytes if none has come."""
        return (self.terminator and terminator_in(self.terminator)) or _NO_TERMINATOR

    @property
    def opening(self) -> bytes | None:
        """How an event begins that opens a stream, if one is known."""
        return next((each.texts[0] for each in self._templates if each.reading.starts), None)

    def find(self, text: bytes) -> Found | None:
        """The template of an event, learned if need be; None if it has none."""
        for likely in (self._latest, self._follower.get(self._latest)):  # most events are as the last one
            if likely is not None and (found := likely.find(text)):
                self._latest = likely
                return found
        for template in self._templates:
            if found := template.find(text):
                self._credit = min(self._credit + 1, MAX_LESSONS * WORTH_LEARNING)
                self._follower[self._latest] = template
                self._latest = template
                return found
        return self._learn(text)

    def _learn(self, text: bytes) -> Found | None:
        if self._credit < WORTH_LEARNING or text in self._strange:
            return None
        self._credit -= WORTH_LEARNING
        template = learn(text)
        if template is None:
            self._remember(text)
            return None
        self._templates = [template, *self._templates[: MAX_TEMPLATES - 1]]
        self._follower.clear()
        self._latest = None  # it may be one that this one pads, and this one is asked first
        return template.find(text)

    def _remember(self, text: bytes) -> None:
        if len(self._strange) == MAX_STRANGE:
            self._strange.clear()
        if len(text) <= MAX_TEXT:
            self._strange.add(text)

    def match(self, block: Block) -> list[Match]:
        """The units of a block that are of a template."""
        left = np.zeros(len(block.starts), np.bool_)
        left[block.alone()] = True
        matches: dict[Layout, Match] = {}
        for layout in self._layouts:
            _take(layout, block, left, matches)
        misses = 0
        for place in _PLACES:
            units = np.flatnonzero(left)
            if not len(units) or misses == _MAX_MISSES:
                break
            text = block.unit(units[int(len(units) * place)])
            new = self._another(text)
            if new is None:
                misses += 1
                left[block.same(text)] = False  # terminators, mostly: what comes as often is not hidden
                continue
            for other in [layout for layout in matches if new.template.pads(layout.template)]:
                left[matches.pop(other).units] = True  # they are of the new one, too
            self._layouts = [each for each in self._layouts if not new.template.pads(each.template)]
            _take(new, block, left, matches)
        rest = [layout for layout in self._layouts if layout not in matches]
        used = sorted(matches, key=lambda layout: -len(matches[layout].units))
        self._layouts = [*used, *rest][:MAX_LAYOUTS]
        return list(matches.values())

    def _another(self, text: bytes) -> Layout | None:
        """The layout of an event, if it is one to match that is not known yet."""
        found = self.find(text)
        if found is None:
            return None
        layout = Layout(found.template, found.values)
        return None if any(each.is_like(layout) for each in self._layouts) else layout


def shared_templates(container: str = raw.SSE, form: "Format | None" = None) -> Templates:
    """Templates for raw files of one container, or for logs of one format."""
    if form is None:
        return Templates(raw.exchange(container, ()))
    from ssetl.captures import linelog  # noqa: PLC0415 - loaded by now, where there are logs

    return Templates(linelog.exchange(form, ()))


def is_bare(exchange: Exchange) -> bool:
    """Whether its container knows nothing of it, not even that each line is an event."""
    return _without_body(exchange) == _BARE


def _without_body(exchange: Exchange) -> Exchange:
    return msgspec.structs.replace(exchange, body=())


def _take(layout: Layout, block: Block, left: Mask, matches: dict[Layout, Match]) -> None:
    """Add the match of a layout, if it has any; its units are not left any more."""
    units = np.flatnonzero(left)
    match = layout.match(block, units) if len(units) else None
    if match is not None:
        matches[layout] = match
        left[match.units] = False
