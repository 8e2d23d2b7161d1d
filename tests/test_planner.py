"""Planning: what becomes of files that are new, grow, move, are copied, cut, rewritten or gone."""

import bz2
import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from ssetl import planner
from ssetl.captures import compression, sources
from ssetl.dataset import Dataset
from standin import NOW, Folder, closed_length, lines, rows, write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    return Folder(tmp_path, monkeypatch)


LONG = "".join(f"{blake3(b'%d' % n).hexdigest()}\n" for n in range(200))


def test_new_files_are_captures_and_known_ones_are_not_even_opened(folder: Folder) -> None:
    folder.put("a", "a1\nend\n")
    folder.put("b", "b1\nend2\n")
    assert folder.ingest().unchanged == 0
    assert (folder.lines, folder.ranges) == ("a1 b1 end end2", [("a", 0, 7), ("b", 0, 8)])
    again = folder.ingest()
    assert (again.unchanged, again.plans, folder.opened) == (2, (), [])
    folder.put("c", "c1\nend3\n")
    assert folder.ingest().unchanged == 2
    assert folder.opened
    assert all(path.endswith("/c") for path in folder.opened)
    assert folder.lines == "a1 b1 c1 end end2 end3"


def test_removed_files_keep_their_rows(folder: Folder) -> None:
    folder.put("a", "a1\nend\n")
    folder.put("b", "b1\nend2\n")
    folder.ingest()
    folder("a").unlink()
    assert folder.ingest().plans == ()
    assert folder.lines == "a1 b1 end end2"


def test_renamed_files_are_known_without_being_opened(folder: Folder) -> None:
    folder.put("a", "a1\nend\n")
    folder.ingest()
    folder("a").rename(folder("z"))
    assert (folder.ingest().unchanged, folder.opened) == (1, [])


def test_a_touched_file_is_read_once_and_then_known(folder: Folder) -> None:
    folder.put("a", LONG)
    folder.ingest()
    folder.touch("a")
    assert folder.ingest().unchanged == 1
    assert folder.opened != []
    assert folder.ingest().unchanged == 1
    assert folder.opened == []
    assert len(lines(folder.lake)) == 200


def test_of_a_file_that_grew_only_the_rest_is_read(folder: Folder) -> None:
    folder.put("log", LONG + "end\n")
    folder.ingest()
    folder.append("log", "b1\nend2\n")
    folder.ingest()
    assert folder.ranges == [("log", 0, len(LONG) + 4), ("log", len(LONG) + 4, 8)]
    assert len(set(lines(folder.lake))) == len(lines(folder.lake)) == 203


def test_a_stream_that_the_end_of_a_file_cut_becomes_one(folder: Folder) -> None:
    folder.put("log", "a1\nend\nb1\n")
    folder.put("other", "o1\nend2\n")
    folder.ingest()
    folder.append("log", "b2\nend3\nc1\n")
    folder.ingest()
    assert folder.lines == "a1 b1 b2 c1 end end2 end3 o1"
    assert folder.ranges == [("log", 0, 7), ("log", 7, 14), ("other", 0, 8)]
    # The part of the beginning is not touched any more.
    before = Dataset.open(folder.lake).visible_parts()
    folder.append("log", "c2\nend4\n")
    folder.ingest()
    assert folder.lines == "a1 b1 b2 c1 c2 end end2 end3 end4 o1"
    assert set(before) - set(Dataset.open(folder.lake).visible_parts()) == {before[-1]}


def test_neighbours_in_a_replaced_part_keep_their_rows_though_their_files_are_gone(folder: Folder) -> None:
    folder.put("gone", "g1\nend\n")
    folder.put("log", "a1\n")
    folder.ingest()
    folder("gone").unlink()
    folder.append("log", "a2\n")
    folder.ingest()
    assert folder.lines == "a1 a2 end g1"


def test_rotation_with_a_new_file(folder: Folder) -> None:
    folder.put("log", "a1\nend\nb1\n")
    folder.ingest()
    folder.append("log", "b2\nend2\n")
    folder("log").rename(folder("log.1"))
    folder.put("log", "c1\nend3\n")
    folder.ingest()
    assert folder.lines == "a1 b1 b2 c1 end end2 end3"
    folder("log.2.gz").write_bytes(gzip.compress(folder("log.1").read_bytes()))
    folder("log.1").unlink()
    folder("log").rename(folder("log.1"))
    folder.put("log", "d1\nend4\n")
    assert folder.ingest().unchanged == 2
    assert folder.lines == "a1 b1 b2 c1 d1 end end2 end3 end4"
    assert folder.ingest().unchanged == 3
    assert folder.opened == []


def test_rotation_by_copying_and_truncating(folder: Folder) -> None:
    folder.put("log", "a1\nend\nb1\n")
    folder.ingest()
    folder.append("log", "b2\nend2\n")
    shutil.copy(folder("log"), folder("log.1"))
    folder.put("log", "")
    folder.ingest()
    assert folder.lines == "a1 b1 b2 end end2"
    folder.append("log", "c1\nend3\n")
    folder.ingest()
    assert folder.lines == "a1 b1 b2 c1 end end2 end3"
    folder.put("log", "much longer than the log was when it was read last\nend4\n")
    folder.ingest()
    assert len(lines(folder.lake)) == 9


@pytest.mark.parametrize("copy", ["a-copy", "z-copy"])
def test_an_ingest_between_copying_and_truncating(folder: Folder, copy: str) -> None:
    folder.put(copy, f"{LONG}end\nb1\n")
    folder.put("log", f"{LONG}end\nb1\nb2\nend2\n")
    folder.ingest()
    assert lines(folder.lake) == sorted([*LONG.split(), "b1", "b2", "end", "end2"])
    folder.put("log", "c1\nend3\n")
    folder.ingest()
    assert lines(folder.lake) == sorted([*LONG.split(), "b1", "b2", "c1", "end", "end2", "end3"])


def test_compressed_files_grow_too(folder: Folder) -> None:
    folder("log.gz").write_bytes(gzip.compress(b"a1\nend\nb1\n"))
    folder.ingest()
    with folder("log.gz").open("ab") as file:
        file.write(gzip.compress(b"b2\nend2\n"))
    folder.ingest()
    assert folder.lines == "a1 b1 b2 end end2"
    assert folder.ranges == [("log.gz", 0, 7), ("log.gz", 7, 11)]


def test_a_file_that_was_cut_inside_its_compression_is_taken_up_again(folder: Folder) -> None:
    packed = gzip.compress(LONG.encode() + b"end\n")
    folder("log.gz").write_bytes(packed[: len(packed) // 2])
    folder.ingest()
    [plan] = Dataset.open(folder.lake).plans
    damages = [capture.damage for part in plan.parts for capture in part.captures]
    assert damages == ["truncated_gzip"]
    folder("log.gz").write_bytes(packed)
    folder.ingest()
    assert lines(folder.lake) == sorted(gzip.decompress(packed).decode().split())


def test_equal_bytes_under_two_names_count_once_whatever_packs_them(folder: Folder) -> None:
    folder.put("a", "a1\nend\n")
    folder("b.bz2").write_bytes(bz2.compress(b"a1\nend\n"))
    folder.ingest()
    folder.put("c", "a1\nend\n")
    folder.ingest()
    assert folder.lines == "a1 end"
    [original] = [row for row in rows(folder.lake, "captures") if row["copy_of"] is None]
    copies = [row for row in rows(folder.lake, "captures") if row["copy_of"]]
    assert Path(original["path"]).name == "a"
    assert [Path(row["path"]).name for row in copies] == ["b.bz2", "c"]
    assert {row["copy_of"] for row in copies} == {original["capture_id"]}
    assert folder.ingest().unchanged == 3


def test_a_copy_of_a_file_that_was_read_in_several_goes(folder: Folder) -> None:
    folder.put("log", "a1\nend\n")
    folder.ingest()
    folder.append("log", "b1\nend2\n")
    folder.ingest()
    folder.put("saved", folder("log").read_text() + "c1\nend3\n")
    folder.ingest()
    folder.touch("saved")
    folder.ingest()
    folder.append("saved", "d1\nend4\n")
    folder.ingest()
    assert folder.lines == "a1 b1 c1 d1 end end2 end3 end4"
    assert folder.ranges == [
        ("log", 0, 7), ("log", 7, 8), ("saved", 0, 7), ("saved", 7, 8), ("saved", 15, 8), ("saved", 23, 8),
    ]  # fmt: skip
    assert folder.ingest().unchanged == 2


def test_a_longer_copy_takes_over_an_open_end(folder: Folder) -> None:
    folder.put("log", "a1\nend\nb1\n")
    folder.put("same", "a1\nend\nb1\n")
    folder.ingest()
    folder.put("z", "a1\nend\nb1\nb2\nend2\n")
    folder.ingest()
    assert folder.lines == "a1 b1 b2 end end2"
    assert folder.ranges == [("z", 0, 7), ("z", 7, 11)]
    assert folder.ingest().unchanged == 3


def test_the_beginning_of_a_known_file_is_nothing_new(folder: Folder) -> None:
    folder.put("whole", LONG)
    folder.ingest()
    folder.put("beginning", LONG[:9000])
    assert folder.ingest().unchanged == 2
    assert len(lines(folder.lake)) == 200
    assert folder.ingest().unchanged == 2
    assert folder.opened == []


def test_a_rewritten_file_replaces_its_rows_if_it_begins_the_same(folder: Folder) -> None:
    folder.put("a", LONG + "old\n")
    folder.put("b", "b1\n")
    folder.ingest()
    folder.put("a", LONG + "new\n")
    folder.ingest()
    assert len(lines(folder.lake)) == 202
    assert "new" in folder.lines
    assert "old" not in folder.lines


@pytest.mark.parametrize("now", [LONG + "new\n", LONG[:9000]], ids=["changed", "shortened"])
def test_a_crash_between_two_plans_keeps_no_rows_of_a_rewritten_file(folder: Folder, now: str) -> None:
    """Once its new bytes are covered, nothing would tell any more that it had others."""
    folder.put("a", LONG + "old\n")
    folder.put("b", "b1\n")
    folder.ingest()
    folder.put("a", now)
    folder.append("b", "b2\n")
    folder.put("c", "c1\n")
    adding, replacing = planner.make(
        Dataset.open(folder.lake), sources.find([folder.path]).sources, now_us=NOW
    ).plans
    assert (adding.replaces, len(replacing.replaces)) == ((), 1)
    assert Dataset.open(folder.lake).publish(adding)
    folder.ingest()
    assert lines(folder.lake) == sorted([*now.split(), "b1", "b2", "c1"])


def test_a_shortened_file_is_rewritten_too(folder: Folder) -> None:
    folder.put("a", LONG)
    folder.ingest()
    folder.put("a", LONG[: len(LONG) // 2])
    folder.ingest()
    assert len(lines(folder.lake)) == 100


@pytest.mark.parametrize("names", [["b"], ["b", "a"], ["b", "c"]], ids=["renamed", "and back", "twice"])
@pytest.mark.parametrize("now", [LONG + "new\n", LONG[:9000]], ids=["changed", "shortened"])
def test_a_file_that_was_renamed_and_later_rewritten_replaces_its_rows(
    folder: Folder, names: list[str], now: str
) -> None:
    folder.put("a", LONG[:9000])
    folder.ingest()
    folder.append("a", LONG[9000:] + "old\n")
    folder.ingest()
    name = "a"
    for name_now in names:
        folder(name).rename(folder(name_now))
        name = name_now
        folder.ingest()
    folder.put(name, now)
    folder.ingest()
    assert lines(folder.lake) == sorted(now.split())


REWRITTEN = LONG[:6500] + "new\n"


def test_rewriting_a_file_leaves_what_a_renamed_copy_holds(folder: Folder) -> None:
    folder.put("a", LONG)
    folder.ingest()
    folder.put("b", LONG)
    folder.ingest()
    for name, name_now in [("b", "c"), ("a", "b")]:
        folder(name).rename(folder(name_now))
        folder.ingest()
    folder.put("b", REWRITTEN)
    folder.ingest()
    assert set(lines(folder.lake)) == {*LONG.split(), "new"}


def test_a_new_file_leaves_what_a_rotated_one_holds_that_has_grown(folder: Folder) -> None:
    folder.put("a", LONG + "end\n")
    folder.ingest()
    folder("a").rename(folder("b"))
    folder.append("b", "more\n")
    folder.ingest()
    folder.put("a", REWRITTEN)
    folder.ingest()
    assert set(lines(folder.lake)) == {*LONG.split(), "end", "more", "new"}


def test_a_new_file_leaves_what_was_renamed_at_the_same_time(folder: Folder) -> None:
    folder.put("a", LONG)
    folder.ingest()
    folder("a").rename(folder("b"))
    folder.put("a", REWRITTEN)
    assert not any(plan.replaces for plan in folder.ingest().plans)
    assert set(lines(folder.lake)) == {*LONG.split(), "new"}


def test_a_new_file_that_begins_like_a_renamed_one_costs_that_nothing(folder: Folder) -> None:
    folder.put("a", LONG[:9000])
    folder.ingest()
    folder.append("a", LONG[9000:] + "old\n")
    folder.ingest()
    folder("a").rename(folder("b"))
    folder.ingest()
    folder.put("a", REWRITTEN)
    assert not any(plan.replaces for plan in folder.ingest().plans)
    assert set(lines(folder.lake)) == {*LONG.split(), "old", "new"}


def test_a_new_file_under_an_old_name_costs_the_old_one_nothing(folder: Folder) -> None:
    folder.put("a", "a1\nend\n")
    folder.ingest()
    folder.put("a", "completely different, and longer\nend2\n")
    folder.ingest()
    assert len(lines(folder.lake)) == 4


def test_rewriting_a_file_leaves_what_its_copies_hold(folder: Folder) -> None:
    folder.put("a", LONG)
    folder.put("b", LONG)
    folder.ingest()
    folder.put("a", LONG[:-2] + "x\n")
    folder.ingest()
    assert len(lines(folder.lake)) == 400
    assert len(set(lines(folder.lake))) == 201


def test_empty_files_are_covered_and_may_grow(folder: Folder) -> None:
    folder.put("a", "")
    folder.put("b", "")
    folder.ingest()
    assert folder.ingest().unchanged == 2
    folder.append("b", "b1\nend\n")
    folder.append("a", "a1\nend2\n")
    folder.ingest()
    assert folder.lines == "a1 b1 end end2"


def test_parts_are_of_a_good_size(folder: Folder) -> None:
    for n in range(10):
        folder.put(f"file{n}", f"x{n}\n" * 10)
    folder.put("large", "y\n" * 100)
    [plan] = folder.ingest(part_bytes=100).plans
    sizes = [[capture.bytes for capture in part.captures] for part in plan.parts]
    assert sizes == [[30, 30, 30], [30, 30, 30], [30, 30, 30], [30], [200]]


def test_a_part_takes_in_so_many_captures(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner, "PART_CAPTURES", 2)
    for n in range(5):
        folder.put(f"file{n}", f"x{n}\n")
    [plan] = folder.ingest().plans
    assert [len(part.captures) for part in plan.parts] == [2, 2, 1]


def test_what_replaces_a_capture_is_read_with_its_options(folder: Folder) -> None:
    folder.put("log", "a1\nend\nb1\n")
    folder.put("other", "o1\nend2\n")
    folder.ingest(options={"content": "drop"})
    folder.put("open", "p1\n")
    folder.ingest(options={"content": "keep"})
    folder.append("log", "b2\n")
    folder.append("open", "p2\n")
    folder.put("new", "n1\n")
    plans = folder.ingest(options={"content": "hash"}).plans
    options = {capture.path: part.options for p in plans for part in p.parts for capture in part.captures}
    modes = {Path(path).name: chosen["content"] for path, chosen in options.items()}
    assert modes == {"log": "drop", "other": "drop", "open": "keep", "new": "hash"}


def test_what_cannot_be_read_is_told_and_tried_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.put("a", "a1\nend\n")
    folder.put("b", "b1\nend2\n")
    opens = os.open

    def refuse(path: str, *arguments: Any, **named: Any) -> int:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return opens(path, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(compression.os, "open", refuse)
        assert folder.ingest().unreadable == ((str(folder("a")), "permission denied"),)
    assert folder.lines == "b1 end2"
    assert folder.ingest().unreadable == ()
    assert folder.lines == "a1 b1 end end2"


YOUNG = {"settle": 10.0, "now_us": 1_000_000_005_000_000}
"""The first file that `Folder` touches is 5 s old, and has to be 10 s old."""


def test_a_young_file_waits(folder: Folder) -> None:
    folder.put("log", "a1\nend\nb1\n")
    assert folder.ingest(**YOUNG).waiting == (str(folder("log")),)
    assert rows(folder.lake, "captures") == []
    assert folder.ingest(**{**YOUNG, "now_us": NOW}).waiting == ()
    assert folder.lines == "a1 b1 end"


def closed(path: str, offset: int, length: int) -> int:
    return closed_length(Path(path).read_bytes()[offset : offset + length])


def test_of_a_young_file_only_the_open_end_waits_if_that_is_known(folder: Folder) -> None:
    folder.put("log", "a1\nend\nb1\n")
    assert folder.ingest(**YOUNG, closed=closed).waiting == (str(folder("log")),)
    assert (folder.lines, folder.ranges) == ("a1 end", [("log", 0, 7)])
    assert folder.ingest(**YOUNG, closed=closed).plans == ()
    folder.append("log", "b2\nend2\nc1\n")
    assert folder.ingest(**YOUNG, closed=closed).waiting == (str(folder("log")),)
    assert folder.ranges == [("log", 0, 7), ("log", 7, 11)]
    folder.ingest(settle=10.0, closed=closed)
    assert folder.lines == "a1 b1 b2 c1 end end2"
    assert folder.ingest().unchanged == 1


def test_a_source_that_changed_after_it_was_planned_voids_its_part(folder: Folder) -> None:
    folder.put("a", "a1\nend\n")
    folder.put("b", "b1\nend2\n")
    dataset = Dataset.create(folder.lake)
    [plan] = planner.make(dataset, sources.find([folder.path]).sources, now_us=NOW).plans
    dataset.publish(plan)
    folder.put("a", "other\nend3\n")
    assert [part.name for part in Dataset.open(folder.lake).pending_parts()] == ["00000001-0000"]
    folder.ingest()
    assert folder.lines == "b1 end2 end3 other"
    assert Dataset.open(folder.lake).visible_parts() == ["00000003-0000"]


def test_a_copy_gives_the_rows_if_its_original_vanished_before_it_was_read(folder: Folder) -> None:
    for name in ("a", "b", "c"):
        folder.put(name, "a1\nend\n")
    dataset = Dataset.create(folder.lake)
    listed = sources.find([folder.path]).sources
    [plan] = planner.make(dataset, listed, now_us=NOW, part_bytes=1).plans
    dataset.publish(plan)
    folder("a").unlink()
    for part in plan.parts[1:]:
        assert write(Dataset.open(folder.lake), part)
    folder.ingest()
    assert folder.lines == "a1 end"
    owners = {row["copy_of"] for row in rows(folder.lake, "captures") if row["copy_of"]}
    assert owners == {row["capture_id"] for row in rows(folder.lake, "captures") if not row["copy_of"]}


def test_a_replacement_that_cannot_be_finished_is_off(folder: Folder) -> None:
    folder.put("log", "a1\n")
    folder.put("other", "o1\nend2\n")
    folder.ingest()
    folder.append("log", "a2\nend\n")
    dataset = Dataset.open(folder.lake)
    [plan] = planner.make(dataset, sources.find([folder.path]).sources, now_us=NOW).plans
    assert plan.replaces
    dataset.publish(plan)
    folder("log").unlink()
    folder.ingest()
    assert folder.lines == "a1 end2 o1"
    assert Dataset.open(folder.lake).visible_parts() == ["00000001-0000"]


def test_a_source_still_holds_what_was_planned_if_more_came_behind_it(folder: Folder) -> None:
    folder.put("log", "a1\nend\n")
    [plan] = planner.make(Dataset.create(folder.lake), sources.find([folder.path]).sources, now_us=NOW).plans
    [capture] = plan.parts[0].captures
    assert planner.still_holds(capture, planned_us=NOW)
    assert folder.opened
    folder.append("log", "b1\n")
    assert planner.still_holds(capture, planned_us=NOW)
    folder.put("log", "a2\nend\n")
    assert not planner.still_holds(capture, planned_us=NOW)
    folder("log").unlink()
    assert not planner.still_holds(capture, planned_us=NOW)


def test_a_change_too_quick_for_the_clock_is_noticed(folder: Folder) -> None:
    folder.put("log", "a1\nend\n")
    [source] = sources.find([folder.path]).sources
    planned_us = source.mtime_ns // 1000 + 1
    [plan] = planner.make(Dataset.create(folder.lake), [source], now_us=planned_us).plans
    [capture] = plan.parts[0].captures
    with folder("log").open("r+") as file:
        file.write("b")
    os.utime(folder("log"), ns=(source.mtime_ns, source.mtime_ns))
    assert sources.find([folder.path]).sources == [source]
    assert not planner.still_holds(capture, planned_us=planned_us)


def test_the_loser_of_a_race_finds_nothing_left_to_plan(folder: Folder) -> None:
    folder.put("a", "a1\nend\n")
    listed = sources.find([folder.path]).sources
    one, two = Dataset.create(folder.lake), Dataset.create(folder.lake)
    [mine] = planner.make(one, listed, now_us=1).plans
    [theirs] = planner.make(two, listed, now_us=2).plans
    assert one.publish(mine)
    assert not two.publish(theirs)
    again = planner.make(Dataset.open(folder.lake), listed, now_us=2)
    assert (again.plans, again.unchanged) == ((), 1)


# Listings that are older than what others have ingested since


def test_a_listing_from_before_a_file_grew_takes_nothing_back(folder: Folder) -> None:
    folder.put("log", LONG + "end\nb1\n")
    listed = sources.find([folder.path]).sources
    folder.ingest()
    folder.append("log", "b2\nend2\n")
    folder.ingest()
    planned = planner.make(Dataset.open(folder.lake), listed, now_us=NOW)
    assert (planned.plans, planned.waiting) == ((), (str(folder("log")),))


def test_a_file_that_took_the_place_of_another_is_not_taken_for_it(folder: Folder) -> None:
    folder.put("log", "a1\nend\n")
    listed = sources.find([folder.path]).sources
    folder("log").rename(folder("log.1"))
    folder.put("log", "b1\nb2\nend2\n")
    planned = planner.make(Dataset.create(folder.lake), listed, now_us=NOW)
    assert (planned.plans, planned.waiting) == ((), (str(folder("log")),))
    folder.ingest()
    assert folder.lines == "a1 b1 b2 end end2"


def test_a_short_copy_of_a_file_that_goes_on_growing_is_nothing_new(folder: Folder) -> None:
    folder.put("log", LONG + "end\nb1\n")
    folder.ingest()
    folder.append("log", "b2\nend2\n")
    folder.ingest()
    folder.append("log", "c1\nend3\n")
    folder.put("copy", LONG + "end\nb1\n")
    folder.ingest()
    found = lines(folder.lake)
    assert len(found) == len(set(found)) == 200 + len(["end", "b1", "b2", "end2", "c1", "end3"])
