"""Logs: stamps of every kind, envelopes, events inside of application logs, and what only looks like one."""

from io import BytesIO
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import linelog, stamps
from ssetl.captures.exchange import Exchange, Gap, Piece, Read
from ssetl.captures.recognise import open_capture
from ssetl.lines import Line, Lines

LOGS = Path(__file__).parent.parent.parent / "data" / "captures" / "logs"
FIRST = 1772442960_483112  # when the first line was written, 41 ms before the second
STEP = 41_000


def pieces_of(text: bytes) -> tuple[str, list[Piece]]:
    """Container and pieces of a capture with one exchange."""
    capture = open_capture(BytesIO(text))
    [exchange] = capture.exchanges
    assert isinstance(exchange, Exchange)
    return capture.container, list(exchange.body)


def lines_of(text: bytes) -> list[Line]:
    container, pieces = pieces_of(text)
    assert container == "log"
    some = (piece if isinstance(piece, Lines) else [piece] for piece in pieces)
    return [piece for piece in chain.from_iterable(some) if isinstance(piece, Line)]


def times_of(text: bytes) -> list[int | None]:
    """Arrival times of the lines that are data."""
    return [line.received_at for line in lines_of(text) if line.text.startswith((b"data: {", b"{"))]


# file, time of the first data line, microseconds between data lines
STAMPED = [
    ("docker.log", FIRST + STEP, None),
    ("kubectl.log", FIRST + STEP, None),
    ("cri.log", FIRST + STEP + 3, None),
    ("journald.log", FIRST + STEP, None),
    ("ts-iso.log", FIRST, 2 * STEP),
    ("ts-epoch.log", FIRST, 2 * STEP),
    ("epoch-ms.log", FIRST // 1000 * 1000, 2 * STEP),
    ("offset-comma.log", FIRST // 1000 * 1000, 2 * STEP),
    ("docker-json.log", FIRST + STEP, None),
    ("envelope-line.jsonl", FIRST, 2 * STEP),
    ("envelope-event.jsonl", FIRST // 1000 * 1000, STEP),
    ("envelope-chunk.jsonl", FIRST + 1, STEP),
    ("journald.json", FIRST + STEP, None),
    ("python.log", FIRST // 1000 * 1000, STEP),
    ("go-trace.log", FIRST + 7, STEP),
]


@pytest.mark.parametrize(("name", "first", "step"), STAMPED, ids=[name for name, _, _ in STAMPED])
def test_each_kind_of_stamp_is_read(name: str, first: int, step: int | None) -> None:
    found = times_of((LOGS / name).read_bytes())

    assert len(found) == 9
    assert None not in found
    assert found[0] == pytest.approx(first, abs=1)
    assert found == sorted(found)
    if step:
        gaps = {after - before for before, after in pairwise(found) if before and after}
        assert gaps <= {step - 1, step, step + 1}


@pytest.mark.parametrize("path", sorted(LOGS.iterdir()), ids=lambda path: path.name)
def test_no_byte_of_a_log_is_lost_or_counted_twice(path: Path) -> None:
    text = path.read_bytes()
    end = 0
    for piece in pieces_of(text)[1]:
        assert not isinstance(piece, Read)
        assert piece.offset == end
        end += piece.size
    assert end == len(text)


@pytest.mark.parametrize("path", sorted(LOGS.iterdir()), ids=lambda path: path.name)
def test_every_log_holds_the_same_stream(path: Path) -> None:
    data = [line.text.removeprefix(b"data: ") for line in lines_of(path.read_bytes()) if b"{" in line.text]

    assert len(data) == 9
    assert b"".join(data).count(b'"content":" ferry"') == 1
    assert data[-1].endswith(b'"total_tokens":15}}')


def test_lines_that_hold_no_event_are_log_lines() -> None:
    _, pieces = pieces_of((LOGS / "python.log").read_bytes())

    gaps = [piece for piece in pieces if isinstance(piece, Gap)]
    assert {gap.reason for gap in gaps} == {"log_line"}
    assert len(gaps) == 9
    assert b"parsed chunk" in gaps[0].sample
    assert gaps[0].line == 2


def test_parts_of_a_line_are_joined_though_another_writer_speaks_between() -> None:
    _, pieces = pieces_of((LOGS / "cri.log").read_bytes())

    lines = [piece for piece in pieces if isinstance(piece, Line)]
    assert lines[1].text == b"uvicorn is busy"
    assert lines[2].text.startswith(b'data: {"id":"chatcmpl-boat01"')
    assert lines[2].text.endswith(b'"finish_reason":null}]}')
    assert {piece.reason for piece in pieces if isinstance(piece, Gap)} == {None}


EVENT = b'data: {"object":"chat.completion.chunk","choices":[]}'
LOOKS_STAMPED = [
    b"2025 data: x\n" * 5,  # a year
    b"".join(b"%d %s\n" % (position, EVENT) for position in range(20)),  # line numbers
    b"2025-04-21 %s\n" % EVENT * 5,  # a day
    b"".join(b"%d %s\n" % (number, EVENT) for number in (1745205719, 1645205719, 1745205720, 1345205719)),
    b"1745205719 %s\n" % EVENT * 5,  # a number that stands still: an account, not a clock
    b"1745205719 apples\n1745205720 pears\n1745205721 plums\n",
    b"Apr 21 03:21:59 %s\nApr 21 03:22:00 %s\n" % (EVENT, EVENT),  # of which year?
    b"2025-04-21 03:21:59 %s\n2025-04-21 03:22:00 %s\n"
    % (EVENT, EVENT),  # of which zone, and where in the second?
    EVENT + b"\n\n2025-04-21T03:21:59.1Z is when it began\n\n" + EVENT + b"\n\n",
    b'{"timestamp":1745205719.25,"object":"chat.completion.chunk","choices":[]}\n' * 3,
    b'{"created_at":"2025-04-21T03:21:59.25Z","response":"12:00","done":false}\n' * 3,
]


@pytest.mark.parametrize("text", LOOKS_STAMPED)
def test_what_only_looks_stamped_has_no_arrival_times(text: bytes) -> None:
    [exchange] = open_capture(BytesIO(text)).exchanges
    assert isinstance(exchange, Exchange)
    for piece in exchange.body:
        assert isinstance(piece, Gap) or piece.received_at is None


def test_events_behind_a_prefix_that_is_no_time_are_found_all_the_same() -> None:
    for text in LOOKS_STAMPED[1:5]:
        assert {line.text for line in lines_of(text)} == {EVENT}


def test_the_clock_of_one_writer_may_be_behind_that_of_another() -> None:
    text = b"".join(
        b"[pod/%b/app] 2025-04-21T03:22:%02d.%dZ %b\n" % (pod, second, tenth, EVENT)
        for second in range(9)
        for pod, tenth in ((b"gw-a", 5), (b"gw-b", 1))
    )
    assert len(times_of(text)) == 18
    assert None not in times_of(text)


def test_a_clock_may_be_set_back() -> None:
    text = b"".join(b"2025-04-21T03:22:%02d.5Z %b\n" % (second, EVENT) for second in (10, 11, 5, 6))
    assert [at and at // 1_000_000 % 60 for at in times_of(text)] == [10, 11, 5, 6]


def test_stamps_that_stand_still_at_first_are_times_if_they_go_on_later() -> None:
    first = b"2025-04-21T03:22:01Z %b\n" % EVENT * 2000
    assert set(times_of(first)) == {None}
    assert len(set(times_of(first + b"2025-04-21T03:22:02Z %b\n" % EVENT))) == 2


def test_what_stamps_that_stand_still_show_is_not_forgotten() -> None:
    first = b"2025-04-21T03:22:01Z DEBUG up %b\n" % EVENT * 100
    idle = b"2025-04-21T03:22:0%dZ INFO idle: nothing of interest is here\n"
    text = first + idle % 1 * 2000 + idle % 5 * 2000
    assert len([line for line in lines_of(text) if line.text == EVENT]) == 100


def test_prose_that_begins_with_numbers_is_raw_text() -> None:
    container, pieces = pieces_of(b"1745205719 apples\n1745205720 pears\n1745205721 plums\n")
    assert container == "sse"
    assert [type(piece) for piece in pieces] == [Read]


def test_a_gateway_log_that_starts_with_chatter_is_still_a_log() -> None:
    chatter = b"".join(b"2025-04-21T03:21:%02d.000001Z starting up\n" % second for second in range(20))
    event = b"2025-04-21T03:22:00.25Z " + EVENT + b"\n"
    found = [line for line in lines_of(chatter + event) if line.text == EVENT]
    assert [line.received_at for line in found] == [1745205720_250000]


@pytest.mark.parametrize(
    ("line", "name", "at", "text"),
    [
        (b"2025-04-21T03:21:59.483112999Z data: x", "iso", 483112, b"data: x"),
        (b"2025-04-21T03:21:59.483112999Z ", "iso", 483112, b""),
        (b"2025-04-21T03:21:59.483112999Z", "iso", 483112, b""),
        (b"2025-04-21T05:21:59.5+02:00\tdata: x", "iso", 500000, b"data: x"),
        (b"[2025-04-21 03:21:59,5] data: x", "iso", 500000, b"data: x"),
        (b'time=2025-04-21T03:21:59.5Z level=INFO msg="data: x"', "iso", 500000, b'level=INFO msg="data: x"'),
        (b"web-1  | 2025-04-21T03:21:59.5Z data: x", "iso", 500000, b"data: x"),
        (b"[pod/gateway/app] 2025-04-21T03:21:59.5Z data: x", "iso", 500000, b"data: x"),
        (b"1745205719.483112 data: x", "epoch", 483112, b"data: x"),
        (b"1745205719483: data: x", "epoch", 483000, b"data: x"),
        (b"1745205719483112999 data: x", "epoch", 483112, b"data: x"),
        (b"2025-04-21T03:21:59.5+0000 host gw[12]: data: x", "journald", 500000, b"data: x"),
        (b"2025-04-21T03:21:59.5Z stdout F data: x", "cri", 500000, b"data: x"),
        (b"2025-04-21T03:21:59.5Z stderr F ", "cri", 500000, b""),
    ],
)
def test_a_prefix_is_taken_off_to_the_byte(line: bytes, name: str, at: int, text: bytes) -> None:
    split = next(prefix for prefix in stamps.PREFIXES if prefix.name == name).split(line)
    assert split is not None
    assert (split.at, split.text) == (1745205719_000000 + at, text)
    recognised = stamps.recognise([line.removesuffix(text).rstrip() + b" " + EVENT] * 2)
    assert recognised is not None
    assert recognised.name == name


def test_stamps_of_whole_seconds_are_shared_by_many_events() -> None:
    text = b"".join(b"%d %s\n" % (1745205719 + second // 3, EVENT) for second in range(9))
    [exchange] = open_capture(BytesIO(text)).exchanges
    assert isinstance(exchange, Exchange)
    assert exchange.clock == "arrival_read"
    assert [line.received_at for line in lines_of(text)][::3] == [
        1745205719_000000 + n * 1_000000 for n in range(3)
    ]


@given(st.lists(st.binary(max_size=60).map(lambda text: text.replace(b"\n", b"")), max_size=30))
def test_no_lines_make_recognition_fail(lines: list[bytes]) -> None:
    linelog.recognise(lines)


@given(st.lists(st.sampled_from([EVENT, b"", b"event: ping", b": c", b"noise", b'{"error":{}}']), min_size=1))
def test_stamping_a_stream_changes_nothing_but_its_times(texts: list[bytes]) -> None:
    texts = [EVENT, *texts]
    stamped = b"".join(b"2025-04-21T03:21:%02d.25Z %s\n" % (at % 60, text) for at, text in enumerate(texts))
    if len(texts) <= 60:
        assert [line.text for line in lines_of(stamped)] == texts
