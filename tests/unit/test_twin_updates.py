"""The twin's updates: what they make of an item, worked out by hand, and what they refuse of it.

Where a comment names a source: D is dynalite's test/updateItem.js, S Scylla Alternator's test/alternator; both were run against
the service.
"""

from copy import deepcopy
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.expressions.conditions import Bindings
from harness.local.dynamodb.expressions.grammar import parse_update
from harness.local.dynamodb.expressions.updates import bind_update

BOUNDED = settings(max_examples=300, derandomize=True, deadline=None)


def n(number):
    return {"N": str(number)}


def s(text):
    return {"S": text}


def numbers(*members):
    return {"L": [n(member) for member in members]}


def bound(text, **literals):
    return bind_update(parse_update(text), Bindings({}, {f":{name}": value for name, value in literals.items()}))


def applied(text, item, **literals):
    return bound(text, **literals).apply(item)


ITEM = {
    "p": s("key"),
    "n": n(10),
    "l": numbers(0, 1, 2),
    "m": {"M": {"x": n(1), "y": {"M": {"z": s("deep")}}, "l": {"L": [{"M": {"q": n(5)}}, n(7)]}}},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2"]},
}


@pytest.mark.parametrize(
    ("text", "literals", "changes"),
    [
        # SET
        ("SET a = :v, b = :v", {"v": n(4)}, {"a": n(4), "b": n(4)}),
        ("set n = n + :v", {"v": n(5)}, {"n": n(15)}),
        ("SET n = :v - n", {"v": n(5)}, {"n": n(-5)}),
        ("SET a = (n + m.x)", {}, {"a": n(11)}),
        ("SET a = n, n = p", {}, {"a": n(10), "n": s("key")}),  # both read the old item
        ("SET a = if_not_exists(a, :v)", {"v": n(1)}, {"a": n(1)}),
        ("SET n = if_not_exists(n, :v)", {"v": n(1)}, {"n": n(10)}),
        ("SET a = if_not_exists(b, n)", {}, {"a": n(10)}),
        ("SET a = if_not_exists(b, if_not_exists(c, :v)) + :v", {"v": n(3)}, {"a": n(6)}),
        ("SET l = list_append(l, :v)", {"v": numbers(3)}, {"l": numbers(0, 1, 2, 3)}),
        ("SET l = list_append(:v, l)", {"v": numbers(3)}, {"l": numbers(3, 0, 1, 2)}),
        ("SET a = list_append(if_not_exists(a, :none), :v)", {"none": {"L": []}, "v": numbers(3)}, {"a": numbers(3)}),
        ("SET l[1] = :v", {"v": s("x")}, {"l": {"L": [n(0), s("x"), n(2)]}}),
        ("SET l[9] = :v, l[5] = n", {"v": n(9)}, {"l": numbers(0, 1, 2, 10, 9)}),  # beyond the end: by position (S)
        # REMOVE
        ("REMOVE n, nothing", {}, {"n": None}),
        ("REMOVE l[0], l[2]", {}, {"l": numbers(1)}),  # by old positions
        ("REMOVE l[1] SET l[2] = :v", {"v": n(17)}, {"l": numbers(0, 17)}),  # whichever comes first (S)
        ("SET l[2] = :v REMOVE l[1]", {"v": n(17)}, {"l": numbers(0, 17)}),
        ("REMOVE l[17]", {}, {}),
        ("REMOVE l[0], l[1], l[2]", {}, {"l": {"L": []}}),  # an empty list stays (S)
        ("REMOVE n SET a = n", {}, {"n": None, "a": n(10)}),  # read before it goes (S)
        # ADD
        ("ADD n :v", {"v": n("0.5")}, {"n": n("10.5")}),
        ("ADD a :v", {"v": n(3)}, {"a": n(3)}),
        ("ADD ss :v", {"v": {"SS": ["b", "c"]}}, {"ss": {"SS": ["a", "b", "c"]}}),
        ("ADD ns :v", {"v": {"NS": ["2", "3"]}}, {"ns": {"NS": ["1", "2", "3"]}}),
        ("ADD bs :v", {"v": {"BS": ["YQ=="]}}, {"bs": {"BS": ["YQ=="]}}),
        # DELETE
        ("DELETE ss :v", {"v": {"SS": ["b", "z"]}}, {"ss": {"SS": ["a"]}}),
        ("DELETE ns :v", {"v": {"NS": ["1", "2"]}}, {"ns": None}),  # an emptied set goes
        ("DELETE nothing :v", {"v": {"SS": ["a"]}}, {}),
    ],
)
def test_an_update_makes_of_an_item_what_was_worked_out_by_hand(text, literals, changes):
    """What changes at the top level; all else stays."""
    expected = {name: value for name, value in (ITEM | changes).items() if value is not None}
    assert applied(text, ITEM, **literals) == expected


@pytest.mark.parametrize(
    ("text", "literals", "expected"),
    [
        ("SET m.x = :v", {"v": n(2)}, {"x": n(2), "y": {"M": {"z": s("deep")}}}),
        ("SET m.w = m.y.z", {}, {"x": n(1), "w": s("deep"), "y": {"M": {"z": s("deep")}}}),
        ("REMOVE m.y.z ADD m.x :v", {"v": n(2)}, {"x": n(3), "y": {"M": {}}}),  # an empty map stays (S)
        ("SET m.l[0].q = m.x REMOVE m.l[1]", {}, {"l": {"L": [{"M": {"q": n(1)}}]}}),
        ("REMOVE m.l[0] SET m.l[1] = m.l[0]", {}, {"l": {"L": [{"M": {"q": n(5)}}]}}),
        ("ADD m.l[7] :v", {"v": n(2)}, {"l": {"L": [{"M": {"q": n(5)}}, n(7), n(2)]}}),
        ("DELETE m.nothing :v REMOVE m.l[9], m.void_one", {"v": {"SS": ["a"]}}, {}),
    ],
)
def test_an_update_reaches_into_maps_and_lists(text, literals, expected):
    """The members named are as expected, the others as they were."""
    changed = applied(text, ITEM, **literals)
    assert changed["m"]["M"] == ITEM["m"]["M"] | expected
    assert {name: value for name, value in changed.items() if name != "m"} == {
        k: v for k, v in ITEM.items() if k != "m"
    }


def test_a_whole_row_of_nested_changes_gives_what_the_service_gave():
    """D: the item and the UPDATED_NEW of the service, with positions beyond the end and sums in parentheses."""
    item = {"a": s("key"), "b": {"M": {"a": n(1), "b": n(2), "c": n(3)}}, "c": numbers(1, 3)}
    text = "set b.c=((c[1])+(b.a)),b.a = a,c[1] = a, c[4] = b.a - b.b, c[2] = b.c add c[8] :b, c[6] :a"
    update = bound(text, a=n(2), b={"SS": ["a"]})
    changed = update.apply(item)
    assert changed == {
        "a": s("key"),
        "b": {"M": {"a": s("key"), "b": n(2), "c": n(4)}},
        "c": {"L": [n(1), s("key"), n(3), n(-1), n(2), {"SS": ["a"]}]},
    }
    assert update.updated(changed) == {
        "b": {"M": {"a": s("key"), "c": n(4)}},
        "c": {"L": [s("key"), n(3), n(2)]},
    }


TYPE = "An operand in the update expression has an incorrect data type"
PLACE = "The document path provided in the update expression is invalid for update"
THERE = "The provided expression refers to an attribute that does not exist in the item"
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"


@pytest.mark.parametrize(
    ("text", "literals", "message"),
    [
        # D: operands of a wrong type in the item
        ("SET a = p + :v", {"v": n(1)}, TYPE),
        ("SET a = n + l", {}, TYPE),
        ("SET a = list_append(ns, if_not_exists(f, :v))", {"v": {"L": []}}, TYPE),
        ("SET a = list_append(nothing, n)", {}, TYPE),  # told before what is missing
        ("ADD p :v", {"v": n(1)}, TYPE),
        ("ADD ns :v", {"v": n(1)}, TYPE),
        ("ADD ss :v", {"v": {"NS": ["1"]}}, TYPE),
        ("DELETE ns :v", {"v": {"SS": ["1"]}}, TYPE),
        ("DELETE m :v", {"v": {"NS": ["1"]}}, TYPE),
        # D, S: attributes that aren't there
        ("SET a = nothing", {}, THERE),
        ("SET z = z", {}, THERE),
        ("SET a = n + nothing", {}, THERE),
        ("SET x = :v, y = x", {"v": n(1)}, THERE),  # not yet there
        ("SET a = list_append(nothing, l)", {}, THERE),
        # D, S: paths whose map or list isn't there, or is something else
        ("SET nothing.a = :v", {"v": n(1)}, PLACE),
        ("SET n.a = :v", {"v": n(1)}, PLACE),
        ("SET m[0] = :v", {"v": n(1)}, PLACE),
        ("SET l.a = :v", {"v": n(1)}, PLACE),
        ("SET l[7].a = :v", {"v": n(1)}, PLACE),
        ("REMOVE n.a", {}, PLACE),
        ("REMOVE nothing.a", {}, PLACE),
        ("REMOVE m[1]", {}, PLACE),
        ("ADD nothing.a :v", {"v": n(1)}, PLACE),
        ("DELETE nothing[1] :v", {"v": {"SS": ["a"]}}, PLACE),
        # S: sums out of range; too many digits are an overflow too
        ("SET a = :v + :v", {"v": n("9E125")}, OVERFLOW),
        ("SET a = :v - :w", {"v": n("9E125"), "w": n("-9E125")}, OVERFLOW),
        ("SET a = :v + :w", {"v": n("1E50"), "w": n(1)}, OVERFLOW),
        ("ADD n :v", {"v": n("1E-50")}, OVERFLOW),
        ("SET a = :v - :w", {"v": n("1.1E-130"), "w": n("1E-130")}, UNDERFLOW),
    ],
)
def test_what_an_item_can_not_give_is_refused(text, literals, message):
    """A ValidationException with the service's words; the item stays as it is."""
    before = deepcopy(ITEM)
    with pytest.raises(ServiceError) as refused:
        applied(text, ITEM, **literals)
    assert str(refused.value) == message
    assert before == ITEM


@pytest.mark.parametrize(
    ("one", "sign", "other", "expected"),
    [
        ("1", "+", "10000000000000000000000", "10000000000000000000001"),  # S
        ("10000000000000000000000", "-", "1", "9999999999999999999999"),
        ("0.1", "+", "0.2", "0.3"),
        ("99999999999999999999999999999999999998", "+", "1", "99999999999999999999999999999999999999"),  # 38 digits
        ("99999999999999999999999999999999999999", "+", "1", "1" + "0" * 38),  # 1E38 has one
        ("5", "-", "5.0", "0"),
        ("9E+125", "+", "9E+124", "99" + "0" * 124),
    ],
)
def test_sums_are_exact_to_38_digits(one, sign, other, expected):
    """Whatever the size of the numbers; the result is in the service's one form."""
    assert applied(f"SET a = :v {sign} :w", {}, v=n(one), w=n(other)) == {"a": n(expected)}


NUMBERS = st.tuples(st.integers(-(10**38) + 1, 10**38 - 1), st.integers(-40, 20)).map(
    lambda drawn: f"{drawn[0]}E{drawn[1]}"
)


@BOUNDED
@given(NUMBERS, NUMBERS, st.sampled_from("+-"))
def test_a_sum_is_that_of_fractions_or_an_overflow(one, other, sign):
    """300 random sums: exact as fractions are, or refused because the exact one has more than 38 digits."""
    exact = Fraction(one) + Fraction(other) * (1 if sign == "+" else -1)
    try:
        found = applied(f"SET a = :v {sign} :w", {}, v=n(one), w=n(other))["a"]["N"]
    except ServiceError as refused:
        assert str(refused) == OVERFLOW
        whole = abs(int(exact * 10**40))  # no digit lies beyond 1E-40
        assert len(str(whole).rstrip("0")) > 38
    else:
        assert Fraction(found) == exact


@BOUNDED
@given(st.integers(0, 5), st.dictionaries(st.integers(0, 8), st.booleans(), min_size=1, max_size=6))
def test_lists_are_edited_by_old_positions(length, edits):
    """300 random rows of SET and REMOVE of members: replaced, gone, and appended in the order of their positions."""
    old = [n(position) for position in range(length)]
    stored = [f"l[{at}] = :v{at}" for at, is_set in edits.items() if is_set]
    gone = [f"l[{at}]" for at, is_set in edits.items() if not is_set]
    text = (f"SET {', '.join(stored)} " if stored else "") + (f"REMOVE {', '.join(gone)}" if gone else "")
    literals = {f"v{at}": s(f"new {at}") for at, is_set in edits.items() if is_set}
    kept = [literals.get(f"v{at}", member) for at, member in enumerate(old) if edits.get(at, True)]
    added = [literals[f"v{at}"] for at in sorted(edits) if edits[at] and at >= length]
    assert applied(text, {"l": {"L": old}}, **literals) == {"l": {"L": kept + added}}


@pytest.mark.parametrize(
    ("text", "literals"),
    [
        ("SET m.x = :v, m.l[0].q = :v, l[0] = :v, l[9] = :v", {"v": n(2)}),
        ("REMOVE m.y.z, m.l[0], l[1], n", {}),
        ("ADD n :v, m.x :v DELETE ss :w, ns :u", {"v": n(1), "w": {"SS": ["a"]}, "u": {"NS": ["1", "2"]}}),
        ("SET a = m, m.x = :v, b = l", {"v": n(2)}),
        ("SET m.w = m.y, m.y.z = :v", {"v": n(2)}),
    ],
)
def test_the_old_item_and_the_values_stay_as_they_are(text, literals):
    """Twice over: a second application of the same bound update to the same item gives the same."""
    before, given_values = deepcopy(ITEM), deepcopy(literals)
    update = bound(text, **literals)
    first = update.apply(ITEM)
    kept = deepcopy(first)
    assert update.apply(ITEM) == kept
    assert bound("REMOVE m.l[0], l[0] SET m.x = :new", new=n(0)).apply(first) != kept
    assert (ITEM, literals, first) == (before, given_values, kept)


def test_the_paths_an_update_writes_to_are_told():
    """With their placeholders replaced, as written: the caller refuses those that name a key."""
    update = bind_update(parse_update("SET #a.b[2] = :v REMOVE c"), Bindings({"#a": "a.b"}, {":v": n(1)}))
    assert update.paths == (("a.b", "b", 2), ("c",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SET a = :v", True),
        ("ADD a :v", True),
        ("DELETE a :w", False),
        ("REMOVE a", False),
        ("REMOVE a SET b = :v", True),
    ],
)
def test_an_update_that_only_takes_away_makes_no_item(text, expected):
    """S: REMOVE of an attribute of an item that isn't there leaves it so; for DELETE it is the same by analogy."""
    assert bound(text, v=n(1), w={"SS": ["a"]}).creates is expected


def test_removing_a_part_of_an_item_that_is_not_there_is_no_error():
    """S: of an item that is there the same path is invalid."""
    update = bound("REMOVE x.y, z[0]")
    assert update.apply({"p": s("key")}, is_new=True) == {"p": s("key")}
    with pytest.raises(ServiceError, match="invalid for update"):
        update.apply({"p": s("key")})
    with pytest.raises(ServiceError, match="invalid for update"):
        bound("SET x.y = :v", v=n(1)).apply({"p": s("key")}, is_new=True)


def test_an_attribute_that_is_not_there_yet_has_no_updated_part():
    """S: UPDATED_OLD shows what was there of the paths, UPDATED_NEW what is there now."""
    update = bound("SET b = :v, c = :v REMOVE n, m.x", v=n(1))
    assert update.updated(ITEM) == {"n": n(10), "m": {"M": {"x": n(1)}}}
    assert update.updated(update.apply(ITEM)) == {"b": n(1), "c": n(1)}


def test_the_deepest_row_of_functions_that_fits_is_applied():
    """240 times if_not_exists in 4,090 bytes: the innermost value, where nothing else is there."""
    text = "SET a=" + "if_not_exists(b," * 240 + ":v" + ")" * 240
    assert applied(text, {}, v=n(1)) == {"a": n(1)}


def nested(levels):
    """A value of so many levels: a list in a list in a list."""
    value = n(1)
    for _ in range(levels - 1):
        value = {"L": [value]}
    return value


def test_an_update_nests_no_deeper_than_32_levels():
    """m.a is the second level: 31 more fit, 32 don't; also where the value comes from the item."""
    item = {"m": {"M": {}}, "deep": nested(32)}
    bound("SET m.a = :v", v=nested(31)).apply(item)
    for update in (bound("SET m.a = :v", v=nested(32)), bound("SET m.a = deep")):
        with pytest.raises(ServiceError, match="Nesting Levels have exceeded supported limits"):
            update.apply(item)
