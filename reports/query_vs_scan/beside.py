"""Beside a Scan: what was recorded of everyone else's reads, and of the job that reports meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reports import stats
from reports.samples import by_trial

PART = "neighbour"
ALONE = "alone"
# arm -> (what somebody does meanwhile, the reporting job) in words
ARMS: Mapping[str, tuple[str, str]] = {
    ALONE: ("nobody scans", "nobody"),
    "scan": ("somebody scans", "a Scan"),
    "paced_scan": ("somebody scans at a pace", "a paced Scan"),
    "parallel_scan_off_peak": ("somebody scans in parallel off-peak", "a parallel Scan off-peak"),
    "gsi_query": ("somebody asks an index", "a Query on an index"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One arm: a row for each read of everyone else, and the rows of the reporting job."""

    arm: str
    step: str
    client: str
    params: Mapping[str, Any]
    reads: pd.DataFrame
    report: pd.DataFrame

    @property
    def labels(self) -> dict[str, str]:
        """What tells its findings apart."""
        return {
            "part": PART, "question": "neighbour", "arm": self.arm, "step": self.step, "client": self.client,
            "op": "GetItem", "speed": f"{self.speed:g}", "loop": "open",
        }  # fmt: skip

    @property
    def meanwhile(self) -> str:
        """What somebody does meanwhile, in words."""
        return ARMS.get(self.arm, (f"{self.arm} runs", self.arm))[0]

    @property
    def job(self) -> str:
        """The reporting job in words."""
        return ARMS.get(self.arm, (self.arm, self.arm))[1]

    @property
    def speed(self) -> float:
        """Seconds of the service's clock in one of the wall's."""
        return float(self.params.get("speed", 1))

    @property
    def trials(self) -> list[int]:
        """The trials it was measured in."""
        return sorted(int(number) for number in self.reads["trial"].unique())

    def throttled(self) -> stats.Interval:
        """The share of reads that were throttled at least once."""
        by_trial = self.reads.groupby("trial")["throttled"]
        return stats.share_of_trials(by_trial.sum().to_numpy(), by_trial.size().to_numpy())

    def waits_ms(self) -> list[stats.Numbers]:
        """From when a read was due to its last attempt's end, service ms, of each trial."""
        return [rows["wait_ms"].to_numpy() for _, rows in by_trial(self.reads)]


def one_row_a_read(attempts: pd.DataFrame, speed: float) -> pd.DataFrame:
    """However often it was tried: from when it was due to its last attempt's end, in service ms."""
    due = attempts["t_intended"].where(attempts["t_intended"] >= 0).fillna(attempts["t_start"])
    told = attempts.assign(due=due, throttled=attempts["outcome"] == "throttled", served=attempts["outcome"] == "ok")
    by_read = told.groupby(["trial", "worker", "op_id"])
    reads = by_read.agg(
        due=("due", "min"), end=("t_end", "max"), throttled=("throttled", "any"), served=("served", "any")
    )
    reads["wait_ms"] = (reads["end"] - reads["due"]) / 1e6 * speed
    return reads.reset_index().sort_values(["trial", "due"])
