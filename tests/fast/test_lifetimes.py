"""Durations of many streams at once are those that a `Timeline` tells of each, event by event."""

from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssetl.fast.lifetimes import Durations
from ssetl.timeline import Timeline
from ssetl.times import UNKNOWN

START = 1_760_000_000_000_000
EVENTS = st.lists(st.tuples(st.integers(0, 3) | st.integers(0, 1 << 40), st.booleans()), min_size=1)
STREAMS = st.lists(st.tuples(st.none() | st.integers(0, 1 << 30), EVENTS), min_size=1, max_size=8)


@given(STREAMS)
def test_many_streams_at_once_are_each_by_itself(
    streams: list[tuple[int | None, list[tuple[int, bool]]]],
) -> None:
    at, told, gaps = list[int](), list[tuple[int | None, ...]](), list[tuple[float | None, ...]]()
    for before, events in streams:
        timeline = Timeline(None if before is None else START - before)
        for instant, (_, is_content) in zip(
            accumulate((step for step, _ in events), initial=START), events, strict=False
        ):
            since = timeline.event(instant, ["event", "content"] if is_content else ["event"])
            at.append(instant)
            told.append((*since, timeline.since_content))
        gaps.append(timeline.gaps())
    durations = Durations(
        np.array(at),
        np.array([len(events) for _, events in streams]),
        np.array([is_content for _, events in streams for _, is_content in events]),
    )
    requests = np.array([UNKNOWN if before is None else START - before for before, _ in streams])
    found = zip(*(column.tolist() for column in durations.of_events(requests)), strict=True)
    assert [tuple(None if value == UNKNOWN else value for value in row) for row in found] == told
    columns = durations.gaps()
    names = ("gap_p50_us", "gap_p95_us", "gap_p99_us", "gap_max_us")
    assert list(zip(*(columns[name] for name in names), strict=True)) == gaps
