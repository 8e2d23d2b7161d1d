"""What the fast path knows to be free of credentials need not be searched again when it is written."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ssetl
from ssetl import jsontext
from ssetl.captures.exchange import Exchange, Read
from ssetl.credentials import SUSPICIOUS, SUSPICIOUS_PIECE, UNUSUAL, mask, mask_json
from ssetl.fast import reading
from ssetl.fast.path import read_interleaved
from ssetl.privacy import SCREENED
from ssetl.streams import Capture

KEY = "sk-abcdefghijklmnop1234567890"
EXTRAS = {
    "harmless": ({"obfuscation": "xyz{n}"}, False),
    "a hole": ({"obfuscation": f"{KEY}{{n}}"}, True),
    "one of many": ({"obfuscation": "xyz{n}", "once": KEY}, True),
    "a name": ({"api_key": "0123456789", "obfuscation": "xyz{n}"}, True),
    "what is the same in all": ({"obfuscation": "xyz{n}", "b": {"password": "correct horse"}}, True),
    "an id": ({"obfuscation": "xyz{n}", "item_id": KEY}, True),
    "names of numbers": ({"secret": 17, "obfuscation": "xyz{n}"}, False),
    "an address cut by a quote": ({"a": "https://me:0123", "obfuscation": "x@y{n}"}, False),
    "a hole with escapes": ({"obfuscation": f'a"{KEY}{{n}}'}, True),
    "an address with escapes": ({"obfuscation": 'a"https://me:geheim{n}@host'}, True),
    "an address cut by an escaped quote": ({"obfuscation": 'https://me:"0123@y{n}'}, False),
    "an address": ({"obfuscation": "https://me:geheim{n}@host"}, True),
}
"""Members that come out in `extra`, and whether something of them is masked."""


def body(members: dict[str, object], count: int = 400) -> bytes:
    """Events that differ in their content and in `{n}`; one of them has the value of `once` instead."""
    lines = []
    once = members.get("once")
    for n in range(count):
        more = {
            name: value.replace("{n}", str(n)) if isinstance(value, str) else value
            for name, value in members.items()
            if name != "once"
        }
        if once is not None and n == count // 2:
            more["obfuscation"] = once
        event = {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1772442960,
            "model": "m",
            "choices": [{"index": 0, "delta": {"content": f"w{n}"}, "finish_reason": None}],
            **more,
        }
        lines.append(f"data: {json.dumps(event, separators=(',', ':'))}\n\n")
    return "".join(lines).encode()


@pytest.mark.parametrize("case", EXTRAS)
def test_both_paths_mask_the_same(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members, is_masked = EXTRAS[case]
    path = tmp_path / "a.sse"
    path.write_bytes(body(members) * 3)
    written = []
    for least in (0, 1 << 30):
        monkeypatch.setattr(reading, "MIN_BLOCK", least)
        lake = tmp_path / f"lake-{least}"
        ssetl.ingest(path, dataset=lake)
        with ssetl.open(lake) as opened:
            written.append(opened.scan("chunks").select("extra").collect()["extra"].to_list())
    assert written[0] == written[1]
    assert any("[masked]" in extra for extra in written[0]) == is_masked


@pytest.mark.parametrize("case", EXTRAS)
def test_only_what_is_harmless_is_not_searched_again(case: str) -> None:
    capture = Capture("00" * 16)
    for _ in read_interleaved(capture, Exchange([Read(body(EXTRAS[case][0], 3000))], single=False)):
        pass
    [batch] = capture.batches
    assert (batch.schema.field("extra").metadata == SCREENED) == (case == "harmless")


@pytest.mark.parametrize("case", EXTRAS)
def test_a_key_is_found_where_no_event_is_read_by_itself(case: str) -> None:
    file = body(EXTRAS[case][0], 3000)
    first, second = (Read(file) for _ in range(2))  # by then all is known, and the stream is open
    capture = Capture("00" * 16)
    for _ in read_interleaved(capture, Exchange([first, second], single=False)):
        pass
    assert capture.batches[1].num_rows == 3000
    assert (capture.batches[1].schema.field("extra").metadata == SCREENED) == (case == "harmless")


@pytest.mark.parametrize(
    "text", ["pa\u017f\u017fword=abcdefgh1", "api_\u212aey=abcdefgh1", "ba\u017fic dXNlcjpnZWhlaW0="]
)
def test_letters_that_only_fold_to_those_of_a_key_make_none(text: str) -> None:
    assert mask(text) == text
    assert mask_json(json.dumps({"a": text})) == jsontext.encode({"a": text})


PARTS = st.text(st.sampled_from("sk-_AIz://@ apikeysecrettoken.eyJ0123456789ABCDEF"), max_size=24)
VALUES = st.recursive(
    PARTS | st.integers(0, 99) | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(st.dictionaries(PARTS, VALUES, max_size=4))
def test_a_text_matches_only_if_a_piece_does(value: dict[str, object]) -> None:
    text = json.dumps(value, separators=(",", ":"))
    if re.search(SUSPICIOUS, text):
        assert any(re.search(SUSPICIOUS_PIECE, piece) for piece in re.split('[",]', text))


@given(st.from_regex(SUSPICIOUS_PIECE))
def test_what_is_suspicious_is_unusual(text: str) -> None:
    assert re.search(UNUSUAL, text)
