"""What ranges of an event put together is its `extra`, as the template itself makes it."""

import json
import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import rawfiles
from ssetl.fast.block import Block
from ssetl.fast.extra import ranges_of_extra
from ssetl.fast.layout import Layout
from ssetl.fast.learning import learn

EVENTS = sorted(
    {
        event.encode()
        for shape in rawfiles.SHAPES
        for events in rawfiles.streams(shape, random.Random(shape), 3, 4)
        for event in events
    }
)


STYLES = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "spaced": {"separators": (", ", ": "), "ensure_ascii": False},
    "escaped": {"separators": (",", ":"), "ensure_ascii": True},
}


def delta(obfuscation: str, *, style: str) -> bytes:
    chunk = {
        "type": "response.output_text.delta",
        "sequence_number": 17,
        "item_id": "msg_1",
        "output_index": 0,
        "content_index": 0,
        "delta": "a",
        "logprobs": [],
        "número": 1,
        "obfuscation": obfuscation,
    }
    return b"data: " + json.dumps(chunk, **STYLES[style]).encode() + b"\n\n"


@given(st.sampled_from(EVENTS))
def test_ranges_put_together_are_the_extra_of_the_event(event: bytes) -> None:
    template = learn(event)
    found = template and template.find(event)
    if template is None or template.extra is None or found is None:
        return
    ranges = ranges_of_extra(template, found.values)
    if ranges is None:  # the event does not say what it lacks
        assert '"interaction":null' in (found.row.extra or "")
        return
    passed, place = [0], 0
    for hole, value, text in zip(template.holes, found.values, template.texts, strict=False):
        place += len(text) + len(value)
        if hole.is_elastic:
            passed.append(place)
    made = [
        event[passed[start.passed] + start.distance : passed[end.passed] + end.distance]
        for start, end in ranges
    ]
    assert "{" + b"".join(made).decode()[1:] == (found.row.extra or "")


def test_extra_is_made_where_it_does_not_stand_in_the_event() -> None:
    for style, count in (("compact", 2), ("spaced", 8), ("escaped", None)):
        event = delta("xyz", style=style)
        template = learn(event)
        assert template is not None
        found = template.find(event)
        assert found is not None
        ranges = ranges_of_extra(template, found.values)
        assert (None if ranges is None else len(ranges)) == count, style


@given(
    st.lists(st.sampled_from(["x", "long " * 5, "é", "with \\ in it", '"', "\n", "/", "\x1f"]), min_size=1),
    st.sampled_from(sorted(STYLES)),
    st.booleans(),
)
def test_both_ways_make_the_same_column(texts: list[str], style: str, slashed: bool) -> None:
    events = [delta(text, style=style) for text in ("xyz", *texts)]
    if slashed:
        events = [event.replace(b"/", b"\\/") for event in events]
    template = learn(events[0])
    assert template is not None
    found = template.find(events[0])
    assert found is not None
    match = Layout(template, found.values).match(Block(b"".join(events)), np.arange(len(events)))
    assert match is not None
    expected = {n: template.find(event) for n, event in enumerate(events)}
    assert match.units.tolist() == [
        n
        for n, each in expected.items()
        if each is not None and b"\\u" not in each.values[-1] and b"\\/" not in each.values[-1]
    ]
    assert match.columns["extra"].to_pylist() == [
        each.row.extra for n in match.units.tolist() if (each := expected[n]) is not None
    ]
