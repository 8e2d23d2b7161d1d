import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import ssetl


def test_everything_public_is_there() -> None:
    for name in ssetl.__all__:
        assert getattr(ssetl, name) is not None, name
    with pytest.raises(AttributeError, match="module 'ssetl' has no attribute 'nope'"):
        _ = ssetl.nope


def test_the_package_is_typed() -> None:
    assert (Path(ssetl.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize("module", ["ssetl", "ssetl.cli"])
def test_importing_it_imports_no_large_library(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"duckdb", "numpy", "polars", "pyarrow", "rich", "msgspec", "blake3"} & set(eval(done.stdout))


def test_from_captures_to_frames(tmp_path: Path) -> None:
    capture = tmp_path / "logs" / "one.sse"
    capture.parent.mkdir()
    capture.write_text(
        'data: {"id":"c1","object":"chat.completion.chunk","created":1772442960,"model":"m",'
        '"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}\n\n'
        "data: [DONE]\n\n"
    )
    summary = ssetl.ingest([str(capture.parent)], dataset=str(tmp_path / "lake"))
    assert (summary.captures, summary.streams, summary.events) == (1, 1, 1)
    with ssetl.open(tmp_path / "lake") as lake:
        assert lake.sql("select content from chunks").to_dicts() == [{"content": "Hi"}]
        assert lake.report("finish_reasons", model="m")["finish_reason"].to_list() == ["stop"]
        assert lake.report("finish_reasons", model="other").is_empty()
        assert lake.scan("chunks").select("content").collect().item() == "Hi"


def test_reports_are_listed_with_their_parameters(given: Callable[..., Path]) -> None:
    with ssetl.open(given()) as lake:
        listed = {report.name: report for report in lake.reports()}
    assert [parameter.name for parameter in listed["latency"].parameters] == ["since", "until", "model"]


@pytest.mark.parametrize("since", ["2026-03-02", dt.date(2026, 3, 2), dt.datetime(2026, 3, 2, tzinfo=dt.UTC)])
def test_since_and_until(given: Callable[..., Path], since: object) -> None:
    times = [dt.datetime(2026, 3, day, tzinfo=dt.UTC) for day in (1, 2, 3)]
    path = given(streams=[{"stream_id": str(time.day), "started_at": time} for time in times])
    with ssetl.open(path) as lake:
        assert lake.report("streams", since=since)["stream_id"].to_list() == ["2", "3"]
        assert lake.report("streams", until=since)["stream_id"].to_list() == ["1"]


@pytest.mark.parametrize("parts", [0, 1, 3])
def test_scans_cover_the_visible_parts(given: Callable[..., Path], parts: int) -> None:
    path = given(parts=parts, streams=[{"stream_id": "a"}, {"stream_id": "b"}])
    with ssetl.open(path) as lake:
        frame = lake.scan("streams").collect()
        expected = lake.sql("select * from streams")
    assert frame.schema == expected.schema
    assert frame.height == (2 if parts else 0)
    assert frame.schema["finish_reasons"] == pl.List(pl.String)


def test_a_lake_is_what_it_was_when_it_was_opened(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = ssetl.open(dataset)
    monkeypatch.chdir("/")
    with lake:
        assert lake.sql("select count(*) as n from captures")["n"].item() == 9


def test_errors_are_of_one_tree(given: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ssetl.NotADataset, match="no dataset at"):
        ssetl.open(tmp_path / "nothing")
    with ssetl.open(given()) as lake:
        with pytest.raises(ssetl.UnknownReport):
            lake.report("nope")
        with pytest.raises(ssetl.UnknownReport, match=r"no table is named 'chunk'\. There are: captures"):
            lake.scan("chunk")
        with pytest.raises(ssetl.BadParameter):
            lake.report("latency", since="soon")
        with pytest.raises(ssetl.QueryError):
            lake.sql("drop view streams")
        with pytest.raises(ssetl.SsetlError):
            lake.sql("select")
