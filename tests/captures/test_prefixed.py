"""Prefixes taken off many lines at once: the same lines as one by one."""

import random
from io import BytesIO

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from logreading import Pieces, one_by_one
from ssetl.captures import linelog, stamps
from ssetl.captures.exchange import Gap
from ssetl.lines import Line, Lines, Splitter

PREFIXES = {prefix.name: prefix for prefix in stamps.PREFIXES}
DATES = ("2025-04-21T03:21:59", "2025-04-21 03:21:59", "2025-04-21T03:22:00", "2025-13-21T03:21:59")
FRACTIONS = ("", ".4831", ".483112", ".483112345", ",483", ".000000", ".999999999")
ZONES = ("Z", "", "+02:00", "-0330", " UTC", " +0000", "+02")
EPOCHS = ("1745205719", "1745205719.483112", "1745205719483", "1745205719483112345", "0000000000.5")
STARTS = {
    "cri": ("{iso} stdout F ", "{iso} stderr F ", "{iso} stdout P ", "{iso} stdout F:tag "),
    "journald": ("{iso} host7 app[123]: ", "{iso} host8 app[45]:", "{iso} host app: "),
    "iso": (
        "{iso} ",
        "[{iso}] ",
        "[{iso}] {iso} ",
        "ts={iso} ",
        "[pod/web-7] {iso} ",
        "web-1  | {iso} ",
        "{iso}\t",
        "{iso}",
    ),
    "epoch": ("{epoch} ", "[{epoch}] ", "[{epoch}] {epoch} ", "{epoch} |{epoch} ", "{epoch}: ", "{epoch}|\t"),
    "syslog": ("Apr 21 03:21:59 ", "Apr 21 03:21:59 host app: ", "Apr  1 03:21:59.123 host app[12]: "),
    "clock": ("03:21:59 ", "03:21:59.483 ", "03:21:59,483 "),
}
TEXTS = (
    "host app: said",
    "host app[7]: data: {}",
    "2025-04-21T03:22:59Z data: {}",
    "1745205720 data: {}",
    "|1745205720 data: {}",
    "| 2025-04-21T03:22:59Z data: {}",
    "[pod/web-7] 2025-04-21T03:22:59Z data: {}",
    ": keep-alive",
    "event: ping",
    '{"a":1}',
    'data: {"a":1}',
    "",
    " ",
    "UTC said",
    "+0200 said",
    "-1",
    "\ufeffdata: {}",
    "data: [DONE]",
    "7 and 8",
    "é",
    'data: {"a":"\u2028"}',
)


pytestmark = pytest.mark.usefixtures("any_read_is_large_enough")


def log(source: random.Random, name: str) -> bytes:
    """Lines that begin in one way or in several, some of them in none."""
    dates, fractions, zones = (
        source.sample(values, source.choice((1, 1, 2, len(values)))) for values in (DATES, FRACTIONS, ZONES)
    )
    starts = source.sample(STARTS[name], source.choice((1, 1, len(STARTS[name]))))
    epochs = source.sample(EPOCHS, source.choice((1, 1, len(EPOCHS))))
    texts = source.sample(TEXTS, source.choice((1, 3, len(TEXTS))))
    odd = source.choice((0, 0.05, 0.5))
    end = source.choice(("\n", "\n", "\n", "\r\n"))
    lines = []
    for _ in range(source.choice((0, 1, 5, 40, 200))):
        iso = source.choice(dates) + source.choice(fractions) + source.choice(zones)
        epoch = source.choice(epochs)
        if source.randrange(3) == 0:  # other digits
            iso = iso.replace("1", str(source.randrange(10)))
            epoch = epoch.replace("7", str(source.randrange(10)))
        start = source.choice(starts).format(iso=iso, epoch=epoch)
        text = source.choice(texts)
        lines.append(text if source.random() < odd else start + text)
    bom = source.choice(("", "", "\ufeff"))
    return (bom + end.join([*lines, source.choice(("", "rest"))])).encode()


def assert_same(source: random.Random, data: bytes, prefix: stamps.Prefix) -> int:
    """Both ways give the same; how many lines were read many at once?"""
    found = list(linelog.taken_apart_at_once(Pieces(source, data), prefix))
    splitter = Splitter()
    expected = linelog.without_prefix([*splitter.feed(data), *splitter.close()], prefix)
    assert list(one_by_one(found)) == list(expected)
    return sum(len(piece) for piece in found if isinstance(piece, Lines))


@settings(phases=[Phase.explicit, Phase.generate], max_examples=300)
@given(st.integers(0, 1 << 32), st.sampled_from(sorted(PREFIXES)))
def test_both_ways_give_the_same(number: int, name: str) -> None:
    source = random.Random(number)
    assert_same(source, log(source, name), PREFIXES[name])


@pytest.mark.parametrize(
    "start",
    [
        "2025-04-21T03:21:%02d.%06dZ ",
        "2025-04-21T03:21:%02d.%06d123Z stdout F ",
        "[pod/web-7] 2025-04-21T03:21:%02d.%06dZ ",
        "2025-04-21T03:21:%02d.%06d+02:00 host app[12]: ",
        "17452057%02d.%06d ",
    ],
)
def test_lines_that_begin_alike_are_read_at_once(start: str) -> None:
    data = "".join(start % (n % 60, n * 977) + f"data: {n}\n" for n in range(1000)).encode()
    prefix = stamps.recognise(data.splitlines())
    assert prefix is not None
    source = random.Random(0)
    assert assert_same(source, data, prefix) > 900


def test_the_places_of_lines() -> None:
    lines = Lines(b"a\n\n \n", *(_array(values) for values in ([5, 9, 12], [4, 3, 4], [7, 8, 9])))
    assert (lines.offset, lines.size, lines.filled, len(lines)) == (5, 11, 9, 3)
    assert list(lines) == [Line(b"a", 5, 4, 7), Line(b"", 9, 3, 8), Line(b" ", 12, 4, 9)]
    blank = Lines(b"\n", *(_array(values) for values in ([5], [4], [7])))
    assert blank.filled == 0


def _array(values: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(values, np.int64)


def test_a_line_that_was_cut_is_joined() -> None:
    start = b"2025-04-21T03:21:59.483112Z stdout "
    data = b"".join(
        start + rest + b"\n" for rest in (b"F one", b"P tw", b"F o", b"F three", b"P fo", b"P u", b"F r")
    )
    found = list(one_by_one(linelog.taken_apart_at_once(Pieces(random.Random(0), data), PREFIXES["cri"])))
    assert [piece.text for piece in found if isinstance(piece, Line)] == [b"one", b"two", b"three", b"four"]
    assert sum(piece.size for piece in found if isinstance(piece, Line | Gap)) == len(data)


def test_lines_of_two_kinds_in_turn_are_read_one_by_one() -> None:
    """Each run of one kind takes longer than a line."""
    data = b"2025-04-21T03:21:59.483112Z data: {}\nand so on\n" * 1000
    found = list(linelog.taken_apart_at_once(BytesIO(data), PREFIXES["iso"]))
    assert not any(isinstance(piece, Lines) for piece in found)
