"""YAML as data: no tag constructs, no alias explodes, what precedes damage is kept."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ssetl.captures import yamltree
from ssetl.captures.bodies import Base64

TEXTS = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=["Cc", "Cs", "Cn"],
        exclude_characters="\x85\u2028\u2029\ufeff",  # line ends of YAML, folded to others
    )
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=4)
    ),
    max_leaves=12,
)


def value_of(text: str) -> Any:
    loaded = yamltree.load(text.encode())
    assert loaded.reason is None
    [value] = loaded.values
    return value


@given(PLAIN)
def test_what_yaml_writes_is_read(value: Any) -> None:
    assert value_of(yaml.safe_dump({"a": value}, allow_unicode=True)) == {"a": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!binary aGk=", Base64("aGk=")),
        ("!!binary |\n  aG\n  k=\n", Base64("aG\nk=\n")),
        ("!!python/unicode 'text'", "text"),
        ("!!python/object/apply:os.system ['true']", ["true"]),
        ("!ruby/object:Time {a: 1}", {"a": 1}),
        ("!!timestamp 2025-04-21", "2025-04-21"),
        ("2025-04-21 03:21:59Z", "2025-04-21 03:21:59Z"),
        ("!!str 12", "12"),
        ("'12'", "12"),
        ("012", "012"),
        ("yes", "yes"),
        ("1.5", 1.5),
        ("~", None),
        ("{<<: {a: 1, b: 1}, b: 2}", {"a": 1, "b": 2}),
        ("? !!python/object/apply:multidict._multidict.istr\n- Accept\n: - '*/*'\n", {"Accept": ["*/*"]}),
        ("? {a: 1}\n: 2\n", {"": 2}),
        ("- &x [1]\n- *x\n", [[1], [1]]),
        ('"\\x1f\\x8b"', "\x1f\x8b"),
    ],
)
def test_every_tag_is_data(text: str, value: Any) -> None:
    found = value_of(text)
    assert found == value
    assert type(found) is type(value)


def test_documents_follow_each_other() -> None:
    loaded = yamltree.load(b"---\na: 1\n---\nb: 2\n...\n")
    assert (loaded.values, loaded.reason) == ([{"a": 1}, {"b": 2}], None)


def test_aliases_are_shared_and_counted() -> None:
    laughs = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n"
    for level in range(1, 12):
        laughs += f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]\n"
    loaded = yamltree.load(laughs.encode())
    assert (loaded.values, loaded.reason) == ([], "too_many_aliases")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("&a [*a]", "unknown_alias"),
        ("*nowhere", "unknown_alias"),
        ("[" * 300 + "]" * 300, "nested_too_deeply"),
        ("[" * 100_000, "nested_too_deeply"),
        ("{" * 100_000, "nested_too_deeply"),
        ("- " * 50_000, "nested_too_deeply"),
        ("a: b: c", "not_yaml"),
        ("'unclosed", "not_yaml"),
    ],
)
def test_what_cannot_be_read_is_damage(text: str, reason: str) -> None:
    loaded = yamltree.load(text.encode())
    assert (loaded.values, loaded.reason) == ([], reason)


def test_of_a_damaged_document_the_whole_elements_of_its_list_are_kept() -> None:
    text = "version: 1\ninteractions:\n- {a: 1}\n- {b: €}\n- {c: 'unclosed\n"
    loaded = yamltree.load(text.encode())
    assert loaded.values == [{"version": 1, "interactions": [{"a": 1}, {"b": "€"}]}]
    assert loaded.reason == "not_yaml"
    assert text.encode()[: loaded.end].endswith("- {b: €}".encode())

    assert yamltree.load(b"other:\n- {a: 1}\n- {c: 'unclosed\n").values == []
    assert yamltree.load(b"log:\n  entries:\n  - {a: 1}\n  - {c: 'unclosed\n").values == [
        {"log": {"entries": [{"a": 1}]}}
    ]
    assert yamltree.load(b"interactions:\n- {a: 1}\nrest: 'unclosed\n").values == [
        {"interactions": [{"a": 1}]}
    ]


@given(st.binary(max_size=300) | st.text("-: \n{}[]&*a'\"|>!?", max_size=60).map(str.encode))
def test_no_bytes_raise(text: bytes) -> None:
    loaded = yamltree.load(text)
    assert 0 <= loaded.end <= len(text)
