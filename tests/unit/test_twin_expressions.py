"""The twin's expressions: conditions against plain Python, projections, and what the grammar refuses."""

import operator
from decimal import Decimal

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.expressions import Bindings, bind_condition, necessary_bytes, project
from harness.local.dynamodb.grammar import parse_condition, parse_projection

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
TEXTS = st.text("abé✈", max_size=3)
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


def between(name, low, high):
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
            return len(value.encode()) > length
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
    st.builds(between, NAMES, SCALARS, SCALARS),
    st.builds(chosen, NAMES, st.lists(SCALARS, min_size=1, max_size=3)),
    st.builds(begun, NAMES, TEXTS),
    st.builds(contained, NAMES, TEXTS),
    st.builds(sized, NAMES, st.integers(0, 6)),
    st.builds(typed, NAMES, st.sampled_from(["S", "N", "SS", "BOOL"])),
    st.builds(same, NAMES, NAMES),
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


@BOUNDED
@given(st.recursive(LEAVES, joined, max_leaves=3), ITEMS)
def test_an_item_that_passes_has_the_necessary_bytes(condition, item):
    """The shortcut of a Scan never hides an item that the filter would let through."""
    text, values = named(*condition[:2])
    bindings = Bindings({}, {f":{name}": value for name, value in values.items()})
    node, stored = parse_condition(text, KIND), {name: encoded(value) for name, value in item.items()}
    needle = necessary_bytes(node, bindings, KIND)
    if needle is not None and bind_condition(node, bindings, KIND)(stored):
        assert needle in orjson.dumps(stored)


def test_an_equality_is_looked_for_before_items_are_parsed():
    """The bytes are those of the attribute as it is stored, whatever the other side of an AND says."""
    bindings = Bindings({"#d": "dest"}, {":d": {"S": "é"}, ":n": {"N": "5"}})
    found = necessary_bytes(parse_condition("n > :n AND #d = :d", KIND), bindings, KIND)
    assert found == '"dest":{"S":"é"}'.encode()


# --- What plain Python has no word for -------------------------------------------------------------------------------

DEEP = {
    "m": {"M": {"a.b": {"S": "dotted"}, "list": {"L": [{"N": "0"}, {"M": {"x": {"S": "found"}}}]}}},
    "b": {"B": "YWJj"},  # abc
    "bs": {"BS": ["YWI="]},
    "ns": {"NS": ["1", "2"]},
    "l": {"L": [{"N": "1"}, {"S": "two"}]},
    "n": {"N": "10"},
}


@pytest.mark.parametrize(
    ("text", "literals", "expected"),
    [
        ("m.list[1].x = :v", {"v": {"S": "found"}}, True),
        ("m.list[9].x = :v", {"v": {"S": "found"}}, False),
        ("attribute_exists(m.list[0])", {}, True),
        ("attribute_exists(n.list)", {}, False),
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
        ("size(m.list) = :v", {"v": {"N": "2"}}, True),
        ("size(n) > :v", {"v": {"N": "0"}}, False),  # a number has no size
        ("ns = :v", {"v": {"NS": ["2", "1"]}}, True),
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "a",
        "a =",
        "= :v",
        "a = :v AND",
        "(a = :v",
        "a = :v)",
        "a == :v",
        "a BETWEEN :v",
        "a IN ()",
        "a IN :v",
        "a[x] = :v",
        "a[-1] = :v",
        "a. = :v",
        "a..b = :v",
        "1a = :v",
        "size(a)",
        "size(:v) = :v",
        "begins_with(a)",
        "nothing_known(a, :v)",
        "attribute_exists(:v)",
        "attribute_exists(a, b)",
        "a = :v; b",
        "a = 'text'",
        "NOT",
        "a = :missing",
        "#missing = :v",
    ],
)
def test_what_is_no_condition_is_refused(text):
    """A ValidationException that names the kind of expression."""
    with pytest.raises(ServiceError, match=KIND) as refused:
        holds(text, {}, v={"S": "x"})
    assert refused.value.kind.endswith("ValidationException")


def test_names_and_values_must_serve():
    """What the expression doesn't use is refused, and named."""
    bindings = Bindings({"#a": "a", "#b": "b"}, {":v": {"S": "x"}})
    bind_condition(parse_condition("#a = :v", KIND), bindings, KIND)
    with pytest.raises(ServiceError, match="#b"):
        bindings.check_all_used()


LIMITS = {
    "operators": (" OR ".join(["a=:v"] * 150), " OR ".join(["a=:v"] * 151)),  # 150 + 149 = 299, 151 + 150 = 301
    "nesting": ("(" * 100 + "a=:v" + ")" * 100, "(" * 101 + "a=:v" + ")" * 101),
    "negations": ("NOT " * 100 + "a=:v", "NOT " * 101 + "a=:v"),
    "bytes": ("a=:v" + " " * 4_092, "a=:v" + " " * 4_093),
    "choices": (f"a IN ({','.join([':v'] * 100)})", f"a IN ({','.join([':v'] * 101)})"),
}


@pytest.mark.parametrize("what", LIMITS)
def test_an_expression_has_its_limits(what):
    """Up to each it is evaluated, beyond it is refused: nothing a client sends exhausts the parser."""
    within, beyond = LIMITS[what]
    assert holds(within, {"a": {"S": "x"}}, v={"S": "x"})
    with pytest.raises(ServiceError, match="ilter"):
        holds(beyond, {}, v={"S": "x"})


PIECES = st.sampled_from(
    [
        "a",
        "#n",
        ":v",
        "(",
        ")",
        "[",
        "]",
        "0",
        ".",
        ",",
        "=",
        "<>",
        "<",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "size",
        "contains",
        "begins_with",
        "attribute_exists",
        "é",
        "'",
        "-",
    ]
)


@BOUNDED
@given(st.lists(PIECES, max_size=12))
def test_any_text_is_evaluated_or_refused(pieces):
    """300 texts of grammatical pieces in any order: a result or the service's error, nothing else."""
    text = " ".join(pieces)
    for attempt in (
        lambda: holds(text, DEEP, {"#n": "m"}, v={"S": "x"}),
        lambda: project(DEEP, Bindings({"#n": "m"}, {}).projection(text)),
    ):
        try:
            attempt()
        except ServiceError as refused:
            assert refused.kind.endswith("ValidationException")


# --- Projections -----------------------------------------------------------------------------------------------------

DOCUMENT = {
    "a": {"S": "x"},
    "l": {"L": [{"N": "0"}, {"M": {"p": {"N": "1"}, "q": {"N": "2"}}}, {"N": "3"}]},
    "m": {"M": {"in": {"M": {"x": {"S": "1"}, "y": {"S": "2"}}}, "z": {"BOOL": True}}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a, nothing", {"a": DOCUMENT["a"]}),
        ("m.in.x, m.z", {"m": {"M": {"in": {"M": {"x": {"S": "1"}}}, "z": {"BOOL": True}}}}),
        ("l[2], l[0]", {"l": {"L": [{"N": "0"}, {"N": "3"}]}}),  # in the list's order, closed up
        ("l[1].p, l[1].q", {"l": {"L": [{"M": {"p": {"N": "1"}, "q": {"N": "2"}}}]}}),  # one element, not two
        ("l[9], a.b, m[0]", {}),
    ],
)
def test_a_projection_gives_what_its_paths_name(text, expected):
    """Each worked out by hand."""
    assert project(DOCUMENT, Bindings({}, {}).projection(text)) == expected


@pytest.mark.parametrize("text", ["a, a", "m, m.z", "m.in.x, m.in", "l[0], l", "#n, a", "m.z, m[0]"])
def test_paths_of_a_projection_must_not_meet(text):
    """Two that overlap, or take one place for a map and for a list, are refused."""
    with pytest.raises(ServiceError, match="Two document paths"):
        Bindings({"#n": "a"}, {}).projection(text)


def test_trees_are_kept_by_their_text():
    """The same text is parsed once."""
    assert parse_condition("a = :kept", KIND) is parse_condition("a = :kept", KIND)
    assert parse_projection("kept, b") is parse_projection("kept, b")
