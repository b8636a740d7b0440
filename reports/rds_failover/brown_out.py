"""The brown-out: a client's operations are answered again, and slow until p99 is back under twice that of before."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports import stats
from reports.findings import Finding
from reports.rds_failover.arms import client_words
from reports.rds_failover.cells import Case, Measured, Watch
from reports.words import count, seconds, span

TIMES = 2.0  # of p99 before
# A window's operations, reads and writes together: the fewest of which p99 isn't their maximum. At 10 ms, half a second of both.
WINDOW = 100
Floats = npt.NDArray[np.float64]


def findings(found: Measured, case: Case) -> Iterator[Finding]:
    """Of every client that watched."""
    for client in found.clients(case):
        watches = found.of_client(case, client)
        if watches:
            yield _of_client(found, case, client, watches)


def operations(watch: Watch) -> pd.DataFrame:
    """One row an operation, by when it was due: how long until it was answered, infinite where it wasn't; ``before`` the fault or not."""
    each = watch.rows.drop_duplicates("op_id").set_index("op_id")[["op", "due_ns"]]
    answered_ns = watch.answered.drop_duplicates("op_id").set_index("op_id")["t_end"].reindex(each.index)
    before = answered_ns < watch.injected_ns
    return each.assign(took_ns=(answered_ns - each["due_ns"]).fillna(math.inf), before=before).sort_values(
        "due_ns", kind="stable"
    )


def lasted_s(due_s: Floats, slow: npt.NDArray[np.bool_]) -> tuple[float, bool] | None:
    """Seconds from 0 to the first window none but 1 % of which is slow, and whether there was one; None for less than a window.

    ``due_s`` counts from when the client was back. By nearest rank p99 of 100 is the 99th: one of them may be slow.
    """
    if len(slow) < WINDOW:
        return None
    within = np.convolve(slow, np.ones(WINDOW, dtype=np.int64), mode="valid")
    good = np.flatnonzero(within <= WINDOW // 100)
    if not len(good):
        return float(due_s[len(within) - 1]), False
    return (float(due_s[good[0]]) if good[0] else 0.0), True


def _of_client(found: Measured, case: Case, client: str, watches: Sequence[Watch]) -> Finding:
    each = {watch.trial: operations(watch) for watch in watches}
    before = pd.concat([rows[rows["before"]] for rows in each.values()])
    if len(before) < WINDOW:
        reason = f"{count(len(before), 'operation')} before the fault are too few for a p99: it takes {WINDOW}"
        return found.absent(case, client, "brown_out_s", "s", reason)
    usual_ns = before.groupby("op")["took_ns"].quantile(0.99, interpolation="higher")
    back = [watch for watch in watches if watch.back]
    times = [time for watch in back if (time := _lasted(watch, each[watch.trial], usual_ns)) is not None]
    if not times:
        why = f"fewer than {WINDOW} operations were due after it was back" if back else "it didn't come back"
        return found.absent(case, client, "brown_out_s", "s", f"{client_words(client, case.engine)}: {why}")
    lasted = stats.median_of_trials(
        [time for time, ended in times if ended], [time for time, ended in times if not ended]
    )
    of_all = "" if len(times) == len(watches) else f" in which that could be told, of {len(watches)}"
    slow = f"p99 stayed above {TIMES:g} × before for {'at least ' if lasted.at_least else ''}{seconds(lasted.value)}"
    longest, ended = max(times)
    worst = f", worst {'' if ended else 'at least '}{seconds(longest)}" if longest or not ended else ""
    at_once = "p99 was within twice that of before at once"
    sentence = (
        f"{case.about}, once {client_words(client, case.engine)} was back after {case.after}: "
        f"{slow if lasted.value or lasted.at_least else at_once} (median{worst}; "
        f"{count(lasted.n, 'trial')}{of_all}{span(lasted.low, lasted.high, seconds)}; {found.on(case.engine)})."
    )
    finding = found.say(case, client, "brown_out_s", sentence, lasted, "s", "lower")
    figure_ms = 1e3 * lasted.value if lasted.value else math.inf
    return found.tool.exempt(finding, trials=[watch.trial for watch in back], figure_ms=figure_ms)


def _lasted(watch: Watch, operations_: pd.DataFrame, usual_ns: "pd.Series[float]") -> tuple[float, bool] | None:
    """Of one trial, from when the last of its probes was answered again."""
    after = operations_[operations_["due_ns"] >= watch.back_ns]
    slow = after["took_ns"].to_numpy() > TIMES * usual_ns.reindex(after["op"]).to_numpy()
    return lasted_s((after["due_ns"].to_numpy() - watch.back_ns) / 1e9, slow)
