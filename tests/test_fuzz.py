"""Any bytes at all: framing, containers and APIs are fed what they may meet, and what nobody would write.

What must hold is in `fuzz/target.py`, which can also be fed by atheris. For more than CI tries:
SSETL_FUZZ_ROUNDS=100000 pytest tests/test_fuzz.py --timeout 0
"""

import json
import os
import runpy
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
check = runpy.run_path(str(HERE / "fuzz" / "target.py"))["check"]
EXAMPLES = [json.loads(line) for line in (HERE / "apis" / "examples.jsonl").read_text().splitlines()]
CAPTURES = [
    path.read_bytes()
    for path in sorted((HERE.parent / "data" / "captures").rglob("*"))
    if path.is_file() and path.stat().st_size < 20_000
]
ROUNDS = int(os.environ.get("SSETL_FUZZ_ROUNDS", "200"))
# No test depends on the machine's speed.
some = settings(max_examples=ROUNDS, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Lines: what a raw file or a log may hold, in any order.

EVENTS = [json.dumps(example["chunk"]).encode() for example in EXAMPLES]
TYPES = sorted({example["type"] or "message" for example in EXAMPLES})
JSON_PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'{"a":',
    b'"a"',
    b",",
    b":",
    b"1",
    b"null",
    b'"\\ud800"',
    b"[[[[",
    b"NaN",
]
LINES = st.one_of(
    st.sampled_from(EVENTS).map(lambda event: b"data: " + event),
    st.sampled_from(EVENTS),
    st.sampled_from(TYPES).map(lambda name: b"event: " + name.encode()),
    st.sampled_from(
        [
            *(
                b"",
                b"",
                b"data: [DONE]",
                b"data:",
                b"data",
                b": ping",
                b"id: 1",
                b"retry: x",
                b"\xef\xbb\xbf",
            ),
            b": request 2026-03-02T09:16:00Z POST /v1/chat/completions?key=k",
            b": t 2026-03-02T09:16:01.5Z",
            b": t 0001-01-01T00:00:00+23:59",
            b'error: {"message": "no"}',
            b'{"error": {"type": "overloaded"}}',
            b"HTTP/1.1 200 OK",
            b"transfer-encoding: chunked",
            b"POST /v1/chat/completions HTTP/1.1",
            b"httprr trace v1",
            b"5 5",
            b"interactions:",
            b"- request:",
            b"  response: &a {body: {string: *a}}",
            b"# status 200",
            b"[2026-03-02 09:15:58][INFO] Generated packet: {",
        ]
    ),
    st.lists(st.sampled_from(JSON_PIECES), max_size=5).map(b"".join),
    st.binary(max_size=8),
)
PREFIXES = st.sampled_from(
    [
        *(b"", b"", b"", b" ", b"\t", b"data: ", b"INFO chunk: ", b"12:00:00 "),
        b"2026-03-02T09:16:00.1Z ",
        b"1772442960.5 ",
        b"2026-03-02T09:16:00.1Z stdout F ",
        b"2026-03-02T09:16:00.1Z stderr P ",
        b"[pod/a/b] ",
    ]
)
ENDS = st.sampled_from([b"\n", b"\n", b"\n\n", b"\r\n", b"\r", b"", b"\n\r"])


@st.composite
def files_of_lines(draw: st.DrawFn) -> bytes:
    prefix, end = draw(PREFIXES), draw(ENDS)
    odd = st.tuples(PREFIXES, LINES, ENDS)
    usual = st.tuples(st.just(prefix), LINES, st.just(end))
    lines = draw(st.lists(usual | usual | odd, max_size=14))
    return b"".join(part for line in lines for part in line)


@some
@given(files_of_lines())
def test_lines_in_any_order(data: bytes) -> None:
    check(data)


@some
@given(st.binary(max_size=200))
def test_bytes_of_any_kind(data: bytes) -> None:
    check(data)


# Containers: documents that nearly are what a container is, and real ones that were damaged.

WORDS = """
log entries Entries interactions http_interactions recorded_with recordings requests responses request
response
when then status code headers header body string base64_string content text textJSON encoding mimeType url uri
path model messages chunks chunkTimings timestamp startedDateTime isStreaming metadata start_perf_ns
request_start_ns perf_ns packets name value data __type__ __data__ version id object choices delta
finish_reason
index usage error message type event candidates method duration ResponseBody RequestUri RequestBody
ResponseHeaders StatusCode b64 test_id direction parsed seq output stream done
"""
NAMES = st.sampled_from(WORDS.split())
SSE = "data: " + EVENTS[0].decode() + "\n\ndata: [DONE]\n\n"
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, 200, 404, -1, 2**31, 2**63, 10**25, 1.5, 1772442960, 1772442960.5]),
    st.sampled_from(
        ["", SSE, "2026-03-02T09:16:00Z", "200 OK", "gzip", "base64", "ZGF0YTogW0RPTkVd", "\x1f\x8b\x08"]
    ),
    st.sampled_from(
        ["text/event-stream", "https://u:p@x/y?key=z", "é\u2028\x00", "H4sIAAAAAAAA", "[]", "{}"]
    ),
    st.sampled_from([json.loads(event) for event in EVENTS[:40]]),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=14,
)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A tree of names that containers know, as JSON, as YAML, as a line of many, or nearly so."""
    inner = draw(TREES)
    for name in draw(st.lists(NAMES, max_size=3)):
        inner = {name: [inner] if draw(st.booleans()) else inner}
    match draw(st.sampled_from(["json", "indented", "yaml", "lines"])):
        case "json":
            text = json.dumps(inner)
        case "indented":
            text = json.dumps(inner, indent=1)
        case "lines":
            text = "\n".join(json.dumps(each) for each in [inner, draw(TREES), inner])
        case _:
            text = yaml.safe_dump(inner)
    cut = draw(st.none() | st.integers(0, len(text)))
    return text[:cut].encode("utf-8", "surrogatepass")


@some
@given(documents())
def test_documents_that_look_like_containers(data: bytes) -> None:
    check(data)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A shipped capture with pieces gone, doubled, changed or from another."""
    data = draw(st.sampled_from(CAPTURES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 300)))
        doubled, other = data[start:end] * 2, draw(st.sampled_from(CAPTURES))[start:end]
        small = st.sampled_from([b"", b'"', b"\\", b"\n", b"{", b"}", b"\0", b"\xff", b"9" * 30])
        put = draw(small | st.just(doubled) | st.just(other) | LINES)
        data = data[:start] + put + data[end:]
    return data


@some
@given(damaged())
def test_damaged_captures(data: bytes) -> None:
    check(data)


# APIs: events in which anything may stand anywhere.

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, 1, -1, 2**31, 2**63, -(2**63), 2**64, 10**30, 0.5, 1e300, 1772442960])
    | st.sampled_from(
        ["", "Hi", "stop", "error", "é\u2028", "{}", '{"a":1}', "tool_use", "2026-03-02T09:16:00Z"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["index", "text", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Each member and element of a value, with what holds it."""
    held = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, each in list(held) for place in [(value, key), *places(each)]]


@st.composite
def odd_streams(draw: st.DrawFn) -> bytes:
    lines = []
    for example in draw(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=4)):
        event = json.loads(json.dumps(example["chunk"]))
        for _ in range(draw(st.integers(0, 2))):
            if found := places(event):
                holder, key = draw(st.sampled_from(found))
                holder[key] = draw(VALUES)
        named = example["type"] if draw(st.integers(0, 4)) else draw(st.sampled_from(TYPES))
        lines += [f"event: {named}"] if named else []
        lines += [f"data: {json.dumps(event)}", ""]
    return "\n".join(lines).encode()


@some
@given(odd_streams())
def test_events_with_anything_in_them(data: bytes) -> None:
    check(data)
