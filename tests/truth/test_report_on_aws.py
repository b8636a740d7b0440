"""What a report says of where it was measured, and of CloudWatch's count, for runs that are written out here."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.cloudwatch import against_cloudwatch, warnings
from reports.left_out import left_out
from reports.load import Run
from reports.places import at_its_place, target_words, words_of
from reports.words import absent, setting

OVERRIDE, AWS = "endpoint override", "aws"


def run(places: dict[str, str], target: str = "aws", events: tuple[dict[str, Any], ...] = (), **entry: Any) -> Run:
    scenario = {"status": "complete", "places": places, "servers": dict.fromkeys(places, "X 1")} | entry
    return Run(Path(), {"target": target, "scenarios": {"s": scenario}}, events, None)


@pytest.mark.parametrize(
    ("places", "basis", "target", "words"),
    [
        ({"dynamodb": AWS}, "aws", "aws", "AWS"),
        ({"dynamodb": OVERRIDE}, "endpoint_override", OVERRIDE, "target aws by endpoint override: not AWS"),
        ({"postgres": AWS, "redis": OVERRIDE}, "endpoint_override", OVERRIDE, "target aws by endpoint override: not AWS"),
        ({}, "endpoint_override", OVERRIDE, "target aws, of which nothing was reached"),
    ],
)  # fmt: skip
def test_aws_is_said_only_where_every_service_was_its_own(
    places: dict[str, str], basis: str, target: str, words: str
) -> None:
    """A cache of one's own before a real database makes the whole scenario an override."""
    there = run(places)
    finding = at_its_place(there, absent(there, "s", "s.x", "s", "lower", "why"))
    assert (finding.basis, finding.target, target_words(there.manifest)) == (basis, target, words)


def test_each_server_is_named_as_what_it_is() -> None:
    """The database is AWS's, the cache isn't."""
    there = run({"postgres": AWS, "redis": OVERRIDE})
    assert setting(there, "s", "postgres") == "AWS, X 1"
    assert setting(there, "s", "redis") == "endpoint override, X 1"
    assert words_of(run({"twin": "local model"}, target="local").manifest, "s", "twin") == "local model"


def test_two_scenarios_of_which_one_was_aws() -> None:
    """Said of the run as a whole."""
    manifest = {"target": "aws", "scenarios": {"a": {"places": {"x": AWS}}, "b": {"places": {"y": OVERRIDE}}}}
    assert target_words(manifest) == "AWS, in part by an endpoint override"


def test_what_was_left_out_is_not_measured_with_its_reason() -> None:
    """One finding each."""
    (finding,) = left_out(run({"x": AWS}, left_out={"neighbour": "no clock"}), "s")
    assert (finding.status, finding.value, finding.reason, finding.labels) == (
        "not_measured",
        None,
        "no clock",
        {"what": "neighbour"},
    )


def samples(read_units: float) -> pd.DataFrame:
    """Ten reads within the window, one a second from 60 s on, of trial 4; one before it, one at its end, one of trial 5; a throttle."""
    rows = [(4, (60 + second) * 10**9, read_units, "ok") for second in range(10)]
    rows += [(4, 59 * 10**9, 1000.0, "ok"), (4, 120 * 10**9, 1000.0, "ok"), (5, 61 * 10**9, 1000.0, "ok")]
    rows += [(4, 61 * 10**9, float("nan"), "throttled")]
    frame = pd.DataFrame(rows, columns=["trial", "t_end", "read_units", "outcome"])
    return frame.assign(write_units=float("nan"))


WINDOW = {
    "scenario": "s", "kind": "cloudwatch", "table": "t", "trials": [4], "minutes": 1, "begin_ns": 60 * 10**9, "end_ns": 120 * 10**9,
    "read": 100.0, "write": 0.0, "throttled": 1.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("each", "share", "word"),
    [
        (10.0, 0.0, "within"),  # 100 and 100
        (9.85, 0.015, "within"),  # 98.5 of 100
        (9.7, 0.03, "more than"),  # 97 of 100
        (10.4, 4 / 104, "more than"),  # 104, of which 4 are missing at CloudWatch's
    ],
)
def test_the_client_s_units_against_cloudwatch_s(each: float, share: float, word: str) -> None:
    """Ten reads of ``each`` in the window; more than 2 % apart is said as a warning, within 2 % is said too."""
    reads, writes, throttled = against_cloudwatch(run({"dynamodb": AWS}, events=(WINDOW,)), "s", samples(each))
    assert reads.value == pytest.approx(share) and f"apart, {word} the 2 %" in reads.sentence
    assert reads.id == "s.cloudwatch.difference_share" and reads.labels == {"what": "read"}
    assert (writes.value, throttled.value) == (0.0, 0.0)
    assert list(warnings([reads])) == ([] if word == "within" else [reads.sentence])


def test_a_throttle_that_only_one_of_them_saw() -> None:
    """CloudWatch 4, the client 1: three quarters apart."""
    *_, throttled = against_cloudwatch(
        run({"dynamodb": AWS}, events=(WINDOW | {"throttled": 4.0},)), "s", samples(10.0)
    )
    assert throttled.value == 0.75


def test_without_a_count_there_is_no_difference_of_zero() -> None:
    """Not measured, with CloudWatch's reason; and nothing at all where nobody asked for it."""
    event = {"scenario": "s", "kind": "cloudwatch_absent", "reason": "no whole minute"}
    found = against_cloudwatch(run({"dynamodb": AWS}, events=(event,)), "s", samples(1.0))
    assert [(one.value, one.reason) for one in found] == [(None, "no whole minute")] * 3
    assert against_cloudwatch(run({"dynamodb": AWS}), "s", samples(1.0)) == []
