import pytest

from ssetl.apis.completions import COMPLETIONS
from ssetl.apis.row import flatten

ENVELOPE = {"id": "c1", "object": "text_completion", "created": 1700000000, "model": "m"}
EVENT = {"response_id": "c1", "created_at": 1700000000000000, "response_model": "m"}


@pytest.mark.parametrize(
    ("members", "rows"),
    [
        (
            {"choices": [{"index": 0, "text": "Once", "logprobs": None, "finish_reason": None}]},
            [{"choice_index": 0, "content": "Once"}],
        ),
        (
            {"choices": [{"text": "", "finish_reason": "length"}]},
            [{"choice_index": 0, "content": "", "finish_reason": "length"}],
        ),
        (
            {"choices": [{"index": 1, "text": "a"}, {"index": 0, "text": "b"}]},
            [{"choice_index": 1, "content": "a"}, {"choice_index": 0, "content": "b"}],
        ),
        (
            {"choices": [{"index": 0, "text": 5, "logprobs": {"tokens": []}}]},
            [{"choice_index": 0, "logprobs": '{"tokens":[]}'}],
        ),
        (
            {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 0, "total_tokens": 5}},
            [{"input_tokens": 5, "output_tokens": 0, "total_tokens": 5}],
        ),
    ],
)
def test_rows(told, members, rows):
    assert told(COMPLETIONS, {**ENVELOPE, **members}) == [{**EVENT, **row} for row in rows]


def test_an_ordinary_chunk_needs_no_extra():
    choice = {"index": 0, "text": "Once", "logprobs": None, "finish_reason": None}
    [row] = flatten(COMPLETIONS, {**ENVELOPE, "choices": [choice], "usage": None})
    assert row.extra is None
