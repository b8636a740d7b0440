"""A workload file: what is wrong with one is said with its line and the way out."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.paths import PROJECT_ROOT
from harness.store_choice import read_workload

WHOLE = "data: {items: 1000, item_bytes: 500}\npatterns:\n  count: {rate_per_s: 5}\n"


def wrong(path: Path, text: str) -> str:
    """What is said of a file."""
    file = path / "workload.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        read_workload(file)
    return str(error.value)


def test_the_example_is_a_workload() -> None:
    """Of six patterns, 1,047 answers a second in all."""
    found = read_workload(PROJECT_ROOT / "docs" / "examples" / "workload.yaml")
    assert found.rate_per_s == 800 + 120 + 40 + 60 + 25 + 2
    assert found.availability == "multi_az" and found.patterns["update_if"].consistency == "strong"


def test_what_isnt_said_is_supposed(tmp_path: Path) -> None:
    """One zone, one month, half of a vCPU, on demand, any consistency, a store that can't is out."""
    file = tmp_path / "workload.yaml"
    file.write_text(WHOLE)
    found = read_workload(file)
    assert (found.availability, found.growth.months, found.sql.busy_share, found.sql.sharding) == (
        "single_az",
        1,
        0.5,
        False,
    )
    assert (found.dynamodb.capacity, found.dynamodb.utilisation, found.stores) == ("on_demand", 0.7, None)
    assert (found.patterns["count"].consistency, found.patterns["count"].if_cannot) == ("any", "exclude")


def test_an_unknown_pattern_is_answered_with_the_nearest_and_its_line(tmp_path: Path) -> None:
    """Each of them; the others aren't looked at before these are right."""
    said = wrong(tmp_path, WHOLE + "  flight_by_kye: {rate_per_s: 1}\n  full_txt: {rate_per_s: 0}\n")
    assert said.splitlines() == [
        "workload.yaml:4: unknown pattern 'flight_by_kye'; did you mean 'flight_by_key'?",
        "workload.yaml:5: unknown pattern 'full_txt'; did you mean 'full_text'?",
    ]


@pytest.mark.parametrize("rate", ["0", "-3", "0.0"])
def test_a_rate_of_zero_or_below_is_refused_with_its_line(tmp_path: Path, rate: str) -> None:
    """A pattern that nobody asks for doesn't belong in the file."""
    said = wrong(tmp_path, f"data: {{items: 1000, item_bytes: 500}}\npatterns:\n  count:\n    rate_per_s: {rate}\n")
    assert (
        said == f"workload.yaml:4: patterns.count.rate_per_s must be > 0, got {'0.0' if rate == '0.0' else int(rate)}"
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_is_refused_with_an_example(tmp_path: Path, text: str) -> None:
    """Comments alone are nothing either."""
    assert wrong(tmp_path, text) == (
        "workload.yaml:1: is empty; expected data and patterns, docs/examples/workload.yaml shows one"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patterns:\n  count: {rate_per_s: 5}\n", "workload.yaml:1: data is missing"),
        ("data: {items: 1, item_bytes: 1}\n", "workload.yaml:1: patterns is missing"),
        ("data: {items: 1, item_bytes: 1}\npatterns: {}\n", "workload.yaml:2: patterns must have at least 1 entry, got {}"),
        ("data: {items: 1, item_bytes: 1}\npatterns: [count]\n", "workload.yaml:2: patterns should be a valid dictionary, got ['count']"),
        (WHOLE + "growht: {months: 3}\n", "workload.yaml:4: growht is not a key of this section; did you mean 'growth'?"),
        (WHOLE + "growth:\n  months: 0\n", "workload.yaml:5: growth.months must be >= 1, got 0"),
        (WHOLE + "sql: {busy_share: 1.5}\n", "workload.yaml:4: sql.busy_share must be <= 1, got 1.5"),
        (WHOLE + "stores: [oracle]\n", "workload.yaml:4: stores.0 should be 'postgres', 'postgres_flat'"),
        (WHOLE + "  count: {rate_per_s: 6}\n", "workload.yaml:4: patterns.count stands in line 3 already; keep one"),
        (WHOLE + "  top_routes: {rate_per_s: 1, helper_usd_month: 5}\n", "workload.yaml:4: patterns.top_routes has helper_usd_month, which only"),
        (WHOLE + "  top_routes: {rate: 1}\n", "workload.yaml:4: patterns.top_routes.rate_per_s is missing"),
        ("- a\n", "workload.yaml:1: expected keys and values, found list"),
        ("data: [\n", "workload.yaml:2: not valid YAML"),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """What was expected, what was found."""
    assert said in wrong(tmp_path, text)


def test_a_file_that_isnt_there_is_said(tmp_path: Path) -> None:
    """With an example of one that is."""
    with pytest.raises(
        UsageError, match="nowhere.yaml: No such file or directory; give a workload file; docs/examples"
    ):
        read_workload(tmp_path / "nowhere.yaml")
