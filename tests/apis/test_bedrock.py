import pytest

from ssetl.apis.bedrock import CONVERSE_STREAM, FRAME, unwrap


@pytest.mark.parametrize(
    ("event_type", "chunk", "columns"),
    [
        ("messageStart", {"role": "assistant", "p": "a"}, {"choice_index": 0, "role": "assistant"}),
        (
            "contentBlockDelta",
            {"contentBlockIndex": 0, "delta": {"text": "Hi"}},
            {"choice_index": 0, "content": "Hi"},
        ),
        (
            "contentBlockDelta",
            {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}},
            {"choice_index": 0, "reasoning": "hm"},
        ),
        (
            "contentBlockDelta",
            {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "abc"}}},
            {},
        ),
        (
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolUse": {"name": "f", "toolUseId": "t"}}},
            {"choice_index": 0, "tool_calls": [(1, "t", "f", None)]},
        ),
        (
            "contentBlockDelta",
            {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{"}}},
            {"choice_index": 0, "tool_calls": [(1, None, None, "{")]},
        ),
        ("contentBlockStop", {"contentBlockIndex": 1}, {}),
        ("messageStop", {"stopReason": "end_turn"}, {"choice_index": 0, "finish_reason": "end_turn"}),
        (
            "metadata",
            {
                "usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7, "cacheReadInputTokens": 1},
                "metrics": {"latencyMs": 9},
            },
            {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7, "cached_input_tokens": 1},
        ),
    ],
)
def test_events_are_named_by_their_frame_or_by_a_member_around_them(told, event_type, chunk, columns):
    for event, kind in ((chunk, event_type), ({event_type: chunk}, None)):
        assert CONVERSE_STREAM.matches(event, kind)
        assert told(CONVERSE_STREAM, event, kind) == [columns]


def test_exceptions_are_errors(told):
    assert told(CONVERSE_STREAM, {"message": "Too many requests"}, "throttlingException") == [
        {"error_type": "throttlingException", "error_message": "Too many requests"}
    ]


def test_start_and_end():
    assert CONVERSE_STREAM.starts({"role": "assistant"}, "messageStart")
    assert CONVERSE_STREAM.ends({"usage": {}, "metrics": {}}, "metadata")
    assert not CONVERSE_STREAM.ends({"stopReason": "end_turn"}, "messageStop")


@pytest.mark.parametrize(("bytes_", "event"), [("eyJhIjoxfQ==", {"a": 1}), ("e30=", {})])
def test_unwrap(bytes_, event):
    assert unwrap({"bytes": bytes_, "p": "ab"}) == {**event, FRAME: {"p": "ab"}}


@pytest.mark.parametrize("chunk", [{"p": "ab"}, {"bytes": "e30"}, {"bytes": "WzFd"}, {"bytes": "é"}, {}])
def test_what_is_no_frame_stays(chunk):
    assert unwrap(chunk) is chunk
