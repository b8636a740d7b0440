"""What is typed for a side: parts that add up, each refused in a line where it is nothing."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.pairs.plan import Letter
from harness.pairs.sides import Side, names_of, side_of


def test_parts_of_one_side_add_up(tmp_path: Path) -> None:
    """A configuration, two overrides, a commit: one side."""
    file = tmp_path / "fast.yaml"
    file.write_text("seed: 1\n")
    side = side_of("a", [str(file), "query_vs_scan.client=boto3", "commit:main", "seed=2"])
    assert side.config == file
    assert side.overrides == ("query_vs_scan.client=boto3", "seed=2")
    assert (side.ref, side.endpoint) == ("main", None)


def test_an_endpoint_is_target_aws_with_that_address() -> None:
    """Its overrides come before those that were typed, which go over them."""
    side = side_of("b", ["aws.region=eu-west-1", "endpoint:http://127.0.0.1:8000"])
    assert side.overrides == (
        "target=aws",
        "aws.dynamodb.endpoint_url=http://127.0.0.1:8000",
        "aws.region=eu-west-1",
    )
    assert side.endpoint == "http://127.0.0.1:8000"


def test_a_value_that_ends_like_a_file_is_still_an_override() -> None:
    """``prices_file=mine.yaml`` sets a key."""
    assert side_of("a", ["prices_file=mine.yaml"]).overrides == ("prices_file=mine.yaml",)


def test_nothing_typed_is_the_configuration_as_it_is() -> None:
    """``--a commit:main`` alone compares that commit with what is here."""
    side = side_of("b", [])
    assert (side.config, side.overrides, side.ref, side.endpoint) == (None, (), None, None)
    assert side.as_record("as it is", None)["words"] == "the configuration as it is"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["fast"], "--a fast: a side is a configuration (FILE.yaml), KEY=VALUE, commit:REF or endpoint:URL"),
        (["gone.yaml"], "--a gone.yaml: no such file; a side is a configuration"),
        (["=3"], "--a =3: a side is"),
        (["commit:"], "--a commit:: expected a commit, such as commit:main"),
        (["commit:--help"], "--a commit:--help: expected a commit"),
        (["commit:main", "commit:HEAD"], "--a: has main and HEAD; one commit a side"),
        (["endpoint:localhost:8000"], "--a endpoint:localhost:8000: expected a URL, such as endpoint:http://"),
        (["endpoint:ftp://x"], "--a endpoint:ftp://x: expected a URL"),
        (["endpoint:http://"], "--a endpoint:http://: expected a URL"),
        (["endpoint:http://me:secret@x"], "--a: the endpoint's URL names who asks; leave that out"),
        (["endpoint:http://x", "endpoint:http://y"], "--a: has http://x and http://y; one endpoint a side"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_no_side_is_refused_in_one_line(words: list[str], says: str) -> None:
    """It names the option, what was typed and what would do; never a password."""
    with pytest.raises(UsageError) as refused:
        side_of("a", words)
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value) and "secret" not in str(refused.value)


def test_two_configurations_on_one_side_are_refused(tmp_path: Path) -> None:
    """Which one would it be?"""
    files = [tmp_path / "one.yaml", tmp_path / "two.yml"]
    for file in files:
        file.touch()
    with pytest.raises(UsageError, match=r"--b: has .*one.yaml and .*two.yml; one configuration a side"):
        side_of("b", [str(file) for file in files])


def test_a_side_is_called_by_what_was_typed_without_where_it_is(tmp_path: Path) -> None:
    """Names head a table: the last word of a key, the stem of a file, the reference, the host."""
    file = tmp_path / "fast.yaml"
    file.touch()
    sides = two([str(file), "query_vs_scan.client=boto3"], ["commit:main", "endpoint:http://127.0.0.1:8000"])
    assert names_of(sides) == {"a": "fast, client=boto3", "b": "main, 127.0.0.1:8000"}


def test_two_sides_that_are_called_alike_have_their_letter() -> None:
    """A comparison of a thing with itself, by hand."""
    assert names_of(two(["seed=1"], ["seed=1"])) == {"a": "seed=1 (a)", "b": "seed=1 (b)"}


def two(a: list[str], b: list[str]) -> dict[Letter, Side]:
    return {"a": side_of("a", a), "b": side_of("b", b)}
