"""Given a chunk, expect its rows: one case per dialect."""

import json

import pytest

from ssetl.apis.chat_completions import CHAT_COMPLETIONS
from ssetl.apis.row import flatten

ENVELOPE = {"id": "c1", "object": "chat.completion.chunk", "created": 1745205719, "model": "m"}
EVENT = {"response_id": "c1", "created_at": 1745205719000000, "response_model": "m"}


def chunk(*choices, **members):
    return {**ENVELOPE, "choices": list(choices), **members}


def delta(**members):
    return {"index": 0, "delta": members, "logprobs": None, "finish_reason": None}


@pytest.mark.parametrize(
    "ordinary",
    [
        chunk(delta(role="assistant", content="", refusal=None), usage=None),
        chunk(delta(content="Hello"), service_tier="default", system_fingerprint="fp_1"),
        chunk({"index": 0, "delta": {}, "finish_reason": "stop"}),
        chunk({"index": 1, "delta": {"content": "a"}}, {"index": 0, "delta": {"content": "b"}}),
        chunk(delta(reasoning_content="hm")),
        chunk(delta(refusal="No")),
        chunk(
            delta(
                tool_calls=[
                    {"index": 0, "id": "x", "type": "function", "function": {"name": "f", "arguments": ""}}
                ]
            )
        ),
        chunk(delta(tool_calls=[{"index": 0, "function": {"arguments": "{}"}}])),
        chunk(delta(tool_calls=[])),
        chunk(delta(function_call={"name": "f", "arguments": ""})),
        chunk(delta(function_call={"arguments": "{}"})),
        chunk(
            usage={
                "prompt_tokens": 8,
                "completion_tokens": 10,
                "total_tokens": 18,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": None},
            }
        ),
        chunk(
            {
                "index": 0,
                "delta": {"content": "H"},
                "logprobs": {"content": [{"token": "H", "logprob": -0.5}]},
            }
        ),
        {"error": {"message": "no", "type": "server_error", "param": None}},
    ],
)
def test_an_ordinary_chunk_needs_no_extra(ordinary):
    assert [row.extra for row in flatten(CHAT_COMPLETIONS, ordinary)] == [None] * max(
        1, len(ordinary.get("choices", ()))
    )


@pytest.mark.parametrize(
    ("choice", "columns"),
    [
        (delta(role="assistant", content=""), {"role": "assistant", "content": ""}),
        (delta(content=None, refusal="No"), {"refusal": "No"}),
        (
            {"index": 0, "delta": {"content": "c"}, "finish_reason": "length"},
            {"content": "c", "finish_reason": "length"},
        ),
        ({"index": 0, "finish_reason": "stop"}, {"finish_reason": "stop"}),
        ({"index": 0, "delta": None, "finish_reason": "stop"}, {"finish_reason": "stop"}),
        ({"delta": {"content": "no index"}}, {"content": "no index"}),
        ({"index": 7, "delta": {"content": "c"}}, {"choice_index": 7, "content": "c"}),
        ({"index": "1", "delta": {"content": "c"}}, {"content": "c"}),
        ({"index": 2**40, "delta": {"content": "c"}}, {"content": "c"}),
        ({"index": True, "delta": {"content": "c"}}, {"content": "c"}),
        ("no object", {}),
        (None, {}),
        (delta(content={"text": "no string"}), {}),
        (
            {"index": 0, "message": {"role": "assistant", "content": "1 2"}, "delta": {"content": " 2"}},
            {"content": " 2"},
        ),
        (
            {"index": 0, "delta": {"content": "H"}, "logprobs": {"content": []}},
            {"content": "H", "logprobs": '{"content":[]}'},
        ),
    ],
)
def test_choices(told, choice, columns):
    assert told(CHAT_COMPLETIONS, chunk(choice)) == [{**EVENT, "choice_index": 0, **columns}]


@pytest.mark.parametrize(
    ("members", "content", "reasoning"),
    [
        ({"reasoning_content": "hm"}, None, "hm"),
        ({"reasoning": "hm", "content": ""}, "", "hm"),
        ({"reasoning_text": "hm"}, None, "hm"),
        ({"reasoning_content": "", "reasoning": "hm"}, None, "hm"),
        ({"reasoning_content": ""}, None, ""),
        ({"reasoning": "hm", "reasoning_content": "hm"}, None, "hm"),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "h"}, {"text": "m"}]}, None, "hm"),
        ({"reasoning_details": [{"type": "reasoning.summary", "summary": "hm"}]}, None, "hm"),
        ({"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}, None, None),
        ({"reasoning_content": "hm", "reasoning_details": [{"text": "hm"}]}, None, "hm"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab", None),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, None, "hm"),
        ({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}]}, "a", "hm"),
        ({"content": [{"type": "reference", "reference_ids": [1]}, "x", None]}, None, None),
        ({"content": []}, None, None),
    ],
)
def test_reasoning_has_many_names_and_one_column(told, members, content, reasoning):
    [row] = told(CHAT_COMPLETIONS, chunk(delta(**members)))
    assert (row.get("content"), row.get("reasoning")) == (content, reasoning)


@pytest.mark.parametrize(
    ("members", "calls"),
    [
        (
            {
                "tool_calls": [
                    {"index": 0, "id": "x", "type": "function", "function": {"name": "f", "arguments": ""}}
                ]
            },
            [(0, "x", "f", "")],
        ),
        ({"tool_calls": [{"index": 1, "id": "", "function": {"arguments": "{"}}]}, [(1, "", None, "{")]),
        (
            {"tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "{}"}}]},
            [(None, "x", "f", "{}")],
        ),
        ({"tool_calls": [{"function": {"name": "f", "arguments": None}}]}, [(None, None, "f", None)]),
        (
            {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": {"a": 1}}}]},
            [(0, None, "f", '{"a":1}')],
        ),
        (
            {
                "tool_calls": [
                    {"index": 0, "id": "x", "type": "custom", "custom": {"name": "sh", "input": "ls"}}
                ]
            },
            [(0, "x", "sh", "ls")],
        ),
        ({"tool_calls": [{"index": "0"}, "x", None]}, [(None, None, None, None)] * 3),
        ({"tool_calls": []}, []),
        ({"tool_calls": {"index": 0}}, None),
        ({"function_call": {"name": "f", "arguments": "{}"}}, [(None, None, "f", "{}")]),
        ({"function_call": {"name": "f"}, "tool_calls": [{"index": 0}]}, [(0, None, None, None)]),
    ],
)
def test_tool_calls(told, members, calls):
    [row] = told(CHAT_COMPLETIONS, chunk(delta(**members)))
    assert row.get("tool_calls") == calls


COUNTS = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
COUNTED = {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}


@pytest.mark.parametrize(
    ("members", "columns"),
    [
        ({"usage": COUNTS}, COUNTED),
        (
            {"usage": {**COUNTS, "prompt_tokens_details": {"cached_tokens": 4}}},
            {**COUNTED, "cached_input_tokens": 4},
        ),
        ({"usage": {**COUNTS, "prompt_cache_hit_tokens": 4}}, {**COUNTED, "cached_input_tokens": 4}),
        ({"usage": {**COUNTS, "cached_tokens": 4}}, {**COUNTED, "cached_input_tokens": 4}),
        ({"usage": {**COUNTS, "reasoning_tokens": 5}}, {**COUNTED, "reasoning_output_tokens": 5}),
        (
            {
                "usage": {
                    **COUNTS,
                    "reasoning_tokens": 5,
                    "completion_tokens_details": {"reasoning_tokens": 0},
                }
            },
            {**COUNTED, "reasoning_output_tokens": 0},
        ),
        (
            {
                "usage": {
                    **COUNTS,
                    "completion_tokens_details": {"audio_tokens": 1, "accepted_prediction_tokens": 2},
                }
            },
            {**COUNTED, "audio_output_tokens": 1, "accepted_prediction_tokens": 2},
        ),
        ({"x_groq": {"usage": COUNTS}}, COUNTED),
        ({"x_groq": {"usage": {"prompt_tokens": 1}}, "usage": COUNTS}, COUNTED),
        (
            {"usage": {"prompt_tokens": 12, "completion_tokens": None, "total_tokens": None}},
            {"input_tokens": 12},
        ),
        ({"usage": {"prompt_tokens": 0}}, {"input_tokens": 0}),
        ({"usage": {}}, {}),
        ({"usage": None}, {}),
        ({"usage": {"prompt_tokens": None}}, {}),
        ({"usage": {"prompt_tokens": 1.5, "completion_tokens": True, "total_tokens": 2**70}}, {}),
        ({"usage": [COUNTS]}, {}),
    ],
)
def test_usage(told, members, columns):
    assert told(CHAT_COMPLETIONS, chunk(**members)) == [{**EVENT, **columns}]


def test_usage_of_a_choice_is_that_of_the_event(told):
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": COUNTS}
    [row] = told(CHAT_COMPLETIONS, chunk(choice))
    assert row.items() >= COUNTED.items()


@pytest.mark.parametrize(
    ("event", "columns"),
    [
        ({"type": "ping"}, {}),
        (
            {"id": "", "object": "", "created": 0, "model": "", "choices": []},
            {"response_id": "", "response_model": ""},
        ),
        ({**ENVELOPE, "choices": None}, EVENT),
        ({**ENVELOPE, "choices": {}}, EVENT),
        (ENVELOPE, EVENT),
        ({**ENVELOPE, "created": 1753879075170}, {**EVENT, "created_at": 1753879075170000}),
        ({**ENVELOPE, "object": "chat.completion.done"}, EVENT),
        ({"choices": [{"delta": {"content": "Happy, "}}]}, {"choice_index": 0, "content": "Happy, "}),
    ],
)
def test_events_without_a_choice_or_an_id(told, event, columns):
    assert told(CHAT_COMPLETIONS, event) == [columns]


def test_what_the_event_says_as_a_whole_stands_on_its_first_row(told):
    error = {"code": 502, "message": "upstream"}
    rows = told(CHAT_COMPLETIONS, chunk(delta(content="a"), delta(content="b"), usage=COUNTS, error=error))
    assert rows == [
        {
            **EVENT,
            **COUNTED,
            "choice_index": 0,
            "content": "a",
            "error_type": "502",
            "error_message": "upstream",
        },
        {**EVENT, "choice_index": 0, "content": "b"},
    ]


def test_numbers_keep_their_type_in_extra():
    [row] = flatten(CHAT_COMPLETIONS, chunk(usage={**COUNTS, "prompt_tokens": 12.0, "cost": 1e-05}))
    assert json.loads(row.extra) == {"usage": {"prompt_tokens": 12.0, "cost": 1e-05}}
    assert row.usage is not None
    assert row.usage.input_tokens == 12
