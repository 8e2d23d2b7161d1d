"""Datasets that tests share, and how golden files are made anew: `pytest --update-golden`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from ssetl import plan, schema
from ssetl.dataset import Dataset

CAPTURES = Path(__file__).parent.parent / "data" / "captures"
SPINE = (
    "completions.sse",
    "cut-short.sse",
    "error.sse",
    "interleaved.sse",
    "plain.txt",
    "reasoning.ndjson",
    "timed.sse",
    "tool-calls.sse",
    "two-choices.sse",
)
"""The captures whose reports are golden; others may come without changing those."""

Rows = Sequence[Mapping[str, Any]]
Given = Callable[..., Path]


# The same examples each time, and none too slow: a run tells of the code, never of luck or the machine.
settings.register_profile("ssetl", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("search", max_examples=5000, deadline=None)
settings.load_profile("ssetl")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing")


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of the shipped captures `SPINE`."""
    from ssetl.ingestion import ingest

    folder = tmp_path_factory.mktemp("spine") / "lake"
    ingest([str(CAPTURES / name) for name in SPINE], dataset=str(folder))
    return folder


@pytest.fixture
def given(tmp_path: Path) -> Given:
    """Write a dataset of the rows given by table; members that a row lacks are null."""

    def write(folder: str = "lake", parts: int = 1, **tables: Rows) -> Path:
        path = tmp_path / folder
        dataset = Dataset.create(path)
        names = [plan.part_name(1, position) for position in range(parts)]
        assert dataset.publish(
            plan.Plan(1, plan.instant(0), "test", parts=tuple(plan.Part(name, ()) for name in names))
        )
        for position, name in enumerate(names):
            for table, columns in schema.TABLES.items():
                rows = tables.get(table, ())[position::parts]
                pq.write_table(pa.Table.from_pylist(list(rows), columns), dataset.file(table, name))
        return path

    return write
