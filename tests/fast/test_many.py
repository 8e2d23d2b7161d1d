"""Captures that are read together become what each of them becomes by itself."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

import rawfiles
import ssetl
from reading import DONE, finish, role, table, text, usage
from ssetl import writing
from ssetl.captures import raw
from ssetl.captures.exchange import Read
from ssetl.fast import many
from ssetl.fast.bodies import Body
from ssetl.fast.templates import Templates, shared_templates
from stamping import clean, timed_streams
from together import named, taken_together


@pytest.fixture(autouse=True)
def any_size_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "LEAST", 0)


def taken(files: Sequence[bytes], templates: Templates | None = None, container: str = raw.SSE) -> str:
    """Which files are taken, as `+` and `-`, when they are read together."""
    bodies = [Body(named(number), file) for number, file in enumerate(files)]
    wanted = [raw.exchange(container, [Read(file)] if file else []) for file in files]
    return taken_together(bodies, wanted, templates or shared_templates(container))


def chat(name: str, *words: str) -> bytes:
    """A stream."""
    events = [role(name), *(text(word, name) for word in words), finish(name), usage(name, len(words)), DONE]
    return b"".join(events)


def by_line(file: bytes) -> bytes:
    """Without blank lines."""
    return file.replace(b"\n\n", b"\n")


BOM = b"\xef\xbb\xbf"
REMARK = b": keep-alive\n\n"
A, B, C = (chat(name, "Hello", ",", f" {name}", "!") for name in "abc")


@table(
    "files, expected",
    {
        "one stream each": ([A, B, C], "+++"),
        "two streams in one": ([A, B + C, chat("d", "x")], "+++"),
        "one": ([A], "-"),
        "none": ([], ""),
        "an empty one": ([A, b"", B], "+-+"),
        "cut within a stream": ([A, B[:300], C], "+-+"),
        "cut behind an event": ([A, role("b") + text("x", "b"), C], "+++"),
        "the last one cut behind an event": ([A, B, role("c") + text("x", "c")], "+++"),
        "two streams, the second one cut": ([A, B + role("d") + text("x", "d"), C], "+++"),
        "cut before the blank line of the terminator": ([A, B[:-1], C], "+++"),
        "cut before the end of the line of the terminator": ([A, B[:-2], C], "+++"),
        "cut before the blank line of an event": ([A, (role("b") + text("x", "b"))[:-1], C], "+++"),
        "cut before the end of the line of an event": ([A, (role("b") + text("x", "b"))[:-2], C], "+++"),
        "all without what ends the last line": ([each.rstrip(b"\n") for each in (A, B, C)], "+++"),
        "CRLF in all, without what ends the last line": (
            [each.replace(b"\n", b"\r\n")[:-4] for each in (A, B, C)],
            "+++",
        ),
        "CRLF in all, cut within what ends the last line": (
            [each.replace(b"\n", b"\r\n")[:-1] for each in (A, B, C)],
            "---",
        ),
        "without a terminator": ([A, B.removesuffix(DONE), C], "+++"),
        "all without a terminator": ([each.removesuffix(DONE) for each in (A, B, C)], "+++"),
        "with one too many": ([A, B + DONE, C], "+-+"),
        "nothing but a terminator": ([A, DONE, C], "+-+"),
        "a terminator first": ([A, DONE + B, C], "+-+"),
        "a comment first": ([A, REMARK + B, C], "+++"),
        "comments everywhere": ([A, REMARK + B.replace(b"\n\n", b"\n\n" + 2 * REMARK), C], "+++"),
        "a comment before the terminator": ([A, B.removesuffix(DONE) + REMARK + DONE, C], "+++"),
        "a comment last": ([A, B + REMARK, C], "+++"),
        "a comment last without its blank line": ([A, B + REMARK[:-1], C], "+++"),
        "a comment last, cut": ([A, B + REMARK[:-2], C], "+-+"),
        "comments between streams": ([A, B + REMARK + chat("d", "x"), REMARK + C], "+++"),
        "comments of two lines": ([A, b": a\n:b\n\n" + B, C], "+++"),
        "a comment in an event": ([A, B.replace(DONE, b": x\n" + DONE), C], "+-+"),
        "a comment behind a line of an event": ([A, B.replace(DONE, b"data: [DONE]\n: x\n\n"), C], "+-+"),
        "comments with CRLF": ([(REMARK + each).replace(b"\n", b"\r\n") for each in (A, B, C)], "+++"),
        "a comment that tells the time": ([A, b": t 2026-01-01T00:00:00Z\n\n" + B, C], "+-+"),
        "a comment that tells of a request": (
            [A, b": request 2026-01-01T00:00:00Z POST /v1\n\n" + B, C],
            "+-+",
        ),
        "a comment that only looks like that": ([A, b": time 1\n\n" + B, C], "+++"),
        "nothing but comments": ([A, REMARK * 3, C], "+-+"),
        "nothing but comments in all": ([REMARK * 3, REMARK, b"\r\n", REMARK * 2], "----"),
        "a comment last, then what is none": ([A, B + b": x\nevent: x", C], "+-+"),
        "a comment last, then an open blank line": ([A, B + b": x\n ", C], "+-+"),
        "nothing but comments in the last one": ([A, B, REMARK * 3], "++-"),
        "blank lines first, which are the last event's before it": ([A, b"\n\n" + B, C], "--+"),
        "blank lines at the end": ([A, B + b"\n\n", C], "+-+"),
        "a byte order mark": ([A, BOM + B, C], "+++"),
        "a byte order mark within": ([BOM + A, BOM + B + BOM + C], "++"),
        "what is no event": ([A, b"data: {\n\n" + B, C], "+-+"),
        "CRLF in one": ([A, B.replace(b"\n", b"\r\n"), C], "+-+"),
        "CRLF in all": ([each.replace(b"\n", b"\r\n") for each in (A, B, C)], "+++"),
        "many comments in the first one": (
            [REMARK * 70 + A, *(chat(chr(n), *"abcdefghij") for n in range(100, 120))],
            "+" * 21,
        ),
        "CR in one": ([A, B.replace(b"\n", b"\r"), C], "+-+"),
        "lines without blank lines in one": ([A, by_line(B), C], "+-+"),
        "lines without blank lines in all": ([by_line(each) for each in (A, B, C)], "+++"),
        "lines without blank lines in some": ([A, by_line(B), C, by_line(chat("d", "x"))], "++++"),
        "lines without blank lines, the last one cut": ([by_line(each)[:-1] for each in (A, B, C)], "+++"),
        "lines without blank lines, cut behind an event": (
            [by_line(A), by_line(role("b") + text("x", "b")), by_line(role("c") + text("x", "c"))[:-1]],
            "+++",
        ),
        "lines without blank lines, cut within one": ([by_line(A), by_line(B)[:-30], by_line(C)], "+-+"),
        "lines without blank lines, and one at the end": (
            [by_line(A), by_line(B) + b"\n", by_line(C)],
            "+-+",
        ),
        "lines without blank lines, and comments": (
            [by_line(A), b": x\n" + by_line(B).replace(b"\n", b"\n: y\n"), by_line(C)],
            "+++",
        ),
        "lines without blank lines, with CRLF": (
            [by_line(each).replace(b"\n", b"\r\n") for each in (A, B, C)],
            "+++",
        ),
        "one id in two": ([A, B, A], "-+-"),
        "two ids in one": ([A, role("x") + C, B], "+-+"),
    },
)
def test_only_whole_streams_are_taken(files: list[bytes], expected: str) -> None:
    assert taken(files) == expected


def lines(file: bytes) -> bytes:
    """A JSON text a line."""
    return by_line(file).replace(by_line(DONE), b"").replace(b"data: ", b"")


E, F, G = (lines(each) for each in (A, B, C))


@table(
    "files, expected",
    {
        "one stream each": ([E, F, G], "+++"),
        "the end of the last line cut": ([E, F[:-1], G], "+++"),
        "cut within a line": ([E, F[:-200], G], "+-+"),
        "blank lines in some": ([E.replace(b"\n", b"\n\n"), F.replace(b"\n", b"\n\n"), G], "++-"),
        "two streams in one": ([E, F + G, lines(chat("d", "x"))], "+-+"),
        "what no API knows": ([E, F + b'{"model":"x"}\n', G], "+-+"),
        "CRLF in all": ([each.replace(b"\n", b"\r\n") for each in (E, F, G)], "+++"),
    },
)
def test_lines_of_json(files: list[bytes], expected: str) -> None:
    assert taken(files, container=raw.NDJSON) == expected
    assert taken(files) == expected


SHAPES = (
    "plain",
    "obfuscated",
    "tool_calls",
    "usage_every_chunk",
    "responses",
    "messages",
    "reasoning",
    "gemini",
    "ollama",
)


def files_of(shape: str, source: random.Random, count: int) -> list[bytes]:
    return ["".join(events).encode() for events in rawfiles.streams(shape, source, count)]


@pytest.mark.parametrize("shape", SHAPES)
def test_all_of_one_kind_are_taken(shape: str) -> None:
    found = taken(files_of(shape, random.Random(shape), 12))
    assert found == "+" * 12


def test_two_kinds_in_turn_are_taken_one_after_the_other() -> None:
    source = random.Random(7)
    kinds = [files_of(shape, source, 8) for shape in ("plain", "responses")]
    assert taken([file for pair in zip(*kinds, strict=True) for file in pair]) == "+" * 16


def changed(source: random.Random, file: bytes, container: str) -> bytes:
    """A file as others would have written it."""
    if container == raw.NDJSON:
        file = lines(file)
    elif source.random() < 0.4:
        file = by_line(file)
    if source.random() < 0.4:
        ending = b"\n" if by_line(file) == file else b"\n\n"
        events = file.split(ending)
        for _ in range(source.randrange(1, 4)):
            events.insert(
                source.randrange(len(events)), source.choice((b": ping", b": t x", b":", b": a\n: b"))
            )
        file = ending.join(events)
    if source.random() < 0.2:
        file = file.replace(b"\n", b"\r\n")
    return file[: len(file) - source.randrange(4)] if source.random() < 0.4 else file


@pytest.mark.parametrize("number", range(120))
def test_files_to_which_something_was_done(number: int) -> None:
    source = random.Random(number)
    shapes = source.sample(SHAPES, source.choice((1, 1, 2)))
    events = [each for shape in shapes for each in rawfiles.streams(shape, source, 3 + source.randrange(6))]
    source.shuffle(events)
    for _ in range(source.randrange(4)):
        source.choice(rawfiles.EVENT_CHANGES)(source, events)
    container = source.choice(raw.CONTAINERS)
    files = [changed(source, "".join(each).encode(), container) for each in events]
    for _ in range(source.randrange(3)):
        place = source.randrange(len(files))
        files[place] = rawfiles._change_bytes(source, files[place])
    templates = shared_templates(container)
    taken(files, templates, container)
    taken(files, templates, container)


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.parametrize("shape", ["plain", "messages", "responses"])
def test_captures_with_times_are_taken_together(shape: str, asks: bool) -> None:
    *files, one, other = [clean(file, asks=asks) for file in files_of(shape, random.Random(1), 11)]
    assert taken([*files, one + other]) == "+" * 10


@pytest.mark.parametrize("number", range(120))
def test_files_with_times(number: int) -> None:
    source = random.Random(number)
    files = timed_streams(source)
    for place in range(0, len(files) - 1, 2):
        if source.random() < 0.3:
            files[place : place + 2] = [files[place] + files[place + 1], b""]
    if source.random() < 0.3:
        files = [changed(source, file, raw.SSE) for file in files]
    templates = shared_templates()
    taken(files, templates)
    taken(files, templates)


def test_a_folder_is_the_same_dataset_however_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    source = random.Random(3)
    files = [
        *files_of("plain", source, 9),
        *files_of("messages", source, 3),
        A,
        REMARK + B,
        by_line(C),
        by_line(chat("d", "x"))[:-1],
        lines(chat("e", "x")),
        lines(chat("f", "y")),
        B[:300],
        b"",
        b'{"log":{}}',
        A,
    ]
    source.shuffle(files)
    for number, file in enumerate(files):
        (folder / f"{number:02}.txt").write_bytes(file)
    found = []
    for most, together in ((0, 1), (1 << 20, 1 << 20), (1 << 20, 10_000)):
        monkeypatch.setattr(writing, "MAX_EACH", most)
        monkeypatch.setattr(writing, "TOGETHER", together)
        lake = tmp_path / f"lake-{most}-{together}"
        ssetl.ingest(folder, dataset=lake)
        with ssetl.open(lake) as opened:
            tables = {
                name: opened.scan(name).collect() for name in ("captures", "streams", "chunks", "rejects")
            }
        tables["captures"] = tables["captures"].drop("ingested_at")
        tables["chunks"] = tables["chunks"].sort("capture_id", "byte_offset", "choice_position")
        found.append(tables)
    assert found[0]["captures"]["streams"].sum() > 12
    for tables in found[1:]:
        for name, rows in tables.items():
            assert rows.equals(found[0][name]), name
