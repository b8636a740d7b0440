"""The twin's expressions at work: conditions against plain Python, what they demand of an item's bytes, projections."""

import operator
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.expressions.conditions import Bindings, bind_condition, project
from harness.local.dynamodb.expressions.grammar import parse_condition
from harness.local.dynamodb.expressions.prefilter import prefilter

KIND = "FilterExpression"
BOUNDED = settings(max_examples=300, derandomize=True, deadline=None)


def holds(text, item, names=None, **literals):
    """Whether a condition holds of an item; literals are attribute values by name."""
    bindings = Bindings(names or {}, {f":{name}": value for name, value in literals.items()})
    return bind_condition(parse_condition(text, KIND), bindings, KIND)(item)


# --- Conditions against plain Python ---------------------------------------------------------------------------------
# An item is a dictionary of Python values; `encoded` makes DynamoDB's of them. A condition is its text, with {} where
# its literals go, the literals, and a function of the Python item: the two are independent but for the words.

OPERATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
TEXTS = st.text('abé✈𝄞"\\\n', max_size=3)
NUMBERS = st.integers(-30, 30).map(lambda tenths: Decimal(tenths) / 10)
SCALARS = TEXTS | NUMBERS
SETS = st.frozensets(TEXTS, min_size=1, max_size=3)
NAMES = st.sampled_from("pqr")
ITEMS = st.fixed_dictionaries({}, optional={name: SCALARS | SETS | st.booleans() for name in "pqr"})


def encoded(value):
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case Decimal():
            return {"N": str(int(value)) if value == int(value) else str(value)}
    return {"SS": sorted(value)}


def comparable(one, other):
    return type(one) is type(other) and isinstance(one, str | Decimal)


def sort_key(value):
    return value.encode() if isinstance(value, str) else value


def compared(name, op, literal):
    def test(item):
        if op == "<>":  # what isn't there differs from everything
            return item.get(name) != literal
        return comparable(item.get(name), literal) and OPERATORS[op](sort_key(item[name]), sort_key(literal))

    return f"{name} {op} {{}}", [literal], test


def between(name, one, other):
    low, high = sorted((one, other), key=sort_key)  # the service refuses bounds of two types or in the wrong order

    def test(item):
        value = item.get(name)
        alike = comparable(value, low) and comparable(value, high)
        return alike and sort_key(low) <= sort_key(value) <= sort_key(high)

    return f"{name} BETWEEN {{}} AND {{}}", [low, high], test


def chosen(name, choices):
    text = f"{name} IN ({', '.join('{}' for _ in choices)})"
    return text, choices, lambda item: name in item and item[name] in choices


def begun(name, prefix):
    def test(item):
        return isinstance(item.get(name), str) and item[name].startswith(prefix)

    return f"begins_with({name}, {{}})", [prefix], test


def contained(name, part):
    def test(item):
        return isinstance(item.get(name), str | frozenset) and part in item[name]

    return f"contains({name}, {{}})", [part], test


def sized(name, length):
    def test(item):
        value = item.get(name)
        if isinstance(value, str):
            return len(value.encode("utf-16-le")) // 2 > length
        return isinstance(value, frozenset) and len(value) > length

    return f"size({name}) > {{}}", [Decimal(length)], test


def typed(name, kind):
    return f"attribute_type({name}, {{}})", [kind], lambda item: name in item and kind in encoded(item[name])


def same(name, other):
    return f"{name} = {other}", [], lambda item: name in item and item[name] == item.get(other)


def there(name):
    return f"attribute_exists({name})", [], lambda item: name in item


def absent(name):
    return f"attribute_not_exists({name})", [], lambda item: name not in item


LEAVES = st.one_of(
    st.builds(compared, NAMES, st.sampled_from(list(OPERATORS)), SCALARS),
    st.builds(between, NAMES, TEXTS, TEXTS) | st.builds(between, NAMES, NUMBERS, NUMBERS),
    st.builds(chosen, NAMES, st.lists(SCALARS, min_size=1, max_size=3)),
    st.builds(begun, NAMES, TEXTS),
    st.builds(contained, NAMES, TEXTS),
    st.builds(sized, NAMES, st.integers(0, 6)),
    st.builds(typed, NAMES, st.sampled_from(["S", "N", "SS", "BOOL"])),
    st.lists(NAMES, min_size=2, max_size=2, unique=True).map(lambda names: same(*names)),
    st.builds(there, NAMES),
    st.builds(absent, NAMES),
)


@st.composite
def joined(draw, inner):
    """Two conditions with AND or OR, or one with NOT, in parentheses where they are needed."""
    text, literals, test = draw(inner)
    if draw(st.booleans()):
        return f"NOT ({text})", literals, lambda item: not test(item)
    other_text, other_literals, other_test = draw(inner)
    word = draw(st.sampled_from(["AND", "OR"]))
    both = f"({text}) {word} ({other_text})"
    if word == "AND":
        return both, literals + other_literals, lambda item: test(item) and other_test(item)
    return both, literals + other_literals, lambda item: test(item) or other_test(item)


def named(text, literals):
    """The text with its literals' places named, and the values by name."""
    values = {f"v{n}": encoded(value) for n, value in enumerate(literals)}
    return text.format(*(f":{name}" for name in values)), values


@BOUNDED
@given(st.recursive(LEAVES, joined, max_leaves=5), ITEMS)
def test_a_condition_holds_where_plain_python_says_so(condition, item):
    """Any condition of any item, evaluated twice: from its text, and as Python functions of Python values."""
    text, values = named(*condition[:2])
    expected = condition[2](item)
    assert holds(text, {name: encoded(value) for name, value in item.items()}, **values) is bool(expected), text


# --- What a condition demands of an item's bytes ---------------------------------------------------------------------


def demand(text, **literals):
    """What a condition demands of bytes, None where it demands nothing."""
    bindings = Bindings({"#n": 'a"b'}, {f":{name}": value for name, value in literals.items()})
    return prefilter(parse_condition(text, KIND), bindings, KIND)


@BOUNDED
@given(st.recursive(LEAVES, joined, max_leaves=5), st.lists(ITEMS, max_size=4))
def test_a_filter_passes_the_same_items_with_its_test_of_bytes_as_without(condition, items):
    """The shortcut of a Scan never hides an item that the filter would let through, whatever the filter and its texts."""
    text, values = named(*condition[:2])
    test = demand(text, **values)
    stored = [{name: encoded(value) for name, value in item.items()} for item in items]
    passing = [item for item in stored if holds(text, item, **values)]
    raws = [orjson.dumps(item) for item in passing]
    assert test is None or all(map(test, raws)), text


@pytest.mark.parametrize(
    ("text", "literals", "passing", "stopped"),
    [
        ("d = :d", {"d": {"S": "é"}}, b'{"d":{"S":"\xc3\xa9"}}', b'{"d":{"S":"e"}}'),
        (":d = d", {"d": {"N": "5"}}, b'{"d":{"N":"5"}}', b'{"d":{"S":"5"}}'),
        ("#n = :d", {"d": {"S": 'x"'}}, rb'{"a\"b":{"S":"x\""}}', rb'{"a\"b":{"S":"x"}}'),
        ("m.d[0].e = :d", {"d": {"BOOL": True}}, b'"e":{"BOOL":true}', b'"e":{"BOOL":false}'),
        ("m.d[0] = :d", {"d": {"S": "x"}}, b'[{"S":"x"}]', b'[{"S":"y"}]'),
        ("d = :d OR e = :e", {"d": {"S": "1"}, "e": {"S": "2"}}, b'"e":{"S":"2"}', b'"e":{"S":"1"}'),
        ("d IN (:d, :e)", {"d": {"S": "1"}, "e": {"S": "2"}}, b'"d":{"S":"2"}', b'"d":{"S":"3"}'),
        ("d > :d AND e = :e", {"d": {"N": "1"}, "e": {"S": "2"}}, b'"d":{"N":"0"}"e":{"S":"2"}', b'"e":{"S":"2"}'),
        ("begins_with(d, :d)", {"d": {"S": 'a"'}}, rb'"d":{"S":"a\"b"}', rb'"d":{"S":"ab"}'),
        ("attribute_exists(d)", {}, b'"d":{"L":[]}', b'"e":{"S":"d"}'),
    ],
)
def test_bytes_are_looked_for_before_items_are_parsed(text, literals, passing, stopped):
    """Each leaf's bytes are those of the attribute as it is stored; both written by hand."""
    test = demand(text, **literals)
    assert test(passing)
    assert not test(stopped)


@pytest.mark.parametrize(
    "text", ["NOT d = :d", "d <> :d", "d = e AND e = f", "d = :d OR d = e", "size(d) = :d", "contains(d, :d)"]
)
def test_a_condition_that_demands_no_bytes_says_so(text):
    """A negation, two attributes compared, one side of an OR unknown: every item must be parsed."""
    assert demand(text, d={"S": "x"}) is None


# --- What plain Python has no word for -------------------------------------------------------------------------------

DEEP = {
    "m": {"M": {"a.b": {"S": "dotted"}, "parts": {"L": [{"N": "0"}, {"M": {"x": {"S": "found"}}}]}}},
    "b": {"B": "YWJj"},  # abc
    "bs": {"BS": ["YWI="]},
    "ns": {"NS": ["1", "2"]},
    "l": {"L": [{"N": "1"}, {"S": "two"}]},
    "n": {"N": "10"},
    "clef": {"S": "𝄞é"},
}


@pytest.mark.parametrize(
    ("text", "literals", "expected"),
    [
        ("m.parts[1].x = :v", {"v": {"S": "found"}}, True),
        ("m.parts[9].x = :v", {"v": {"S": "found"}}, False),
        ("attribute_exists(m.parts[0])", {}, True),
        ("attribute_exists(n.parts)", {}, False),
        ("attribute_exists(n[0])", {}, False),
        ("attribute_not_exists(m.nothing.below)", {}, True),
        ("n > :v", {"v": {"N": "9"}}, True),  # by size; as texts "10" < "9"
        ("n = :v", {"v": {"S": "10"}}, False),
        ("nothing <> :v", {"v": {"N": "1"}}, True),
        ("contains(l, :v)", {"v": {"S": "two"}}, True),
        ("contains(l, :v)", {"v": {"N": "2"}}, False),
        ("contains(ns, :v)", {"v": {"N": "2"}}, True),
        ("contains(b, :v)", {"v": {"B": "YmM="}}, True),  # bc in abc
        ("contains(bs, :v)", {"v": {"B": "YWI="}}, True),
        ("begins_with(b, :v)", {"v": {"B": "YWI="}}, True),  # ab, though YWI= isn't how YWJj begins
        ("size(b) = :v", {"v": {"N": "3"}}, True),
        ("size(m.parts) = :v", {"v": {"N": "2"}}, True),
        ("size(n) > :v", {"v": {"N": "0"}}, False),  # a number has no size
        ("ns = :v", {"v": {"NS": ["2", "1"]}}, True),
        ("size(clef) = :v", {"v": {"N": "3"}}, True),  # UTF-16 units, two for the clef, as the service counts
        ("size(:w) = :v", {"v": {"N": "1"}, "w": {"S": "é"}}, True),
        (":v < n", {"v": {"N": "9"}}, True),
        (":v >= n", {"v": {"N": "9"}}, False),
        (":v BETWEEN m.parts[0] AND n", {"v": {"N": "9"}}, True),
        ("n BETWEEN m.parts[0] AND :v", {"v": {"S": "z"}}, False),
        ("b > :v", {"v": {"B": "fw=="}}, False),  # bytes are unsigned: 0x61 is less than 0x7f
        ("b < :v", {"v": {"B": "gA=="}}, True),
        ("l IN (:v, n)", {"v": {"L": [{"N": "1"}, {"S": "two"}]}}, True),
        ("n IN (:v, m.parts[0])", {"v": {"N": "10.5"}}, False),
        ("nothing IN (:v, nothing_else)", {"v": {"N": "1"}}, False),
        ("attribute_type(:v, :w)", {"v": {"NS": ["1"]}, "w": {"S": "NS"}}, True),
        ("nothing = nothing_else", {}, False),  # what isn't there equals nothing
        ("nothing <> nothing_else", {}, True),
        ("n < nothing", {}, False),
        ("l < b", {}, False),  # lists have no order
        ("contains(clef, :v) AND begins_with(clef, :v) AND n = :n", {"v": {"S": "𝄞"}, "n": {"N": "10"}}, True),
        ("n = :v OR nothing = :v OR clef = :v", {"v": {"S": "x"}}, False),
    ],
)
def test_a_condition_reaches_into_documents_sets_and_bytes(text, literals, expected):
    """Each worked out by hand."""
    assert holds(text, DEEP, **literals) is expected


def test_a_name_with_a_dot_is_one_attribute():
    """A placeholder stands for a whole name; only dots in the text make a path."""
    assert holds("m.#n = :v", DEEP, {"#n": "a.b"}, v={"S": "dotted"})


YES, NO = "attribute_exists(y)", "attribute_exists(n)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{YES} OR {NO} AND {NO}", True),  # AND binds first
        (f"({YES} OR {NO}) AND {NO}", False),
        (f"NOT {YES} OR {YES}", True),  # NOT binds first of all
        (f"NOT ({YES} OR {YES})", False),
        (f"NOT NOT {YES}", True),
        (f"{YES} and not {NO}", True),  # words in any case
        (f"{NO} OR {NO} OR {YES}", True),
    ],
)
def test_not_binds_before_and_before_or(text, expected):
    """As the developer guide orders them."""
    assert holds(text, {"y": {"S": ""}}) is expected


# --- Projections -----------------------------------------------------------------------------------------------------

DOCUMENT = {
    "a": {"S": "x"},
    "l": {"L": [{"N": "0"}, {"M": {"p": {"N": "1"}, "q": {"N": "2"}}}, {"N": "3"}]},
    "m": {"M": {"deep": {"M": {"x": {"S": "1"}, "y": {"S": "2"}}}, "z": {"BOOL": True}}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, nothing", {"a": DOCUMENT["a"]}),
        ("m.deep.x, m.z", {"m": {"M": {"deep": {"M": {"x": {"S": "1"}}}, "z": {"BOOL": True}}}}),
        ("l[2], l[0]", {"l": {"L": [{"N": "0"}, {"N": "3"}]}}),  # in the list's order, closed up
        ("l[1].p, l[1].q", {"l": {"L": [{"M": {"p": {"N": "1"}, "q": {"N": "2"}}}]}}),  # one element, not two
        ("l[9], a.b, m[0]", {}),
    ],
)
def test_a_projection_gives_what_its_paths_name(text, expected):
    """Each worked out by hand."""
    assert project(DOCUMENT, Bindings({}, {}).projection(text)) == expected


@pytest.mark.parametrize("text", ["a, a", "m, m.z", "m.deep.x, m.deep", "l[0], l", "#n, a", "m.z, m[0]"])
def test_paths_of_a_projection_must_not_meet(text):
    """Two that overlap, or take one place for a map and for a list, are refused."""
    with pytest.raises(ServiceError, match="Two document paths"):
        Bindings({"#n": "a"}, {}).projection(text)
