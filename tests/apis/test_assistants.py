import pytest

from ssetl.apis.assistants import ASSISTANTS

RUN = {"id": "run_1", "object": "thread.run", "created_at": 1714255664, "status": "queued", "model": "m"}
EVENT = {"response_id": "run_1", "created_at": 1714255664000000, "response_model": "m"}


def step(*calls):
    details = {"type": "tool_calls", "tool_calls": list(calls)}
    return {"id": "step_1", "object": "thread.run.step.delta", "delta": {"step_details": details}}


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        (RUN, EVENT),
        (
            {
                "id": "msg_1",
                "object": "thread.message.delta",
                "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "Hi"}}]},
            },
            {"choice_index": 0, "content": "Hi"},
        ),
        (
            {
                "id": "msg_1",
                "object": "thread.message",
                "run_id": "run_1",
                "content": [{"text": {"value": "Hi"}}],
            },
            {"response_id": "run_1"},
        ),
        (
            step({"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}),
            {"choice_index": 0, "tool_calls": [(0, "c", "f", "{")]},
        ),
        (
            step({"index": 1, "type": "code_interpreter", "code_interpreter": {"input": "1+1"}}),
            {"choice_index": 0, "tool_calls": [(1, None, "code_interpreter", "1+1")]},
        ),
        (
            {
                **RUN,
                "status": "completed",
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            },
            {
                **EVENT,
                "choice_index": 0,
                "finish_reason": "completed",
                "input_tokens": 3,
                "output_tokens": 2,
                "total_tokens": 5,
            },
        ),
        (
            {**RUN, "status": "incomplete", "incomplete_details": {"reason": "max_completion_tokens"}},
            {**EVENT, "choice_index": 0, "finish_reason": "max_completion_tokens"},
        ),
        (
            {
                **RUN,
                "status": "failed",
                "last_error": {"code": "rate_limit_exceeded", "message": "slow down"},
            },
            {
                **EVENT,
                "choice_index": 0,
                "finish_reason": "failed",
                "error_type": "rate_limit_exceeded",
                "error_message": "slow down",
            },
        ),
    ],
)
def test_events(told, chunk, columns):
    assert ASSISTANTS.matches(chunk, None)
    assert told(ASSISTANTS, chunk) == [columns]


def test_start_and_end():
    assert ASSISTANTS.starts(RUN, "thread.run.created")
    assert not ASSISTANTS.ends(RUN, "thread.run.created")
    assert ASSISTANTS.ends({**RUN, "status": "completed"}, "thread.run.completed")
    assert not ASSISTANTS.ends(
        {"object": "thread.message", "status": "completed"}, "thread.message.completed"
    )
