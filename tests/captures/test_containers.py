"""Every container, on a small capture of its own: its name, its exchanges, and what it knows of each."""

import json
import shutil
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ssetl.captures import recognise, shapes
from ssetl.captures.exchange import Exchange, Gap, Leftover, Payload, Piece, Read
from ssetl.captures.recognise import HEAD, MAX_LOOK, open_capture
from ssetl.interleaved import read_interleaved
from ssetl.lines import Line
from ssetl.streams import Capture

CAPTURES = Path(__file__).parent.parent.parent / "data" / "captures" / "containers"
OPENAI = "https://api.openai.com/v1/chat/completions"
FERRY, GLOVES = "The ferry leaves at nine.", "Bring warm gloves ☃."
BEGUN = 1772442960_000000  # 2026-03-02T09:16:00Z

Seen = tuple[int | None, str | None, str | None, str | None, int | None]


def seen(exchange: Exchange) -> Seen:
    """Status, url, request id, request model, start."""
    started_at = exchange.request_sent_at or exchange.started_at
    return exchange.http_status, exchange.url, exchange.request_id, exchange.request_model, started_at


def opened(name: str) -> tuple[str, list[tuple[Exchange, list[Piece]]]]:
    """Container and exchanges of a capture that leaves nothing over."""
    capture = open_capture(BytesIO((CAPTURES / name).read_bytes()))
    found = []
    for exchange in capture.exchanges:
        assert isinstance(exchange, Exchange)
        found.append((exchange, list(exchange.body)))
    return capture.container, found


def bytes_of(pieces: list[Piece]) -> bytes:
    """The bytes of a body, its gaps aside."""
    parts = []
    for piece in pieces:
        if isinstance(piece, Read):
            parts.append(piece.data)
        elif isinstance(piece, (Payload, Line)):
            parts.append(piece.text + b"\n")
    return b"".join(parts)


def content(body: bytes) -> str:
    """What a body of chat chunks says, found without any parser of ours."""
    return "".join(
        part.partition('"')[0] for part in body.decode().replace(': "', ':"').split('"content":"')[1:]
    )


CASES: list[tuple[str, str, list[tuple[Seen, str]]]] = [
    ("vcr.yaml", "vcr", [
        ((200, OPENAI + "?v=1", "req_0f3a9c", "gpt-4o-mini", BEGUN), FERRY),
        ((200, OPENAI, "req_77aa01", "gpt-4o-mini", BEGUN + 2_000000), "Noon."),
        ((200, OPENAI, "req_0f3a9c", "gpt-4o-mini", BEGUN), GLOVES),
        ((429, OPENAI, "req_77aa01", "gpt-4o-mini", BEGUN + 2_000000), ""),
    ]),
    ("vcr.json", "vcr", [
        ((200, OPENAI + "?v=1", "req_0f3a9c", "gpt-4o-mini", BEGUN), FERRY),
        ((200, OPENAI, "req_77aa01", "gpt-4o-mini", BEGUN + 2_000000), "Noon."),
        ((429, OPENAI, "req_77aa01", "gpt-4o-mini", BEGUN + 2_000000), ""),
        ((200, OPENAI + "?v=1", "req_0f3a9c", "gpt-4o-mini", BEGUN), GLOVES),
    ]),
    ("vcr-lists.yaml", "vcr", [
        ((200, OPENAI, "req_0f3a9c", "gpt-4o-mini", BEGUN), FERRY),
        ((429, OPENAI, "req_77aa01", None, BEGUN + 2_000000), ""),
    ]),
    ("vcr-parsed.yaml", "vcr", [
        ((200, OPENAI, "req_0f3a9c", "gpt-4o-mini", BEGUN), FERRY),
        ((429, OPENAI, "req_77aa01", "gpt-4o-mini", BEGUN + 2_000000), ""),
    ]),
    ("go-vcr.yaml", "go-vcr", [
        ((200, OPENAI, "req_0f3a9c", "gpt-4o-mini", None), FERRY),
        ((429, OPENAI, None, "gpt-4o-mini", None), ""),
    ]),
    ("ruby-vcr.yml", "ruby-vcr", [((200, OPENAI, None, "gpt-4o-mini", BEGUN + 5_000000), GLOVES)]),
    ("rig.yaml", "rig", [
        ((200, "/v1/chat/completions", None, "gpt-4o-mini", None), FERRY),
        ((200, "/v1/chat/completions", None, "gpt-4o-mini", None), GLOVES),
        ((404, "/v1/chat/completions", None, "gpt-4o-mini", None), ""),
    ]),
    ("archive.har", "har", [
        ((200, OPENAI, None, "gpt-4o-mini", BEGUN + 120_000), FERRY),
        ((200, OPENAI, None, "gpt-4o-mini", BEGUN + 120_000), GLOVES),
        ((200, OPENAI, None, "gpt-4o-mini", BEGUN + 120_000), FERRY),
        ((200, OPENAI, None, "gpt-4o-mini", BEGUN + 120_000), "Noon."),
    ]),
    ("archive.har.yaml", "har", [
        ((200, OPENAI, None, "gpt-4o-mini", BEGUN + 120_000), FERRY),
        ((429, OPENAI, None, "gpt-4o-mini", BEGUN + 120_000), ""),
    ]),
    ("test-proxy.json", "azure-test-proxy", [
        ((200, OPENAI, None, "gpt-4o-mini", None), FERRY),
        ((200, OPENAI, None, "gpt-4o-mini", None), GLOVES),
        ((200, OPENAI, None, "gpt-4o-mini", None), "Noon."),
    ]),
    ("req_llm.json", "req_llm", [((200, OPENAI, None, "gpt-4o-mini", BEGUN + 1_250000), FERRY)]),
    ("llama-stack.json", "llama-stack", [
        ((None, "http://localhost:8000/v1/chat/completions", None, "gpt-4o-mini", None), FERRY),
    ]),
    ("pair.json", "pair", [((200, OPENAI, None, "gpt-4o-mini", None), FERRY)]),
    ("mastra.json", "mastra", [
        ((200, OPENAI, "req_011CQfoo", "gpt-4o-mini", BEGUN + 120_000), FERRY),
        ((429, OPENAI, None, "gpt-4o-mini", BEGUN + 990_000), ""),
    ]),
    ("aiperf.jsonl", "aiperf", [
        ((200, None, "0000aaaa-0000-4000-8000-000000000000", "gpt-4o-mini", BEGUN + 123_456), FERRY),
        ((200, None, "0000aaaa-0000-4000-8000-000000000001", "gpt-4o-mini", BEGUN + 1_123456), GLOVES),
        ((429, None, "0000aaaa-0000-4000-8000-000000000002", "gpt-4o-mini", BEGUN + 2_123456), ""),
    ]),
    ("trace.httprr", "httprr", [
        ((200, OPENAI, "req_0f3a9c", "gpt-4o-mini", None), FERRY),
        ((200, OPENAI, None, "gpt-4o-mini", None), GLOVES),
    ]),
    ("curl-i.txt", "http-dump", [((200, None, "req_0f3a9c", None, BEGUN), FERRY)]),
    ("curl-v.txt", "http-dump", [
        ((200, "http://api.openai.com/v1/chat/completions", None, None, None), FERRY),
    ]),
    ("raw-sse.txt", "http-dump", [((200, OPENAI, None, "gpt-4o-mini", None), FERRY)]),
    ("http-exchange.txt", "http-dump", [
        ((200, OPENAI, "req_0f3a9c", "gpt-4o-mini", None), FERRY),
        ((429, OPENAI, None, "gpt-4o-mini", None), ""),
    ]),
    ("array.json", "json", [((None, None, None, None, None), FERRY)]),
    ("chunks.txt", "ndjson", [((None, None, None, None, None), GLOVES)]),
    ("lm-studio.log", "lm-studio", [((None, None, None, None, None), FERRY)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "container", "expected"), CASES, ids=[name for name, _, _ in CASES])
def test_every_container_gives_its_exchanges(
    name: str, container: str, expected: list[tuple[Seen, str]]
) -> None:
    found_container, found = opened(name)

    assert found_container == container
    assert [(seen(exchange), content(bytes_of(pieces))) for exchange, pieces in found] == expected


@pytest.mark.parametrize("path", sorted(CAPTURES.iterdir()), ids=lambda path: path.name)
def test_nothing_secret_leaves_a_container(path: Path) -> None:
    capture = open_capture(BytesIO(path.read_bytes()))
    for exchange in capture.exchanges:
        assert isinstance(exchange, Exchange)
        assert b"planted-secret" not in bytes_of(list(exchange.body))
        assert "planted-secret" not in repr(seen(exchange))


def test_failed_exchanges_keep_their_body() -> None:
    for name in ("vcr.yaml", "aiperf.jsonl", "go-vcr.yaml", "mastra.json", "archive.har.yaml"):
        _, found = opened(name)
        failed = [bytes_of(pieces) for exchange, pieces in found if exchange.http_status == 429]
        assert len(failed) == 1
        assert failed[0].startswith(b'{"error":{')


def test_aiperf_ties_its_monotonic_clock_to_utc() -> None:
    _, [(exchange, pieces), *_] = opened("aiperf.jsonl")

    assert exchange.request_sent_at == 1772442960_123456
    assert exchange.clock == "arrival"
    first, second = [piece for piece in pieces if isinstance(piece, Read)][:2]
    assert first.received_at == 1772442960_223457  # .123456789 and 100.000999 ms, cut to microseconds
    assert second.received_at == 1772442960_243457
    assert first.data.startswith(b"data: {")
    assert first.data.endswith(b"}\n\n")


def test_mastra_reads_have_times_but_no_request_to_measure_from() -> None:
    _, [(exchange, pieces), *_] = opened("mastra.json")

    assert exchange.clock == "arrival_read"
    assert exchange.request_sent_at is None
    assert [piece.received_at for piece in pieces if isinstance(piece, Read)] == [
        BEGUN + 120_000 + wait * 1000 for wait in (0, 3, 44, 87, 94)
    ]


def test_both_sides_of_a_proxy_are_exchanges_of_their_own() -> None:
    container, found = opened("proxy-wire.json")

    assert container == "event-list"
    request, backend, client = (pieces for _, pieces in found)
    assert [type(piece) for piece in request] == [Gap]
    assert content(bytes_of(backend)) == content(bytes_of(client)) == FERRY
    assert [piece.received_at for piece in backend if isinstance(piece, Payload)][:2] == [
        BEGUN + 1_000000, BEGUN + 1_250000,
    ]  # fmt: skip
    assert isinstance(client[-1], Gap)
    assert client[-1].reason == "log_line"
    assert not any(exchange.single for exchange, _ in found)


def test_llama_stack_exceptions_are_errors_behind_what_came_before() -> None:
    chunk = {"__type__": "x.Chunk", "__data__": {"object": "chat.completion.chunk", "choices": []}}
    failed = {"is_exception": True, "exception_message": "Too many", "exception_data": {"status_code": 429}}
    for body, streamed, kinds in ([chunk], True, [False, True]), (None, False, [True]):
        response = {"body": body, "is_streaming": streamed, **failed}
        text = json.dumps(
            {"request": {"url": "http://h/v1", "body": {}, "model": "m1"}, "response": response}
        )
        [exchange] = open_capture(BytesIO(text.encode())).exchanges
        assert isinstance(exchange, Exchange)
        pieces = list(exchange.body)
        assert (exchange.http_status, exchange.request_model) == (429, "m1")
        assert [piece.bare for piece in pieces if isinstance(piece, Payload)] == kinds
        assert b"Too many" in bytes_of(pieces[-1:])


def test_gemini_cli_calls_are_told_apart_by_their_method() -> None:
    container, found = opened("gemini-cli.responses")

    assert container == "gemini-cli"
    kinds = [[type(piece) for piece in pieces] for _, pieces in found]
    assert kinds == [[Read], [Payload, Payload], [Payload]]


def test_lm_studio_names_no_zone_so_nothing_is_stamped() -> None:
    _, [(_, pieces)] = opened("lm-studio.log")

    assert {piece.received_at for piece in pieces if isinstance(piece, Payload)} == {None}
    gaps = [piece for piece in pieces if isinstance(piece, Gap)]
    assert {gap.reason for gap in gaps} == {"log_line"}
    assert [gap.line for gap in gaps][:3] == [1, 2, 5]
    assert {gap.sample for gap in gaps} == {b""}  # one of them is a request with its body


def test_pieces_that_have_places_cover_their_body() -> None:
    text = (CAPTURES / "lm-studio.log").read_bytes()
    _, [(_, pieces)] = opened("lm-studio.log")

    end = 0
    for piece in pieces:
        assert isinstance(piece, (Gap, Payload))
        assert piece.offset == end
        end += piece.size
    assert end == len(text)


def refuses(text: bytes, reason: str) -> Leftover:
    """The one leftover of a text that holds no exchange."""
    [leftover] = open_capture(BytesIO(text)).exchanges
    assert isinstance(leftover, Leftover)
    assert leftover.reason == reason
    return leftover


def test_a_document_that_cannot_be_read_is_one_leftover() -> None:
    leftover = refuses(b'{"request": {"url": "http://h/", "bo', "not_json")
    assert (leftover.offset, leftover.size, leftover.line) == (0, 36, 1)
    refuses(b"interactions:\n- request: {body: *nowhere}\n", "unknown_alias")
    refuses(b"httprr trace v1\n12 40\nPOST", "damaged_trace")
    refuses(b"GET /v1/models HTTP/1.1\r\nhost: h\r\n\r\n", "no_response")


@pytest.mark.parametrize(
    "text", [b"", b"\n\n", b"\x00\xff\xfe", b"a line of prose\nanother\n", b"\xef\xbb\xbf"]
)
def test_what_nothing_recognises_is_raw_text(text: bytes) -> None:
    capture = open_capture(BytesIO(text))

    assert capture.container == "sse"
    [exchange] = capture.exchanges
    assert isinstance(exchange, Exchange)
    assert bytes_of(list(exchange.body)) == text


def test_a_binary_event_stream_may_be_the_whole_file() -> None:
    prelude = (16).to_bytes(4) + (0).to_bytes(4)
    frame = prelude + zlib.crc32(prelude).to_bytes(4)
    frame += zlib.crc32(frame).to_bytes(4)

    capture = open_capture(BytesIO(frame))

    assert capture.container == "event-stream"
    [exchange] = capture.exchanges
    assert isinstance(exchange, Exchange)
    assert exchange.single
    assert list(exchange.body) == [Read(frame)]


@pytest.mark.parametrize(
    ("text", "container"),
    [
        (b'data: {"a":1}\n\n', "sse"),
        (b'event: ping\ndata: {"interactions":[]}\n\n', "sse"),
        (b'{"choices":[]}\n{"a":2}\n', "ndjson"),
        (b'{"type":"of an API that nobody knows"}\n{"type":"b"}\n', "ndjson"),
        (b'  {"choices":[]}\n  {"choices":[]}\n', "ndjson"),
        (b'{"delta":"a"}\n{"delta":"b"}\n', "ndjson"),
        (b'{"a":1}\n{"a":2}\n', "sse"),  # of metrics, say: plain text, whose lines are no events
        (b'{"a":1}\n', "json"),
        (b'{"a":1', "document"),
        (b'{"a":1x}\n{"type":"b"}\n{"a":3}\n', "ndjson"),
        (b'{\n "a": 1\n}\n{\n "a": 2\n}\n', "sse"),
        (b"[2026] was a year\n", "sse"),
        (b"# a comment\n\n# another\ninteractions:\n- request: {}\n  response: {}\n", "vcr"),
    ],
)
def test_containers_are_told_by_content(text: bytes, container: str) -> None:
    assert open_capture(BytesIO(text)).container == container


def test_a_first_line_that_is_longer_than_the_head_is_still_a_line() -> None:
    line = b'{"type":"a","pad":"' + b"x" * 200_000 + b'"}\n'
    capture = open_capture(BytesIO(line * 3))

    assert capture.container == "ndjson"
    [exchange] = capture.exchanges
    assert isinstance(exchange, Exchange)
    assert bytes_of(list(exchange.body)) == line * 3


CHUNK = b'data: {"object":"chat.completion.chunk","id":"a","choices":[]}'
QUIET = b"2026-03-02T09:16:00.483Z INFO GET /healthz 200\n"


@pytest.mark.parametrize(
    ("quiet", "event"),
    [
        (QUIET, b"2026-03-02T09:17:00.483Z DEBUG chunk: " + CHUNK + b"\n"),
        (b"GET /healthz 200\n", CHUNK + b"\n\n"),
        (
            b'{"time":"2026-03-02T09:16:00.483Z","msg":"GET /healthz 200"}\n',
            b'{"time":"2026-03-02T09:17:00.483Z","msg":"data: {\\"choices\\":[]}"}\n',
        ),
    ],
)
@pytest.mark.parametrize("size", [HEAD - 5, HEAD + 5, 3 * HEAD])
def test_events_are_found_however_much_stands_before_them(quiet: bytes, event: bytes, size: int) -> None:
    text = quiet * (size // len(quiet)) + event * 20
    [exchange] = open_capture(BytesIO(text)).exchanges
    assert isinstance(exchange, Exchange)
    capture = Capture("")
    for _ in read_interleaved(capture, exchange):
        pass
    assert capture.counts["events"] == 20
    assert capture.tally.total() == len(text)


def test_one_event_may_lie_across_what_is_looked_at_together() -> None:
    event = b"DEBUG chunk: " + CHUNK + b"\n"
    for before in range(0, len(event) + 1, 7):
        lines = QUIET * (HEAD // len(QUIET) + 2)
        text = lines[: HEAD - before].rpartition(b"\n")[0] + b"\n"
        text += b"x" * (HEAD - before - len(text) - 1) + b"\n" + event
        assert open_capture(BytesIO(text)).container == "log"


@pytest.mark.parametrize("name", [*shapes._OBJECTS, *shapes._TYPES])
def test_no_kind_of_event_is_passed_over(name: str) -> None:
    assert any(hint in name.encode() for hint in recognise._HINTS)


def test_where_nothing_is_an_event_not_all_is_held_in_memory() -> None:
    reader = BytesIO(QUIET * (2 * MAX_LOOK // len(QUIET)))
    open_capture(reader)
    assert reader.tell() <= MAX_LOOK + 2 * HEAD


@pytest.mark.parametrize(("kind", "name"), [("zip", "zip"), ("tar", "tar")])
def test_archives_are_not_looked_into(kind: str, name: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.sse").write_bytes((CHUNK + b"\n\n") * 9)
    archive = Path(shutil.make_archive(str(tmp_path / "archive"), kind, folder))
    capture = open_capture(BytesIO(archive.read_bytes()))
    assert capture.container == name
    assert list(capture.exchanges) == [Leftover(0, archive.stat().st_size, "archive")]


def test_lines_of_documents_survive_a_broken_one() -> None:
    good = b'{"method":"generateContentStream","response":[{"candidates":[]}]}\n'
    found: list[Any] = list(
        open_capture(BytesIO(good + b'{"method":"gen\n' + good + b'{"else":1}\n')).exchanges
    )

    assert [type(each) for each in found] == [Exchange, Leftover, Exchange, Leftover]
    assert (found[1].reason, found[1].offset, found[1].line) == ("not_json", len(good), 2)
    assert found[3].reason == "unknown_line"
