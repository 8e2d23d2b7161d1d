"""Captures that are read together become what each of them becomes by itself."""

import random
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

import rawfiles
import ssetl
from bothpaths import chunks, streams
from reading import DONE, finish, role, table, text, usage
from ssetl import writing
from ssetl.captures.exchange import Exchange, Read
from ssetl.fast import many
from ssetl.fast.many import Body, read_many
from ssetl.fast.templates import Templates, shared_templates
from ssetl.interleaved import read_interleaved
from ssetl.streams import Capture


@pytest.fixture(autouse=True)
def any_size_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "LEAST", 0)


def named(number: int) -> Capture:
    return Capture(f"{number:032x}")


def alone(files: Sequence[bytes]) -> list[Capture]:
    """Each by itself, in the ordinary way."""
    captures = [named(number) for number in range(len(files))]
    for capture, file in zip(captures, files, strict=True):
        for _ in read_interleaved(capture, Exchange([Read(file)] if file else [], single=False)):
            pass
    return captures


def taken(files: Sequence[bytes], templates: Templates | None = None) -> str:
    """Which files are taken, as `+` and `-`, when they are read together; each becomes what it is alone."""
    bodies = [Body(named(number), file) for number, file in enumerate(files)]
    are_taken = read_many(bodies, templates or shared_templates())
    wanted = alone(files)
    for body, expected, is_taken in zip(bodies, wanted, are_taken, strict=True):
        found = body.capture
        if is_taken:
            assert +found.counts == +expected.counts
            assert +found.tally == +expected.tally
            assert found.closed_bytes == expected.closed_bytes
            assert not expected.rejects
        else:
            assert not any((found.counts, found.tally, found.batches, found.lived, found.closed_bytes))
    both = [
        [capture for capture, is_taken in zip(captures, are_taken, strict=True) if is_taken]
        for captures in ([body.capture for body in bodies], wanted)
    ]
    for rows in (chunks, streams):
        found, expected = (
            pa.concat_tables([rows(capture) for capture in captures] or [rows(named(0))]) for captures in both
        )
        place = "ordinal" if rows is streams else "byte_offset"
        keys = [("capture_id", "ascending"), (place, "ascending")]
        assert found.sort_by(keys).to_pylist() == expected.sort_by(keys).to_pylist()
    return "".join("+" if each else "-" for each in are_taken)


def chat(name: str, *words: str) -> bytes:
    """A stream."""
    events = [role(name), *(text(word, name) for word in words), finish(name), usage(name, len(words)), DONE]
    return b"".join(events)


BOM = b"\xef\xbb\xbf"
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
        "cut before the blank line of the terminator": ([A, B[:-1], C], "+-+"),
        "without a terminator": ([A, B.removesuffix(DONE), C], "+++"),
        "all without a terminator": ([each.removesuffix(DONE) for each in (A, B, C)], "+++"),
        "with one too many": ([A, B + DONE, C], "+-+"),
        "nothing but a terminator": ([A, DONE, C], "+-+"),
        "a terminator first": ([A, DONE + B, C], "+-+"),
        "a comment": ([A, b": keep-alive\n\n" + B, C], "+-+"),
        "blank lines first, which are the last event's before it": ([A, b"\n\n" + B, C], "--+"),
        "blank lines at the end": ([A, B + b"\n\n", C], "+-+"),
        "a byte order mark": ([A, BOM + B, C], "+++"),
        "a byte order mark within": ([BOM + A, BOM + B + BOM + C], "++"),
        "what is no event": ([A, b"data: {\n\n" + B, C], "+-+"),
        "CRLF in one": ([A, B.replace(b"\n", b"\r\n"), C], "+-+"),
        "CRLF in all": ([each.replace(b"\n", b"\r\n") for each in (A, B, C)], "+++"),
        "many comments in the first one": (
            [b": keep-alive\n\n" * 70 + A, *(chat(f"s{n}", *"abcdefghij") for n in range(20))],
            "-" + "+" * 20,
        ),
        "CR in one": ([A, B.replace(b"\n", b"\r"), C], "+-+"),
        "lines without blank lines in one": ([A, B.replace(b"\n\n", b"\n") + b"\n", C], "+-+"),
        "lines without blank lines in all": (
            [each.replace(b"\n\n", b"\n") + b"\n" for each in (A, B, C)],
            "---",
        ),
        "one id in two": ([A, B, A], "-+-"),
        "two ids in one": ([A, role("x") + C, B], "+-+"),
    },
)
def test_only_whole_streams_are_taken(files: list[bytes], expected: str) -> None:
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


@pytest.mark.parametrize("number", range(60))
def test_files_to_which_something_was_done(number: int) -> None:
    source = random.Random(number)
    shapes = source.sample(SHAPES, source.choice((1, 1, 2)))
    events = [each for shape in shapes for each in rawfiles.streams(shape, source, 3 + source.randrange(6))]
    source.shuffle(events)
    for _ in range(source.randrange(4)):
        source.choice(rawfiles.EVENT_CHANGES)(source, events)
    files = ["".join(each).encode() for each in events]
    for _ in range(source.randrange(3)):
        place = source.randrange(len(files))
        files[place] = rawfiles._change_bytes(source, files[place])
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
