"""A source changes while several ingests read it: they agree on what became of its part, in any order."""

import itertools
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssetl import planner
from ssetl.captures import sources
from ssetl.dataset import Dataset
from ssetl.schema import CAPTURES
from standin import NOW, Folder, collect, finish, lines

STEPS = {"reader": 2, "other reader": 2, "voider": 3, "other voider": 3, "source": 1}
"""The actors, and how many steps each has."""


def planned(folder: Folder) -> None:
    """Let the dataset plan a part for the files `a` and `b`, and not have it yet."""
    folder.put("a", "a1\nend\n")
    folder.put("b", "b1\nend2\n")
    dataset = Dataset.create(folder.lake)
    [plan] = planner.make(dataset, sources.find([folder.path]).sources, now_us=NOW).plans
    assert dataset.publish(plan)


def reader(lake: Path) -> Iterator[None]:
    """An ingest that reads the part, if it can, and then makes it whole."""
    dataset = Dataset.open(lake)
    for part in dataset.pending_parts():
        found = collect(dataset, part)
        yield
        if found is not None:
            finish(dataset, part, found)


def voider(lake: Path) -> Iterator[None]:
    """An ingest that finds a source changed and says so."""
    dataset = Dataset.open(lake)
    pending = dataset.pending_parts()
    for part in pending:
        if collect(dataset, part) is None:
            yield
            dataset.publish(planner.void(dataset, part.name, now_us=NOW))
            yield
            Dataset.open(lake).settled()


def change(folder: Folder) -> Iterator[None]:
    folder.put("a", "other\nend3\n")
    yield from ()


@pytest.fixture(scope="module")
def fresh_paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    base = tmp_path_factory.mktemp("races")
    return (base / str(n) for n in itertools.count())


@settings(max_examples=150)
@given(order=st.permutations([name for name, steps in STEPS.items() for _ in range(steps)]), data=st.data())
def test_what_was_seen_once_stays_and_nothing_is_there_twice(
    fresh_paths: Iterator[Path], order: list[str], data: st.DataObject
) -> None:
    folder = Folder(next(fresh_paths))
    planned(folder)
    actors = {
        "reader": reader(folder.lake),
        "other reader": reader(folder.lake),
        "voider": voider(folder.lake),
        "other voider": voider(folder.lake),
        "source": change(folder),
    }
    # Whoever is killed takes no step any more.
    killed = data.draw(st.sampled_from([(), ("reader",), ("voider",), ("voider", "other voider")]))
    before: set[str] = set()
    for name in order[: data.draw(st.integers(len(order) // 2, len(order)))]:
        if name not in killed or data.draw(st.booleans()):
            next(actors[name], None)
        else:
            actors[name] = iter(())
        found = Counter(lines(folder.lake))
        assert before <= set(found)
        assert set(found.values()) <= {1}
        before = set(found)
    folder.ingest()
    now = {line for path in folder.path.iterdir() for line in path.read_text().split()}
    assert Counter(lines(folder.lake)) == Counter(before | now)
    assert folder.ingest().plans == ()
    shutil.rmtree(folder.path.parent)


def test_a_part_that_is_void_for_good_cannot_become_whole(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    planned(folder)
    slow = reader(folder.lake)
    next(slow)
    folder.put("a", "other\nend3\n")
    folder.ingest()
    assert list(slow) == []
    assert folder.lines == "b1 end2 end3 other"
    # A glob over the marks of parts can be read all the same.
    marks = sorted((folder.lake / "captures").iterdir())
    assert [pq.read_schema(mark).equals(CAPTURES) for mark in marks] == [True, True]


def test_a_void_that_comes_too_late_is_none(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    planned(folder)
    slow = reader(folder.lake)
    next(slow)
    folder.put("a", "other\nend3\n")
    late = voider(folder.lake)
    next(late)
    assert list(slow) == []
    assert folder.lines == "a1 b1 end end2"
    list(late)
    assert folder.lines == "a1 b1 end end2"
    folder.ingest()
    assert folder.lines == "a1 b1 end end2 end3 other"


def test_a_void_is_settled_by_who_comes_next(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    planned(folder)
    folder("a").unlink()
    killed = voider(folder.lake)
    next(killed)
    next(killed)
    assert Dataset.open(folder.lake).undecided == {"00000001-0000"}
    folder.ingest()
    assert Dataset.open(folder.lake).undecided == set()
    assert folder.lines == "b1 end2"
