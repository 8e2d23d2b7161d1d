"""Nothing is lost: the rows of a chunk give it back, whatever it is and whatever API it is read as."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssetl.apis import APIS, UNKNOWN, by_name, recognise
from ssetl.apis.row import drop_nulls, flatten, restore

EXAMPLES = [json.loads(line) for line in (Path(__file__).parent / "examples.jsonl").read_text().splitlines()]
MEMBERS = st.sampled_from(
    sorted(
        {
            key
            for example in EXAMPLES
            for key in json.dumps(example["chunk"]).replace('"', " ").split()
            if key.isidentifier()
        }
        | {"$column", "$literal", "", "ключ"}
    )
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.sampled_from([2**31, -(2**63), 2**63, 2**70, 10**11 + 1, 10**20])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(alphabet='aé \u2028"\\\n', max_size=4)
    | st.sampled_from(
        ["text", "thinking", "error", "function", "tool_use", "Hi", "hm", "{}", "9999-12-31T23:59:59-23:00"]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
    max_leaves=12,
)
CHUNKS = st.dictionaries(MEMBERS, JSON, max_size=6)
TYPES = st.none() | st.sampled_from(sorted({example["type"] for example in EXAMPLES} - {None}))


@st.composite
def mutated(draw: st.DrawFn) -> dict:
    """An example in which a few members or elements were replaced, removed or added."""
    chunk = json.loads(json.dumps(draw(st.sampled_from(EXAMPLES))["chunk"]))
    for _ in range(draw(st.integers(0, 4))):
        place = chunk
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 3)):
                place = place[key]
                continue
            match draw(st.sampled_from(["replace", "remove", "add"])):
                case "replace":
                    place[key] = draw(JSON)
                case "remove":
                    del place[key]
                case "add" if isinstance(place, dict):
                    place[draw(MEMBERS)] = draw(JSON)
                case "add":
                    place.insert(key, draw(JSON))
            break
    return chunk


def exactly(value: object) -> str:
    """A text that differs where values do: 1, 1.0 and true are not the same."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("api", [*APIS, UNKNOWN], ids=lambda api: api.name)
@settings(max_examples=60)
@given(chunk=mutated() | CHUNKS, event_type=TYPES)
def test_rows_of_any_chunk_give_it_back(api, chunk, event_type):
    before = exactly(chunk)
    rows = flatten(api, chunk, event_type)
    assert exactly(restore(api, rows)) == exactly(drop_nulls(chunk))
    assert exactly(chunk) == before


@given(chunk=mutated() | CHUNKS, event_type=TYPES)
def test_every_question_has_an_answer_for_any_chunk(chunk, event_type):
    recognise(chunk, event_type)
    for api in APIS:
        assert api.starts(chunk, event_type) in (True, False)
        assert api.ends(chunk, event_type) in (True, False)


@pytest.mark.parametrize("api", [*APIS, UNKNOWN], ids=lambda api: api.name)
@settings(max_examples=40)
@given(chunk=mutated() | CHUNKS, event_type=TYPES)
def test_columns_fit_their_types(api, chunk, event_type):
    rows = flatten(api, chunk, event_type)
    assert len(rows) >= 1
    for row in rows:
        assert row.choice_index is None or -(2**31) <= row.choice_index < 2**31
        assert row.created_at is None or abs(row.created_at) < 2**62
        for call in row.tool_calls or ():
            assert call.index is None or -(2**31) <= call.index < 2**31
            assert all(type(text) in (str, type(None)) for text in (call.id, call.name, call.arguments))
        counts = (
            [] if row.usage is None else [getattr(row.usage, field) for field in row.usage.__struct_fields__]
        )
        assert all(count is None or -(2**63) <= count < 2**63 for count in counts)
        assert row.usage is None or counts.count(None) < len(counts)
    for row in rows[1:]:
        assert (row.usage, row.error_type, row.error_message) == (None, None, None)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example['api']}-{example['type']}")
def test_examples_are_read_and_given_back(example):
    chunk, event_type = example["chunk"], example["type"]
    found = recognise(chunk, event_type)
    assert found is None or found.name == example["api"]
    api = by_name(example["api"])
    assert exactly(restore(api, flatten(api, chunk, event_type))) == exactly(drop_nulls(chunk))
