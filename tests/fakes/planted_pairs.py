"""Run directories of two sides in interleaved pairs, with samples, whose latencies differ by a planted ratio."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from planted_answers import MS, PlantedAnswers, S
from planted_sides import A_RUN, BEGIN
from rundir import PlantedRun

from reports.build import analyse
from reports.findings import to_json

PAIRS, ROUNDS, ANSWERS = 6, 6, 40
SIDES = {"a": "boto3", "b": "lean"}
MEDIAN_MS, SIGMA = 2.0, 0.3
NO_FLOOR_PARTS = ("query", "scan")


def rows(rng: np.random.Generator, client: str, ms: Mapping[str, float]) -> Any:
    """Answers of a trial: log-normal around each arm's median; a Scan takes 300 read units, a Query 2.5."""

    def of_trial(about: Mapping[str, Any], number: int) -> Iterator[dict[str, Any]]:
        start, arm = about["trial"] * 1000 * S, str(about["arm"])
        for index, time in enumerate(ms[arm] * np.exp(rng.normal(0, SIGMA, ANSWERS))):
            at = start + index * S
            yield {
                **about, "question": "aircraft", "role": "report", "client": client, "op": "Scan" if arm == "scan" else "Query",
                "t_start": at, "t_end": at + round(time * MS), "read_units": 300.0 if arm == "scan" else 2.5, "pages": 1,
                "items_returned": 10, "items_scanned": 10, "bytes": 1000, "round_trips": 1,
            }  # fmt: skip

    return of_trial


def one_run(path: Path, place: int, client: str, level: float, rng: np.random.Generator, ratio: float) -> Path:
    """A run directory with its findings: a Query of ``level`` × 2 ms at the median and a Scan of fifteen times that."""
    planted = PlantedRun(path)
    started = BEGIN + place * A_RUN
    planted.manifest |= {
        "started": started.isoformat(), "ended": (started + A_RUN * 0.9).isoformat(),
        "config": {"scenarios": {"query_vs_scan": {"client": client}}}, "git": {"commit": "c0ffee", "dirty": False},
    }  # fmt: skip
    answers = PlantedAnswers(planted)
    answers.ask("arms", "aircraft", "1000", dict.fromkeys(NO_FLOOR_PARTS), table_items=1000)
    ms = {"query": MEDIAN_MS * level * ratio, "scan": 15 * MEDIAN_MS * level}
    answers.write(rounds=ROUNDS, rows_of=rows(rng, client, ms), rows=None)
    run = planted.load()
    findings = [finding for section in analyse(run) for finding in section.findings]
    (path / "findings.json").write_text(to_json(findings))
    return path


def make_pairs(folder: Path, *, ratio: float = 0.5, pairs: int = PAIRS, seed: int = 1) -> Path:
    """What ab leaves: boto3 as a, lean as b, whose Query takes ``ratio`` times as long; the level walks from pair to pair."""
    rng, listed = np.random.default_rng(seed), []
    folder.mkdir(parents=True, exist_ok=True)
    for pair in range(1, pairs + 1):
        level = float(np.exp(rng.normal(0, 0.05)))
        order = ["a", "b"] if rng.random() < 0.5 or pair == 1 else ["b", "a"]
        for place, side in enumerate(order):
            noisy = level * float(np.exp(rng.normal(0, 0.02)))
            path = folder / f"{side}-{pair:02}"
            one_run(path, 2 * pair + place, SIDES[side], noisy, rng, ratio if side == "b" else 1.0)
        listed.append({"pair": pair, "order": order, "a": f"a-{pair:02}", "b": f"b-{pair:02}"})
    document = {
        "schema": 1, "scenario": "query_vs_scan", "seed": seed, "looks": [[pairs, 0.95]], "ended": None, "pairs": listed,
        "sides": {side: {"name": name, "words": f"client={name}", "commit": None, "endpoint": None} for side, name in SIDES.items()},
    }  # fmt: skip
    (folder / "comparison.json").write_text(json.dumps(document))
    return folder
