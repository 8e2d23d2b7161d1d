"""Whole after a crash: whatever fails at whatever moment, readers see whole parts and a rerun finishes.

`faults/run.py` kills at random, here for a bounded number of rounds and by hand for as long as you like.
"""

import errno
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

import ssetl
from ssetl import cli, parts
from ssetl.captures import compression

HERE = Path(__file__).parent
CAPTURES = HERE.parent / "data" / "captures"
TABLES = ("captures", "streams", "chunks", "rejects")
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_killed_at_random_nothing_is_lost_and_nothing_doubled() -> None:
    command = [sys.executable, str(HERE / "faults" / "run.py"), "--histories", "3", "--rounds", "3"]
    ran = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = ran.stdout.splitlines()[-1]
    found = r"9 rounds, .* [1-9]\d* hit \(.*\), [1-9]\d* looks, 0 rows lost, 0 rows doubled, 0 faults"
    assert re.fullmatch(found, told)


# Signals


PAUSED = """
import os, sys, time
from ssetl import cli
link, at, done = os.link, int(sys.argv.pop()), []
def pausing(*arguments, **named):
    done.append(arguments)
    if len(done) == at:
        print("paused", flush=True)
        for _ in range(6000):  # a signal that comes just before a sleep is noticed behind it
            time.sleep(0.1)
    return link(*arguments, **named)
os.link = pausing
cli.main()
"""
"""An ingest that, where it makes its file number `at` visible, waits to be disturbed."""


@pytest.mark.parametrize("at", [1, 3, 5], ids=["plan", "chunks", "captures"])
@pytest.mark.parametrize(
    ("kind", "told"),
    [(signal.SIGINT, (130, "interrupted")), (signal.SIGTERM, (143, "terminated"))],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_signal_ends_an_ingest_and_leaves_nothing_half_done(
    tmp_path: Path, expected: Path, kind: signal.Signals, told: tuple[int, str], at: int
) -> None:
    lake = tmp_path / "lake"
    command = [sys.executable, "-c", PAUSED, "ingest", str(CAPTURES), "--dataset", str(lake), str(at)]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "paused\n"
        running.send_signal(kind)
        error = running.communicate()[1]
    status, word = told
    assert running.returncode == status
    assert error.strip() == f"ssetl: error: {word}. What was complete before is kept."
    assert list(lake.rglob("*.tmp")) == []
    assert_whole(lake)
    assert ssetl.ingest(CAPTURES, dataset=lake).streams > 0
    assert_same(lake, expected)


# A disk that fails


def assert_whole(lake: Path) -> None:
    """What is visible is whole."""
    with ssetl.open(lake) as opened:
        assert [finding.name for finding in opened.check() if finding.violations.num_rows] == []


def rows(lake: Path, table: str) -> pl.DataFrame:
    with ssetl.open(lake) as opened:
        return opened.scan(table).drop("ingested_at", strict=False).collect()


def assert_same(lake: Path, expected: Path) -> None:
    for table in TABLES:
        assert rows(lake, table).equals(rows(expected, table)), table


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of the shipped captures that nobody disturbed."""
    lake = tmp_path_factory.mktemp("undisturbed") / "lake"
    ssetl.ingest(CAPTURES, dataset=lake)
    return lake


MOST_STEPS: Final = 20
"""Of the steps of an ingest so many fail in a test; which, differs with the error."""


class Disk:
    """Counts what is asked of the disk that a dataset is on; from step `fails_at` on it fails.

    With `once`, only that step does.
    """

    def __init__(self, error: int, fails_at: int, *, once: bool = False) -> None:
        self.steps = 0
        self._error, self._fails_at, self._once = error, fails_at, once

    def step(self) -> None:
        self.steps += 1
        if self.steps == self._fails_at or (not self._once and self.steps > self._fails_at > 0):
            raise OSError(self._error, os.strerror(self._error))

    @contextmanager
    def plugged_in(self) -> Iterator[None]:
        disk = self

        def stepping(call: Callable[..., Any]) -> Callable[..., Any]:
            def called(*arguments: Any, **named: Any) -> Any:
                disk.step()
                return call(*arguments, **named)

            return called

        def opened(path: Path, flags: int, *arguments: Any, _open: Any = os.open, **named: Any) -> Any:
            if flags & os.O_CREAT:
                disk.step()
            return _open(path, flags, *arguments, **named)

        class Writer(parts.ParquetWriter):
            def __new__(cls, *arguments: Any, **named: Any) -> Any:
                disk.step()  # before it opens the file
                return super().__new__(cls, *arguments, **named)

            def write_table(self, *arguments: Any, **named: Any) -> None:
                disk.step()
                super().write_table(*arguments, **named)

            def close(self) -> None:
                super().close()
                disk.step()

        with pytest.MonkeyPatch.context() as patched:
            for name in ("fsync", "link", "mkdir"):
                patched.setattr(os, name, stepping(getattr(os, name)))
            patched.setattr(os, "open", opened)
            patched.setattr(pathlib.Path, "open", stepping(pathlib.Path.open))
            patched.setattr(parts, "ParquetWriter", Writer)
            yield


def ingest(lake: Path, *sources: Path) -> int:
    return cli.run(["ingest", *map(str, sources or (CAPTURES / "two-choices.sse",)), "--dataset", str(lake)])


@pytest.mark.parametrize(
    ("error", "once", "remedy"),
    [
        (errno.ENOSPC, False, "make room on that disk, and run it again"),
        (errno.EROFS, False, "let this user write there, or name another place, and run it again"),
        (errno.EIO, True, "see what is wrong with that disk, and run it again"),
    ],
    ids=["full", "read-only", "broken"],
)
def test_a_disk_that_fails_at_any_step_costs_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: int, once: bool, remedy: str
) -> None:
    disk = Disk(error, 0)
    with disk.plugged_in():
        assert ingest(tmp_path / "undisturbed") == 0
    failures = 0
    steps = range(1, disk.steps + 1)
    for step in random.Random(error).sample(steps, min(len(steps), MOST_STEPS)):
        capsys.readouterr()
        lake = tmp_path / f"lake{step}"
        with Disk(error, step, once=once).plugged_in():
            status = ingest(lake)
        told = capsys.readouterr().err
        failures += status
        if status:
            assert told.startswith(f"ssetl: error: {os.strerror(error).lower()}")
            assert told.endswith(f"What was complete before is kept: {remedy}.\n")
        assert list(tmp_path.rglob("*.tmp")) == []
        if (lake / "_plan").exists():
            assert_whole(lake)
        assert ingest(lake) == 0
        assert_same(lake, tmp_path / "undisturbed")
    assert failures > MOST_STEPS / 2  # what fails after all is written costs nothing at all


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 400 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if (
        os.geteuid()
        or sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_a_rerun_with_room_finishes(
    tmp_path: Path, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, lake = tmp_path / "capture.sse", small_disk / "lake"
    events = (CAPTURES / "two-choices.sse").read_text()
    # Texts that do not compress: the rows take more than the disk holds.
    source.write_text(
        "".join(events.replace('"content":"', f'"content":"{os.urandom(20_000).hex()}') for _ in range(40))
    )
    assert ingest(lake, CAPTURES / "tool-calls.sse") == 0
    before = rows(lake, "streams")
    assert ingest(lake, source) == 1
    told = capsys.readouterr().err
    assert re.search(r"error: no space left on device at .*make room on that disk, and run it again\.$", told)
    assert list(lake.rglob("*.tmp")) == []
    assert_whole(lake)
    assert rows(lake, "streams").equals(before)
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    assert ingest(lake, source) == 0
    assert ingest(tmp_path / "undisturbed", CAPTURES / "tool-calls.sse") == 0
    assert ingest(tmp_path / "undisturbed", source) == 0
    assert_same(lake, tmp_path / "undisturbed")


@contextmanager
def as_ordinary_user() -> Iterator[Path]:
    """A folder, and no right to do more than an ordinary user may: nothing is forbidden to root."""
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, user, -1)
        before = os.geteuid()
        os.seteuid(user)
        try:
            yield Path(folder)
        finally:
            os.seteuid(before)


def test_a_lost_permission_to_write_is_told_and_what_is_there_stays(
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = (CAPTURES / "two-choices.sse").read_bytes(), (CAPTURES / "timed.sse").read_bytes()
    with as_ordinary_user() as folder:
        (folder / "a.sse").write_bytes(source[0])
        assert ingest(folder / "lake", folder / "a.sse") == 0
        (folder / "b.sse").write_bytes(source[1])
        for table in ("_plan", "chunks", "captures"):
            capsys.readouterr()
            (folder / "lake" / table).chmod(0o500)
            assert ingest(folder / "lake", folder) == 1
            (folder / "lake" / table).chmod(0o700)
            told = capsys.readouterr().err
            assert told.startswith(f"ssetl: error: permission denied at {folder / 'lake' / table}/")
            assert "let this user write there" in told
            assert rows(folder / "lake", "captures").height == 1
        assert ingest(folder / "lake", folder) == 0
        assert rows(folder / "lake", "captures").height == 2


# Sources that fail


@pytest.mark.parametrize("at", range(1, 8))
def test_a_source_that_breaks_while_it_is_read_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    folder, lake = tmp_path / "in", tmp_path / "lake"
    folder.mkdir()
    for name in ("two-choices.sse", "timed.sse"):
        (folder / name).write_bytes((CAPTURES / name).read_bytes())
    broken, made = folder / "timed.sse", []

    def read(
        descriptor: int, size: int, offset: int, _read: Callable[[int, int, int], bytes] = os.pread
    ) -> bytes:
        if os.path.sameopenfile(descriptor, handle.fileno()):
            made.append(size)
            if len(made) >= at:
                raise OSError(errno.EIO, "Input/output error")
        return _read(descriptor, size, offset)

    with broken.open("rb") as handle, monkeypatch.context() as patched:
        patched.setattr(compression.os, "pread", read)
        status = ingest(lake, folder)
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert status == 0
    if len(made) >= at:
        assert str(broken) in told
        assert set(rows(lake, "captures")["path"]) == {str(folder / "two-choices.sse")}
    assert_whole(lake)
    assert ingest(lake, folder) == 0
    assert ingest(tmp_path / "undisturbed", folder) == 0
    for table in ("streams", "chunks"):
        found, wanted = rows(lake, table), rows(tmp_path / "undisturbed", table)
        assert found.sort("stream_id", maintain_order=True).equals(
            wanted.sort("stream_id", maintain_order=True)
        )


@pytest.mark.parametrize("at", range(1, 8))
def test_a_source_that_vanishes_while_it_is_read_is_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at: int
) -> None:
    folder, lake = tmp_path / "in", tmp_path / "lake"
    folder.mkdir()
    for name in ("two-choices.sse", "timed.sse"):
        (folder / name).write_bytes((CAPTURES / name).read_bytes())
    made = []

    def read(
        descriptor: int, size: int, offset: int, _read: Callable[[int, int, int], bytes] = os.pread
    ) -> bytes:
        made.append(size)
        if len(made) == at:
            (folder / "timed.sse").unlink()
        return _read(descriptor, size, offset)

    with monkeypatch.context() as patched:
        patched.setattr(compression.os, "pread", read)
        assert ingest(lake, folder) == 0
    assert "Traceback" not in capsys.readouterr().err
    assert_whole(lake)
    left = "two-choices.sse"
    assert left in {Path(path).name for path in rows(lake, "captures")["path"]}
    (folder / "timed.sse").write_bytes((CAPTURES / "timed.sse").read_bytes())
    assert ingest(lake, folder) == 0
    assert (
        rows(lake, "streams")["stream_id"]
        .sort()
        .equals(rows(_undisturbed(tmp_path, folder), "streams")["stream_id"].sort())
    )


def _undisturbed(tmp_path: Path, folder: Path) -> Path:
    ingest(tmp_path / "undisturbed", folder)
    return tmp_path / "undisturbed"
