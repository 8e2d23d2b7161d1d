import pytest

from ssetl.apis.interactions import INTERACTIONS

USAGE = {"total_tokens": 9, "total_input_tokens": 3, "total_cached_tokens": 0, "total_output_tokens": 4}
COUNTED = {"total_tokens": 9, "input_tokens": 3, "cached_input_tokens": 0, "output_tokens": 4}


def step(delta, **members):
    return {"event_type": "step.delta", "index": 1, "delta": delta, **members}


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        (step({"type": "text", "text": "Hi"}), {"choice_index": 0, "content": "Hi"}),
        (
            step({"type": "text", "text": "Hi"}, metadata={"usage": USAGE}),
            {"choice_index": 0, "content": "Hi", **COUNTED},
        ),
        (
            step({"type": "thought_summary", "content": {"type": "text", "text": "hm"}}),
            {"choice_index": 0, "reasoning": "hm"},
        ),
        (step({"type": "thought_signature", "signature": "abc"}), {}),
        (
            step({"type": "function_call", "id": "c", "name": "f", "arguments": {"a": 1}}),
            {"choice_index": 0, "tool_calls": [(1, "c", "f", '{"a":1}')]},
        ),
        (
            step({"type": "google_search_call", "arguments": {"queries": ["x"]}}),
            {"choice_index": 0, "tool_calls": [(1, None, "google_search_call", '{"queries":["x"]}')]},
        ),
        ({"event_type": "step.stop", "index": 1}, {}),
        (
            {"event_type": "interaction.status_update", "interaction_id": "v", "status": "in_progress"},
            {"response_id": "v"},
        ),
        (
            {
                "event_type": "interaction.created",
                "interaction": {"id": "v", "status": "in_progress", "model": "g"},
            },
            {"response_id": "v", "response_model": "g"},
        ),
        (
            {
                "event_type": "interaction.completed",
                "interaction": {
                    "id": "v",
                    "status": "completed",
                    "usage": USAGE,
                    "created": "2026-06-05T17:35:35Z",
                    "service_tier": "standard",
                },
            },
            {
                "response_id": "v",
                "choice_index": 0,
                "finish_reason": "completed",
                "created_at": 1780680935000000,
                "service_tier": "standard",
                **COUNTED,
            },
        ),
    ],
)
def test_events(told, chunk, columns):
    assert INTERACTIONS.matches(chunk, None)
    assert told(INTERACTIONS, chunk) == [columns]


def test_start_and_end():
    assert INTERACTIONS.starts({"event_type": "interaction.created"}, None)
    assert INTERACTIONS.ends({"event_type": "interaction.completed"}, None)
    assert not INTERACTIONS.ends({"event_type": "step.stop"}, None)
