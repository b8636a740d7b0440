"""Shares of one cell: throttled, by which limit, served in the end, and how much of what was provisioned stayed unused."""

from collections.abc import Iterator

from reports import stats
from reports.capacity_modes.curves import arithmetic
from reports.capacity_modes.samples import Cell
from reports.capacity_modes.wording import Sayer, arm, by_arithmetic, case, sure
from reports.findings import Finding
from reports.words import percent


def throttled(sayer: Sayer, cell: Cell) -> Finding:
    """Throttled ÷ all attempts; B2's arithmetic is of requests that are asked once, and stands only beside those."""
    refused = cell.attempts.groupby("trial")["refused"]
    share = stats.share_of_trials(refused.sum().to_numpy(), refused.size().to_numpy())
    rule = by_arithmetic(cell) if cell.policy == "none" else ""
    sentence = (
        f"{case(cell)}, {arm(cell)}: {percent(share.value)} of {len(cell.attempts):,} {cell.kind} attempts were throttled "
        f"({sure(share, percent)}{rule}; {sayer.on(cell)})."
    )
    return sayer.say(cell, f"{cell.arm}.throttled_share", sentence, share, "share", "lower")


def by_reason(sayer: Sayer, cell: Cell) -> Iterator[Finding]:
    """The share of attempts that each limit refused, of those that refused any (ThrottlingReasons, B9)."""
    attempts = cell.attempts.groupby("trial").size()
    refused = cell.attempts.loc[cell.attempts["refused"], ["trial", "reason"]]
    for reason, trials in refused["trial"].groupby(refused["reason"].astype(object).fillna("not told")):
        of_trial = trials.groupby(trials).size().reindex(attempts.index, fill_value=0)
        share = stats.share_of_trials(of_trial.to_numpy(), attempts.to_numpy())
        sentence = (
            f"{case(cell)}, {arm(cell)}: {percent(share.value)} of {cell.kind} attempts were throttled for {reason} "
            f"({sure(share, percent)}; {sayer.on(cell)})."
        )
        id = f"{cell.arm}.throttled_by_reason"
        yield sayer.say(cell, id, sentence, share, "share", "lower", reason=str(reason))


def goodput(sayer: Sayer, cell: Cell) -> Finding:
    """Units of operations that were served, at whichever attempt, ÷ units demanded."""
    ops = cell.ops.assign(good=cell.ops["units"].where(cell.ops["served"], 0.0)).groupby("trial")
    share = stats.share_of_trials(ops["good"].sum().to_numpy(), ops["units"].sum().to_numpy())
    rule = arithmetic(cell)
    about = "" if rule is None or rule.share is None else f"; {rule.rule}'s arithmetic: {percent(1 - rule.share)}"
    sentence = (
        f"{case(cell)}, {arm(cell)}: {percent(share.value)} of the {cell.kind} units demanded were served in the end "
        f"({sure(share, percent)}{about}; {sayer.on(cell)})."
    )
    return sayer.say(cell, f"{cell.arm}.goodput_share", sentence, share, "share", "higher")


def headroom(sayer: Sayer, cell: Cell) -> Finding:
    """1 − units consumed ÷ unit-seconds provisioned; below 0 where the store that was full at first gave the rest."""
    consumed = cell.ops.groupby("trial")["consumed"].sum()
    shares = [1 - used / cell.provisioned_unit_s(int(str(trial))) for trial, used in consumed.items()]
    unused = stats.mean_of_trials(shares)
    if unused.value < 0:
        said = f"all {cell.kind} capacity was used, and {percent(-unused.value)} as much came from the store that was full at first"
    else:
        said = f"{percent(unused.value)} of the {cell.kind} capacity paid for stayed unused"
    sentence = f"{case(cell)}, {arm(cell)}: {said} ({sure(unused, percent)}; {sayer.on(cell)})."
    return sayer.say(cell, f"{cell.arm}.headroom_share", sentence, unused, "share", "none")
