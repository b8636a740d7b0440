"""How long a database was down, from what a probe saw of it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """From the last answer before it to the first after; where none came, to the last attempt, and ``ended`` is False."""

    begin_ns: int
    end_ns: int
    ended: bool

    @property
    def down_s(self) -> float:
        """Its length; the true one is shorter by at most two probe intervals."""
        return (self.end_ns - self.begin_ns) / 1e9


def longest_outage(probes: pd.DataFrame, *, after_ns: int) -> Outage:
    """The longest time without an answer that ends after ``after_ns``; ``probes`` are one probe's rows of one trial.

    The longest gap rather than the first: a dying server still answers what it had begun, after the fault was injected.
    """
    answered = np.sort(probes.loc[probes["outcome"] == "ok", "t_end"].to_numpy(dtype=np.int64))
    first_ns, last_ns = int(probes["t_start"].min()), int(probes["t_end"].max())
    ended = bool(len(answered)) and int(answered[-1]) == last_ns
    marks = np.unique(np.concatenate([[first_ns], answered, [last_ns]])).astype(np.int64)
    gaps = np.where(marks[1:] > after_ns, np.diff(marks), -1)
    place = int(gaps.argmax())
    return Outage(begin_ns=int(marks[place]), end_ns=int(marks[place + 1]), ended=ended or place < len(gaps) - 1)
