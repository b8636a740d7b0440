"""The reserved words of the twin's expressions."""

import pytest

from harness.local.dynamodb.expressions.reserved import RESERVED, is_reserved


def test_the_published_list_is_whole():
    """573 words, in one spelling each; among them the guide's first, last and misspelt ones."""
    assert len(RESERVED) == 573
    assert all(word.isalpha() and word.isupper() for word in RESERVED)
    assert {"ABORT", "ZONE", "FLATTERN", "INNTER", "LOGED"} <= RESERVED


@pytest.mark.parametrize(
    "name", ["year", "Year", "YEAR", "name", "status", "date", "hour", "time", "count", "size", "ttl"]
)
def test_the_case_of_a_reserved_word_is_the_same(name):
    """Names that applications like best are among them."""
    assert is_reserved(name)


@pytest.mark.parametrize("name", ["years", "dest", "carrier", "tailnum", "flight_key", "pk", "sk", "attribute_exists"])
def test_other_names_are_free(name):
    """A word that only begins like a reserved one, our flights' attributes, usual names of keys."""
    assert not is_reserved(name)
