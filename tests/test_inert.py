import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssetl import inert


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gpt-4o", "gpt-4o"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("abc\u202ecba", r"abc\u202ecba"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("日本 é 👩‍👧", "日本 é 👩‍👧"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert inert.printable(text) == shown


@given(st.text())
def test_nothing_printable_steers_a_terminal(text: str) -> None:
    shown = inert.printable(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)
    assert inert.printable(shown) == shown
    assert inert.printable_lines(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_formulas_get_an_apostrophe(text: str) -> None:
    assert inert.spreadsheet(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "gpt-4o", "1", "'=1", " =1", "a=b"])
def test_other_texts_stay(text: str) -> None:
    assert inert.spreadsheet(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("fp_0392822090", "fp_0392822090"),
        ("gpt-4o 2024:08", "gpt-4o 2024:08"),
        ("<img src=x>", "` <img src=x> `"),
        ("[a](http://b)", "` [a](http://b) `"),
        ("https://example.com", "` https://example.com `"),
        ("www.example.com", "` www.example.com `"),
        ("a|b", r"` a\|b `"),
        ("`a``b", "``` `a``b ```"),
        ("*b*\n", r"` *b*\n `"),
    ],
)
def test_markdown(text: str, shown: str) -> None:
    assert inert.markdown(text) == shown


@given(st.text())
def test_markdown_is_plain_words_or_one_code_span(text: str) -> None:
    shown = inert.markdown(text)
    assert not re.search(r"(?<!\\)\|", shown)
    span = re.fullmatch(r"(`+) (.*) \1", shown)
    if span:
        assert span[1] not in re.findall("`+", span[2])
    else:
        assert not re.search(r"[<>\[\]*`~!&\\|/@#(){}]", shown)
