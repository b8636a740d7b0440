"""What the twin refuses of a request's expressions, names and values, and how it says so.

Where the messages come from:

- D: dynalite's tests (test/scan.js, query.js, updateItem.js, getItem.js, deleteItem.js), recorded from the service
- S: Scylla Alternator's tests (test/alternator), run against the service as well; its messages stand in their comments
- I: reports of users: aws/aws-sdk-js 3721 (operators), pynamodb/PynamoDB 979 (bytes)
- L: the error table of DynamoDB Local, where nothing else says it

The service puts "1 validation error detected: " before some of them in some regions and not in others
(paritysuite/dynamodb-conformance, 2026); the twin doesn't.
"""

import pytest

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.expressions.conditions import Bindings, bind_condition
from harness.local.dynamodb.expressions.grammar import parse_condition, parse_update
from harness.local.dynamodb.expressions.trees import Path
from harness.local.dynamodb.expressions.updates import bind_update

KIND = "FilterExpression"
NAMES_GIVEN = {"#a": "a", "#b": "b", "#three": "[3]"}
VALUES_GIVEN = {
    ":s": {"S": "s"}, ":t": {"S": "t"}, ":n": {"N": "1"}, ":b": {"B": "YQ=="}, ":bool": {"BOOL": True}, ":null": {"NULL": True},
    ":ss": {"SS": ["a"]}, ":ns": {"NS": ["1"]}, ":bs": {"BS": ["YQ=="]}, ":l": {"L": []}, ":m": {"M": {}},
}  # fmt: skip
DISTINCT = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
WRONG_TYPE = "Incorrect operand type for operator or function; operator or function: "
WRONG_COUNT = "Incorrect number of operands for operator or function; operator or function: "
MISUSED = "The function is not allowed to be used this way in an expression; function: "
PATH_WANTED = "Operator or function requires a document path; operator or function: "
REDUNDANT = "The expression has redundant parentheses;"
RESERVED = "Attribute name is a reserved keyword; reserved keyword: "
NO_NAME = "An expression attribute name used in the document path is not defined; attribute name: "
NO_VALUE = "An expression attribute value used in expression is not defined; attribute value: "
SAME_TYPE = "The BETWEEN operator requires same data type for lower and upper bounds; "
RISING = "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "

CONDITIONS = {
    # D, S: the token that doesn't fit, with its neighbours
    "a > 4": 'Syntax error; token: "4", near: "> 4"',
    "a =": 'Syntax error; token: "<EOF>", near: "="',
    "": "The expression can not be empty;",
    "a == :s": 'Syntax error; token: "=", near: "== :s"',
    "things are not ok": 'Syntax error; token: "are", near: "things are not"',
    "attribute_exists(a-b)": 'Syntax error; token: "-", near: "a-b"',
    "a.:s < b": 'Syntax error; token: ":s", near: ".:s <"',
    "a[x] = :s": 'Syntax error; token: "x", near: "[x]"',
    "a[01] = :s": 'Syntax error; token: "1", near: "01]"',
    "ü > a": 'Syntax error; token: "ü", near: "ü >"',
    "_a = :s": 'Syntax error; token: "_", near: "_a"',
    "a IN ()": 'Syntax error; token: ")", near: "()"',
    "a IN (b,)": 'Syntax error; token: ")", near: ",)"',
    "a BETWEEN :s": 'Syntax error; token: "<EOF>", near: ":s"',
    "(a AND b) = c": 'Syntax error; token: "AND", near: "a AND b"',
    "size(a).b > a": 'Syntax error; token: ".", near: ").b"',
    "(a = :s": 'Syntax error; token: "<EOF>", near: ":s"',
    "a = :s)": 'Syntax error; token: ")", near: ":s)"',
    "a = 'text'": "Syntax error; token: \"'\", near: \"= 'text\"",
    # D: parentheses directly in parentheses, told before a later error
    "((a = :s))": REDUNDANT,
    "a = :s AND ((a = :s AND (a = :s AND a = :s)))": REDUNDANT,
    "a > ((b))": REDUNDANT,
    "((attribute_exists(a)))": REDUNDANT,
    "a > whatever((:s), ((a))) AND": REDUNDANT,
    # D, S, L: functions
    "a = :s AND whatever((:s)) > a": "Invalid function name; function: whatever",
    "attRIbute_exIsts(views, #a)": "Invalid function name; function: attRIbute_exIsts",
    "a < f(f(f(b)))": "Invalid function name; function: f",
    "a = whatever(b)": "Invalid function name; function: whatever",
    "if_not_exists(a, b) = :s": "The function is not allowed in a condition expression; function: if_not_exists",
    "list_append(a, b)": "The function is not allowed in a condition expression; function: list_append",
    "a = :s AND attribute_exists((views), (#a)) > b": MISUSED + "attribute_exists",
    "size(contains(a, b)) > a": MISUSED + "contains",
    "a BETWEEN b AND attribute_exists(things)": MISUSED + "attribute_exists",
    "a IN (b, begins_with(things, :s))": MISUSED + "begins_with",
    "size(things)": MISUSED + "size",
    "attribute_exists(things, a) AND a = a": WRONG_COUNT + "attribute_exists, number of operands: 2",
    "attribute_type(things)": WRONG_COUNT + "attribute_type, number of operands: 1",
    "begins_with(things, size(a), b)": WRONG_COUNT + "begins_with, number of operands: 3",
    "size(things, a) > b": WRONG_COUNT + "size, number of operands: 2",
    # D: reserved words, before counts
    "attribute_exists(views, #a)": RESERVED + "views",
    ":s < abOrT": RESERVED + "abOrT",
    "a.b.year = :s": RESERVED + "year",
    # L
    "a[2147483648] = :s": "List index is not within the allowable range; index: [2147483648]",
    # D: names and values that are not given
    "a = :s AND begins_with(#nowhere.b, :s)": NO_NAME + "#nowhere",
    "a.#_ > a": NO_NAME + "#_",
    ":nowhere < :s": NO_VALUE + ":nowhere",
    # D, S: operands
    "attribute_exists(:s) AND a = a": PATH_WANTED + "attribute_exists",
    "attribute_not_exists(size(a))": PATH_WANTED + "attribute_not_exists",
    "#a <> a": DISTINCT + "<>, first operand: [a]",
    "contains(ab.bc[1].a, ab.bc[1].#a)": DISTINCT + "contains, first operand: [ab, bc, [1], a]",
    "a IN (:s, #a)": DISTINCT + "IN, first operand: [a]",
    "attribute_type(a, size(b))": WRONG_TYPE + "attribute_type, operand type: N",
    "attribute_type(a, :b)": WRONG_TYPE + "attribute_type, operand type: B",
    "attribute_type(a, b)": WRONG_TYPE + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}",
    "attribute_type(a, :s)": "Invalid attribute type name found; type: s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    "begins_with(a, :n)": WRONG_TYPE + "begins_with, operand type: N",
    "begins_with(:ss, a)": WRONG_TYPE + "begins_with, operand type: SS",
    "begins_with(a, size(b))": WRONG_TYPE + "begins_with, operand type: N",
    "size(:n) > a": WRONG_TYPE + "size, operand type: N",
    "size(size(a)) > b": WRONG_TYPE + "size, operand type: N",
    "a > :bool": WRONG_TYPE + ">, operand type: BOOL",
    ":l <= a": WRONG_TYPE + "<=, operand type: L",
    "a BETWEEN b AND :m": WRONG_TYPE + "BETWEEN, operand type: M",
    "a BETWEEN :n AND :s": SAME_TYPE
    + "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:s}",
    "a BETWEEN :b AND :s": SAME_TYPE
    + "lower bound operand: AttributeValue: {B:java.nio.HeapByteBuffer[pos=0 lim=1 cap=1]}, "
    + "upper bound operand: AttributeValue: {S:s}",
    "a BETWEEN :t AND :s": RISING
    + "lower bound operand: AttributeValue: {S:t}, upper bound operand: AttributeValue: {S:s}",
}  # fmt: skip


def checked(text):
    bindings = Bindings(NAMES_GIVEN, VALUES_GIVEN)
    return bind_condition(parse_condition(text, KIND), bindings, KIND)


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_that_can_not_be_is_refused_in_the_services_words(text):
    """A ValidationException that names the expression, and the first thing wrong with it."""
    with pytest.raises(ServiceError) as refused:
        checked(text)
    assert str(refused.value) == f"Invalid {KIND}: {CONDITIONS[text]}"
    assert refused.value.kind.endswith("ValidationException")


@pytest.mark.parametrize(
    "text",
    [
        "((size(a)) = :n) AND a = :s",  # D: parentheses of different things
        "((a = :s AND b = :s) AND a = :s)",  # D: dynalite issue 99, tried on the service
        "((a = :s) OR (b = :s) AND (#a = :s))",  # getmoto/moto 9911, tried on the service
        "(attribute_exists(a))",
        ":s = :s",  # D: two constants, even the same
        ":s > :t",
        "size(:s) > a",  # S
        "attribute_type(:s, :type)",  # S
        "contains(:ss, a)",
        "a = :m",
        "a.#three = :s",
    ],
)
def test_a_condition_that_looks_odd_is_taken_as_the_service_takes_it(text):
    """Each was tried on the service by others."""
    bindings = Bindings(NAMES_GIVEN, {**VALUES_GIVEN, ":type": {"S": "NS"}})
    bind_condition(parse_condition(text, KIND), bindings, KIND)


UPDATES = {
    # D, S
    "": "The expression can not be empty;",
    "whatever": 'Syntax error; token: "whatever", near: "whatever"',
    "set a": 'Syntax error; token: "<EOF>", near: "a"',
    "set a=set": 'Syntax error; token: "set", near: "=set"',
    "remove a = b": 'Syntax error; token: "=", near: "a = b"',
    "add a b": 'Syntax error; token: "b", near: "a b"',
    "set :s = b": 'Syntax error; token: ":s", near: "set :s ="',
    "set a = b / c": 'Syntax error; token: "/", near: "b / c"',
    "set a = b + c + d": 'Syntax error; token: "+", near: "c + d"',
    "set (a = (b + c))": 'Syntax error; token: "(", near: "set (a"',
    "set a = (b.c).d + e": 'Syntax error; token: ".", near: ").d"',
    "set c = if_not_exists(c, :n + :n)": 'Syntax error; token: "+", near: ":n + :n"',
    "SET _123 = :n": 'Syntax error; token: "_", near: "SET _123"',
    "set a = ((b + c))": REDUNDANT,
    " set #nowhere = :nowhere set abOrt = true ": RESERVED + "abOrt",
    " remove Absolute ": RESERVED + "Absolute",
    "set #nowhere = if_not_exist(:n) set c = d": "Invalid function name; function: if_not_exist",
    "set a = contains(b, :s)": "The function is not allowed in an update expression; function: contains",
    "set a = size(b)": "The function is not allowed in an update expression; function: size",
    "set a = list_append(list_append(:l, :l), :l)": MISUSED + "list_append",
    "set a = #nowhere set c = :n": 'The "SET" section can only be used once in an update expression;',
    "remove d set a = b remove e": 'The "REMOVE" section can only be used once in an update expression;',
    "add d :n set a = b add e :n": 'The "ADD" section can only be used once in an update expression;',
    "delete d :ss set a = b delete e :ss": 'The "DELETE" section can only be used once in an update expression;',
    "set #nowhere = if_not_exists(:nowhere)": NO_NAME + "#nowhere",
    "set #a = if_not_exists(:nowhere)": NO_VALUE + ":nowhere",
    "set d[1] = a, d.b = a, c[1].a = a, c = if_not_exists(a)": (
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        "path one: [c, [1], a], path two: [c]"
    ),
    "set c[3].#three = a, c[3] = a": (
        "Two document paths overlap with each other; must remove or rewrite one of these paths; "
        "path one: [c, [3], [3]], path two: [c, [3]]"
    ),
    "remove a.#b set a[1] = #nowhere_else": NO_NAME + "#nowhere_else",
    "remove a.#b set a[1] = c": (
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, b], path two: [a, [1]]"
    ),
    "set b = list_append(:s, a), c = if_not_exists(a) add a.b :s": (
        "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"
    ),
    "delete a.b :n": (
        "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, "
        "typeSet: ALLOWED_FOR_DELETE_OPERAND"
    ),
    "set a = list_append(c)": WRONG_COUNT + "list_append, number of operands: 1",
    "set a = if_not_exists(:s, c)": PATH_WANTED + "if_not_exists",
    "set a = if_not_exists(if_not_exists(a, b), c)": PATH_WANTED + "if_not_exists",
    "set a = list_append(:ss, a)": WRONG_TYPE + "list_append, operand type: SS",
    "set a = a + :null": WRONG_TYPE + "+, operand type: NULL",
    "set a = :b - a": WRONG_TYPE + "-, operand type: B",
}  # fmt: skip


@pytest.mark.parametrize("text", UPDATES)
def test_an_update_that_can_not_be_is_refused_in_the_services_words(text):
    """A ValidationException that names the expression, and the first thing wrong with it in the service's order."""
    with pytest.raises(ServiceError) as refused:
        bind_update(parse_update(text), Bindings(NAMES_GIVEN, VALUES_GIVEN))
    assert str(refused.value) == f"Invalid UpdateExpression: {UPDATES[text]}"


PROJECTIONS = {
    # D
    "": "The expression can not be empty;",
    "whatever(a)": 'Syntax error; token: "(", near: "whatever(a"',
    ":a": 'Syntax error; token: ":a", near: ":a"',
    "a,,b": 'Syntax error; token: ",", near: ",,b"',
    "(a)": 'Syntax error; token: "(", near: "(a"',
    "a-b": 'Syntax error; token: "-", near: "a-b"',
    "a.abORt": RESERVED + "abORt",
    "b[1], b.a, #a.b, a": (
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]"
    ),
    "a.b[1], #a[1], b": (
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, b, [1]], path two: [a, [1]]"
    ),
    "a[3].b, #a.#three.b": (
        "Two document paths conflict with each other; must remove or rewrite one of these paths; "
        "path one: [a, [3], b], path two: [a, [3], b]"
    ),
    # S
    "a" + ".b" * 32: "The document path has too many nesting levels; nesting levels: 33",
}


@pytest.mark.parametrize("text", PROJECTIONS)
def test_a_projection_that_can_not_be_is_refused_in_the_services_words(text):
    """A ValidationException that names the expression."""
    with pytest.raises(ServiceError) as refused:
        Bindings(NAMES_GIVEN, {}).projection(text)
    assert str(refused.value) == f"Invalid ProjectionExpression: {PROJECTIONS[text]}"


# --- Names and values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({"#a-b": "x"}, {}, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
        ({"a": "x"}, {}, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
        ({"#": "x"}, {}, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#"'),
        ({}, {":a!": {"S": ""}}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: ":a!"'),
        (
            {"#" + "a" * 255: "x"},
            {},
            "ExpressionAttributeNames contains invalid key: The expression attribute map contains a key that is too long; "
            "size of key: 256",
        ),
        ({"#a": ""}, {}, "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a"),
    ],
)
def test_placeholders_have_a_form_and_a_length(names, values, message):
    """A sign, then letters, digits and underscores: 255 bytes in all."""
    with pytest.raises(ServiceError) as refused:
        Bindings(names, values)
    assert str(refused.value) == message


def test_a_placeholder_may_have_255_bytes_and_begin_with_a_digit():
    """The longest name, and the oddest."""
    longest = "#" + "1" * 254
    bindings = Bindings({longest: "x"}, {":_": {"S": ""}})
    assert bindings.path(Path((longest,)), KIND) == ("x",)


def test_names_and_values_must_serve():
    """What no expression uses is refused, and named."""
    bindings = Bindings({"#a": "a", "#b": "b", "#c": "c"}, {":v": {"S": "x"}, ":w": {"S": "x"}})
    bind_condition(parse_condition("#a = :v", KIND), bindings, KIND)
    with pytest.raises(ServiceError) as refused:
        bindings.check_all_used()
    assert str(refused.value) == "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #c}"


def test_a_name_serves_even_where_evaluation_would_not_reach_it():
    """What counts is that it stands in the expression."""
    bindings = Bindings({"#a": "a"}, {":s": {"S": "x"}, ":never": {"S": "y"}})
    test = bind_condition(parse_condition("#a = :s OR #a = :never", KIND), bindings, KIND)
    bindings.check_all_used()
    assert test({"a": {"S": "x"}})
