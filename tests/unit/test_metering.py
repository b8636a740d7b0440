"""Bytes and units, worked out by hand; the rules as AWS words them are in tests/truth."""

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.dynamodb import metering

texts = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=Decimal("-1e30"), max_value=Decimal("1e30"), places=8
)
scalars = st.one_of(
    st.builds(lambda text: {"S": text}, texts),
    st.builds(lambda number: {"N": str(number)}, numbers),
    st.builds(lambda raw: {"B": base64.b64encode(raw).decode()}, st.binary(max_size=20)),
    st.just({"BOOL": True}),
    st.just({"NULL": True}),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda elements: {"L": elements}, st.lists(inner, max_size=4)),
        st.builds(lambda members: {"M": members}, st.dictionaries(texts, inner, max_size=4)),
    ),
    max_leaves=10,
)
items = st.dictionaries(texts, values, max_size=6)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 1),  # no significant digit
        ("-0.00", 1),  # nor here, whatever its sign
        ("7", 2),  # 07
        ("42", 2),  # 42
        ("-42", 3),  # 42 and the sign
        ("123", 3),  # 01 23
        ("12.34", 3),  # 12 . 34
        ("123.4", 4),  # 01 23 . 40
        ("100", 2),  # 01, the pair 00 dropped
        ("1000", 2),  # 10, the pair 00 dropped
        ("00042.00", 2),  # zeros at both ends dropped
        ("0.001", 2),  # . 00 10, the leading pair dropped
        ("1E+100", 2),  # 01, then fifty pairs of zeros
        ("1e-5", 2),  # . 00 00 10
        ("12345678901234567890123456789012345678", 20),  # 38 digits are 19 pairs
        ("-12345678901234567890123456789012345678", 21),  # and the sign
        ("1234567890123456789012345678901234567.8", 21),  # 37 and 1 digits: 19 + 1 pairs, and the byte all have
        ("-1234567890123456789012345678901234567.8", 21),  # the sign has no room left
        ("120", 3),  # 01 20: two digits that lie in two pairs
        ("0.012", 3),  # . 01 20
    ],
)
def test_a_number_takes_one_byte_and_one_for_each_pair_of_digits(text: str, size: int) -> None:
    """Digits are paired from the decimal point outwards, and pairs of zeros at the ends are not stored."""
    assert metering.number_size(text) == size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 2), ("12", 2), ("123", 3), ("1234", 3), ("12345", 4), ("1234567891", 6), ("12345678912", 7),
        ("1234567890123456789", 11), ("0042", 2), ("100", 2), ("1010", 3), ("0.0000001", 2), ("0", 1), ("1E125", 2),
        ("1E-100", 2), ("1.5", 3), ("1.200", 3), ("1.234", 4), ("3.14159", 5), ("100.5", 4), ("0.15", 2), ("-42", 3),
        ("-12345", 5), ("-1E125", 3), ("-0.15", 3), ("-0", 1),
    ],
)  # fmt: skip
def test_a_number_takes_what_was_measured_on_the_service(text: str, size: int) -> None:
    """Sizes found at the 400 KB limit in eu-west-2, published with dynoxide (github.com/nubo-db/dynoxide, request 195)."""
    assert metering.number_size(text) == size


@given(numbers)
def test_a_number_and_a_hundredfold_of_it_take_the_same_bytes(number: Decimal) -> None:
    """A factor of 100 moves the point by one whole pair, so it changes no digit pair."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    hundredfold = Decimal((sign, digits, exponent + 2))
    assert metering.number_size(str(hundredfold)) == metering.number_size(str(number))


@given(numbers)
def test_a_number_agrees_with_writing_its_pairs_out(number: Decimal) -> None:
    """The independent path writes the number in plain digits, pads both sides to pairs and strips the 00s."""
    whole, _, fraction = f"{number.copy_abs():f}".partition(".")
    digits = whole.zfill(len(whole) + len(whole) % 2) + fraction + "0" * (len(fraction) % 2)
    pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    while pairs and pairs[0] == "00":
        del pairs[0]
    while pairs and pairs[-1] == "00":
        del pairs[-1]
    assert metering.number_size(str(number)) == min(1 + len(pairs) + (number < 0), 21)


def test_sizes_are_remembered_of_some_numbers_not_of_all() -> None:
    """A cache for the columns of a table that repeat: it is bounded, and says the same the second time."""
    limit = metering.number_size.cache_info().maxsize
    assert limit is not None
    beyond = [str(number) for number in range(10_000, 10_000 + limit + 100)]  # five digits, three pairs at most
    sizes = [metering.number_size(text) for text in beyond]
    assert sizes == [metering.number_size(text) for text in beyond]
    assert metering.number_size.cache_info().currsize == limit


@pytest.mark.parametrize("text", ["", "many", "NaN", "Infinity"])
def test_what_is_no_finite_number_is_refused_by_name(text: str) -> None:
    """The error shows the text that was found, each time anew."""
    for _ in range(2):
        with pytest.raises(ValueError, match="number, found"):
            metering.number_size(text)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": ""}, 0),
        ({"S": "JFK"}, 3),
        ({"S": "Málaga"}, 7),  # six characters, one of two bytes
        ({"S": "✈"}, 3),
        ({"B": base64.b64encode(b"").decode()}, 0),
        ({"B": base64.b64encode(b"a").decode()}, 1),
        ({"B": base64.b64encode(b"ab").decode()}, 2),
        ({"B": base64.b64encode(b"abc").decode()}, 3),
        ({"B": base64.b64encode(b"abcd").decode()}, 4),
        ({"BOOL": False}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"N": "1"}]}, 3 + 2 * 1 + 2 + 2),
        ({"M": {}}, 3),
        ({"M": {"ab": {"S": "cde"}}}, 3 + 1 + 2 + 3),
        ({"L": [{"L": [{"BOOL": True}]}]}, 3 + 1 + (3 + 1 + 1)),
        ({"SS": ["a", "bc"]}, 1 + 2),
        ({"NS": ["1", "-234"]}, 2 + 4),  # 01; 02 34 and the sign
        ({"BS": [base64.b64encode(b"ab").decode(), base64.b64encode(b"c").decode()]}, 2 + 1),
    ],
)
def test_each_type_of_value_has_its_size(value: dict[str, Any], size: int) -> None:
    """Scalars take their bytes, lists and maps three more and one an element, sets nothing more."""
    assert metering.value_size(value) == size


@pytest.mark.parametrize("value", [{}, {"S": "a", "N": "1"}, {"X": "a"}])
def test_a_value_without_exactly_one_known_type_is_refused(value: dict[str, Any]) -> None:
    """The error says what a value may be, for a value alone and for one in an item."""
    with pytest.raises(ValueError, match="expected"):
        metering.value_size(value)
    with pytest.raises(ValueError, match="expected"):
        metering.item_size({"name": value})


@given(items, texts, values)
def test_an_item_only_grows_by_what_is_added_to_it(item: dict[str, Any], name: str, value: dict[str, Any]) -> None:
    """A new attribute adds its own bytes and leaves those of the others alone."""
    item.pop(name, None)
    grown = {**item, name: value}
    assert metering.item_size(grown) == metering.item_size(item) + len(name.encode()) + metering.value_size(value)


@given(items)
def test_an_item_counted_at_once_is_as_large_as_its_attributes_one_by_one(item: dict[str, Any]) -> None:
    """Names and strings are joined before they are counted, umlauts and all."""
    one_by_one = sum(len(name.encode()) + metering.value_size(value) for name, value in item.items())
    assert metering.item_size(item) == one_by_one


@given(st.integers(0, 500_000), st.integers(0, 5_000))
def test_more_bytes_never_cost_less(size_bytes: int, more_bytes: int) -> None:
    """Units are monotone in the size, whatever is read or written."""
    larger = size_bytes + more_bytes
    assert metering.read_units(larger) >= metering.read_units(size_bytes)
    assert metering.write_units(larger) >= metering.write_units(size_bytes)
    assert metering.put_units(size_bytes, larger) == metering.write_units(larger)


def test_a_negative_size_is_refused() -> None:
    """A negative size is a mistake of the caller, not a free read."""
    with pytest.raises(ValueError, match="found -1"):
        metering.read_units(-1)
