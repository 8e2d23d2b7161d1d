import pytest

from ssetl.apis.members import count, epoch, from_text, instant, iso, position, seconds, text

HOSTILE = [None, True, False, 1.5, "1", [], {}, [1], {"a": 1}]


@pytest.mark.parametrize("value", HOSTILE)
def test_numbers_of_another_type_are_unknown(value):
    assert count({"n": value}, "n") is None
    assert position({"n": value}, "n") is None


@pytest.mark.parametrize("value", [None, True, 1, 1.5, [], {}])
def test_texts_of_another_type_are_unknown(value):
    assert text({"t": value}, "t") is None


@pytest.mark.parametrize(
    ("read", "value", "known"),
    [
        (count, 2**63 - 1, True),
        (count, 2**63, False),
        (count, -(2**63), True),
        (count, -(2**63) - 1, False),
        (position, 2**31 - 1, True),
        (position, 2**31, False),
        (position, -1, True),
    ],
)
def test_numbers_that_a_column_cannot_hold_are_unknown(read, value, known):
    assert read({"n": value}, "n") == (value if known else None)


@pytest.mark.parametrize(
    ("created", "microseconds"),
    [
        (1_745_205_719, 1_745_205_719_000_000),
        (1_753_879_075_170, 1_753_879_075_170_000),
        (1_745_205_719.25, 1_745_205_719_250_000),
        (10**11, 10**17),
        (0, None),
        (-5, None),
        (True, None),
        ("1745205719", None),
        (10**20, None),
        (None, None),
    ],
)
def test_created_is_seconds_or_milliseconds(created, microseconds):
    assert epoch({"created": created}, "created") == microseconds


@pytest.mark.parametrize(
    ("stamp", "microseconds", "again"),
    [
        ("2024-07-02T12:22:37.036270Z", 1_719_922_957_036_270, "2024-07-02T12:22:37.03627Z"),
        ("2024-07-02T12:22:37.03627019Z", 1_719_922_957_036_270, "2024-07-02T12:22:37.03627Z"),
        ("2024-07-02T14:22:37+02:00", 1_719_922_957_000_000, "2024-07-02T12:22:37Z"),
        ("2024-07-02T12:22:37", 1_719_922_957_000_000, "2024-07-02T12:22:37Z"),
        ("9999-12-31T23:59:59-23:00", None, None),
        ("yesterday", None, None),
        (5, None, None),
    ],
)
def test_instants(stamp, microseconds, again):
    assert instant({"at": stamp}, "at") == microseconds
    assert iso(microseconds) == again


def test_seconds_are_the_opposite_of_epoch():
    assert seconds(epoch({"created": 1_745_205_719}, "created")) == 1_745_205_719


@pytest.mark.parametrize(("value", "json"), [('{"a":1}', {"a": 1}), ('{"a', '{"a'), (None, None), ("", "")])
def test_texts_as_json(value, json):
    assert from_text(value) == json
