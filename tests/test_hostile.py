"""Captures that mean harm: each is read as far as it can be, and the rest is a reject with a reason.

Bounds are counted (decoder calls, bytes, memory of a process), never seconds.
"""

import base64
import bz2
import gzip
import json
import lzma
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import ssetl
from ssetl import apis, cli, jsontext
from ssetl.captures import documents, linelog, yamltree
from ssetl.captures.compression import Limits
from ssetl.interleaved import MAX_OPEN
from ssetl.jsontext import NotJson
from ssetl.sse import Parser

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DEEP = 100_000
MEGABYTE = 1 << 20


def chunk(**members: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": "x"}, "finish_reason": None}
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 1772442960, "model": "m"}
    return base | {"choices": [choice]} | members


def sse(*events: bytes | dict[str, Any]) -> bytes:
    texts = (event if isinstance(event, bytes) else json.dumps(event).encode() for event in events)
    return b"".join(b"data: " + text + b"\n\n" for text in texts)


GOOD = sse(chunk())


def har(*bodies: dict[str, Any], more: bytes = b"") -> bytes:
    entries = [
        {"request": {"url": "https://x"}, "response": {"status": 200, "content": content}}
        for content in bodies
    ]
    return json.dumps({"log": {"entries": entries}}).encode().removesuffix(b"]}}") + more + b"]}}"


class Read:
    """What a dataset holds of one source."""

    def __init__(self, folder: Path, data: bytes, **options: Any) -> None:
        (folder / "in").mkdir()
        source = folder / "in" / "capture"
        source.write_bytes(data)
        self.summary = ssetl.ingest([source], dataset=folder / "lake", **options)
        with ssetl.open(folder / "lake") as lake:
            self.streams = lake.scan("streams").collect().to_dicts()
            self.chunks = lake.scan("chunks").collect().to_dicts()
            self.rejects = lake.scan("rejects").collect().to_dicts()
            [self.capture] = lake.scan("captures").collect().to_dicts()

    @property
    def reasons(self) -> list[str]:
        return [row["reason"] for row in self.rejects]


Ingest = Callable[..., Read]


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return lambda data, **options: Read(tmp_path, data, **options)


APART = """
import resource, subprocess, sys
process = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
sys.stdout.buffer.write(process.stderr)
print("\\n", process.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def ingest_apart(source: Path, *options: str) -> tuple[int, str, int]:
    """Exit status, stderr and most memory (MB) of an ingest in a process of its own.

    One process stands between: a new process counts the memory of the one that it was forked from.
    """
    command = [sys.executable, "-m", "ssetl", "ingest", str(source), "--dataset", str(source.parent / "lake")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    apart = [sys.executable, "-c", APART, *command, *options]
    told = subprocess.run(apart, capture_output=True, text=True, env=environment, check=True).stdout
    *lines, numbers = told.rstrip().split("\n")
    status, memory = map(int, numbers.split())
    return status, "\n".join(lines), memory


# Compression


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_a_bomb_is_read_up_to_the_limit_and_says_so(ingest: Ingest, packer: str) -> None:
    bomb = PACKERS[packer](GOOD + b": " + b"x" * (8 * MEGABYTE))
    read = ingest(bomb, limits=Limits(max_bytes=2 * MEGABYTE))
    assert (len(read.streams), len(read.chunks)) == (1, 1)
    assert read.reasons == ["decompressed_size"]
    assert read.capture["bytes"] <= 2 * MEGABYTE
    assert len(read.summary.damaged) == 1


def test_a_bomb_takes_no_memory_and_both_limits_can_be_told(tmp_path: Path) -> None:
    source = tmp_path / "bomb.gz"
    source.write_bytes(gzip.compress(b"data: " + b"\0" * (300 * MEGABYTE)))
    status, told, memory = ingest_apart(source)
    assert (status, "damaged" in told) == (0, True)
    assert memory < 400
    with ssetl.open(tmp_path / "lake") as lake:
        assert lake.sql("from rejects select reason").to_series().to_list() == [
            "not_json",
            "decompression_ratio",
        ]
    source.rename(tmp_path / "again.gz")
    status, told, _ = ingest_apart(tmp_path / "again.gz", "--max-bytes", "0")
    assert (status, "--max-bytes" in told) == (2, True)


def test_a_body_that_is_a_bomb_ends_and_the_next_one_is_read(ingest: Ingest) -> None:
    bomb = base64.b64encode(gzip.compress(GOOD + b": " + b"x" * (20 * MEGABYTE))).decode()
    read = ingest(har({"text": bomb, "encoding": "base64"}, {"text": GOOD.decode()}))
    assert len(read.streams) == 2
    assert read.reasons == ["decompression_ratio"]


def test_many_members_in_one_body_take_linear_time(ingest: Ingest) -> None:
    """Copying what is left behind each member would move 400 GB here."""
    members = base64.b64encode(gzip.compress(b"\n") * 200_000).decode()
    read = ingest(har({"text": members, "encoding": "base64"}))
    assert read.capture["skipped"] == 1


# YAML


def test_aliases_that_expand_to_too_much_end_the_document(ingest: Ingest) -> None:
    laughs = "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        laughs += f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    body = json.dumps(GOOD.decode())
    good = f"interactions:\n- request: {{uri: x}}\n  response: {{body: {{string: {body}}}}}\n"
    read = ingest((good + laughs).encode())
    assert len(read.streams) == 1
    assert read.reasons == ["too_many_aliases"]


def test_tags_construct_nothing(ingest: Ingest, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    evil = f'!!python/object/apply:os.system ["touch {proof}"]'
    text = f"""interactions:
- request: {{uri: {evil}, body: !!python/object/new:subprocess.Popen [[touch, {proof}]]}}
  response: {{status: {{code: 200}}, body: {{string: {evil}}}}}
- request: {{uri: x}}
  response: {{body: {{string: {json.dumps(GOOD.decode())}}}}}
"""
    read = ingest(text.encode())
    assert len(read.streams) == 1
    assert not proof.exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"interactions:\n- &a [*a]\n", "unknown_alias"),
        (b"interactions:\n- " + b"[" * DEEP, "nested_too_deeply"),
        (b"interactions:\n" + b"  - " * DEEP, "nested_too_deeply"),
        (b"interactions:\n- *nobody\n", "unknown_alias"),
        (b"interactions:\n- {a: b\n- c: }\n", "not_yaml"),
    ],
)
def test_yaml_that_cannot_be_built_is_a_reject(ingest: Ingest, text: bytes, reason: str) -> None:
    read = ingest(text)
    assert read.reasons == [reason]


# JSON: nesting, numbers, texts


DEEP_OBJECT = b'{"a":' * DEEP + b"1" + b"}" * DEEP
DEEP_LIST = b"[" * DEEP + b"]" * DEEP


@pytest.mark.parametrize("deep", [DEEP_OBJECT, DEEP_LIST], ids=["object", "list"])
@pytest.mark.parametrize(
    ("wrap", "streams"),
    [
        (lambda deep: GOOD + sse(deep) + GOOD, 1),
        (lambda deep: json.dumps(chunk()).encode() + b"\n" + deep + b"\n" + json.dumps(chunk()).encode(), 1),
        (lambda deep: deep, 0),
        (lambda deep: deep[: len(deep) // 2], 0),
        (lambda deep: har({"text": GOOD.decode()}, more=b"," + deep), 1),
        (lambda deep: har({"text": (GOOD + sse(deep)).decode()}), 1),
        (lambda deep: b"[" + json.dumps(chunk()).encode() + b"," + deep + b"]", 1),
        (lambda deep: b"2026-03-02T09:16:00Z " + GOOD + b"2026-03-02T09:16:01Z data: " + deep, 1),
    ],
    ids=["data", "ndjson", "file", "cut", "har", "body", "array", "log"],
)
def test_deep_nesting_costs_nothing_but_itself(
    ingest: Ingest, deep: bytes, wrap: Callable[[bytes], bytes], streams: int
) -> None:
    read = ingest(wrap(deep))
    assert len(read.streams) == streams
    assert "nested_too_deeply" in read.reasons


@pytest.mark.parametrize(
    ("member", "text"),
    [
        ("usage", '{"prompt_tokens": 9223372036854775808, "completion_tokens": 1.5, "total_tokens": "7"}'),
        ("usage", '{"prompt_tokens": -5, "completion_tokens": null, "total_tokens": true}'),
        ("created", "99999999999999999999999999"),
        ("created", "-1e300"),
        ("created", "253402300800000"),
        ("x", "9" * 5000),
        ("x", "-" + "9" * 200_000),
        ("x", "NaN"),
        ("x", "-Infinity"),
        ("x", "1e999"),
        ("x", r'"\ud800"'),
        ("x", r'"\u0000"'),
        ("\\ud800", "1"),
        ("x", '"\xff\xfe"'),
        (
            "choices",
            '[{"index": 2147483648, "delta": {"content": "a"}}, {"index": -1}, {"index": "b"}, 7, null]',
        ),
        ("choices", '{"index": 0}'),
        ("choices", '[{"delta": {"content": {"a": 1}, "tool_calls": {"index": 0}, "role": 5}}]'),
        ("choices", '[{"delta": {"tool_calls": [{"index": 1e99, "function": "f"}, 3, null, []]}}]'),
        ("$column", '"content"'),
    ],
)
def test_members_of_every_kind_are_events(ingest: Ingest, member: str, text: str) -> None:
    """A number that no column holds is null there, and stays in extra."""
    good, last = (
        json.dumps(chunk()),
        json.dumps(chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])),
    )
    odd = f'{{"id":"c1","object":"chat.completion.chunk","{member}":{text}}}'
    read = ingest(b"".join(f"data: {event}\n\n".encode("latin-1") for event in (good, odd, last)))
    assert read.reasons == []
    assert (read.summary.streams, read.summary.events) == (1, 3)
    assert all(row["created_at"] is None or row["created_at"].year < 10000 for row in read.chunks)


def test_negative_counts_stay_and_what_is_no_count_is_unknown(ingest: Ingest) -> None:
    usage = {"prompt_tokens": -5, "completion_tokens": 2**63, "total_tokens": 1.5}
    [stream] = ingest(sse(chunk(usage=usage))).streams
    assert (stream["input_tokens"], stream["output_tokens"], stream["total_tokens"]) == (-5, None, None)


def test_more_values_than_memory_is_worth_are_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("this text was decoded")

    monkeypatch.setattr(jsontext, "_strict", type("Never", (), {"decode": never}))
    for text in (b"[" + b"{}," * 2000 + b"{}]", b'{"a":[' + b"1," * 2000 + b"1]}", b"[[" * 1000):
        with pytest.raises(NotJson, match="too_many_values"):
            jsontext.decode(text, max_values=1000)


def test_commas_and_brackets_in_texts_are_no_values() -> None:
    text = json.dumps({"a": '{"b":[1,2,3]},' * 500, "c\\": '\\"[,'}).encode()
    assert jsontext.decode(text, max_values=10) == json.loads(text)


def test_an_event_of_too_many_choices_is_a_reject(monkeypatch: pytest.MonkeyPatch, ingest: Ingest) -> None:
    monkeypatch.setattr(apis, "MAX_CHOICES", 10)
    most, wrapped = (
        [{"index": n} for n in range(10)],
        {"response": {"candidates": [{"index": n} for n in range(11)]}},
    )
    read = ingest(sse(chunk(choices=most), chunk(choices=[*most, {}]), wrapped))
    assert len(read.chunks) == 10
    assert read.reasons == ["too_many_choices"] * 2


@pytest.mark.parametrize("load", [documents.MAX_VALUES, yamltree.MAX_EVENTS])
def test_documents_have_a_limit_of_values(load: int, monkeypatch: pytest.MonkeyPatch, ingest: Ingest) -> None:
    if load == documents.MAX_VALUES:
        monkeypatch.setattr("ssetl.captures.jsontree.MAX_VALUES", 1000)
        data = har({"text": GOOD.decode()}, more=b',{"a":[' + b"1," * 2000 + b"1]}")
    else:
        monkeypatch.setattr(yamltree, "MAX_EVENTS", 1000)
        data = b"interactions:\n" + b"- a\n" * 2000
    assert ingest(data).reasons == ["too_many_values"]


# Numbers of things


def test_many_choices_calls_and_members(ingest: Ingest) -> None:
    calls = [{"index": n, "id": f"t{n}", "function": {"name": "f", "arguments": "{}"}} for n in range(20_000)]
    read = ingest(
        sse(
            *(chunk(choices=[{"index": n, "delta": {"content": "x"}}]) for n in range(3000)),
            chunk(choices=[{"index": 0, "delta": {"tool_calls": calls}}]),
            chunk(**{f"k{n}": n for n in range(100_000)}),
        )
    )
    [stream] = read.streams
    assert (stream["choices"], stream["tool_calls"], stream["events"]) == (3000, 20_000, 3002)
    assert len(stream["finish_reasons"]) == 3000
    assert len(json.loads(read.chunks[-1]["extra"])) == 100_000


def test_more_ids_at_once_than_may_be_open(ingest: Ingest) -> None:
    ids = [f"c{n}" for n in range(MAX_OPEN + 100)]
    read = ingest(sse(*(chunk(id=name) for name in ids), *(chunk(id=name) for name in ids)))
    assert read.summary.events == 2 * len(ids) == len(read.chunks)
    assert read.reasons == []


def test_more_writers_at_once_than_a_log_may_have(ingest: Ingest) -> None:
    """Each line is a piece that is never continued: nothing is lost, and nothing is held for ever."""
    line = "[pod/{n}/c] 2026-03-02T09:16:00.{n:06d}Z stdout {flag} data: {event}\n"
    count = linelog.MAX_WRITERS + 50
    lines = [line.format(n=n, flag="F" if n < 3 else "P", event=json.dumps(chunk())) for n in range(count)]
    read = ingest("".join(lines).encode())
    assert read.summary.events == count


@pytest.mark.parametrize(
    "times",
    [
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
        ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),
        ("2026-02-30T00:00:00Z", "2026-03-02T25:00:00Z"),
        ("nonsense", ""),
        ("\x1b[31m", "9" * 500),
    ],
)
def test_times_from_nowhere(ingest: Ingest, times: tuple[str, str]) -> None:
    request, arrival = times
    lines = (
        f": request {request} POST /v1\n: t {arrival}\n".encode() + GOOD + f": t {request}\n".encode() + GOOD
    )
    [stream] = ingest(lines).streams
    durations = [value for name, value in stream.items() if name.endswith("_us") and value is not None]
    assert all(value >= 0 for value in durations)


def test_what_a_container_says_may_be_of_any_type(ingest: Ingest) -> None:
    odd = (
        None,
        True,
        -1,
        10**30,
        1.5,
        "200 OK",
        "x" * 1000,
        [],
        {},
        "\ud800",
        "Thu, 01 Jan 1970 00:00:00 +9999",
    )
    entries = [
        {
            "startedDateTime": value,
            "request": {"url": value, "headers": value, "postData": {"text": value}},
            "response": {
                "status": value,
                "headers": [{"name": "date", "value": value}, {"name": value, "value": value}, value],
                "content": {"text": GOOD.decode(), "encoding": value},
            },
        }
        for value in odd
    ]
    read = ingest(json.dumps({"log": {"entries": entries}}).encode())
    assert len(read.streams) >= len(odd) - 1
    assert {stream["http_status"] for stream in read.streams} <= {None, 200}


def test_every_report_runs_over_extremes(tmp_path: Path) -> None:
    extremes = b"".join(
        f": request {early} POST /v1\n: t {late}\n".encode()
        + sse(
            chunk(
                id=f"{early}{n}",
                model="\x1b[31m|\n=cmd()",
                system_fingerprint="\x00\u202e",
                usage={"prompt_tokens": 2**63 - 1, "completion_tokens": 2**63 - 1, "total_tokens": -(2**63)},
                choices=[{"index": 2**31 - 1, "delta": {"content": "\x00"}, "finish_reason": "\x1b'\";--"}],
            )
        )
        + b"data: [DONE]\n\n"
        for n in range(2)
        for early, late in (
            ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
            ("1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z"),
        )
    )
    (tmp_path / "capture").write_bytes(extremes)
    ssetl.ingest([tmp_path / "capture"], dataset=tmp_path / "lake")
    with ssetl.open(tmp_path / "lake") as lake:
        assert [finding.name for finding in lake.check() if finding.violations.num_rows] == []
        for report in lake.reports():
            lake.report(report.name).to_dicts()


# Lines: time and memory


class Counting:
    """A decoder that counts what it is asked."""

    def __init__(self) -> None:
        self.calls = self.bytes = 0

    def __call__(self, data: bytes, event_type: str | None) -> Any:
        self.calls += 1
        self.bytes += len(data)
        return apis.decode_data(data, event_type)


def work(blocks: Iterable[bytes]) -> tuple[Counting, int]:
    """What the decoder was asked for these bytes, and how many they were."""
    decoder, size = Counting(), 0
    parser = Parser(decoder, text_types=apis.TEXT_EVENTS)
    for block in blocks:
        parser.feed(block)
        size += len(block)
    parser.close()
    return decoder, size


FILLED = b" " + b"1," * 4000 + b"\n"
UNITS = {
    "one byte": b"x\n",
    "empty": b"\n",
    "CR": b"\r",
    "CR LF CR": b"\r\n\r",
    "number": b"data: 1\n",
    "event": b"data: {}\n\n",
    "broken": b"data: {\n",
    "brace": b"{\n",
    "bracket": b"[\n",
    "opens and closes": b'{"a":\n}\n',
    "opens twice": b'{"a":[\n{"b":\n',
    "pretty": b'{\n  "a": {\n  }\n',
    "error": b"error: {\n",
    "field": b"event: x\n",
    "comment": b":\n",
    "BOM": b"\xef\xbb\xbf\n",
    "terminator": b"data: [DONE]\n",
    "text": b"event: output\ndata: a\n",
    "NUL": b"\0\n",
    "quote": b'"\\\n',
    "filled": b'{"a":[\n' + FILLED + (FILLED + b"}\n") * 70,
}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_the_work_for_many_lines_grows_with_their_number(unit: bytes) -> None:
    """Each byte is decoded at most so many times as bare JSON may have ends, and twice as many take twice."""
    count = max(2, 100_000 // len(unit))
    once, size = work([unit * count])
    twice, _ = work([unit * count] * 2)
    assert once.bytes <= 70 * size
    assert once.calls <= size
    assert twice.bytes <= 2.2 * once.bytes + 1000
    assert twice.calls <= 2.2 * once.calls + 10


def test_many_rejects_take_no_memory(tmp_path: Path) -> None:
    """A million rejects held at once took 400 MB."""
    source = tmp_path / "lines"
    source.write_bytes(b"data: 1\n" * 600_000)
    status, told, memory = ingest_apart(source)
    assert (status, "600,000 rejects" in told) == (0, True)
    assert memory < 275


def test_a_long_array_takes_no_multiple_of_its_size(tmp_path: Path) -> None:
    """All values of this one at once took 300 MB."""
    source = tmp_path / "array.json"
    source.write_bytes(b"[" + b",".join([json.dumps(chunk()).encode()] * 100_000) + b"]")
    status, told, memory = ingest_apart(source)
    assert (status, "100,000 events" in told) == (0, True)
    assert memory < 275


def test_an_endless_line_takes_no_memory(tmp_path: Path) -> None:
    source = tmp_path / "line"
    with source.open("wb") as file:
        file.write(GOOD + b"data: ")
        for _ in range(100):
            file.write(b"x" * MEGABYTE)
        file.write(b"\n" + GOOD)
    status, told, memory = ingest_apart(source)
    assert (status, "1 stream, 2 events" in told) == (0, True)
    assert memory < 400


def test_blank_lines_of_a_server_log_take_no_memory(tmp_path: Path) -> None:
    source = tmp_path / "log"
    source.write_bytes(b"[2026-03-02 09:15:58][INFO] Generated packet: {\n" + b"\n" * 2_000_000)
    status, _, memory = ingest_apart(source)
    assert status == 0
    assert memory < 400


# Files


def hostile_names(folder: Path) -> None:
    """Files whose names would steer a terminal, be an option, a glob, a formula, or no text at all."""
    names = (
        b"a\nb\x1b[31mred\x1b]0;title\x07",
        b"no utf-8 \xff\xfe",
        "\u202etxt.sse".encode(),
        b"=cmd()",
        b"--to",
        b"*[x]?",
        b"   ",
        b"%s%n{0}",
        b"\xef\xbf\xbd41",
        b"x" * 250,
    )
    for n, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(sse(chunk(id=f"c{n}")))
    (folder / "cut\x1b[2J.gz").write_bytes(gzip.compress(sse(chunk(id="gz")))[:-9])
    os.mkfifo(folder / "pipe\x1b[31m\n")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket\x1b[1m"))
    (folder / "device").symlink_to("/dev/zero")
    (folder / "loop").symlink_to(".")
    (folder / "itself\x1b[1m").symlink_to("itself\x1b[1m")
    (folder / "nowhere\x1b[1m").symlink_to("gone")
    (folder / "deep\x1b[1m").mkdir()
    (folder / "deep\x1b[1m" / "up").symlink_to("..")


def steering(text: str) -> list[str]:
    return [mark for mark in text if not mark.isprintable() and mark != "\n"]


def test_names_of_files_steer_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    hostile_names(folder)
    lake = ["--dataset", str(tmp_path / "la\x1b[31mke")]
    assert cli.run(["ingest", str(folder), *lake]) == 0
    told = capfd.readouterr().err
    assert "11 captures" in told
    assert all(kind in told for kind in ("named pipe", "socket", "character device", "damaged"))
    for line in (["report", "captures", *lake], ["report", "rejects", *lake, "--format", "markdown"]):
        assert cli.run(line) == 0
    for form in ("csv", "markdown"):
        assert (
            cli.run(["export", "captures", "--to", str(tmp_path / "o\x1b[1mut"), "--format", form, *lake])
            == 0
        )
    assert cli.run(["ingest", str(folder / "gone\x1b[31m\n"), *lake]) == 2
    assert cli.run(["report", "no\x1b[31m\n", *lake]) == 2
    assert cli.run(["report", "captures", "--dataset", str(tmp_path / "gone\x1b[31m")]) == 1
    written = capfd.readouterr()
    assert steering(told + written.out + written.err) == []
    with ssetl.open(tmp_path / "la\x1b[31mke") as opened:
        assert opened.scan("captures").collect().height == 11


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_what_cannot_be_read_is_told_and_the_rest_is_ingested(tmp_path: Path) -> None:
    for name in ("closed", "open"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "capture").write_bytes(sse(chunk(id=name)))
    (tmp_path / "in" / "closed").chmod(0)
    try:
        summary = ssetl.ingest([tmp_path / "in"], dataset=tmp_path / "lake")
    finally:
        (tmp_path / "in" / "closed").chmod(0o700)
    assert summary.captures == 1
    assert summary.unreadable == ((str(tmp_path / "in" / "closed"), "permission denied"),)
