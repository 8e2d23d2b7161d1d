"""Parts that are written by worker processes: the same dataset, whatever happens to the workers."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

import ssetl
from platforms import NEEDS_COPIES
from ssetl import planner, pool, workers
from ssetl.dataset import TABLE_ORDER, Dataset
from ssetl.errors import DataError

CAPTURES = Path(__file__).parent.parent / "data" / "captures"
SOME = ("completions.sse", "interleaved.sse", "plain.txt", "reasoning.ndjson", "tool-calls.sse")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Captures that make a part each, and workers for as little as that."""
    monkeypatch.setitem(planner.make.__kwdefaults__ or {}, "part_bytes", 1)
    monkeypatch.setattr(workers, "WORTH", 0)
    monkeypatch.setattr(workers, "cores", lambda: 2)
    folder = tmp_path / "logs"
    folder.mkdir()
    for name in SOME:
        (folder / name).write_bytes((CAPTURES / name).read_bytes())
    return folder


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list["subprocess.Popen[bytes]"]:
    """The workers that are started."""
    processes = []
    start = pool._start

    def noted(folder: Path) -> "subprocess.Popen[bytes]":
        processes.append(start(folder))
        return processes[-1]

    monkeypatch.setattr(pool, "_start", noted)
    return processes


def rows(lake: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of a dataset, the time of the ingest aside."""
    dataset = Dataset.open(lake)
    found = {
        table: [row for file in dataset.files(table) for row in pq.read_table(file).to_pylist()]
        for table in TABLE_ORDER
    }
    return {table: [{**row, "ingested_at": None} for row in listed] for table, listed in found.items()}


def test_workers_write_what_one_process_writes(
    folder: Path, started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = ssetl.ingest(folder, dataset=folder.parent / "by-workers")
    assert len(started) == 2
    monkeypatch.setattr(workers, "cores", lambda: 1)
    alone = ssetl.ingest(folder, dataset=folder.parent / "alone")
    assert len(started) == 2
    assert msgspec.structs.replace(summary, seconds=0) == msgspec.structs.replace(alone, seconds=0)
    assert summary.parts == len(SOME)
    assert rows(folder.parent / "by-workers") == rows(folder.parent / "alone")


def test_little_is_written_without_workers(
    folder: Path, started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    ssetl.ingest(folder, dataset=folder.parent / "lake")
    assert started == []


def test_a_worker_that_is_killed_costs_nothing_but_a_rerun(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, start = folder.parent / "lake", pool._start

    def killed(path: Path) -> "subprocess.Popen[bytes]":
        process = start(path)
        process.kill()
        return process

    monkeypatch.setattr(pool, "_start", killed)
    with pytest.raises(DataError, match="run the ingest again"):
        ssetl.ingest(folder, dataset=lake)
    monkeypatch.setattr(pool, "_start", start)
    ssetl.ingest(folder, dataset=lake)
    ssetl.ingest(folder, dataset=folder.parent / "undisturbed")
    assert rows(lake) == rows(folder.parent / "undisturbed")


def test_a_source_that_changes_before_a_worker_reads_it_is_planned_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parts = workers.write_parts

    def after_a_change(*arguments: Any) -> Any:
        (folder / "plain.txt").write_bytes((CAPTURES / "cut-short.sse").read_bytes())
        return write_parts(*arguments)

    monkeypatch.setattr(workers, "write_parts", after_a_change)
    summary = ssetl.ingest(folder, dataset=folder.parent / "lake")
    assert summary.waiting == (str(folder / "plain.txt"),)
    assert summary.captures == len(SOME) - 1


COPIES = """
import os, sys
from ssetl import copies, planner, pool, worker, workers
planner.make.__kwdefaults__["part_bytes"] = 1
workers.WORTH_COPIES = 0
copies.cores = workers.cores = lambda: 2
start = pool._Copy.__init__
def started(self, folder):
    print("started", file=sys.stderr)
    start(self, folder)
    {then}
pool._Copy.__init__ = started
{before}
copies.claim()
from ssetl.cli import run
sys.exit(run(["ingest", *sys.argv[1:]]))
"""


def by_copies(
    folder: Path, lake: Path, then: str, *, before: str = "pass"
) -> "subprocess.CompletedProcess[str]":
    code = COPIES.format(before=before, then=then)
    command = [sys.executable, "-c", code, str(folder), "--dataset", str(lake)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@NEEDS_COPIES
def test_copies_of_the_process_write_what_one_process_writes(folder: Path) -> None:
    lake, alone = folder.parent / "by-copies", folder.parent / "alone"
    for then, said in (("os.kill(self.pid, 9)", "has died"), ("pass", "captures:")):
        done = by_copies(folder, lake, then)
        assert (done.returncode, done.stderr.count("started")) == (said == "has died", 2)
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    subprocess.run(
        [sys.executable, "-m", "ssetl", "ingest", str(folder), "--dataset", str(alone)], check=True
    )
    written, by_one = rows(lake), rows(alone)
    for table in TABLE_ORDER:
        assert sorted(map(repr, written[table])) == sorted(map(repr, by_one[table]))


@NEEDS_COPIES
def test_what_nobody_expected_in_a_copy_is_told(folder: Path) -> None:
    fail = "worker.write_part = lambda *_: 1 / 0"
    done = by_copies(folder, folder.parent / "lake", "pass", before=fail)
    assert done.returncode == 1
    assert "unexpected: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def asked(lake: Path, *names: str, cause: Callable[["subprocess.Popen[bytes]"], object] | None = None) -> Any:
    """What a worker answers to names of parts, and its exit status."""
    process = pool._start(lake)
    assert process.stdin is not None
    assert process.stdout is not None
    for name in names:
        process.stdin.write(name.encode() + b"\n")
    process.stdin.flush()
    answers = [msgspec.json.decode(process.stdout.readline()) for _ in names]
    if cause is not None:
        cause(process)
    process.stdin.close()
    status = process.wait()
    process.stdout.close()
    return answers, status


def test_a_worker_says_what_became_of_each_part(folder: Path) -> None:
    lake = folder.parent / "lake"
    ssetl.ingest(folder, dataset=lake)
    part = Dataset.open(lake).plans[0].parts[0].name
    [unknown, written], status = asked(lake, "00000009-0001", part)
    assert unknown == {"counts": {}}  # written by another, and taken over since
    assert written["counts"]["parts"] == 1
    assert status == 0


def test_a_worker_names_what_the_system_refused(tmp_path: Path) -> None:
    [answer], _ = asked(tmp_path / "nothing", "00000001-0001")
    assert "expected a folder" in answer["message"]


def test_a_worker_whose_parent_is_gone_ends_quietly(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ssetl.worker", str(tmp_path / "nothing")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"00000001-0001\n")
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_worker_ends_on_sigterm(folder: Path) -> None:
    lake = folder.parent / "lake"
    ssetl.ingest(folder, dataset=lake)
    _, status = asked(lake, "00000009-0001", cause=lambda process: os.kill(process.pid, signal.SIGTERM))
    assert status in (128 + signal.SIGTERM, 0)
