"""What looks like a credential is masked, what does not is left alone, and the quick search misses none."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl.credentials import MASK, SUSPICIOUS, mask, mask_bytes, mask_json
from ssetl.jsontext import encode

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
SECRETS = (
    "sk-abcdefghijklmnop1234",
    "sk-proj-Ab_cdefghijklmnop",
    "sk-ant-api03-abcdefghijkl",
    "sk-abcd********wxyz",
    "sk_live_abcdefghijkl",
    "AIzaSyA1234567890abcdefghijklmnopqrstu",
    "ghp_abcdefghijklmnop1234",
    "github_pat_abcdefghijklmnop",
    "glpat-abcdefghijklmnop",
    "hf_abcdefghijklmnopqrstuv",
    "gsk_abcdefghijklmnopqrstuv",
    "xai-abcdefghijklmnopqrstuv",
    "pplx-abcdefghijklmnopqrstuv",
    "xoxb-123456789012-abcdef",
    "AKIAIOSFODNN7EXAMPLE",
    "ya29.a0AfH6SMBabcdefghijk",
    JWT,
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA",
)
NAMED = (
    ("Authorization: Bearer ", "abc123def456"),
    ("authorization: Basic ", "dXNlcjpwYXNzd29yZDE="),
    ("bearer ", "abcdefghijklmnopqrstuvwxyz"),
    ("OPENAI_API_KEY=", "planted1"),
    ("x-api-key: ", "planted1"),
    ('{"api_key": "', "planted1"),
    ('{\\"apiKey\\": \\"', "planted1"),
    ("?access_token=", "planted1"),
    ("password=", "planted1"),
    ("client_secret: ", "planted1"),
    ("https://", "user:planted1"),
    ("Set-Cookie: ", "session=planted1"),
)
INNOCENT = (
    "Bearer authentication is required",
    "ask-me-anything-you-want-to-know",
    "risk-management-is-important-here",
    "the key to the door, and its secret garden",
    "the total_tokens: 123456789, max_tokens=123456",
    "You can find your API key at https://platform.example.com/account/api-keys.",
    "https://example.com:8080/path?model=gpt-4o",
    "write to user@example.com",
    "chatcmpl-abcdefghijklmnopqrstuvwxyz0123",
    "call_abcdefghijklmnopqrstuvwxyz0123",
    "a password must have 8 characters",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "key: {}.", "(“{}”)", "a\n{}\nb", '"{}"', "literally \\n{}"])
def test_keys_of_known_shapes_are_masked(secret: str, around: str) -> None:
    masked = mask(around.format(secret))
    assert MASK in masked
    assert secret[4:] not in masked


@pytest.mark.parametrize(("before", "secret"), NAMED)
def test_what_a_word_calls_secret_is_masked_and_the_word_stays(before: str, secret: str) -> None:
    text = f"see {before}{secret}" + ("@host/x" if secret.startswith("user:") else " there")
    assert mask(text) == text.replace(secret, MASK)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_credential_is_left_alone(text: str) -> None:
    assert mask(text) == text


@given(st.text())
def test_what_has_been_masked_stays_as_it_is(text: str) -> None:
    for secret in (*SECRETS, *(before + secret for before, secret in NAMED)):
        once = mask(f"{text} {secret} {text}")
        assert mask(once) == once


FRAGMENTS = st.sampled_from(
    [
        *SECRETS,
        *(part for pair in NAMED for part in pair),
        *INNOCENT,
        "\n",
        '"',
        "\\",
        " ",
        "é",
        "://",
        ":",
        "@",
    ]
)
TEXTS = st.lists(FRAGMENTS | st.text(max_size=3), max_size=6).map("".join)


@given(TEXTS)
def test_the_quick_search_misses_nothing_that_is_masked(text: str) -> None:
    if mask(text) != text:
        assert re.search(SUSPICIOUS, text)
        assert re.search(SUSPICIOUS, encode(text))
    if mask_json(encode({text: text})) != encode({text: text}):
        assert re.search(SUSPICIOUS, encode({text: text}))


@given(TEXTS)
def test_masking_json_gives_json_whose_strings_are_masked(text: str) -> None:
    value = {"a": [text, 1, None, {"b": text}], "n": 1.5}
    masked = {"a": [mask(text), 1, None, {"b": mask(text)}], "n": 1.5}
    assert json.loads(mask_json(encode(value))) == masked


def test_members_with_a_telling_name_are_masked_whatever_they_hold() -> None:
    value = {
        "x-goog-api-key": "a",
        "Authorization": ["b", {"c": "d"}],
        "client_secret": {"value": "e", "expires_at": 1},
        "secret": "",
        "token": "f",
        "max_tokens": 4,
    }
    assert json.loads(mask_json(encode(value))) == {
        "x-goog-api-key": MASK,
        "Authorization": [MASK, {"c": MASK}],
        "client_secret": {"value": MASK, "expires_at": 1},
        "secret": "",
        "token": "f",
        "max_tokens": 4,
    }


def test_bytes_that_are_no_text_are_masked_too() -> None:
    assert mask_bytes(b"\xff\x00 api_key=\xe9planted1 \xfe") == b"\xff\x00 api_key=[masked] \xfe"


@pytest.mark.parametrize(
    "unit",
    [
        "eyJ",
        "eyJaaaaaaaa.",
        "sk-",
        "://a:",
        "bearer ",
        "authorization:",
        "-----BEGIN PRIVATE KEY-----",
        "a" * 99,
    ],
)
def test_masking_takes_linear_time_on_what_nearly_matches(unit: str) -> None:
    """A pattern that tries again from each place would take minutes for this."""
    text = unit * (500_000 // len(unit))
    assert isinstance(mask(text), str)
