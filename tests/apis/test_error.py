import pytest

from ssetl.apis import error_of

OPENAI = {"message": "Too long", "type": "invalid_request_error", "param": None, "code": "context_length"}


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"error": OPENAI}, ("invalid_request_error", "Too long")),
        ({"error": {"code": 400, "message": "Token limit reached"}}, ("400", "Token limit reached")),
        ({"error": {"code": 499, "message": "gone", "status": "CANCELLED"}}, ("499", "gone")),
        ([{"error": {"code": 404, "message": "no model"}}], ("404", "no model")),
        ({"error": "Specified model not found"}, (None, "Specified model not found")),
        ({"error": "not_found", "message": "no such model"}, ("not_found", "no such model")),
        ({"error": "stopped", "error_type": "generation"}, ("generation", "stopped")),
        ({"error": True, "message": "no"}, (None, "no")),
        ({"error": {"weird": 1}}, (None, '{"weird":1}')),
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            ("overloaded_error", "Overloaded"),
        ),
        ({"type": "error", "code": "rate_limit", "message": "slow down"}, ("rate_limit", "slow down")),
        ({"type": "error", "message": "slow down"}, ("error", "slow down")),
        (
            {"object": "error", "message": "too long", "type": "BadRequest", "code": 400},
            ("BadRequest", "too long"),
        ),
        ({"code": "3051", "message": "Invalid temperature"}, ("3051", "Invalid temperature")),
        ({"detail": "Unauthorized"}, (None, "Unauthorized")),
        ({"detail": [{"msg": "required"}]}, (None, '[{"msg":"required"}]')),
        ({"detail": "failed", "error": {"message": "failed to decode"}}, (None, "failed to decode")),
        ({"status": 503, "message": "try again"}, ("503", "try again")),
    ],
)
def test_shapes_of_errors(value, error):
    assert error_of(value) == error


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"error": None, "choices": []},
        {"error": {}},
        {"error": ""},
        {"error": False},
        {"type": "ping"},
        {"code": 0, "message": "success"},
        {"code": 200, "message": "ok"},
        {"message": "hello"},
        {"type": "message_start", "message": {"role": "assistant"}},
        {"code": 5, "message": "hello", "choices": []},
        {"type": "status", "message": "searching", "status": "running"},
        [],
        [1],
        None,
        "error",
        5,
    ],
)
def test_what_is_no_error(value):
    assert error_of(value) is None


@pytest.mark.parametrize(
    ("value", "event_type", "error"),
    [
        ({"message": "Rate exceeded"}, "throttlingException", ("throttlingException", "Rate exceeded")),
        ({"message": "no"}, "error", (None, "no")),
        ({"text": "CUDA out of memory"}, "error", (None, "CUDA out of memory")),
        ({}, "error", (None, "{}")),
        ("gone", "error", (None, "gone")),
        ({"error": "empty"}, "error", (None, "empty")),
        ({"message": "hello"}, "completion", None),
        ({"error": "x"}, "completion", (None, "x")),
    ],
)
def test_an_event_type_can_say_that_it_is_an_error(value, event_type, error):
    assert error_of(value, event_type) == error
