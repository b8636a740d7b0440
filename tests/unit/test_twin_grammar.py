"""The twin's grammar: any tree survives being written and parsed, and no text goes beyond its limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.expressions.conditions import Bindings, bind_condition
from harness.local.dynamodb.expressions.grammar import parse_condition, parse_projection, parse_update
from harness.local.dynamodb.expressions.trees import Action, Call, Node, Path, Placeholder, Size, Sum, Update, paths_of
from harness.local.dynamodb.expressions.updates import bind_update

KIND = "FilterExpression"
BOUNDED = settings(max_examples=300, derandomize=True, deadline=None)


# --- Trees, written and parsed ---------------------------------------------------------------------------------------
# A strategy draws a tree together with one of its texts: any spaces, any case of the words, parentheses where they are
# needed and sometimes one pair more.

NAMES = st.sampled_from(["a", "b_1", "Android", "orx", "notes", "betweens", "#n", "#1", "inn"])
SPACES = st.sampled_from([" ", "  ", "\n", "\t "])


@st.composite
def paths(draw):
    first, steps = draw(NAMES), draw(st.lists(NAMES | st.integers(0, 12), max_size=3))
    text = first + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return Path((first, *steps)), text


PLACEHOLDERS = st.sampled_from([":v", ":1", ":_"]).map(lambda name: (Placeholder(name), name))


def bracketed(pairs):
    """The same, sometimes in one pair of parentheses."""
    return st.tuples(pairs, st.booleans()).map(
        lambda drawn: (drawn[0][0], f"({drawn[0][1]})") if drawn[1] else drawn[0]
    )


OPERANDS = bracketed(
    st.one_of(paths(), PLACEHOLDERS, (paths() | PLACEHOLDERS).map(lambda one: (Size(one[0]), f"size ( {one[1]})")))
)


@st.composite
def words(draw, *texts):
    """A row of texts with spaces between them; words in upper or lower case."""
    return "".join(f"{draw(SPACES)}{draw(st.sampled_from([text, text.lower()]))}{draw(SPACES)}" for text in texts)


@st.composite
def leaves(draw):
    op = draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "between", "in", "contains", "attribute_exists"]))
    if op == "attribute_exists":
        path, text = draw(bracketed(paths()))
        return Node(op, (path,)), f"{op}({text})"
    (one, first), (two, second), (three, third) = draw(st.tuples(OPERANDS, OPERANDS, OPERANDS))
    if op == "contains":
        return Node(op, (one, two)), f"{op} ({first},{second})"
    if op == "between":
        return Node(op, (one, two, three)), first + draw(words("BETWEEN")) + second + draw(words("AND")) + third
    if op == "in":
        return Node(op, (one, two, three)), first + draw(words("IN")) + f"({second}, {third})"
    return Node(op, (one, two)), f"{first}{op}{second}"


@st.composite
def compounds(draw, inner):
    """NOT of one condition, or a row of two or three with AND or OR; a row inside a row stands in parentheses."""
    op = draw(st.sampled_from(["not", "and", "or"]))
    parts = draw(st.lists(inner, min_size=1 if op == "not" else 2, max_size=1 if op == "not" else 3))
    texts = []
    for node, text in parts:
        must = node.op in ("and", "or")
        wrapped = text.startswith("(") and text.endswith(")")
        texts.append(f"({text})" if must or (not wrapped and draw(st.booleans())) else text)
    tree = Node(op, tuple(node for node, _ in parts))
    if op == "not":
        return tree, draw(words("NOT")) + texts[0]
    return tree, draw(words(op.upper())).join(texts)


@BOUNDED
@given(st.recursive(leaves(), compounds, max_leaves=8))
def test_a_tree_that_is_written_is_parsed_to_the_same_tree(drawn):
    """300 random conditions, whatever their spaces, parentheses and the case of their words."""
    tree, text = drawn
    assert parse_condition(text, KIND) == tree, text


OPERANDS_OF_SET = bracketed(
    st.one_of(
        paths(),
        PLACEHOLDERS,
        st.tuples(paths(), paths() | PLACEHOLDERS).map(
            lambda two: (Call("if_not_exists", (two[0][0], two[1][0])), f"if_not_exists({two[0][1]}, {two[1][1]})")
        ),
    )
)


@st.composite
def set_actions(draw):
    (path, text), (one, first), (two, second) = draw(st.tuples(paths(), OPERANDS_OF_SET, OPERANDS_OF_SET))
    if draw(st.booleans()):
        return Action("SET", path, one), f"{text} = {first}"
    sign = draw(st.sampled_from("+-"))
    both = f"{first} {sign} {second}"
    return Action("SET", path, Sum(sign, (one, two))), f"{text} = " + draw(st.sampled_from([both, f"({both})"]))


def valued(verb):
    return st.tuples(paths(), PLACEHOLDERS).map(
        lambda two: (Action(verb, two[0][0], two[1][0]), f"{two[0][1]} {two[1][1]}")
    )


ACTIONS = {
    "SET": set_actions(),
    "REMOVE": paths().map(lambda one: (Action("REMOVE", one[0], None), one[1])),
    "ADD": valued("ADD"),
    "DELETE": valued("DELETE"),
}


@BOUNDED
@given(st.data())
def test_an_update_that_is_written_is_parsed_to_the_same_actions(data):
    """300 random updates: each section at most once, in any order, of one to three actions."""
    actions, text = [], ""
    for verb in data.draw(st.lists(st.sampled_from(list(ACTIONS)), min_size=1, max_size=4, unique=True)):
        drawn = data.draw(st.lists(ACTIONS[verb], min_size=1, max_size=3))
        actions += [action for action, _ in drawn]
        text += data.draw(words(verb)) + " , ".join(one for _, one in drawn)
    assert parse_update(text) == Update(tuple(actions)), text


Y, N = "attribute_exists(y)", "attribute_exists(n)"
YES, NO = Node("attribute_exists", (Path(("y",)),)), Node("attribute_exists", (Path(("n",)),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{Y} OR {N} AND {N}", Node("or", (YES, Node("and", (NO, NO))))),  # AND binds first
        (f"({Y} OR {N}) AND {N}", Node("and", (Node("or", (YES, NO)), NO))),
        (f"NOT {Y} OR {N}", Node("or", (Node("not", (YES,)), NO))),  # NOT binds first of all
        (f"NOT ({Y} OR {N})", Node("not", (Node("or", (YES, NO)),))),
        (f"NOT NOT {Y}", Node("not", (Node("not", (YES,)),))),
        (f"{Y} and {N} And {Y}", Node("and", (YES, NO, YES))),  # one row
        (f"{Y} AND ({N} AND {Y})", Node("and", (YES, Node("and", (NO, YES))))),
    ],
)
def test_not_binds_before_and_before_or(text, expected):
    """As the developer guide orders them."""
    assert parse_condition(text, KIND) == expected


def test_trees_are_kept_by_their_text():
    """The same text is parsed once."""
    assert parse_condition("a = :kept", KIND) is parse_condition("a = :kept", KIND)
    assert parse_projection("kept, b") is parse_projection("kept, b")
    assert parse_update("SET kept = :v") is parse_update("SET kept = :v")


def test_the_paths_of_a_condition_come_as_written():
    """Also those inside size()."""
    node = parse_condition("a = :v AND (size(b.c) > d OR NOT contains(#e, :v))", KIND)
    assert [path.parts for path in paths_of(node)] == [("a",), ("b", "c"), ("d",), ("#e",)]


NAMES_GIVEN = {"#a": "a"}
VALUES_GIVEN = {":s": {"S": "s"}, ":n": {"N": "1"}}


def checked(text):
    """A condition bound to a name and two values."""
    bindings = Bindings(NAMES_GIVEN, VALUES_GIVEN)
    return bind_condition(parse_condition(text, KIND), bindings, KIND)


# --- Limits ----------------------------------------------------------------------------------------------------------


def alternating(depth):
    """a=:s AND (a=:s OR (a=:s AND (… a=:s))): 2 × depth + 1 operators."""
    return "".join(f"a=:s {'AND' if level % 2 else 'OR'} (" for level in range(depth)) + "a=:s" + ")" * depth


LIMITS = {
    # 150 comparisons and 149 words are 299; the service says 301 of any number beyond 300
    "operators": (" OR ".join(["a=:s"] * 150), " OR ".join(["a=:s"] * 151), "too many operators; operator count: 301"),
    "nesting": (alternating(149), alternating(150), "operator count: 301"),
    "negations": ("NOT " * 299 + "a=:s", "NOT " * 300 + "a=:s", "operator count: 301"),
    "bytes": ("a=:s" + " " * 4_092, "a=:s" + " " * 4_093, "maximum allowed size; expression size: 4097"),
    "choices": (f"a IN ({','.join([':s'] * 100)})", f"a IN ({','.join([':s'] * 101)})", "number of operands: 101"),
    "depth": ("a" + ".b" * 31 + "=:s", "a" + ".b" * 32 + "=:s", "nesting levels: 33"),
}


@pytest.mark.parametrize("what", LIMITS)
def test_an_expression_has_its_limits(what):
    """Up to each it is evaluated, beyond it is refused: nothing a client sends exhausts the parser."""
    within, beyond, message = LIMITS[what]
    checked(within)({"a": {"S": "s"}})
    with pytest.raises(ServiceError, match=message):
        checked(beyond)


@pytest.mark.parametrize(
    "text",
    ["(" * 4_096, "size(" * 680 + "a" + ")" * 680 + ">b", "f(" * 1_300 + "a" + ")" * 1_300, "NOT " * 1_000 + "a=:s"],
)
def test_the_deepest_text_that_fits_is_refused_without_recursion(text):
    """Thousands of parentheses, calls and negations: the service's error, whatever the depth of Python's stack."""
    with pytest.raises(ServiceError):
        checked(text)


def test_an_update_has_at_most_300_operators_and_functions():
    """150 sums of a function are 300; one more is refused."""
    sums = ",".join(f"a{n}=if_not_exists(a,:n)+a" for n in range(150))
    parse_update("SET " + sums)
    with pytest.raises(ServiceError, match="operator count: 301"):
        parse_update(f"SET {sums},b=a+a")


PIECES = st.sampled_from(
    ["a", "#a", ":s", "(", ")", "[", "]", "0", ".", ",", "=", "<>", "<", "+", "AND", "OR", "NOT", "BETWEEN", "IN", "SET",
     "REMOVE", "ADD", "size", "contains", "begins_with", "attribute_exists", "if_not_exists", "é", "'", "-"]
)  # fmt: skip


@BOUNDED
@given(st.lists(PIECES, max_size=12))
def test_any_text_is_evaluated_or_refused(pieces):
    """300 texts of grammatical pieces in any order: a result or the service's error, nothing else."""
    text = " ".join(pieces)
    bindings = Bindings(NAMES_GIVEN, VALUES_GIVEN)
    for attempt in (
        lambda: checked(text)({"a": {"L": [{"S": "s"}]}}),
        lambda: bindings.projection(text),
        lambda: bind_update(parse_update(text), bindings).apply({"a": {"N": "1"}}),
    ):
        try:
            attempt()
        except ServiceError as refused:
            assert refused.kind.endswith("ValidationException")
