"""The twin's key conditions: what they compare with what, and what the service refuses before it looks at any key."""

import pytest

from harness.local.dynamodb.errors import ServiceError
from harness.local.dynamodb.expressions.conditions import Bindings
from harness.local.dynamodb.expressions.key_conditions import KeyCondition, bind_key_conditions

A, B, N = {"S": "a"}, {"S": "b"}, {"N": "1"}


def bound(text):
    return bind_key_conditions(text, Bindings({"#p": "year"}, {":a": A, ":b": B, ":n": N}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p = :a", [KeyCondition("p", "=", (A,))]),
        ("#p = :a AND s BETWEEN :a AND :b", [KeyCondition("year", "=", (A,)), KeyCondition("s", "between", (A, B))]),
        ("begins_with(s, :b) AND (p = :a)", [KeyCondition("s", "begins_with", (B,)), KeyCondition("p", "=", (A,))]),
        ("(:a = p AND :n < s)", [KeyCondition("p", "=", (A,)), KeyCondition("s", ">", (N,))]),  # as seen from s
        (":a = p AND :n >= s", [KeyCondition("p", "=", (A,)), KeyCondition("s", "<=", (N,))]),
    ],
)
def test_a_key_condition_is_one_comparison_for_each_attribute(text, expected):
    """In any order, in parentheses, and with the value on either side."""
    assert list(bound(text).values()) == expected


IN_CONDITION = "Invalid condition in KeyConditionExpression: "
# All from dynalite's test/query.js, recorded from the service.
REFUSED = {
    "a > b and size(b) > c or a > c": "Invalid operator used in KeyConditionExpression: OR",
    "a in (b, size(c), d)": "Invalid operator used in KeyConditionExpression: IN",
    "not a > b": "Invalid operator used in KeyConditionExpression: NOT",
    "a <> b": "Invalid operator used in KeyConditionExpression: <>",
    "attribute_exists(a)": "Invalid operator used in KeyConditionExpression: attribute_exists",
    "contains(a.d, b)": "Invalid operator used in KeyConditionExpression: contains",
    ":a between size(b) and size(a) and b > :b": (
        IN_CONDITION + "BETWEEN operator must have the key attribute as its first operand"
    ),
    "begins_with(:a, b) and a > :b": (
        IN_CONDITION + "begins_with operator must have the key attribute as its first operand"
    ),
    "size(b) > a AND a.b > b AND b > c": "KeyConditionExpressions cannot contain nested operations",
    "a > size(b.d)": "KeyConditionExpressions cannot contain nested operations",
    "a between size(b) and size(a)": "KeyConditionExpressions cannot contain nested operations",
    "b > a.b": IN_CONDITION + "Multiple attribute names used in one condition",
    "b between c[1] and d": IN_CONDITION + "Multiple attribute names used in one condition",
    "begins_with(a, b)": IN_CONDITION + "Multiple attribute names used in one condition",
    "b.d > a AND c.d > e.f": "KeyConditionExpressions cannot have conditions on nested attributes",
    "b[0] > a": "KeyConditionExpressions cannot have conditions on nested attributes",
    ":b > :a AND a < :b": IN_CONDITION + "No key attribute specified",
    "b > :a AND b < :a and c = :a and d = :a": "KeyConditionExpressions must only contain one condition per key",
    "(a > :a and b > :a) and (b > :a and c > :a)": "KeyConditionExpressions must only contain one condition per key",
    ":a = a and b = :a and :a = c": "Conditions can be of length 1 or 2 only",
    "a between :b and :a": (
        "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to lower "
        "bound; lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"
    ),
    "(size(a))[0] > a": 'Invalid KeyConditionExpression: Syntax error; token: "[", near: ")[0"',
    "year = :a": "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: year",
    "p = :nowhere": (
        "Invalid KeyConditionExpression: An expression attribute value used in expression is not defined; "
        "attribute value: :nowhere"
    ),
    "begins_with(p, :n)": (
        "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
        "operator or function: begins_with, operand type: N"
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_key_condition_that_can_not_be_is_refused_in_the_services_words(text):
    """Only comparisons of one attribute with constants, joined by AND."""
    with pytest.raises(ServiceError) as refused:
        bound(text)
    assert str(refused.value) == REFUSED[text]
    assert refused.value.kind.endswith("ValidationException")
