import json

import pytest

from ssetl.apis.ollama import OLLAMA_CHAT, OLLAMA_GENERATE
from ssetl.apis.row import flatten

LINE = {"model": "q", "created_at": "2026-07-28T06:32:45.004109Z", "done": False}
EVENT = {"response_model": "q", "created_at": 1785220365004109, "choice_index": 0}
DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 8, "eval_count": 2, "total_duration": 5}
ENDED = {"finish_reason": "stop", "input_tokens": 8, "output_tokens": 2}


@pytest.mark.parametrize(
    ("members", "columns"),
    [
        ({"message": {"role": "assistant", "content": "Hi"}}, {"role": "assistant", "content": "Hi"}),
        (
            {"message": {"role": "assistant", "content": "", "thinking": "hm"}},
            {"role": "assistant", "content": "", "reasoning": "hm"},
        ),
        (
            {
                "message": {
                    "content": "",
                    "tool_calls": [{"function": {"index": 0, "name": "f", "arguments": {"a": 1}}}],
                }
            },
            {"content": "", "tool_calls": [(0, None, "f", '{"a":1}')]},
        ),
        (
            {"message": {"role": "assistant", "content": ""}, **DONE},
            {"role": "assistant", "content": "", **ENDED},
        ),
    ],
)
def test_chat(told, members, columns):
    assert OLLAMA_CHAT.matches({**LINE, **members}, None)
    assert told(OLLAMA_CHAT, {**LINE, **members}) == [{**EVENT, **columns}]


@pytest.mark.parametrize(
    ("members", "columns"),
    [
        ({"response": "Hi"}, {"content": "Hi"}),
        ({"response": "", "thinking": "hm"}, {"content": "", "reasoning": "hm"}),
        ({"response": "", **DONE, "context": [1, 2]}, {"content": "", **ENDED}),
    ],
)
def test_generate(told, members, columns):
    assert OLLAMA_GENERATE.matches({**LINE, **members}, None)
    assert told(OLLAMA_GENERATE, {**LINE, **members}) == [{**EVENT, **columns}]


def test_an_ordinary_line_needs_no_extra():
    chat = {**LINE, "message": {"role": "assistant", "content": "Hi"}}
    assert [row.extra for row in flatten(OLLAMA_CHAT, chat)] == [None]
    assert [row.extra for row in flatten(OLLAMA_GENERATE, {**LINE, "response": "Hi"})] == [None]


def test_nanoseconds_stay_in_extra():
    stamp = "2026-07-28T06:32:45.123456789Z"
    [row] = flatten(OLLAMA_GENERATE, {**LINE, "created_at": stamp, "response": "Hi"})
    assert row.created_at == 1785220365123456
    assert json.loads(row.extra) == {"created_at": stamp}


def test_errors(told):
    assert told(OLLAMA_CHAT, {"error": "model runner stopped"}) == [{"error_message": "model runner stopped"}]


def test_progress_of_a_download_is_neither():
    assert not OLLAMA_CHAT.matches({"status": "pulling manifest"}, None)
    assert not OLLAMA_GENERATE.matches({"status": "pulling manifest"}, None)


def test_end():
    assert OLLAMA_CHAT.ends({**LINE, **DONE}, None)
    assert not OLLAMA_CHAT.ends(LINE, None)
    assert OLLAMA_CHAT.stamped
