"""Forgetting: what must go is in no file of the dataset any more, and does not come back."""

import gzip
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import ssetl
from ssetl import files
from ssetl.compaction import compact
from ssetl.dataset import Dataset
from ssetl.errors import BadParameter, UsageError
from ssetl.forgetting import Forgotten, forget
from ssetl.ingestion import ingest

SECRET = "the patient's name is Ada"


def stream(name: str, text: str, day: int = 1, *, ends: bool = True) -> str:
    """A stream of three events, which came on a day of March."""
    lines = [f": request 2026-03-{day:02}T10:00:00Z POST /v1/chat/completions"]
    for n, content in enumerate(("", text, "")):
        choice = {
            "index": 0,
            "delta": {"content": content},
            "finish_reason": "stop" if n == 2 and ends else None,
        }
        chunk = {
            "id": name,
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "m",
            "choices": [choice],
        }
        lines += [f": t 2026-03-{day:02}T10:00:0{n + 1}Z", f"data: {json.dumps(chunk)}", ""]
    return "\n".join([*lines, *(["data: [DONE]", "", ""] if ends else [""])])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def texts(lake: Path) -> list[str]:
    with ssetl.open(lake) as opened:
        assert not [found.name for found in opened.check() if found.violations.num_rows]
        query = "select string_agg(content, '') from chunks group by stream_id order by 1"
        return [text for (text,) in opened.sql(query).rows()]


def ids(lake: Path, table: str, where: str = "true") -> list[str]:
    with ssetl.open(lake) as opened:
        column = f"{table.removesuffix('s')}_id"
        return opened.sql(f"select {column} from {table} where {where} order by 1")[column].to_list()


def holding(lake: Path, text: str = SECRET) -> list[str]:
    """The files of a dataset in which a text is found, temporary and replaced ones too."""
    found = []
    for path in lake.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if data[:4] == b"PAR1":
                data += repr(pq.read_table(path).to_pylist()).replace('"', "'").encode()
            if text.replace("'", "").encode() in data.replace(b"'", b"").replace(b"\\", b""):
                found.append(path.name)
    return found


def test_a_capture_goes_from_every_file_and_does_not_come_back(folder: Path, lake: Path) -> None:
    (folder / "a.sse").write_text(stream("a", SECRET))
    (folder / "b.sse").write_text(stream("b", "harmless"))
    ingest(folder, dataset=lake)
    assert holding(lake)
    [capture] = ids(lake, "captures", "path like '%a.sse'")
    told = forget(lake, captures=[capture])
    size = (folder / "a.sse").stat().st_size
    assert told == Forgotten(captures=1, streams=1, bytes=size, paths=(str(folder / "a.sse"),))
    assert (texts(lake), holding(lake)) == (["harmless"], [])
    assert forget(lake, captures=[capture]) == Forgotten()

    def come_back(change: Callable[[], Any]) -> bool:
        change()
        ingest(folder, dataset=lake)
        return SECRET in texts(lake)

    a = folder / "a.sse"
    assert not come_back(lambda: None)
    assert not come_back(a.touch)
    assert not come_back(lambda: shutil.copy(a, folder / "copy.sse"))
    assert not come_back(lambda: (folder / "packed.gz").write_bytes(gzip.compress(a.read_bytes())))
    assert not come_back(lambda: a.rename(folder / "renamed.sse"))
    assert not come_back(lambda: (folder / "longer").write_text(stream("a", SECRET) + stream("c", "more")))
    assert not come_back(lambda: compact(lake))
    assert (texts(lake), holding(lake)) == (["harmless", "more"], [])


def test_copies_go_with_their_original_and_the_other_way_round(folder: Path, lake: Path) -> None:
    for name in ("a.sse", "copy.sse"):
        (folder / name).write_text(stream("a", SECRET))
        ingest(folder, dataset=lake)
    [copy] = ids(lake, "captures", "copy_of is not null")
    assert forget(lake, captures=[copy]).captures == 2
    assert (ids(lake, "captures"), holding(lake)) == ([], [])
    assert ingest(folder, dataset=lake).unchanged == 2


def test_equal_failures_are_different_failures(folder: Path, lake: Path) -> None:
    for name in ("a", "b"):
        (folder / name).write_text('{"error":{"message":"busy","type":"overloaded_error"}}\n')
    ingest(folder, dataset=lake)
    first, second = ids(lake, "captures")
    assert forget(lake, captures=[first]).captures == 1
    assert ids(lake, "captures") == [second]
    assert ingest(folder, dataset=lake).captures == 0


@pytest.mark.parametrize("ends", [True, False])
def test_of_a_file_that_grows_only_what_is_added_is_read(folder: Path, lake: Path, *, ends: bool) -> None:
    log = folder / "gateway.log"
    log.write_text(stream("a", SECRET, ends=ends))
    ingest(folder, dataset=lake)
    forget(lake, captures=ids(lake, "captures"))
    log.write_text(log.read_text() + stream("b", "added"))
    ingest(folder, dataset=lake)
    assert (texts(lake), holding(lake)) == (["added"], [])
    log.write_text(log.read_text() + stream("c", "again"))
    ingest(folder, dataset=lake)
    assert texts(lake) == ["added", "again"]


def test_a_damaged_file_that_is_mended_does_not_bring_back_what_was_forgotten(
    folder: Path, lake: Path
) -> None:
    packed = gzip.compress(
        (stream("a", SECRET) + "".join(stream(f"s{n}", f"{n}") for n in range(200))).encode(), 1
    )
    (folder / "a.gz").write_bytes(packed[: len(packed) // 2])
    ingest(folder, dataset=lake)
    forget(lake, captures=ids(lake, "captures"))
    (folder / "a.gz").write_bytes(packed)
    ingest(folder, dataset=lake)
    assert "199" in texts(lake)
    assert holding(lake) == []


def test_a_stream_goes_and_its_capture_counts_what_is_left(folder: Path, lake: Path) -> None:
    (folder / "a.sse").write_text(stream("a", SECRET) + stream("b", "harmless"))
    ingest(folder, dataset=lake)
    [gone] = ids(lake, "streams", "response_id = 'a'")
    assert forget(lake, streams=[gone]) == Forgotten(streams=1)
    assert (texts(lake), holding(lake)) == (["harmless"], [])
    with ssetl.open(lake) as opened:
        [counts] = opened.sql("select streams, events, chunks, exchanges from captures").rows()
    assert counts == (1, 3, 3, 2)
    assert forget(lake, streams=[gone]) == Forgotten()
    (folder / "a.sse").write_text((folder / "a.sse").read_text() + stream("c", "added"))
    shutil.copy(folder / "a.sse", folder / "copy.sse")
    ingest(folder, dataset=lake)
    compact(lake)
    assert (texts(lake), holding(lake)) == (["added", "harmless"], [])


def test_a_capture_whose_open_stream_was_forgotten_is_not_read_again_when_it_grows(
    folder: Path, lake: Path
) -> None:
    whole = stream("a", "harmless") + stream("b", SECRET, ends=False)
    (folder / "a.sse").write_text(whole)
    ingest(folder, dataset=lake)
    forget(lake, streams=ids(lake, "streams", "response_id = 'b'"))
    (folder / "a.sse").write_text(whole + stream("c", "added"))
    ingest(folder, dataset=lake)
    assert (texts(lake), holding(lake)) == (["added", "harmless"], [])


def test_what_started_before_a_time_goes(folder: Path, lake: Path) -> None:
    (folder / "old.sse").write_text(stream("a", SECRET, 1))
    (folder / "mixed.sse").write_text(stream("b", SECRET, 2) + stream("c", "young", 9))
    (folder / "timeless.sse").write_text("".join(stream("d", "timeless").splitlines(keepends=True)[2:4]))
    (folder / "no stream").write_text("nothing that streams")
    ingest(folder, dataset=lake)
    told = forget(lake, before="2026-03-09T10:00:00Z")
    assert (told.captures, told.streams) == (1, 2)
    assert texts(lake) == ["", "young"]
    assert holding(lake) == []
    assert forget(lake, before="2026-03-09T10:00:00Z") == Forgotten()
    # What does not know when it was is as old as its ingest.
    assert forget(lake, before="2999-01-01").captures == 3
    assert ids(lake, "captures") == []
    assert ingest(folder, dataset=lake).captures == 0


def test_a_dry_run_tells_the_same_and_writes_nothing(folder: Path, lake: Path) -> None:
    (folder / "a.sse").write_text(stream("a", SECRET))
    ingest(folder, dataset=lake)
    before = {path: path.stat().st_mtime_ns for path in lake.rglob("*")}
    told = forget(lake, before="2026-04-01", dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in lake.rglob("*")} == before
    assert forget(lake, before="2026-04-01") == told
    assert told.streams == 1


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ({}, UsageError, "expected what to forget"),
        ({"captures": ["nope"]}, UsageError, "no capture has the id nope, so nothing was forgotten"),
        ({"streams": ["nope"]}, UsageError, "no stream has the id nope"),
        ({"before": "soon"}, BadParameter, "before expects a time"),
    ],
)
def test_what_is_not_there_cannot_be_forgotten(
    folder: Path, lake: Path, wanted: dict[str, Any], error: type[Exception], message: str
) -> None:
    (folder / "a.sse").write_text(stream("a", "harmless"))
    ingest(folder, dataset=lake)
    with pytest.raises(error, match=message):
        forget(lake, **wanted)
    assert texts(lake) == ["harmless"]


def test_what_killed_processes_left_goes_too(
    folder: Path, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Temporary files, files of replaced parts, and standard input that is kept until it is read."""
    (folder / "a.sse").write_text(stream("a", SECRET))
    ingest(folder, dataset=lake)
    [capture] = ids(lake, "captures")
    (lake / "chunks" / ".x.parquet.00.tmp").write_text(SECRET)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((folder / "a.sse").read_bytes())))
    with monkeypatch.context() as patched:
        patched.setattr(files, "remove", lambda _path: None)
        patched.setattr(Dataset, "clear_spool", lambda _dataset: None)
        ingest("-", dataset=lake)
    assert len(holding(lake)) == 4
    assert forget(lake, captures=[capture]).captures == 2
    assert holding(lake) == []


def test_nothing_is_lost_of_an_ingest_that_was_cut_short(folder: Path, lake: Path) -> None:
    (folder / "a.sse").write_text(stream("a", SECRET))
    (folder / "b.sse").write_text(stream("b", "harmless"))
    ingest(folder, dataset=lake)
    [part] = Dataset.open(lake).visible_parts()
    [capture] = ids(lake, "captures", "path like '%a.sse'")
    (lake / "captures" / f"{part}.parquet").unlink()
    forget(lake, captures=[capture])
    assert (texts(lake), holding(lake)) == (["harmless"], [])
