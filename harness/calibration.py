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

    ``cpu_us`` is CPU of the whole process an operation, recording and Locust included; ``offer_per_s`` are the operations
    that 80 % of a core make.
    """

    service: str
    client: str
    op: str
    floor_p50_us: float
    floor_p95_us: float
    floor_p99_us: float
    slots: int
    cpu_us: float
    offer_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What a calibration found."""

    machine: dict[str, Any]
    offers: tuple[Offer, ...]
    unavailable: dict[str, str]

    def as_json(self) -> str:
        """For programs."""
        record = {
            "machine": self.machine,
            "offers": [asdict(offer) for offer in self.offers],
            "unavailable": self.unavailable,
        }
        return json.dumps(record, indent=1)

    def lines(self) -> Iterator[str]:
        """For people."""
        machine = self.machine
        yield f"{machine['cpu']}, {machine['cores']} cores, {machine['os']}, kernel {machine['kernel']}"
        yield ""
        yield f"{'':22} {'floor p50':>10} {'p95':>9} {'p99':>9} {'CPU an op':>11} {'honest offer':>15}"
        for offer in self.offers:
            yield (
                f"{offer.service:22} {_us(offer.floor_p50_us):>10} {_us(offer.floor_p95_us):>9} {_us(offer.floor_p99_us):>9} "
                f"{_us(offer.cpu_us):>11} {_rounded(offer.offer_per_s):>13}/s"
            )
        for name, why in self.unavailable.items():
            yield f"{name}: not measured: {why}"
        slots = self.offers[0].slots if self.offers else 0
        yield ""
        yield "Floor: one operation in flight, answered by a process that does nothing; no latency measured here means more than"
        yield f"its excess over it. Honest offer: what 80 % of one core sends with {slots} in flight, recorded like any run."
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
    return Calibrated(machine=manifest["machine"], offers=offers, unavailable=entry["unavailable"])


def offers_of(entry: dict[str, Any], events: Sequence[dict[str, Any]]) -> tuple[Offer, ...]:
    """An offer of each floor in a scenario's entry, from the CPU that the trials of its client took."""
    at = {(event["kind"], event["trial"]): event for event in events}
    offers = []
    for floor in entry["floors"]:
        costs_us = []
        for trial in entry["trials"]:
            number = trial["trial"]
            took = at.get(("generator", number))
            if trial["arm"] == f"{floor['client']}.{floor['op']}" and took is not None and took["attempts"]:
                length_us = (at["trial_end", number]["t_ns"] - at["trial_begin", number]["t_ns"]) / 1e3
                costs_us.append(took["cpu_share"] * length_us / took["attempts"])
        if costs_us:
            offers.append(_offer(floor, entry["slots"], median(costs_us)))
    return tuple(offers)


def _offer(floor: dict[str, Any], slots: int, cpu_us: float) -> Offer:
    p50, p95, p99 = (median(trial[f"p{p}_ns"] for trial in floor["trials"]) / 1e3 for p in (50, 95, 99))
    name = floor["client"], floor["op"]
    return Offer(
        service=SERVICES.get(name, " ".join(name)), client=name[0], op=name[1], floor_p50_us=p50, floor_p95_us=p95,
        floor_p99_us=p99, slots=slots, cpu_us=cpu_us, offer_per_s=HONEST_SHARE * 1e6 / cpu_us,
    )  # fmt: skip


def _us(value_us: float) -> str:
    return f"{value_us:,.0f} µs"


def _rounded(value: float) -> str:
    """Two digits: more would claim a machine that stands still."""
    return f"{float(f'{value:.2g}'):,.0f}"
