import pytest

from ssetl.apis.text_generation import TEXT_GENERATION

TOKEN = {"id": 13, "text": "Hi", "logprob": -0.1, "special": False}
DETAILS = {"finish_reason": "eos_token", "generated_tokens": 2, "input_length": 4, "seed": None}


@pytest.mark.parametrize(
    ("chunk", "columns"),
    [
        (
            {"index": 1, "token": TOKEN, "generated_text": None, "details": None},
            {"choice_index": 0, "content": "Hi"},
        ),
        ({"token": {**TOKEN, "text": "</s>", "special": True}}, {}),
        (
            {"token": {**TOKEN, "text": "</s>", "special": True}, "generated_text": "Hi", "details": DETAILS},
            {"choice_index": 0, "finish_reason": "eos_token", "input_tokens": 4, "output_tokens": 2},
        ),
        (
            {"error": "failed", "error_type": "generation"},
            {"error_type": "generation", "error_message": "failed"},
        ),
    ],
)
def test_events(told, chunk, columns):
    assert told(TEXT_GENERATION, chunk) == [columns]


def test_the_last_event_has_the_whole_text():
    assert TEXT_GENERATION.ends({"token": TOKEN, "generated_text": "Hi"}, None)
    assert not TEXT_GENERATION.ends({"token": TOKEN, "generated_text": None}, None)
