"""What is taken from a recorded request and response, and what is not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import recorded


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://user:pass@host/v1", "https://host/v1"),
        ("https://us@er:pass@host/v1", "https://host/v1"),
        ("//token@host/v1", "//host/v1"),
        ("https://host/v1?key=AIza&alt=sse", "https://host/v1?alt=sse"),
        ("https://host/v1?api-version=1&api_key=k&api-key=k&apikey=k", "https://host/v1?api-version=1"),
        ("https://host/v1?X-Amz-Signature=s&X-Amz-Credential=c&X-Amz-Security-Token=t&a=1", "https://host/v1?a=1"),
        ("https://host/v1?access%5Ftoken=t", "https://host/v1"),
        ("https://host/v1?sv=1;sig=s", "https://host/v1?sv=1"),
        ("https://host/v1#stream", "https://host/v1#stream"),
        ("https://host/v1#access_token=t&x=1", "https://host/v1#x=1"),
        ("https://host/v1?max_tokens=5&monkey_business=1", "https://host/v1?max_tokens=5&monkey_business=1"),
        ("<BASE>/chat/completions", "<BASE>/chat/completions"),
        ("https://[half/v1?token=t", "https://[half/v1"),
        ("/v1/users/@me", "/v1/users/@me"),
        ("", None),
    ],
)  # fmt: skip
def test_urls_carry_no_credentials(url: str, clean: str | None) -> None:
    assert recorded.clean_url(url) == clean


@given(st.text())
def test_cleaning_is_done_once_and_for_all(url: str) -> None:
    clean = recorded.clean_url(url)
    assert clean is None or recorded.clean_url(clean) == clean


@pytest.mark.parametrize(
    ("value", "status"),
    [(200, 200), ("200", 200), ("200 OK", 200), ({"code": 429, "message": "x"}, 429), (0, None),
     ({"status_code": 500}, 500), ("OK", None), (None, None), ([], None), (True, None), ("²00", None)],
)  # fmt: skip
def test_statuses(value: Any, status: int | None) -> None:
    assert recorded.status_of(value) == status


@pytest.mark.parametrize(
    "value",
    [
        {"X-Request-ID": "a1"}, {"x-request-id": ["a1", "b2"]}, [{"name": "X-Request-Id", "value": "a1"}],
        [["x-request-id", " a1"]], ["X-Request-Id: a1"],
    ],
)  # fmt: skip
def test_headers_of_every_shape(value: Any) -> None:
    assert dict(recorded.headers(value)) == {"x-request-id": "a1"}


@pytest.mark.parametrize("value", [None, "x", 7, [], [None], [{"name": 3}], {"a": {}}, {3: "a"}])
def test_what_is_no_header(value: Any) -> None:
    assert dict(recorded.headers(value)) == {}


MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n\r\n\x00\r\n'
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("body", "model"),
    [
        ('{"model":"m1","messages":[]}', "m1"), (b'{"model":"m1"}', "m1"), ({"model": "m1"}, "m1"),
        ({"string": '{"modelId":"m1"}'}, "m1"), ({"base64_string": "eyJtb2RlbCI6Im0xIn0="}, "m1"),
        ({"b64": "eyJtb2RlbCI6Im0xIn0="}, "m1"), (MULTIPART, "whisper-1"),
        ("", None), (None, None), ("{", None), ("[1]", None), ({"model": 7}, None), (b"\xff", None),
    ],
)  # fmt: skip
def test_the_model_that_a_request_names(body: Any, model: str | None) -> None:
    assert recorded.model_of(body) == model


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("https://h/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini-2.5-pro"),
        ("https://h/model/us.anthropic.claude-v1%3A0/converse-stream", "us.anthropic.claude-v1:0"),
        ("https://h/openai/deployments/gpt-4o/chat/completions?api-version=1", "gpt-4o"),
        ("https://h/v1/models", None),
        ("https://h/v1/chat/completions", None),
    ],
)
def test_the_model_that_a_url_names(url: str, model: str | None) -> None:
    assert recorded.exchange([], url=url).request_model == model


@pytest.mark.parametrize("redacted", ["Sanitized", "<X_REQUEST_ID>", "REDACTED", "**REDACTED**", "", "x"])
def test_a_redacted_request_id_is_none(redacted: str) -> None:
    assert recorded.exchange([], response_headers={"x-request-id": redacted}).request_id is None


def test_request_ids_come_from_the_response_or_else_from_the_request() -> None:
    trace = "00-e69a82bdc6c1516e0538fd0e9f1ad547-0eee0b3e34a18f77-01"
    asked = {"traceparent": trace}
    assert recorded.exchange([], request_headers=asked).request_id == trace
    answer = {"request-id": "req_011"}
    assert recorded.exchange([], request_headers=asked, response_headers=answer).request_id == "req_011"


def test_the_date_header_is_a_start_only_where_nothing_better_is_known() -> None:
    date = {"Date": "Mon, 21 Apr 2025 03:21:59 GMT"}
    assert recorded.exchange([], response_headers=date).started_at == 1745205719_000000
    assert recorded.exchange([], response_headers=date, started_at=7).started_at == 7
    assert recorded.exchange([], response_headers={"Date": "Sanitized"}).started_at is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_value_makes_an_exchange_fail(value: Any) -> None:
    exchange = recorded.exchange(
        recorded.body_of(value, value),
        status=value,
        url=value,
        request_headers=value,
        request_body=value,
        response_headers=value,
    )
    assert json.dumps([exchange.http_status, exchange.url, exchange.request_id, exchange.request_model])
