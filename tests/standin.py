"""An ingest for tests of planning, with a format of its own.

It makes a row of each line of text, and a stream is open from any line until a line that begins with
`end`. What is planned, published and replaced is the real thing.
"""

import itertools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssetl import planner, schema
from ssetl.captures import compression, sources
from ssetl.captures.compression import open_source
from ssetl.dataset import Dataset
from ssetl.gathering import gather
from ssetl.parts import PartWriter
from ssetl.plan import Part, PlannedCapture
from ssetl.planner import Planned

NOW = 2_000_000_000_000_000
"""Later than any file of these tests."""


def read(capture: PlannedCapture) -> bytes:
    with open_source(capture.path) as reader:
        reader.seek_to(capture.offset)
        data = b""
        while len(data) < capture.bytes and (more := reader.read(capture.bytes - len(data))):
            data += more
    return data


def closed_length(data: bytes) -> int:
    """Bytes up to and including the last line that ends a stream."""
    return max((match.end() for match in re.finditer(rb"^end.*\n", data, re.MULTILINE)), default=0)


def table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema.TABLES[name])


Rows = dict[str, list[dict[str, Any]]]


def collect(dataset: Dataset, part: Part) -> Rows | None:
    """The rows of a part; None if a source is not what was planned any more."""
    captures: list[dict[str, Any]] = []
    chunks: list[dict[str, Any]] = []
    for capture in part.captures:
        if capture.forgotten:
            continue
        if not planner.still_holds(capture, planned_us=dataset.plan_of(part).created_us):
            return None
        data = read(capture)
        is_copy = capture.copy_of is not None and bool(data)
        if not is_copy:
            texts = data.decode().splitlines()
            chunks += [{"capture_id": capture.capture_id, "content": text} for text in texts]
        captures.append(
            {
                "capture_id": capture.capture_id,
                "path": capture.path,
                "source_offset": capture.offset,
                "bytes": capture.bytes,
                "closed_bytes": None if is_copy else closed_length(data),
                "copy_of": capture.copy_of if is_copy else None,
            }
        )
    return {"chunks": chunks, "captures": captures}


def finish(dataset: Dataset, part: Part, found: Rows) -> None:
    """Make a part of these rows whole."""
    with PartWriter(dataset, part.name) as writer:
        for name, its in found.items():
            writer.write(name, table(name, its))
        writer.commit()


def write(dataset: Dataset, part: Part) -> bool:
    """Write a part; False if a source is not what was planned any more."""
    if part.gathers:
        gather(dataset, part)
        return True
    found = collect(dataset, part)
    if found is not None:
        finish(dataset, part, found)
    return found is not None


def ingest(lake: Path, *named: Path, **options: Any) -> Planned:
    """Plan and write until nothing is left to do; gives the first thing planned."""
    Dataset.create(lake)
    first: Planned | None = None
    for _ in range(100):
        dataset = Dataset.open(lake).settled()
        if pending := dataset.pending_parts():
            if not write(dataset, pending[0]):
                dataset.publish(planner.void(dataset, pending[0].name, now_us=NOW))
            continue
        listed = sources.find(named).sources if any(map(any, map(Path.iterdir, named))) else []
        planned = planner.make(dataset, listed, **{"now_us": NOW, **options})
        first = first or planned
        if not planned.plans:
            return first
        for plan in planned.plans:
            if not Dataset.open(lake).publish(plan):
                break
    raise AssertionError("an ingest that never ends")


def rows(lake: Path, name: str) -> list[dict[str, Any]]:
    return [row for file in Dataset.open(lake).files(name) for row in pq.read_table(file).to_pylist()]


def lines(lake: Path) -> list[str]:
    return sorted(row["content"] for row in rows(lake, "chunks"))


def ranges(lake: Path) -> list[tuple[str, int, int]]:
    found = [(Path(row["path"]).name, row["source_offset"], row["bytes"]) for row in rows(lake, "captures")]
    return sorted(found)


class Folder:
    """Files to ingest, a dataset, and how many of the files were opened by the last ingest."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
        self.path, self.lake = path / "in", path / "lake"
        self.path.mkdir(parents=True)
        self._times = itertools.count(1_000_000_000)
        self.opened: list[str] = []
        if monkeypatch:
            monkeypatch.setattr(compression.os, "open", self._noting(os.open))

    def _noting(self, call: Callable[..., int]) -> Callable[..., int]:
        def called(path: str, *arguments: Any, **named: Any) -> int:
            if str(path).startswith(str(self.path)):
                self.opened.append(str(path))
            return call(path, *arguments, **named)

        return called

    def __call__(self, name: str) -> Path:
        return self.path / name

    def put(self, name: str, text: str) -> None:
        self(name).write_text(text)
        self.touch(name)

    def append(self, name: str, text: str) -> None:
        with self(name).open("a") as file:
            file.write(text)
        self.touch(name)

    def touch(self, name: str) -> None:
        """Give a file a time of its own: no test depends on how fine the clock is."""
        time = next(self._times) * 10**9
        os.utime(self(name), ns=(time, time))

    def ingest(self, **options: Any) -> Planned:
        self.opened.clear()
        return ingest(self.lake, self.path, **options)

    @property
    def lines(self) -> str:
        return " ".join(lines(self.lake))

    @property
    def ranges(self) -> list[tuple[str, int, int]]:
        return ranges(self.lake)
