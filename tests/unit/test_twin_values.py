"""The twin's attribute values: one form for each number, equality, order, and what is refused."""

import base64
from decimal import Decimal, localcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.local.dynamodb.data import values
from harness.local.dynamodb.errors import ServiceError

BOUNDED = settings(max_examples=200, derandomize=True, deadline=None)
DIGITS = st.text("0123456789", min_size=1, max_size=38)


@st.composite
def number_texts(draw):
    """A number within the service's limits, written in one of the many ways there are."""
    sign, before, after = draw(st.sampled_from(["", "-", "+"])), draw(DIGITS), draw(st.none() | DIGITS)
    exponent = draw(st.none() | st.integers(-80, 80))
    text = sign + before + ("" if after is None else f".{after[: 38 - len(before)]}")
    return text if exponent is None else f"{text}{draw(st.sampled_from('eE'))}{exponent}"


@BOUNDED
@given(number_texts())
def test_a_number_keeps_its_value_and_loses_its_spelling(text):
    """What comes out is the same number to Decimal, in plain digits without needless zeros, and stays as it is."""
    form = values.number(text)
    assert Decimal(form) == Decimal(text)
    assert "E" not in form
    assert not form.startswith(("+", "."))
    assert form.lstrip("-") == "0" or not form.lstrip("-").startswith("00")
    assert "." not in form or form[-1] not in ".0"
    assert form != "-0"
    assert values.number(form) == form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("0e500", "0"),
        ("1500", "1500"),
        ("1.5e3", "1500"),
        ("-12.50", "-12.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e-130", "0." + "0" * 129 + "1"),
        ("9" * 38 + "e88", "9" * 38 + "0" * 88),  # the largest: 38 nines and an exponent of 125
    ],
)
def test_a_number_has_one_form(text, form):
    """Spelled out by hand."""
    assert values.number(text) == form


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        "1 ",
        "1_000",
        "٣",
        "NaN",
        "Infinity",
        "0x1",
        "1e",
        "e1",
        ".",
        "--1",
        "1e126",
        "-1e126",
        "9.9e-131",
        "1" * 39,
        "0." + "1" * 39,
        "1e99999999999999999999",
    ],
)
def test_what_is_no_number_or_too_large_or_too_small_is_refused(text):
    """A ValidationException, never Python's own idea of a number."""
    with pytest.raises(ServiceError) as refused:
        values.number(text)
    assert refused.value.kind.endswith("ValidationException")


@BOUNDED
@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), max_size=8))
def test_numbers_are_ordered_by_size(numbers):
    """However they are written; as text 10 would come before 9."""
    written = [{"N": values.number(f"{one:f}")} for one in numbers]
    with localcontext(prec=60):
        assert [Decimal(one["N"]) for one in sorted(written, key=values.ordered)] == sorted(numbers)


def test_texts_are_ordered_by_their_bytes():
    """UTF-8, so a letter beyond the 16-bit range comes last; capitals come before small letters."""
    texts = ["\U0001f600", "\ufffd", "é", "b", "a", "B", ""]
    assert [one["S"] for one in sorted(({"S": text} for text in texts), key=values.ordered)] == texts[::-1]


@BOUNDED
@given(st.binary(max_size=8), st.binary(max_size=8))
def test_binaries_are_ordered_by_their_bytes(one, other):
    """Not by their base64, whose alphabet has another order."""
    left, right = ({"B": base64.b64encode(raw).decode()} for raw in (one, other))
    assert (values.ordered(left) < values.ordered(right)) == (one < other)


PLAIN = st.recursive(
    st.one_of(
        st.text(max_size=3).map(lambda text: {"S": text}),
        st.integers(-9, 9).map(lambda number: {"N": str(number)}),
        st.booleans().map(lambda flag: {"BOOL": flag}),
        st.just({"NULL": True}),
        st.sets(st.sampled_from("abc"), min_size=1).map(lambda members: {"SS": sorted(members)}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.sampled_from("xyz"), inner, max_size=3).map(lambda members: {"M": members}),
    ),
    max_leaves=6,
)


def turned(value):
    """The same value with its sets and maps written in reverse."""
    ((kind, content),) = value.items()
    if kind == "SS":
        return {kind: content[::-1]}
    if kind == "L":
        return {kind: [turned(one) for one in content]}
    if kind == "M":
        return {kind: {name: turned(content[name]) for name in reversed(content)}}
    return value


@BOUNDED
@given(PLAIN, PLAIN)
def test_sets_and_maps_are_equal_in_any_order(one, other):
    """A value equals itself turned round; two are equal as their JSON in one fixed order is."""

    def fixed(value):
        ((kind, content),) = value.items()
        inner = (
            sorted((name, fixed(part)) for name, part in content.items())
            if kind == "M"
            else [fixed(part) for part in content]
            if kind == "L"
            else sorted(content)
            if kind == "SS"
            else content
        )
        return repr((kind, inner))

    assert values.equal(one, turned(one))
    assert values.equal(one, other) == (fixed(one) == fixed(other))


def test_nothing_equals_nothing():
    """An attribute that isn't there is equal to none, not even to another that isn't."""
    assert not values.equal(None, {"NULL": True})
    assert not values.equal(None, None)


def test_values_nest_32_levels_deep():
    """31 lists around a text pass, 32 are refused."""

    def nested(levels):
        value = {"S": "deep"}
        for _ in range(levels):
            value = {"L": [value]}
        return value

    assert values.value(nested(31)) == nested(31)
    with pytest.raises(ServiceError, match="Nesting Levels"):
        values.value(nested(32))


def test_a_binary_is_brought_to_one_base64():
    """AB== and AA== are the same byte; the latter is how it is written."""
    assert values.value({"B": "AB=="}) == {"B": "AA=="}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ({}, "ValidationException"),
        ({"S": "a", "N": "1"}, "ValidationException"),
        ({"X": "a"}, "ValidationException"),
        ({"NULL": False}, "ValidationException"),
        ({"SS": []}, "ValidationException"),
        ({"NS": ["1", "1.0"]}, "ValidationException"),
        ({"BS": ["AA==", "AB=="]}, "ValidationException"),
        ({"S": 1}, "SerializationException"),
        ({"N": 1}, "SerializationException"),
        ({"B": "é"}, "SerializationException"),
        ({"B": "A"}, "SerializationException"),
        ({"BOOL": "true"}, "SerializationException"),
        ({"L": {}}, "SerializationException"),
        ({"M": []}, "SerializationException"),
        ({"SS": "a"}, "SerializationException"),
        ("a", "SerializationException"),
        ([], "SerializationException"),
        (None, "SerializationException"),
    ],
)
def test_what_is_no_value_is_refused_by_name(raw, kind):
    """A wrong type is a SerializationException, a wrong content a ValidationException, at any depth."""
    for value in (raw, {"L": [{"M": {"inside": raw}}]}):
        with pytest.raises(ServiceError) as refused:
            values.value(value)
        assert refused.value.kind.endswith(f"#{kind}")
