"""Small logs that are read together become what each of them becomes by itself."""

import json
import random
from collections.abc import Callable, Sequence
from io import BytesIO

import pytest

import rawfiles
from logreading import one_by_one
from ssetl.captures import linelog
from ssetl.captures.exchange import Exchange
from ssetl.captures.linelog import Format
from ssetl.fast import many
from ssetl.fast.opened import opened
from ssetl.fast.templates import Templates, shared_templates
from together import named, taken_together

START = 1_745_205_719_000_000
"""2025-04-21T03:21:59Z."""


@pytest.fixture(autouse=True)
def any_size_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "LEAST", 0)


def iso(at: int) -> str:
    second = at // 1_000_000 - START // 1_000_000 + 3 * 3600 + 21 * 60 + 59
    return f"2025-04-21T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{at % 1_000_000:06}Z"


def dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


Written = Callable[[str, int], str]

WAYS: dict[str, Written] = {
    "iso": lambda text, at: f"{iso(at)} {text}",
    "cri": lambda text, at: f"{iso(at)} stdout F {text}",
    "epoch": lambda text, at: f"{at // 1_000_000}.{at % 1_000_000:06} {text}",
    "pod": lambda text, at: f"[pod/web-7] {iso(at)} {text}",
    "syslog": lambda text, at: f"Apr 21 {iso(at)[11:19]} host app[12]: {text}",
    "docker": lambda text, at: dumped({"log": text + "\n", "stream": "stdout", "time": iso(at)}),
    "line": lambda text, at: dumped({"ts": at / 1e6, "line": text}),
    "object": lambda text, at: (
        f'{{"t": "{iso(at)}", "chunk": {text[6:]}}}'
        if text.startswith("data: {")
        else dumped({"t": iso(at), "chunk": text})
    ),
    "reads": lambda text, at: dumped({"ts": iso(at), "data": text + "\n\n"}),
    "iso before line": lambda text, at: f"{iso(at)} {dumped({'line': text})}",
    "lead": lambda text, at: f"{iso(at)} DEBUG chunk: {text}",
    "lead only": lambda text, _: f"DEBUG chunk {text}",
}
"""How a log writes a line that came at a time, in microseconds."""

WITHOUT_BLANKS = ("object", "reads", "lead", "lead only")
ODD = ("", "INFO started", "2025-04-21T03:21:59.1Z", "{}", ": ping", "\ufeffdata: x", "a\rb", '{"line": 1}')


class Logger:
    """Writes logs in one way: with times that may be missing or step back, and other lines between."""

    def __init__(self, source: random.Random, way: str) -> None:
        self._source, self._write = source, WAYS[way]
        self._odd = source.choice((0, 0, 0, 0.01))
        self._some = source.sample(ODD, 2)
        self._back = source.choice((0, 0, 0, 0.01))
        self._comments = source.choice((0, 0, 0, 0.05))
        self._has_blanks = way not in WITHOUT_BLANKS and source.random() < 0.7
        self._resolution = source.choice((1, 1, 1000, 1_000_000))
        self._end = source.choice(("\n", "\n", "\n", "\n", "\r\n"))

    def log(self, text: str) -> bytes:
        """A log of a text."""
        source, at, lines = self._source, START + self._source.randrange(10**8), []
        for line in text.removesuffix("\n").split("\n"):
            if source.random() < self._odd:
                lines.append(source.choice(self._some))
            if source.random() < self._comments:
                lines.append(self._write(": ping", at))
            at += source.randrange(40_000) - 500_000 * (source.random() < self._back)
            if line or self._has_blanks:
                lines.append(self._write(line, at - at % self._resolution))
        return (self._end.join(lines) + source.choice((self._end, self._end, ""))).encode()


def taken(files: Sequence[bytes], form: Format, templates: Templates | None = None) -> str:
    """Which logs are taken, as `+` and `-`, when they are read together."""
    bodies = opened([(named(number), file) for number, file in enumerate(files)], form)
    exchanges = [each for file in files for each in linelog.read(BytesIO(file), form)]
    found = [each for each in exchanges if isinstance(each, Exchange)]
    singly = [linelog.exchange(form, list(one_by_one(each.body))) for each in found]
    return taken_together(bodies, singly, templates or shared_templates(linelog.LOG, form))


def form_of(file: bytes) -> Format:
    form = linelog.recognise([line.removesuffix(b"\r") for line in file.split(b"\n")[:-1]])
    assert form is not None
    return form


SHAPES = ("plain", "obfuscated", "tool_calls", "usage_every_chunk", "responses", "messages", "reasoning")


def texts_of(shape: str, source: random.Random, count: int) -> list[str]:
    return ["".join(events) for events in rawfiles.streams(shape, source, count)]


@pytest.mark.parametrize("way", sorted(WAYS))
def test_logs_of_each_way_are_taken(way: str) -> None:
    def write(text: str, number: int) -> bytes:
        lines = [line for line in text.split("\n") if line or way not in WITHOUT_BLANKS]
        written = [WAYS[way](line, START + 20_011 * n + number) for n, line in enumerate(lines)]
        return "\n".join([*written, ""]).encode()

    files = [write(text, number) for number, text in enumerate(texts_of("plain", random.Random(way), 12))]
    assert taken(files, form_of(files[0])) == "+" * 12


@pytest.mark.parametrize("number", range(200))
def test_logs_to_which_something_was_done(number: int) -> None:
    source = random.Random(number)
    way = source.choice(sorted(WAYS))
    shapes = source.sample(SHAPES, source.choice((1, 1, 2)))
    events = [each for shape in shapes for each in rawfiles.streams(shape, source, 3 + source.randrange(6))]
    source.shuffle(events)
    for _ in range(source.randrange(3)):
        source.choice(rawfiles.EVENT_CHANGES)(source, events)
    logger = Logger(source, way)
    files = [logger.log("".join(each)) for each in events]
    for _ in range(source.randrange(3)):
        place = source.randrange(len(files))
        files[place] = rawfiles._change_bytes(source, files[place])
    form = form_of(max(files, key=len))
    templates = shared_templates(linelog.LOG, form)
    taken(files, form, templates)
    taken(files, form, templates)
