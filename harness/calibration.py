"""This machine's floors, what it can honestly offer to each service, and what makes its figures noisy."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from harness import suite
from harness.config import Config, Profile, load_prices
from harness.errors import CannotMeasure
from harness.registry import CALIBRATION, load_scenario
from harness.rundir import RunDir, command_line
from harness.sql.endpoint import DRIVERS

SCHEMA = 1
HONEST_SHARE = 0.8  # of a core: a latency taken above that is marked tool-bound
SERVICES = {
    ("lean", "GetItem"): "DynamoDB, lean client",
    ("boto3", "GetItem"): "DynamoDB, boto3",
    ("lean", "GET"): "cache, lean client",
    ("psycopg", "SELECT"): "PostgreSQL, psycopg",
    ("pymysql", "SELECT"): "MySQL, PyMySQL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One client: its floor with one in flight (µs), what an operation costs with ``slots`` in flight, and the offer.

    ``cpu_us`` is CPU of the whole process an operation, recording and Locust included; ``responder_us`` that of the process
    that answers; ``offer_per_s`` are the operations that 80 % of a core make.
    """

    service: str
    client: str
    op: str
    floor_p50_us: float
    floor_p95_us: float
    floor_p99_us: float
    slots: int
    cpu_us: float
    responder_us: float
    offer_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What a calibration found."""

    machine: dict[str, Any]
    offers: tuple[Offer, ...]
    unavailable: dict[str, str]

    def as_record(self) -> dict[str, Any]:
        """For programs."""
        return {
            "schema": SCHEMA,
            "machine": self.machine,
            "offers": [asdict(offer) for offer in self.offers],
            "unavailable": self.unavailable,
        }

    def lines(self) -> Iterator[str]:
        """For people."""
        machine = self.machine
        yield f"{machine['cpu']}, {machine['cores']} cores, {machine['os']}, kernel {machine['kernel']}"
        yield ""
        yield f"{'':22} {'floor p50':>10} {'p95':>9} {'p99':>9} {'CPU an op':>11} {'responder':>10} {'honest offer':>15}"
        for offer in self.offers:
            yield (
                f"{offer.service:22} {_us(offer.floor_p50_us):>10} {_us(offer.floor_p95_us):>9} {_us(offer.floor_p99_us):>9} "
                f"{_us(offer.cpu_us):>11} {_us(offer.responder_us):>10} {_rounded(offer.offer_per_s):>13}/s"
            )
        for name, why in self.unavailable.items():
            yield f"{name}: not measured: {why}"
        slots = self.offers[0].slots if self.offers else 0
        yield ""
        yield "Floor: one operation in flight, answered by a process that does nothing else (its CPU an operation: responder); no"
        yield "latency measured here means more than its excess over it. CPU an op: of the process that makes load, recording and"
        yield f"Locust included, {slots} in flight. Honest offer: what 80 % of one core makes of that."
        for warning in machine["noise"]["warnings"]:
            yield f"noisy: {warning}"


def run(progress: suite.ProgressView, *, profile: Profile = "standard", **settings: float) -> Calibrated:
    """Measure; ``settings`` are CalibrationSettings'. Raises CannotMeasure where no client could be measured."""
    load = load_scenario(CALIBRATION).Settings.model_validate(settings)
    config = Config(profile=profile, scenarios={CALIBRATION: load})
    with tempfile.TemporaryDirectory(prefix="dbharness-calibrate-") as folder:
        directory = RunDir.create(
            Path(folder) / "run", config, load_prices(config), source="built in", command=command_line()
        )
        if suite.measure((CALIBRATION,), directory, progress) is not None:
            raise KeyboardInterrupt
        manifest = directory.manifest
        lines = (directory.path / "events.jsonl").read_text().splitlines()
    entry = manifest["scenarios"][CALIBRATION]
    offers = offers_of(entry, [json.loads(line) for line in lines])
    if entry["status"] != "complete" or not offers:
        raise CannotMeasure(f"nothing could be calibrated: {entry['reason'] or 'no floor could be had'}")
    return Calibrated(machine=manifest["machine"], offers=offers, unavailable=absent(entry["unavailable"], offers))


def offers_of(entry: dict[str, Any], events: Sequence[dict[str, Any]]) -> tuple[Offer, ...]:
    """An offer of each floor in a scenario's entry, from the CPU that the trials of its client took.

    The first trial of a client doesn't count, nor one in which anything failed; without any other there is no offer.
    """
    at = {(event["kind"], event["trial"]): event for event in events}
    offers = []
    for floor in entry["floors"]:
        arm = f"{floor['client']}.{floor['op']}"
        trials = [trial["trial"] for trial in entry["trials"] if trial["arm"] == arm][1:]
        costs_us = [cost_us for trial in trials if (cost_us := _cost_us(at, trial)) is not None]
        if costs_us:
            offers.append(_offer(floor, entry["slots"], median(costs_us)))
    return tuple(offers)


def absent(unavailable: dict[str, str], offers: Sequence[Offer]) -> dict[str, str]:
    """Each service without an offer, and why; ``unavailable`` has the reasons of engines that aren't there."""
    there = {(offer.client, offer.op) for offer in offers}
    engines: dict[str, str] = {driver: engine for engine, driver in DRIVERS.items()}
    return {
        service: unavailable.get(engines.get(client, ""), "its operations failed, or differ each time")
        for (client, op), service in SERVICES.items()
        if (client, op) not in there
    }


def _cost_us(at: dict[tuple[str, int], dict[str, Any]], trial: int) -> float | None:
    """CPU an operation in one trial, from its events by kind and trial; None where it doesn't count."""
    took, failed = at.get(("generator", trial)), at.get(("failed", trial))
    if took is None or not took["attempts"] or failed is None or failed["operations"]:
        return None
    length_us = (at["trial_end", trial]["t_ns"] - at["trial_begin", trial]["t_ns"]) / 1e3
    return float(took["cpu_share"] * length_us / took["attempts"])


def _offer(floor: dict[str, Any], slots: int, cpu_us: float) -> Offer:
    p50, p95, p99 = (median(trial[f"p{p}_ns"] for trial in floor["trials"]) / 1e3 for p in (50, 95, 99))
    name = floor["client"], floor["op"]
    return Offer(
        service=SERVICES.get(name, " ".join(name)), client=name[0], op=name[1], floor_p50_us=p50, floor_p95_us=p95,
        floor_p99_us=p99, slots=slots, cpu_us=cpu_us, responder_us=floor["responder_cpu_ns"] / 1e3, offer_per_s=HONEST_SHARE * 1e6 / cpu_us,
    )  # fmt: skip


def _us(value_us: float) -> str:
    return f"{value_us:,.0f} µs"


def _rounded(value: float) -> str:
    """Two digits: more would claim a machine that stands still."""
    return f"{float(f'{value:.2g}'):,.0f}"
