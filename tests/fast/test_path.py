"""Both paths give the same, whatever the file and however it is cut; and the fast one is really taken.

For more than CI tries: pytest tests/fast --hypothesis-profile search --timeout 0
"""

import random
import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import rawfiles
from bothpaths import assert_same, blocks, read
from rawfiles import SHIPPED, Events, raw_file
from reading import CAPTURE_ID, DONE, chunk, data, finish, role, table, text, usage
from ssetl import interleaved
from ssetl.fast import learning, path, reader
from ssetl.interleaved import MAX_HELD, MAX_OPEN
from ssetl.streams import Capture

pytestmark = pytest.mark.usefixtures("any_block_is_large_enough")


def streams(shape: str, count: int = 24) -> list[Events]:
    return rawfiles.streams(shape, random.Random(shape), count)


def body(files: list[Events]) -> bytes:
    return "".join(event for events in files for event in events).encode()


def cut(file: bytes, count: int) -> list[bytes]:
    size = len(file) // count + 1
    return [file[start : start + size] for start in range(0, len(file), size)]


# A file is chosen by a number: it has thousands of choices, and no smaller number gives a smaller file.
@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 32))
def test_both_paths_give_the_same(number: int) -> None:
    source = random.Random(number)
    file, ndjson = raw_file(source)
    assert_same(file, blocks(source, file), ndjson=ndjson)


@pytest.mark.parametrize("file", SHIPPED)
def test_both_paths_give_the_same_of_shipped_captures(file: bytes) -> None:
    assert_same(file, [file])
    assert_same(file * 3, cut(file * 3, 4))


@table("shape", {shape: shape for shape in ("plain", "responses", "messages", "bare_messages", "short_ids")})
def test_a_block_may_end_anywhere(shape: str) -> None:
    files = rawfiles.streams(shape, random.Random(shape), 6, 1)
    file, learned = body(files), len(body(files[:3]))
    for end in range(learned - 150, learned + 150, 7):
        assert_same(file, [file[:end], file[end:]])


MIXABLE = ("plain", "obfuscated", "tool_calls", "usage_every_chunk", "escaped", "reasoning", "interleaved")


class Ways:
    """How many events of a file went which way, and how many streams as a whole."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.counted: Counter[str] = Counter()
        self._count(patch, "place", lambda _stream, _flat: 1)
        self._count(patch, "count", lambda events: events)
        self._count(patch, "live", lambda _index, streams, *_: streams)

    def _count(self, patch: pytest.MonkeyPatch, name: str, times: Callable[..., int]) -> None:
        original = getattr(Capture, name)

        def wrapped(capture: Capture, *given: object) -> object:
            if capture.capture_id == CAPTURE_ID:  # and not what is made to learn from
                self.counted[name] += times(*given)
            return original(capture, *given)

        patch.setattr(Capture, name, wrapped)


@table(
    "shape",
    {
        shape: shape
        for shape in (
            "plain",
            "obfuscated",
            "tool_calls",
            "usage_every_chunk",
            "escaped",
            "responses",
            "messages",
            "bare_messages",
            "parallel_calls",
            "twice",
            "interactions",
        )
    },
)
def test_streams_that_are_alone_are_taken_as_a_whole(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file, ways = body(streams(shape, 48)), Ways(monkeypatch)
    read(path.read_interleaved, cut(file, 6))
    assert ways.counted["live"] > 24


@table("escape, is_whole", {"as ours": (r"\n\"\\", True), "not as ours": (r"\/", False)})
def test_texts_in_extra_may_have_escapes(
    escape: str, is_whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [[event.replace(" the", f" {escape}the") for event in each] for each in streams("responses", 48)]
    file, ways = body(events), Ways(monkeypatch)
    assert file.count(escape.encode()) > 24
    read(path.read_interleaved, cut(file, 6))
    assert (ways.counted["live"] > 24) == is_whole
    assert_same(file, cut(file, 6))


@table("shape", {shape: shape for shape in rawfiles.SHAPES if shape != "whole_calls"})
def test_most_events_are_not_taken_singly(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files = streams(shape)
    if shape in MIXABLE:
        for n in range(len(files) // 4):
            rawfiles.mix(random.Random(shape), files, n)
    file, ways = body(files), Ways(monkeypatch)
    capture = read(path.read_interleaved, [file])
    assert ways.counted["place"] < capture.counts["events"] // 2
    assert ways.counted["count"] > capture.counts["events"] // 2


# Files that were read differently once, or that the fast path must leave to the ordinary one.


def changed(shape: str, old: str, new: str, count: int = 24) -> list[Events]:
    """Streams of which every other one of the second half is changed."""
    files = streams(shape, count)
    return [
        [event.replace(old, new) for event in events] if n > count // 2 and n % 2 else events
        for n, events in enumerate(files)
    ]


def put(shape: str, event: str, place: int = 4) -> list[Events]:
    return [
        [*events[:place], event, *events[place:]] if n % 3 == 2 else events
        for n, events in enumerate(streams(shape))
    ]


def ended_by_another_id() -> list[Events]:
    files = streams("responses", 48)
    for events in files[-4:]:
        events[-1] = events[-1].replace('"id":"resp_', '"id":"resp_z')
    return files


def escaped(found: re.Match[str]) -> str:
    """Two texts that are the same, the second one with an escape."""
    between, first, rest = found.groups()
    return f'"content":"{first}{rest}{between}"\\u{ord(first):04x}{rest}'


@table(
    "files",
    {
        "a whole call in one event": streams("whole_calls"),
        "a response that ends with another id": ended_by_another_id(),
        "a model that looks like a sentinel": changed("plain", "gpt-4o-mini-2024-07-18", "~life~"),
        "all models look like a sentinel": [
            [event.replace("gpt-4o-mini-2024-07-18", "~life~") for event in events]
            for events in streams("plain")
        ],
        "milliseconds among seconds": changed("plain", '"created":1', '"created":1000'),
        "an error outside of the events": put("responses", 'error: {"message":"no"}\n\n'),
        "a bare error with the shape of an event": put(
            "responses", '{"type":"error","sequence_number":3,"code":"c","message":"no","param":null}\n\n'
        ),
        "a role again": put("plain", streams("plain")[2][0]),
        "DONE twice": put("plain", "data: [DONE]\n\n", 99),
        "DONE after an API's own end": put("responses", "data: [DONE]\n\n", 99),
        "a request": put("plain", ": request 2025-04-21T03:21:59Z POST /v1\n\n", 0),
        "a stamp": put("plain", ": t 2025-04-21T03:21:59Z\n"),
        "a reference": changed("obfuscated", '"obfuscation"', '"reasoning"'),
        "a literal": changed("plain", '"logprobs":null', '"x":{"$literal":"content","$column":"content"}'),
        "a text in two places": changed("plain", '"logprobs":null', '"text":"X"'),
        "a key twice": changed("plain", '"delta":{', '"delta":{"content":"other",'),
        "a member where padding may be": changed("messages", "}\n\n", ',"x":1 }\n\n'),
        "a text twice, which is another one as long in some": [
            [re.sub(r'(?<="text":")[^"]+', lambda found: found[0].swapcase(), event) for event in events]
            if n % 3 == 2
            else events
            for n, events in enumerate(streams("twice"))
        ],
        "a text that is that of a column where it was not": [
            [
                re.sub(r'"content":"[^"]*"(.*"content":("[^"]*"))', r'"content":\2\1', event)
                if m % 3
                else event
                for m, event in enumerate(events)
            ]
            if n > 12
            else events
            for n, events in enumerate(streams("cumulative"))
        ],
        "a text that is that of a column where it was not, once escaped": [
            [
                re.sub(r'"content":"[^"]*"(.*"content":)"(\w|\s)([^"]*")', escaped, event) if m % 3 else event
                for m, event in enumerate(events)
            ]
            if n > 12
            else events
            for n, events in enumerate(streams("cumulative"))
        ],
        "a text twice, once escaped": changed("twice", '"text":" t', '"text":" \\u0074'),
        "a text twice, and the same in another column": [
            [re.sub(r'"content":"",("reasoning":"([^"]+)")', r'"content":"\2",\1', event) for event in events]
            if n % 3 == 2
            else events
            for n, events in enumerate(streams("twice"))
        ],
        "texts that are empty": [
            [re.sub(r'"content":"[^"]+"', '"content":""', event) if n % 3 else event for event in events]
            for n, events in enumerate(streams("plain"))
        ],
        "nothing but beginnings and ends": [[*events[:2], *events[-3:]] for events in streams("messages")],
        "another choice": changed("plain", '"choices":[{"index":0', '"choices":[{"index":1'),
        "one id": [
            [event.replace(files[0].split('"')[3], "chatcmpl-7") for event in files]
            for files in streams("plain")
        ],
    },
)
def test_files_that_differ_in_a_small_thing(files: list[Events]) -> None:
    file = body(files)
    assert_same(file, [file])
    assert_same(file, cut(file, 6))
    lines = rawfiles.as_ndjson(file)
    assert_same(lines, cut(lines, 6), ndjson=True)


def test_more_streams_than_may_be_open() -> None:
    ids = [f"id-{n:06d}" for n in range(MAX_OPEN + 8)]
    rounds = [role(name) for name in ids], [text("A", name) for name in ids], [finish(name) for name in ids]
    file = b"".join(event for events in rounds for event in events)
    assert_same(file, cut(file, 3))


# A file is chosen by a number, as above.
@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 32), st.sampled_from((3, 5, 9)))
def test_both_paths_give_the_same_with_few_streams_open(number: int, most: int) -> None:
    source = random.Random(number)
    file, ndjson = raw_file(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interleaved, "MAX_OPEN", most)
        assert_same(file, blocks(source, file), ndjson=ndjson)


@settings(phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 1 << 32))
def test_a_block_may_be_left_to_the_ordinary_path_anywhere(number: int) -> None:
    source = random.Random(number)
    file, ndjson = raw_file(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_MAX_ASKED", source.choice((0, 0.01, 0.1)))
        assert_same(file, blocks(source, file), ndjson=ndjson)


def test_comments_between_many_open_streams_do_not_ask_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    monkeypatch.setattr(reader.BlockReader, "_is_akin", lambda *_: asked.update(["lane"]) or True)
    ids = [f"id-{n:06d}" for n in range(400)]
    file = b"".join(map(role, ids)) + b"".join(text("B", name) + b": up\n\n" for name in ids)
    read(path.read_interleaved, [file])
    assert asked["lane"] < 16 * 3 * len(ids)  # and not 400 for each comment


def padded(blanks: int, name: str = "a1", **members: int) -> bytes:
    return text("A", name).replace(b"{", b"{" + b"".join(b'"%b":1,' % key.encode() for key in members), 1)[
        :-3
    ] + b"%b}\n\n" % (b" " * blanks)


@table(
    "pieces",
    {
        "more blanks than padding has": [padded(0) * 40 + padded(65), padded(0) * 40 + padded(3)],
        "what has no padding, of an id of another length, when that with padding is not known any more": [
            *(
                padded(1) * 100 + b"".join(padded(0, **{f"x{n}": 1}) for n in range(first, first + 20))
                for first in range(0, 80, 20)
            ),
            padded(1) * 100 + padded(0, "a123") * 10,
        ],
    },
)
def test_templates_with_and_without_padding(pieces: list[bytes]) -> None:
    assert_same(b"".join(pieces), pieces)


def test_more_events_than_may_be_held() -> None:
    stray = data(chunk(None, [{"index": 0, "delta": {"content": "X"}}]))
    alone = b"".join([role("a"), text("A", "a"), finish("a"), usage("a"), DONE])
    file = alone * 4 + role("b") + alone + stray * (MAX_HELD + 8) + text("B", "b") * 20 + finish("b") + DONE
    assert_same(file, cut(file, 3))


def odd(
    name: str = "abcdefghi", created: str = "1745200000", delta: str = "", end: str = "\n\n", more: str = ""
) -> bytes:
    """An event with an id of nine bytes."""
    return (
        f'data: {{"id":"{name}","object":"chat.completion.chunk","created":{created},"model":"m",'
        f'"choices":[{{"index":0,"delta":{{{delta}}},"finish_reason":null}}]{more}}}{end}'
    ).encode()


def block(index: int | str) -> bytes:
    """A piece of an answer in Interactions, which expect it to have index 1."""
    delta = '{"text":"A","type":"text"}'
    return f'data: {{"index":{index},"delta":{delta},"event_type":"step.delta"}}\n\n'.encode()


def odd_stream(name: str) -> bytes:
    texts = b"".join(odd(name, delta=f'"content":"w{n}"') for n in range(6))
    return odd(name, delta='"role":"assistant"') + texts + b"data: [DONE]\n\n"


@table(
    "like, other",
    {
        "one more blank line, no text that differs": ([odd()] * 40, odd(end="\n\n\n")),
        "one more blank line behind a number": (
            [odd(more=f',"x_tokens":{n}') for n in range(40)],
            odd(more=',"x_tokens":3', end="\n\n\n"),
        ),
        "a number that begins with zero": (
            [odd(more=f',"x_tokens":{n}') for n in range(40)],
            odd(more=',"x_tokens":07'),
        ),
        "a time that begins with zero": ([odd()] * 40, odd(created="0745200000")),
        "an index that is left out": ([block(n) for n in range(2, 10)] * 5, block(1)),
        "an index that is no whole number": ([block(n) for n in range(100, 140)], block("1e2")),
        "an index that begins with zero": ([block(n) for n in range(10, 50)], block("01")),
        "a time with another fraction": (
            [odd(created=f"17452000{n}.0") for n in range(10, 50)],
            odd(created="1745200020.5"),
        ),
        "a time that is no whole number": ([odd()] * 40, odd(created="17452000e1")),
        "an escape in an id": ([odd_stream(f"abcdef{n:03}") for n in range(30)], odd_stream("abc\\u0061")),
        "a control character in an id": (
            [odd_stream(f"abcdef{n:03}") for n in range(30)],
            odd_stream("abc\tdefgh"),
        ),
        "an id that ends early": ([odd_stream(f"abcdef{n:03}") for n in range(30)], odd_stream('a","x":"y')),
    },
)
def test_what_is_only_as_long_as_the_others(like: list[bytes], other: bytes) -> None:
    data = b"".join([*like[:20], other, *like[20:]])
    assert_same(data, [data])


def documented(number: int, holes: int) -> bytes:
    """A stream whose first event has many holes."""
    texts = ",".join(f'{{"text":"a{n}"}}' for n in range(holes))
    return (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_%03d","type":"message",'
        b'"role":"assistant","model":"m","content":[],"documents":[%b],'
        b'"usage":{"input_tokens":%d,"output_tokens":1}}}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
        b'"stop_sequence":null},"usage":{"output_tokens":%d}}\n\n'
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    ) % (number, texts.encode(), 100 + number, 7 + number)


@pytest.mark.parametrize("most", [64, 500])
@pytest.mark.parametrize("holes", [5, 97, 98, 99, 100, 199])
def test_no_two_values_of_a_stream_are_taken_for_one_another(
    holes: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "MAX_HOLES", most)
    data = b"".join(documented(number, holes) for number in range(24))
    assert_same(data, [data])
