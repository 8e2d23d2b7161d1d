"""Streams that lie in each other are taken as a whole, but only where that gives the same."""

import random
from collections.abc import Sequence
from itertools import chain

import pytest

import rawfiles
from bothpaths import assert_same, read
from reading import DONE, choice, chunk, data, finish, role, table, text, usage
from ssetl import interleaved
from ssetl.fast import path
from ssetl.streams import Capture

NAMES = "abcdefgh"


pytestmark = pytest.mark.usefixtures("any_block_is_large_enough")


def whole(capture: Capture) -> int:
    """How many streams were taken as a whole."""
    return sum(len(some["stream_id"]) for some in capture.lived)


def in_turn(*rounds: Sequence[bytes]) -> bytes:
    """The first event of each stream, then the second one of each, and so on."""
    return b"".join(chain.from_iterable(rounds))


def each(event: bytes) -> list[bytes]:
    """An event of the stream `?` in all streams."""
    return [event.replace(b'"?"', b'"%s"' % name.encode()) for name in NAMES]


def done(*names: str) -> list[bytes]:
    """Terminators."""
    return [DONE] * len(names or NAMES)


def told(name: str, output_tokens: int) -> bytes:
    """An event with a text, and usage."""
    counts = {"prompt_tokens": 5, "completion_tokens": output_tokens, "total_tokens": 5 + output_tokens}
    return data(chunk(name, [choice(content="A")], usage=counts))


def response(kind: str) -> bytes:
    """An event of a stream of Responses that has an id."""
    return b"event: response.%s\n" % kind.encode() + data(
        {"type": f"response.{kind}", "response": {"id": "resp_1"}}
    )


RESPONSE = [response("created"), response("completed")]
BEGIN = [each(role("?")), each(text("A", "?")), each(text("B", "?"))]
END = [each(finish("?")), each(usage("?")), done()]
LEARNED = in_turn(*BEGIN, *END)  # in a block of its own: what follows is known then
BARE = data({"object": "chat.completion.chunk", "choices": [choice(content="X")]})


@table(
    "shape",
    {shape: shape for shape in ("plain", "obfuscated", "tool_calls", "usage_every_chunk", "reasoning")},
)
def test_streams_that_lie_in_each_other_are_taken_as_a_whole(shape: str) -> None:
    source = random.Random(shape)
    files = rawfiles.streams(shape, source, 48)
    rawfiles.weave(source, files, 12)
    file = "".join(files[0]).encode()
    pieces = [file[: len(file) // 2], file[len(file) // 2 :]]
    assert_same(file, pieces)
    assert whole(read(path.read_interleaved, [file])) == 48
    assert whole(read(path.read_interleaved, pieces)) > 24  # all but those that are open in between


@table(
    "file, expected",
    {
        "as it should be": (in_turn(*BEGIN, *END), 8),
        "usage behind the terminator": (in_turn(*BEGIN, END[0], done(), END[1]), 0),
        "one usage behind the terminators": (in_turn(*BEGIN, END[0], END[1][:7], done(), END[1][7:]), 7),
        "without terminators": (in_turn(*BEGIN, END[0], END[1]), 0),
        "too many terminators": (in_turn(*BEGIN, *END, done()), 8),
        "a terminator of a stream that has not finished": (
            in_turn(*BEGIN, [DONE], END[0], END[1], done(*NAMES[1:])),
            6,
        ),
        "the same id again": (in_turn(*BEGIN, *END, *BEGIN, *END), 0),
        "an event that is no event": (in_turn(*BEGIN, [b"data: {\n\n"], *END), 0),
        "a comment": (in_turn(*BEGIN, [b": keep-alive\n\n"], *END), 8),
        "a time": (in_turn(*BEGIN, [b": t 2025-04-21T03:21:59Z\n\n"], *END), 0),
        "a comment before a terminator, and others go on": (
            in_turn(
                *BEGIN,
                END[0][:4],
                END[1][:4],
                [b": keep-alive\n\n", DONE],
                END[0][4:],
                END[1][4:],
                done(*NAMES[1:]),
            ),
            1,
        ),
        "a comment before the first event": (in_turn([b": keep-alive\n\n"], *BEGIN, *END), 8),
        "a comment before a first event": (
            in_turn(BEGIN[0][:4], [b": keep-alive\n\n"], BEGIN[0][4:], *BEGIN[1:], *END),
            8,
        ),
        "an event without an id around": (in_turn([BARE], *BEGIN, *END), 7),
        "an event without an id in between": (in_turn(*BEGIN, [BARE], *END), 0),
        "an id that has begun by an event of two choices": (
            in_turn([data(chunk("a", [choice(0, content="X"), choice(1, content="Y")]))], *BEGIN, *END),
            7,
        ),
        "an error outside of the events": (in_turn(*BEGIN, [b'error: {"message":"no"}\n\n'], *END), 0),
        "finished, and again with a role": (
            in_turn(*BEGIN, END[0], each(data(chunk("?", [choice(0, role="assistant")]))), *END[1:]),
            0,
        ),
        "a second choice behind the finish": (
            in_turn(*BEGIN, END[0], each(text("C", "?", 1)), each(finish("?", index=1)), *END[1:]),
            0,
        ),
        "usage thrice behind a time": (
            in_turn(*BEGIN, [b": t 2025-04-21T03:21:59Z\n\n"], END[0], *[END[1]] * 3, done()),
            0,
        ),
        "usage thrice, and more of it without an id": (
            in_turn(*BEGIN, END[0], *[END[1]] * 2, each(usage("?", 7))[:1], [usage(None, 9)], done()),
            0,
        ),
        "usage with each text, and a comment": (
            in_turn(
                BEGIN[0],
                *[each(told("?", n)) for n in range(3)],
                [b": keep-alive\n\n"],
                BEGIN[1],
                END[0],
            ),
            0,
        ),
        "responses among them": (
            in_turn(
                BEGIN[0], RESPONSE, *BEGIN[1:], RESPONSE, END[0], END[1][:7], RESPONSE, END[1][7:], done()
            ),
            7,
        ),
        "an event behind the finish of one that begins no other, and its terminator before the others": (
            in_turn(
                *BEGIN, END[0], each(text("C", "?"))[3:4], done("d"), END[1][:3], END[1][4:], done(*"abcefgh")
            ).replace(b'"delta"', b'"message"'),
            8,
        ),
        "usage twice": (in_turn(*BEGIN, *END[:2], each(usage("?", 7)), done()), 8),
        "whole calls without an index": (
            in_turn(
                *BEGIN,
                *[
                    each(
                        data(chunk("?", [choice(tool_calls=[{"function": {"name": "f", "arguments": "x"}}])]))
                    )
                ]
                * 4,
                END[0],
            ),
            0,
        ),
    },
)
def test_only_what_nothing_comes_between(file: bytes, expected: int) -> None:
    assert_same(LEARNED + file, [LEARNED, file])
    capture = read(path.read_interleaved, [LEARNED, file])
    assert whole(capture) - whole(read(path.read_interleaved, [LEARNED])) == expected


def test_a_block_may_end_anywhere() -> None:
    file = in_turn(*BEGIN, *END)
    for end in range(0, len(file), 37):
        assert_same(LEARNED + file, [LEARNED, file[:end], file[end:]])


@table(
    "file",
    {
        "in turn": in_turn(*BEGIN, *END),
        "four, and then the others, without terminators": b"".join(
            in_turn(*[some[n : n + 4] for some in (*BEGIN, *END[:2])]) for n in (0, 4)
        ),
    },
)
def test_more_streams_than_may_be_open(file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interleaved, "MAX_OPEN", 5)
    assert_same(LEARNED + file, [LEARNED, file])
