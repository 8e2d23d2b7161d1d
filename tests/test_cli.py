import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ssetl import cli, terminal


def test_ingest_says_on_stderr_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    captures = Path(__file__).parent.parent / "data" / "captures"
    command = ["ingest", str(captures / "plain.txt"), "--dataset", str(tmp_path / "lake")]
    assert cli.run(command) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("1 capture: 1 stream, 10 events, 10 chunk rows\n3.0 kB in ")
    assert cli.run(command) == 0
    assert capsys.readouterr().err == "nothing new in 1 source\n"
    assert cli.run([*command, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out)["unchanged"] == 1


def test_report_without_a_name_is_the_overview(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", "--dataset", str(dataset)]) == 0
    first = capsys.readouterr()
    assert cli.run(["report", "overview", "--dataset", str(dataset)]) == 0
    assert capsys.readouterr() == first
    assert first.err == ""
    assert first.out.startswith("api ")


@pytest.mark.parametrize("form", ["table", "json", "parquet"])
def test_a_result_without_rows_is_noted(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    options = ["--dataset", str(dataset), "--format", form, "-o", str(tmp_path / "out")]
    assert cli.run(["report", "latency", "--model", "no\x1bsuch", *options]) == 0
    assert capsys.readouterr().err == "latency: no rows where model is no\\x1bsuch\n"
    assert cli.run(["sql", "select 1 where false", *options]) == 0
    assert capsys.readouterr().err == "no rows\n"


def test_several_reports_have_titles(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", "errors", "tokens", "--dataset", str(dataset)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\nerrors\n\nrequest_model ")
    assert "\n\ntokens\n\nresponse_model " in out


def test_parameters(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--dataset", str(dataset), "--format", "json"]

    def models(*arguments: str) -> set[str]:
        assert cli.run(["report", "tokens", *arguments, *options]) == 0
        return {row["response_model"] for row in json.loads(capsys.readouterr().out)}

    everything = models()
    assert models("--model", "llama-3.3-70b") == {"llama-3.3-70b"}
    assert models("--param", "model=llama-3.3-70b") == {"llama-3.3-70b"}
    assert models("--since", "2026-03-02T09:35:00Z") == {"gpt-3.5-turbo-instruct"}
    assert models("--until", "2026-03-02T09:35:00Z") == everything - {"gpt-3.5-turbo-instruct"}
    assert models("--since", "2026-03-02", "--until", "2026-03-03") == everything


def test_reports_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["reports", "--format", "json"]) == 0
    listed = {row["report"]: row for row in json.loads(capsys.readouterr().out)}
    assert listed["latency"]["parameters"] == ["since", "until", "model"]
    assert listed["latency"]["description"].endswith(".")


def test_ones_own_reports(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.sql").write_text(
        "-- name: mine\n-- description: Mine.\n-- grain: one row\n-- param: n INTEGER = 1\nselect $n as n\n"
    )
    own = ["--queries", str(tmp_path), "--format", "json"]
    assert cli.run(["report", "mine", "--param", "n=5", "--dataset", str(dataset), *own]) == 0
    assert json.loads(capsys.readouterr().out) == [{"n": 5}]
    assert cli.run(["reports", *own]) == 0
    assert "mine" in {row["report"] for row in json.loads(capsys.readouterr().out)}


def test_sql_from_the_command_line_and_from_a_file(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--dataset", str(dataset), "--format", "csv", "--param", "n=5"]
    (tmp_path / "q.sql").write_text("select count(*) as captures, $n as n from captures")
    assert cli.run(["sql", (tmp_path / "q.sql").read_text(), *options]) == 0
    assert capsys.readouterr().out == "captures,n\n9,5\n"
    assert cli.run(["sql", "-f", str(tmp_path / "q.sql"), *options]) == 0
    assert capsys.readouterr().out == "captures,n\n9,5\n"


def test_a_result_goes_into_a_file(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form, start in (("table", "n\n─\n"), ("json", '[\n{"n":1}'), ("parquet", "PAR1")):
        path = tmp_path / f"out.{form}"
        arguments = ["sql", "select 1 as n", "--format", form, "-o", str(path), "--dataset", str(dataset)]
        assert cli.run(arguments) == 0
        assert path.read_bytes().startswith(start.encode())
    assert capsys.readouterr() == ("", "")


def test_export(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = [
        "export",
        "latency",
        "chunks",
        "--to",
        str(out),
        "--format",
        "jsonl",
        "--dataset",
        str(dataset),
    ]
    assert cli.run(command) == 0
    assert capsys.readouterr() == ("", f"{out}/latency.jsonl\n{out}/chunks.jsonl\n")
    assert len((out / "chunks.jsonl").read_text().splitlines()) == 116


def test_spreadsheets_are_safe_unless_raw(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["sql", "select '=1+1' as x", "--format", "csv", "--dataset", str(dataset)]
    assert cli.run(command) == 0
    assert capsys.readouterr().out == "x\n'=1+1\n"
    assert cli.run([*command, "--raw"]) == 0
    assert capsys.readouterr().out == "x\n=1+1\n"


def test_the_dataset_may_come_from_the_environment(
    dataset: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSETL_DATASET", str(dataset))
    assert cli.run(["sql", "select 1 as n", "--format", "csv"]) == 0
    assert capsys.readouterr().out == "n\n1\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nope"], 2, "No such command 'nope'."),
        (["report", "--nope"], 2, "No such option '--nope'."),
        (["report", "--format", "xml"], 2, "Invalid value for '--format': 'xml'"),
        (["report", "nope"], 2, "no report is named 'nope'"),
        (["report", "latency", "--since", "soon"], 2, "parameter since expects a time"),
        (["report", "captures", "--model", "x"], 2, "report captures has no parameter 'model'"),
        (["report", "latency", "--param", "since"], 2, "expected --param NAME=VALUE, found 'since'"),
        (["report", "latency", "tokens", "--format", "csv"], 2, "one report at a time"),
        (["report", "--queries", "missing"], 2, "expected a folder of .sql files, found none at missing"),
        (["sql"], 2, "expected one query"),
        (["sql", "select 1", "-f", "x.sql"], 2, "expected one query"),
        (["sql", "-f", "missing.sql"], 2, "cannot read the query in missing.sql: No such file"),
        (["sql", "select nope from streams"], 1, 'SQL:1: Referenced column "nope" not found'),
        (["sql", "drop view streams"], 1, "SQL: expected a SELECT, found DROP"),
        (["sql", ""], 1, "SQL: expected one SELECT, found nothing."),
        (["sql", "select '\udcff'"], 1, "SQL: expected UTF-8"),
        (["sql", "select $x"], 2, "SQL: $x has no value: give it one, as in --param x=VALUE."),
        (["sql", "select 1", "--param", "y=5"], 2, "SQL: there is no $y in it"),
        (["report", "--model", "\udcff"], 2, "parameter model expects a text in UTF-8"),
        (["export", "nope", "--to", "out"], 2, "no report is named 'nope'"),
        (["export", "--to", "out", "--format", "table"], 2, "Invalid value for '--format'"),
        (["ingest", "missing"], 2, "missing"),
        (["ingest", "."], 2, "there are none (hidden files and datasets are passed over)"),
        (["sql", "select 1", "-o", "no/such\x1b/\0"], 1, r"unexpected: ValueError('embedded null byte')"),
    ],
)
def test_failures_are_one_line_and_a_status(
    *,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if arguments[0] in {"report", "sql", "export", "ingest"}:
        arguments = [*arguments, "--dataset", str(dataset)]
    assert cli.run(arguments) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ssetl: error: ")
    assert err.count("\n") == 1
    assert message in err
    assert "Traceback" not in err


def test_a_dataset_has_a_path_that_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.sse").write_bytes(b"data: {}\n\n")
    folder = tmp_path / "\udcff"
    assert cli.run(["ingest", str(tmp_path / "a.sse"), "--dataset", str(folder)]) == 1
    assert "the path of a dataset is UTF-8" in capsys.readouterr().err
    assert not folder.exists()


def test_standard_input_named_twice_is_read_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = io.TextIOWrapper(io.BytesIO(b'data: {"object":"chat.completion.chunk","choices":[]}\n\n'))
    monkeypatch.setattr("sys.stdin", given)
    assert cli.run(["ingest", "-", "-", "--dataset", str(tmp_path / "lake")]) == 0
    assert "1 capture: 1 stream, 1 event" in capsys.readouterr().err


def test_no_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["report", "--dataset", str(tmp_path / "no\x1blake")]) == 1
    err = capsys.readouterr().err
    assert "no dataset at" in err
    assert r"no\x1blake" in err


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Usage: ssetl [OPTIONS] COMMAND")
    assert cli.run(["--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: ssetl [OPTIONS] COMMAND")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    import ssetl

    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"ssetl {ssetl.__version__}\n"


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted."),
        (RuntimeError("odd\n"), 1, r"unexpected: RuntimeError('odd\n'). Set SSETL_TRACEBACK=1"),
    ],
)
def test_what_nobody_expected(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    status: int,
    message: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ssetl.lake.Lake.__init__", fail)
    assert cli.run(["report"]) == status
    err = capsys.readouterr().err.strip()
    assert err.startswith(f"ssetl: error: {message}")
    assert "Traceback" not in err
    if status == 1:
        monkeypatch.setenv(cli.TRACEBACK, "1")
        assert cli.run(["report"]) == status
        assert "Traceback" in capsys.readouterr().err


def process(dataset: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "ssetl", *arguments, "--dataset", str(dataset)]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_standard_streams_may_be_closed(closed: str, tmp_path: Path) -> None:
    source, lake = tmp_path / "a.sse", tmp_path / "lake"
    source.write_text("data: [DONE]\n\n")
    ingest = f'exec "{sys.executable}" -m ssetl ingest "{source}" --dataset "{lake}" {closed}'
    done = subprocess.run(["sh", "-c", ingest], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert [*lake.glob("captures/*.parquet")]


def test_a_closed_pipe_ends_it_quietly(dataset: Path) -> None:
    command = process(dataset, "sql", "select range from range(3000000)", "--format", "csv")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"range\n"
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


def on_a_terminal(command: list[str], columns: int) -> tuple[str, int]:
    """What a command writes to a terminal that is so many columns wide, and its exit status."""
    pty = pytest.importorskip("pty", reason="this system has no pseudo terminals")
    primary, secondary = pty.openpty()
    environment = os.environ | {"COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen(command, stdout=secondary, stderr=secondary, env=environment) as running:
        os.close(secondary)
        seen = b""
        while True:
            try:
                piece = os.read(primary, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            seen += piece
    os.close(primary)
    return seen.decode().replace("\r\n", "\n"), running.returncode


def test_on_a_terminal_nothing_hostile_takes_effect(given: Callable[..., Path]) -> None:
    path = given(streams=[{"response_model": "\x1b]0;title\x07[red]\u202e", "events": 1}] * 3)
    query = "select response_model, events from streams"
    for form in ("table", "csv", "json", "jsonl", "markdown"):
        text, status = on_a_terminal(process(path, "sql", query, "--format", form), 100)
        assert status == 0
        assert "\x1b]" not in text
        assert "\x07" not in text
        assert "\u202e" not in text
        assert "[red]" in text
    text, status = on_a_terminal(process(path, "sql", query, "--format", "parquet"), 100)
    assert status == 2
    assert "write it with -o FILE" in text


def test_a_terminal_is_told_what_it_does_not_show(given: Callable[..., Path]) -> None:
    columns = ", ".join(f"range as quite_a_long_name_{n}" for n in range(20))
    rows = terminal.MAX_ROWS + 1
    text, _ = on_a_terminal(process(given(), "sql", f"select {columns} from range({rows})"), 80)
    assert "These are the first 1,000 rows; -o FILE writes all." in text
    assert "Without room: " in text
    assert "quite_a_long_name_19; -o FILE writes all." in text
