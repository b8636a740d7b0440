"""What a machine can honestly offer, from floors and trials made up here."""

import json
from typing import Any

import pytest

from harness.calibration import Calibrated, absent, offers_of

MACHINE = {"cpu": "a processor", "cores": 2, "os": "an OS", "kernel": "6", "noise": {"warnings": ["a neighbour"]}}


def floor(client: str, op: str, *p50_us: float) -> dict[str, Any]:
    """A floor whose p95 is twice and whose p99 three times its p50."""
    trials = [{"n": 9, "mean_ns": 0, "p50_ns": 1e3 * p, "p95_ns": 2e3 * p, "p99_ns": 3e3 * p} for p in p50_us]
    return {"client": client, "op": op, "labels": {}, "responder_cpu_ns": 9000, "trials": trials}


def trial_events(
    trial: int, *, length_ms: int, cpu_share: float, attempts: int, failed: int = 0
) -> list[dict[str, Any]]:
    """Beginning, end, what the generator took, and what failed."""
    return [
        {"kind": "trial_begin", "trial": trial, "t_ns": 5_000_000},
        {"kind": "trial_end", "trial": trial, "t_ns": 5_000_000 + length_ms * 1_000_000},
        {"kind": "failed", "trial": trial, "t_ns": 0, "operations": failed},
        {"kind": "generator", "trial": trial, "t_ns": 0, "cpu_share": cpu_share, "attempts": attempts},
    ]


ENTRY = {
    "floors": [floor("lean", "GET", 20, 30, 100), floor("psycopg", "SELECT", 50)],
    "trials": [{"trial": number, "arm": "lean.GET"} for number in range(5)] + [{"trial": 5, "arm": "psycopg.SELECT"}],
    "slots": 20,
}
EVENTS = [
    *trial_events(0, length_ms=400, cpu_share=1.0, attempts=10),  # connects: 40,000 µs that don't count
    *trial_events(1, length_ms=400, cpu_share=1.0, attempts=10_000),  # 40 µs
    *trial_events(2, length_ms=400, cpu_share=0.5, attempts=5_000),  # 40 µs
    *trial_events(3, length_ms=400, cpu_share=1.0, attempts=4_000),  # 100 µs
    *trial_events(4, length_ms=400, cpu_share=1.0, attempts=400_000, failed=1),  # 1 µs: refusals are cheap
    *trial_events(5, length_ms=400, cpu_share=1.0, attempts=400),
]


def test_an_offer_is_what_four_fifths_of_a_core_make() -> None:
    """40 µs an operation at the median of three trials: 800,000 / 40 = 20,000 a second; floors are medians of trials.

    The trial that connects and the one with a failure don't count, so the client that has no other has no offer.
    """
    offers = offers_of(ENTRY, EVENTS)
    assert len(offers) == 1
    offer = offers[0]
    assert (offer.service, offer.slots) == ("cache, lean client", 20)
    assert (offer.floor_p50_us, offer.floor_p95_us, offer.floor_p99_us) == (30, 60, 90)
    assert (offer.cpu_us, offer.offer_per_s) == (pytest.approx(40), pytest.approx(20_000))


def test_a_client_without_an_offer_is_named_with_the_reason() -> None:
    """MySQL isn't there; the others that have no trial are said to have failed; the cache, which has one, isn't named."""
    missing = absent({"mysql": "no MariaDB here"}, offers_of(ENTRY, EVENTS))
    assert missing.pop("MySQL, PyMySQL") == "no MariaDB here"
    assert set(missing) == {"DynamoDB, lean client", "DynamoDB, boto3", "PostgreSQL, psycopg"}
    assert all("failed" in why for why in missing.values())


def test_people_and_programs_read_the_same() -> None:
    """A line a client, what isn't there with its reason, and the noise; as JSON the same figures."""
    found = Calibrated(machine=MACHINE, offers=offers_of(ENTRY, EVENTS), unavailable={"mysql": "no MariaDB here"})
    lines = list(found.lines())
    assert lines[0] == "a processor, 2 cores, an OS, kernel 6"
    assert lines[3].split() == [
        "cache,",
        "lean",
        "client",
        "30",
        "µs",
        "60",
        "µs",
        "90",
        "µs",
        "40",
        "µs",
        "9",
        "µs",
        "20,000/s",
    ]
    assert "mysql: not measured: no MariaDB here" in lines
    assert lines[-1] == "noisy: a neighbour"
    record = json.loads(json.dumps(found.as_record()))
    assert record["offers"][0]["offer_per_s"] == pytest.approx(20_000)
    assert (record["machine"], record["unavailable"]) == (MACHINE, {"mysql": "no MariaDB here"})
