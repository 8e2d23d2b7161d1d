"""Each check passes what an ingest writes, and finds the fault in a dataset that was made to have it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ssetl
from ssetl import cli, schema

CAPTURES = Path(__file__).parent.parent / "data" / "captures"

Row = dict[str, Any]


def capture(**columns: Any) -> Row:
    kinds = {f"{kind}_bytes": 0 for kind in schema.BYTE_KINDS}
    sound = {"capture_id": "c", "streams": 1, "events": 1, "chunks": 1, "rejects": 1}
    return sound | kinds | {"body_bytes": 30, "event_bytes": 20, "reject_bytes": 10} | columns


def stream(**columns: Any) -> Row:
    sound = {"stream_id": "s", "capture_id": "c", "exchange_index": 0, "events": 1}
    return sound | {"clock": "none", "latency_reason": "no_arrival_times"} | columns


def chunk(**columns: Any) -> Row:
    sound = {"stream_id": "s", "capture_id": "c", "event_index": 0, "choice_position": 0}
    return sound | {"byte_offset": 0} | columns


def reject(**columns: Any) -> Row:
    return {"capture_id": "c", "exchange_index": 0, "byte_offset": 20, "length": 10, "reason": "x"} | columns


SQL = ("accounting", "counts", "ids", "times")
SOUND = {"captures": [capture()], "streams": [stream()], "chunks": [chunk()], "rejects": [reject()]}

FAULTS: list[tuple[str, str, dict[str, list[Row]]]] = [
    ("accounting", "the kinds of bytes sum up to body_bytes", {"captures": [capture(body_bytes=31)]}),
    ("accounting", "the lengths of the rejects sum up to reject_bytes", {"rejects": [reject(length=9)]}),
    ("accounting", "no byte is claimed twice", {"chunks": [chunk(byte_offset=25)]}),
    ("counts", "streams", {"captures": [capture(streams=2)]}),
    ("counts", "events", {"captures": [capture(events=2)]}),
    ("counts", "chunks", {"captures": [capture(chunks=2)]}),
    ("counts", "rejects", {"captures": [capture(rejects=0)]}),
    ("counts", "events of the stream", {"streams": [stream(events=2)]}),
    ("counts", "event_index of the stream", {"chunks": [chunk(event_index=1)]}),
    ("ids", "capture_id is unique in captures", {"captures": [capture(), capture()]}),
    ("ids", "stream_id is unique in streams", {"streams": [stream(), stream()]}),
    ("ids", "event and choice are unique in a stream", {"chunks": [chunk(), chunk()]}),
    ("ids", "the capture of a stream exists", {"streams": [stream(capture_id="d")]}),
    ("ids", "the stream of a chunk exists", {"chunks": [chunk(stream_id="t")]}),
    ("ids", "the capture of a reject exists", {"rejects": [reject(capture_id="d")]}),
    ("ids", "the original of a copy exists", {"captures": [capture(copy_of="d")]}),
    ("times", "no duration is negative", {"streams": [stream(clock="arrival", gap_max_us=-1)]}),
    ("times", "an unknown time to first token has a reason", {"streams": [stream(latency_reason=None)]}),
    ("times", "without a clock no duration is known", {"streams": [stream(total_us=5)]}),
    (
        "times",
        "no time since the request or the previous event is negative",
        {"chunks": [chunk(since_previous_us=-1)]},
    ),
]


def violations(dataset: Path, *names: str) -> dict[str, list[Row]]:
    with ssetl.open(dataset) as lake:
        return {found.name: found.violations.to_pylist() for found in lake.check(*names)}


def test_what_an_ingest_writes_passes_all_checks(tmp_path: Path) -> None:
    ssetl.ingest(CAPTURES, dataset=tmp_path)
    assert violations(tmp_path) == {"structure": [], **{name: [] for name in SQL}}


def test_a_sound_dataset_passes_all_checks(given: Callable[..., Path]) -> None:
    assert not any(violations(given(**SOUND), *SQL).values())


@pytest.mark.parametrize(("check", "rule", "tables"), FAULTS, ids=[rule for _, rule, _ in FAULTS])
def test_a_check_finds_the_fault(
    given: Callable[..., Path], check: str, rule: str, tables: dict[str, list[Row]]
) -> None:
    [found] = violations(given(**(SOUND | tables)), check).values()
    assert rule in [row.get("rule", row.get("count_of")) for row in found]


def test_every_check_has_its_fault() -> None:
    shown = {check for check, _, _ in FAULTS}
    assert shown == {path.stem for path in (CAPTURES.parent.parent / "queries" / "checks").glob("*.sql")}


def test_the_command_ends_with_1_if_a_check_finds_something(
    given: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    broken = given(**(SOUND | {"captures": [capture(body_bytes=31)]}))
    assert cli.run(["check", "accounting", "--dataset", str(broken)]) == 1
    assert "the kinds of bytes sum up to body_bytes" in capsys.readouterr().out
    assert cli.run(["check", "ids", "--dataset", str(broken)]) == 0
