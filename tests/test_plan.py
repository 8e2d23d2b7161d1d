"""Plans: their files, and which parts count after any history."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl import plan
from ssetl.errors import DatasetDamaged, SchemaVersionError
from ssetl.plan import Part, Plan, PlannedCapture, Seen, Snapshot, part_name
from ssetl.version import SCHEMA_VERSION


def capture(name: str, **changes: Any) -> PlannedCapture:
    fields: dict[str, Any] = {
        "path": f"/logs/{name}",
        "inode": "1:2",
        "size": 10,
        "mtime_ns": 1,
        "compression": "none",
        "offset": 0,
        "bytes": 10,
        "digest": name,
        "head": "aa",
        "tail": "bb",
        "n": 0,
        "capture_id": name,
    }
    return PlannedCapture(**fields | changes)


def make(number: int, parts: int = 0, **members: Any) -> Plan:
    planned = tuple(Part(part_name(number, n), (capture(part_name(number, n)),)) for n in range(parts))
    return Plan(number, plan.instant(1_700_000_000_123_456), "1.2.3", parts=planned, **members)


A, B, C, D = "00000001-0000", "00000001-0001", "00000002-0000", "00000002-0001"


def test_a_plan_survives_its_file() -> None:
    written = make(7, 2, replaces=(A,), voids=(B,), seen=(Seen("x", "/logs/\n\x1b\N{SNOWMAN}", "1:3", 4, 5),))
    assert plan.decode_plan(plan.encode(written), "here") == written
    snapshot = Snapshot(7, (written, make(8)))
    assert plan.decode_snapshot(plan.encode(snapshot), "here") == snapshot


def test_the_file_says_what_is_needed_to_read_it_in_years() -> None:
    written = json.loads(plan.encode(make(7, 1)))
    assert written["version"] == plan.PLAN_VERSION
    assert written["schema_version"] == SCHEMA_VERSION
    assert written["number"] == 7
    assert written["created_at"] == "2023-11-14T22:13:20.123456Z"
    assert written["parts"][0]["name"] == "00000007-0000"
    assert make(7).created_us == 1_700_000_000_123_456


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b'{"version":1}', b"\xff\x00", b"null"])
def test_a_damaged_plan_is_named(damaged: bytes) -> None:
    with pytest.raises(DatasetDamaged, match="plans/3"):
        plan.decode_plan(damaged, "plans/3")


@pytest.mark.parametrize(
    ("member", "value", "remedy"),
    [
        ("schema_version", SCHEMA_VERSION + 1, "upgrade ssetl"),
        ("schema_version", 0, "new dataset"),
        ("version", 9, "upgrade"),
    ],
)
def test_another_version_is_told_from_damage(member: str, value: int, remedy: str) -> None:
    other = json.dumps({**json.loads(plan.encode(make(3))), member: value, "parts": "unheard of"}).encode()
    with pytest.raises(SchemaVersionError, match=remedy):
        plan.decode_plan(other, "plans/3")


def test_parts_appear_one_by_one() -> None:
    plans = [make(1, 2)]
    assert plan.visible_parts(plans, set()) == []
    assert plan.visible_parts(plans, {B}) == [B]
    assert [part.name for part in plan.pending_parts(plans, {B})] == [A]


def test_a_replacement_shows_all_at_once() -> None:
    plans = [make(1, 2), make(2, 2, replaces=(A,))]
    assert plan.visible_parts(plans, {A, B, C}) == [A, B]
    assert plan.visible_parts(plans, {A, B, C, D}) == [B, C, D]
    assert plan.visible_parts(plans, {B, C, D}) == [B, C, D]
    assert [part.name for part in plan.pending_parts(plans, {B, C})] == [D]


def test_a_replacement_by_nothing_is_at_once() -> None:
    assert plan.visible_parts([make(1, 2), make(2, replaces=(A,))], {A, B}) == [B]


def test_replaced_parts_need_not_exist_any_more() -> None:
    plans = [make(1, 1), make(2, 2, replaces=(A,)), make(3, 1, replaces=(C,))]
    third = "00000003-0000"
    assert plan.visible_parts(plans, {D, third}) == [D, third]
    assert plan.visible_parts(plans, {C, D}) == [C, D]


def test_a_void_part_was_never_planned() -> None:
    plans = [make(1, 2), make(2, voids=(A,))]
    assert plan.visible_parts(plans, {B}) == [B]
    assert plan.pending_parts(plans, {B}) == []
    assert list(plan.live_parts(plans, {B})) == [B]


def test_a_part_that_was_finished_in_time_is_not_void() -> None:
    plans = [make(1, 2), make(2, voids=(A,))]
    assert plan.visible_parts(plans, {A, B}) == [A, B]
    assert list(plan.live_parts(plans, {A, B})) == [A, B]
    # Nor is it later, when it has been replaced and its files are gone.
    plans.append(make(3, 1, replaces=(A,)))
    assert list(plan.live_parts(plans, {B, "00000003-0000"})) == [B, "00000003-0000"]
    assert plan.voided(plans) == set()


def test_a_replacement_with_a_void_part_is_off() -> None:
    plans = [make(1, 2), make(2, 2, replaces=(A,)), make(3, voids=(D,))]
    assert plan.visible_parts(plans, {A, B, C}) == [A, B]
    assert list(plan.live_parts(plans, {A, B, C})) == [A, B]
    assert plan.visible_parts(plans, {A, B, C, D}) == [B, C, D]


def test_what_was_seen_counts_while_its_capture_does() -> None:
    seen = Seen(A, "/logs/other", "1:9", 10, 2)
    assert list(plan.seen([make(1, 1), make(2, seen=(seen,))], set())) == [seen]
    assert list(plan.seen([make(1, 1), make(2, seen=(seen,)), make(3, voids=(A,))], set())) == []


def test_what_a_replacement_saw_counts_unless_it_is_off() -> None:
    """Else a source would count as covered while rows that it no longer holds stay."""
    seen = Seen(B, "/logs/other", "1:9", 10, 2)
    plans = [make(1, 2), make(2, 1, replaces=(A,), seen=(seen,))]
    assert list(plan.seen(plans, {A, B})) == [seen]
    plans.append(make(3, voids=(C,)))
    assert list(plan.seen(plans, {A, B})) == []
    assert list(plan.seen(plans, {A, B, C})) == [seen]
    assert list(plan.seen(plan.condense(plans, {A, B}), {A, B, C})) == [seen]


class History(msgspec.Struct, frozen=True):
    """Plans; void parts that were whole in time; void parts that never will be."""

    plans: list[Plan]
    won: set[str]
    lost: set[str]

    def some_whole(self, data: st.DataObject, at_least: set[str] | None = None) -> set[str]:
        drawn = data.draw(some_of(names(self.plans))) | (at_least or set())
        return drawn - self.lost | self.won


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Plans as planners make them: they replace and void only what is live when they are made."""
    plans: list[Plan] = []
    won, lost = set[str](), set[str]()
    for number in range(1, draw(st.integers(1, 8)) + 1):
        live = sorted(set(plan.live_parts(plans, won)) - won)
        some = st.lists(st.sampled_from(live), unique=True, max_size=3) if live else st.just([])
        kind = draw(st.sampled_from(["add", "replace", "void"]))
        made = make(number, draw(st.integers(0, 3)) if kind != "void" else 0)
        chosen = tuple(draw(some))
        if kind == "replace":
            made = msgspec.structs.replace(made, replaces=chosen)
        elif kind == "void":
            made = msgspec.structs.replace(made, voids=chosen[:1])
            (won if draw(st.booleans()) else lost).update(chosen[:1])
        seen = tuple(Seen(name, f"/{number}", "1:1", 1, 1) for name in draw(some))
        plans.append(msgspec.structs.replace(made, seen=seen))
    return History(plans, won, lost)


def names(plans: list[Plan]) -> list[str]:
    return [part.name for each in plans for part in each.parts]


def some_of(all_: list[str]) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from(all_)) if all_ else st.just(set())


@given(histories(), st.data())
def test_visible_parts_are_live_or_still_being_replaced_and_whole(
    history: History, data: st.DataObject
) -> None:
    plans, whole = history.plans, history.some_whole(data)
    visible = plan.visible_parts(plans, whole)
    assert set(visible) <= whole
    assert visible == sorted(set(visible))
    live = plan.live_parts(plans, whole)
    for name in set(visible) - set(live):
        replacing = [each for each in plans if name in each.replaces]
        assert any({part.name for part in each.parts} - whole for each in replacing)
    everything = set(names(plans)) - history.lost
    assert set(plan.visible_parts(plans, everything)) == set(plan.live_parts(plans, everything))
    assert plan.pending_parts(plans, everything) == []


@given(histories(), st.data())
def test_a_snapshot_changes_nothing_now_or_later(history: History, data: st.DataObject) -> None:
    plans, whole = history.plans, history.some_whole(data)
    # When the snapshot was made, it was not known yet which of the void parts had been finished in time.
    known = whole - data.draw(some_of(sorted(history.won)))
    condensed = list(plan.condense(plans, known))
    for state in (whole, history.some_whole(data, at_least=whole)):
        assert plan.visible_parts(condensed, state) == plan.visible_parts(plans, state)
        assert plan.pending_parts(condensed, state) == plan.pending_parts(plans, state)
        assert plan.live_parts(condensed, state) == plan.live_parts(plans, state)
        assert set(plan.seen(condensed, state)) == set(plan.seen(plans, state))


@given(histories(), st.data())
def test_the_life_of_a_dataset_goes_on_from_a_snapshot(history: History, data: st.DataObject) -> None:
    plans, whole = history.plans, history.some_whole(data)
    cut = data.draw(st.integers(0, len(plans)))
    known = {name for name in whole if name in names(plans[:cut]) and data.draw(st.booleans())}
    continued = [*plan.condense(plans[:cut], known), *plans[cut:]]
    assert plan.visible_parts(continued, whole) == plan.visible_parts(plans, whole)
    assert plan.live_parts(continued, whole) == plan.live_parts(plans, whole)


def test_a_snapshot_forgets_what_is_over() -> None:
    plans = [make(1, 1), *(make(n, 1, replaces=(part_name(n - 1, 0),)) for n in range(2, 50))]
    [kept] = plan.condense(plans, set(names(plans)))
    assert [part.name for part in kept.parts] == ["00000049-0000"]
    assert kept.replaces == ()
