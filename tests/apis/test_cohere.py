import pytest

from ssetl.apis.cohere import COHERE_CHAT
from ssetl.apis.row import flatten


def v2(kind, message, **members):
    return {"type": kind, "delta": {"message": message}, **members}


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        ({"event_type": "stream-start", "is_finished": False, "generation_id": "g"}, {"response_id": "g"}),
        (
            {"event_type": "text-generation", "is_finished": False, "text": "Hi"},
            {"choice_index": 0, "content": "Hi"},
        ),
        (
            {
                "event_type": "tool-calls-chunk",
                "tool_call_delta": {"index": 0, "name": "f", "parameters": "{"},
            },
            {"choice_index": 0, "tool_calls": [(0, None, "f", "{")]},
        ),
        (
            {"event_type": "tool-calls-generation", "tool_calls": [{"name": "f", "parameters": {"a": 1}}]},
            {"choice_index": 0, "tool_calls": [(None, None, "f", '{"a":1}')]},
        ),
        (
            {
                "event_type": "stream-end",
                "finish_reason": "COMPLETE",
                "response": {
                    "response_id": "r",
                    "text": "Hi",
                    "meta": {"billed_units": {"input_tokens": 3, "output_tokens": 1}},
                },
            },
            {
                "response_id": "r",
                "choice_index": 0,
                "finish_reason": "COMPLETE",
                "input_tokens": 3,
                "output_tokens": 1,
            },
        ),
        (
            v2("message-start", {"role": "assistant"}, id="m"),
            {"response_id": "m", "choice_index": 0, "role": "assistant"},
        ),
        (v2("content-delta", {"content": {"text": "Hi"}}, index=0), {"choice_index": 0, "content": "Hi"}),
        (
            v2("content-delta", {"content": {"thinking": "hm"}}, index=0),
            {"choice_index": 0, "reasoning": "hm"},
        ),
        (v2("tool-plan-delta", {"tool_plan": "I"}), {"choice_index": 0, "reasoning": "I"}),
        (
            v2(
                "tool-call-start",
                {"tool_calls": {"id": "c", "function": {"name": "f", "arguments": ""}}},
                index=1,
            ),
            {"choice_index": 0, "tool_calls": [(1, "c", "f", "")]},
        ),
        (
            v2("tool-call-delta", {"tool_calls": {"function": {"arguments": "{"}}}, index=1),
            {"choice_index": 0, "tool_calls": [(1, None, None, "{")]},
        ),
        ({"type": "tool-call-end", "index": 1}, {}),
        ({"type": "citation-end", "index": 1}, {}),
        (
            {
                "type": "message-end",
                "delta": {
                    "finish_reason": "COMPLETE",
                    "usage": {
                        "billed_units": {"input_tokens": 3, "output_tokens": 1},
                        "tokens": {"input_tokens": 70, "output_tokens": 2},
                        "cached_tokens": 16,
                    },
                },
            },
            {
                "choice_index": 0,
                "finish_reason": "COMPLETE",
                "input_tokens": 70,
                "output_tokens": 2,
                "cached_input_tokens": 16,
            },
        ),
    ],
)
def test_events(told, chunk, columns):
    assert COHERE_CHAT.matches(chunk, None)
    assert told(COHERE_CHAT, chunk) == [columns]


def test_an_ordinary_event_needs_no_extra():
    [row] = flatten(COHERE_CHAT, v2("content-delta", {"content": {"text": "Hi"}}, index=0))
    assert row.extra is None


def test_start_and_end():
    for start, end in (
        ({"event_type": "stream-start"}, {"event_type": "stream-end"}),
        ({"type": "message-start"}, {"type": "message-end"}),
    ):
        assert COHERE_CHAT.starts(start, None)
        assert COHERE_CHAT.ends(end, None)
        assert not COHERE_CHAT.ends(start, None)
