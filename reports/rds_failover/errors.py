"""What else a client met: errors for how long, ticks without a free connection, reads that went back in time."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from reports import stats
from reports.findings import Finding
from reports.rds_failover.arms import REFERENCE, client_words
from reports.rds_failover.cells import Case, Measured, Watch, counted
from reports.words import count, percent, seconds, span


def findings(found: Measured, case: Case) -> Iterator[Finding]:
    """Of every client that watched; reads of the server itself go to whichever zone answers, and can't go back."""
    for client in found.clients(case):
        watches = found.of_client(case, client)
        if watches:
            yield _error_window(found, case, client, watches)
            yield _blocked(found, case, client, watches)
            if client != REFERENCE:
                yield from _backward(found, case, client, watches)


def error_window_s(watch: Watch) -> float:
    """From the begin of the first attempt that failed after the fault to the end of the last; 0 where none did."""
    failed = watch.failed
    return 0.0 if failed.empty else float(failed["t_end"].max() - failed["t_start"].min()) / 1e9


def went_backward(reads: pd.DataFrame) -> int:
    """How many of these answered reads saw a smaller newest row than a read that had ended before they began."""
    known = reads[reads["seen_id"] >= 0].sort_values("t_end", kind="stable")
    newest = np.maximum.accumulate(known["seen_id"].to_numpy(dtype=np.int64))
    ended_before = np.searchsorted(known["t_end"].to_numpy(), known["t_start"].to_numpy(), side="left")
    later = ended_before > 0
    return int((newest[ended_before[later] - 1] > known["seen_id"].to_numpy()[later]).sum())


def _error_window(found: Measured, case: Case, client: str, watches: list[Watch]) -> Finding:
    times = [error_window_s(watch) for watch in watches]
    window = stats.median_of_trials(
        [error_window_s(watch) for watch in watches if watch.back],
        [error_window_s(watch) for watch in watches if not watch.back],
    )
    met = f"met errors for {'at least ' if window.at_least else ''}{seconds(window.value)} from the first to the last"
    what = met if window.value or window.at_least else "met no error in most trials" if any(times) else "met no error"
    sentence = (
        f"{case.about}, after {case.after}: {client_words(client, case.engine)} {what} (median, worst {seconds(max(times))}; "
        f"{count(window.n, 'trial')}{span(window.low, window.high, seconds)}; {found.on(case.engine)})."
    )
    finding = found.say(case, client, "error_window_s", sentence, window, "s", "lower")
    figure_ms = 1e3 * window.value if window.value else np.inf
    return found.tool.exempt(finding, trials=[watch.trial for watch in watches], figure_ms=figure_ms)


def _blocked(found: Measured, case: Case, client: str, watches: list[Watch]) -> Finding:
    after = [watch.rows[watch.rows["due_ns"] >= watch.injected_ns] for watch in watches]
    ticks = [rows.drop_duplicates("op_id") for rows in after]
    blocked = [int(rows["blocked"].sum()) for rows in ticks]
    if not sum(map(len, ticks)):
        return found.absent(case, client, "blocked_share", "share", "nothing was due after the fault")
    full = [(hit, len(rows)) for hit, rows in zip(blocked, ticks, strict=True) if len(rows)]
    share = stats.share_of_trials([hit for hit, _ in full], [total for _, total in full])
    connections = case.params.get("connections")
    most = "" if connections is None or pd.isna(connections) else f" of its {connections:g}"
    sentence = (
        f"{case.about}, after {case.after}: {client_words(client, case.engine)} had no free connection{most} at "
        f"{percent(share.value)} of {sum(total for _, total in full):,} ticks ({count(share.n, 'trial')}"
        f"{span(share.low, share.high, percent)}; {found.on(case.engine)})."
    )
    return found.tool.exempt(
        found.say(case, client, "blocked_share", sentence, share, "share", "lower"),
        trials=[watch.trial for watch in watches],
    )


def _backward(found: Measured, case: Case, client: str, watches: list[Watch]) -> Iterator[Finding]:
    reads = [watch.answered[watch.answered["seen_id"] >= 0] for watch in watches]
    total = sum(map(len, reads))
    if not total:
        return
    number_of = sum(map(went_backward, reads))
    sentence = (
        f"{case.about}, {case.fault.replace('_', ' ')}: {number_of:,} of {total:,} reads of {client_words(client, case.engine)} went "
        f"backwards: they saw an older newest row than a read that had ended before they began "
        f"({count(len(watches), 'trial')}, counted; {found.on(case.engine)})."
    )
    yield found.say(case, client, "backward_reads", sentence, counted(number_of, len(watches)), "reads", "lower")
