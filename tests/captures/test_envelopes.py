"""JSON around events, and leads before them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import envelopes, leads, shapes

CHUNK: dict[str, Any] = {"object": "chat.completion.chunk", "choices": []}
AT = "2025-04-21T03:21:59.5Z"
REALTIME = "__REALTIME_TIMESTAMP"  # of journald


def lines(*values: Any) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


@pytest.mark.parametrize(
    ("value", "path", "time"),
    [
        ({"ts": AT, "line": "data: {}"}, ("line",), "ts"),
        ({"timestamp": 1745205719.5, "chunk": CHUNK}, ("chunk",), "timestamp"),
        ({"time": 1745205719500, "level": 30, "msg": 'got b\'data: {"a":1}\''}, ("msg",), "time"),
        ({"@timestamp": AT, "message": json.dumps(CHUNK)}, ("message",), "@timestamp"),
        ({REALTIME: "1745205719500000", "MESSAGE": "data: [DONE]"}, ("MESSAGE",), REALTIME),
        ({"timestamp": AT, "inner": {"stage": "x", "json": CHUNK}}, ("inner", "json"), "timestamp"),
        ({"t": AT, "received_at": AT, "data": CHUNK}, ("data",), "received_at"),
        ({"timestamp": AT, "chunk": {"type": "text-delta", "delta": "x"}}, ("chunk",), "timestamp"),
        ({"chunk": CHUNK, "n": 1}, ("chunk",), None),
    ],
)  # fmt: skip
def test_envelopes_are_known_by_what_they_hold(value: Any, path: tuple[str, ...], time: str | None) -> None:
    found = envelopes.recognise(lines(value, value))
    assert found is not None
    assert (found.path, found.time) == (path, time)
    payload = found.unwrap(lines(value)[0])
    assert payload is not None
    assert payload.at == (1745205719_500000 if time else None)


@pytest.mark.parametrize(
    "value",
    [
        CHUNK,
        CHUNK | {"timestamp": AT, "data": CHUNK},
        {"type": "message_start", "message": {"type": "message"}},
        {"type": "response.created", "response": {"object": "response"}},
        {"model": "m", "created_at": AT, "message": {"role": "assistant", "content": "x"}, "done": False},
        {"event": "thread.message.delta", "data": {"object": "thread.message.delta"}},
        {"event_type": "step.delta", "delta": {"type": "text"}},
        {"timestamp": AT, "level": "info", "message": "started"},
        {"timestamp": AT, "type": "session.start", "data": {"type": "x"}},
    ],
)
def test_an_event_is_no_envelope(value: Any) -> None:
    assert envelopes.recognise(lines(value, value)) is None


def test_stamps_that_stand_still_are_no_clock() -> None:
    found = envelopes.recognise(lines(*[{"timestamp": AT, "chunk": CHUNK}] * 3))
    assert found is not None
    assert not found.timed
    payload = found.unwrap(lines({"timestamp": AT, "chunk": CHUNK})[0])
    assert payload is not None
    assert payload.at is None


def test_a_payload_keeps_its_text_to_the_byte() -> None:
    found = envelopes.recognise(lines({"ts": AT, "chunk": CHUNK}))
    assert found is not None
    payload = found.unwrap(b'{"chunk": {"choices" : [ ], "x":1.0e2}, "ts": null}')
    assert payload is not None
    assert payload.text == b'{"choices" : [ ], "x":1.0e2}'
    for nothing in (b"{}", b'{"chunk":null}', b'{"chunk":7}', b"noise", b'["chunk"]', b'{"chunk":'):
        assert found.unwrap(nothing) is None


NAMES = st.sampled_from(["ts", "timestamp", "data", "chunk", "type", "object"])
ANY = st.recursive(
    st.none() | st.text() | st.floats() | st.integers(), lambda inner: st.dictionaries(NAMES, inner)
)


@given(st.lists(ANY))
def test_no_values_raise(values: list[Any]) -> None:
    found = envelopes.recognise_values(values)
    assert found is None or found.path


JSON = json.dumps(CHUNK).encode()
DATA = b"data: " + JSON


@pytest.mark.parametrize(
    ("line", "payload"),
    [
        (b"DEBUG:gw: chunk 12 of 0x1f: " + DATA, DATA),
        (b"DEBUG:gw: chunk 13 of 0x2e: event: ping", b"event: ping"),
        (b"DEBUG:gw: chunk 14 of 0x2e: ", b""),
        (b"DEBUG:gw: parsed " + JSON, None),
    ],
)
def test_what_follows_the_lead(line: bytes, payload: bytes | None) -> None:
    lead = leads.recognise(
        [b"DEBUG:gw: chunk %d of 0x%x: %b" % (at, at * 99, DATA) for at in range(5)] + [b"noise"]
    )
    assert lead is not None
    assert leads.extract(lead, line) == payload


@pytest.mark.parametrize(
    ("line", "payload"),
    [
        (b"got " + repr(DATA + b"\n\n").encode(), DATA + b"\n\n"),
        (b"got line=" + json.dumps(DATA.decode() + "\n").encode(), DATA + b"\n"),
        (b"got data=" + JSON + b" event=chunk", JSON),
    ],
)
def test_quoted_payloads_are_unquoted(line: bytes, payload: bytes) -> None:
    lead = leads.recognise([line])
    assert lead is not None
    assert leads.extract(lead, line) == payload


def test_the_lead_that_is_right_most_often_is_the_one() -> None:
    log = [
        b'TRC SSE line line="data: {\\"a\\": trunc\xe2\x80\xa6"',
        b"TRC SSE event data=" + JSON + b" n=1",
    ] * 3
    lead = leads.recognise(log)
    assert lead is not None
    assert [leads.extract(lead, line) for line in log] == [None, JSON] * 3


def chunk_of(name: str, content: str) -> bytes:
    delta = {"index": 0, "delta": {"content": content}}
    return json.dumps({"id": name, "object": "chat.completion.chunk", "choices": [delta]}).encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"[pod/gateway-6d4b75cb6d-hrkl9/server] ", b"[pod/gateway-6d4b75cb6d-x2v7p/server] "),
        (b"gateway-1  | ", b"vllm-1     | "),
        (b"[req-kq7v] ", b"[req-ztom] "),
        (b"INFO chunk: ", b"DEBUG chunk: "),
        (b"12:01 INFO [pool-a] gw: ", b"12:02 INFO [pool-b] gw: "),
        (b"in: ", b"in: from the other: "),
    ],
)
def test_leads_may_differ(one: bytes, other: bytes) -> None:
    payloads = [b"data: " + chunk_of(name, text) for text in ("a", "b", "c") for name in ("x", "y")]
    payloads += [b"data: [DONE]"] * 2
    log = [lead + payload for lead, payload in zip([one, other] * 4, payloads, strict=True)]
    lead = leads.recognise(log)
    assert lead is not None
    assert [leads.extract(lead, line) for line in log] == payloads


@pytest.mark.parametrize(
    "parsed",
    [
        lambda event: event,
        lambda event: {**event, "usage": None},
        lambda event: dict(sorted(event.items(), reverse=True)),
        lambda event: {**event, "choices": [{**event["choices"][0], "logprobs": None, "x": False}]},
        lambda event: {"object": event["object"], "choices": event["choices"]},
        lambda event: {**event, "choices": [{"delta": event["choices"][0]["delta"]}]},
    ],
)
def test_of_leads_that_show_the_same_events_one_counts(parsed: Callable[[Any], Any]) -> None:
    log = []
    for text in "abcde":
        event = chunk_of("x", text)
        log += [b"received data: " + event, b"parsed " + json.dumps(parsed(json.loads(event))).encode()]
    log.append(b"received data: [DONE]")
    lead = leads.recognise(log)
    assert lead is not None
    found = [leads.extract(lead, line) for line in log]
    assert found[:-1:2] == [b"data: " + chunk_of("x", text) for text in "abcde"]
    assert set(found[1::2]) == {None}


def test_events_without_ids_that_say_something_else_are_others() -> None:
    words = ["the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "and", "the", "cat"]
    log = [
        lead + b'data: {"type":"content_block_delta","delta":{"text":"%b"}}' % word.encode()
        for lead, said in ((b"summary ", words), (b"answer ", words[::-2]))
        for word in said
    ]
    lead = leads.recognise(log)
    assert lead is not None
    assert None not in [leads.extract(lead, line) for line in log]


@pytest.mark.parametrize("lead", [b"\x1b[36m", b"\x1b[36mDEBUG:\x1b[0m", b"INFO chunk7"])
def test_a_lead_may_end_in_a_word_with_a_digit(lead: bytes) -> None:
    log = [lead + b"data: " + chunk_of("x", text) for text in "abc"]
    found = leads.recognise(log)
    assert found is not None
    assert [leads.extract(found, line) for line in log] == [line.removeprefix(lead) for line in log]


def test_no_lead_where_events_stand_at_the_start() -> None:
    assert leads.recognise([DATA, JSON]) is None
    assert leads.recognise([b"no", b"events"]) is None


@given(st.lists(st.binary(max_size=80)))
def test_no_lines_raise(texts: list[bytes]) -> None:
    lead = leads.recognise([*texts, *(b"x: " + text for text in texts), b"y: " + DATA])
    assert lead is not None
    for text in texts:
        leads.extract(lead, text)


def test_shapes_of_events() -> None:
    assert shapes.is_event({"object": "text_completion"})
    assert shapes.is_event({"candidates": []})
    assert shapes.is_event({"done": False, "response": ""})
    assert not shapes.is_event({"object": "list", "data": []})
    assert not shapes.is_event([])
