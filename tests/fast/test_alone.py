"""Streams that are alone: where they begin and end, and what is told of them as a whole."""

import random

import pytest

import rawfiles
from bothpaths import assert_same
from rawfiles import Events
from reading import DONE, finish, role, table, text, usage
from ssetl.captures.exchange import Exchange
from ssetl.fast import lives, reading
from ssetl.fast.alone import Alone, alone
from ssetl.fast.block import Block
from ssetl.fast.bulk import Bulk
from ssetl.fast.lives import MAX_RUNS, Life, Lives
from ssetl.fast.templates import Templates

EXCHANGE = Exchange([], single=False)


def found(data: bytes) -> list[Alone]:
    """The streams of a block that are alone, once all of its events have templates."""
    block, templates = Block(data), Templates(EXCHANGE)
    for _ in range(8):
        matches = templates.match(block)
    return list(alone(Bulk(block, matches), block.same(DONE)))


def spans(data: bytes) -> list[tuple[int, int]]:
    return [(each.first, each.end) for each in found(data)]


def whole(name: str, content: int = 4) -> bytes:
    """A stream of `content` + 3 events and a terminator."""
    return b"".join([role(name), *[text("A", name)] * content, finish(name), usage(name), DONE])


@table(
    "data, expected",
    {
        "one behind the other": (whole("a") + whole("b") + whole("c"), [(0, 7), (8, 15), (16, 23)]),
        "without content": (whole("a", 0) + whole("b"), [(0, 3), (4, 11)]),
        "no terminator at the end": (whole("a") + whole("b").removesuffix(DONE), [(0, 7)]),
        "no terminator between": (whole("a").removesuffix(DONE) + whole("b") + whole("c"), [(15, 22)]),
        "a terminator twice": (whole("a") + DONE + whole("b"), [(0, 7), (9, 16)]),
        "an id that comes again": (whole("a") + whole("b") + whole("a"), [(8, 15)]),
        "interleaved": (role("a") + whole("b") + whole("c") + text("A", "a") * 4, [(9, 16)]),
        "a comment within": (whole("a") + b": up\n\n" + whole("b") + whole("c"), [(0, 7), (17, 24)]),
        "the rest of an event before it": (b'"}\n\n' + whole("a") + whole("b"), [(9, 16)]),
    },
)
def test_between_terminators(data: bytes, expected: list[tuple[int, int]]) -> None:
    assert spans(data) == expected


def streams(shape: str) -> list[Events]:
    return rawfiles.streams(shape, random.Random(shape), 6, 1)


def body(files: list[Events]) -> bytes:
    return "".join(event for events in files for event in events).encode()


@table("shape", {"messages": "messages", "responses": "responses"})
def test_from_start_to_start(shape: str) -> None:
    files = streams(shape)
    size = len(files[0])
    starts = [(n * size, (n + 1) * size) for n in range(6)]
    assert spans(body(files)) == starts[:-1]  # another one must follow

    without_end = [*files[:2], files[2][:-1], *files[3:]]
    assert [first for first, _ in spans(body(without_end))] == [0, size, 3 * size - 1, 4 * size - 1]

    ended_twice = [*files[:2], [*files[2], files[2][-1]], *files[3:]]
    assert 2 * size not in [first for first, _ in spans(body(ended_twice))]

    begun_twice = [*files[:2], [files[2][0], *files[2]], *files[3:]]
    assert 2 * size not in [first for first, _ in spans(body(begun_twice))]


@table("shape", {"messages": "messages", "responses": "responses"})
def test_a_terminator_behind_the_end_is_of_the_stream(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = DONE.decode()
    files = [[*events, done] for events in streams(shape)]
    size = len(files[0])
    expected = [(n * size, (n + 1) * size - 1) for n in range(5)]
    assert spans(body(files)) == expected
    assert all(each.has_terminator for each in found(body(files)))
    monkeypatch.setattr(reading, "MIN_BLOCK", 0)
    for odd in (
        files[2][:-1],  # without it
        [*files[2], done],  # two of them
        [*files[2][:-2], done],  # no end before it
        [*files[2][:3], done, *files[2][3:]],  # one in the middle, too
        [done, *files[2]],  # one before the start
    ):
        file = body([*files[:2], odd, *files[3:]])
        assert_same(file, [file])


def test_a_response_that_ends_with_another_id_is_not_one_stream() -> None:
    files = streams("responses")
    size = len(files[0])
    files[2][-1] = files[2][-1].replace('"id":"resp_', '"id":"resp_z')
    assert 2 * size not in [first for first, _ in spans(body(files))]


def test_padding_makes_no_shape_of_its_own() -> None:
    file = body(streams("messages")) * 2
    assert len({each.shape for each in found(file)}) == 1
    matched = [match.template for match in Templates(EXCHANGE).match(Block(file))]
    assert not any(one.pads(other) for one in matched for other in matched)


def test_a_template_with_blanks_is_found_before_the_same_one_without() -> None:
    templates, bare = Templates(EXCHANGE), text("A", "a")
    padded = bare.replace(b"}\n", b"  }\n")
    before = [templates.find(bare) for _ in range(2)]
    last = [templates.find(event) for event in (padded, bare)]
    assert None not in (*before, *last)
    one, other = (each.template for each in (last[1], before[1]) if each)
    assert one.pads(other)
    assert not other.pads(one)


def test_shapes_of_many_runs_are_not_all_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lives, "MAX_SAMPLES", 20)
    known = Lives(EXCHANGE)
    first, second, third, _ = found(whole("a", 4) + whole("b", 1) + whole("c", 2) + whole("d"))
    assert known.of(first.shape, has_terminator=True) is not None  # 18 events: once 6, and twice for one run
    assert known.of(second.shape, has_terminator=True) is None
    assert known.of(third.shape, has_terminator=True) is None
    assert known.of(first.shape, has_terminator=True) is not None


def test_a_stream_of_many_runs_is_read_event_by_event() -> None:
    changing = b"".join([text("A", "a"), finish("a", "")] * MAX_RUNS)
    assert spans(role("a") + changing + finish("a") + DONE + whole("b"))[-1:] == [
        (2 * MAX_RUNS + 3, 2 * MAX_RUNS + 10)
    ]
    assert len(spans(role("a") + changing + finish("a") + DONE + whole("b"))) == 1


def life(data: bytes) -> Life | None:
    first, *_ = found(data)
    return Lives(EXCHANGE).of(first.shape, has_terminator=first.has_terminator)


def test_what_becomes_of_a_stream_is_told_by_its_events() -> None:
    told = life(whole("a") + whole("b"))
    assert told is not None
    by_column = {each.column: (each.run, each.is_last, each.field) for each in told.told}
    assert by_column == {
        "response_id": (0, False, "response_id"),
        "input_tokens": (3, False, "input_tokens"),
        "output_tokens": (3, False, "output_tokens"),
        "total_tokens": (3, False, "total_tokens"),
    }
    assert told.grows == {1: {"events": 1, "choices_events": 1, "content_events": 1}}
    assert (told.row["outcome"], told.row["events"], told.row["finish_reasons"]) == ("completed", 6, ["stop"])


def called(name: bytes, index: int) -> bytes:
    """An event that begins a tool call."""
    call = b'"tool_calls":[{"index":%d,"id":"%b"}]' % (index, name)
    return text("A", "a").replace(b'"content":"A"', call)


def test_calls_of_different_indexes_are_different_calls() -> None:
    data = b"".join([role("a"), called(b"c", 0), called(b"d", 1), finish("a"), DONE])
    told = life(data + whole("b"))
    assert told is not None
    assert told.row["tool_calls"] == 2


@table(
    "data",
    {
        "a value that looks like one of those that tell": whole("a").replace(
            b'"object"', b'"model":"~life~","object"'
        ),
        "two calls that may be one": b"".join(
            [
                role("a"),
                *[called(name, 0) for name in (b"c", b"d")],
                finish("a"),
                DONE,
            ]
        ),
        "a second stream begins": b"".join([role("a"), text("A", "a"), finish("a"), text("A", "a"), DONE]),
    },
)
def test_what_the_shape_does_not_tell_is_left_to_the_ordinary_code(data: bytes) -> None:
    assert life(data + whole("b")) is None
