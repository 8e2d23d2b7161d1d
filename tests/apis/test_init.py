import base64
import json

import pytest

from ssetl import apis
from ssetl.jsontext import NotJson


@pytest.mark.parametrize(
    ("data", "event_type", "chunk"),
    [
        (b'{"a":1}', None, {"a": 1}),
        (b" did the", "output", {"text": " did the"}),
        (b":\n\nWhy", "output", {"text": ":\n\nWhy"}),
        (b"5", "output", {"text": "5"}),
        (b"{}", "output", {"text": "{}"}),
        (b"{", "output", {"text": "{"}),
        (b"\xff", "logs", {"text": "\ufffd"}),
        (b'{"delta":"x"}', "output", {"delta": "x"}),
        (b"out of memory", "error", {"text": "out of memory"}),
        (b'{"error":"x"}', "error", {"error": "x"}),
        (b"{}", "done", {}),
    ],
)
def test_data_becomes_a_chunk(data, event_type, chunk):
    assert apis.decode_data(data, event_type) == chunk


@pytest.mark.parametrize(
    ("data", "event_type", "reason"),
    [
        (b"[1]", None, "not_an_object"),
        (b"null", "message", "not_an_object"),
        (b"Hello", None, "not_json"),
        (b"", None, "not_json"),
        (b"[" * 5000 + b"]" * 5000, None, "nested_too_deeply"),
    ],
)
def test_other_data_is_refused_with_a_reason(data, event_type, reason):
    with pytest.raises(NotJson, match=f"^{reason}$"):
        apis.decode_data(data, event_type)


def test_a_frame_of_bedrock_is_unwrapped():
    event = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
    frame = {"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abcd"}
    chunk = apis.decode_data(json.dumps(frame).encode(), "chunk")
    assert chunk == {**event, "amazon-bedrock-frame": {"p": "abcd"}}
    assert apis.recognise(chunk, "chunk") is apis.by_name("messages")


@pytest.mark.parametrize("payload", ["not base64", "", base64.b64encode(b"Plain text").decode(), 5, None])
def test_a_frame_without_an_event_stays_as_it_is(payload):
    frame = {"bytes": payload, "attribution": {}}
    assert apis.decode_data(json.dumps(frame).encode(), "chunk") == frame


@pytest.mark.parametrize(
    ("chunk", "event_type"),
    [
        ({"type": "ping"}, None),
        ({"error": {"message": "no"}}, None),
        ({"error": {"message": "no"}}, "error"),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, "message"),
        ({"run_id": "1"}, "metadata"),
        ({"choices": "none"}, None),
        ({"object": "list", "choices": [{"delta": {}}]}, None),
        ({"message": {"role": "assistant"}}, None),
        ({"text": "Hi"}, None),
        ({}, "done"),
    ],
)
def test_what_several_apis_may_send_is_recognised_as_none(chunk, event_type):
    assert apis.recognise(chunk, event_type) is None


def test_names_are_unique():
    names = [api.name for api in (*apis.APIS, apis.UNKNOWN)]
    assert len(set(names)) == len(names)
    assert all(apis.by_name(name).name == name for name in names)
