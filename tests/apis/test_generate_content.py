import json

import pytest

from ssetl.apis.generate_content import GENERATE_CONTENT
from ssetl.apis.row import flatten


def candidate(*parts, **members):
    return {"content": {"parts": list(parts), "role": "model"}, "index": 0, **members}


@pytest.mark.parametrize(
    ("parts", "columns"),
    [
        ([{"text": "Hi"}], {"content": "Hi"}),
        ([{"text": "a"}, {"text": "b"}], {"content": "ab"}),
        ([{"text": "hm", "thought": True}], {"reasoning": "hm"}),
        ([{"text": "hm", "thought": True}, {"text": "Hi"}], {"content": "Hi", "reasoning": "hm"}),
        ([{"text": "", "thoughtSignature": "abc"}], {"content": ""}),
        ([{"functionCall": {"name": "f", "args": {"a": 1}}}], {"tool_calls": [(None, None, "f", '{"a":1}')]}),
        ([{"functionCall": {"name": "f", "id": "x"}}], {"tool_calls": [(None, "x", "f", None)]}),
        (
            [{"executableCode": {"language": "PYTHON", "code": "1+1"}}],
            {"tool_calls": [(None, None, "executableCode", "1+1")]},
        ),
        ([{"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}], {}),
        ([{"inlineData": {"mimeType": "image/png", "data": "AAA="}}], {}),
        ([], {}),
        (["no part", None], {}),
    ],
)
def test_parts(told, parts, columns):
    chunk = {"candidates": [candidate(*parts)]}
    assert told(GENERATE_CONTENT, chunk) == [{"choice_index": 0, "role": "model", **columns}]


def test_the_event_around_candidates(told):
    chunk = {
        "candidates": [candidate({"text": "a"}), {"index": 1, "finishReason": "SAFETY"}],
        "usageMetadata": {
            "promptTokenCount": 5,
            "candidatesTokenCount": 2,
            "totalTokenCount": 9,
            "thoughtsTokenCount": 2,
            "cachedContentTokenCount": 1,
            "promptTokensDetails": [
                {"modality": "TEXT", "tokenCount": 1},
                {"modality": "AUDIO", "tokenCount": 4},
            ],
        },
        "modelVersion": "g",
        "responseId": "r",
        "createTime": "2025-09-03T14:13:07.015693Z",
    }
    event = {"response_id": "r", "response_model": "g", "created_at": 1756908787015693}
    usage = {
        "input_tokens": 5,
        "output_tokens": 2,
        "total_tokens": 9,
        "reasoning_output_tokens": 2,
        "cached_input_tokens": 1,
        "audio_input_tokens": 4,
    }
    assert told(GENERATE_CONTENT, chunk) == [
        {**event, **usage, "choice_index": 0, "role": "model", "content": "a"},
        {**event, "choice_index": 1, "finish_reason": "SAFETY"},
    ]


def test_an_ordinary_chunk_needs_no_extra():
    chunk = {"candidates": [candidate({"text": "Hi"})], "modelVersion": "g", "responseId": "r"}
    [row] = flatten(GENERATE_CONTENT, chunk)
    assert row.extra is None


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        (
            {
                "candidates": [
                    {
                        "content": {"parts": [{"function_call": {"name": "f", "args": {}}}]},
                        "finish_reason": "STOP",
                    }
                ],
                "model_version": "g",
                "response_id": "r",
                "create_time": "2026-04-01T10:30:03Z",
                "usage_metadata": {
                    "prompt_token_count": 17,
                    "candidates_token_count": 9,
                    "total_token_count": 26,
                },
            },
            {
                "choice_index": 0,
                "tool_calls": [(None, None, "f", "{}")],
                "finish_reason": "STOP",
                "response_model": "g",
                "response_id": "r",
                "created_at": 1775039403000000,
                "input_tokens": 17,
                "output_tokens": 9,
                "total_tokens": 26,
            },
        ),
        (
            {"response": {"candidates": [candidate({"text": "Hi"})], "modelVersion": "g"}, "traceId": "t"},
            {"choice_index": 0, "role": "model", "content": "Hi", "response_model": "g"},
        ),
        ({"serverContent": {"modelTurn": {"parts": [{"text": "Hi"}]}}}, {"choice_index": 0, "content": "Hi"}),
        (
            {"serverContent": {"outputTranscription": {"text": "Hola"}}},
            {"choice_index": 0, "content": "Hola"},
        ),
        ({"serverContent": {"inputTranscription": {"text": "Hello"}}}, {}),
        ({"serverContent": {"modelTurn": {"parts": [{"inlineData": {"data": "AAA="}}]}}}, {}),
        (
            {"toolCall": {"functionCalls": [{"id": "x", "name": "f", "args": {"a": 1}}]}},
            {"choice_index": 0, "tool_calls": [(None, "x", "f", '{"a":1}')]},
        ),
        (
            {
                "serverContent": {},
                "usageMetadata": {"promptTokenCount": 5, "responseTokenCount": 2, "totalTokenCount": 7},
            },
            {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
        ),
        ({"setupComplete": {}}, {}),
        ({"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": "g"}, {"response_model": "g"}),
    ],
)
def test_other_dresses_of_the_same(told, chunk, columns):
    assert GENERATE_CONTENT.matches(chunk, None) or "toolCall" in chunk
    assert told(GENERATE_CONTENT, chunk) == [columns]


def test_text_of_other_dresses_is_not_written_twice():
    chunk = {"response": {"candidates": [candidate({"text": "Hi there"})]}}
    [row] = flatten(GENERATE_CONTENT, chunk)
    parts = json.loads(row.extra)["response"]["candidates"][0]["content"]["parts"]
    assert parts == [{"text": {"$column": "content"}}]


def test_errors(told):
    chunk = {"error": {"code": 499, "message": "cancelled", "status": "CANCELLED"}}
    assert told(GENERATE_CONTENT, chunk) == [{"error_type": "499", "error_message": "cancelled"}]


def test_end_of_a_live_turn():
    assert GENERATE_CONTENT.ends({"serverContent": {"turnComplete": True}}, None)
    assert not GENERATE_CONTENT.ends({"serverContent": {}}, None)
