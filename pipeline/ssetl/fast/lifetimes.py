"""The times of streams that were taken as a whole: of all of them at once.

They are what `Timeline` tells of each of them event by event, if all of its events have a time and its clock
never stepped back. Instants are in microseconds since 1970.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np

from ssetl.captures.exchange import Exchange
from ssetl.fast.block import Mask, Places
from ssetl.fast.lives import Life
from ssetl.providers import provider_of
from ssetl.times import UNKNOWN

_FIRSTS: Final = ("event", "choices", "content", "token", "answer", "output", "text")
_LASTS: Final = ("event", "choices", "content", "token", "text")
_SINCE_REQUEST: Final = {
    "time_to_first_event_us": "first_event_at",
    "time_to_first_token_us": "first_content_at",
    "time_to_first_answer_us": "first_answer_at",
    "duration_us": "last_content_at",
    "total_us": "ended_at",
}
_QUANTILES: Final = {"gap_p50_us": 0.50, "gap_p95_us": 0.95, "gap_p99_us": 0.99}

Columns = dict[str, list[Any]]


class Durations:
    """What lies between the events of streams.

    Args:
        at: when they came, those of each stream behind each other.
        lengths: how many events each stream has; none is without.
        are_content: which of the events are content.
    """

    def __init__(self, at: Places, lengths: Places, are_content: Mask) -> None:
        self._at = at
        self._streams = np.repeat(np.arange(len(lengths)), lengths)
        self._firsts = np.cumsum(lengths) - lengths
        content = np.flatnonzero(are_content)
        streams = self._streams[content]
        is_gap = streams[1:] == streams[:-1]
        self._gaps = np.diff(at[content])[is_gap]
        self._gap_ends = content[1:][is_gap]

    def of_events(self, requests: Places) -> tuple[Places, Places, Places]:
        """Microseconds since the request, since the event before, and since the content event before it.

        `requests` tells when that of each stream was sent, `UNKNOWN` where that is not known.
        """
        sent_at = requests[self._streams]
        since_request = np.where(sent_at == UNKNOWN, UNKNOWN, self._at - sent_at)
        since_previous = np.diff(self._at, prepend=0)
        since_previous[self._firsts] = UNKNOWN
        since_content = np.full(len(self._at), UNKNOWN)
        since_content[self._gap_ends] = self._gaps
        return since_request, since_previous, since_content

    def gaps(self) -> Columns:
        """Quantiles of the gaps between content events of each stream, as `timeline.quantile` has them."""
        counts = np.bincount(self._streams[self._gap_ends], minlength=len(self._firsts))
        borders = np.cumsum(counts, dtype=np.int64)
        ordered = self._gaps.copy()
        for first, end in pairwise([0, *borders.tolist()]):
            ordered[first:end].sort()
        some = np.flatnonzero(counts)
        firsts, lasts = (borders - counts)[some], counts[some] - 1
        found = {"gap_max_us": ordered[firsts + lasts]}
        for name, p in _QUANTILES.items():
            positions = p * lasts
            below = positions.astype(np.int64)
            low, high = (ordered[firsts + place] for place in (below, np.minimum(below + 1, lasts)))
            found[name] = low + (high - low) * (positions - below)
        return {name: _spread(values, some, len(counts)) for name, values in found.items()}


def instants(at: Places, runs: Sequence[list[int]], lives: Sequence[Life]) -> dict[str, Places]:
    """The first and last events of each stream, and its end, `UNKNOWN` where it has none.

    `at` tells when each unit of a block came; `runs` and `lives` are those of each stream, as of
    `whole.Lived`.
    """
    names = [*(f"first_{mark}_at" for mark in _FIRSTS), *(f"last_{mark}_at" for mark in _LASTS), "ended_at"]
    found = dict(zip(names, np.full((len(names), len(runs)), UNKNOWN), strict=True))
    groups: dict[int, list[int]] = {}
    for place, life in enumerate(lives):
        groups.setdefault(id(life), []).append(place)
    for places in groups.values():
        life = lives[places[0]]
        firsts = np.array([runs[place] for place in places]).T
        for mark in _FIRSTS:
            having = [run for run, marks in enumerate(life.marks) if mark in marks]
            if having:
                found[f"first_{mark}_at"][places] = at[firsts[having[0]]]
            if having and mark in _LASTS:
                found[f"last_{mark}_at"][places] = at[firsts[having[-1] + 1] - 1]
        found["ended_at"][places] = at[firsts[-1] - (not life.row["has_terminator"])]
    return found


def columns(
    found: Mapping[str, Places],
    requests: Places,
    exchanges: Sequence[Exchange],
    known: Mapping[str, list[Any]],
) -> Columns:
    """The columns of `streams` that tell times or come from a request, but for the gaps.

    Args:
        found: as of `instants`.
        requests: as of `Durations.of_events`.
        exchanges: what is known of each.
        known: the columns that do not tell times.
    """
    durations = {
        name: np.where((requests == UNKNOWN) | (found[end] == UNKNOWN), UNKNOWN, found[end] - requests)
        for name, end in _SINCE_REQUEST.items()
    }
    told: Columns = {
        name: [None if value == UNKNOWN else value for value in values.tolist()]
        for name, values in {**found, **durations}.items()
    }
    content_times = (found["last_content_at"] - found["first_content_at"]).tolist()
    tokens = known.get("output_tokens") or [None] * len(exchanges)
    told["time_per_output_token_us"] = [
        content_time / (count - 1) if events and choices == 1 and count and count > 1 else None
        for content_time, events, choices, count in zip(
            content_times, known["content_events"], known["choices"], tokens, strict=True
        )
    ]
    told["latency_reason"] = [
        "no_request_time" if each.request_sent_at is None else None if events else "no_content"
        for each, events in zip(exchanges, known["content_events"], strict=True)
    ]
    started = [
        (each.request_sent_at, "request")
        if each.request_sent_at is not None
        else (each.started_at, "container")
        if each.started_at is not None
        else (first, "first_event")
        for each, first in zip(exchanges, told["first_event_at"], strict=True)
    ]
    told["started_at"], told["started_at_source"] = map(list, zip(*started, strict=True))
    told["clock_steps"] = [0] * len(exchanges)
    told["request_sent_at"] = [each.request_sent_at for each in exchanges]
    told["url"] = [each.url for each in exchanges]
    told["provider"] = [provider_of(each.url) for each in exchanges]
    return told


def _spread(values: np.ndarray[Any, Any], places: Places, count: int) -> list[Any]:
    """A list of so many, with values at some places."""
    found: list[Any] = [None] * count
    for place, value in zip(places.tolist(), values.tolist(), strict=True):
        found[place] = value
    return found
