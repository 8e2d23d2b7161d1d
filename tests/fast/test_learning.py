"""Templates: what may vary, and that what they tell of any event is what the ordinary code tells."""

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import rawfiles
from reading import chunk, data, table, text
from ssetl import apis
from ssetl.apis.row import Api, Row
from ssetl.fast.learning import MAX_HOLES, MAX_TEXT, learn
from ssetl.fast.template import PATTERNS, Template
from ssetl.framing import event_parser
from ssetl.response import event_of
from ssetl.sse import Bare, Event
from ssetl.streams import flattened

EXAMPLES = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "apis" / "examples.jsonl").read_text().splitlines()
]
NAMED = [
    (f"event: {example['type']}\n" if example["type"] else "").encode()
    + b"data: "
    + json.dumps(example["chunk"], separators=(",", ":")).encode()
    + b"\n\n"
    for example in EXAMPLES
]
MADE = sorted(
    {
        event.encode()
        for shape in rawfiles.SHAPES
        for events in rawfiles.streams(shape, random.Random(shape), 2, 4)
        for event in events[:12] + events[-4:]
    }
)
TEMPLATES = [template for event in (*NAMED, *MADE) if (template := learn(event)) is not None]

TEXTS = st.one_of(
    st.sampled_from(rawfiles.TEXTS).map(str.encode),
    st.text(min_size=1).map(
        lambda value: json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "replace")
    ),
    st.binary(min_size=1, max_size=6),
)
INSTANTS = [
    *(b"2025-09-03T14:13:07.015693Z", b"2025-09-03T14:13:07Z", b"2025-09-03T14:13:07.5Z"),
    *(b"2025-09-03T14:13:07.50Z", b"2025-09-03T14:13:07.0156931Z", b"2025-09-43T14:13:07Z"),
    *(
        b"2025-09-03T14:13:07",
        b"2025-09-03T14:13:07+00:00",
        b"20250903T141307.000001Z",
        b"0001-01-01T00:00:00Z",
    ),
]
VALUES = {
    "fixed": TEXTS,
    "text": TEXTS,
    "time": st.integers(0, 10**13).map(lambda value: b"%d" % value),
    "number": st.sampled_from(rawfiles.NUMBERS).map(str.encode)
    | st.integers(0).map(lambda value: b"%d" % value),
    "blank": st.sampled_from([b"", b" ", b" " * 14, b"\t", b" \t", b"\n", b"x", b" }", b","]),
}


VALUES["index"] = VALUES["number"] | st.integers(0, 120).map(lambda value: b"%d" % value)
VALUES["instant"] = st.sampled_from(INSTANTS)
VALUES["micros"] = VALUES["nanos"] = st.sampled_from([*INSTANTS, *map(str.encode, rawfiles.INSTANTS)])
VALUES["same"] = VALUES["text"]


def holes(event: bytes) -> list[tuple[str, str, str]]:
    """Kind, owner and field of each hole of the template of an event."""
    template = learn(event)
    return [] if template is None else [(hole.kind, hole.owner, hole.field) for hole in template.holes]


def ordinary(event: bytes) -> Row | None:
    """The row that the ordinary code makes of an event, if it is one of one row."""
    parser = event_parser()
    match [*parser.feed(event), *parser.close()]:
        case [Event() | Bare() as only]:
            framed = event_of(only) if isinstance(only, Bare) else only
            rows = flattened(framed, apis.UNKNOWN, None, 0).rows
            return rows[0] if len(rows) == 1 else None
    return None


def filled(template: Template, values: list[bytes]) -> bytes:
    pieces = [piece for pair in zip(template.texts, values, strict=False) for piece in pair]
    return b"".join([*pieces, template.texts[-1]])


@st.composite
def events_of_templates(draw: st.DrawFn) -> tuple[Template, bytes]:
    template = draw(st.sampled_from([each for each in TEMPLATES if each.holes]))
    values = [draw(VALUES[hole.kind]) for hole in template.holes]
    if draw(st.booleans()):
        values = [
            values[hole.link] if hole.kind == "same" else values[n] for n, hole in enumerate(template.holes)
        ]
    if draw(st.integers(0, 4)) == 0:  # the same text in all places
        values = [
            values[0] if hole.kind in ("text", "fixed") else value
            for hole, value in zip(template.holes, values, strict=True)
        ]
    return template, filled(template, values)


@given(events_of_templates())
def test_a_template_tells_what_the_ordinary_code_tells(made: tuple[Template, bytes]) -> None:
    template, event = made
    found = template.find(event)
    if found is not None:
        assert found.row == ordinary(event)


STAND_INS = {"text": b"-", "index": b"2", "same": b"-", "number": b"1", "blank": b" "}
FITTING = {
    "fixed": TEXTS.map(lambda value: re.sub(rb'["\\\x00-\x1f]', b"-", value) or b"-"),
    "time": st.integers(10**9, 10**10 - 1).map(lambda value: b"%d" % value),
    "index": st.integers(2, 10**9 - 1).map(lambda value: b"%d" % value),
    "instant": st.sampled_from([each for each in INSTANTS if re.fullmatch(PATTERNS["instant"], each)]),
}
"""Values that fit a hole which is not elastic, not all of them valid text."""


@st.composite
def rows_of_templates(draw: st.DrawFn) -> tuple[Template, list[tuple[bytes, ...]]]:
    template = draw(st.sampled_from([each for each in TEMPLATES if each.holes]))
    fixed = [hole.kind for hole in template.holes if not hole.is_elastic]
    values = draw(st.lists(st.tuples(*[FITTING[kind] for kind in fixed]), min_size=1, max_size=4))
    assert all(
        re.fullmatch(PATTERNS[kind], value)
        for each in values
        for kind, value in zip(fixed, each, strict=True)
    )
    return template, values


@given(rows_of_templates())
def test_many_rows_are_those_of_each_event(made: tuple[Template, list[tuple[bytes, ...]]]) -> None:
    template, values = made
    rows = template.rows([list(each) for each in zip(*values, strict=True)], len(values))
    assert len(rows) == len(values)
    for n, fixed in enumerate(map(iter, values)):
        event = [
            b"+" * hole.is_apart or STAND_INS[hole.kind] if hole.is_elastic else next(fixed)
            for hole in template.holes
        ]
        wanted = template.row(event)
        assert rows.valid[n] == (wanted is not None)
        for field in Row.__struct_fields__ if wanted is not None else ():
            if field != "extra" or not template.has_elastic_extra:
                assert getattr(rows.row(n), field) == rows.values(field)[n] == getattr(wanted, field)


def test_no_api_has_another_index_that_it_leaves_out() -> None:
    tried = 0
    indexed = [re.sub(rb'(?<=index":)[0-9]+', b"7", event) for event in (*NAMED, *MADE)]
    for template in filter(None, map(learn, indexed)):
        places = [n for n, hole in enumerate(template.holes) if hole.kind == "index"]
        for index in range(40) if places else ():
            values = [
                b"+" * hole.is_apart or STAND_INS.get(hole.kind, b"1000000000") for hole in template.holes
            ]
            for n in places:
                values[n] = b"%d" % index
            found = template.find(event := filled(template, values))
            assert (found is None) == (index < 2)
            assert found is None or found.row == ordinary(event)
            tried += 1
    assert tried > 300


def test_most_events_have_a_template_that_finds_them_again() -> None:
    for event in MADE:
        template = learn(event)
        assert template is not None or b"[DONE]" in event
        found = None if template is None else template.find(event)
        assert (found and found.row) == ordinary(event)
    assert len(TEMPLATES) > len(MADE)


PLAIN = text("A", "a").replace(b'"index"', b'"logprobs":null,"index"')


CREATED = data(
    {"type": "response.created", "response": {"id": "resp_1", "created_at": 1745200000.0, "status": "queued"}}
)


DATED = data(
    {
        "candidates": [{"content": {"parts": [{"text": "A"}], "role": "model"}}],
        "createTime": "%b",
        "responseId": "a",
    }
)


def piece(index: int, delta: dict[str, object]) -> bytes:
    """A piece of a content block, as Messages sends it."""
    return data({"type": "content_block_delta", "index": index, "delta": delta})


def put(before: bytes, new: bytes) -> bytes:
    assert PLAIN.count(before) == 1
    return PLAIN.replace(before, new + before)


@table(
    "event, expected",
    {
        "id and content": (PLAIN, [("fixed", "row", "response_id"), ("text", "row", "content")]),
        "spaces": (
            PLAIN.replace(b'":', b'": '),
            [("fixed", "row", "response_id"), ("text", "row", "content")],
        ),
        "a key twice: the last counts, the first is no value": (
            put(b'"content"', b'"content":"B",'),
            [("fixed", "row", "response_id"), ("text", "row", "content")],
        ),
        "content in logprobs is a list, and text in it is no column": (
            PLAIN.replace(b'"logprobs":null', b'"logprobs":{"content":[{"token":"A"}],"refusal":"B"}'),
            [("fixed", "row", "response_id"), ("text", "row", "content")],
        ),
        "time": (
            put(b'"choices"', b'"created":1745200000,'),
            [("fixed", "row", "response_id"), ("time", "row", "created_at"), ("text", "row", "content")],
        ),
        "milliseconds come out twice": (
            put(b'"choices"', b'"created":1745200000123,'),
            [("fixed", "row", "response_id"), ("text", "row", "content")],
        ),
        "padding": (
            put(b'"choices"', b'"obfuscation":"abc",'),
            [("fixed", "row", "response_id"), ("text", "extra", ""), ("text", "row", "content")],
        ),
        "blanks before the last brace": (
            PLAIN.replace(b"}\n", b"  }\n"),
            [("fixed", "row", "response_id"), ("text", "row", "content"), ("blank", "none", "")],
        ),
        "blanks before a brace in a field behind": (
            PLAIN.replace(b"}\n\n", b"}\nid: 7 }\n\n"),
            [("fixed", "row", "response_id"), ("text", "row", "content")],
        ),
        "padding by its other name": (
            put(b'"choices"', b'"p":"abc",'),
            [("fixed", "row", "response_id"), ("text", "extra", ""), ("text", "row", "content")],
        ),
        "Gemini": (
            data(
                {
                    "candidates": [{"content": {"parts": [{"text": "A"}], "role": "model"}}],
                    "usageMetadata": {"promptTokenCount": 7, "promptTokensDetails": [{"tokenCount": 7}]},
                    "responseId": "a",
                }
            ),
            [
                ("text", "row", "content"),
                ("number", "usage", "input_tokens"),
                ("number", "extra", ""),
                ("fixed", "row", "response_id"),
            ],
        ),
        "usage": (
            put(b'"choices"', b'"usage":{"completion_tokens":3},'),
            [
                ("fixed", "row", "response_id"),
                ("number", "usage", "output_tokens"),
                ("text", "row", "content"),
            ],
        ),
        "a number of too many digits": (
            put(b'"choices"', b'"usage":{"completion_tokens":9999999999999999},'),
            [("fixed", "row", "response_id"), ("text", "row", "content")],
        ),
        "the index of a block of text": (
            piece(17, {"type": "text_delta", "text": "A"}),
            [("index", "extra", ""), ("text", "row", "content")],
        ),
        "the index that is left out of extra": (
            piece(0, {"type": "text_delta", "text": "A"}),
            [("text", "row", "content")],
        ),
        "the other index that is left out of extra": (
            piece(1, {"type": "text_delta", "text": "A"}),
            [("text", "row", "content")],
        ),
        "an id in extra and in a column": (
            data({"event_type": "interaction.status_update", "status": "s", "interaction_id": "i"}),
            [("fixed", "row", "response_id")],
        ),
        "the index of a call": (
            piece(17, {"type": "input_json_delta", "partial_json": "A"}),
            [("text", "call", "arguments")],
        ),
        "an index beside that of a call": (
            piece(17, {"type": "input_json_delta", "partial_json": "A", "annotation_index": 17}),
            [("text", "call", "arguments")],
        ),
        "an index of too many digits": (
            piece(1234567890, {"type": "text_delta", "text": "A"}),
            [("text", "row", "content")],
        ),
        "the index of a choice": (
            PLAIN.replace(b'"index":0', b'"index":2'),
            [("fixed", "row", "response_id"), ("text", "row", "content")],
        ),
        "a time with a fraction": (
            CREATED,
            [("fixed", "row", "response_id"), ("time", "row", "created_at")],
        ),
        "a time with a fraction that is not zero": (
            CREATED.replace(b".0,", b".5,"),
            [("fixed", "row", "response_id")],
        ),
        "a time whose sentinel is a part of that of a number": (
            data(
                {
                    "type": "response.created",
                    "response": {"created_at": 1745200000, "id": "resp_1"},
                    "a_tokens": 1,
                    "b_tokens": 2,
                    "sequence_number": 7,
                }
            ),
            [
                ("time", "row", "created_at"),
                ("fixed", "row", "response_id"),
                *[("number", "extra", "")] * 3,
            ],
        ),
        "an instant": (
            DATED % b"2025-09-03T14:13:07.015693Z",
            [("text", "row", "content"), ("instant", "row", "created_at"), ("fixed", "row", "response_id")],
        ),
        "an instant that comes out in extra": (
            DATED % b"2025-09-03T14:13:07.015690Z",
            [("text", "row", "content"), ("fixed", "row", "response_id")],
        ),
        "what looks like an instant": (
            DATED % b"2025-09-43T14:13:07.015693Z",
            [("text", "row", "content"), ("fixed", "row", "response_id")],
        ),
        "another time": (
            CREATED.replace(b'"created_at"', b'"completed_at"').replace(b".0,", b","),
            [("fixed", "row", "response_id"), ("time", "extra", "")],
        ),
        "empty content": (text("", "a"), [("fixed", "row", "response_id")]),
        "a text twice": (
            PLAIN.replace(
                b'"content":"A"',
                b'"content":"","reasoning":"B","reasoning_details":[{"text":"B","id":"r"}]',
            ),
            [
                ("fixed", "row", "response_id"),
                ("text", "row", "reasoning"),
                ("same", "none", ""),
                ("fixed", "extra", ""),
            ],
        ),
        "a text twice, the column behind": (
            put(b'"content"', b'"x":[{"text":"A"}],'),
            [("fixed", "row", "response_id"), ("text", "row", "content"), ("same", "none", "")],
        ),
        "a text three times": (
            put(b'"content"', b'"x":[{"text":"A"},{"summary":"A"}],'),
            [
                ("fixed", "row", "response_id"),
                ("text", "row", "content"),
                ("same", "none", ""),
                ("same", "none", ""),
            ],
        ),
        "a text twice, and as padding": (put(b'"content"', b'"x":[{"text":"A"}],"p":"A",'), []),
        "a text twice, and another that may be it": (
            put(b'"content"', b'"x":[{"text":"A"},{"text":"B"}],'),
            [],
        ),
        "a text twice, and one that is none but may be it": (
            put(b'"content"', b'"x":[{"text":"A"},{"summary":["B"]}],'),
            [],
        ),
        "a text twice, and another column that may be it": (
            put(b'"content"', b'"x":[{"text":"A"}],"reasoning":"B",'),
            [],
        ),
        "a text twice, and a column that is the same in all but may be it": (
            put(b'"content"', b'"x":[{"text":"A"}],"reasoning":"~hole 2~",'),
            [],
        ),
        "a text twice, escaped otherwise": (put(b'"content"', b'"x":[{"text":"\\u0041"}],'), []),
        "two choices: two rows": (data(chunk("a", [{"index": 0}, {"index": 1}])), []),
        "a reference that might be to another column": (
            PLAIN.replace(b'"content":"A"', b'"content":"A","reasoning":"B","reasoning_content":null'),
            [],
        ),
        "a reference that may be to one column only": (
            PLAIN.replace(b'"content":"A"', b'"content":"","reasoning":"B","x":[{"text":"B"}]'),
            [("fixed", "row", "response_id"), ("text", "row", "reasoning"), ("same", "none", "")],
        ),
        "a text that must not be that of a column": (
            put(b'"choices"', b'"text":"B",'),
            [("fixed", "row", "response_id"), ("text", "extra", ""), ("text", "row", "content")],
        ),
        "a text that is the same in all and may be that of a column": (
            put(b'"choices"', b'"text":"~hole 1~",'),
            [],
        ),
        "a text that may be that of one of two columns": (
            put(b'"content"', b'"text":"C","reasoning":"B",'),
            [],
        ),
        "a comment before it": (b": c\n" + PLAIN, []),
        "invalid UTF-8": (PLAIN.replace(b'"A"', b'"\xff"'), []),
        "half of a pair": (PLAIN.replace(b'"A"', b'"\\ud83d"'), []),
        "an error outside of the events": (
            b'{"type":"error","sequence_number":3,"code":"c","message":"no","param":null}\n\n',
            [],
        ),
        "a log line": (b"GET /v1\n\n", []),
        "too long": (text("A" * MAX_TEXT, "a"), []),
    },
)
def test_what_may_vary(event: bytes, expected: list[tuple[str, str, str]]) -> None:
    assert holes(event) == expected


def test_an_event_in_which_very_much_may_vary_has_no_template() -> None:
    def event(holes: int) -> bytes:
        return data({**chunk("a", [{"index": 0, "delta": {}}]), "k": [{"p": "a"}] * holes})

    assert learn(event(20)) is not None
    assert learn(event(MAX_HOLES)) is None


def test_an_api_may_expect_two_texts_to_be_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(
        name="x",
        matches=lambda _chunk, _type: True,
        columns=lambda chunk, _type: [Row(response_id=chunk["id"])],
        skeleton=lambda rows: {"id": rows[0].response_id, "run_id": rows[0].response_id},
    )
    event = data({"id": "a", "run_id": "b"})
    other = replace(api, skeleton=lambda rows: {"id": rows[0].response_id})
    monkeypatch.setattr(apis, "recognise", lambda _chunk, _type: api)
    assert learn(event) is None
    monkeypatch.setattr(apis, "recognise", lambda _chunk, _type: other)
    assert holes(event) == [("fixed", "row", "response_id"), ("fixed", "extra", "")]


def test_a_template_does_not_find_the_same_text_where_another_must_be() -> None:
    template = learn(put(b'"choices"', b'"text":"B",'))
    assert template is not None
    for told, is_found in ((b"B", True), (b"A", False), (b"\\u0041", False), (b"\\u0042", True)):
        event = put(b'"choices"', b'"text":"%b",' % told)
        found = template.find(event)
        assert (found is not None) == is_found
        assert found is None or found.row == ordinary(event)


def test_texts_around_holes_are_taken_literally() -> None:
    event = put(b'"choices"', b'"x":"100% (.*) {3} %b %(a)s",')
    template = learn(event)
    assert template is not None
    assert (found := template.find(event)) is not None
    assert found.row == ordinary(event)
    assert template.find(event.replace(b"100%", b"100x")) is None
    assert template.find(event.replace(b"(.*)", b"(abc")) is None


@table(
    "old, new",
    {
        "a digit more": (b'"prompt_tokens":7', b'"prompt_tokens":' + b"7" * 16),
        "a needless zero": (b'"prompt_tokens":7', b'"prompt_tokens":07'),
        "a text that ends early": (b'"content":"A"', b'"content":"A","x":"B"'),
        "a text that does not end": (b'"content":"A"', b'"content":"A\\"'),
        "something behind": (b"\n\n", b"\n\n\n"),
        "nothing behind": (b"\n\n", b"\n"),
        "another byte around": (b'"logprobs"', b'"logprobz"'),
    },
)
def test_what_is_not_of_a_template(old: bytes, new: bytes) -> None:
    event = put(b'"choices"', b'"usage":{"prompt_tokens":7},')
    template = learn(event)
    assert template is not None
    assert template.find(event) is not None
    assert template.find(event.replace(old, new)) is None
