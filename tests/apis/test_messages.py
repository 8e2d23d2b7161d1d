import pytest

from ssetl.apis.messages import MESSAGES
from ssetl.apis.row import flatten

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {
            "input_tokens": 9,
            "cache_read_input_tokens": 4,
            "output_tokens": 1,
            "service_tier": "standard",
        },
    },
}


def delta(index=0, **members):
    return {"type": "content_block_delta", "index": index, "delta": members}


def block(index=0, **members):
    return {"type": "content_block_start", "index": index, "content_block": members}


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        (
            START,
            {
                "response_id": "msg_1",
                "response_model": "m",
                "role": "assistant",
                "service_tier": "standard",
                "input_tokens": 9,
                "cached_input_tokens": 4,
                "output_tokens": 1,
            },
        ),
        (delta(type="text_delta", text="Hi"), {"content": "Hi"}),
        (delta(3, type="text_delta", text="Hi"), {"content": "Hi"}),
        (delta(type="thinking_delta", thinking="hm"), {"reasoning": "hm"}),
        (delta(1, type="input_json_delta", partial_json='{"a'), {"tool_calls": [(1, None, None, '{"a')]}),
        (block(type="text", text="Hi"), {"content": "Hi"}),
        (block(1, type="tool_use", id="t", name="f", input={}), {"tool_calls": [(1, "t", "f", None)]}),
        (
            block(1, type="tool_use", id="t", name="f", input={"a": 1}),
            {"tool_calls": [(1, "t", "f", '{"a":1}')]},
        ),
        (
            block(1, type="server_tool_use", id="t", name="web", input={}),
            {"tool_calls": [(1, "t", "web", None)]},
        ),
        (
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 12}},
            {"finish_reason": "end_turn", "output_tokens": 12},
        ),
    ],
)
def test_what_the_message_says(told, chunk, columns):
    assert told(MESSAGES, chunk, chunk["type"]) == [{"choice_index": 0, **columns}]


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "ping"},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 9}},
        block(type="text", text=""),
        block(type="thinking", thinking="", signature=""),
        block(type="web_search_tool_result", tool_use_id="t", content=[]),
        delta(type="signature_delta", signature="abc"),
        delta(type="citations_delta", citation={"cited_text": "Sunny."}),
    ],
)
def test_bookkeeping_is_of_no_choice(told, chunk):
    assert told(MESSAGES, chunk) == [{}]


@pytest.mark.parametrize(
    "chunk",
    [
        delta(type="text_delta", text="Hi"),
        delta(type="thinking_delta", thinking="hm"),
        delta(1, type="input_json_delta", partial_json='{"a'),
        block(1, type="tool_use", id="t", name="f", input={}),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 12},
        },
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        START,
    ],
)
def test_an_ordinary_event_needs_no_extra(chunk):
    [row] = flatten(MESSAGES, chunk)
    assert row.extra is None


def test_errors(told):
    chunk = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert told(MESSAGES, chunk, "error") == [
        {"error_type": "overloaded_error", "error_message": "Overloaded"}
    ]
    assert MESSAGES.matches(chunk, "error")
    assert not MESSAGES.matches({**chunk, "sequence_number": 1}, "error")


def test_start_and_end():
    assert MESSAGES.starts(START, None)
    assert MESSAGES.ends({"type": "message_stop"}, None)
    assert not MESSAGES.ends({"type": "message_delta"}, None)
    assert MESSAGES.adds_usage
