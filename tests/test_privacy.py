"""Nothing that must not be kept is in a dataset: whole datasets are searched, decoded and byte by byte."""

import base64
import json
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import ssetl
from ssetl import cli, privacy, schema
from ssetl.content import MODES
from ssetl.credentials import MASK
from ssetl.errors import UsageError
from ssetl.privacy import Policy, screened

CAPTURES = Path(__file__).parent.parent / "data" / "captures"
CONTAINERS = sorted((CAPTURES / "containers").iterdir())
KEY = b"k" * privacy.KEY_BYTES
HASH = Policy("hash", KEY)
DROP = Policy("drop")


def texts(value: Any) -> Iterator[str]:
    """All texts in the rows of a table, bytes as latin-1."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, dict):
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, list):
        for element in value:
            yield from texts(element)


def found_in(dataset: Path, *secrets: str) -> set[str]:
    """Which of `secrets` are anywhere in a dataset, but for the names of sources."""
    files = [path for path in dataset.rglob("*") if path.is_file()]
    everything = "\n".join(path.read_bytes().decode("latin-1") for path in files)
    for table in schema.TABLES:
        for path in (dataset / table).glob("*.parquet"):
            everything += "\n" + "\n".join(texts(pq.read_table(path).to_pylist()))
    return {secret for secret in secrets if any(form in everything for form in forms(secret))}


def forms(secret: str) -> list[str]:
    """A text as it is, and as it stands in base64, wherever it begins there."""
    encoded = [base64.b64encode(b"." * lead + secret.encode()).decode() for lead in range(3)]
    return [secret, *(text[4:-4] for text in encoded)]


def rows(dataset: Path, table: str) -> list[dict[str, Any]]:
    with ssetl.open(dataset) as lake:
        return lake.scan(table).collect().to_dicts()


ASKED = "When does the ferry leave?"
PLANTED = "planted-secret"
WITHOUT_REQUEST = {
    "array.json",
    "chunks.txt",
    "curl-i.txt",
    "gemini-cli.responses",
    "lm-studio.log",
    "proxy-wire.json",
}


def test_requests_are_not_kept_whatever_the_container(tmp_path: Path) -> None:
    ssetl.ingest(CONTAINERS, dataset=tmp_path)
    assert rows(tmp_path, "streams")
    assert found_in(tmp_path, ASKED, PLANTED) == set()
    assert found_in(tmp_path, "chatcmpl-boat01") == {"chatcmpl-boat01"}  # the search finds what is there


@pytest.mark.parametrize("path", CONTAINERS, ids=lambda path: path.name)
def test_a_container_that_may_hold_a_request_holds_one(path: Path) -> None:
    text = path.read_text("latin-1")
    texts = " ".join(text.split()), "".join(text.split())
    asked = any(form in text for text in texts for secret in (ASKED, PLANTED) for form in forms(secret))
    assert asked == (path.name not in WITHOUT_REQUEST)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_requests_are_not_kept_of_containers_that_are_cut_short(share: float, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    for path in CONTAINERS:
        data = path.read_bytes()
        (folder / path.name).write_bytes(data[: int(len(data) * share)])
    ssetl.ingest([folder], dataset=tmp_path / "lake")
    assert found_in(tmp_path / "lake", ASKED, PLANTED) == set()


def test_a_request_that_a_server_logs_is_not_kept(tmp_path: Path) -> None:
    log = (CAPTURES / "containers" / "lm-studio.log").read_text()
    asked = log.replace('"model": "ferry-7b"', f'"model": "ferry-7b", "messages": [{{"content": "{ASKED}"}}]')
    assert asked != log
    (tmp_path / "server.log").write_text(asked)
    ssetl.ingest([tmp_path / "server.log"], dataset=tmp_path / "lake")
    assert found_in(tmp_path / "lake", ASKED) == set()


EVENT = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1772442960,
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "delta": {
                "role": "assistant",
                "content": "planted answer",
                "refusal": "planted refusal",
                "reasoning_content": "planted thought",
                "tool_calls": [
                    {
                        "index": 0,
                        "id": "call_1",
                        "function": {"name": "look_up", "arguments": "planted argument"},
                    }
                ],
                "planted member": "planted value",
                "audio": {"transcript": "planted speech"},
            },
            "logprobs": {"content": [{"token": "planted token", "logprob": -1}]},
            "finish_reason": None,
        }
    ],
    "note": ["planted note", 1],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
CAPTURE = (
    ": request 2026-03-02T09:16:00Z POST /v1/chat/completions?q=planted-query\n"
    f": t 2026-03-02T09:16:01Z\ndata: {json.dumps(EVENT)}\n\n"
    f": t 2026-03-02T09:16:02Z\ndata: {json.dumps(EVENT | {'usage': None})}\n\n"
    ': t 2026-03-02T09:16:03Z\ndata: {"error": {"message": "planted error", "type": "planted type"}}\n\n'
    "data: planted damage\n\n"
)


@pytest.fixture
def modes(tmp_path: Path) -> dict[str, Path]:
    """One capture in a dataset of each mode, with a second ingest of another capture."""
    (tmp_path / "first.sse").write_text(CAPTURE)
    (tmp_path / "second.sse").write_text(CAPTURE.replace("chatcmpl-1", "chatcmpl-2"))
    for mode in MODES:
        for name in ("first.sse", "second.sse"):
            ssetl.ingest([tmp_path / name], dataset=tmp_path / mode, content=mode)
    return {mode: tmp_path / mode for mode in MODES}


def test_what_people_wrote_is_in_a_dataset_that_keeps_it_and_in_no_other(modes: dict[str, Path]) -> None:
    assert found_in(modes["keep"], "planted answer", "planted damage", "planted-query", "planted") != set()
    assert found_in(modes["hash"], "planted") == set()
    assert found_in(modes["drop"], "planted") == set()


WRITTEN = {
    "streams": {"url", "error_type", "error_message"},
    "chunks": {
        *("content", "refusal", "reasoning", "tool_calls", "logprobs", "error_type", "error_message", "extra")
    },
    "rejects": {"sample"},
    "captures": set[str](),
}


@pytest.mark.parametrize("mode", ["hash", "drop"])
@pytest.mark.parametrize("table", WRITTEN)
def test_all_else_is_as_it_is_where_texts_are_kept(modes: dict[str, Path], mode: str, table: str) -> None:
    def facts(dataset: Path) -> list[dict[str, Any]]:
        left_out = WRITTEN[table] | {"ingested_at"}
        return [{k: v for k, v in row.items() if k not in left_out} for row in rows(dataset, table)]

    assert facts(modes[mode]) == facts(modes["keep"])
    assert [sorted(row) for row in rows(modes[mode], table)] == [
        sorted(schema.TABLES[table].names) for _ in facts(modes["keep"])
    ]


def test_hashes_tell_lengths_and_equality_and_nothing_else(modes: dict[str, Path]) -> None:
    written, hashed = rows(modes["keep"], "chunks"), rows(modes["hash"], "chunks")
    assert len(written) == 6
    for column in ("content", "refusal", "reasoning", "error_message"):
        pairs = {(row[column], other[column]) for row, other in zip(written, hashed, strict=True)}
        assert len(pairs) == len({text for text, _ in pairs}) == len({text for _, text in pairs}) == 2
        for text, other in pairs - {(None, None)}:
            kind, digest, length = other.split(":")
            assert (kind, len(digest), int(length)) == ("blake3", 16, len(text))
    [call] = hashed[0]["tool_calls"]
    assert (call["index"], call["id"], call["name"]) == (0, "call_1", "look_up")
    assert call["arguments"].endswith(f":{len('planted argument')}")
    assert json.loads(hashed[0]["logprobs"]).startswith("blake3:")


def test_dropped_texts_are_null_and_the_outline_of_extra_stays(modes: dict[str, Path]) -> None:
    row = rows(modes["drop"], "chunks")[0]
    assert all(row[name] is None for name in ("content", "refusal", "reasoning", "logprobs"))
    assert row["tool_calls"] == [{"index": 0, "id": "call_1", "name": "look_up", "arguments": None}]
    assert row["extra"] is None or "planted" not in row["extra"]
    assert [row["sample"] for row in rows(modes["drop"], "rejects")] == [None, None]
    assert {row["url"] for row in rows(modes["drop"], "streams")} == {"/v1/chat/completions"}


def test_a_rerun_hashes_alike_and_another_dataset_does_not(modes: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(modes["hash"], tmp_path / "again")
    for table in schema.TABLES:
        for path in (tmp_path / "again" / table).glob("*-0000.parquet"):
            path.unlink()
    ssetl.ingest([tmp_path / "first.sse"], dataset=tmp_path / "again")
    assert rows(tmp_path / "again", "chunks") == rows(modes["hash"], "chunks")
    ssetl.ingest([tmp_path / "first.sse"], dataset=tmp_path / "other", content="hash")
    assert rows(tmp_path / "other", "chunks")[0]["content"] != rows(modes["hash"], "chunks")[0]["content"]


def test_only_its_owner_reads_the_key(modes: dict[str, Path]) -> None:
    key = modes["hash"] / privacy.KEY_FILE
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == privacy.KEY_BYTES
    assert not (modes["keep"] / privacy.KEY_FILE).exists()
    assert found_in(modes["hash"], key.read_bytes().hex()) == set()


def test_another_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="keep, hash, drop"):
        ssetl.ingest([CAPTURES / "plain.txt"], dataset=tmp_path / "lake", content="burn")
    assert not (tmp_path / "lake").exists()


SECRET = "sk-plantedplantedplanted"


@pytest.mark.parametrize("mode", MODES)
def test_credentials_are_masked_in_every_mode(tmp_path: Path, mode: str) -> None:
    members = {
        "headers": {"authorization": SECRET, "x-api-key": "plantedkey"},
        "note": f"use {SECRET}",
        SECRET: 1,
    }
    error = {"error": {"message": f"bad key {SECRET}", "type": SECRET}}
    (tmp_path / "a.sse").write_text(
        f": request 2026-03-02T09:16:00Z POST https://me:planted1@host/v1?key=plantedkey&x=api_key%3D{SECRET}\n"
        f"data: {json.dumps(EVENT | members)}\n\ndata: {json.dumps(error)}\n\ndata: {{ {SECRET}\n\n"
    )
    ssetl.ingest([tmp_path / "a.sse"], dataset=tmp_path / "lake", content=mode)
    assert found_in(tmp_path / "lake", SECRET, "plantedkey", "planted1") == set()
    if mode == "keep":
        assert found_in(tmp_path / "lake", MASK) == {MASK}
        [stream] = rows(tmp_path / "lake", "streams")
        assert (stream["error_type"], stream["error_message"]) == (MASK, f"bad key {MASK}")


def test_what_is_written_is_not_masked_where_it_is_kept(tmp_path: Path) -> None:
    """An answer about keys is an answer; what is scanned is what nobody asked to keep."""
    said = json.loads(json.dumps(EVENT).replace("planted answer", f"a key looks like {SECRET}"))
    (tmp_path / "a.sse").write_text(f"data: {json.dumps(said)}\n\n")
    ssetl.ingest([tmp_path / "a.sse"], dataset=tmp_path / "lake")
    assert found_in(tmp_path / "lake", SECRET) == {SECRET}


def given(table: str, **columns: list[Any]) -> pa.Table:
    [length] = {len(values) for values in columns.values()}
    arrays = [
        pa.array(columns.get(field.name, [None] * length), field.type) for field in schema.TABLES[table]
    ]
    return pa.Table.from_arrays(arrays, schema=schema.TABLES[table])


def encoded(rows: pa.Table) -> pa.Table:
    """The same rows with dictionaries for texts."""
    arrays = [
        column.dictionary_encode() if pa.types.is_string(column.type) else column for column in rows.columns
    ]
    return pa.Table.from_arrays(arrays, names=rows.schema.names)


HOLDING = given(
    "chunks",
    content=["", "Hi", None, "Hi", "é"],
    extra=[None, '{"note":"a"}', '{"choices":[{}]}', f'{{"k":"{SECRET}"}}', '{"note":"a"}'],
    error_message=[None, "bad", f"bad {SECRET}", None, None],
)


@pytest.mark.parametrize("policy", [privacy.KEEP, HASH, DROP], ids=MODES)
def test_dictionaries_slices_and_plain_texts_are_screened_alike(policy: Policy) -> None:
    plain = screened("chunks", HOLDING, policy)
    assert plain.schema == HOLDING.schema
    assert screened("chunks", encoded(HOLDING), policy).to_pylist() == plain.to_pylist()
    for start in range(len(HOLDING)):
        assert (
            screened("chunks", HOLDING.slice(start, 2), policy).to_pylist()
            == plain.slice(start, 2).to_pylist()
        )
    assert screened("chunks", HOLDING.slice(0, 0), policy).num_rows == 0
    twice = pa.concat_tables([HOLDING.slice(1), HOLDING])
    assert screened("chunks", twice, policy).to_pylist() == [*plain.to_pylist()[1:], *plain.to_pylist()]
    assert SECRET not in "".join(texts(plain.to_pylist()))


def test_rows_without_anything_to_hide_are_not_touched() -> None:
    rows = given("chunks", content=["Hi"], extra=['{"a":1}'])
    assert screened("chunks", rows, privacy.KEEP) is rows


def test_an_export_without_content_has_none(modes: dict[str, Path], tmp_path: Path) -> None:
    names = [*schema.TABLES, *ssetl.open(modes["keep"]).names()]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sly.sql").write_text(
        "-- name: sly\n-- description: Texts under other names.\n-- grain: one row\n"
        "select string_agg(content || extra, '') as a, any_value(tool_calls) as b from chunks order by 1\n"
    )
    arguments = ["--dataset", str(modes["keep"]), "--to", str(tmp_path / "out"), "--format", "jsonl"]
    arguments += ["--queries", str(tmp_path / "mine"), "--no-content"]
    result = CliRunner().invoke(cli.ssetl, ["export", *dict.fromkeys([*names, "sly"]), *arguments])
    assert result.exit_code == 0, result.output
    written = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert len(written) == len({*names, "sly"})
    assert [name for name, text in written.items() if "planted" in text] == []
    chunks = [json.loads(line) for line in written["chunks.jsonl"].splitlines()]
    assert len(chunks) == 6
    assert not any(name in chunks[0] for name in schema.CONTENT["chunks"])
    assert json.loads(written["gaps.jsonl"].splitlines()[0])["gaps"] == 2
