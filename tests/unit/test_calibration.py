"""What a machine can honestly offer, from floors and trials made up here."""

import json
from typing import Any

import pytest

from harness.calibration import Calibrated, offers_of

MACHINE = {"cpu": "a processor", "cores": 2, "os": "an OS", "kernel": "6", "noise": {"warnings": ["a neighbour"]}}


def floor(client: str, op: str, *p50_us: float) -> dict[str, Any]:
    """A floor whose p95 is twice and whose p99 three times its p50."""
    trials = [{"n": 9, "mean_ns": 0, "p50_ns": 1e3 * p, "p95_ns": 2e3 * p, "p99_ns": 3e3 * p} for p in p50_us]
    return {"client": client, "op": op, "labels": {}, "trials": trials}


def trial_events(trial: int, *, length_ms: int, cpu_share: float, attempts: int) -> list[dict[str, Any]]:
    """Beginning, end, and what the generator took."""
    return [
        {"kind": "trial_begin", "trial": trial, "t_ns": 5_000_000},
        {"kind": "trial_end", "trial": trial, "t_ns": 5_000_000 + length_ms * 1_000_000},
        {"kind": "generator", "trial": trial, "t_ns": 0, "cpu_share": cpu_share, "attempts": attempts},
    ]


ENTRY = {
    "floors": [floor("lean", "GET", 20, 30, 100), floor("psycopg", "SELECT", 50)],
    "trials": [{"trial": 0, "arm": "lean.GET"}, {"trial": 1, "arm": "lean.GET"}, {"trial": 2, "arm": "lean.GET"}],
    "slots": 20,
}
EVENTS = [
    *trial_events(0, length_ms=400, cpu_share=1.0, attempts=10_000),  # 40 µs
    *trial_events(1, length_ms=400, cpu_share=0.5, attempts=5_000),  # 40 µs
    *trial_events(2, length_ms=400, cpu_share=1.0, attempts=4_000),  # 100 µs
]


def test_an_offer_is_what_four_fifths_of_a_core_make() -> None:
    """40 µs an operation at the median of three trials: 800,000 / 40 = 20,000 a second; floors are medians of trials."""
    offers = offers_of(ENTRY, EVENTS)
    assert len(offers) == 1, "a client without a trial has no offer"
    offer = offers[0]
    assert (offer.service, offer.slots) == ("cache, lean client", 20)
    assert (offer.floor_p50_us, offer.floor_p95_us, offer.floor_p99_us) == (30, 60, 90)
    assert (offer.cpu_us, offer.offer_per_s) == (pytest.approx(40), pytest.approx(20_000))


def test_people_and_programs_read_the_same() -> None:
    """A line a client, what isn't there with its reason, and the noise; as JSON the same figures."""
    found = Calibrated(machine=MACHINE, offers=offers_of(ENTRY, EVENTS), unavailable={"mysql": "no MariaDB here"})
    lines = list(found.lines())
    assert lines[0] == "a processor, 2 cores, an OS, kernel 6"
    assert lines[3].split() == ["cache,", "lean", "client", "30", "µs", "60", "µs", "90", "µs", "40", "µs", "20,000/s"]
    assert "mysql: not measured: no MariaDB here" in lines
    assert lines[-1] == "noisy: a neighbour"
    record = json.loads(found.as_json())
    assert record["offers"][0]["offer_per_s"] == pytest.approx(20_000)
    assert (record["machine"], record["unavailable"]) == (MACHINE, {"mysql": "no MariaDB here"})
