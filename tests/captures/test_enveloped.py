"""Envelopes that are taken off many lines at once hold what they hold one by one."""

import json
import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from logreading import Pieces, one_by_one
from ssetl.captures import enveloped, linelog
from ssetl.captures.envelopes import Envelope
from ssetl.lines import Lines, Splitter

ENVELOPES = {
    '{{"time":"{iso}","line":{text}}}': Envelope(("line",), "time"),
    '{{"log":{text},"stream":"stdout","time":"{iso}"}}': Envelope(("log",), "time"),
    '{{"ts":{epoch},"chunk":{text}}}': Envelope(("chunk",), "ts"),
    '{{"ts":"{epoch}", "fields" : {{"n":1,"text": {text}}} , "level":"info\\n"}} ': Envelope(
        ("fields", "text"), "ts"
    ),
    '{{"seq":{n},"ts":"{iso}","data":{text}}}': Envelope(("data",), "ts"),
    '{{"ts":"{iso}","data":{text}}}': Envelope(("data",), "ts", timed=False),
    '{{"at":1,"data":{text}}}': Envelope(("data",), None),
    '{{"data":"","ts":"{iso}","data":{text}}}': Envelope(("data",), "ts"),
    '{{"ts":"{iso}","data":{text},"data":"x"}}': Envelope(("data",), "ts"),
    '{{"at":"{iso}","ts":"{iso}","data":{text}}}': Envelope(("data",), "ts"),
    '{{"copy":{text},"ts":"{iso}","data":{text}}}': Envelope(("data",), "ts"),
}
TEXTS = (
    'data: {"id":"a","choices":[{"delta":{"content":"b"}}]}',
    'data: {"id":"a","choices":[{"delta":{"content":"a\\nb\\"c\\\\"}}]}',
    'data: {"x":1}\n',
    'data: {"x":1}\n\n',
    'event: message_start\ndata: {"type":"message_start"}\n\n',
    "data: [DONE]",
    "[DONE]",
    "[DONE]\n",
    '{"x":1}',
    "",
    "\n",
    "\\",
    '"',
    "data: ä€\n",
    "data: a\tb",
    "data: a\r\n",
    "data: \ufeffx",
    "\ufeffdata: x\n",
    "data: n",
    "~",
    "INFO all is well",
)
PAYLOADS = (
    *(json.dumps(text, ensure_ascii=False) for text in TEXTS),
    json.dumps("data: ä€<\n"),
    r'"data: {\/}"',
    r'"data: \u003cb\u003e"',
    r'"data: \ud83d"',
    '{"choices":[]}',
    "null",
    "7",
    '"data: \x01"',
    '"data: "x"',
    '"data: x\\"',
    '"a","b":"c"',
    '"a"b\\"',
    r'"\ndata: {}\n\n\"',
)
LINES = ('{"time":"soon"}', "INFO all is well", "", "{", '"\\', "\\", '{"line":"data: x"}')


pytestmark = pytest.mark.usefixtures("any_read_is_large_enough")


def log(source: random.Random, forms: list[str]) -> bytes:
    """Lines with an envelope or two, some of them without."""
    payloads = source.sample(PAYLOADS, source.choice((1, 2, 4, len(PAYLOADS))))
    odd, narrow = source.choice((0, 0, 0.02, 0.3)), source.choice((0, 0, 0.3))
    digits = source.choice((0, 3, 6, 9))
    holds = source.choice((0, 0.9, 0.9))
    text = source.choice(payloads)
    lines = list[str]()
    for n in range(source.choice((0, 1, 5, 40, 200))):
        fraction = f".{source.randrange(10**digits):0{digits}}" if digits else ""
        if source.random() < narrow:
            fraction = fraction.rstrip("0.")
        if source.random() < odd:
            fraction = fraction.replace("1", "x")
        text = text if source.random() < holds else source.choice(payloads)
        second = "61" if source.random() < odd else source.choice(("00", "01", "59"))
        line = source.choice(forms).format(
            iso=f"2025-0{1 + (source.random() < odd)}-29T03:21:{second}{fraction}Z",
            epoch=f"{int(source.random() >= odd)}7452057{second}{fraction}",
            n=n,
            text=text,
        )
        lines.append(source.choice(LINES) if source.random() < odd else line)
    ending = source.choice(("\n", "\n", "\n", "\r\n"))
    data = (ending.join([*lines, source.choice(("", "{"))])).encode()
    return data.replace("ä".encode(), b"\xe4") if source.randrange(8) == 0 else data


def assert_same(
    source: random.Random,
    data: bytes,
    envelope: Envelope,
    *,
    ended: bool,
    sizes: tuple[int, ...] = (60, 400, 1 << 20),
) -> int:
    """Both ways give the same; how many lines were read many at once?"""
    found = list(linelog.taken_apart_at_once(Pieces(source, data, sizes), envelope, ended=ended))
    splitter = Splitter()
    expected = linelog.unwrapped([*splitter.feed(data), *splitter.close()], envelope, ended=ended)
    assert list(one_by_one(found)) == list(expected)
    for piece in found:
        if isinstance(piece, Lines):
            assert piece.data.count(b"\n") == len(piece)
    return sum(len(piece) for piece in found if isinstance(piece, Lines))


@settings(phases=[Phase.explicit, Phase.generate], max_examples=400)
@given(st.integers(0, 1 << 32))
def test_both_ways_give_the_same(number: int) -> None:
    source = random.Random(number)
    form = source.choice(sorted(ENVELOPES))
    others = source.sample(sorted(ENVELOPES), 1) if source.randrange(5) == 0 else []
    assert_same(source, log(source, [form, *others]), ENVELOPES[form], ended=source.random() < 0.5)


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    "form", [form for form, envelope in ENVELOPES.items() if envelope.timed and "{n}" not in form][:4]
)
def test_most_lines_are_read_many_at_once(form: str, ended: bool) -> None:
    text = json.dumps('data: {"choices":[{"delta":{"content":"a \\"b\\""}}]}' + "\n" * ended)
    lines = [
        form.format(iso=f"2025-04-21T03:21:59.{n:03}Z", epoch=1745205719000 + n, text=text)
        for n in range(1000)
    ]
    data = "".join(line + "\n" for line in lines).encode()
    assert assert_same(random.Random(0), data, ENVELOPES[form], ended=ended, sizes=()) > 900


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("payload", PAYLOADS)
def test_each_payload_among_others(payload: str, ended: bool) -> None:
    form = '{{"time":"{iso}","line":{text}}}\n'
    texts = 8 * [r'"data: {}\n"'] + 8 * [payload] + 8 * [r'"data: {}\n"']
    lines = [form.format(iso=f"2025-04-21T03:21:{n:02}Z", text=text) for n, text in enumerate(texts)]
    data = "".join(lines).encode()
    assert_same(random.Random(0), data, Envelope(("line",), "time"), ended=ended, sizes=())


@pytest.mark.parametrize(
    ("payload", "lines"),
    [
        ('"data: x"', [b"data: x"]),
        (r'"event: a\ndata: {\"b\":\"c\\n\"}\n\n"', [b"event: a", b'data: {"b":"c\\n"}', b""]),
        (r'"a\nb"', [b"a", b"b"]),
        (r'"\n"', [b""]),
        (r'"\\"', [b"\\"]),
    ],
)
def test_what_a_payload_holds(payload: str, lines: list[bytes]) -> None:
    line = f'{{"t":"2025-04-21T03:21:59Z","p":{payload}}}\n'.encode()
    [run] = enveloped.without_envelope(3 * line, 10, Envelope(("p",), "t"), ended=False)
    assert run.lines
    assert run.lines.data == 3 * b"".join(line + b"\n" for line in lines)
    shares = [1] * (len(lines) - 1) + [len(line) - len(lines) + 1]
    assert run.lines.sizes.tolist() == 3 * shares
    assert run.lines.offset == 10
    assert run.lines.size == 3 * len(line)


@pytest.mark.parametrize(
    "line",
    [
        '{{"at":"{iso}","t":"2025-04-21T03:21:00Z","p":"x"}}\n',
        '{{"q":"{n}","t":"{iso}","p":"0"}}\n',
        '{{"q":"{n}","t":"{iso}","p":"~"}}\n',
        '{{"p":"{n}","t":"{iso}","p":"0"}}\n',
    ],
)
def test_what_stands_there_twice_is_not_taken_for_the_other(line: str) -> None:
    data = "".join(line.format(iso=f"2025-04-21T03:21:0{n}Z", n=n) for n in range(8)).encode()
    assert_same(random.Random(4), data, Envelope(("p",), "t"), ended=False)


def test_a_number_that_begins_with_zero_is_no_json() -> None:
    lines = [f'{{"t":{second},"p":"data: {{}}"}}\n' for second in (*[1745204400] * 8, *["0999999999"] * 8)]
    assert_same(random.Random(0), "".join(lines).encode(), Envelope(("p",), "t"), ended=False, sizes=())


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ('{{"t":1745205719.{n},"p":":"}}', '{{"t":1745205719.{n},"p": ":"}}'),
        ('{{"t": 1745205719.{n}, "p": ": "}}', '{{"t": 1745205719.{n}, "p":": "}}'),
        ('{{"t":1745205719.{n},"p":":"}}', '{{"t":1745205719.{n},"p"data: x":"}}'),
        (
            '{{"x":NaN,"q":"data: /","p":"data: \\/","t":"2025-04-21T03:21:0{n}Z"}}',
            '{{"x":NaN,"q":"other {n}","p":"data: \\/","t":"2025-04-21T03:21:0{n}Z"}}',
        ),
        (
            '{{"x":NaN,"t":17452057190e-1,"n":1745205719.0,"p":"data: x"}}',
            '{{"x":NaN,"t":17452057190e-1,"n":174520571{n}.0,"p":"data: x"}}',
        ),
        (
            '{{"x":NaN,"t":1745205719.1234567,"p":"data: x"}}',
            '{{"x":NaN,"t":1745205719.{n}999999,"p":"data: x"}}',
        ),
    ],
)
def test_what_only_looks_like_the_payload_or_the_time(first: str, then: str) -> None:
    lines = [form.format(n=n) + "\n" for form in (first, then) for n in range(8)]
    assert_same(random.Random(0), "".join(lines).encode(), Envelope(("p",), "t"), ended=False, sizes=())


def test_lines_before_the_first_envelope_do_not_hide_it() -> None:
    form = '{{"t":"2025-04-21T03:21:00.{n:03}Z","p":"data: {{}}"}}\n'
    data = "started\n" * 20 + "".join(form.format(n=n) for n in range(200))
    assert assert_same(random.Random(0), data.encode(), Envelope(("p",), "t"), ended=False, sizes=()) == 200
