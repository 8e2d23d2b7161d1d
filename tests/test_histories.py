"""Whatever happens to files, and to ingests: each line that was ever ingested is in the dataset once.

Compactions change nothing, and what is forgotten never comes back.
"""

import contextlib
import gzip
import itertools
import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssetl import files
from ssetl.compaction import compact
from ssetl.forgetting import forget
from standin import Folder, ingest, lines, rows


class Crash(BaseException):
    """The machine dies here."""


def crashing(at: int) -> Callable[[pytest.MonkeyPatch], None]:
    """Let the system call number `at` of writing files, and all after it, not happen."""
    calls = itertools.count(1)

    def patch(patched: pytest.MonkeyPatch) -> None:
        for name in ("fsync", "link", "unlink"):
            call = getattr(os, name)

            def called(*arguments: Any, _call: Callable[..., Any] = call) -> Any:
                if next(calls) >= at:
                    raise Crash
                return _call(*arguments)

            patched.setattr(files.os, name, called)

    return patch


class World(Folder):
    """A folder in which things happen to files, each line of which is unique."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lines = itertools.count()
        self.ever: set[str] = set()
        self.forgotten: set[str] = set()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())

    def fresh(self) -> str:
        return f"f{next(self._lines):03}"

    def text(self, count: int, *, ends: bool) -> str:
        # Lines are longer than the edges of a file by which it is known again.
        made = [blake3(b"%d" % next(self._lines)).hexdigest(length=2500) for _ in range(count)]
        return "".join(f"{line}\n" for line in made) + (f"end {next(self._lines)}\n" if ends else "")

    def content(self, name: str) -> bytes:
        data = self(name).read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data

    def note(self) -> None:
        """What is here now must be in the dataset from now on."""
        for name in self.names():
            self.ever.update(self.content(name).decode().splitlines())

    def lines_of(self, capture: str | None) -> set[str]:
        """The lines of a capture, or of the one it is a copy of."""
        of = {row["capture_id"]: row["copy_of"] or row["capture_id"] for row in rows(self.lake, "captures")}
        return {r["content"] for r in rows(self.lake, "chunks") if r["capture_id"] == of.get(capture or "")}

    def close(self, names: list[str]) -> None:
        """Leave nothing open or unread: of files that part before they are read, each has all its lines."""
        for name in names:
            self.append(name, f"end {next(self._lines)}\n")
        self.note()
        self.ingest(part_bytes=20_000)

    def check(self) -> None:
        found = Counter(lines(self.lake))
        assert found == Counter(self.ever - self.forgotten)

    def check_glob(self) -> None:
        """A plain glob over the files is right."""
        chunks = (pq.read_table(path) for path in (self.lake / "chunks").glob("*.parquet"))
        assert sorted(line for table in chunks for line in table["content"].to_pylist()) == lines(self.lake)


def ingest_disturbed(world: World, at: int) -> None:
    before = set(lines(world.lake)) if world.lake.exists() else set()
    with pytest.MonkeyPatch.context() as patched, contextlib.suppress(Crash):
        crashing(at)(patched)
        world.ingest(part_bytes=10_000)
    found = Counter(lines(world.lake)) if (world.lake / "_plan").exists() else Counter()
    assert before <= set(found)
    assert set(found.values()) <= {1}
    world.ever.update(found)


def look_after(world: World, action: str, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    """Compact, or forget a capture; perhaps it is killed, and finished by the same again or by an ingest."""
    before = Counter(lines(world.lake))
    captures = [row["capture_id"] for row in rows(world.lake, "captures")]
    chosen = draw(st.sampled_from(captures)) if captures else None
    goes = world.lines_of(chosen) if action == "forget" else set()

    def run() -> None:
        if action == "compact":
            compact(world.lake, part_bytes=20_000)
        else:
            forget(world.lake, captures=[chosen] if chosen else [], before="2000-01-01")

    if killed_at := draw(st.sampled_from([0, 0, *range(1, 60)])):
        with pytest.MonkeyPatch.context() as patched, contextlib.suppress(Crash):
            crashing(killed_at)(patched)
            run()
        # All the old, or all the new.
        assert Counter(lines(world.lake)) in (before, Counter(set(before) - goes))
    if killed_at and draw(st.booleans()):
        # It may not have begun: then an ingest does not finish it.
        world.ingest(part_bytes=20_000)
        goes &= set(before) - set(lines(world.lake))
    else:
        run()
        world.check_glob()
    world.forgotten |= goes
    world.check()


def ingest_thrice_at_once(world: World) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            ingest(world.lake, world.path, part_bytes=10_000)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def change(world: World, action: str, name: str, fresh: str, text: str) -> None:
    match action:
        case "append":
            world.append(name, text)
        case "rename":
            world(name).rename(world(fresh))
        case "gzip":
            world(f"{fresh}.gz").write_bytes(gzip.compress(world(name).read_bytes()))
            world.touch(f"{fresh}.gz")
            world(name).unlink()
        case "copytruncate":
            world.put(fresh, world(name).read_text())
            world.put(name, "")
        case "copy":
            world.put(fresh, world(name).read_text())
        case "touch":
            world.touch(name)
        case "remove":
            world(name).unlink()


CHANGES = ("append", "append", "append", "rename", "gzip", "copytruncate", "copy", "touch", "remove")
ACTIONS = st.lists(
    st.sampled_from(("new", *CHANGES, "crash", "race", "ingest", "compact", "forget")),
    min_size=3,
    max_size=25,
)


@pytest.fixture(scope="module")
def fresh_paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("worlds")
    return (base / str(n) for n in itertools.count())


EXAMPLES: Final = max(60, settings.default.max_examples // 5)
"""Each takes a second or less; `--hypothesis-profile search` tries a thousand."""


# No test depends on the machine's speed.
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=ACTIONS, data=st.data())
def test_each_line_that_was_ever_ingested_is_there_once(
    fresh_paths: Iterator[Path], actions: list[str], data: st.DataObject
) -> None:
    world = World(next(fresh_paths))
    for action in [*actions, "ingest"]:
        text = world.text(data.draw(st.integers(0, 3)), ends=data.draw(st.booleans()))
        if action == "new":
            world.put(world.fresh(), text)
        elif action == "crash":
            ingest_disturbed(world, data.draw(st.integers(1, 40)))
        elif action in ("race", "ingest"):
            world.note()
            ingest_thrice_at_once(world) if action == "race" else world.ingest(part_bytes=20_000)
            world.check()
        elif action in ("compact", "forget"):
            world.note()
            world.ingest(part_bytes=20_000)
            look_after(world, action, data.draw)
        elif plain := [name for name in world.names() if not name.endswith(".gz")]:
            if action == "copy":
                world.close(plain)
            change(world, action, data.draw(st.sampled_from(plain)), world.fresh(), text)
    before = lines(world.lake)
    assert world.ingest().plans == ()
    assert lines(world.lake) == before
    shutil.rmtree(world.path.parent)
