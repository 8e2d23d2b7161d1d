import pytest

from ssetl.apis.responses import RESPONSES

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "model": "m",
    "status": "in_progress",
}
EVENT = {"response_id": "resp_1", "created_at": 1700000000000000, "response_model": "m"}
USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 1},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 7,
}
COUNTED = {
    "input_tokens": 3,
    "output_tokens": 4,
    "total_tokens": 7,
    "cached_input_tokens": 1,
    "reasoning_output_tokens": 2,
}


def ended(status, **members):
    return {"type": f"response.{status}", "response": {**RESPONSE, "status": status, **members}}


def added(**item):
    return {"type": "response.output_item.added", "output_index": 2, "item": item, "sequence_number": 5}


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("response.output_text.delta", "content"),
        ("response.output_audio_transcript.delta", "content"),
        ("response.refusal.delta", "refusal"),
        ("response.reasoning_summary_text.delta", "reasoning"),
        ("response.reasoning_text.delta", "reasoning"),
    ],
)
def test_deltas_are_text(told, kind, column):
    chunk = {"type": kind, "delta": "Hi", "item_id": "i", "output_index": 1, "obfuscation": "x"}
    assert told(RESPONSES, chunk, kind) == [{"choice_index": 0, column: "Hi"}]


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "response.output_text.done", "text": "Hi", "logprobs": [{"token": "Hi", "logprob": -1}]},
        {"type": "response.content_part.done", "part": {"type": "output_text", "text": "Hi"}},
        {"type": "response.function_call_arguments.done", "arguments": "{}", "output_index": 1},
        {
            "type": "response.output_item.done",
            "item": {"type": "function_call", "arguments": "{}", "name": "f"},
        },
        {"type": "response.output_item.done", "item": {"type": "message", "role": "assistant"}},
        {"type": "response.web_search_call.searching", "item_id": "ws"},
        {"type": "response.shell_call_output_content.delta", "delta": {"stdout": "Linux"}},
        {"type": "response.output_text.delta", "delta": {"no": "text"}},
    ],
)
def test_text_that_repeats_the_deltas_is_no_content(told, chunk):
    assert told(RESPONSES, chunk) == [{}]


def test_logprobs_of_a_delta(told):
    chunk = {
        "type": "response.output_text.delta",
        "delta": "Hi",
        "logprobs": [{"token": "Hi", "logprob": -1}],
    }
    [row] = told(RESPONSES, chunk)
    assert row["logprobs"] == '[{"token":"Hi","logprob":-1}]'


@pytest.mark.parametrize(
    ("chunk", "call"),
    [
        (
            added(type="function_call", id="fc", call_id="call", name="f", arguments=""),
            (2, "call", "f", None),
        ),
        (
            added(type="function_call", id="fc", call_id="call", name="f", arguments="{}"),
            (2, "call", "f", "{}"),
        ),
        (added(type="custom_tool_call", id="c", call_id="call", name="f", input=""), (2, "call", "f", None)),
        (added(type="web_search_call", id="ws"), (2, "ws", "web_search_call", None)),
        (added(type="code_interpreter_call", id="ci", code=""), (2, "ci", "code_interpreter_call", None)),
        (
            {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{"},
            (2, None, None, "{"),
        ),
        (
            {"type": "response.custom_tool_call_input.delta", "output_index": 2, "delta": "l"},
            (2, None, None, "l"),
        ),
        ({"type": "response.code_interpreter_call_code.delta", "delta": "1+1"}, (None, None, None, "1+1")),
    ],
)
def test_tool_calls(told, chunk, call):
    assert told(RESPONSES, chunk) == [{"choice_index": 0, "tool_calls": [call]}]


def test_the_role_comes_with_the_message(told):
    chunk = added(type="message", id="msg", status="in_progress", content=[], role="assistant")
    assert told(RESPONSES, chunk) == [{"choice_index": 0, "role": "assistant"}]


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        ({"type": "response.created", "response": {**RESPONSE, "error": None, "usage": None}}, {}),
        (ended("completed", usage=USAGE), {**COUNTED, "choice_index": 0, "finish_reason": "completed"}),
        (
            ended("incomplete", incomplete_details={"reason": "max_output_tokens"}),
            {"choice_index": 0, "finish_reason": "max_output_tokens"},
        ),
        (
            ended("failed", error={"code": "server_error", "message": "no"}),
            {
                "choice_index": 0,
                "finish_reason": "failed",
                "error_type": "server_error",
                "error_message": "no",
            },
        ),
        (
            ended("completed", service_tier="flex"),
            {"choice_index": 0, "finish_reason": "completed", "service_tier": "flex"},
        ),
    ],
)
def test_responses(told, chunk, columns):
    assert told(RESPONSES, chunk) == [{**EVENT, **columns}]


@pytest.mark.parametrize(
    "chunk",
    [
        {"type": "error", "code": "rate_limit", "message": "slow down", "param": None, "sequence_number": 1},
        {"type": "error", "error": {"code": "rate_limit", "message": "slow down"}, "sequence_number": 1},
    ],
)
def test_errors(told, chunk):
    assert RESPONSES.matches(chunk, "error")
    assert told(RESPONSES, chunk, "error") == [{"error_type": "rate_limit", "error_message": "slow down"}]


def test_start_and_end():
    assert RESPONSES.starts({"type": "response.created"}, None)
    assert not RESPONSES.starts({"type": "response.in_progress"}, None)
    for status in ("completed", "incomplete", "failed"):
        assert RESPONSES.ends({"type": f"response.{status}"}, None)
    assert not RESPONSES.ends({"type": "response.output_text.done"}, None)
